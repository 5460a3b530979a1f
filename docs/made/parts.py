"""The tables of parts, from the catalog: criteria, networks, data sets, metrics and the rest."""

from collections.abc import Callable, Mapping
from typing import Any

from docs.made.markdown import table
from ganablate.catalog import (
    ACTIVATIONS,
    CRITERIA,
    DATASETS,
    EXTRACTORS,
    INITIALISERS,
    METRICS,
    NAMED_EXTRACTORS,
    NETWORKS,
    OPTIMIZERS,
    PENALTIES,
    PROBES,
    SCHEDULES,
    Column,
    Part,
)


def parts_table(lines: Mapping[str, Part], more: str, tell: Callable[[Any], str]) -> str:
    """A table of the catalog: name, what it is, one thing more, and its source."""
    rows = [[f"`{name}`", one.summary, tell(one), one.source] for name, one in lines.items()]
    return table(["name", "what it is", more, "source"], rows)


def training_parts() -> str:
    """Criteria, penalties, optimizers, schedules."""

    def brings(one: Any) -> str:
        clip = f", `d_weight_clip: {one.weight_clip}`" if one.weight_clip else ""
        return f"`d_steps: {one.d_steps}`{clip}"

    def usual(one: Any) -> str:
        return ", ".join(f"`{name}: {number:g}`" for name, number in one.settings.items())

    def weight(one: Any) -> str:
        return f"{one.default_weight:g}"

    return (
        "\n`criterion`:\n" + parts_table(CRITERIA, "brings", brings)
        + "`penalty`:\n" + parts_table(PENALTIES, "usual weight", weight)
        + "`optimizer`:\n" + parts_table(OPTIMIZERS, "its settings", usual)
        + "`lr_schedule`, or `constant`:\n" + _plain(SCHEDULES)
    )  # fmt: skip


def _plain(lines: Mapping[str, Part]) -> str:
    rows = [[f"`{name}`", one.summary, one.source] for name, one in lines.items()]
    return table(["name", "what it is", "source"], rows)


def network_parts() -> str:
    """Networks with their defaults, activations, initialisers."""

    def sizes(one: Any) -> str:
        return "any" if one.image_sizes is None else ", ".join(map(str, one.image_sizes))

    names = list(dict.fromkeys(name for one in NETWORKS.values() for name in one.defaults))
    rows = [
        [f"`{name}`", *(f"{one.defaults.get(name, '—')}" for one in NETWORKS.values())]
        for name in names
    ]
    return (
        "\n`network`:\n" + parts_table(NETWORKS, "image sizes", sizes)
        + "What each brings unless the study says otherwise:\n"
        + table(["setting", *(f"`{name}`" for name in NETWORKS)], rows)
        + "`activation`, `g_output`:\n" + _plain(ACTIVATIONS)
        + "`init`:\n" + _plain(INITIALISERS)
    )  # fmt: skip


def dataset_parts() -> str:
    """The data sets."""

    def shape(one: Any) -> str:
        colours = "colour" if one.channels == 3 else "grey"
        size = "own sizes" if one.image_size is None else f"{one.image_size} px"
        return f"{size}, {colours}" + ("; embedded" if one.embedded else "")

    return parts_table(DATASETS, "images", shape)


def _columns(columns: Mapping[str, Column]) -> list[list[str]]:
    better = {"min": "lower", "max": "higher", "none": "—"}
    return [
        [f"`{name}`", one.title, better[one.direction], one.unit, one.scale]
        for name, one in columns.items()
    ]


def metric_parts() -> str:
    """Metrics and probes, then their columns."""
    needs = {"losses": "losses", "features": "images"}
    head = ["name", "what it is", "of", "source"]
    measured = [[f"`{n}`", m.summary, needs[m.needs], m.source] for n, m in METRICS.items()]
    rows = [
        [f"`{metric}`", *row] for metric, line in METRICS.items() for row in _columns(line.columns)
    ]
    rows += [
        [f"`{probe}`", *row] for probe, line in PROBES.items() for row in _columns(line.columns)
    ]
    titles = ["of", "column", "title", "better", "unit", "compared as"]

    def drawn(one: Any) -> str:
        return "; ".join(one.pictures.values()) or "—"

    return (
        table(head, measured)
        + "## Probes\n\n`probes: [...]` looks closer at a finished trial.\n"
        + parts_table(PROBES, "draws", drawn)
        + "## Columns\n\nWhat `primary`, claims and `published` name.\n"
        + table(titles, rows)
    )  # fmt: skip


def extractor_parts() -> str:
    """The networks whose features images are measured with."""
    rows = [[f"`{name}`", one.summary, one.source] for name, one in EXTRACTORS.items()]
    rows += [[f"`{name}`", one.summary, one.source] for name, one in NAMED_EXTRACTORS.items()]
    return table(["name", "what it is", "source"], rows)

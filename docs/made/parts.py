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
    TRAINERS,
    Part,
)
from ganablate.metrics.weight_files import WEIGHTS, Card


def parts_table(
    lines: Mapping[str, Part], more: str = "", tell: Callable[[Any], str] | None = None
) -> str:
    """A table of the catalog: name, what it is, perhaps one thing more, and its source."""
    rows = [
        [f"`{name}`", part.summary, *([tell(part)] if tell else []), part.source]
        for name, part in lines.items()
    ]
    return table(["name", "what it is", *([more] if tell else []), "source"], rows)


def _brought(part: Part) -> str:
    settings = {name: value for name, value in part.brings.items() if value is not None}
    return ", ".join(f"`{name}: {value:g}`" for name, value in settings.items())


def training_parts() -> str:
    """Trainers, criteria, penalties, optimizers, schedules."""
    return (
        "\n`trainer`:\n" + parts_table(TRAINERS)
        + "`criterion`:\n" + parts_table(CRITERIA, "brings", _brought)
        + "`penalty`:\n"
        + parts_table(PENALTIES, "usual weight", lambda part: f"{part.default_weight:g}")
        + "`optimizer`:\n" + parts_table(OPTIMIZERS, "its settings", _brought)
        + "`lr_schedule`, or `constant`:\n" + parts_table(SCHEDULES)
    )  # fmt: skip


def _sizes(part: Any) -> str:
    return "any" if part.image_sizes is None else ", ".join(map(str, part.image_sizes))


def network_parts() -> str:
    """Networks with their defaults, activations, initialisers."""
    names = list(dict.fromkeys(name for part in NETWORKS.values() for name in part.defaults))
    rows = [
        [f"`{name}`", *(f"{part.defaults.get(name, '—')}" for part in NETWORKS.values())]
        for name in names
    ]
    return (
        "\n`network`:\n" + parts_table(NETWORKS, "image sizes", _sizes)
        + "What each brings unless the study says otherwise:\n"
        + table(["setting", *(f"`{name}`" for name in NETWORKS)], rows)
        + "`activation`, `g_output`:\n" + parts_table(ACTIVATIONS)
        + "`init`:\n" + parts_table(INITIALISERS)
    )  # fmt: skip


def _shape(part: Any) -> str:
    colours = "colour" if part.channels == 3 else "grey"
    size = "own sizes" if part.image_size is None else f"{part.image_size} px"
    return f"{size}, {colours}" + ("; embedded" if part.embedded else "")


def dataset_parts() -> str:
    """The data sets."""
    return parts_table(DATASETS, "images", _shape)


def metric_parts() -> str:
    """Metrics and probes, then their columns."""
    better = {"min": "lower", "max": "higher", "none": "—"}
    needs = {"losses": "losses", "features": "images"}
    head = ["name", "what it is", "of", "source"]
    measured = [[f"`{n}`", m.summary, needs[m.needs], m.source] for n, m in METRICS.items()]
    rows = [
        [f"`{of}`", f"`{name}`", column.title, better[column.direction], column.unit, column.scale]
        for of, part in [*METRICS.items(), *PROBES.items()]
        for name, column in part.columns.items()
    ]
    titles = ["of", "column", "title", "better", "unit", "compared as"]
    return (
        table(head, measured)
        + "## Probes\n\n`probes: [...]` looks closer at a finished trial.\n"
        + parts_table(PROBES, "draws", lambda part: "; ".join(part.pictures.values()) or "—")
        + "## Columns\n\nWhat `primary`, claims and `published` name.\n"
        + table(titles, rows)
    )  # fmt: skip


def extractor_parts() -> str:
    """The networks whose features images are measured with."""
    return parts_table({**EXTRACTORS, **NAMED_EXTRACTORS})


def known_distances() -> str:
    """FID of sets of which anyone can say which is worse, by the extractors' cards."""
    cards = {name: Card.of(WEIGHTS / line.weights) for name, line in EXTRACTORS.items()}
    head = ("compared with the test split", *cards)
    rows = [
        (name, *(f"{card.distances[name]:.3g}" for card in cards.values()))
        for name in next(iter(cards.values())).distances
    ]
    rows += [
        ("*effective dimension*", *(f"{card.effective_dimension:.0f}" for card in cards.values())),
        ("*test accuracy*", *(f"{card.test_accuracy:.1%}" for card in cards.values())),
    ]
    return table(head, rows)

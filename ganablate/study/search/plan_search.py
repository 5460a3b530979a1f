"""Plans the searches of a study at a budget, and says what is wrong with them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

from ganablate.catalog import METRICS, PROBES, SETTINGS, metric_columns, probe_columns
from ganablate.catalog.settings import reads
from ganablate.config import TrialConfig
from ganablate.study.arms.identity import search_id, search_seed
from ganablate.study.arms.layout import Layout, Row
from ganablate.study.arms.resolve import FIELDS, Configs, Resolution, Stack, finish
from ganablate.study.arms.settings import Layer
from ganablate.study.plan import FULL
from ganablate.study.reading.errors import Fault, KeyPath, dotted
from ganablate.study.reading.fields import Position
from ganablate.study.schema import Study
from ganablate.study.search.arm_search import SEARCH_TRIALS, ArmSearch, Search
from ganablate.study.search.space import Space, read_space

VERSION = 1
"""Raised when the same search would try other values than before."""


def spaces_at(study: Study, label: str) -> tuple[dict[str, Space], list[Fault], dict[str, KeyPath]]:
    """The spaces at a budget, what is wrong with them, and where each is written."""
    spaces: dict[str, Space] = {}
    faults: list[Fault] = []
    paths: dict[str, KeyPath] = {}
    restated = study.budget(label).restated
    for name, own in study.search.items():
        key = f"search.{name}"
        path: KeyPath = ("budgets", label, key) if key in restated else ("search", name)
        given = restated.get(key, own)
        try:
            spaces[name] = read_space(name, given)
        except ValueError as error:
            faults.append(Fault(path, f"{dotted(path)}: {error}"))
        paths[name] = path
    return spaces, faults, paths


def plan_search(study: Study, label: str, rows: Iterable[Row]) -> Search | None:
    """The searches of these arms, with what was found in them; None: the study has none.

    Raises:
        ValueError: the settings of an arm do not fit: see `Configs.of`.
    """
    if not study.search:
        return None
    spaces, _, _ = spaces_at(study, label)
    budget = study.budget(label)
    trials = budget.search_trials or study.search_trials or SEARCH_TRIALS
    length = budget.search_length or study.search_length
    mode: Literal["min", "max"] = "max" if _direction(study) == "max" else "min"
    how = {
        "version": VERSION,
        "trials": trials,
        "asha": False,  # what a former version could ask for; the names of searches have it
        "column": study.primary,
        "mode": mode,
        "extractor": study.extractor_at(label),
    }
    make = Configs(0)
    arms: dict[str, ArmSearch] = {}
    for row in rows:
        owners = _owners(spaces, row.resolution.values)
        if not owners or row.resolution.data is None:
            continue
        own = {name: space for name, space in spaces.items() if name in owners.values()}
        base = _of_length(make.of(row.resolution), length)
        seed = search_seed(study.seed, null=row.null)
        data_id = row.resolution.data.data_id
        written = {name: [space.kind, *space.values] for name, space in own.items()}
        content = {**how, "spaces": written, "fields": sorted(owners), "seed": seed}
        name = search_id(base, data_id, content)
        arms[row.name] = ArmSearch(
            arm=row.name,
            search_id=name,
            base=base,
            data_id=data_id,
            spaces=own,
            owners=owners,
            trials=trials,
            mode=mode,
            seed=seed,
            ended=study.searches.get(name, ()),
        )
    return Search(spaces, trials, _words(length), study.primary, mode, arms)


def with_found(resolution: Resolution, search: ArmSearch) -> Resolution:
    """The settings of an arm with the values that its search found, if it did."""
    if search.found is None:
        return resolution
    values = {**resolution.values, **search.fields(search.found.values)}
    return Resolution(
        values, resolution.faults, resolution.data, tuple(values.get(name) for name in FIELDS)
    )


def _owners(spaces: Mapping[str, Space], values: Mapping[str, Any]) -> dict[str, str]:
    """Field -> the setting that searches it, of the fields that the arm has.

    `g_` and `d_` forms win over the form for both, as everywhere in a study.
    """
    shared_first = sorted(spaces, key=lambda name: len(SETTINGS[name].fields), reverse=True)
    return {
        field: name
        for name in shared_first
        for field in SETTINGS[name].fields
        if reads(values, field)
    }


def _of_length(config: TrialConfig, length: Position | None) -> TrialConfig:
    if length is None:
        return config
    if length.unit == "share":
        unit = "epochs" if config.epochs is not None else "iterations"
        amount = (config.epochs or config.iterations or 0) * length.amount
    else:
        unit, amount = length.unit, length.amount
    whole = {"epochs": None, "iterations": None, unit: max(1, int(amount + 0.5))}
    return config.model_copy(update=whole)


def _words(length: Position | None) -> str:
    if length is None:
        return "each as long as the arm's own"
    return f"each {length} of the arm's own" if length.unit == "share" else f"each of {length}"


def _direction(study: Study) -> str | None:
    metrics = [name for name in study.metrics if name in METRICS]
    probes = [name for name in study.probes if name in PROBES]
    found = {**metric_columns(metrics), **probe_columns(probes)}.get(study.primary)
    return None if found is None else found.direction


# --- what is wrong ---


def search_faults(study: Study, label: str, layout: Layout) -> Iterator[Fault]:
    """Everything that is wrong with the search of a study at a budget; its names are known."""
    if not study.search:
        if label == FULL:
            yield from _without_a_search(study)
        return
    spaces, faults, paths = spaces_at(study, label)
    yield from faults
    if label == FULL and _direction(study) == "none":
        message = (
            f"search: the search goes by the primary metric, and {study.primary} has no better "
            "and worse; name another one as primary"
        )
        yield Fault(("primary",), message)
    searched: set[str] = set()
    for row in layout.rows:
        yield from _varied_too(row, spaces, paths)
        if not row.resolution.faults:
            owners = _owners(spaces, row.resolution.values)
            searched |= set(owners.values())
            yield from _outside(study, row, spaces, owners, paths)
    if layout.rows and not layout.faults:
        for name in spaces.keys() - searched:
            message = f"{dotted(paths[name])}: no arm has this setting; leave it out"
            yield Fault(paths[name], message)


def _without_a_search(study: Study) -> Iterator[Fault]:
    for key in ("search_trials", "search_length"):
        if getattr(study, key) is not None:
            message = (
                f"{key}: the study searches nothing; give `search: {{lr: ...}}`, or leave it out"
            )
            yield Fault((key,), message)


def _varied_too(
    row: Row, spaces: Mapping[str, Space], paths: Mapping[str, KeyPath]
) -> Iterator[Fault]:
    for name in spaces:
        if set(SETTINGS[name].fields) & set(row.changes):
            message = (
                f"{dotted(paths[name])}: the arm {row.name} sets it as well; a setting is either "
                "varied by arms or searched inside each"
            )
            yield Fault(paths[name], message)


def _outside(
    study: Study,
    row: Row,
    spaces: Mapping[str, Space],
    owners: Mapping[str, str],
    paths: Mapping[str, KeyPath],
) -> Iterator[Fault]:
    """Values that are allowed by themselves, and not together with the arm's other settings."""
    given = {name: value for name, value in row.resolution.values.items() if name != "channels"}
    for name, space in spaces.items():
        fields = [field for field, owner in owners.items() if owner == name]
        for value in space.values if fields else ():
            layer = Layer(dict.fromkeys(fields, value), dict.fromkeys(fields, paths[name]))
            tried = finish(Stack({**given, **layer.values}, (layer,)), study.folders)
            for fault in tried.faults:
                if fault.path == paths[name]:
                    yield Fault(fault.path, f"{dotted(fault.path)}: {fault.message}")

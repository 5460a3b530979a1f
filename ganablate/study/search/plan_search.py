"""Plans the searches of a study at a budget, and checks them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ganablate.catalog import METRICS, PROBES, SETTINGS, metric_columns, probe_columns
from ganablate.catalog.settings import reads
from ganablate.config import TrialConfig, derive_seed
from ganablate.study.arms.configs import Configs
from ganablate.study.arms.identity import search_id
from ganablate.study.arms.layout import Layout, Row
from ganablate.study.arms.resolve import Stack, finish
from ganablate.study.arms.settings import Layer
from ganablate.study.plan import FULL
from ganablate.study.reading.errors import Fault, KeyPath, dotted
from ganablate.study.reading.fields import Position
from ganablate.study.schema import Study
from ganablate.study.search.arm_search import SEARCH_TRIALS, ArmSearch, Mode, Search
from ganablate.study.search.space import Space, read_space

VERSION = 1
"""Raised when the same search would try other values than before."""


def plan_search(study: Study, label: str, rows: Iterable[Row]) -> Search | None:
    """The searches of these arms, with their trials that have ended; None: the study has none.

    Raises:
        ValueError: the settings of an arm do not fit: see `Configs.of`.
    """
    if not study.search:
        return None
    spaces = {name: read_space(name, given) for name, (given, _) in _given(study, label).items()}
    budget = study.budget(label)
    trials = budget.search_trials or study.search_trials or SEARCH_TRIALS
    length = budget.search_length or study.search_length
    mode: Mode = "max" if _direction(study) == "max" else "min"
    configs = Configs()
    arms: dict[str, ArmSearch] = {}
    for row in rows:
        owners = _owners(spaces, row.resolution.values)
        if not owners or row.resolution.data is None:
            continue
        arm_spaces = {name: space for name, space in spaces.items() if name in owners.values()}
        base = _of_length(configs.of(row.resolution).config(0), length)
        seed = derive_seed(study.seed, "null arm search" if row.null else "search")
        data_id = row.resolution.data.data_id
        content = {
            "version": VERSION,
            "trials": trials,
            "asha": False,  # what a former version could ask for; the names of searches have it
            "column": study.primary,
            "mode": mode,
            "extractor": study.extractor_at(label),
            "spaces": {name: [space.kind, *space.values] for name, space in arm_spaces.items()},
            "fields": sorted(owners),
            "seed": seed,
        }
        name = search_id(base, data_id, content)
        arms[row.name] = ArmSearch(
            arm=row.name,
            search_id=name,
            base=base,
            data_id=data_id,
            spaces=arm_spaces,
            owners=owners,
            trials=trials,
            mode=mode,
            seed=seed,
            ended=study.searches.get(name, ()),
        )
    return Search(spaces, trials, _words(length), study.primary, mode, arms)


def _given(study: Study, label: str) -> dict[str, tuple[object, KeyPath]]:
    """Setting -> its space as it is written at a budget, and where that is."""
    restated = study.budget(label).restated
    given: dict[str, tuple[object, KeyPath]] = {}
    for name, space in study.search.items():
        key = f"search.{name}"
        place: KeyPath = ("budgets", label, key) if key in restated else ("search", name)
        given[name] = restated.get(key, space), place
    return given


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
    unit: str = length.unit
    amount = length.amount
    if unit == "share":
        unit = "epochs" if config.epochs is not None else "iterations"
        amount *= config.epochs or config.iterations or 0
    update = {"epochs": None, "iterations": None, unit: max(1, int(amount + 0.5))}
    return config.model_copy(update=update)


def _words(length: Position | None) -> str:
    if length is None:
        return "each as long as the arm's own"
    return f"each {length} of the arm's own" if length.unit == "share" else f"each of {length}"


def _direction(study: Study) -> str | None:
    metrics = [name for name in study.metrics if name in METRICS]
    probes = [name for name in study.probes if name in PROBES]
    column = {**metric_columns(metrics), **probe_columns(probes)}.get(study.primary)
    return None if column is None else column.direction


def search_faults(study: Study, label: str, layout: Layout) -> Iterator[Fault]:
    """Everything that is wrong with the search of a study at a budget; its names are right."""
    if label == FULL:
        yield from _fault_of_keys(study)
    spaces: dict[str, Space] = {}
    paths: dict[str, KeyPath] = {}
    for name, (given, path) in _given(study, label).items():
        try:
            spaces[name] = read_space(name, given)
            paths[name] = path
        except ValueError as error:
            yield Fault(path, f"{dotted(path)}: {error}")
    searched: set[str] = set()
    for row in layout.rows if spaces else ():
        for name, path in paths.items():
            if set(SETTINGS[name].fields) & set(row.changes):
                message = (
                    f"{dotted(path)}: the arm {row.name} sets it as well; a setting is either "
                    "varied by arms or searched inside each"
                )
                yield Fault(path, message)
        if not row.resolution.faults:
            owners = _owners(spaces, row.resolution.values)
            searched |= set(owners.values())
            yield from _misfits(study, row, spaces, owners, paths)
    if layout.rows and not layout.faults:
        for name in spaces.keys() - searched:
            message = f"{dotted(paths[name])}: no arm has this setting; leave it out"
            yield Fault(paths[name], message)


def _fault_of_keys(study: Study) -> Iterator[Fault]:
    if study.search and _direction(study) == "none":
        message = (
            f"search: the search goes by the primary metric, and {study.primary} has no better "
            "and worse; name another one as primary"
        )
        yield Fault(("primary",), message)
    for key in ("search_trials", "search_length"):
        if getattr(study, key) is not None and not study.search:
            fix = "give `search: {lr: ...}`, or leave it out"
            yield Fault((key,), f"{key}: the study searches nothing; {fix}")


def _misfits(
    study: Study,
    row: Row,
    spaces: Mapping[str, Space],
    owners: Mapping[str, str],
    paths: Mapping[str, KeyPath],
) -> Iterator[Fault]:
    """Values that are allowed by themselves, and not together with the arm's other settings."""
    given = {name: value for name, value in row.resolution.values.items() if name != "channels"}
    for name, space in spaces.items():
        path = paths[name]
        fields = [field for field, owner in owners.items() if owner == name]
        for value in space.values if fields else ():
            layer = Layer(dict.fromkeys(fields, value), dict.fromkeys(fields, path))
            tried = finish(Stack({**given, **layer.values}, (layer,)), study.folders)
            for fault in tried.faults:
                if fault.path == path:
                    yield Fault(path, f"{dotted(path)}: {fault.message}")

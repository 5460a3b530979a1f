"""Expands a study to the ordered trials of one budget."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ganablate.catalog import DATASETS, FOLDER_PREFIX, family_of
from ganablate.study.arms.configs import Configs
from ganablate.study.arms.grid import MOST_TRIALS, arms_at
from ganablate.study.arms.identity import null_seed, replicate_seed
from ganablate.study.arms.layout import Layout, Row, lay_out
from ganablate.study.arms.resolve import fields
from ganablate.study.claims.claims import with_names
from ganablate.study.plan import FULL, Arm, Cross, Plan, PublishedNumber, Trial
from ganablate.study.points import Point
from ganablate.study.reach import Reach, reach_of
from ganablate.study.reading.errors import Problem, StudyError
from ganablate.study.reading.wording import unknown
from ganablate.study.schema import MOST_REPLICATES, Study
from ganablate.study.search.arm_search import Search
from ganablate.study.search.plan_search import plan_search
from ganablate.text import counted

Replicates = int | Mapping[str, int] | None
"""How often each arm is trained, or some of them; None: as the study says."""


def expand(
    study: Study,
    budget: str | None = None,
    *,
    replicates: Replicates = None,
    arms: Sequence[str] | None = None,
) -> Plan:
    """The plan of a study at a budget (the study's default one if None).

    `replicates`, 1 to 1000, replaces the study's and the budget's number, for all arms or, as
    {arm: number}, for some; `arms` leaves only the arms named (d_dropout=0 finds d_dropout=0.0, the
    name of a paired group all its arms). Trials that both plans hold keep their ids.

    Raises:
        StudyError: there is no such budget or arm, or the study was not loaded by `load_study`
            and is wrong.
    """
    label = study.default_budget if budget is None else budget
    count_of = _counts(study, label, replicates)
    layout = lay_out(study, label)
    if layout.faults:
        raise _error(study, [fault.message for fault in layout.faults])
    try:
        search = plan_search(study, label, layout.rows)
        all_rows = [_with_best(row, search) for row in layout.rows] if search else layout.rows
        rows = all_rows if arms is None else _chosen(study, layout, all_rows, arms)
        baseline = all_rows[0] if layout.baseline else None
        planned, trials = _planned(study, rows, baseline, count_of, search)
    except ValueError as error:
        raise _error(study, [str(error)]) from None
    names = {row.name for row in rows}
    evaluations = study.budget(label).evaluations or study.evaluations
    return Plan(
        study=study.name,
        budget=label,
        primaries=study.primaries,
        metrics=study.metrics,
        arms=tuple(planned),
        trials=tuple(trials),
        excluded=tuple(layout.excluded),
        asks=study.asks,
        replicates=max((trial.replicate for trial in trials), default=0) + 1,
        probes=study.probes,
        folders=_folders(study, planned),
        evaluations=evaluations,
        published=tuple(_published(study, layout, names)),
        claims=tuple(
            with_names(claim, lambda name: layout.names.find(name) or name)
            for claim in study.claims
        ),
        substitutes=_substitutes(study, layout) if label != FULL else {},
        reach=_reach(study, label, planned),
        cross=_cross(study, layout, names),
        points=_points(study, evaluations),
        extractor=study.extractor_at(label),
        search=_among(search, names),
        seed=study.seed,
        components=_components(layout, rows),
    )


def _error(study: Study, messages: Iterable[str], option: str = "") -> StudyError:
    return StudyError([Problem(f"study {study.name}{option}", message) for message in messages])


def _counts(study: Study, label: str, replicates: Replicates) -> Callable[[str], int]:
    """Arm -> how often it is trained, if there is such a budget and not too much is asked."""
    if label not in study.budget_names:
        message = unknown("a budget of this study", label, study.budget_names)
        raise _error(study, [message], ", --budget")
    usual = study.budget(label).replicates or study.replicates
    by_arm = replicates if isinstance(replicates, Mapping) else {}
    if isinstance(replicates, int):
        usual = replicates
    arms = arms_at(study, label)
    for count in (usual, *by_arm.values()):
        if not 1 <= count <= MOST_REPLICATES:
            message = f"{counted(count, 'replicate')}; 1 to {MOST_REPLICATES} are allowed"
            raise _error(study, [message], ", --replicates")
    if not by_arm and arms * usual > MOST_TRIALS:
        message = (
            f"{usual:,} replicates of {arms:,} arms; at most {MOST_TRIALS:,} trials are planned"
        )
        raise _error(study, [message], ", --replicates")
    return lambda arm: by_arm.get(arm, usual)


def _with_best(row: Row, search: Search | None) -> Row:
    """The arm with the best values of its search, if that has come to its end."""
    arm = search.arms.get(row.name) if search is not None else None
    if arm is None or arm.best is None:
        return row
    return replace(row, resolution=row.resolution.with_values(arm.fields(arm.best.values)))


def _among(search: Search | None, names: Collection[str]) -> Search | None:
    """The searches of these arms alone."""
    if search is None:
        return None
    return replace(search, arms={name: arm for name, arm in search.arms.items() if name in names})


def _changes(row: Row, baseline: Row | None) -> Mapping[str, Any]:
    """The settings of an arm that are not the baseline's; without one, those that it gives."""
    arm = row.resolution
    if baseline is None:
        return {name: arm.get(name) for name in row.changes}
    first = baseline.resolution
    if not first.differs:
        return arm.differs
    changed = (name for name in fields() if arm.get(name) != first.get(name))
    return {name: arm.get(name) for name in changed}


def _chosen(study: Study, layout: Layout, rows: list[Row], names: Sequence[str]) -> list[Row]:
    arms_of: dict[str, list[str]] = {}
    for name in names:
        arm = layout.names.find(name)
        arms_of[name] = layout.names.group(name) if arm is None else [arm]
    if refusals := [layout.names.refusal(name) for name, arms in arms_of.items() if not arms]:
        raise _error(study, refusals, ", --arm")
    chosen = {arm for arms in arms_of.values() for arm in arms}
    return [row for row in rows if row.name in chosen]


def _folders(study: Study, arms: Iterable[Arm]) -> tuple[tuple[str, int], ...]:
    """The folders that some arm is trained on, and the number of their images."""
    datasets = {arm.config.dataset for arm in arms}
    folders = ((FOLDER_PREFIX + name, folder.images) for name, folder in study.folders.items())
    return tuple((name, images) for name, images in folders if name in datasets)


def _points(study: Study, evaluations: int) -> dict[str, Point]:
    """The columns that do not show the end, where there is more than that."""
    points = study.points.items() if evaluations > 1 else ()
    return {name: point for name, point in points if point.kind != "last"}


def _published(study: Study, layout: Layout, planned: set[str]) -> Iterator[PublishedNumber]:
    for number in study.published:
        arm = layout.names.find(number.arm)
        if arm is not None and arm in planned:
            name = number.metric or number.quantity or ""
            yield PublishedNumber(
                arm, number.metric, name, number.value, number.protocol, number.source
            )


def _cross(study: Study, layout: Layout, planned: set[str]) -> Cross | None:
    if not layout.cells:
        return None
    baseline = layout.baseline.name if layout.baseline else None
    cells = (cell for cell, arm in layout.cells.items() if arm is not None and arm == baseline)
    first = next(cells, next(iter(layout.cells)))
    columns = zip(study.cross, first, zip(*layout.cells, strict=True), strict=True)
    return Cross(
        {factor: tuple(dict.fromkeys((level, *levels))) for factor, level, levels in columns},
        {cell: arm for cell, arm in layout.cells.items() if arm in planned},
    )


def _components(layout: Layout, rows: Sequence[Row]) -> dict[str, tuple[str, ...]]:
    """What the study removes -> the arms whose settings are all those that they have without it."""
    return {
        component: tuple(
            row.name
            for row in rows
            if all(row.resolution.get(name) == value for name, value in without.items())
        )
        for component, without in layout.components.items()
    }


def _substitutes(study: Study, layout: Layout) -> dict[str, tuple[str, str]]:
    """The arms whose data set is of another family than at the budget full: (there, here)."""
    at_full = {row.name: row.resolution.get("dataset") for row in lay_out(study, FULL).rows}
    first = next(iter(at_full.values()), None)
    substitutes = {}
    for row in layout.rows:
        # An arm that only this budget has is taken to be meant for the data set of the baseline.
        full, here = at_full.get(row.name, first), row.resolution.get("dataset")
        if full is not None and here is not None and family_of(full) != family_of(here):
            substitutes[row.name] = (str(full), str(here))
    return substitutes


def _reach(study: Study, label: str, arms: Sequence[Arm]) -> dict[str, Reach]:
    """How near each arm comes to its training at the budget full; empty: no claim asks for it."""
    if label == FULL or not study.claims:
        return {}
    layout, configs, reach = lay_out(study, FULL), Configs(), {}
    if layout.faults:
        raise _error(study, [fault.message for fault in layout.faults])
    at_full, first = {row.name: row for row in layout.rows}, layout.rows[0]
    for arm in arms:
        # An arm that only this budget has is measured by the baseline, as in `_substitutes`.
        full = configs.of(at_full.get(arm.name, first).resolution).config(arm.config.seed)
        here, whole = (_images(study, config.dataset) for config in (arm.config, full))
        reach[arm.name] = reach_of(arm.config, here, full, whole)
    return reach


def _images(study: Study, dataset: str) -> int:
    """Images of a data set's training split."""
    if dataset in DATASETS:
        return DATASETS[dataset].images
    return study.folders[dataset.removeprefix(FOLDER_PREFIX)].images


def _planned(
    study: Study,
    rows: Iterable[Row],
    baseline: Row | None,
    count_of: Callable[[str], int],
    search: Search | None,
) -> tuple[list[Arm], list[Trial]]:
    """The arms of these rows and their trials, replicates inside the arm.

    Trials of an arm that waits for its search have ids that no trained trial has.
    """
    waiting = search.open if search is not None else ()
    most = max((count_of(row.name) for row in rows), default=0)
    shared = [replicate_seed(study.seed, replicate) for replicate in range(most)]
    null = [null_seed(study.seed, replicate) for replicate in range(most) if study.null_arm]
    configs = Configs()
    arms: list[Arm] = []
    trials: list[Trial] = []
    for row in rows:
        assert row.resolution.data is not None
        data_id, name = row.resolution.data.data_id, row.name
        made = configs.of(row.resolution)
        seeds = (null if row.null else shared)[: count_of(name)]
        changes = _changes(row, baseline)
        arms.append(Arm(name, changes, row.compare_to, made.config(seeds[0]), row.null))
        content = f"{data_id}, before its search" if name in waiting else data_id
        for replicate, trial_id in enumerate(made.ids(content, seeds)):
            config = made.config(seeds[replicate]) if replicate else arms[-1].config
            trials.append(Trial(trial_id, name, replicate, config, data_id))
    return arms, trials

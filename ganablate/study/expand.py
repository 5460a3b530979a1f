"""Expands a study to the ordered trials of one budget."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from ganablate.catalog import FOLDER_PREFIX, family_of
from ganablate.config import TrialConfig
from ganablate.study.arms.grid import MOST_TRIALS, arms_at
from ganablate.study.arms.identity import null_seed, replicate_seed, trial_ids
from ganablate.study.arms.layout import Layout, Row, lay_out
from ganablate.study.arms.resolve import FIELDS, Configs
from ganablate.study.claims.claims import with_names
from ganablate.study.plan import FULL, Arm, Cross, Plan, PublishedNumber, Trial
from ganablate.study.points import Point
from ganablate.study.reading.errors import Problem, StudyError
from ganablate.study.reading.wording import unknown
from ganablate.study.schema import MOST_REPLICATES, Study
from ganablate.study.search.arm_search import Search
from ganablate.study.search.plan_search import plan_search

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
        all_rows = [_with_best(row, search) for row in layout.rows]
        rows = all_rows if arms is None else _chosen(study, layout, all_rows, arms)
        configs = _configs(study, rows)
    except ValueError as error:
        raise _error(study, [str(error)]) from None
    first = all_rows[0] if layout.baseline else None
    planned = [_arm(row, first, config) for row, config in zip(rows, configs, strict=True)]
    names = {row.name for row in rows}
    counted = [(row, arm, count_of(row.name)) for row, arm in zip(rows, planned, strict=True)]
    trials = tuple(_trials(study, counted, search))
    evaluations = study.budget(label).evaluations or study.evaluations
    return Plan(
        study=study.name,
        budget=label,
        primary=study.primary,
        metrics=study.metrics,
        arms=tuple(planned),
        trials=trials,
        excluded=tuple(layout.excluded),
        asks=study.asks,
        replicates=max((trial.replicate for trial in trials), default=0) + 1,
        probes=study.probes,
        folders=_folders(study, configs),
        evaluations=evaluations,
        published=tuple(_published(study, layout, names)),
        claims=tuple(
            with_names(claim, lambda name: layout.names.find(name) or name)
            for claim in study.claims
        ),
        substitutes=_substitutes(study, layout),
        cross=_cross(study, layout, names),
        points=_points(study, evaluations),
        extractor=study.extractor_at(label),
        search=_among(search, names),
        seed=study.seed,
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
            message = f"{count} replicates; 1 to {MOST_REPLICATES} are allowed"
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
    values = {**row.resolution.values, **arm.fields(arm.best.values)}
    return replace(row, resolution=replace(row.resolution, values=values))


def _among(search: Search | None, names: Collection[str]) -> Search | None:
    """The searches of these arms alone."""
    if search is None:
        return None
    return replace(search, arms={name: arm for name, arm in search.arms.items() if name in names})


def _configs(study: Study, rows: Sequence[Row]) -> list[TrialConfig]:
    """The settings of each arm's first replicate."""
    configs = Configs()
    shared, null = replicate_seed(study.seed, 0), null_seed(study.seed, 0)
    return [configs.config(row.resolution, null if row.null else shared) for row in rows]


def _chosen(study: Study, layout: Layout, rows: list[Row], names: Sequence[str]) -> list[Row]:
    arms_of: dict[str, list[str]] = {}
    for name in names:
        arm = layout.names.find(name)
        arms_of[name] = layout.names.group(name) if arm is None else [arm]
    if refusals := [layout.names.refusal(name) for name, arms in arms_of.items() if not arms]:
        raise _error(study, refusals, ", --arm")
    chosen = {arm for arms in arms_of.values() for arm in arms}
    return [row for row in rows if row.name in chosen]


def _folders(study: Study, configs: Sequence[TrialConfig]) -> tuple[tuple[str, int], ...]:
    """The folders that some arm is trained on, and the number of their images."""
    datasets = {config.dataset for config in configs}
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


def _substitutes(study: Study, layout: Layout) -> dict[str, tuple[str, str]]:
    """The arms whose data set is of another family than at the budget full: (there, here)."""
    at_full = {row.name: row.resolution.values.get("dataset") for row in lay_out(study, FULL).rows}
    first = next(iter(at_full.values()), None)
    substitutes = {}
    for row in layout.rows:
        # An arm that only this budget has is taken to be meant for the data set of the baseline.
        full, here = at_full.get(row.name, first), row.resolution.values.get("dataset")
        if full is not None and here is not None and family_of(full) != family_of(here):
            substitutes[row.name] = (str(full), str(here))
    return substitutes


def _arm(row: Row, baseline: Row | None, config: TrialConfig) -> Arm:
    values = row.resolution.values
    changed: Iterable[str] = row.changes
    if baseline is not None:
        base = baseline.resolution.values
        changed = (name for name in FIELDS if values.get(name) != base.get(name))
    changes = {name: values.get(name) for name in changed}
    return Arm(row.name, changes, row.compare_to, config, row.null)


def _trials(
    study: Study, arms: Sequence[tuple[Row, Arm, int]], search: Search | None
) -> Iterator[Trial]:
    """The trials of all arms, each of which is trained so often; replicates inside the arm.

    Those of an arm that waits for its search have ids that no trained trial has.
    """
    waiting = search.open if search is not None else ()
    replicates = range(max((count for _, _, count in arms), default=0))
    shared = [replicate_seed(study.seed, replicate) for replicate in replicates]
    null = [null_seed(study.seed, replicate) for replicate in replicates if study.null_arm]
    for row, arm, count in arms:
        assert row.resolution.data is not None
        data_id = row.resolution.data.data_id
        seeds = (null if row.null else shared)[:count]
        content = f"{data_id}, before its search" if row.name in waiting else data_id
        for replicate, trial_id in enumerate(trial_ids(arm.config, content, seeds)):
            config = arm.config
            if replicate:
                config = config.model_copy(update={"seed": seeds[replicate]})
            yield Trial(trial_id, arm.name, replicate, config, data_id)

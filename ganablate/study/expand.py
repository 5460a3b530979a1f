"""Expands a study to the ordered trials of one budget."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

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
from ganablate.study.search.plan_search import plan_search, with_found

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
    layout = _layout(study, label, replicates)
    try:
        search, found = _searched(study, label, layout)
        rows = found if arms is None else _chosen(study, layout, found, arms)
        configs = _configs(study, rows)
    except ValueError as error:
        raise StudyError([Problem(f"study {study.name}", str(error))]) from None
    first = found[0] if layout.has_baseline and found else None
    planned = [_arm(row, first, config) for row, config in zip(rows, configs, strict=True)]
    times = _times(study, label, replicates)
    waiting = search.open if search is not None else ()
    counts = map(times, (row.name for row in rows))
    trials = tuple(_trials(study, list(zip(rows, planned, counts, strict=True)), waiting))
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
        folders=tuple(_folders(study, configs)),
        evaluations=evaluations,
        published=tuple(_published(study, layout, planned)),
        claims=tuple(
            with_names(claim, lambda name: layout.names.find(name) or name)
            for claim in study.claims
        ),
        substitutes=_substitutes(study, layout),
        cross=_cross(study, layout, planned),
        points=_points(study, evaluations),
        extractor=study.extractor_at(label),
        search=None if search is None else search.of([row.name for row in rows]),
    )


def _layout(study: Study, label: str, replicates: Replicates) -> Layout:
    """The layout at a budget, if there is one and it may be trained so often."""
    if label not in study.budget_names:
        message = unknown("a budget of this study", label, study.budget_names)
        raise StudyError([Problem(f"study {study.name}, --budget", message)])
    _check_counts(study, label, replicates)
    layout = lay_out(study, label)
    if layout.faults:
        raise StudyError([Problem(f"study {study.name}", fault.message) for fault in layout.faults])
    return layout


def _searched(study: Study, label: str, layout: Layout) -> tuple[Search | None, list[Row]]:
    """The searches of all arms, and the arms with what was found in them."""
    search = plan_search(study, label, layout.rows)
    if search is None:
        return None, layout.rows
    arms = search.arms
    return search, [
        replace(row, resolution=with_found(row.resolution, arms[row.name]))
        if row.name in arms
        else row
        for row in layout.rows
    ]


def _configs(study: Study, rows: Sequence[Row]) -> list[TrialConfig]:
    """The settings of each arm's first replicate."""
    make = Configs(replicate_seed(study.seed, 0))
    other = {"seed": null_seed(study.seed, 0)}
    configs = ((row, make.of(row.resolution)) for row in rows)
    return [config.model_copy(update=other) if row.null else config for row, config in configs]


def _usual(study: Study, label: str) -> int:
    return study.budget(label).replicates or study.replicates


def _times(study: Study, label: str, replicates: Replicates) -> Callable[[str], int]:
    """Arm -> how often it is trained."""
    usual = _usual(study, label)
    if isinstance(replicates, Mapping):
        return lambda arm: replicates.get(arm, usual)
    return lambda _: usual if replicates is None else replicates


def _check_counts(study: Study, label: str, replicates: Replicates) -> None:
    usual, arms = _usual(study, label), arms_at(study, label)
    several = isinstance(replicates, Mapping)
    counts = [usual, *replicates.values()] if isinstance(replicates, Mapping) else [replicates]
    most = max(usual if count is None else count for count in counts)
    wrong = [count for count in counts if count is not None and not 1 <= count <= MOST_REPLICATES]
    message = ""
    if wrong:
        message = f"{wrong[-1]} replicates; 1 to {MOST_REPLICATES} are allowed"
    elif not several and arms * most > MOST_TRIALS:
        message = (
            f"{most:,} replicates of {arms:,} arms; at most {MOST_TRIALS:,} trials are planned"
        )
    if message:
        raise StudyError([Problem(f"study {study.name}, --replicates", message)])


def _chosen(study: Study, layout: Layout, rows: list[Row], names: Sequence[str]) -> list[Row]:
    found: set[str] = set()
    wrong: list[str] = []
    for name in names:
        arm = layout.names.find(name)
        several = layout.names.group(name) if arm is None else [arm]
        found.update(several)
        if not several:
            wrong.append(layout.names.refusal(name))
    if wrong:
        place = f"study {study.name}, --arm"
        raise StudyError([Problem(place, message) for message in wrong])
    return [row for row in rows if row.name in found]


def _folders(study: Study, configs: Sequence[TrialConfig]) -> Iterator[tuple[str, int]]:
    """The folders that some arm is trained on, and the number of their images."""
    used = {config.dataset for config in configs}
    for name, folder in study.folders.items():
        if f"{FOLDER_PREFIX}{name}" in used:
            yield f"{FOLDER_PREFIX}{name}", folder.images


def _published(study: Study, layout: Layout, arms: list[Arm]) -> Iterator[PublishedNumber]:
    planned = {arm.name for arm in arms}
    for number in study.published:
        arm = layout.names.find(number.arm)
        if arm is not None and arm in planned:
            name = number.metric or number.quantity or ""
            yield PublishedNumber(
                arm, number.metric, name, number.value, number.protocol, number.source
            )


def _points(study: Study, evaluations: int) -> dict[str, Point]:
    """The columns that do not show the end, where there is more than that."""
    if evaluations == 1:
        return {}
    return {name: point for name, point in study.points.items() if point.kind != "last"}


def _cross(study: Study, layout: Layout, arms: list[Arm]) -> Cross | None:
    if not layout.cells:
        return None
    planned = {arm.name for arm in arms}
    baseline = layout.baseline.name if layout.baseline else None
    own = (cell for cell, arm in layout.cells.items() if arm is not None and arm == baseline)
    first = next(own, next(iter(layout.cells)))
    columns = zip(study.cross, first, zip(*layout.cells, strict=True), strict=True)
    return Cross(
        {factor: tuple(dict.fromkeys((level, *levels))) for factor, level, levels in columns},
        {cell: arm for cell, arm in layout.cells.items() if arm in planned},
    )


def _substitutes(study: Study, layout: Layout) -> dict[str, tuple[str, str]]:
    """The arms whose data set is of another family than at the budget full: (there, here)."""
    there = lay_out(study, FULL)
    meant = {row.name: row.resolution.values.get("dataset") for row in there.rows}
    first = next(iter(meant.values()), None)
    found = {}
    for row in layout.rows:
        # An arm that only this budget has is taken to be meant for the data set of the baseline.
        full, here = meant.get(row.name, first), row.resolution.values.get("dataset")
        if full is not None and here is not None and family_of(full) != family_of(here):
            found[row.name] = (str(full), str(here))
    return found


def _arm(row: Row, baseline: Row | None, config: TrialConfig) -> Arm:
    values = row.resolution.values
    changes: dict[str, Any]
    if baseline is None:
        changes = {name: values.get(name) for name in row.changes}
    else:
        base = baseline.resolution.values
        changes = {name: values.get(name) for name in FIELDS if values.get(name) != base.get(name)}
    return Arm(row.name, changes, row.compare_to, config, row.null)


def _trials(
    study: Study, arms: Sequence[tuple[Row, Arm, int]], waiting: Collection[str]
) -> Iterator[Trial]:
    """The trials of all arms, each of which is trained so often; replicates inside the arm.

    Those of an arm that waits for its search have ids that no trained trial has.
    """
    replicates = range(max((count for _, _, count in arms), default=0))
    shared = [replicate_seed(study.seed, replicate) for replicate in replicates]
    apart = [null_seed(study.seed, replicate) for replicate in replicates if study.null_arm]
    for row, arm, count in arms:
        assert row.resolution.data is not None
        data_id, first = row.resolution.data.data_id, arm.config
        seeds = (apart if row.null else shared)[:count]
        named = f"{data_id}, before its search" if row.name in waiting else data_id
        for replicate, trial_id in enumerate(trial_ids(first, named, seeds)):
            update = {"seed": seeds[replicate]}
            config = first.model_copy(update=update) if replicate else first
            yield Trial(trial_id, arm.name, replicate, config, data_id)

"""`run --until-decided`: more replicates, look by look, for the arms that are not decided yet.

An arm is decided once it has a verdict in each primary metric: a study asks about all of them, and
arms that stopped at the first would leave the others open for good. It gets no further replicates
where another verdict has hardly a chance.

The schedule of looks is declared before the first one and kept in `looks.csv`, together with the
arms that go on after each look: a run that was killed goes on from there.
`ganablate.report.stats.sequential` says how a schedule differs that is declared after a report was
seen.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace

from ganablate.project.folders import Project
from ganablate.report.analysis import read_record
from ganablate.report.claims.judgement import UNDECIDED, Judgement
from ganablate.report.files import report_lock
from ganablate.report.frames.history import looked_plan, read_history
from ganablate.report.frames.look_file import add_look, looks_lock, looks_path
from ganablate.report.frames.looks import (
    Look,
    complete_replicates,
    decided_arms,
    is_whole,
    look_at,
    schedules,
)
from ganablate.report.stats.effects import ONE, OPEN
from ganablate.report.stats.sequential import (
    FUTILE,
    added_level,
    chances,
    declared_looks,
    look_levels,
)
from ganablate.study.expand import expand
from ganablate.study.plan import Plan
from ganablate.study.reading.errors import Problem, StudyError
from ganablate.study.schema import Study

MOST = 10
"""Replicates of an arm at the last look, unless `--max-replicates` says otherwise."""
_FEWEST = 2
"""Nothing can be tested with fewer, so the first look waits for them."""


@dataclass(frozen=True)
class _Schedule:
    """Declared looks with their levels; `taken` of them were taken."""

    declared: tuple[int, ...]
    levels: tuple[float, ...]
    taken: int = 0


def run_until_decided(
    project: Project,
    study: Study,
    budget: str | None,
    most: int | None,
    *,
    sweep: Callable[[Plan], bool],
    say: Callable[[str], None],
) -> None:
    """Run the study, then add replicates until every arm is decided, futile, or at the most.

    `most` are the replicates at the last look; None: `MOST`, or as declared by the run that this
    one goes on from. `sweep` trains every trial of a plan, and returns whether all are complete:
    where not, that is no look, and the end. `say` gets one line a look.

    Raises:
        StudyError: There is no such budget, `most` is less than the study's replicates, or it is
            not what was declared.
        ValueError: A csv file of the results cannot be read as one.
    """
    swept = False
    while True:
        plan, looks = looked_plan(study, budget, project.results)
        schedule = _schedule(plan, looks, most)
        continuing = tuple(arm.name for arm in plan.arms)
        if schedule is not None and looks:
            if schedule.taken == 0 and not _is_trained(project, plan) and not sweep(plan):
                return
            continuing = looks[-1].goes_on
            if schedule.taken == 0:
                continuing = _look(project, plan, schedule, may_end=False).goes_on
        if schedule is None or not continuing:
            if not swept:
                sweep(plan)
            return
        wider = _grown(study, plan, continuing, schedule.declared[schedule.taken])
        if not sweep(wider):
            return
        swept = True
        with report_lock(wider, project.trials), looks_lock(project.trials):
            look = _look(project, wider, schedule)
            folder = project.result(wider)
            add_look(looks_path(folder), look, read_history(wider, folder).lost)
        say(_line(look, schedule))


def _is_trained(project: Project, plan: Plan) -> bool:
    """Whether every trial is complete: looks at a part of them may be those of another study."""
    return is_whole(read_record(plan, project.result(plan), project.trials).trials)


def _schedule(plan: Plan, looks: tuple[Look, ...], most: int | None) -> _Schedule | None:
    """The schedule that the next look is of; None: there is no further look."""
    end = MOST if most is None else most
    if not looks:
        first = max(plan.replicates, _FEWEST)
        if end < first:
            message = f"--max-replicates {end}: the first look needs {first}; give at least these"
            raise StudyError([Problem(f"study {plan.study}", message)])
        declared = declared_looks(first, end)
        return _Schedule(declared, look_levels(declared, added_level(0)))
    last = looks[-1]
    taken = sum(look.declared == last.declared for look in looks)
    is_ours = (last.study, last.budget) == (plan.study, plan.budget)
    if is_ours and last.kind == "adaptive" and taken < len(last.declared) and last.goes_on:
        if most not in (None, last.declared[-1]):
            numbers = ", ".join(map(str, last.declared))
            message = (
                f"--max-replicates {most}: looks at {numbers} replicates were declared before the "
                "first of them, and levels rest on it; go on without --max-replicates"
            )
            raise StudyError([Problem(f"study {plan.study}", message)])
        total = added_level(schedules(looks) - 1)
        return _Schedule(last.declared, look_levels(last.declared, total), taken)
    if end <= max(last.most, *last.declared, 0):
        return None
    declared = declared_looks(last.most, end)[1:]
    return _Schedule(declared, look_levels(declared, added_level(schedules(looks))))


def _grown(study: Study, plan: Plan, continuing: Collection[str], count: int) -> Plan:
    """The plan with `count` replicates of continuing arms and of those they are compared with."""
    references = {arm.compare_to for arm in plan.arms if arm.name in continuing}
    counts = {
        name: max(number, count) if name in {*continuing, *references} else number
        for name, number in Counter(trial.arm for trial in plan.trials).items()
    }
    return expand(study, plan.budget, replicates=counts)


def _look(project: Project, plan: Plan, schedule: _Schedule, *, may_end: bool = True) -> Look:
    """The verdicts of a look at the plan's trials, and which arms continue after it.

    None do after the last look, if this `may_end` the schedule: before one of further looks it is
    the look that they go on from.
    """
    level = schedule.levels[schedule.taken]
    analysis = replace(read_record(plan, project.result(plan), project.trials), alpha=level)
    judged = list(analysis.judged.values())
    undecided = dict.fromkeys(
        name
        for effects in judged
        for name, effect in effects.by_arm.items()
        if effect.verdict in (OPEN, ONE)
    )
    chance = chances(judged, schedule.declared[-1], schedule.levels[-1])
    futile = tuple(name for name in undecided if chance.get(name, 1.0) < FUTILE)
    continuing: set[str] = set()
    if not may_end or schedule.taken < len(schedule.declared) - 1:
        continuing = undecided.keys() - {*futile}
        continuing.update(_arms_of_open_claims(analysis.claims, undecided, futile))
    replicates = complete_replicates(analysis.trials, plan)
    return replace(
        look_at(plan, "adaptive", replicates, level, schedule.declared),
        decided=decided_arms(judged),
        set_aside=futile,
        goes_on=tuple(a.name for a in plan.arms if a.name in continuing and not a.null),
    )


def _arms_of_open_claims(
    judged: Iterable[Judgement], undecided: Collection[str], futile: Collection[str]
) -> Iterator[str]:
    """The arms for which undecided claims need more replicates.

    A comparison needs none of a futile arm, and if it is of several arms, none of decided ones.
    """
    for claim in judged:
        if claim.verdict not in UNDECIDED:
            continue
        for name in claim.arms:
            is_decided = len(claim.arms) > 1 and name not in undecided
            if claim.kind != "compare" or not (name in futile or is_decided):
                yield name


def _line(look: Look, schedule: _Schedule) -> str:
    numbers = ", ".join(map(str, schedule.declared))
    continuing = f"{len(look.goes_on)} go on" if look.goes_on else "none goes on"
    return (
        f"look {schedule.taken + 1} of at most {len(schedule.declared)} (at {numbers} replicates), "
        f"level {look.level:g}: {len(look.decided)} decided, {len(look.set_aside)} set aside, "
        f"{continuing}"
    )

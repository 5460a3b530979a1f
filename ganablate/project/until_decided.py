"""`run --until-decided`: more replicates, look by look, for the arms that are not decided yet.

The schedule of looks is declared before the first one and kept in `looks.csv`, together with the
arms that go on after each look: a run that was killed goes on from there. How a schedule that is
declared after a report was seen differs is told in `ganablate.report.stats.sequential`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from ganablate.files import write_text
from ganablate.report.analysis import read_local
from ganablate.report.claims.judgement import CANNOT_TELL, Judgement
from ganablate.report.files import report_lock
from ganablate.report.frames.looks import (
    LOOKS,
    Look,
    complete_replicates,
    decided_arms,
    looked_plan,
    looks_csv,
    reference_trial,
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
    """Declared looks with their levels, and how many of them were taken."""

    declared: tuple[int, ...]
    levels: tuple[float, ...]
    taken: int

    @property
    def ends(self) -> bool:
        """Whether the next look is the last."""
        return self.taken == len(self.declared) - 1


def run_until_decided(  # noqa: PLR0913 - what, how far, with what, where, who listens
    study: Study,
    budget: str | None,
    most: int | None,
    *,
    sweep: Callable[[Plan], int],
    trials_root: Path,
    results_root: Path,
    say: Callable[[str], None],
) -> int:
    """Run the study, then add replicates until every arm is decided, set aside, or at the most.

    Args:
        study: The study.
        budget: Of the study; None: its default one.
        most: Replicates at the last look; None: `MOST`, or as declared by the run that this
            one goes on from.
        sweep: Brings every trial of a plan to completion; returns an exit code, 0 if it did.
        trials_root: The folder of trial folders.
        results_root: The folder of results.
        say: Is told one line a look.

    Returns:
        The exit code: 0, or that of the sweep that was not completed. That one is no look.

    Raises:
        StudyError: There is no such budget, `most` is less than the study's replicates, or it is
            not what was declared.
        ValueError: A csv file of the record cannot be read as one.
    """
    swept = False
    while True:
        plan, looks = looked_plan(study, budget, results_root)
        schedule = _schedule(plan, looks, most)
        goes_on = tuple(arm.name for arm in plan.arms)
        if schedule is not None and looks:
            goes_on = looks[-1].goes_on
            if schedule.taken == 0:
                goes_on = _found(plan, schedule, trials_root, results_root, taken=False).goes_on
        if schedule is None or not goes_on:
            return 0 if swept else sweep(plan)
        wider = _grown(study, plan, goes_on, schedule.declared[schedule.taken])
        code = sweep(wider)
        if code:
            return code
        swept = True
        with report_lock(wider, trials_root):
            look = _found(wider, schedule, trials_root, results_root)
            write_text(_folder(wider, results_root) / LOOKS, looks_csv([*looks, look]))
        say(_line(look, schedule))


def _schedule(plan: Plan, looks: tuple[Look, ...], most: int | None) -> _Schedule | None:
    """The schedule that the next look is of; None: there is no further look."""
    last = looks[-1] if looks else None
    if last is not None and last.kind == "adaptive":
        taken = sum(look.declared == last.declared for look in looks)
        if taken < len(last.declared) and last.goes_on:
            _refuse_another(plan, last, most)
            total = added_level(schedules(looks) - 1)
            return _Schedule(last.declared, look_levels(last.declared, total), taken)
    end = MOST if most is None else most
    if last is None:
        first = max(plan.replicates, _FEWEST)
        if end < first:
            message = f"--max-replicates {end}: the first look needs {first}; give at least these"
            raise StudyError([Problem(f"study {plan.study}", message)])
        declared = declared_looks(first, end)
        return _Schedule(declared, look_levels(declared, added_level(0)), 0)
    if end <= max(last.most, *last.declared, 0):
        return None
    declared = declared_looks(last.most, end)[1:]
    return _Schedule(declared, look_levels(declared, added_level(schedules(looks))), 0)


def _refuse_another(plan: Plan, last: Look, most: int | None) -> None:
    if most is not None and most != last.declared[-1]:
        numbers = ", ".join(map(str, last.declared))
        message = (
            f"--max-replicates {most}: looks at {numbers} replicates were declared before the "
            "first of them, and levels rest on it; go on without --max-replicates"
        )
        raise StudyError([Problem(f"study {plan.study}", message)])


def _grown(study: Study, plan: Plan, goes_on: tuple[str, ...], count: int) -> Plan:
    """The plan with `count` replicates of the arms that go on and of those they are compared to."""
    others = {arm.compare_to for arm in plan.arms if arm.name in goes_on}
    counts = {arm.name: _count(plan, arm.name) for arm in plan.arms}
    counts |= {name: max(n, count) for name, n in counts.items() if name in {*goes_on, *others}}
    return expand(study, plan.budget, replicates=counts)


def _count(plan: Plan, arm: str) -> int:
    return sum(trial.arm == arm for trial in plan.trials)


def _folder(plan: Plan, results_root: Path) -> Path:
    return results_root / plan.study / plan.budget


def _found(
    plan: Plan, schedule: _Schedule, trials_root: Path, results_root: Path, *, taken: bool = True
) -> Look:
    """What a look at the plan's trials finds, and which arms go on after it.

    Before a schedule of further looks (not `taken`) it is the one that they go on from.
    """
    level, end = schedule.levels[schedule.taken], schedule.levels[-1]
    analysis = replace(read_local(plan, trials_root, _folder(plan, results_root)), alpha=level)
    effects = analysis.effects
    by_arm = {} if effects is None else effects.by_arm
    undecided = [name for name, effect in by_arm.items() if effect.verdict in (OPEN, ONE)]
    aside: tuple[str, ...] = ()
    if effects is not None:
        known = chances(effects, schedule.declared[-1], end)
        aside = tuple(name for name in undecided if known.get(name, 1.0) < FUTILE)
    goes_on: tuple[str, ...] = ()
    if not (taken and schedule.ends):
        claimed = {*_claimed(analysis.claims, {*undecided}, {*aside})}
        continuing = {*undecided} - {*aside} | claimed
        goes_on = tuple(a.name for a in plan.arms if a.name in continuing and not a.null)
    return Look(
        kind="adaptive",
        declared=schedule.declared,
        replicates=complete_replicates(analysis.trials, plan),
        level=level,
        decided=decided_arms(analysis.table),
        set_aside=aside,
        goes_on=goes_on,
        reference=reference_trial(plan),
    )


def _claimed(judged: tuple[Judgement, ...], undecided: set[str], aside: set[str]) -> Iterator[str]:
    """The arms of claims that are not decided.

    A comparison feeds no arm that will hardly be told apart, and one of several arms feeds those
    alone that are not decided themselves.
    """
    for claim in judged:
        if claim.verdict != CANNOT_TELL:
            continue
        for name in claim.arms:
            compared = claim.kind == "compare"
            if compared and (name in aside or (len(claim.arms) > 1 and name not in undecided)):
                continue
            yield name


def _line(look: Look, schedule: _Schedule) -> str:
    numbers = ", ".join(map(str, schedule.declared))
    parts = [f"{len(look.decided)} decided", f"{len(look.set_aside)} set aside"]
    parts.append(f"{len(look.goes_on)} go on" if look.goes_on else "none goes on")
    return (
        f"look {schedule.taken + 1} of at most {len(schedule.declared)} (at {numbers} replicates), "
        f"level {look.level:g}: {', '.join(parts)}"
    )

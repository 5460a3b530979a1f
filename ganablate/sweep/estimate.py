"""How long trials that are still to be trained will take, and in which order they run.

Nothing here imports torch or ray.
"""

import heapq
import math
import statistics
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ganablate.study.plan import Arm, Plan, Trial
from ganablate.sweep.costs import Cost, Costs, conditions_of, work_of
from ganablate.sweep.profile import Profile
from ganablate.trials.folder import TrialFolder
from ganablate.trials.needs import Measurements, measurements_of

START_SECONDS = 14.0
"""From the start of a sweep to its first training step: Ray, and torch in each worker; measured."""
BETWEEN_SECONDS = 0.3
"""From the end of a trial to the first step of the next one of that worker; measured."""
LEAST_WIDTH = 0.1
"""Of the interval, to each side: what was measured is of minutes ago, the sweep is of hours."""
_ENOUGH = 4
"""Ratios from which the interval is taken; with fewer it is `_UNSURE` to each side."""
_UNSURE = 0.25
_ALIKE = 1.2
"""Trials whose costs differ by less than this factor run in plan order."""


@dataclass(frozen=True, kw_only=True)
class Span:
    """Seconds: what is likely, and an interval.

    Its ends are what it would take if the machine were, all the time, as fast as in the fastest
    tenth of what was measured, or as slow as in the slowest tenth; at least a tenth to each side.
    """

    low: float
    likely: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """What the trials still to be trained will take.

    Attributes:
        wall: From the start of the sweep to the end of its last trial.
        working: Of all trials together.
        slots: Trials at a time.
        trials: Trials that it is about.
        each: Arm -> seconds of one of its trials that starts from nothing.
        of_trials: Arms known from complete trials; the others are from rehearsals.
        unknown: Arms with trials still to be trained that nothing is known of; they are not in it.
    """

    wall: Span
    working: Span
    slots: int
    trials: int
    each: Mapping[str, float]
    of_trials: frozenset[str]
    unknown: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Priced:
    """An arm of a plan with what one of its trials costs; None: it is not known."""

    arm: Arm
    first: Trial
    wanted: Measurements
    work: str
    iterations: int
    cost: Cost | None

    def left(self, reached: int) -> float:
        """Seconds of a trial of which so many iterations are done."""
        assert self.cost is not None
        measurings = sum(at > reached for at in self.wanted.stops(self.iterations))
        return self.cost.seconds(self.iterations - reached, measurings)


def priced(plan: Plan, waiting: Collection[str], costs: Costs) -> list[Priced]:
    """The arms of a plan with trials still to be trained, in plan order.

    Args:
        plan: The plan.
        waiting: Ids of its trials that are not complete.
        costs: What is known.
    """
    wanted = measurements_of([plan])
    first: dict[str, Trial] = {}
    complete: dict[str, list[Trial]] = {}
    for trial in plan.trials:
        if trial.trial_id in waiting:
            first.setdefault(trial.arm, trial)
        else:
            complete.setdefault(trial.arm, []).append(trial)
    kinds: dict[str, tuple[str, int]] = {}
    trials: dict[tuple[str, int], list[Trial]] = {}
    for arm in plan.arms:
        some = first.get(arm.name) or next(iter(complete.get(arm.name, ())), None)
        if some is None:
            continue  # a part of the plan was asked for, without this arm's trials
        kind = work_of(some, wanted[some.trial_id]), _iterations(plan, arm)
        kinds[arm.name] = kind
        trials.setdefault(kind, []).extend(complete.get(arm.name, ()))
    known = {
        kind: costs.of_trials(trials[kind]) or costs.rehearsed(kind[0])
        for kind in dict.fromkeys(kinds[name] for name in first)
    }
    return [
        Priced(
            arm=arm,
            first=first[arm.name],
            wanted=wanted[first[arm.name].trial_id],
            work=kinds[arm.name][0],
            iterations=kinds[arm.name][1],
            cost=known[kinds[arm.name]],
        )
        for arm in plan.arms
        if arm.name in first
    ]


def _iterations(plan: Plan, arm: Arm) -> int:
    images = plan.images_of(arm.config.dataset)
    return arm.config.total_iterations(max(images, arm.config.batch_size))


def seconds_left(
    plan: Plan, waiting: Collection[str], arms: Sequence[Priced], trials_root: Path
) -> dict[str, float]:
    """Trial id -> seconds that it will still take, of those of which the cost is known.

    What was trained of a trial up to its newest checkpoint is taken off.
    """
    known = {one.arm.name: one for one in arms if one.cost is not None}
    begun = {path.name for path in trials_root.iterdir()} if trials_root.is_dir() else set()
    whole = {name: one.left(0) for name, one in known.items()}
    found = {}
    for trial in plan.trials:
        if trial.trial_id in waiting and trial.arm in known:
            seconds = whole[trial.arm]
            if trial.trial_id in begun:
                reached = TrialFolder(trials_root, trial.trial_id).reached
                seconds = known[trial.arm].left(min(reached, known[trial.arm].iterations))
            found[trial.trial_id] = seconds
    return found


def estimate(
    plan: Plan, waiting: Collection[str], arms: Sequence[Priced], costs: Costs, trials_root: Path
) -> Estimate | None:
    """What the trials of a plan that wait will take; None where nothing is known of any.

    Args:
        plan: The plan.
        waiting: Ids of its trials that are not complete.
        arms: As `priced` has them.
        costs: What they were priced from.
        trials_root: Holds one folder a trial.
    """
    seconds = seconds_left(plan, waiting, arms, trials_root)
    if not seconds:
        return None
    slots = costs.conditions.slots
    work = longest_first(list(seconds), seconds)
    low, high = _factors([one.cost for one in arms if one.cost is not None])
    total = sum(seconds.values())
    wall = _makespan([seconds[id_] + BETWEEN_SECONDS for id_ in work], slots)
    return Estimate(
        wall=Span(
            low=START_SECONDS + wall * low,
            likely=START_SECONDS + wall,
            high=START_SECONDS + wall * high,
        ),
        working=Span(low=total * low, likely=total, high=total * high),
        slots=min(slots, len(seconds)),
        trials=len(seconds),
        each={one.arm.name: one.left(0) for one in arms if one.cost is not None},
        of_trials=frozenset(one.arm.name for one in arms if one.cost and one.cost.trials),
        unknown=tuple(one.arm.name for one in arms if one.cost is None),
    )


def _factors(costs: Sequence[Cost]) -> tuple[float, float]:
    """What the likely seconds are multiplied by at the ends of the interval."""
    distinct = {id(cost): cost for cost in costs}.values()
    ratios = [ratio for cost in distinct if len(cost.ratios) > 1 for ratio in cost.ratios]
    if len(ratios) < _ENOUGH:
        return 1 - _UNSURE, 1 + _UNSURE
    tenths = statistics.quantiles(ratios, n=10, method="inclusive")
    return min(tenths[0], 1 - LEAST_WIDTH), max(tenths[-1], 1 + LEAST_WIDTH)


def _makespan(seconds: Sequence[float], slots: int) -> float:
    """When the last trial ends if each goes, in this order, to the slot that is free first."""
    free = [0.0] * slots
    for each in seconds:
        heapq.heapreplace(free, free[0] + each)
    return max(free)


def running_order(
    plans: Sequence[Plan], pending: Sequence[str], profile: Profile, runs: Path
) -> list[int]:
    """Where the trials that are to be run stand among `pending`, in the order of `longest_first`.

    Args:
        plans: That they are of.
        pending: Their ids, in plan order.
        profile: How they are executed.
        runs: Holds trials/ and costs/.
    """
    places = {id_: place for place, id_ in enumerate(pending)}
    seconds: dict[str, float] = {}
    for plan in plans:
        costs = Costs(runs, conditions_of(profile, len(plan.trials)))
        waiting = [trial.trial_id for trial in plan.trials if trial.trial_id in places]
        if not waiting or costs.know_nothing(plan, waiting):
            continue
        arms = priced(plan, places.keys(), costs)
        seconds |= seconds_left(plan, places.keys(), arms, runs / "trials")
    return [places[id_] for id_ in longest_first(pending, seconds)]


def longest_first(ids: Sequence[str], seconds: Mapping[str, float]) -> list[str]:
    """The order in which trials run: those of unknown cost, then the longest, then the others.

    So that none that is long begins last, beside slots that have nothing to do. In plan order
    where the costs that are known are alike, and among trials that differ by less than `_ALIKE`.
    """
    known = [seconds[id_] for id_ in ids if seconds.get(id_, 0.0) > 0]
    if not known or max(known) < _ALIKE * min(known):
        return list(ids)
    longest = max(known)

    def rank(id_: str) -> int:
        own = seconds.get(id_, 0.0)
        return -1 if own <= 0 else int(math.log(longest / own) / math.log(_ALIKE))

    return sorted(ids, key=rank)

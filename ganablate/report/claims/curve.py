"""Claims about the course of training: a table of the shapes that a curve may be claimed to have.

Points and a trend lie within a trial: each trial gives one number, and their mean is tested over
the trials by Student's t. Spread, reaching a level and settling are compared between arms.
"""

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from scipy.stats import kendalltau

from ganablate.catalog import Scale
from ganablate.report.claims.evidence import ROUNDING, Evidence, Trajectory
from ganablate.report.claims.hypothesis import (
    PerTrial,
    hypothesis_of,
    judge_per_trial,
    margin_of,
    scale_of,
    side_of,
)
from ganablate.report.claims.judgement import NOT_COMPARABLE, Judgement
from ganablate.report.claims.pairs import NOT_POSITIVE, Quantity, claimed_pairs, judge_pairs
from ganablate.report.claims.shares import Count, judge_counts
from ganablate.report.stats.comparison import WORST, Hypothesis, Side
from ganablate.report.stats.replicates import Replicates, effect_scale
from ganablate.report.stats.statistics import Array
from ganablate.study.claims.claims import Curve
from ganablate.study.claims.curve_shapes import (
    LOSS_CURVES,
    CurveSpread,
    Points,
    Reaches,
    Recovery,
    Settles,
    Trend,
)

_TRENDS: dict[str, Side] = {"rising": "above", "falling": "below", "flat": "equivalent"}
FLAT = 1 / 3
"""A trend with Kendall's tau within this is flat: less than twice as many pairs rise as fall."""


def judge_curve(evidence: Evidence, statement: Curve) -> Judgement:
    """By the claimed shape."""
    return SHAPES[statement.shape_name](evidence, statement, statement.shape)


def _direction(evidence: Evidence, metric: str) -> str:
    return "none" if metric in LOSS_CURVES else evidence.plan.columns[metric].direction


def _points(evidence: Evidence, statement: Curve, shape: Points) -> Judgement:
    """The value at one point against that at another, of the same trial: a ratio or difference."""
    metric = statement.metric
    direction = _direction(evidence, metric)
    margin = margin_of(shape)
    values = {
        arm: _values_at(evidence, arm, metric, shape, WORST[direction])
        for arm in evidence.named(statement.named)
    }
    every = np.concatenate([np.empty((0, 2)), *values.values()])
    if margin is None:
        # The column's own scale; for a loss that of differences.
        measured = dict(enumerate(every[~np.isnan(every)]))
        scale = effect_scale(metric, [Replicates(measured, 0, 0, len(measured))])
    else:
        scale = scale_of(margin)
    whole = every[~np.isnan(every).any(axis=1)]
    if scale == "ratio" and (whole <= 0).any():
        return Judgement(NOT_COMPARABLE, arms=tuple(values), because=NOT_POSITIVE)
    numbers = PerTrial(
        title=f"{evidence.curve_title(metric)} at {shape.at} against {shape.against}",
        values={arm: _changes(pairs, scale) for arm, pairs in values.items()},
        hypothesis=hypothesis_of(side_of(shape.expected, direction), margin, scale),
        margin=margin,
        back=np.exp if scale == "ratio" else float,
    )
    return judge_per_trial(numbers, evidence.alpha)


def _values_at(
    evidence: Evidence, arm: str, metric: str, shape: Points, worst: float | None
) -> Array:
    """Of each trial the values [trials, 2] at the point and at the one it is set against.

    A diverged trial has the worst value there is where it has none.
    """
    pairs = []
    for _, outcome, trajectory in evidence.trajectories(arm, metric):
        at, against = trajectory.at(shape.at), trajectory.at(shape.against)
        if outcome == "diverged" and worst is not None and not math.isfinite(at):
            at = worst
        pairs.append((at, against))
    return np.array(pairs, dtype=np.float64).reshape(-1, 2)


def _changes(pairs: Array, scale: Scale) -> Array:
    """From the second value of each pair [n, 2] to the first; NaN where one is missing."""
    at, against = pairs[:, 0], pairs[:, 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        if scale == "difference":
            return at - against
        return np.array([math.log(ratio) for ratio in at / against])


def _trend(evidence: Evidence, statement: Curve, shape: Trend) -> Judgement:
    """Kendall's tau of the points with time, one number a trial: -1 falls always, 1 rises always.

    Points of one trial hang together, so a trial's own p would be too small; tau alone is used.
    """
    taus: dict[str, Array] = {}
    fewest = len(evidence.curves)
    for arm in evidence.named(statement.named):
        trajectories = evidence.trajectories(arm, statement.metric)
        parts = [x.between(shape.start, shape.until) for _, _, x in trajectories]
        fewest = min([fewest, *map(len, parts)])
        taus[arm] = np.array([_tau(part) for part in parts], dtype=np.float64)
    margin = FLAT if shape.expected == "flat" else None
    numbers = PerTrial(
        title=f"Kendall's tau of {evidence.curve_title(statement.metric)} with time",
        values=taus,
        hypothesis=Hypothesis(_TRENDS[shape.expected], "difference", margin),
        # Turning one pair of points round moves tau by so much.
        step=4 / (fewest * (fewest - 1)) if fewest > 1 else 0.0,
        bare=True,
        limits=(-1.0, 1.0),
    )
    return judge_per_trial(numbers, evidence.alpha)


def _tau(values: Array) -> float:
    """NaN of fewer than two points; 0 of a curve that does not move, which has no order."""
    if len(values) < 2:
        return math.nan
    tau = float(kendalltau(np.arange(len(values)), values).statistic)
    return 0.0 if math.isnan(tau) else tau


def _recovery(evidence: Evidence, statement: Curve, shape: Recovery) -> Judgement:
    direction = _direction(evidence, statement.metric)

    def holds(trajectory: Trajectory) -> bool:
        return trajectory.recovered(shape.drop, shape.recover, direction)

    what = f"have {evidence.curve_title(statement.metric)} worse by {shape.drop}, then better again"
    return _counted(evidence, statement, holds, shape.at_least, what)


def _reaches(evidence: Evidence, statement: Curve, shape: Reaches) -> Judgement:
    """To a level by a point of the training in a share of the trials, or before another arm."""
    level, until = shape.level, shape.until
    title = f"{evidence.curve_title(statement.metric)} at {level:g}"
    if until is None:
        return _earlier(evidence, statement, shape.before, lambda x: x.reached(level), title)
    what = f"have {title} by {until}"

    def holds(trajectory: Trajectory) -> bool:
        return trajectory.reached(level) <= trajectory.images_at(until) + ROUNDING

    return _counted(evidence, statement, holds, shape.at_least, what)


def _settles(evidence: Evidence, statement: Curve, shape: Settles) -> Judgement:
    band = f"{100 * shape.within:g} % of its range"
    title = f"{evidence.curve_title(statement.metric)} settled within {band}"
    return _earlier(evidence, statement, shape.before, lambda x: x.settled(shape.within), title)


def _counted(
    evidence: Evidence,
    statement: Curve,
    holds: Callable[[Trajectory], bool],
    share: float,
    what: str,
) -> Judgement:
    counts = []
    for arm in evidence.named(statement.named):
        held = [holds(x) for _, _, x in evidence.trajectories(arm, statement.metric)]
        left = len(evidence.complete(arm)) - len(held)
        counts.append(Count(arm, sum(held), len(held), left))
    return judge_counts(counts, share, what, evidence.alpha)


def _earlier(
    evidence: Evidence,
    statement: Curve,
    before: str | None,
    number: Callable[[Trajectory], float],
    title: str,
) -> Judgement:
    """By exact ranks of the images seen; a curve that never gets there is the last."""
    has_level = statement.reaches is not None and statement.metric in LOSS_CURVES
    quantity = Quantity(
        title=title,
        of=cache(lambda arm: _replicates(evidence, arm, statement.metric, number)),
        incomparable=evidence.other_loss_scale if has_level else _comparable,
        ranked=True,
    )
    to = () if before is None else (before,)
    return judge_pairs(evidence, quantity, claimed_pairs(evidence, statement, to, "below"))


def _spread(evidence: Evidence, statement: Curve, shape: CurveSpread) -> Judgement:
    """How much the curve fluctuates in each trial, compared as ratios."""
    metric = statement.metric

    def fluctuation(trajectory: Trajectory) -> float:
        return trajectory.fluctuation(shape.start)

    quantity = Quantity(
        title=f"Fluctuation of {evidence.curve_title(metric)}",
        of=cache(lambda arm: _replicates(evidence, arm, metric, fluctuation, ranks_diverged=True)),
        incomparable=evidence.other_loss_scale if metric in LOSS_CURVES else _comparable,
        worst=math.inf,  # a loss that runs to infinity fluctuates more than any
        column="d_loss_spread",
    )
    side = side_of(shape.expected, "none")
    claimed = claimed_pairs(evidence, statement, shape.to, side, margin_of(shape))
    return judge_pairs(evidence, quantity, claimed)


def _comparable(arm: str, other: str) -> None:
    """Numbers of any two arms can be compared."""


def _replicates(
    evidence: Evidence,
    arm: str,
    metric: str,
    number: Callable[[Trajectory], float],
    *,
    ranks_diverged: bool = False,
) -> Replicates:
    """The arm's numbers that are not NaN; a diverged trial has a number or a rank of its own."""
    measured, diverged = {}, 0
    for replicate, outcome, trajectory in evidence.trajectories(arm, metric):
        value = number(trajectory)
        if ranks_diverged and outcome == "diverged":
            diverged += 1
        elif not math.isnan(value):
            measured[replicate] = value
    return Replicates(measured, diverged, failed=0, complete=len(evidence.complete(arm)))


SHAPES: dict[str, Callable[[Evidence, Curve, Any], Judgement]] = {
    "points": _points,
    "trend": _trend,
    "recovery": _recovery,
    "spread": _spread,
    "reaches": _reaches,
    "settles": _settles,
}

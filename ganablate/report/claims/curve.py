"""Claims about the course of training: a table of the shapes that a curve may be claimed to have.

Points and a trend lie within a trial: each trial gives one number, and their mean is tested over
the trials by Student's t. Spread, reaching a level and settling are compared between arms.
"""

import math
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
from scipy.stats import kendalltau

from ganablate.catalog import Scale
from ganablate.report.claims.compare import other_scale
from ganablate.report.claims.course import (
    Course,
    course_of,
    fluctuation,
    images_at,
    reached,
    recovered,
    settled,
)
from ganablate.report.claims.difference import Claimed, Measured
from ganablate.report.claims.finding import Evidence, Finding
from ganablate.report.claims.hypothesis import Meant, Side, margin_of, side_of
from ganablate.report.claims.judgement import NOT_COMPARABLE
from ganablate.report.claims.pairs import judge_pairs, pairs_of
from ganablate.report.claims.shares import Count, judge_counts
from ganablate.report.claims.within import Within, judge_within
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
from ganablate.study.reading.fields import Margin, Position

_TRENDS: dict[str, Side] = {"rising": "above", "falling": "below", "flat": "equivalent"}
FLAT = 1 / 3
"""A trend with Kendall's tau within this is flat: less than twice as many pairs rise as fall."""


def judge_curve(evidence: Evidence, statement: Curve) -> Finding:
    """By the claimed shape."""
    return SHAPES[statement.shape_name](evidence, statement, statement.shape)


def title_of(evidence: Evidence, metric: str) -> str:
    """A curve as a reader knows it: `FID`, `D loss`."""
    return LOSS_CURVES.get(metric) or evidence.plan.columns[metric].title


def _direction(evidence: Evidence, metric: str) -> str:
    return "none" if metric in LOSS_CURVES else evidence.plan.columns[metric].direction


def _courses(evidence: Evidence, arm: str, metric: str) -> list[tuple[int, str, Course]]:
    """Replicate, outcome and course of the arm's complete trials that have the curve."""
    rows = evidence.complete(arm)[["trial_id", "replicate", "outcome"]].fillna({"outcome": ""})
    found = []
    for trial_id, replicate, outcome in rows.itertuples(index=False):
        course = course_of(evidence, str(trial_id), metric)
        if course is not None:
            found.append((int(replicate), str(outcome), course))
    return found


def _where(evidence: Evidence, arm: str, position: Position | None, course: Course) -> float | None:
    config = evidence.arms[arm].config
    return None if position is None else images_at(position, course, config, evidence.plan)


def _points(evidence: Evidence, statement: Curve, shape: Points) -> Finding:
    """The value at one point against that at another, of the same trial: a ratio or difference."""
    direction = _direction(evidence, statement.metric)
    margin = margin_of(shape.expected, shape.by, shape.within)
    worst = {"min": math.inf, "max": -math.inf}.get(direction)
    values: dict[str, list[tuple[float, float]]] = {}
    for arm in evidence.named(statement.named):
        values[arm] = []
        for _, outcome, course in _courses(evidence, arm, statement.metric):
            at, against = (
                course.at(_where(evidence, arm, point, course) or math.nan)
                for point in (shape.at, shape.against)
            )
            lost = outcome == "diverged" and worst is not None and not math.isfinite(at)
            values[arm].append((worst if lost and worst is not None else at, against))
    title = f"{title_of(evidence, statement.metric)} at {shape.at} against {shape.against}"
    scale = _scale(statement.metric, margin, values)
    pairs = [pair for one in values.values() for pair in one if not math.isnan(sum(pair))]
    if scale == "ratio" and any(min(pair) <= 0 for pair in pairs):
        because = "a ratio needs numbers above 0, and some are not"
        return Finding(NOT_COMPARABLE, "", tuple(values), because=because)
    change: Callable[[float, float], float] = (
        (lambda at, against: math.log(at / against))
        if scale == "ratio"
        else (lambda at, against: at - against)
    )
    changes = {
        arm: np.array([change(*pair) if not math.isnan(sum(pair)) else math.nan for pair in own])
        for arm, own in values.items()
    }
    meant = Claimed((), (), side_of(shape.expected, direction), margin).meant(scale)
    back = np.exp if scale == "ratio" else float
    return judge_within(Within(title, changes, meant, margin, back), evidence.alpha)


def _scale(
    metric: str, margin: Margin | None, values: Mapping[str, list[tuple[float, float]]]
) -> Scale:
    """Of the margin; without one the column's own, for a loss that of differences."""
    if margin is not None:
        return "ratio" if margin.unit == "ratio" else "difference"
    every = dict(enumerate(x for own in values.values() for pair in own for x in pair))
    known = {key: x for key, x in every.items() if not math.isnan(x)}
    return effect_scale(metric, [Replicates(known, 0, 0, len(known))])


def _trend(evidence: Evidence, statement: Curve, shape: Trend) -> Finding:
    """Kendall's tau of the points with time, one number a trial: -1 falls always, 1 rises always.

    Points of one trial hang together, so a trial's own p would be too small; tau alone is used.
    """
    taus: dict[str, Array] = {}
    fewest = len(evidence.curves)
    for arm in evidence.named(statement.named):
        own = []
        for _, _, course in _courses(evidence, arm, statement.metric):
            start = _where(evidence, arm, shape.start, course)
            end = _where(evidence, arm, shape.until, course)
            values = course.between(start or 0.0, math.inf if end is None else end)
            fewest = min(fewest, len(values))
            own.append(_tau(values))
        taus[arm] = np.array(own, dtype=np.float64)
    meant = Meant(_TRENDS[shape.expected], "difference", FLAT if shape.expected == "flat" else None)
    title = f"Kendall's tau of {title_of(evidence, statement.metric)} with time"
    # Turning one pair of points round moves tau by so much.
    step = 4 / (fewest * (fewest - 1)) if fewest > 1 else 0.0
    within = Within(title, taus, meant, step=step, bare=True, limits=(-1.0, 1.0))
    return judge_within(within, evidence.alpha)


def _tau(values: Array) -> float:
    """NaN of fewer than two points; 0 of a curve that does not move, which has no order."""
    if len(values) < 2:
        return math.nan
    tau = float(kendalltau(np.arange(len(values)), values).statistic)
    return 0.0 if math.isnan(tau) else tau


def _recovery(evidence: Evidence, statement: Curve, shape: Recovery) -> Finding:
    """Drop and recovery in so many of the trials."""
    direction = _direction(evidence, statement.metric)

    def held(course: Course, _: str) -> bool:
        return recovered(course, shape, direction)

    what = f"have {title_of(evidence, statement.metric)} worse by {shape.drop}, then better again"
    return _counted(evidence, statement, held, shape.at_least, what)


def _reaches(evidence: Evidence, statement: Curve, shape: Reaches) -> Finding:
    """To a level by a point of the training in so many trials, or earlier than another arm."""
    if shape.until is None:
        before = (shape.before,) if shape.before is not None else ()

        def number(course: Course) -> float:
            return reached(course, shape.level)

        title = f"{title_of(evidence, statement.metric)} at {shape.level:g}"
        return _earlier(evidence, statement, before, number, title)
    until = shape.until

    def held(course: Course, arm: str) -> bool:
        return reached(course, shape.level) <= (_where(evidence, arm, until, course) or 0.0) + 1e-6

    title = title_of(evidence, statement.metric)
    what = f"have {title} at {shape.level:g} by {until}"
    return _counted(evidence, statement, held, shape.at_least, what)


def _settles(evidence: Evidence, statement: Curve, shape: Settles) -> Finding:
    """Settled earlier than another arm, by images seen."""

    def number(course: Course) -> float:
        return settled(course, shape)

    before = () if shape.before is None else (shape.before,)
    band = f"{100 * shape.within:g} % of its range"
    title = f"{title_of(evidence, statement.metric)} settled within {band}"
    return _earlier(evidence, statement, before, number, title)


def _counted(
    evidence: Evidence,
    statement: Curve,
    held: Callable[[Course, str], bool],
    share: float,
    what: str,
) -> Finding:
    counts = []
    for arm in evidence.named(statement.named):
        courses = [course for _, _, course in _courses(evidence, arm, statement.metric)]
        left = len(evidence.complete(arm)) - len(courses)
        counts.append(Count(arm, sum(held(one, arm) for one in courses), len(courses), left))
    return judge_counts(counts, share, what, evidence.alpha)


def _earlier(
    evidence: Evidence,
    statement: Curve,
    before: tuple[str, ...],
    number: Callable[[Course], float],
    title: str,
) -> Finding:
    """By exact ranks of the images seen; a curve that never gets there is the last."""

    def unlike(arm: str, other: str) -> str | None:
        level = statement.reaches is not None and statement.metric in LOSS_CURVES
        return other_scale(evidence, arm, other) if level else None

    measured = Measured(
        title=title,
        of=cache(lambda arm: _numbers(evidence, arm, statement.metric, number, ranked=True)),
        unlike=unlike,
        ranked=True,
    )
    pairs, family = pairs_of(evidence, statement.named, before)
    return judge_pairs(evidence, measured, Claimed(pairs, family, "below", None))


def _spread(evidence: Evidence, statement: Curve, shape: CurveSpread) -> Finding:
    """How much the curve fluctuates in each trial, compared as ratios."""

    def number(course: Course, arm: str) -> float:
        return fluctuation(course, _where(evidence, arm, shape.start, course) or 0.0)

    def of(arm: str) -> Replicates:
        return _numbers(evidence, arm, statement.metric, lambda course: number(course, arm))

    loss = statement.metric in LOSS_CURVES
    measured = Measured(
        title=f"Fluctuation of {title_of(evidence, statement.metric)}",
        of=cache(of),
        unlike=lambda arm, other: other_scale(evidence, arm, other) if loss else None,
        worst=math.inf,  # a loss that runs to infinity fluctuates more than any
        column="d_loss_spread",
    )
    pairs, family = pairs_of(evidence, statement.named, shape.to)
    margin = margin_of(shape.expected, shape.by, shape.within)
    side = side_of(shape.expected, "none")
    return judge_pairs(evidence, measured, Claimed(pairs, family, side, margin))


def _numbers(
    evidence: Evidence,
    arm: str,
    metric: str,
    number: Callable[[Course], float],
    *,
    ranked: bool = False,
) -> Replicates:
    """One number a trial, from its curve; of a diverged one only where they are ranked."""
    numbers, diverged = {}, 0
    for replicate, outcome, course in _courses(evidence, arm, metric):
        value = number(course)
        if outcome == "diverged" and not ranked:
            diverged += 1
        elif not math.isnan(value):
            numbers[replicate] = value
    return Replicates(numbers, diverged, failed=0, complete=len(evidence.complete(arm)))


SHAPES: dict[str, Callable[[Evidence, Curve, Any], Finding]] = {
    "points": _points,
    "trend": _trend,
    "recovery": _recovery,
    "spread": _spread,
    "reaches": _reaches,
    "settles": _settles,
}

"""The course of one trial: a curve of `curves.csv`, and numbers that are taken from it.

A loss is cut into blocks of steps, each with its mean and the standard deviation of its steps; a
column measured on images has a point after each of the plan's `evaluations` parts.
"""

import math
from dataclasses import dataclass

import numpy as np

from ganablate.catalog import DATASETS
from ganablate.config import TrialConfig
from ganablate.report.claims.finding import Evidence
from ganablate.report.stats.statistics import Array
from ganablate.study.claims.curve_shapes import LOSS_CURVES, Recovery, Settles
from ganablate.study.plan import Plan
from ganablate.study.reading.fields import Margin, Position

_END = 0.2
"""The last part of a training, whose mean is its final level."""


@dataclass(frozen=True)
class Course:
    """Points [points] in order of images seen. `blocks`: each is the end of a block of steps.

    `planned` are the images that the whole training sees; a diverged one ends earlier. Behind the
    end of one that ended early (`ended_early`), it stays as it was then, as in the table of arms.
    """

    seen: Array
    value: Array
    spread: Array
    planned: float
    blocks: bool
    spacing: float
    """Images between two points; of a loss those of a block."""
    ended_early: bool = False

    def at(self, images: float) -> float:
        """The value at a point of the training; NaN where none was measured there.

        Of a loss the block that holds it, else the nearest point, half a spacing away at most.
        """
        if not len(self.seen):
            return math.nan
        if self.ended_early:
            images = min(images, float(self.seen[-1]))
        if self.blocks:
            index = int(np.searchsorted(self.seen, images - 1e-6))
            return float(self.value[index]) if index < len(self.seen) else math.nan
        index = int(np.abs(self.seen - images).argmin())
        near = abs(self.seen[index] - images) <= self.spacing / 2 + 1e-6
        return float(self.value[index]) if near else math.nan

    def between(self, start: float, end: float) -> Array:
        """The finite values from one point of the training to another, both included."""
        kept = (self.seen >= start - 1e-6) & (self.seen <= end + 1e-6) & np.isfinite(self.value)
        return self.value[kept]


def course_of(evidence: Evidence, trial_id: str, metric: str) -> Course | None:
    """A trial's curve; None: it has none."""
    rows = evidence.course(trial_id, metric)
    if rows is None or not len(rows):
        return None
    config = evidence.configs[trial_id]
    planned = planned_images(config, evidence.plan)
    seen = rows["images_seen"].to_numpy(dtype=np.float64)
    planned = planned or float(seen[-1])
    blocks = metric in LOSS_CURVES
    return Course(
        seen=seen,
        value=rows["value"].to_numpy(dtype=np.float64),
        spread=rows["spread"].to_numpy(dtype=np.float64),
        planned=planned,
        blocks=blocks,
        spacing=float(seen[0]) if blocks else planned / evidence.plan.evaluations,
        ended_early=trial_id in evidence.ended_early,
    )


def planned_images(config: TrialConfig, plan: Plan) -> float | None:
    """Real images that a whole training sees; None: the data set's length is not known."""
    length = _length(config, plan)
    if length is None and config.iterations is None:
        return None
    return float(config.total_iterations(length or 0) * config.d_steps * config.batch_size)


def _length(config: TrialConfig, plan: Plan) -> int | None:
    folders = dict(plan.folders)
    if config.dataset in DATASETS:
        return DATASETS[config.dataset].images
    return folders.get(config.dataset)


def images_at(position: Position, course: Course, config: TrialConfig, plan: Plan) -> float:
    """Where a point of the training lies, in images seen; NaN where that is not known."""
    match position.unit:
        case "share":
            return position.amount * course.planned
        case "iterations":
            return position.amount * config.d_steps * config.batch_size
        case "images":
            return position.amount
    length = _length(config, plan)
    if length is None:
        return math.nan  # epochs of a folder whose size nobody stated
    images = min(length, config.train_images or length)
    # An epoch leaves out its incomplete last batch.
    return position.amount * (images // config.batch_size) * config.batch_size


def fluctuation(course: Course, start: float) -> float:
    """How much the curve fluctuates from a point of the training on, drift left out.

    Of a loss: the standard deviation of the steps about the mean of their block, over all blocks
    (root mean square). Of measured points: root mean square of the successive differences over the
    root of two (von Neumann et al. 1941, Ann. Math. Stat. 12, 153-162). NaN: too few of them.
    """
    if course.blocks:
        kept = course.spread[course.seen > start]
        kept = kept[np.isfinite(kept)]
        return float(np.sqrt((kept**2).mean())) if len(kept) else math.nan
    steps = np.diff(course.between(start, math.inf))
    return float(np.sqrt((steps**2).mean() / 2)) if len(steps) else math.nan


def reached(course: Course, level: float) -> float:
    """Images seen when the curve first gets to the level, from whichever side; inf: never."""
    known = np.isfinite(course.value)
    seen, value = course.seen[known], course.value[known]
    if not len(value):
        return math.inf
    there = value <= level if value[0] > level else value >= level
    return float(seen[there.argmax()]) if there.any() else math.inf


def settled(course: Course, shape: Settles) -> float:
    """Images seen when the curve has come to stay in a band round its final level; inf: never."""
    known = np.isfinite(course.value)
    seen, value = course.seen[known], course.value[known]
    if len(value) < len(course.value) or not len(value):
        return math.inf  # a loss that is no number has not settled
    final = value[int(len(value) * (1 - _END)) :].mean()
    outside = np.abs(value - final) > shape.within * np.ptp(value)
    first = int(np.flatnonzero(outside)[-1]) + 1 if outside.any() else 0
    return float(seen[first]) if first < len(seen) else math.inf


def recovered(course: Course, shape: Recovery, direction: str) -> bool:
    """Whether the curve got worse by the drop and later better again."""
    value = course.value[np.isfinite(course.value)]
    return any(
        _returns(value[i:], shape, -1.0 if direction == "min" else 1.0) for i in range(len(value))
    )


def _returns(value: Array, shape: Recovery, sign: float) -> bool:
    """Whether the curve falls from its first value and comes back; `sign` -1: falling is good."""
    before = float(value[0])
    low = np.minimum.accumulate(sign * value)
    fallen = np.array([_apart(before, sign * float(x), shape.drop, sign) for x in low])
    if not fallen.any():
        return False
    first = int(fallen.argmax())
    for x, lowest in zip(value[first:], low[first:], strict=True):
        if shape.recover is None and sign * x >= sign * before:
            return True
        if shape.recover is not None and _apart(
            float(x), sign * float(lowest), shape.recover, sign
        ):
            return True
    return False


def _apart(better: float, worse: float, margin: Margin, sign: float) -> bool:
    """Whether one value is worse than another by the margin."""
    if margin.unit == "absolute":
        return sign * (better - worse) >= margin.amount
    high, low = (better, worse) if sign > 0 else (worse, better)
    return low > 0 and high >= margin.amount * low

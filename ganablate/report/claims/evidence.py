"""What all judges look at: one study at one budget, its trials and their curves.

A curve of a loss is cut into blocks of steps, each with its mean and the standard deviation of its
steps; one of a column measured on images has a point after each of the plan's `evaluations` parts.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
import pandas as pd

from ganablate.config import TrialConfig
from ganablate.report.claims.hypothesis import exceeds
from ganablate.report.frames.references import NO_REFERENCES, References
from ganablate.report.stats.replicates import Replicates, loss_scale, replicates_of
from ganablate.report.stats.statistics import ALPHA, Array
from ganablate.report.stats.working import Working, is_quality, working_of
from ganablate.study.claims.claims import ALL
from ganablate.study.claims.curve_shapes import LOSS_CURVES
from ganablate.study.plan import Arm, Plan
from ganablate.study.reading.fields import Margin, Position
from ganablate.text import counted
from ganablate.trials.outcome import FAILURES

_END = 0.2
"""The last part of a training, whose mean is its final level."""
ROUNDING = 1e-6
"""Images by which two points of a training may differ and be the same."""


@dataclass(frozen=True)
class Trajectory:
    """Points [points] in order of images seen. `blocks`: each is the end of a block of steps.

    `planned` are the images that the whole training sees; a diverged one ends earlier. Behind the
    end of one that ended early (`ended_early`), it stays as it was then, as in the table of arms.
    `spacing` are the images between two points; of a loss those of a block. `per_iteration` and
    `per_epoch` are the images that these take; NaN: not known.
    """

    seen: Array
    value: Array
    spread: Array
    planned: float
    blocks: bool
    spacing: float
    ended_early: bool = False
    per_iteration: float = math.nan
    per_epoch: float = math.nan

    def images_at(self, position: Position) -> float:
        """Where a point of the training lies, in images seen; NaN where that is not known."""
        units = {"share": self.planned, "iterations": self.per_iteration, "epochs": self.per_epoch}
        return position.amount * units.get(position.unit, 1.0)

    def at(self, position: Position) -> float:
        """The value at a point of the training; NaN where none was measured there.

        Of a loss the block that holds it, else the nearest point, half a spacing away at most.
        """
        images = self.images_at(position)
        if not len(self.seen) or not images > 0:
            return math.nan
        if self.ended_early:
            images = min(images, float(self.seen[-1]))
        if self.blocks:
            index = int(np.searchsorted(self.seen, images - ROUNDING))
            return float(self.value[index]) if index < len(self.seen) else math.nan
        index = int(np.abs(self.seen - images).argmin())
        near = abs(self.seen[index] - images) <= self.spacing / 2 + ROUNDING
        return float(self.value[index]) if near else math.nan

    def nearest(self, images: float) -> float:
        """The value at the nearest of the points."""
        return float(self.value[np.abs(self.seen - images).argmin()])

    def between(self, start: Position | None, end: Position | None) -> Array:
        """The finite values from one point of the training to another, both included.

        None: from its start, or to its end.
        """
        first = 0.0 if start is None else self.images_at(start)
        last = math.inf if end is None else self.images_at(end)
        kept = (self.seen >= first - ROUNDING) & (self.seen <= last + ROUNDING)
        return self.value[kept & np.isfinite(self.value)]

    def fluctuation(self, start: Position | None) -> float:
        """How much the curve fluctuates from a point of the training on, drift left out.

        Of a loss: the standard deviation of the steps about the mean of their block, over all
        blocks (root mean square). Of measured points: root mean square of the successive
        differences over the root of two (von Neumann et al. 1941, Ann. Math. Stat. 12, 153-162).
        NaN: too few of them.
        """
        if self.blocks:
            spread = self.spread[self.seen > (0.0 if start is None else self.images_at(start))]
            spread = spread[np.isfinite(spread)]
            return float(np.sqrt((spread**2).mean())) if len(spread) else math.nan
        steps = np.diff(self.between(start, None))
        return float(np.sqrt((steps**2).mean() / 2)) if len(steps) else math.nan

    def reached(self, level: float) -> float:
        """Images seen when the curve first gets to the level, from whichever side; inf: never."""
        measured = np.isfinite(self.value)
        seen, value = self.seen[measured], self.value[measured]
        if not len(value):
            return math.inf
        beyond = value <= level if value[0] > level else value >= level
        return float(seen[beyond.argmax()]) if beyond.any() else math.inf

    def settled(self, band: float) -> float:
        """Images seen when the curve stays near its final level; inf: never.

        `band` says how near, as a share of the curve's range.
        """
        if not len(self.value) or not np.isfinite(self.value).all():
            return math.inf  # a loss that is no number has not settled
        final = self.value[int(len(self.value) * (1 - _END)) :].mean()
        outside = np.abs(self.value - final) > band * np.ptp(self.value)
        first = int(np.flatnonzero(outside)[-1]) + 1 if outside.any() else 0
        return float(self.seen[first]) if first < len(self.seen) else math.inf

    def recovered(self, drop: Margin, recover: Margin | None, direction: str) -> bool:
        """Whether the curve got worse by `drop` and later better again by `recover`.

        Where that is None, it got back to the level before. `direction` is "min" or "max".
        """
        sign = -1.0 if direction == "min" else 1.0
        value = self.value[np.isfinite(self.value)]
        return any(_returns(value[start:], drop, recover, sign) for start in range(len(value)))


def _returns(value: Array, drop: Margin, recover: Margin | None, sign: float) -> bool:
    """Whether the curve gets worse than its first value by `drop`, and then better again.

    `sign` is -1 where less is better.
    """
    before = worst = float(value[0])
    has_dropped = False
    for level in map(float, value):
        worst = sign * min(sign * worst, sign * level)
        has_dropped = has_dropped or _is_worse(worst, before, drop, sign)
        if recover is None:
            has_returned = sign * level >= sign * before
        else:
            has_returned = _is_worse(worst, level, recover, sign)
        if has_dropped and has_returned:
            return True
    return False


def _is_worse(worse: float, better: float, margin: Margin, sign: float) -> bool:
    high, low = (better, worse) if sign > 0 else (worse, better)
    return exceeds(high, low, margin)


@dataclass(frozen=True)
class Evidence:
    """One study at one budget: plan, `trials_frame`, `curves_frame`, level, reference lines."""

    plan: Plan
    trials: pd.DataFrame
    curves: pd.DataFrame
    alpha: float = ALPHA
    references: References = NO_REFERENCES

    @cached_property
    def arms(self) -> dict[str, Arm]:
        """The plan's arms by name; null arms are none of a claim's."""
        return {arm.name: arm for arm in self.plan.arms if not arm.null}

    @cached_property
    def _complete(self) -> dict[str, pd.DataFrame]:
        complete = self.trials[self.trials["state"] == "complete"]
        return {str(name): rows for name, rows in complete.groupby("arm", sort=False)}

    @cached_property
    def _curves(self) -> dict[tuple[str, str], pd.DataFrame]:
        groups = self.curves.groupby(["trial_id", "metric"], sort=False)
        return {(str(trial), str(metric)): rows for (trial, metric), rows in groups}

    @cached_property
    def _configs(self) -> dict[str, TrialConfig]:
        return {trial.trial_id: trial.config for trial in self.plan.trials}

    @cached_property
    def _ended_early(self) -> frozenset[str]:
        """Ids of the trials that ended before their whole length, since they were saturated."""
        if "ended_early_at" not in self.trials:
            return frozenset()
        return frozenset(self.trials.loc[self.trials["ended_early_at"].notna(), "trial_id"])

    def complete(self, arm: str) -> pd.DataFrame:
        """The arm's complete trials."""
        return self._complete.get(arm, self.trials.iloc[:0])

    @cached_property
    def replicates(self) -> Callable[[str, str], Replicates]:
        """What an arm measured of a column: f(arm, column), read once."""
        return cache(lambda arm, column: replicates_of(self.complete(arm), arm, column))

    def outcomes(self, arm: str) -> list[str]:
        """Outcomes of the arm's complete trials, those that were assessed."""
        return [str(outcome) for outcome in self.complete(arm)["outcome"].dropna()]

    def named(self, names: Sequence[str], against: Sequence[str] = ()) -> tuple[str, ...]:
        """The arms meant, in the plan's order for `all`.

        `all` is every arm but those it is compared with: `against`, or else the baseline where
        arms have references of their own.
        """
        if ALL not in names:
            return tuple(names)
        return tuple(name for name in self.arms if name not in against)

    def not_working(self, arm: str, column: str) -> str | None:
        """Why a column cannot be compared with this arm: half of its trials or more have failed.

        A change of settings that do not work at this budget tells nothing of a report whose
        baseline worked. Only assessed trials count. A collapsed trial's images are a failure; its
        losses are those of a game that goes on, unlike those of a saturated or diverged one.
        """
        fails = FAILURES if is_quality(self.plan, column) else ("saturated", "diverged")
        outcomes = self.outcomes(arm)
        ok = sum(outcome not in fails for outcome in outcomes)
        if not outcomes or 2 * ok > len(outcomes):
            return None
        return f"{arm} itself works in {ok} of {counted(len(outcomes), 'trial')} at this budget"

    def no_quality(self, arm: str, column: str) -> str | None:
        """Why no verdict on a column rests on this arm; None: one may, or it is not known.

        A column without a better and a worse says nothing of quality.
        """
        if arm not in self.arms or not is_quality(self.plan, column):
            return None
        working = self._working(arm)
        return f"{arm} does not work: {working.because}" if working.works is False else None

    @cached_property
    def _working(self) -> Callable[[str], Working]:
        def of(arm: str) -> Working:
            return working_of(self.arms[arm], self.complete(arm), self.plan, self.references)

        return cache(of)

    def other_loss_scale(self, arm: str, other: str) -> str | None:
        """Why the losses of two arms cannot be set beside each other; None: they can."""
        scales = [loss_scale(self.arms[name].config) for name in (arm, other)]
        if scales[0] == scales[1]:
            return None
        return f"losses of {scales[0]} and of {scales[1]} are on different scales"

    def curve_title(self, metric: str) -> str:
        """A curve as a reader knows it: `FID`, `D loss`."""
        return LOSS_CURVES.get(metric) or self.plan.columns[metric].title

    def trajectory(self, trial_id: str, metric: str) -> Trajectory | None:
        """A trial's curve; None: it has none."""
        rows = self._curves.get((trial_id, metric))
        if rows is None:
            return None
        config = self._configs[trial_id]
        seen = rows["images_seen"].to_numpy(dtype=np.float64)
        try:
            length = self.plan.images_of(config.dataset)
        except KeyError:  # a folder whose size nobody stated
            length = None
        planned, per_epoch = float(seen[-1]), float("nan")
        if length is not None or config.iterations is not None:
            iterations = config.total_iterations(length or 0)
            planned = float(iterations * config.images_per_iteration) or planned
        if length is not None:
            images = min(length, config.train_images or length)
            # An epoch leaves out its incomplete last batch.
            per_epoch = float(images // config.batch_size * config.batch_size)
        blocks = metric in LOSS_CURVES
        return Trajectory(
            seen=seen,
            value=rows["value"].to_numpy(dtype=np.float64),
            spread=rows["spread"].to_numpy(dtype=np.float64),
            planned=planned,
            blocks=blocks,
            spacing=float(seen[0]) if blocks else planned / self.plan.evaluations,
            ended_early=trial_id in self._ended_early,
            per_iteration=float(config.images_per_iteration),
            per_epoch=per_epoch,
        )

    def trajectories(self, arm: str, metric: str) -> Iterator[tuple[int, str, Trajectory]]:
        """Replicate, outcome and trajectory of the arm's complete trials that have the curve."""
        rows = self.complete(arm)[["trial_id", "replicate", "outcome"]].fillna({"outcome": ""})
        for trial_id, replicate, outcome in rows.itertuples(index=False):
            trajectory = self.trajectory(str(trial_id), metric)
            if trajectory is not None:
                yield int(replicate), str(outcome), trajectory

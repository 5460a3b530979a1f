"""What all judges look at: one study at one budget, its trials and its curves."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
import pandas as pd

from ganablate.config import TrialConfig
from ganablate.report.claims.trajectory import Trajectory
from ganablate.report.stats.replicates import Replicates, loss_scale, replicates_of
from ganablate.report.stats.statistics import ALPHA
from ganablate.study.claims.claims import ALL
from ganablate.study.claims.curve_shapes import LOSS_CURVES
from ganablate.study.plan import Arm, Plan


@dataclass(frozen=True)
class Evidence:
    """One study at one budget: its plan, `trials_frame`, `curves_frame`, and the level."""

    plan: Plan
    trials: pd.DataFrame
    curves: pd.DataFrame
    alpha: float = ALPHA

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

    def not_working(self, arm: str) -> str | None:
        """Why nothing can be compared with this arm: half of its trials or more are not ok.

        A change of settings that do not work at this budget tells nothing of a report whose
        baseline worked. Only assessed trials count.
        """
        outcomes = self.outcomes(arm)
        ok = outcomes.count("ok")
        if not outcomes or 2 * ok > len(outcomes):
            return None
        return f"{arm} itself works in {ok} of {len(outcomes)} trials at this budget"

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
            planned = float(iterations * config.d_steps * config.batch_size) or planned
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
            per_iteration=float(config.d_steps * config.batch_size),
            per_epoch=per_epoch,
        )

    def trajectories(self, arm: str, metric: str) -> Iterator[tuple[int, str, Trajectory]]:
        """Replicate, outcome and trajectory of the arm's complete trials that have the curve."""
        rows = self.complete(arm)[["trial_id", "replicate", "outcome"]].fillna({"outcome": ""})
        for trial_id, replicate, outcome in rows.itertuples(index=False):
            trajectory = self.trajectory(str(trial_id), metric)
            if trajectory is not None:
                yield int(replicate), str(outcome), trajectory

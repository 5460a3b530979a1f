"""An arm or a trial with all that is known of it, and its curves."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ganablate.report.analysis import Analysis
from ganablate.report.frames.curves import block_middles
from ganablate.report.frames.trials import PROTOCOL, protocol_columns
from ganablate.report.show.find import Subject
from ganablate.report.stats.replicates import loss_scale
from ganablate.report.table.cells import MISSING
from ganablate.report.table.tables import criterion_columns, primary_columns
from ganablate.study.claims.curve_shapes import LOSS_CURVES
from ganablate.study.plan import Arm, Plan, Trial
from ganablate.text import counted
from ganablate.trials.folder import TrialFolder


@dataclass(frozen=True)
class Selection:
    """An arm or a trial, and where what is said of it comes from.

    The root of published records is also a root of trials, since it holds none.
    """

    subject: Subject
    analysis: Analysis
    trials_root: Path
    results_root: Path

    @property
    def name(self) -> str:
        """As it is shown."""
        return self.subject.name

    @property
    def is_arm(self) -> bool:
        """Whether the arm is meant with all its replicates."""
        return self.subject.replicate is None

    @property
    def plan(self) -> Plan:
        """The study at its budget."""
        return self.analysis.plan

    @property
    def arm(self) -> Arm:
        """The arm, or that of the trial."""
        return next(arm for arm in self.plan.arms if arm.name == self.subject.arm)

    @property
    def trials(self) -> list[Trial]:
        """The trials of the arm, or the trial alone."""
        return [
            trial
            for trial in self.plan.trials
            if trial.arm == self.subject.arm and self.subject.replicate in (None, trial.replicate)
        ]

    @property
    def rows(self) -> pd.DataFrame:
        """The rows of these trials in the frame of trials."""
        frame = self.analysis.trials
        return frame[frame["trial_id"].isin([trial.trial_id for trial in self.trials])]

    @property
    def complete(self) -> pd.DataFrame:
        """Those of the rows whose trials are complete."""
        return self.rows[self.rows["state"] == "complete"]

    @property
    def curves(self) -> dict[str, pd.DataFrame]:
        """The mean curves of these trials."""
        return mean_curves(self.analysis.curves, self.trials, self.plan)

    def folder(self, trial: Trial) -> TrialFolder:
        """A trial's folder."""
        return TrialFolder(self.trials_root, trial.trial_id)

    @property
    def page(self) -> Path:
        """The report's page; it need not be there."""
        return self.results_root / self.plan.study / self.plan.budget / "report.html"


def outcome_of(row: pd.Series) -> tuple[str, str]:
    """What became of a trial, and why; a dash where it is not complete."""
    if row["state"] != "complete":
        return MISSING, ""
    outcome = "not assessed" if pd.isna(row["outcome"]) else str(row["outcome"])
    return outcome, "" if pd.isna(row["outcome_because"]) else str(row["outcome_because"])


def curve_names(plan: Plan) -> dict[str, str]:
    """What may have a curve and how it is called: the losses, and the primary metrics."""
    return {**LOSS_CURVES, **{name: plan.columns[name].title for name in primary_columns(plan)}}


def mean_curves(
    curves: pd.DataFrame, trials: Sequence[Trial], plan: Plan
) -> dict[str, pd.DataFrame]:
    """The curves of trials of one length, wherever any of them has a number.

    A block of losses stands at its middle, in shares of the whole training: one that ended before
    stops there. The primary metrics are there where the study measures them during the training.

    Returns:
        Key of `curve_names` -> a frame by the share of the training (0 to 1) with the columns
        `mean` and `size`: over how many trials the mean is.
    """
    of_trials = curves[curves["trial_id"].isin([trial.trial_id for trial in trials])]
    config = trials[0].config
    iterations = config.total_iterations(plan.images_of(config.dataset))
    images = iterations * config.images_per_iteration  # real ones that D sees in all
    means = {}
    for name in curve_names(plan):
        points = of_trials[of_trials["metric"] == name]
        seen = block_middles(points) if name in LOSS_CURVES else points["images_seen"]
        points = points.assign(place=seen / images).dropna(subset=["value"])
        if len(points):
            means[name] = points.groupby("place")["value"].agg(["mean", "size"])
    return means


def means_of(curves: Iterable[pd.DataFrame]) -> str:
    """Over how many trials the means are: `means of 5 trials`, or `of up to 5`."""
    counts = [int(count) for curve in curves for count in curve["size"]]
    few, most = min(counts, default=0), max(counts, default=0)
    return f"means of {'up to ' if few < most else ''}{counted(most, 'trial')}"


def same_loss_scale(first: Selection, second: Selection) -> bool:
    """Whether the losses of the two can be set beside each other."""
    return loss_scale(first.arm.config) == loss_scale(second.arm.config)


def incomparable(first: Selection, second: Selection) -> dict[str, str]:
    """Columns of which the two have numbers that cannot be set against each other, and why."""
    plan = first.plan
    reasons: dict[str, str] = {}
    if not same_loss_scale(first, second):
        reasons |= dict.fromkeys(criterion_columns(plan), "another criterion")
    for column in protocol_columns(plan):
        stamps = [
            set(side.rows[column + PROTOCOL].dropna().astype(str)) for side in (first, second)
        ]
        if all(stamps) and stamps[0] != stamps[1]:
            reasons[column] = "another protocol"
    return reasons

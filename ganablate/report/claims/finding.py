"""What a judge of one kind of claim finds, and what all judges look at."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

import pandas as pd

from ganablate.config import TrialConfig
from ganablate.report.claims.judgement import CANNOT_TELL
from ganablate.report.frames.trials import PROTOCOL
from ganablate.report.stats.replicates import Replicates, replicates_of
from ganablate.report.stats.statistics import ALPHA
from ganablate.study.claims.claims import ALL
from ganablate.study.plan import Arm, Plan


@dataclass(frozen=True)
class Finding:
    """A verdict as its kind's judge gives it; the fields are those of `Judgement`.

    `against` are the arms that the claimed ones are compared with.
    """

    verdict: str
    numbers: str
    arms: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    because: str | None = None
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    n: str = ""


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
        done = self.trials[self.trials["state"] == "complete"]
        return {str(name): own for name, own in done.groupby("arm", sort=False)}

    @cached_property
    def _courses(self) -> dict[tuple[str, str], pd.DataFrame]:
        groups = self.curves.groupby(["trial_id", "metric"], sort=False)
        return {(str(trial), str(metric)): own for (trial, metric), own in groups}

    @cached_property
    def configs(self) -> dict[str, TrialConfig]:
        """Trial id -> its settings."""
        return {trial.trial_id: trial.config for trial in self.plan.trials}

    @cached_property
    def ended_early(self) -> frozenset[str]:
        """Ids of the trials that ended before their whole length, since they were saturated."""
        if "ended_early_at" not in self.trials:
            return frozenset()
        ended = self.trials["ended_early_at"].notna()
        return frozenset(map(str, self.trials.loc[ended, "trial_id"]))

    def complete(self, arm: str) -> pd.DataFrame:
        """The arm's complete trials."""
        return self._complete.get(arm, self.trials.iloc[:0])

    def course(self, trial_id: str, metric: str) -> pd.DataFrame | None:
        """Rows of one curve of a trial, as `curves_frame` has them; None: there is none."""
        return self._courses.get((trial_id, metric))

    @cached_property
    def replicates(self) -> Callable[[str, str], Replicates]:
        """What an arm measured of a column: f(arm, column), read once."""
        return cache(lambda arm, column: replicates_of(self.complete(arm), arm, column))

    @cached_property
    def protocols(self) -> Callable[[str, str], frozenset[str]]:
        """The stamps of an arm's numbers of a column: f(arm, column), read once."""

        def stamps(arm: str, column: str) -> frozenset[str]:
            return frozenset(map(str, self.complete(arm)[column + PROTOCOL].dropna()))

        return cache(stamps)

    def outcomes(self, arm: str) -> list[str]:
        """Outcomes of the arm's complete trials, those that were assessed."""
        return [str(one) for one in self.complete(arm)["outcome"].dropna()]

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
        known = self.outcomes(arm)
        ok = known.count("ok")
        if not known or 2 * ok > len(known):
            return None
        return f"{arm} itself works in {ok} of {len(known)} trials at this budget"


def nothing(arms: Sequence[str], because: str, against: Sequence[str] = ()) -> Finding:
    """A claim without numbers to judge it by."""
    return Finding(CANNOT_TELL, "", tuple(arms), tuple(against), because=because)

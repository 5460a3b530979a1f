"""Where the trials of a plan stand: what is complete, running, failed, stale or pending."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ganablate.study.plan import Plan, Trial
from ganablate.trials.needs import DataKey, Standing, data_key, standing_of
from ganablate.trials.older_version import trained_earlier


@dataclass(frozen=True)
class Survey:
    """Where each trial of a plan stands, by trial id, in plan order.

    `earlier` maps trials that are to be trained to those of `ganablate.trials.older_version`.
    """

    plan: Plan
    standings: Mapping[str, Standing]
    earlier: Mapping[str, str]

    def of(self, trial: Trial) -> Standing:
        """Where one of its trials stands."""
        return self.standings[trial.trial_id]

    @property
    def waiting(self) -> frozenset[str]:
        """Ids of the trials that a run would train."""
        standings = self.standings.items()
        return frozenset(id_ for id_, standing in standings if standing.state != "complete")

    def origin(self, trial: Trial) -> tuple[str, str] | None:
        """The study and budget that trained a complete trial, if they are not the plan's."""
        known = self.of(trial).origin or {}
        trained_by = str(known.get("study", "")), str(known.get("budget", ""))
        own = self.plan.study, self.plan.budget
        return trained_by if trained_by[0] and trained_by != own else None


def survey(
    plan: Plan, trials_root: Path, fingerprints: Mapping[DataKey, str] | None = None
) -> Survey:
    """Look at the trial folders of a plan.

    Args:
        plan: The plan.
        trials_root: Holds one folder a trial.
        fingerprints: Of the data as it is now, where known; what saw other bytes is stale.
    """
    # One look at the folder instead of one at each trial: most of a large plan is pending.
    begun = {path.name for path in trials_root.iterdir()} if trials_root.is_dir() else set()
    known = fingerprints or {}
    standings = {
        trial.trial_id: standing_of(trial, trials_root, fingerprint=known.get(data_key(trial)))
        if trial.trial_id in begun
        else Standing("pending")
        for trial in plan.trials
    }
    waiting = [trial for trial in plan.trials if standings[trial.trial_id].state != "complete"]
    others = begun - standings.keys() if waiting else ()
    return Survey(plan, standings, trained_earlier(waiting, trials_root, others))

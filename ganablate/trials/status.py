"""The status of every trial of a plan, and trials that an older version of the training made."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganablate.catalog import DataKey
from ganablate.files import read_json
from ganablate.study.arms.identity import ID_VERSION, SEMANTICS_VERSION
from ganablate.study.plan import Plan, Trial
from ganablate.trials.needs import TrialStatus, data_key, status_of

_Index = dict[tuple[str, ...], dict[tuple[Any, ...], str]]
"""Names of settings -> their values and the data id -> the trial's id."""
_PENDING = TrialStatus("pending")


@dataclass(frozen=True)
class PlanStatus:
    """The status of each trial of a plan, by trial id, in plan order.

    `older` maps trials that are to be trained to complete ones of an older version with the same
    settings and data: they are mentioned, never used.
    """

    plan: Plan
    statuses: Mapping[str, TrialStatus]
    older: Mapping[str, str]

    def of(self, trial: Trial) -> TrialStatus:
        """The status of one of its trials."""
        return self.statuses[trial.trial_id]

    @property
    def waiting(self) -> frozenset[str]:
        """Ids of the trials that a run would train."""
        statuses = self.statuses.items()
        return frozenset(id_ for id_, status in statuses if status.state != "complete")

    def origin(self, trial: Trial) -> tuple[str, str] | None:
        """The study and budget that trained a complete trial, if they are not the plan's."""
        origin = self.of(trial).origin or {}
        trained_by = str(origin.get("study", "")), str(origin.get("budget", ""))
        foreign = trained_by != (self.plan.study, self.plan.budget)
        return trained_by if trained_by[0] and foreign else None


def plan_status(
    plan: Plan, trials_root: Path, fingerprints: Mapping[DataKey, str] | None = None
) -> PlanStatus:
    """Read the status of a plan's trials from their folders.

    A trial that saw other data than `fingerprints` say, as far as they are known, is stale.
    """
    # The folder is listed once instead of once a trial: most of a large plan is pending.
    begun = {path.name for path in trials_root.iterdir()} if trials_root.is_dir() else set()
    fingerprints = fingerprints or {}
    statuses = {
        trial.trial_id: status_of(trial, trials_root, fingerprint=fingerprints.get(data_key(trial)))
        if trial.trial_id in begun
        else _PENDING
        for trial in plan.trials
    }
    waiting = [trial for trial in plan.trials if statuses[trial.trial_id].state != "complete"]
    folders = begun - statuses.keys() if waiting else ()
    return PlanStatus(plan, statuses, trained_by_older_version(waiting, trials_root, folders))


def trained_by_older_version(
    trials: Iterable[Trial], trials_root: Path, folders: Iterable[str]
) -> Mapping[str, str]:
    """Map waiting trials to the complete one of an older version with the same settings and data.

    It is looked for in these folders. Settings that the older version did not have are not
    compared.
    """
    index: _Index = {}
    for name in folders:
        description = read_json(trials_root / name / "trial.json") or {}
        settings = description.get("settings")
        if not isinstance(settings, dict) or not _is_older(description):
            continue
        if (trials_root / name / "complete.json").exists():
            keys = tuple(sorted(settings))
            values = (*(str(settings[key]) for key in keys), str(description.get("data_id")))
            index.setdefault(keys, {})[values] = name
    older = {}
    for trial in trials if index else ():
        settings = trial.config.model_dump(exclude_none=True)
        for keys, by_values in index.items():
            values = (*(str(settings.get(key)) for key in keys), trial.data_id)
            if values in by_values:
                older[trial.trial_id] = by_values[values]
    return older


def _is_older(description: Mapping[str, Any]) -> bool:
    versions = description.get("id_version"), description.get("semantics_version")
    numbers = [version for version in versions if isinstance(version, int)]
    return len(numbers) == 2 and numbers < [ID_VERSION, SEMANTICS_VERSION]

"""What there is still to do for a trial: its state, and what it lacks of what is wanted of it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ganablate.catalog import METRICS
from ganablate.ledger import State, TrialFolder
from ganablate.study.plan import Plan, Trial

DataKey = tuple[str, int, int | None, int | None]
"""Data set, image size, channels, crop: what decides which images a trial sees."""


@dataclass(frozen=True)
class Wanted:
    """What a complete trial is to have been measured with, by all plans that hold it.

    `measured` are names of metrics and probes; `evaluations` says into how many equal parts each
    plan cuts the training, measuring images after every part.
    """

    measured: tuple[str, ...]
    evaluations: tuple[int, ...] = (1,)

    @property
    def on_images(self) -> tuple[str, ...]:
        """The metrics that are measured during training too: those on images."""
        return tuple(n for n in self.measured if n in METRICS and METRICS[n].needs == "features")

    def stops(self, total: int) -> list[int]:
        """The iterations before the last one after which images are measured.

        Args:
            total: Iterations of the whole training.
        """
        if not self.on_images:
            return []
        ends = {-(-total * part // n) for n in self.evaluations for part in range(1, n)}
        return sorted(ends - {total})


def wanted_of(plans: Sequence[Plan]) -> dict[str, Wanted]:
    """What the plans want of each trial id together."""
    names: dict[str, dict[str, None]] = {}
    counts: dict[str, dict[int, None]] = {}
    for plan in plans:
        for trial in plan.trials:
            names.setdefault(trial.trial_id, {}).update(dict.fromkeys(plan.measured))
            counts.setdefault(trial.trial_id, {})[plan.evaluations] = None
    return {name: Wanted(tuple(names[name]), tuple(sorted(counts[name]))) for name in names}


def state_of(trial: Trial, root: Path, *, fingerprint: str | None = None) -> State:
    """The state of a trial, read from its folder.

    Args:
        trial: The trial.
        root: The folder of trial folders.
        fingerprint: Of the data as it is now; a trial that saw other bytes is stale. None: do
            not compare.
    """
    folder = TrialFolder(root, trial.trial_id)
    complete = folder.complete
    if complete is not None:
        seen = complete.get("data_fingerprint")
        return "stale" if fingerprint is not None and seen != fingerprint else "complete"
    if not folder.path.exists():
        return "pending"
    if folder.is_claimed():
        return "running"
    return "failed" if folder.failure is not None else "pending"


def lacks(trial: Trial, root: Path, measured: Collection[str]) -> list[str]:
    """The metrics and probes that a complete trial was not measured with, in the order given."""
    evaluated = TrialFolder(root, trial.trial_id).metrics()["evaluated"]
    return [name for name in measured if name not in evaluated]


def lacks_evaluations(trial: Trial, root: Path, wanted: Wanted) -> bool:
    """Whether a complete trial was not measured where it should have been during training.

    That cannot be made up for without training it again: its weights of then are gone.
    """
    if wanted.evaluations == (1,):
        return False
    folder = TrialFolder(root, trial.trial_id)
    facts = folder.complete or {}
    reached = facts.get("iterations", 0)
    stops = wanted.stops(facts.get("planned_iterations", reached))
    found = folder.evaluations()
    needed = set(wanted.on_images)
    return any(
        not needed <= set(found.get(stop, {}).get("evaluated", ()))
        for stop in stops
        if stop < reached
    )


def data_key(trial: Trial) -> DataKey:
    """The images that a trial sees."""
    config = trial.config
    return config.dataset, config.image_size, config.channels, config.crop


def has_work(trial: Trial, wanted: Wanted, root: Path, fingerprints: Mapping[DataKey, str]) -> bool:
    """Whether it is not complete, saw other data, or lacks something that is wanted of it."""
    state = state_of(trial, root, fingerprint=fingerprints.get(data_key(trial)))
    if state != "complete" or lacks(trial, root, wanted.measured):
        return True
    return lacks_evaluations(trial, root, wanted)

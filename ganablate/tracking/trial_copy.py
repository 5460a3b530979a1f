"""What a tracker copies of a trial: read from its folder, the same every time it is read."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ganablate.files import read_json
from ganablate.study.plan import Trial
from ganablate.trials.folder import TrialFolder
from ganablate.trials.outcome import outcome_of

BEGUN = "ganablate.begun_ms"
"""Tag: when the first attempt of the training started that a run shows."""


@dataclass(frozen=True, kw_only=True)
class TrackedTrial:
    """A trial where it stands in a study: what one MLflow run is about.

    The study's `metrics`, as trial folders name them, are what its outcome is judged by.
    """

    study: str
    budget: str
    trial: Trial
    trials_root: Path
    metrics: tuple[str, ...] = ()

    @property
    def folder(self) -> TrialFolder:
        """Where the truth about the trial is."""
        return TrialFolder(self.trials_root, self.trial.trial_id)

    @property
    def key(self) -> tuple[str, str, str]:
        """Study, budget and trial id: names the run."""
        return self.study, self.budget, self.trial.trial_id


class Tracker(Protocol):
    """Keeps a copy of what happens. Methods return at once and do not raise."""

    def prepare(self) -> None:
        """A sweep begins: get ready while it does."""

    def started(self, tracked: TrackedTrial) -> None:
        """An attempt begins; also called for a trial that was begun before."""

    def blocks(self, tracked: TrackedTrial, blocks: Iterable[Path]) -> None:
        """These block.json files are new."""

    def completed(self, tracked: TrackedTrial) -> None:
        """The trial is complete: in this sweep, or already before it."""

    def failed(self, tracked: TrackedTrial, message: str) -> None:
        """The last attempt failed."""

    def close(self) -> None:
        """Wait until everything is stored; trials still running are marked as interrupted."""


@dataclass(frozen=True)
class Point:
    """One value of a metric. `step` counts iterations, `timestamp_ms` from 1970."""

    key: str
    value: float
    step: int
    timestamp_ms: int


def points_of(block: Path) -> list[Point]:
    """The finite values of a block.json; a damaged one, which is told, has none."""
    content = read_json(block) or {"points": {}}
    return [
        Point(key, float(value), int(step), int(stamp))
        for key, points in content["points"].items()
        for step, value, stamp in points
        if value is not None and math.isfinite(value)
    ]


def final_points(folder: TrialFolder) -> list[Point]:
    """The finite measured numbers of a complete trial: during its training and at the last step."""
    facts = folder.complete or {}
    step, stamp = int(facts.get("iterations", 0)), int(facts.get("finished_ms", 0))
    measured = [
        (at, int(content["measured_ms"]), content["numbers"])
        for at, content in folder.evaluations().items()
    ]
    return [
        Point(column, float(number), at, when)
        for at, when, numbers in [*measured, (step, stamp, folder.metrics()["numbers"])]
        for column, number in numbers.items()
        if number is not None and math.isfinite(number)
    ]


def finished_of(folder: TrialFolder) -> str:
    """When a trial was completed, as its run's tag has it."""
    return str((folder.complete or {}).get("finished_ms", ""))


def evaluated_of(folder: TrialFolder) -> str:
    """What a trial was measured with, as its run's tag has it."""
    return ",".join(folder.metrics()["evaluated"])


def final_tags(tracked: TrackedTrial) -> dict[str, str]:
    """Outcome, counts, protocols, and the numbers that are not finite, as MLflow tags."""
    folder = tracked.folder
    outcome = outcome_of(tracked.trial, folder, tracked.metrics)
    facts = {
        **(folder.complete or {}),
        "outcome": outcome.kind or "not assessed",  # a run without the tag would look unfinished
        "outcome_because": outcome.because,
    }
    if origin := facts.pop("trained_by", None):
        facts["trained_by"] = "study {study}, budget {budget}, arm {arm}".format_map(origin)
    measured = folder.metrics()
    tags = {f"ganablate.{key}": str(value) for key, value in facts.items() if value is not None}
    tags["ganablate.evaluated"] = evaluated_of(folder)
    tags |= {f"ganablate.protocol.{key}": text for key, text in measured["protocols"].items()}
    for column, number in measured["numbers"].items():
        if number is None or not math.isfinite(number):
            tags[f"ganablate.not_finite.{column}"] = str(number)
    return tags


def identity_tags(tracked: TrackedTrial, state: str) -> dict[str, str]:
    """What names a trial's run, and the training that it shows."""
    begun = tracked.folder.begun
    return {
        **({BEGUN: begun} if begun else {}),
        "ganablate.trial_id": tracked.trial.trial_id,
        "ganablate.arm": tracked.trial.arm,
        "ganablate.replicate": str(tracked.trial.replicate),
        "ganablate.budget": tracked.budget,
        "ganablate.study": tracked.study,
        "ganablate.state": state,
    }


def settings_of(trial: Trial) -> dict[str, str]:
    """The trial's settings as flat MLflow parameters."""
    settings = trial.config.model_dump(exclude_none=True)
    return {**{key: str(value) for key, value in settings.items()}, "data_id": trial.data_id}


def artifacts_of(folder: TrialFolder) -> Iterator[tuple[Path, str | None]]:
    """Files worth a look, each with the folder it goes to."""
    for name in ("trial.json", "metrics.json", "animation.gif"):
        if (folder.path / name).is_file():
            yield folder.path / name, None
    # A name that starts with a dot is a write that was cut off.
    for where in ("samples", "probes"):
        for path in sorted((folder.path / where).glob("[!.]*.png")):
            yield path, where


class NoTracker:
    """Keeps nothing."""

    def prepare(self) -> None:
        """Keep nothing."""

    def started(self, tracked: TrackedTrial) -> None:
        """Keep nothing."""

    def blocks(self, tracked: TrackedTrial, blocks: Iterable[Path]) -> None:
        """Keep nothing."""

    def completed(self, tracked: TrackedTrial) -> None:
        """Keep nothing."""

    def failed(self, tracked: TrackedTrial, message: str) -> None:
        """Keep nothing."""

    def close(self) -> None:
        """Keep nothing."""

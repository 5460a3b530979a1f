"""What a tracker copies of a trial: read from its folder, the same every time it is read."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganablate.files import read_json
from ganablate.study.arms.settings import text_of
from ganablate.study.plan import Trial
from ganablate.trials.folder import TrialFolder
from ganablate.trials.outcome import outcome_of

BEGUN = "ganablate.begun_ms"
"""Tag: when the first attempt started of the training that a run shows."""


@dataclass(frozen=True, kw_only=True)
class TrackedTrial:
    """A trial in its place in a study: the subject of one MLflow run.

    Its outcome is judged by the study's `metrics`, named as trial folders name them.
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


class Tracker:
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


class NoTracker(Tracker):
    """Keeps nothing."""


@dataclass(frozen=True)
class Point:
    """One value of a metric. `step` counts iterations, `timestamp_ms` from 1970."""

    key: str
    value: float
    step: int
    timestamp_ms: int


def _is_finite(number: float | None) -> bool:
    return number is not None and math.isfinite(number)


def points_of(block: Path) -> list[Point]:
    """The finite values of a block.json; none of a damaged one, about which a warning is logged."""
    content = read_json(block) or {"points": {}}
    return [
        Point(key, float(value), int(step), int(stamp))
        for key, points in content["points"].items()
        for step, value, stamp in points
        if _is_finite(value)
    ]


def final_points(folder: TrialFolder) -> list[Point]:
    """The finite measured numbers of a complete trial, those measured during training included."""
    facts = folder.complete or {}
    end = int(facts.get("iterations", 0)), int(facts.get("finished_ms", 0))
    measured = [
        (iteration, int(content["measured_ms"]), content["numbers"])
        for iteration, content in folder.evaluations().items()
    ]
    return [
        Point(column, float(number), step, stamp)
        for step, stamp, numbers in [*measured, (*end, folder.metrics()["numbers"])]
        for column, number in numbers.items()
        if _is_finite(number)
    ]


def completed_as(folder: TrialFolder) -> tuple[str, str]:
    """When a trial was completed and what it was measured with, as two tags of its run say.

    The second one matters beside the numbers: a probe may add pictures and no number.
    """
    finished = str((folder.complete or {}).get("finished_ms", ""))
    return finished, ",".join(folder.metrics()["evaluated"])


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
    measured: Mapping[str, Any] = folder.metrics()
    _, evaluated = completed_as(folder)
    return {
        **{f"ganablate.{key}": str(value) for key, value in facts.items() if value is not None},
        "ganablate.evaluated": evaluated,
        **{f"ganablate.protocol.{key}": text for key, text in measured["protocols"].items()},
        **{
            f"ganablate.not_finite.{column}": str(number)
            for column, number in measured["numbers"].items()
            if not _is_finite(number)
        },
    }


def identity_tags(tracked: TrackedTrial, state: str) -> dict[str, str]:
    """Tags that name a trial's run and the training that it shows."""
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
    texts = {key: text_of(key, value) for key, value in settings.items()}
    return {**texts, "data_id": trial.data_id}


def artifacts_of(folder: TrialFolder) -> Iterator[tuple[Path, str | None]]:
    """Files worth a look, each with the artifact folder that it goes to."""
    for name in ("trial.json", "metrics.json", "animation.gif"):
        if (folder.path / name).is_file():
            yield folder.path / name, None
    # A name that starts with a dot is a write that was cut off.
    for where in ("samples", "probes"):
        for path in sorted((folder.path / where).glob("[!.]*.png")):
            yield path, where

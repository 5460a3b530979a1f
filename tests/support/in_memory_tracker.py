"""A tracker that holds in memory what MLflow would."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ganablate.tracking.trial_copy import (
    Point,
    TrackedTrial,
    artifacts_of,
    final_points,
    final_tags,
    identity_tags,
    points_of,
    settings_of,
)


@dataclass
class RunCopy:
    """What a tracker holds of one trial."""

    status: str
    tags: dict[str, str]
    params: dict[str, str]
    points: set[Point]
    artifacts: set[str]


class InMemoryTracker:
    """Holds what MLflow would, for tests."""

    def __init__(self) -> None:
        self.runs: dict[tuple[str, str, str], RunCopy] = {}

    def prepare(self) -> None:
        """See `Tracker`."""

    def started(self, tracked: TrackedTrial) -> None:
        """See `Tracker`."""
        run = self._run(tracked)
        run.status = "RUNNING"
        run.tags["ganablate.state"] = "running"
        self.blocks(tracked, tracked.folder.blocks())

    def blocks(self, tracked: TrackedTrial, blocks: Iterable[Path]) -> None:
        """See `Tracker`."""
        for block in blocks:
            self._run(tracked).points.update(points_of(block))

    def completed(self, tracked: TrackedTrial) -> None:
        """See `Tracker`."""
        folder = tracked.folder
        self.blocks(tracked, folder.blocks())
        run = self._run(tracked)
        run.points.update(final_points(folder))
        run.tags |= {**identity_tags(tracked, "complete"), **final_tags(tracked)}
        run.artifacts = {
            f"{where}/{path.name}" if where else path.name for path, where in artifacts_of(folder)
        }
        run.status = "FINISHED"

    def failed(self, tracked: TrackedTrial, message: str) -> None:
        """See `Tracker`."""
        self.blocks(tracked, tracked.folder.blocks())
        run = self._run(tracked)
        if tracked.folder.traceback.is_file():
            run.artifacts.add(tracked.folder.traceback.name)
        run.tags |= {"ganablate.state": "failed", "ganablate.failure": message}
        run.status = "FAILED"

    def close(self) -> None:
        """See `Tracker`."""
        for run in self.runs.values():
            if run.status == "RUNNING":
                run.status = "KILLED"
                run.tags["ganablate.state"] = "pending"

    def _run(self, tracked: TrackedTrial) -> RunCopy:
        facts = tracked.folder.complete or {}
        known = self.runs.get(tracked.key)
        finished = known.tags.get("ganablate.finished_ms") if known else None
        trained_again = finished is not None and finished != str(facts.get("finished_ms"))
        if known is None or trained_again:
            tags = identity_tags(tracked, "running")
            self.runs[tracked.key] = RunCopy(
                "RUNNING", tags, settings_of(tracked.trial), set(), set()
            )
        return self.runs[tracked.key]

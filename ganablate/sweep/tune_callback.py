"""From Tune's callbacks to the observer and the tracker."""

import contextlib
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
import ray.cloudpickle
from ray import tune
from ray.exceptions import RayActorError, RayTaskError

from ganablate.study.plan import Trial
from ganablate.sweep.events import FailedTrial, Observer
from ganablate.sweep.eviction import EvictedError
from ganablate.sweep.job import AttemptError, Failure, Job, Progress
from ganablate.sweep.ray_session import (
    GRACE_SECONDS,
    LAST,
    Interruption,
    SweepInterruptedError,
)
from ganablate.sweep.trainable import FAILURE, INDEX, PAUSED, PROGRESS
from ganablate.sweep.worker_log import STANDSTILL_SECONDS, place_of_standstill
from ganablate.text import duration
from ganablate.tracking import TrackedTrial, Tracker
from ganablate.trials.folder import one_line

_NOTED = 2.0
"""Seconds in which a worker has written down where it stands."""


@dataclass(frozen=True, kw_only=True)
class OwnedJob:
    """One job of a sweep, and the places in studies that it is done for (at least one)."""

    job: Job
    owners: tuple[TrackedTrial, ...]


class Relay(tune.Callback):
    """Tells observer and tracker what happens, counts failures, and stops the sweep on request.

    Every method runs in the driver's thread. `order` has the indices of the jobs as they are to be
    run; None: in plan order, as `jobs` are. `completed` is told of each trial that becomes
    complete, before the observer is. Workers stop once there is a `stop_file`. A trial that has not
    moved for `standstill_after` seconds is a warning.
    """

    def __init__(  # noqa: PLR0913 - what, how often, who is told
        self,
        jobs: Sequence[OwnedJob],
        *,
        retries: int,
        observer: Observer,
        tracker: Tracker,
        interruption: Interruption,
        order: Sequence[int] | None = None,
        completed: Callable[[Trial], None] | None = None,
        stop_file: Path | None = None,
        standstill_after: float = STANDSTILL_SECONDS,
    ) -> None:
        self._stop_file = stop_file
        self._standstill_after = standstill_after
        self._moved: dict[int, float] = {}  # when each trial at work moved last
        self._told: dict[int, float] = {}  # of those that stand still, for how long as told last
        self._paused: set[int] = set()
        self._stop_by: float | None = None
        self.jobs = jobs
        self._order = order
        self.complete: set[int] = set()
        self.failed: dict[int, Failure] = {}
        self.failures: dict[int, int] = {}
        self.alone: set[int] = set()  # those that ran out of memory beside others
        self.stopped = ""
        self._retries = retries
        self._observer = observer
        self._tracker = tracker
        self._interruption = interruption
        self._completed = completed

    def __getstate__(self) -> dict[str, Any]:
        # Tune pickles its callbacks with an experiment that nobody restores; threads and queues
        # of observer and tracker do not pickle.
        return {}

    def unfinished(self) -> list[int]:
        """Indices of the jobs that are neither complete nor failed for good, as they are to run."""
        over = self.complete | self.failed.keys()
        order = range(len(self.jobs)) if self._order is None else self._order
        return [index for index in order if index not in over]

    def on_step_begin(self, iteration: int, trials: list[Any], **info: object) -> None:
        """Leave Tune's loop when someone asked for it, or nothing can be stored any more.

        In the first case trials at work write a checkpoint before. The last checkpoints stay.
        """
        del iteration, info
        self._tell_standstills(trials)
        if self._interruption.requested or self.stopped or self._has_ended(trials):
            if not self.stopped and self._is_waiting(trials):
                return
            for trial in trials:
                if (actor := trial.temporary_state.ray_actor) is not None:
                    ray.kill(actor)
            raise SweepInterruptedError

    def _tell_standstills(self, trials: list[Any]) -> None:
        """Say which trials have not moved for long, and where they stand; again at twice as long.

        None is ended: only its author knows whether it is at work.
        """
        for index in self._working(trials):
            seconds = time.monotonic() - self._moved.get(index, math.inf)
            if seconds < 2 * self._told.get(index, 0.5 * (self._standstill_after + _NOTED)):
                continue
            self._told[index] = seconds
            first = self.jobs[index].owners[0]
            self._observer.warned(
                f"{first.trial.arm} / {first.trial.replicate} has not moved for "
                f"{duration(seconds)}{place_of_standstill(first.folder.path)}"
            )

    def _has_ended(self, trials: list[Any]) -> bool:
        """Whether nothing is trained any more so near the end of the time that nothing begins."""
        if self._stop_file is None or not self._interruption.ending:
            return False
        self._stop_file.parent.mkdir(parents=True, exist_ok=True)
        self._stop_file.with_name(LAST).touch()
        return not self._working(trials)

    def _working(self, trials: list[Any]) -> set[int]:
        """Indices of the jobs that a worker is at."""
        return {t.config[INDEX] for t in trials if t.status == "RUNNING"} - self._paused

    def _is_waiting(self, trials: list[Any]) -> bool:
        """Whether some worker has still time to write a checkpoint, which it is asked for."""
        if self._stop_file is None:
            return False
        if self._stop_by is None:
            self._stop_by = time.monotonic() + GRACE_SECONDS
            self._stop_file.parent.mkdir(parents=True, exist_ok=True)
            self._stop_file.touch()
            if self._working(trials):
                self._observer.warned("stopping: what is being trained is written to checkpoints")
        return bool(self._working(trials)) and time.monotonic() < self._stop_by

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: object) -> None:
        """A worker turns to a trial."""
        del iteration, trials, info
        self._moves(trial.config[INDEX])
        for owner in self.jobs[trial.config[INDEX]].owners:
            self._tracker.started(owner)

    def on_trial_result(
        self,
        iteration: int,
        trials: list[Any],
        trial: Any,
        result: Mapping[str, Any],
        **info: object,
    ) -> None:
        """An attempt advanced, or ran out of memory."""
        del iteration, trials, info
        index = trial.config[INDEX]
        self._moves(index)
        if FAILURE in result:
            self.attempt_failed(index, result[FAILURE])
            return
        if PAUSED in result:
            self._paused.add(index)
            if PROGRESS not in result:
                return
        progress: Progress = result[PROGRESS]
        for owner in self.jobs[index].owners:
            if progress.blocks:
                self._tracker.blocks(owner, progress.blocks)
            if progress.done:
                self._tracker.completed(owner)
        first = self.jobs[index].owners[0].trial
        if progress.done:
            self.complete.add(index)
            if self._completed is not None:
                self._completed(first)
            self._observer.completed(first.arm, first.replicate, progress)
        else:
            self._observer.progressed(first.arm, first.replicate, progress)

    def _moves(self, index: int) -> None:
        self._moved[index] = time.monotonic()
        self._told.pop(index, None)

    def on_trial_recover(
        self, iteration: int, trials: list[Any], trial: Any, **info: object
    ) -> None:
        """An attempt failed, and Tune tries again."""
        self.on_trial_error(iteration, trials, trial, **info)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: object) -> None:
        """An attempt failed, and Tune does not try again."""
        del iteration, trials, info
        self.attempt_failed(trial.config[INDEX], _reason(trial))

    def attempt_failed(self, index: int, failure: Failure) -> None:
        """Count a failure; the job is failed for good once its retries are used up."""
        if index in self.complete:  # the worker died after the trial was complete
            return
        self.failures[index] = self.failures.get(index, 0) + 1
        will_retry = self.failures[index] <= self._retries
        message = failure.message
        if failure.kind == "memory":
            if index in self.alone:
                message += ", even alone"
            elif will_retry:
                message += "; alone, after the others"
            self.alone.add(index)
        if not will_retry:
            self._fail(index, failure)
        first = self.jobs[index].owners[0].trial
        self._observer.failed(
            first.arm, first.replicate, self.failures[index], message, will_retry,
            trial_id=first.trial_id,
        )  # fmt: skip

    def _fail(self, index: int, failure: Failure) -> None:
        self.failed[index] = failure
        folder = self.jobs[index].owners[0].folder
        noted = folder.failure or {}
        # The worker could not write it down where it was killed, or never began.
        if folder.complete is None and noted.get("message") != failure.message:
            with contextlib.suppress(OSError):  # the disk may be what failed
                folder.write_failure(self.failures[index], failure.message, failure.traceback)
        for owner in self.jobs[index].owners:
            self._tracker.failed(owner, failure.message)
        if failure.kind == "disk":
            self.stopped = failure.message

    def failed_trials(self) -> tuple[FailedTrial, ...]:
        """Those that failed for good, in plan order."""
        failures = []
        for index, failure in sorted(self.failed.items(), key=lambda item: item[0]):
            owner = self.jobs[index].owners[0]
            path = owner.folder.traceback
            failures.append(
                FailedTrial(
                    trial_id=owner.trial.trial_id,
                    arm=owner.trial.arm,
                    replicate=owner.trial.replicate,
                    message=failure.message,
                    traceback=path if path.exists() else None,
                )
            )
        return tuple(failures)


def _reason(trial: Any) -> Failure:
    """Why Tune's trial failed."""
    try:
        # Read where Tune just wrote it; its own accessor looks where it is copied to later.
        error = ray.cloudpickle.loads(Path(trial.pickled_error_file).read_bytes())
    except Exception as unreadable:
        return Failure("other", f"unknown reason ({one_line(unreadable)})")
    if isinstance(error, RayTaskError):
        if isinstance(error.cause, AttemptError):
            failure: Failure = error.cause.args[0]
            return failure
        return Failure("other", one_line(error.cause), str(error))
    if isinstance(error, EvictedError):
        return Failure(
            "memory", "out of memory (the machine's was nearly full, and Ray ended the worker)"
        )
    if isinstance(error, RayActorError):
        return Failure("other", "the worker process died: killed, out of memory, or by os._exit")
    return Failure("other", one_line(error))

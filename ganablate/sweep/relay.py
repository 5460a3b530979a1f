"""From Tune's callbacks to the observer and the tracker."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
import ray.cloudpickle
from ray import tune
from ray.exceptions import RayActorError, RayTaskError

from ganablate.ledger import one_line
from ganablate.sweep.events import Observer
from ganablate.sweep.interrupt import Interruption
from ganablate.sweep.job import Job, Progress
from ganablate.sweep.trainable import INDEX, PROGRESS, AttemptError
from ganablate.tracking import TrackedTrial, Tracker

WORKER_DIED = "the worker process died: killed, or out of memory"


@dataclass(frozen=True, kw_only=True)
class Work:
    """One job of a sweep, and the places in studies that it is done for (at least one)."""

    job: Job
    owners: tuple[TrackedTrial, ...]


class Relay(tune.Callback):
    """Tells observer and tracker what happens, counts failures, and stops the sweep on request.

    Every method runs in the driver's thread.
    """

    def __init__(
        self,
        work: Sequence[Work],
        *,
        retries: int,
        observer: Observer,
        tracker: Tracker,
        interruption: Interruption,
    ) -> None:
        self.work = work
        self.complete: set[int] = set()
        self.failed: set[int] = set()
        self.failures: dict[int, int] = {}
        self._retries = retries
        self._observer = observer
        self._tracker = tracker
        self._interruption = interruption

    def __getstate__(self) -> dict[str, Any]:
        # Tune pickles its callbacks with an experiment that nobody restores; threads and queues
        # of observer and tracker do not pickle.
        return {}

    def unfinished(self) -> list[int]:
        """Indices of the jobs that are neither complete nor failed for good, in plan order."""
        over = self.complete | self.failed
        return [index for index in range(len(self.work)) if index not in over]

    def on_step_begin(self, iteration: int, trials: list[Any], **info: object) -> None:
        """Leave Tune's loop when someone asked for it; the last checkpoints stay."""
        del iteration, info
        if self._interruption.requested:
            for trial in trials:
                if (actor := trial.temporary_state.ray_actor) is not None:
                    ray.kill(actor)
            self._interruption.raise_if_requested()

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: object) -> None:
        """A worker turns to a trial."""
        del iteration, trials, info
        for owner in self.work[trial.config[INDEX]].owners:
            self._tracker.started(owner)

    def on_trial_result(
        self,
        iteration: int,
        trials: list[Any],
        trial: Any,
        result: Mapping[str, Any],
        **info: object,
    ) -> None:
        """An attempt advanced."""
        del iteration, trials, info
        index, progress = trial.config[INDEX], result[PROGRESS]
        assert isinstance(progress, Progress)
        for owner in self.work[index].owners:
            if progress.blocks:
                self._tracker.blocks(owner, progress.blocks)
            if progress.done:
                self._tracker.completed(owner)
        first = self.work[index].owners[0].trial
        if progress.done:
            self.complete.add(index)
            self._observer.completed(first.arm, first.replicate, progress)
        else:
            self._observer.progressed(first.arm, first.replicate, progress)

    def on_trial_recover(
        self, iteration: int, trials: list[Any], trial: Any, **info: object
    ) -> None:
        """An attempt failed, and Tune tries again."""
        del iteration, trials, info
        self.attempt_failed(trial.config[INDEX], reason(trial))

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: object) -> None:
        """An attempt failed, and Tune does not try again."""
        del iteration, trials, info
        self.attempt_failed(trial.config[INDEX], reason(trial))

    def attempt_failed(self, index: int, message: str) -> None:
        """Count a failure; the job is failed for good once its retries are used up."""
        if index in self.complete:  # the worker died after the trial was complete
            return
        self.failures[index] = self.failures.get(index, 0) + 1
        will_retry = self.failures[index] <= self._retries
        if not will_retry:
            self.failed.add(index)
            self._keep_reason(index, message)
            for owner in self.work[index].owners:
                self._tracker.failed(owner, message)
        first = self.work[index].owners[0].trial
        self._observer.failed(first.arm, first.replicate, self.failures[index], message, will_retry)

    def _keep_reason(self, index: int, message: str) -> None:
        """A worker that was killed could not write down why its trial failed."""
        folder = self.work[index].owners[0].folder
        if folder.failure is None and folder.complete is None:
            folder.write_failure(self.failures[index], message, traceback="")


def reason(trial: Any) -> str:
    """Why Tune's trial failed, in one line."""
    try:
        # Read where Tune just wrote it; its own accessor looks where it is copied to later.
        error = ray.cloudpickle.loads(Path(trial.pickled_error_file).read_bytes())
    except Exception as unreadable:
        return f"unknown reason ({one_line(unreadable)})"
    if isinstance(error, RayTaskError):
        cause: BaseException = error.as_instanceof_cause()  # type: ignore[no-untyped-call]
        return str(cause.args[0]) if isinstance(cause, AttemptError) else one_line(cause)
    return WORKER_DIED if isinstance(error, RayActorError) else one_line(error)

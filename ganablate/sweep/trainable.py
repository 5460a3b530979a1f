"""The Tune side of a trial: one actor that works on one attempt after another."""

import contextlib
import os
import platform
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ray import tune

from ganablate.study.plugins import load_same
from ganablate.sweep.job import (
    Attempt,
    AttemptError,
    Failure,
    Job,
    Progress,
    failure_of,
    is_fault,
    load_factory,
    release_gpu_memory,
    release_memory,
)
from ganablate.sweep.ray_session import LAST
from ganablate.sweep.worker_log import STANDSTILL_SECONDS, output_kept

INDEX = "job"
"""Key of a Tune configuration: which of the sweep's jobs to do."""
PROGRESS, FAILURE, PAUSED = "progress", "failure", "paused"
"""Keys of a Tune result: the `Progress` of an attempt, why it ran out of memory, and that the
worker has stopped, as it was asked to."""
_PAUSE_SECONDS = 0.2


class TrialTrainable(tune.Trainable):
    """Runs attempts. The process outlives its trials: torch is imported once an actor.

    Configurations carry an index only; the jobs come once an actor through the object store, so
    that neither results nor Tune's own files grow with them.
    """

    def setup(  # noqa: PLR0913 - what a sweep gives to each of its workers
        self,
        config: dict[str, Any],
        jobs: Sequence[Job] | Mapping[int, Job] = (),
        attempt: str = "",
        start_folder: Path | None = None,
        workers: int = 1,
        stop_file: Path | None = None,
        standstill_after: float = STANDSTILL_SECONDS,
    ) -> None:
        """Note what to do. The work starts in `step`, since Tune does not retry a failed reset.

        In `start_folder` the first `workers` of a sweep wait for each other. Once there is a
        `stop_file`, attempts write a checkpoint and do no more; once `LAST` is beside it, none
        begins. A step that takes longer than `standstill_after` notes where it is.
        """
        self._stop_file = stop_file
        self._jobs = jobs
        self._factory = attempt
        self._index: int = config[INDEX]
        self._attempt: Attempt | None = None
        self._start_folder = start_folder
        self._workers = workers
        self._standstill_after = standstill_after

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Turn to another trial."""
        self._close()
        self._index = new_config[INDEX]
        return True

    def step(self) -> dict[str, Any]:
        """Advance the attempt once, starting it first if need be.

        Want of memory is a result, not an error: Tune would try again at once, beside the same
        other trials.

        Raises:
            AttemptError: The attempt failed otherwise; its folder has the traceback.
        """
        if self._is_to_stop():
            return self._stopped()
        if self._start_folder is not None:
            self._wait_for_workers(self._start_folder)
            self._start_folder = None
        folder = self._jobs[self._index].trials_root / self._jobs[self._index].trial.trial_id
        with output_kept(folder, self._standstill_after):
            advanced = self._advance()
        if isinstance(advanced, Progress):
            if advanced.done:
                self._close()
            return {PROGRESS: advanced, "done": advanced.done}
        self._close()
        release_memory()
        if advanced.kind != "memory":
            raise AttemptError(advanced)
        return {FAILURE: advanced, "done": True}

    def _is_to_stop(self) -> bool:
        if self._stop_file is None:
            return False
        last = self._attempt is None and self._stop_file.with_name(LAST).exists()
        return last or self._stop_file.exists()

    def _stopped(self) -> dict[str, Any]:
        """A checkpoint, at the first time; then nothing, since Tune goes on asking."""
        result: dict[str, Any] = {PAUSED: True}
        if self._attempt is None:
            time.sleep(_PAUSE_SECONDS)
        else:
            with contextlib.suppress(Exception):  # the checkpoint before it stays
                result[PROGRESS] = self._attempt.pause()
            self._close()
        return result

    def _wait_for_workers(self, folder: Path) -> None:
        """Return once all workers have started, or after a minute.

        Tune gives a waiting trial to the first worker that is free and ends the worker that was
        starting for it. Short trials would so keep all but one worker from ever starting. Once a
        worker is here, no other is given its trial any more.
        """
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{platform.node()}-{os.getpid()}").touch()
        with contextlib.suppress(Exception):  # the attempt will meet it again, and say so
            load_factory(self._factory)  # torch comes while other workers start
        deadline = time.monotonic() + 60.0
        while len(list(folder.iterdir())) < self._workers and time.monotonic() < deadline:
            if self._is_to_stop():
                return
            time.sleep(0.05)

    def _advance(self) -> Progress | Failure:
        # The error ends here: as long as it lives its frames hold on to the networks.
        job = self._jobs[self._index]
        try:
            if self._attempt is None:
                load_same(job.plugins)
                self._attempt = load_factory(self._factory)(job)
            return self._attempt.advance()
        except BaseException as error:
            if not is_fault(error):
                raise
            return failure_of(error, job.trials_root)

    def cleanup(self) -> None:
        """Let go of whatever is held."""
        self._close()

    def _close(self) -> None:
        attempt, self._attempt = self._attempt, None
        if attempt is not None:
            attempt.close()
            del attempt
            release_gpu_memory()

"""The Tune side of a trial: one actor that works on one attempt after another."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ray import tune

from ganablate.ledger import one_line
from ganablate.sweep.job import Attempt, Job, Progress, load_factory

INDEX = "job"
"""Key of a Tune configuration: which of the sweep's jobs to do."""
PROGRESS = "progress"
"""Key of a Tune result: the `Progress` of the attempt."""


class AttemptError(Exception):
    """An attempt failed. Its only argument is one line of text, so it always pickles."""


@dataclass(frozen=True)
class StartLine:
    """Where the first workers of a sweep wait for each other.

    Tune gives a waiting trial to the first worker that is free and ends the worker that was
    starting for it. Short trials would so keep all but one worker from ever starting.
    """

    folder: Path
    workers: int

    def arrive(self) -> None:
        """Say that this worker has started."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / str(os.getpid())).touch()

    def wait(self, seconds: float = 60.0) -> None:
        """Return once all workers have started, or after so many seconds."""
        deadline = time.monotonic() + seconds
        while len(list(self.folder.iterdir())) < self.workers and time.monotonic() < deadline:
            time.sleep(0.05)


class TrialTrainable(tune.Trainable):
    """Runs attempts. The process outlives its trials: torch is imported once an actor.

    Configurations carry an index only; the jobs come once an actor through the object store, so
    that neither results nor Tune's own files grow with them.
    """

    def setup(
        self,
        config: dict[str, Any],
        jobs: Sequence[Job] = (),
        attempt: str = "",
        start_line: StartLine | None = None,
    ) -> None:
        """Note what to do. The work starts in `step`, since Tune does not retry a failed reset."""
        self._jobs = jobs
        self._factory = attempt
        self._index: int = config[INDEX]
        self._attempt: Attempt | None = None
        self._start_line = start_line
        if start_line is not None:
            start_line.arrive()

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Turn to another trial."""
        self._close()
        self._index = new_config[INDEX]
        return True

    def step(self) -> dict[str, Any]:
        """Advance the attempt once, starting it first if need be.

        Raises:
            AttemptError: The attempt failed; its folder has the traceback.
        """
        if self._start_line is not None:
            self._start_line.wait()
            self._start_line = None
        try:
            if self._attempt is None:
                self._attempt = load_factory(self._factory)(self._jobs[self._index])
            progress: Progress = self._attempt.advance()
        except Exception as error:
            self._close()
            raise AttemptError(one_line(error)) from None
        if progress.done:
            self._close()
        return {PROGRESS: progress, "done": progress.done}

    def cleanup(self) -> None:
        """Let go of whatever is held."""
        self._close()

    def _close(self) -> None:
        attempt, self._attempt = self._attempt, None
        if attempt is not None:
            attempt.close()

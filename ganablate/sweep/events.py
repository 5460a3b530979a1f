"""What a sweep tells whoever watches it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ganablate.sweep.job import Progress


@dataclass(frozen=True, kw_only=True)
class FailedTrial:
    """A trial that failed on its last attempt: why, in a line, and the file with the traceback.

    There is no such file where the worker was killed, or where nothing could be written.
    """

    trial_id: str
    arm: str
    replicate: int
    message: str
    traceback: Path | None


@dataclass(frozen=True, kw_only=True)
class Summary:
    """How a sweep ended: the trials that it completed, that failed on their last attempt, and more.

    Attributes:
        reused: Trials that were complete before it began.
        interrupted: Stopped by a signal, or `out_of_time`; what is neither complete nor failed can
            be resumed.
        wall_seconds: From the call to the return.
        failures: What is known of each that failed, in plan order.
        stopped: Why the sweep ended before its end, of itself; empty where it did not.
    """

    complete: int
    failed: int
    reused: int
    interrupted: bool
    wall_seconds: float
    failures: tuple[FailedTrial, ...] = ()
    stopped: str = ""
    out_of_time: bool = False


class Observer(Protocol):
    """Watches a sweep. Called from the thread that called `run_sweep`, one call at a time.

    `warned` alone can also come from the tracker's thread. An observer returns quickly and does
    not raise.
    """

    def started(self, total: int, already_complete: int, at_once: int = 0) -> None:
        """The sweep has `total` trials, of which `already_complete` need no work.

        So many are to run `at_once`; 0: that is not known.
        """

    def progressed(self, arm: str, replicate: int, progress: Progress) -> None:
        """A trial went on; told every few seconds."""

    def completed(self, arm: str, replicate: int, progress: Progress) -> None:
        """A trial is complete; `progress.outcome` says how it went."""

    def failed(
        self,
        arm: str,
        replicate: int,
        attempt: int,
        message: str,
        will_retry: bool,
        *,
        trial_id: str,
    ) -> None:
        """Attempt number `attempt` (from 1) failed; `message` is one line.

        Arms of several studies may have the same name; the id tells their trials apart.
        """

    def warned(self, message: str) -> None:
        """Something is amiss that does not stop the sweep."""

    def finished(self, summary: Summary) -> None:
        """The sweep is over; nothing is called after this."""

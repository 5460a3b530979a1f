"""Work in a process whose clock jumps: a day back, then a year ahead.

Only this process's `time.time` and `time.time_ns` are shifted: setting the machine's own clock
would hit everything else that runs on it.
"""

import contextlib
import pickle
import sqlite3
import sys
import time
from pathlib import Path

DAY_NS = 86_400 * 10**9


class Clock:
    """The machine's clock, moved."""

    def __init__(self) -> None:
        self.real, self.moved = time.time_ns, 0
        time.time_ns = self.now
        time.time = lambda: self.now() / 1e9

    def now(self) -> int:
        return self.real() + self.moved

    def jump(self, times: int) -> None:
        """The first time a day back, then a year ahead, then right again."""
        self.moved = {1: -DAY_NS, 2: 365 * DAY_NS}.get(times, 0)


def attempt(clock: Clock, folder: Path) -> None:
    """Train the pickled job; the clock jumps between two checkpoints, several times."""
    from ganablate.sweep.attempt import start

    running = start(pickle.loads((folder / "job").read_bytes()))
    for number in range(1, 1000):
        if running.advance().done:
            break
        clock.jump(number % 3)
    running.close()


def sweep(clock: Clock, folder: Path) -> None:
    """Four short trials with Ray and MLflow; the clock jumps when one of them is complete."""
    from ganablate.sweep.profile import Profile
    from ganablate.sweep.runner import run_sweep
    from ganablate.tracking import MlflowTracker, resolve_uri
    from tests.support import sweep_cases

    class Jumper(sweep_cases.Diary):
        def completed(self, *given: object) -> None:
            super().completed(*given)
            done = len(self.of("completed"))
            wait_for_runs(folder / "mlflow.db", 1 + done)  # a parent, and one a trial
            clock.jump(done)

    diary = Jumper()
    summary = run_sweep(
        [sweep_cases.plan(["baseline", "other"], replicates=2)],
        Profile(concurrency=1),
        observer=diary,
        tracker=MlflowTracker(resolve_uri(folder), folder, diary.warned),
        runs=folder,
        attempt="tests.support.fake_attempts:no_op",
    )
    sys.stdout.write(f"{summary.complete} {summary.wall_seconds} {diary.of('warned')}")


def wait_for_runs(database: Path, number: int) -> None:
    """Until MLflow has so many runs: it is to meet each time of the clock."""
    deadline = time.monotonic() + 100
    while time.monotonic() < deadline:
        with contextlib.closing(sqlite3.connect(database, timeout=30)) as connection:
            if connection.execute("select count(*) from runs").fetchone()[0] >= number:
                return
        time.sleep(0.1)


if __name__ == "__main__":
    {"attempt": attempt, "sweep": sweep}[sys.argv[1]](Clock(), Path(sys.argv[2]))

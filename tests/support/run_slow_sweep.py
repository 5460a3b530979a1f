"""A sweep that never ends by itself, as a process to send signals to."""

import sys
from pathlib import Path

from ganablate.sweep.profile import Profile
from ganablate.sweep.runner import run_sweep
from ganablate.tracking import NoTracker
from tests.support import sweep_cases


class Loud(sweep_cases.Diary):
    def progressed(self, *given: object) -> None:
        sys.stdout.write("working\n")
        sys.stdout.flush()


if __name__ == "__main__":
    summary = run_sweep(
        [sweep_cases.plan(["baseline", "other"], replicates=2)],
        Profile(concurrency=2),
        observer=Loud(),
        tracker=NoTracker(),
        runs=Path(sys.argv[1]),
        attempt="tests.support.fake_attempts:slow",
    )
    sys.stdout.write(f"{summary}\n")

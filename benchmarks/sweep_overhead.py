"""What a sweep costs beside training: no-op trials with Ray Tune, ledger and MLflow switched on.

    python benchmarks/sweep_overhead.py [--trials N] [--without-mlflow]

Each trial writes its folder (a checkpoint with a block of 200 values, metrics, completion) and
gets an MLflow run with about 30 parameters and 200 metric values. Start-up is the time until the
first trial is complete: Ray, two workers, MLflow's database. On a busy machine the processor time
of the driver, Tune and MLflow together, says more than the clock.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FAKES = [str(ROOT), str(ROOT / "benchmarks")]
sys.path[:0] = FAKES
os.environ["PYTHONPATH"] = os.pathsep.join(FAKES)  # for Ray's workers

from figures import Figure, tell  # noqa: E402

from ganablate.sweep.job import Progress  # noqa: E402
from ganablate.sweep.profile import Profile  # noqa: E402
from ganablate.sweep.runner import run_sweep  # noqa: E402
from ganablate.tracking import MlflowTracker, NoTracker, Tracker, resolve_uri  # noqa: E402
from tests.support.sweep_cases import Diary, plan  # noqa: E402

TARGET_MS = 150.0


class Stopwatch(Diary):
    """Notes when the first trial was complete and when the last one was."""

    def __init__(self) -> None:
        super().__init__()
        self.times: list[float] = []
        self.processor = 0.0  # this process's seconds when the first was

    def completed(self, arm: str, replicate: int, progress: Progress) -> None:
        """Note the time."""
        super().completed(arm, replicate, progress)
        self.times.append(time.perf_counter())
        self.processor = self.processor or time.process_time()


class TimedTracker(MlflowTracker):
    """Notes when everything was stored."""

    closed_at = 0.0

    def close(self) -> None:
        """Note the time."""
        super().close()
        self.closed_at = time.perf_counter()


def measure(trials: int, *, mlflow: bool) -> None:
    with tempfile.TemporaryDirectory(prefix="ganablate-bench-") as folder:
        runs = Path(folder) / "runs"
        watch = Stopwatch()
        tracker: Tracker = (
            TimedTracker(resolve_uri(runs), runs, watch.warned) if mlflow else NoTracker()
        )
        began = time.perf_counter()
        summary = run_sweep(
            [plan(["baseline"], trials)],
            Profile(),
            observer=watch,
            tracker=tracker,
            runs=runs,
            attempt="tests.support.fake_attempts:no_op",
        )
        ended, processor = time.perf_counter(), time.process_time()
    for (message,) in watch.of("warned"):
        print("warning:", message)
    if summary.complete != trials:
        sys.exit(f"only {summary.complete} of {trials} trials are complete")
    first, last = watch.times[0], watch.times[-1]
    rest = max(trials - 1, 1)
    shutdown = ended - last
    stored = tracker.closed_at if isinstance(tracker, TimedTracker) else last
    each = (stored - first) / rest * 1000
    print(f"{trials} no-op trials, MLflow {'on' if mlflow else 'off'}")
    print(f"  start-up, to the first complete trial  {first - began:8.2f} s")
    print(
        f"  trials done, first to last             {(last - first) / rest * 1000:8.1f} ms a trial"
    )
    print(f"  and everything stored in MLflow        {each:8.1f} ms a trial")
    own = (processor - watch.processor) / rest * 1000
    print(f"  processor time of the driver           {own:8.1f} ms a trial")
    print(f"  shutting down, part of the above       {shutdown:8.2f} s")
    verdict = "within" if each <= TARGET_MS else "ABOVE"
    print(f"  {verdict} the target of {TARGET_MS:.0f} ms a trial")
    what = f"sweep overhead, {trials:,} no-op trials"
    beside = f"of which the driver computes {own:.0f} ms"
    tell(Figure(what=what, value=each, unit="ms a trial", limit=TARGET_MS, beside=beside))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--without-mlflow", action="store_true")
    given = parser.parse_args(arguments)
    measure(given.trials, mlflow=not given.without_mlflow)


if __name__ == "__main__":
    main()

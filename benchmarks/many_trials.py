"""Many no-op trials with many workers on SQLite: does MLflow have every value, and each once?

    python benchmarks/many_trials.py [--trials 1000] [--workers 16]

Workers import no torch. Each trial writes its folder and 201 values. What is counted: rows of
MLflow's database against the blocks in the trial folders, warnings, and the memory of driver,
Ray and workers at its highest (proportional set size, so shared pages count once). On two idle
cores 1,000 trials take about four minutes.
"""

import argparse
import contextlib
import os
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FAKES = [str(ROOT), str(ROOT / "benchmarks")]
sys.path[:0] = FAKES
os.environ["PYTHONPATH"] = os.pathsep.join(FAKES)  # for Ray's workers

from fault_checks import doubled, wrong_copy  # noqa: E402
from process_memory import family, memory_mib, name_of  # noqa: E402

from ganablate.sweep.profile import Profile  # noqa: E402
from ganablate.sweep.runner import run_sweep  # noqa: E402
from ganablate.tracking import MlflowTracker, resolve_uri  # noqa: E402
from tests.support.fake_attempts import STEPS  # noqa: E402
from tests.support.sweep_cases import Diary, plan  # noqa: E402

VALUES = 4 * STEPS + 1
"""Metric values of one no-op trial."""
_LOOK_SECONDS = 2.0


@dataclass(frozen=True)
class Found:
    """What a sweep of no-op trials left.

    `workers` are the processes that worked, `problems` what MLflow lacks or has twice and what the
    sweep warned of, `memory_mib` the most that was used at a moment.
    """

    complete: int
    values: int
    workers: int
    problems: tuple[str, ...]
    seconds: float
    memory_mib: int


class Scales(threading.Thread):
    """Weighs this process and its descendants now and then."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most = 0.0
        self.workers: set[int] = set()
        self._over = threading.Event()

    def run(self) -> None:
        """Weigh until `stop`."""
        while not self._over.wait(_LOOK_SECONDS):
            self.most = max(self.most, sum(memory_mib(pid, "Pss:") for pid in self._family()))

    def stop(self) -> None:
        """End it."""
        self._over.set()
        self.join()

    def _family(self) -> list[int]:
        found = [os.getpid(), *family(os.getpid())]
        self.workers |= {pid for pid in found if "ray::ResourceTr" in name_of(pid)}
        return found


def sweep(trials: int, workers: int, runs: Path) -> Found:
    """Run so many no-op trials under `runs`, tracked by MLflow on SQLite, and count."""
    watch, scales = Diary(), Scales()
    made = plan(["baseline"], trials)
    scales.start()
    began = time.monotonic()
    summary = run_sweep(
        [made],
        Profile(concurrency=workers),
        observer=watch,
        tracker=MlflowTracker(resolve_uri(runs), runs, watch.warned),
        runs=runs,
        attempt="tests.support.fake_attempts:no_op",
    )
    seconds = time.monotonic() - began
    scales.stop()
    database = runs / "mlflow.db"
    with contextlib.closing(sqlite3.connect(database)) as copy:
        ((values,),) = copy.execute("select count(*) from metrics")
    return Found(
        complete=summary.complete,
        values=values,
        workers=len(scales.workers),
        problems=(
            *(f"warned: {message}" for (message,) in watch.of("warned")),
            *(f"failed: {line}" for line in watch.of("failed")),
            *wrong_copy(database, runs / "trials", made.study),
            *doubled(runs / "trials"),
        ),
        seconds=seconds,
        memory_mib=round(scales.most),
    )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=16)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="ganablate-many-") as folder:
        found = sweep(given.trials, given.workers, Path(folder) / "runs")
    print(
        f"{found.complete} of {given.trials} trials complete, {found.values:,} of "
        f"{given.trials * VALUES:,} values in MLflow, {found.workers} workers, "
        f"{found.seconds:.0f} s, {found.memory_mib:,} MiB at most, "
        f"{len(found.problems)} problems"
    )
    for problem in found.problems[:20]:
        print(f"  {problem}")
    whole = found.complete == given.trials and found.values == given.trials * VALUES
    sys.exit(0 if whole and not found.problems else 1)


if __name__ == "__main__":
    main()

"""Many workers, one SQLite database: no value is lost, none is there twice, nobody waits for it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "many_trials.py"
TRIALS, WORKERS, VALUES = 200, 16, 201


@pytest.mark.slow
def test_many_trials_with_sixteen_workers_lose_no_value_on_sqlite() -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--trials", str(TRIALS), "--workers", str(WORKERS)],
        capture_output=True, text=True, timeout=900,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{TRIALS} of {TRIALS} trials complete" in done.stdout
    assert f"{TRIALS * VALUES:,} of {TRIALS * VALUES:,} values in MLflow" in done.stdout
    assert "0 problems" in done.stdout
    assert "database is locked" not in (done.stdout + done.stderr).lower()
    # So few trials may be over before every worker was seen at work.
    (workers,) = re.findall(r"(\d+) workers", done.stdout)
    assert int(workers) >= WORKERS / 4

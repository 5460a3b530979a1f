"""A clock that jumps a day back and a year ahead, in the process that trains or drives."""

import os
import pickle
import shutil
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ganablate.config import TrialConfig
from ganablate.study.arms.identity import trial_id
from ganablate.study.plan import Trial
from ganablate.sweep.attempt import start
from ganablate.sweep.job import Job
from ganablate.tracking.trial_copy import points_of
from ganablate.trials.folder import TrialFolder, block_of
from ganablate.trials.needs import Measurements
from tests.support.paths import ROOT
from tests.support.sweep_cases import DATA_ID
from tests.support.trial_config import BASE

DAY_MS, YEAR_MS = 86_400_000, 365 * 86_400_000


def in_a_child(what: str, folder: Path) -> str:
    """Do it under a clock that jumps; returns what was printed."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.run_with_jumping_clock", what, str(folder)],
        capture_output=True, text=True, timeout=300, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_block_asks_the_clock_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = iter([5_000_000])
    monkeypatch.setattr("ganablate.trials.folder.now_ms", lambda: next(asked))
    losses = {"d/criterion": np.arange(4, dtype=np.float32)}
    block = block_of(losses, first=1, last=4, total=4, seconds=3.0)
    assert block == {
        "iteration": 4,
        "timestamp_ms": 5_000_000,
        "points": {"d/criterion": [[2, 1.0, 4_998_000], [3, 2.0, 4_999_000], [4, 3.0, 5_000_000]]},
    }


@pytest.mark.slow
def test_a_trial_under_a_jumping_clock_ends_as_ever(tmp_path: Path) -> None:
    config = TrialConfig(**{**BASE, "iterations": 20})
    job = Job(
        trial=Trial(trial_id(config, DATA_ID), "baseline", 0, config, DATA_ID),
        wanted=Measurements(("d_loss",)), trials_root=tmp_path / "jumped", cache=tmp_path / "cache",
        data_root=None, device="cpu", precision="fp32", threads=1, checkpoint_seconds=0.001,
    )  # fmt: skip
    (tmp_path / "job").write_bytes(pickle.dumps(job))
    in_a_child("attempt", tmp_path)
    calm = replace(job, trials_root=tmp_path / "calm")
    attempt = start(calm)
    while not attempt.advance().done:
        pass
    attempt.close()
    jumped, quiet = (TrialFolder(j.trials_root, j.trial.trial_id) for j in (job, calm))
    for name in ("weights.safetensors", "samples.npy", "metrics.json"):
        assert (jumped.path / name).read_bytes() == (quiet.path / name).read_bytes(), name
    (facts,) = jumped.attempts()
    assert 0 < facts["wall_seconds"] < 120  # not a day less, nor a year
    blocks = [points_of(path) for path in jumped.blocks()]
    ends = [max(point.timestamp_ms for point in block) for block in blocks]
    now = time.time_ns() // 1_000_000
    assert any(end < now - DAY_MS / 2 for end in ends)  # it did jump, both ways
    assert any(end > now + YEAR_MS / 2 for end in ends)
    for block in blocks:
        stamps = [p.timestamp_ms for p in block if p.key == "g/criterion"]
        assert stamps == sorted(stamps)
        assert stamps[-1] - stamps[0] < 120_000
    steps = [p.step for block in blocks for p in block if p.key == "g/criterion"]
    assert steps == list(range(1, 21))


@pytest.mark.filterwarnings("default")  # of Ray and MLflow: none of ours
@pytest.mark.slow
def test_a_sweep_under_a_jumping_clock_ends_and_mlflow_goes_by_steps(
    fresh_database: Path, tmp_path: Path
) -> None:
    shutil.copy(fresh_database, tmp_path / "mlflow.db")
    complete, seconds, warned = in_a_child("sweep", tmp_path).split(maxsplit=2)
    assert (complete, warned) == ("4", "[]")
    assert 0 < float(seconds) < 250
    with sqlite3.connect(tmp_path / "mlflow.db") as database:
        (spread,) = database.execute(
            "select max(start_time) - min(start_time) from runs"
        ).fetchone()
        assert spread > YEAR_MS / 2  # the clock did jump
        states = database.execute(
            "select value, count(*) from tags where key = 'ganablate.state' group by value"
        ).fetchall()
        assert states == [("complete", 4)]
        counts = database.execute(
            "select count(*), count(distinct step) from metrics "
            "where key = 'd/criterion' group by run_uuid"
        ).fetchall()
        assert counts == [(50, 50)] * 4
        latest = database.execute(
            "select step, value from latest_metrics where key = 'd/criterion'"
        ).fetchall()
        assert latest == [(50, pytest.approx(1 / 50))] * 4

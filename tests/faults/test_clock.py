"""A clock that jumps a day back and a year ahead, in the process that trains."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ganablate.sweep.attempt import start
from ganablate.tracking.trial_copy import points_of
from ganablate.trials.folder import block_of
from ganablate.trials.needs import Measurements
from tests.support.real_attempt import folder_of, job_for, run

DAY_MS, YEAR_MS = 86_400_000, 365 * 86_400_000


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
def test_a_trial_under_a_jumping_clock_ends_as_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock jumps between two checkpoints, again and again: back, ahead, and right again."""
    calm = replace(
        job_for(tmp_path / "calm", tmp_path / "cache"),
        wanted=Measurements(("d_loss",)), checkpoint_seconds=0.001,
    )  # fmt: skip
    run(calm)
    job = replace(calm, trials_root=tmp_path / "jumped")
    now_ns, moved = time.time_ns, 0
    monkeypatch.setattr(time, "time_ns", lambda: now_ns() + moved)
    monkeypatch.setattr(time, "time", lambda: (now_ns() + moved) / 1e9)
    attempt = start(job)
    jumps = 0
    while not attempt.advance().done:
        jumps += 1
        moved = (0, -DAY_MS, YEAR_MS)[jumps % 3] * 10**6
    attempt.close()
    monkeypatch.undo()
    jumped, quiet = folder_of(job), folder_of(calm)
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

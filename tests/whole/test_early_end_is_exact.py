"""A trial that ends early has the same bytes however often it was killed on its way there."""

import random
from pathlib import Path
from typing import Any

import pytest

from ganablate.trials.folder import TrialFolder
from tests.support.killed_trial import (
    finish,
    job_of,
    kill_after,
    of_network,
)
from tests.support.trial_config import HOPELESS

pytestmark = pytest.mark.slow

SETTINGS = of_network("mlp", **HOPELESS)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_killed_again_and_again(
    tmp_path: Path,
    cache: Path,
    process_of: Any,
    precision: str,
) -> None:
    whole = job_of(tmp_path / "whole", cache, SETTINGS, precision)
    finish(process_of(whole))
    expected = TrialFolder(whole.trials_root, whole.trial.trial_id)
    end = expected.complete["ended_early_at"]
    assert 50 <= end < 200
    job = job_of(tmp_path / "cut", cache, SETTINGS, precision)
    folder = TrialFolder(job.trials_root, job.trial.trial_id)
    moments = random.Random(precision)
    # The last moment is the end itself: killed while it is measured, with the checkpoint there.
    for least in (5, end // 2, end - 10, end):
        assert kill_after(process_of(job), folder, least, moments, 0.005)
    finish(process_of(job))

    begun = [attempt["from_iteration"] for attempt in folder.attempts()]
    assert begun == sorted(begun)
    assert begun[1] > 0
    assert begun[-1] == end  # nothing was left to train
    for file in ("weights.safetensors", "metrics.json", "samples.npy"):
        ours, theirs = (one.path / file for one in (folder, expected))
        assert ours.read_bytes() == theirs.read_bytes(), file
    for key, values in expected.losses().items():
        assert folder.losses()[key].tobytes() == values.tobytes(), key
    facts = [
        {key: value for key, value in one.complete.items() if key != "finished_ms"}
        for one in (folder, expected)
    ]
    assert facts[0] == facts[1]

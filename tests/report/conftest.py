"""Fixtures of the report's tests."""

from pathlib import Path

import numpy as np
import pytest
from synthetic_study import curves_of, make_plan, numbers_of, write_trial


@pytest.fixture
def three_arms():
    return make_plan(
        {
            "baseline": {},
            "d_dropout=0.0": {"d_dropout": 0.0},
            "criterion=least_squares": {"criterion": "least_squares"},
        }
    )


@pytest.fixture
def run_all(tmp_path):
    """Write every trial of a plan but those left out; returns the root of the trial folders."""

    def run(plan, *, root: Path = tmp_path / "runs" / "trials", skip=(), samples=True):
        for trial in plan.trials:
            if trial.trial_id in skip:
                continue
            generator = np.random.default_rng(int(trial.trial_id[:8], 16))
            pictures = generator.integers(0, 256, (12, 28, 28, 1), dtype=np.uint8)
            write_trial(
                root, trial, numbers=numbers_of(generator), losses=curves_of(generator, steps=450),
                samples=pictures if samples else None,
            )  # fmt: skip
        return root

    return run

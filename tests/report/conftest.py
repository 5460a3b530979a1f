"""Fixtures of the report's tests."""

from pathlib import Path

import pytest

from tests.support.synthetic_study import three_arms_plan, write_all


@pytest.fixture
def three_arms():
    return three_arms_plan()


@pytest.fixture
def run_all(tmp_path):
    """`write_all` under the test's own folder."""

    def run(plan, *, root: Path = tmp_path / "runs" / "trials", skip=(), samples=True):
        return write_all(plan, root, skip=skip, samples=samples)

    return run

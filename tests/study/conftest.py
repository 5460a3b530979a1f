"""Studies written for one test at a time."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ganablate.study.load import load_study
from ganablate.study.schema import Study
from tests.support.study_text import HEAD


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    """Write a study file and return its path."""

    def _write(text: str) -> Path:
        path = tmp_path / "x.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return _write


@pytest.fixture
def load(write: Callable[[str], Path]) -> Callable[..., Study]:
    """Load a study from text put under a minimal head (four lines)."""
    return lambda text, head=HEAD: load_study(write(head + text))

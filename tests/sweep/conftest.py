import sys
from pathlib import Path

import pytest

HERE = str(Path(__file__).parent)


@pytest.fixture(autouse=True)
def workers_find_fake_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray's workers import `fake_attempts` by name."""
    monkeypatch.setenv("PYTHONPATH", HERE)
    if HERE not in sys.path:
        monkeypatch.syspath_prepend(HERE)

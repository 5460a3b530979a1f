"""What tests of several packages share."""

from pathlib import Path

import pytest

from ganablate.gan.data import materialise


@pytest.fixture(scope="session")
def digits_cache(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A cache that holds `mnist_5k`: its text file takes seconds to parse, so once a test run."""
    own = tmp_path_factory.getbasetemp()
    cache = (own if worker_id == "master" else own.parent) / "digits"
    materialise("mnist_5k", 28, data_root=None, cache=cache)
    return cache

"""What tests of several packages share."""

import gc
import os
from pathlib import Path

import pytest

from ganablate.gan.data import materialise
from tests.support.paths import ROOT

# Processes that tests start, Ray's workers too, import this checkout and what tests/ has for them.
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
)
os.environ.pop("COLUMNS", None)  # no screen: tables are whole, whatever the tests run in

gc.disable()  # until all is collected: a quarter of the time, and nothing imported is garbage


def pytest_collection_finish() -> None:
    gc.freeze()  # what is imported is not looked through again during the tests
    gc.enable()


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fast tests write thousands of small files, and none has to outlive a loss of power."""
    if "slow" not in request.keywords:
        monkeypatch.setattr("os.fsync", lambda _: None)


@pytest.fixture(scope="session")
def digits_cache(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A cache that holds `mnist_5k`: its text file takes seconds to parse, so once a test run."""
    own = tmp_path_factory.getbasetemp()
    cache = (own if worker_id == "master" else own.parent) / "digits"
    materialise("mnist_5k", 28, data_root=None, cache=cache)
    return cache


@pytest.fixture(scope="session")
def fresh_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty migrated database of MLflow, made once: it takes seconds."""
    from ganablate.tracking import resolve_uri
    from ganablate.tracking.mlflow_store import MlflowStore

    runs = tmp_path_factory.mktemp("mlflow")
    MlflowStore(resolve_uri(runs), runs)
    return runs / "mlflow.db"

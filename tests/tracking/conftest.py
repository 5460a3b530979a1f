"""What tests of tracking share."""

import pytest

from ganablate.tracking import mlflow_store
from tests.support.in_memory_mlflow import InMemoryMlflow


@pytest.fixture
def in_memory(monkeypatch: pytest.MonkeyPatch) -> InMemoryMlflow:
    client = InMemoryMlflow()
    monkeypatch.setattr(mlflow_store, "import_mlflow", lambda: client)
    return client

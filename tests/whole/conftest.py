"""Fixtures of the trials that are killed in processes of their own."""

import multiprocessing
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.killed_trial import work


@pytest.fixture(scope="module")
def process_of() -> Iterator[Any]:
    """Makes fresh processes in hundredths of a second: forked from one that has torch imported."""
    context = multiprocessing.get_context("forkserver")
    # torch imports its compiler when an optimizer is made, which takes longer than a trial here
    context.set_forkserver_preload(["ganablate.sweep.attempt", "torch._dynamo"])
    return lambda job: context.Process(target=work, args=(job,))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory, digits_cache: Path) -> Path:
    return shutil.copytree(digits_cache, tmp_path_factory.mktemp("runs") / "data")

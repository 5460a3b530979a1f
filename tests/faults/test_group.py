"""A folder that two users share: the umask is obeyed, and the second goes on after the first."""

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ganablate.files import write_arrays, write_json, write_text
from ganablate.tracking import mlflow_store, resolve_uri
from ganablate.tracking.mlflow_store import MlflowStore
from tests.support.in_memory_mlflow import InMemoryMlflow
from tests.support.paths import ROOT
from tests.support.tracked import tracked, write_block, write_end

ANN, BOB, GROUP = 23_457, 23_458, 23_459
IMPORTS = """
import os, sys
from pathlib import Path
import numpy
from tests.support.tracked import tracked, write_block, write_end
folder = Path(sys.argv[1])
os.setgroups([])
os.setgid(int(sys.argv[3]))
os.setuid(int(sys.argv[2]))
os.umask(0o002)
"""
"""The interpreter may lie where only root can read it, so the user changes after the imports."""
BEGINS = """
one = tracked(folder)
with one.folder.claim():
    one.folder.open(one.trial)
    number = one.folder.begin_attempt({"started_ms": 1})
    write_block(one, 10)
    one.folder.update_attempt(number, until_iteration=10)
"""
FAILS = BEGINS + '    one.folder.write_failure(number, "no", "no")'
ENDS = """
one = tracked(folder)
with one.folder.claim():
    one.folder.open(one.trial)
    number = one.folder.begin_attempt({"started_ms": 2})
    write_block(one, 20)
    write_end(one, 20)
    one.folder.forget_failure()
    assert one.folder.complete
"""


def permissions(path: Path) -> str:
    return oct(stat.S_IMODE(path.stat().st_mode))[2:]


@pytest.mark.parametrize(
    ("umask", "file", "folder"),
    [(0o002, "664", "775"), (0o022, "644", "755"), (0o077, "600", "700")],
)
def test_every_file_has_the_permissions_that_the_umask_says(
    umask: int, file: str, folder: str, tmp_path: Path
) -> None:
    import numpy as np

    before = os.umask(umask)
    try:
        write_text(tmp_path / "a.txt", "x")
        write_json(tmp_path / "new" / "a.json", {})
        write_arrays(tmp_path / "a.npy", np.zeros(3))
        one = tracked(tmp_path)
        with one.folder.claim():
            write_block(one, 10)
            write_end(one)
    finally:
        os.umask(before)
    made = [path for path in tmp_path.rglob("*") if path.is_file() or path.is_dir()]
    assert len(made) > 10
    assert {permissions(path) for path in made if path.is_file()} == {file}
    assert {permissions(path) for path in made if path.is_dir()} == {folder}


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder of a group (setgid), which both users are in; pytest's own are private."""
    if os.getuid() != 0:
        pytest.skip("only root can act for two users")
    with tempfile.TemporaryDirectory() as around:
        Path(around).chmod(0o755)
        folder = Path(around) / "shared"
        folder.mkdir()
        shutil.chown(folder, ANN, GROUP)
        folder.chmod(0o2775)
        yield folder


def act(user: int, code: str, folder: Path) -> None:
    """Run code as a user of the group; `folder` is what it works in."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS + code, str(folder), str(user), str(GROUP)],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("begins", [BEGINS, FAILS], ids=["stopped", "failed"])
def test_a_second_user_goes_on_with_a_trial(begins: str, shared: Path) -> None:
    act(ANN, begins, shared)
    act(BOB, ENDS, shared)
    assert tracked(shared).folder.complete


def test_mlflows_database_is_made_for_the_group(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = InMemoryMlflow()
    monkeypatch.setattr(mlflow_store, "import_mlflow", lambda: client)
    before = os.umask(0o002)
    try:
        MlflowStore(resolve_uri(shared), shared)
    finally:
        os.umask(before)
    assert permissions(shared / "mlflow.db") == permissions(shared / "mlflow.lock") == "664"

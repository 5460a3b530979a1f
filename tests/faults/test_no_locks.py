"""A file system without flock: one line before anything is trained, and no traceback."""

import errno
import fcntl
import os
from pathlib import Path

import pytest

from ganablate import files
from ganablate.project.doctor import CHECKS, Place
from ganablate.trials.folder import TrialFolder
from tests.support.command import GOOD, invoke
from tests.support.tracked import tracked, write_block


@pytest.fixture(params=[errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
def project(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (tmp_path / "tiny.yaml").write_text(GOOD)
    trial = tracked(tmp_path / "runs")
    with trial.folder.claim():
        write_block(trial, 10)

    def refuse(*_: object) -> None:
        raise OSError(request.param, os.strerror(request.param))

    monkeypatch.setattr(fcntl, "flock", refuse)
    return tmp_path


def test_run_and_doctor_say_it_beforehand_and_status_goes_on(project: Path) -> None:
    code, _, error = invoke("run", "tiny.yaml", "--budget", "smoke")
    assert code == 2
    (line,) = error.splitlines()
    assert line.startswith("runs is on a file system without locks (")
    assert line.endswith("; nothing was started")
    place = Place(Path("runs"), Path("results"), Path("data"), dict)
    finding = CHECKS["folders"](place)
    assert (finding.level, "without locks" in finding.text) == ("fail", True)
    assert invoke("status", "tiny.yaml")[0] == 0
    assert not TrialFolder(project / "runs" / "trials", "a" * 16).is_claimed()


def test_a_lock_that_another_holds_is_no_lack_of_locks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert files.lock_obstacle(tmp_path / "new") is None

    def busy(*_: object) -> None:
        raise BlockingIOError(errno.EAGAIN, "held")

    monkeypatch.setattr(fcntl, "flock", busy)
    assert files.lock_obstacle(tmp_path) is None

"""A terminal, a pipe or a log file that goes away, and signals: a sweep goes on, or stops well."""

import os
import pty
import signal
import subprocess
import time
from pathlib import Path

import pytest

from ganablate.sweep import ray_session
from ganablate.sweep.ray_session import Interruption
from ganablate.trials.folder import TrialFolder
from tests.support.real_project import STUDY, command, write_project

LONG = {
    **STUDY, "base": {**STUDY["base"], "iterations": 200_000}, "ablate": {"latent_dim": [10]},
    "replicates": 1,
}  # fmt: skip
QUICK = {**LONG, "base": {**STUDY["base"], "iterations": 20}}
SELDOM = "threads: 1\nconcurrency: 2\ncheckpoint_seconds: 600\n"
"""No checkpoint comes by itself while a test runs."""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write_project(tmp_path, LONG)
    (tmp_path / "sweeps" / "laptop.yaml").write_text(SELDOM)
    return tmp_path


def until_at_work(folder: Path, run: subprocess.Popen[bytes], trials: int = 2) -> None:
    """Wait until so many trials train."""
    deadline = time.monotonic() + 240
    while len(list(folder.glob("runs/trials/*/attempts/0001.json"))) < trials:
        assert run.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.2)
    time.sleep(5)


def checkpoints(folder: Path) -> list[int]:
    trials = folder / "runs" / "trials"
    names = [path.name for path in trials.iterdir() if not path.name.startswith(".")]
    return [len(TrialFolder(trials, name).states()) for name in names]


# Signals


@pytest.mark.slow
@pytest.mark.parametrize(
    ("signals", "to_group"),
    [
        ([signal.SIGINT], False),
        ([signal.SIGTERM], False),
        ([signal.SIGHUP], True),  # a shell sends it to all of its job as ssh ends
        ([signal.SIGINT, signal.SIGINT], True),  # as a keyboard does
        ([signal.SIGHUP, signal.SIGTERM], False),  # as a machine that goes down does
    ],
)
def test_what_is_being_trained_is_written_before_the_sweep_stops(
    project: Path, signals: list[signal.Signals], to_group: bool
) -> None:
    log = project / "log.txt"
    with log.open("wb") as file:
        run = subprocess.Popen(
            command("run", "studies/small.yaml"), cwd=project, stdout=file, stderr=file,
            start_new_session=True,
        )  # fmt: skip
    try:
        until_at_work(project, run)
        assert checkpoints(project) == [0, 0]
        for number in signals:
            (os.killpg if to_group else os.kill)(run.pid, number)
            time.sleep(0.3)
        assert run.wait(120) == 130, log.read_text()
    finally:
        run.kill()
    assert checkpoints(project) == [1, 1], log.read_text()
    assert "Traceback" not in log.read_text()
    assert "run the same command again to go on" in log.read_text()


def test_a_second_signal_ends_the_command_once_there_was_time_for_checkpoints(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    interruption = Interruption()
    with interruption.listening():
        for _ in range(3):
            signal.raise_signal(signal.SIGINT)
        assert interruption.requested
        monkeypatch.setattr(ray_session, "GRACE_SECONDS", 0.0)
        time.sleep(0.01)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)


def test_under_nohup_a_closed_terminal_is_passed_over() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        interruption = Interruption()
        with interruption.listening():
            signal.raise_signal(signal.SIGHUP)
            assert not interruption.requested
    finally:
        signal.signal(signal.SIGHUP, before)


# Terminals and pipes


@pytest.mark.slow
def test_a_sweep_goes_on_when_nobody_reads_it(project: Path) -> None:
    """`run | head -1`, and its errors go to a full disk."""
    write_project(project, QUICK)
    with Path("/dev/full").open("wb") as full:
        run = subprocess.Popen(
            command("run", "studies/small.yaml"), cwd=project, stdout=subprocess.PIPE, stderr=full
        )
    assert run.stdout is not None
    assert run.stdout.readline() == b"2 trials\n"
    run.stdout.close()
    run.wait(240)
    assert len(list(project.glob("runs/trials/*/complete.json"))) == 2
    assert (project / "results" / "small" / "full" / "table.md").is_file()


@pytest.mark.slow
def test_a_terminal_that_is_closed_stops_a_sweep_with_a_checkpoint(project: Path) -> None:
    keyboard, screen = pty.openpty()
    run = subprocess.Popen(
        ["setsid", "--ctty", "--wait", *command("run", "studies/small.yaml")], cwd=project,
        stdin=screen, stdout=screen, stderr=screen,
    )  # fmt: skip
    os.close(screen)
    os.set_blocking(keyboard, False)
    try:
        until_at_work(project, run)
        os.close(keyboard)  # the kernel hangs up
        assert run.wait(120) == 130
    finally:
        run.kill()
    assert checkpoints(project) == [1, 1]


@pytest.mark.parametrize("arguments", [["list"], ["plan", "studies/small.yaml"]])
def test_a_closed_pipe_is_no_error_and_a_full_disk_is_told(
    project: Path, arguments: list[str]
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        command(*arguments), cwd=project, stdout=writer, stderr=subprocess.PIPE, check=False
    )
    os.close(writer)
    assert done.returncode == 0
    assert b"Broken pipe" not in done.stderr
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            command(*arguments), cwd=project, stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 1
    expected = b"some of what was to be printed is lost: No space left on device\n"
    assert done.stderr.endswith(expected)

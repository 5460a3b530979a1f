"""Two and three commands at once in one folder, with the real command, Ray and MLflow."""

import contextlib
import csv
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
import yaml

from benchmarks import fault_checks as checks
from benchmarks.fault_processes import end_sessions
from tests.support.real_project import (
    STUDY,
    attempts,
    command,
    ganablate,
    rows,
    trials_csv,
    write_project,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("default"),  # MLflow's own warnings are none of ours
]
SMALL = {
    **STUDY,
    "base": {**STUDY["base"], "iterations": 200},
    "ablate": {"latent_dim": [10, 20]},
    "metrics": ["d_loss", "fid"],
}
RUN = ("run", "studies/small.yaml")
TIMEOUT = 400


class Commands:
    """Commands that run at the same time, each in a session of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: list[subprocess.Popen[str]] = []

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        log = (self.folder / f"command-{len(self.processes)}.log").open("w")
        with log:
            process = subprocess.Popen(
                command(*arguments), cwd=self.folder, stdout=log, stderr=log, text=True,
                start_new_session=True,
            )  # fmt: skip
        self.processes.append(process)
        return process

    def outputs(self) -> list[str]:
        """Wait for all; what each printed. None may end in anything but 0."""
        codes = [process.wait(TIMEOUT) for process in self.processes]
        said = [(self.folder / f"command-{number}.log").read_text() for number in range(len(codes))]
        assert set(codes) == {0}, "\n".join([str(codes), *said])
        return said

    def wait_for(self, pattern: str) -> None:
        deadline = time.monotonic() + TIMEOUT
        while not list(self.folder.glob(pattern)):
            assert all(process.poll() in (None, 0) for process in self.processes)
            assert time.monotonic() < deadline, f"waited in vain for {pattern}"
            time.sleep(0.02)


@pytest.fixture
def at_once(tmp_path: Path):
    commands = Commands(write_project(tmp_path, SMALL))
    yield commands
    for process in commands.processes:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    end_sessions([process.pid for process in commands.processes])


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same sweep by one command."""
    folder = write_project(tmp_path_factory.mktemp("alone"), SMALL)
    done = ganablate(folder, *RUN)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def assert_whole(folder: Path, alone: Path) -> None:
    """Every trial is complete once, as undisturbed, and MLflow has each of its values once."""
    trials, whole = folder / "runs" / "trials", alone / "runs" / "trials"
    place = Path("results") / "small" / "full"
    assert checks.missing(trials, whole) == []
    assert checks.doubled(trials) == []
    assert checks.other_trials(trials, whole) == []
    assert checks.other_results(folder / place, alone / place) == []
    assert checks.wrong_copy(folder / "runs" / "mlflow.db", trials, "small") == []


def test_two_runs_of_one_study_share_its_trials(at_once: Commands, alone: Path) -> None:
    at_once.start(*RUN)
    at_once.start(*RUN)
    at_once.outputs()
    assert_whole(at_once.folder, alone)
    assert set(attempts(at_once.folder).values()) == {1}


def test_three_runs_of_overlapping_studies_train_what_they_share_once(
    at_once: Commands, alone: Path
) -> None:
    folder = at_once.folder
    studies = {"small": [10, 20], "other": [20, 30], "third": [30, 10]}
    for name, levels in studies.items():
        study = {**SMALL, "study": name, "ablate": {"latent_dim": levels}}
        (folder / "studies" / f"{name}.yaml").write_text(yaml.safe_dump(study))
    at_once.start("run", "studies/small.yaml")
    at_once.start("run", "studies/other.yaml", "studies/small.yaml")
    at_once.start("run", "studies/third.yaml")
    at_once.outputs()
    assert len(attempts(folder)) == 8  # a baseline and three latent sizes, twice
    assert set(attempts(folder).values()) == {1}
    assert checks.doubled(folder / "runs" / "trials") == []
    assert trials_csv(folder) == trials_csv(alone)
    numbers: dict[str, set[str]] = {}
    for name in studies:
        table = (folder / "results" / name / "full" / "trials.csv").read_text()
        found = list(csv.DictReader(table.splitlines()))
        assert len(found) == 6
        assert {row["state"] for row in found} == {"complete"}
        for row in found:
            numbers.setdefault(row["trial_id"], set()).add(row["fid"])
    assert len(numbers) == 8
    assert all(len(values) == 1 for values in numbers.values())


def test_one_of_two_runs_is_killed_and_the_other_finishes_everything(
    at_once: Commands, alone: Path
) -> None:
    folder = at_once.folder
    first = at_once.start(*RUN)
    at_once.wait_for("runs/trials/*/attempts/*.json")
    at_once.start(*RUN)
    at_once.wait_for("runs/trials/*/checkpoints/at-*/state.pt")
    os.kill(first.pid, signal.SIGKILL)
    assert first.wait() == -signal.SIGKILL
    at_once.processes.remove(first)
    assert at_once.processes[0].wait(TIMEOUT) == 0, (folder / "command-1.log").read_text()
    assert_whole(folder, alone)
    assert max(attempts(folder).values()) <= 2
    end_sessions([first.pid])


def test_reports_and_measurements_beside_a_run_disturb_nothing(
    at_once: Commands, alone: Path
) -> None:
    folder = at_once.folder
    sweep = at_once.start(*RUN)
    at_once.wait_for("runs/trials/*/complete.json")
    done = ganablate(folder, "evaluate", "studies/small.yaml", "--metric", "kid")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "KID" in done.stdout
    reports = 0
    while sweep.poll() is None or reports == 0:
        done = ganablate(folder, "report", "studies/small.yaml")
        assert done.returncode == 0, done.stdout + done.stderr
        assert len(rows(folder)) == 6
        reports += 1
    at_once.outputs()
    trials = folder / "runs" / "trials"
    assert checks.missing(trials, alone / "runs" / "trials") == []
    assert checks.doubled(trials) == []
    assert set(attempts(folder).values()) == {1}
    place = Path("results") / "small" / "full"
    assert checks.other_results(folder / place, alone / place) == []
    weights = "weights.safetensors"
    for path in trials.glob(f"*/{weights}"):
        there = alone / "runs" / "trials" / path.parent.name / weights
        assert path.read_bytes() == there.read_bytes()

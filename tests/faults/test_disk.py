"""Disks that are full or read-only, for real: small file systems, mounted for the test."""

import contextlib
import json
import traceback
from dataclasses import replace
from pathlib import Path

import pytest

from ganablate import files as disks
from ganablate.metrics import evaluate as evaluate_module
from ganablate.sweep.attempt import start
from ganablate.sweep.job import Job
from ganablate.trials.needs import Measurements, state_of
from tests.support.faulty_project import STUDY, ganablate, write_project
from tests.support.real_attempt import folder_of, job_for
from tests.support.small_disks import read_only, small_disk

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("default"),  # Ray's and MLflow's own warnings are none of ours
]


def fill(disk: Path, leave: int = 0) -> Path:
    """A file that takes all the room but so many bytes."""
    ballast = disk / "ballast"
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(1024))
    with ballast.open("r+b") as file:
        file.truncate(max(ballast.stat().st_size - leave, 0))
    return ballast


def content(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, but not the ballast."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "ballast"
    }


# --- one attempt ---


def small_job(folder: Path, cache: Path) -> Job:
    wanted = Measurements(("d_loss",))
    return replace(job_for(folder, cache), wanted=wanted, checkpoint_seconds=0.001)


def train(job: Job, rounds: int = 1000) -> None:
    attempt = start(job)
    try:
        for _ in range(rounds):
            if attempt.advance().done:
                return
    finally:
        attempt.close()


def test_a_full_disk_at_each_point_of_a_trial_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With more and more room, in KiB: the write that fails is a later one each time."""
    monkeypatch.setattr(evaluate_module, "N_FAKE", 200)
    whole = small_job(tmp_path, tmp_path / "cache")
    train(whole)
    expected = folder_of(whole)
    met = set()
    for leave in (0, 4, 12, 400, 690, 720, 820, 900, 992, 996):
        with small_disk(tmp_path / f"disk{leave}", size=3 * 2**20) as disk:
            job = small_job(disk, tmp_path / "cache")
            train(job, rounds=1)
            folder = folder_of(job)
            (state,) = folder.states()
            before = state.read_bytes()
            ballast = fill(disk, leave=leave * 1024)
            error = refusal_of(replace(job, checkpoint_seconds=30.0))
            if error is not None:
                assert disks.is_full(error)
                met.add(where(error))
                assert state_of(job.trial, job.trials_root) != "complete"
                assert folder.states()
                assert leave or state.read_bytes() == before
            ballast.unlink()
            train(job)
            assert state_of(job.trial, job.trials_root) == "complete"
            assert folder.failure is None
            assert not list(folder.path.rglob(".*"))  # nothing half-written is left
            for name in ("weights.safetensors", "metrics.json", "samples.npy"):
                assert (folder.path / name).read_bytes() == (expected.path / name).read_bytes()
            blocks = [json.loads(path.read_text()) for path in folder.blocks()]
            steps = [step for block in blocks for step, *_ in block["points"]["g/criterion"]]
            assert steps == list(range(1, 21))
    assert len(met) >= 8


def refusal_of(job: Job) -> OSError | None:
    try:
        train(job)
    except OSError as error:
        return error
    return None


def where(error: OSError) -> str:
    """The functions of the package that met it, the outermost first."""
    frames = traceback.extract_tb(error.__traceback__)
    return " > ".join(frame.name for frame in frames if "/ganablate/" in frame.filename)


# --- the command ---


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_project(tmp_path_factory.mktemp("undisturbed"))
    done = ganablate(folder, "run", "studies/small.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


TABLE = Path("results/small/full/trials.csv")


def test_a_sweep_stops_at_a_full_disk_and_goes_on_once_there_is_room(
    undisturbed: Path, tmp_path: Path
) -> None:
    folder = write_project(tmp_path)
    (folder / "runs").mkdir()
    with small_disk(folder / "runs" / "trials", size=3 * 2**20) as disk:
        ballast = fill(disk, leave=30_000)
        done = ganablate(folder, "run", "studies/small.yaml")
        assert done.returncode == 1
        assert "no space is left on its disk" in done.stdout
        assert "stopped; make room and run the same command again to go on" in done.stdout
        assert done.stdout.count("giving up on it") == 1  # the other trial was not even begun
        ballast.unlink()
        done = ganablate(folder, "run", "studies/small.yaml")
        assert done.returncode == 0, done.stdout + done.stderr
        assert (folder / TABLE).read_bytes() == (undisturbed / TABLE).read_bytes()


def test_a_report_that_finds_no_room_leaves_the_old_one(undisturbed: Path, tmp_path: Path) -> None:
    folder = write_project(tmp_path)
    (folder / "runs").symlink_to(undisturbed / "runs")
    with small_disk(folder / "results", size=8 * 2**20) as disk:
        assert ganablate(folder, "report", "studies/small.yaml").returncode == 0
        before = content(disk)
        ballast = fill(disk)
        (folder / "studies" / "small.yaml").write_text(
            STUDY.replace("[d_loss]", "[d_loss, g_loss]")
        )
        done = ganablate(folder, "report", "studies/small.yaml")
        assert done.returncode == 1
        (line,) = done.stderr.splitlines()
        assert "cannot be written: no space is left on its disk" in line
        assert content(disk) == before
        ballast.unlink()
        assert ganablate(folder, "report", "studies/small.yaml").returncode == 0
        after = content(disk)
        assert after.keys() >= before.keys()
        assert after["small/full/table.csv"] != before["small/full/table.csv"]


@pytest.mark.parametrize("name", ["runs", "results", "results/small"])
def test_a_folder_that_is_read_only_is_told_before_the_first_trial(
    tmp_path: Path, name: str
) -> None:
    folder = write_project(tmp_path)
    with read_only(folder / name):
        done = ganablate(folder, "run", "studies/small.yaml")
        assert done.returncode == 2
        (line,) = done.stderr.splitlines()
        assert "cannot be written: its file system is read-only; nothing was started" in line
        assert line.startswith(name)
    assert not list(folder.glob("runs/*"))


def test_no_room_for_the_data_is_told_before_the_first_trial(tmp_path: Path) -> None:
    """The file of 5,000 digits has 3.9 MB."""
    folder = write_project(tmp_path)
    with small_disk(folder / "runs", size=2**20) as disk:
        done = ganablate(folder, "run", "studies/small.yaml")
        assert done.returncode == 1
        (line,) = done.stderr.splitlines()
        assert line.startswith("runs/data cannot be written: no space is left on its disk")
        assert not (disk / "trials").exists()
        assert not list((disk / "data").glob("*/card.json"))

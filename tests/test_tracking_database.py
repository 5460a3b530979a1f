"""MLflow's SQLite file: what is checked, made quicker and recorded of our own one."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from ganablate.tracking import (
    MlflowTracker,
    TrackedTrial,
    mlflow_tracker,
    report_copy,
    resolve_uri,
    send_reports,
)
from ganablate.tracking.database import StoreError, check_sqlite, do_not_wait_for_disk
from tests.test_tracking import tracked, write_end
from tests.test_tracking_report import never, write_report

FULL, OFF = 2, 0


def synchronous(uri: str) -> int:
    engine = create_engine(uri)
    try:
        with engine.connect() as connection:
            return int(connection.execute(text("pragma synchronous")).scalar_one())
    finally:
        engine.dispose()


def test_only_our_own_file_leaves_it_to_the_system_when_it_reaches_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    own, named = resolve_uri(tmp_path), f"sqlite:///{tmp_path / 'named.db'}"
    assert synchronous(own) == FULL
    for uri in (own, named):
        do_not_wait_for_disk(uri, tmp_path)
    assert synchronous(own) == OFF
    assert synchronous(named) == FULL


def test_a_broken_file_is_told_with_what_to_do(tmp_path: Path) -> None:
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"no database, though as long as the head of one" * 9)
    with pytest.raises(StoreError, match=r"not a database; move it away"):
        check_sqlite(f"sqlite:///{broken}")
    check_sqlite(f"sqlite:///{tmp_path / 'none.db'}")
    check_sqlite("http://127.0.0.1:1")


class Store:
    """In place of MLflow: takes everything, and makes the file as MLflow does."""

    client = None
    opened = 0
    taken: list[str]
    refuses = False

    def __init__(self, uri: str, runs: Path) -> None:
        Store.opened += 1
        if uri.startswith("sqlite") and not (runs / "mlflow.db").exists():
            with closing(sqlite3.connect(runs / "mlflow.db")) as database:
                database.execute("create table experiments (experiment_id, creation_time)")
                database.execute("insert into experiments values (0, ?)", (Store.opened,))
                database.commit()

    def start(self, one: TrackedTrial) -> None:
        Store.taken.append(f"start {one.trial.replicate}")

    def complete(self, one: TrackedTrial) -> None:
        if Store.refuses:
            raise OSError("no")
        Store.taken.append(f"complete {one.trial.replicate}")

    def answers(self) -> bool:
        return True

    def finish(self) -> None:
        """Nothing to mark."""


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    Store.opened, Store.taken, Store.refuses = 0, [], False
    monkeypatch.setattr(mlflow_tracker, "MlflowStore", Store)
    (tmp_path / "runs").mkdir()
    return tmp_path / "runs"


@pytest.fixture
def one(tmp_path: Path) -> TrackedTrial:
    trial = tracked(tmp_path)
    write_end(trial)
    return trial


def sweep(runs: Path, *trials: TrackedTrial, uri: str | None = None) -> list[str]:
    """Send these; what MLflow took. Empty where it was not opened."""
    Store.taken = []
    tracker = MlflowTracker(uri or resolve_uri(runs), runs, lambda _: None)
    for trial in trials:
        tracker.completed(trial)
    tracker.close()
    return Store.taken


def replaced_database(runs: Path, _: TrackedTrial) -> None:
    (runs / "mlflow.db").unlink()
    Store(resolve_uri(runs), runs)


CHANGES: dict[str, Callable[[Path, TrackedTrial], object]] = {
    "another number": lambda _, one: one.folder.add_metrics(["kid"], {"kid": 1.0}, {}),
    "completed anew": lambda _, one: one.folder.write_complete({"outcome": None}),
    "no database": lambda runs, _: (runs / "mlflow.db").unlink(),
    "a database in its place": replaced_database,
    "a broken database": lambda runs, _: (runs / "mlflow.db").write_bytes(b"broken" * 999),
    "a damaged record": lambda runs, _: next(runs.glob("records/trials-*")).write_text("{"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_mlflow_is_not_opened_for_what_it_has_and_is_after_any_change(
    runs: Path, one: TrackedTrial, change: Callable[[Path, TrackedTrial], object]
) -> None:
    assert sweep(runs, one) == ["complete 3"]
    assert sweep(runs, one) == []
    assert Store.opened == 1
    change(runs, one)
    assert sweep(runs, one) == ["complete 3"]


def test_mlflow_s_own_file_is_not_written(runs: Path, one: TrackedTrial) -> None:
    sweep(runs, one)
    before = (runs / "mlflow.db").read_bytes()
    sweep(runs, one)
    assert (runs / "mlflow.db").read_bytes() == before


def test_another_trial_place_in_a_study_or_store_is_sent(runs: Path, one: TrackedTrial) -> None:
    sweep(runs, one)
    other = replace(one, trial=replace(one.trial, trial_id="b" * 16, replicate=1))
    assert sweep(runs, one, other) == ["complete 3", "complete 1"]
    assert sweep(runs, one, other) == []
    assert sweep(runs, other) == ["complete 1"]
    assert sweep(runs, replace(one, budget="full")) == ["complete 3"]
    for _ in range(2):  # a server is always asked
        assert sweep(runs, one, uri="http://127.0.0.1:9") == ["complete 3"]


def test_what_was_refused_or_measured_meanwhile_is_sent_by_the_next(
    runs: Path, one: TrackedTrial, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mlflow_tracker, "_PAUSES", (0.01,))
    Store.refuses = True
    assert sweep(runs, one) == []
    Store.refuses = False
    tracker = MlflowTracker(resolve_uri(runs), runs, never)
    tracker.prepare()
    tracker.completed(one)
    one.folder.add_metrics(["kid"], {"kid": 1.0}, {})  # by `evaluate`, beside the sweep
    tracker.close()
    assert sweep(runs, one) == ["complete 3"]
    assert sweep(runs, one) == []


def test_trials_complete_before_go_with_the_first_that_begins(
    runs: Path, one: TrackedTrial
) -> None:
    sweep(runs, one)
    Store.taken = []
    tracker = MlflowTracker(resolve_uri(runs), runs, never)
    tracker.completed(one)
    tracker.started(replace(one, trial=replace(one.trial, trial_id="b" * 16, replicate=1)))
    tracker.close()
    assert Store.taken == ["complete 3", "start 1"]


def test_a_report_that_is_there_is_not_sent_again(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str | None] = []
    monkeypatch.setattr(report_copy, "MlflowStore", Store)
    monkeypatch.setattr(report_copy, "_send", lambda _, one: sent.append(one.findings) or True)
    uri = resolve_uri(runs)
    Store(uri, runs)
    report = write_report(tmp_path, "one")
    assert [send_reports([report], uri, runs, never) for _ in range(2)] == [1, 0]
    assert send_reports([write_report(tmp_path, "two")], uri, runs, never) == 1
    of_track = replace(write_report(tmp_path, "two"), findings=None)
    assert [send_reports([of_track], uri, runs, never) for _ in range(2)] == [1, 1]
    assert sent == ["**Found**: one", "**Found**: two", None, None]

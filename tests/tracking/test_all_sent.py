"""MLflow is not opened for what it is known to have, and is for anything else."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from ganablate.tracking import (
    MlflowTracker,
    TrackedTrial,
    mlflow_tracker,
    report_copy,
    resolve_uri,
    send_reports,
)
from ganablate.tracking.all_sent import all_sent, said_of
from tests.support.tracked import never, tracked, write_end, write_report


class Store:
    """Takes everything, and makes the file as MLflow does."""

    opened: list[str]
    taken: list[str]
    refuses = False

    def __init__(self, uri: str, runs: Path) -> None:
        Store.opened.append(uri)
        if uri.startswith("sqlite"):
            with closing(sqlite3.connect(runs / "mlflow.db")) as database:
                database.execute("create table if not exists runs (name)")

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
    Store.opened, Store.taken, Store.refuses = [], [], False
    monkeypatch.setattr(mlflow_tracker, "MlflowStore", Store)
    (tmp_path / "runs").mkdir()
    return tmp_path / "runs"


@pytest.fixture
def one(tmp_path: Path) -> TrackedTrial:
    found = tracked(tmp_path)
    write_end(found)
    return found


def sweep(runs: Path, *trials: TrackedTrial, uri: str | None = None) -> list[str]:
    """Send these; what MLflow took. Empty where it was not opened."""
    Store.taken = []
    warnings: list[str] = []
    tracker = MlflowTracker(uri or resolve_uri(runs), runs, warnings.append)
    for trial in trials:
        tracker.completed(trial)
    tracker.close()
    return Store.taken


def test_what_it_has_is_not_sent_again(runs: Path, one: TrackedTrial) -> None:
    assert sweep(runs, one) == ["complete 3"]
    assert sweep(runs, one) == []
    assert len(Store.opened) == 1


def replaced_database(runs: Path, _: TrackedTrial) -> None:
    (runs / "mlflow.db").unlink()
    Store(resolve_uri(runs), runs)


CHANGES: dict[str, Callable[[Path, TrackedTrial], object]] = {
    "another number": lambda _, one: one.folder.add_metrics(["kid"], {"kid": 1.0}, {}),
    "completed anew": lambda _, one: one.folder.write_complete({"outcome": None}),
    "no database": lambda runs, _: (runs / "mlflow.db").unlink(),
    "a database in its place": replaced_database,
    "a damaged record": lambda runs, _: next(runs.glob("records/trials-*")).write_text("{"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_after_any_change_it_is_asked(
    runs: Path, one: TrackedTrial, change: Callable[[Path, TrackedTrial], object]
) -> None:
    sweep(runs, one)
    change(runs, one)
    before = len(Store.opened)
    assert sweep(runs, one) == ["complete 3"]
    assert len(Store.opened) == before + 1


def test_a_broken_database_is_known_to_have_nothing(runs: Path, one: TrackedTrial) -> None:
    sweep(runs, one)
    assert all_sent(resolve_uri(runs), runs, [said_of(one)])
    (runs / "mlflow.db").write_bytes(b"broken" * 999)
    assert not all_sent(resolve_uri(runs), runs, [said_of(one)])


def test_another_trial_or_place_in_a_study_is_sent(runs: Path, one: TrackedTrial) -> None:
    sweep(runs, one)
    other = replace(one, trial=replace(one.trial, trial_id="b" * 16, replicate=1))
    assert sweep(runs, one, other) == ["complete 3", "complete 1"]
    assert sweep(runs, one, other) == []
    assert sweep(runs, other) == ["complete 1"]
    assert sweep(runs, replace(one, budget="full")) == ["complete 3"]


def test_a_server_is_always_asked(runs: Path, one: TrackedTrial) -> None:
    for _ in range(2):
        assert sweep(runs, one, uri="http://127.0.0.1:9") == ["complete 3"]


def test_what_was_refused_is_sent_by_the_next(
    runs: Path, one: TrackedTrial, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mlflow_tracker, "_PAUSES", (0.01,))
    Store.refuses = True
    assert sweep(runs, one) == []
    Store.refuses = False
    assert sweep(runs, one) == ["complete 3"]


def test_what_was_measured_while_it_was_sent_is_sent_by_the_next(
    runs: Path, one: TrackedTrial
) -> None:
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
    monkeypatch.setattr(report_copy, "MlflowStore", type("Client", (Store,), {"client": None}))
    monkeypatch.setattr(report_copy, "_send", lambda _, report: sent.append(report.said) or True)
    uri = resolve_uri(runs)
    Store(uri, runs)
    report = write_report(tmp_path, "one")
    assert [send_reports([report], uri, runs, never) for _ in range(2)] == [1, 0]
    assert send_reports([write_report(tmp_path, "two")], uri, runs, never) == 1
    of_track = replace(write_report(tmp_path, "two"), said=None)
    assert [send_reports([of_track], uri, runs, never) for _ in range(2)] == [1, 1]
    assert sent == ["**Found**: one", "**Found**: two", None, None]

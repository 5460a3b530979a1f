"""MLflow's SQLite file: what is checked, made quicker and recorded of our own one."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from ganablate.tracking import (
    MlflowTracker,
    TrackedTrial,
    mlflow_tracker,
    resolve_uri,
    send_reports,
)
from ganablate.tracking.database import SentRecord, StoreError, check_sqlite, do_not_wait_for_disk
from tests.support.in_memory_mlflow import InMemoryMlflow
from tests.support.tracked import look_mlflow, never, tracked, write_end, write_report

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


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    (tmp_path / "runs").mkdir()
    return tmp_path / "runs"


@pytest.fixture
def one(tmp_path: Path) -> TrackedTrial:
    trial = tracked(tmp_path)
    write_end(trial)
    return trial


Opens = Callable[..., bool]


@pytest.fixture
def opens(runs: Path, in_memory: InMemoryMlflow) -> Opens:
    """Whether MLflow is opened by a run with nothing but these complete trials."""

    def run(*trials: TrackedTrial, uri: str | None = None) -> bool:
        before = in_memory.opened
        tracker = MlflowTracker(uri or resolve_uri(runs), runs, lambda _: None)
        for trial in trials:
            tracker.completed(trial)
        tracker.close()
        return in_memory.opened > before

    return run


def replaced_database(runs: Path, _: TrackedTrial) -> None:
    (runs / "mlflow.db").unlink()
    other = InMemoryMlflow()
    other.opened = 7  # its time of creation
    other.MlflowClient(resolve_uri(runs))


CHANGES: dict[str, Callable[[Path, TrackedTrial], object]] = {
    "another number": lambda _, one: one.folder.add_metrics(["kid"], {"kid": 1.0}, {}),
    "completed anew": lambda _, one: one.folder.write_complete({"outcome": None}),
    "no database": lambda runs, _: (runs / "mlflow.db").unlink(),
    "a database in its place": replaced_database,
    "a damaged record": lambda runs, _: next(runs.glob("records/trials-*")).write_text("{"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_mlflow_is_not_opened_for_what_it_has_and_is_after_any_change(
    runs: Path, one: TrackedTrial, opens: Opens, change: Callable[[Path, TrackedTrial], object]
) -> None:
    assert opens(one)
    content = (runs / "mlflow.db").read_bytes()
    assert not opens(one)
    assert (runs / "mlflow.db").read_bytes() == content
    change(runs, one)
    assert opens(one)


def test_of_a_broken_database_nothing_is_recorded(
    runs: Path, one: TrackedTrial, opens: Opens
) -> None:
    opens(one)
    (runs / "mlflow.db").write_bytes(b"broken" * 999)
    assert not SentRecord(resolve_uri(runs), runs).has("trials-in-mlflow-digits-cpu", [])
    assert not opens(one)  # it cannot be: that is a warning


def test_another_trial_place_in_a_study_or_store_is_sent(one: TrackedTrial, opens: Opens) -> None:
    other = replace(one, trial=replace(one.trial, trial_id="b" * 16, replicate=1))
    write_end(other)
    sweeps = [(one,), (one, other), (one, other), (other,), (replace(one, budget="full"),)]
    assert [opens(*trials) for trials in sweeps] == [True, True, False, True, True]
    assert [opens(one, uri="http://127.0.0.1:9") for _ in range(2)] == [True, True]


def test_what_was_refused_or_measured_meanwhile_is_sent_by_the_next(
    runs: Path, one: TrackedTrial, opens: Opens, in_memory: InMemoryMlflow,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(mlflow_tracker, "_PAUSES", (0.01,))
    in_memory.refused = {one.trial.trial_id}
    assert opens(one)
    in_memory.refused = set()
    tracker = MlflowTracker(resolve_uri(runs), runs, never)
    tracker.prepare()
    tracker.completed(one)
    one.folder.add_metrics(["kid"], {"kid": 1.0}, {})  # by `evaluate`, beside the sweep
    tracker.close()
    assert [opens(one), opens(one)] == [True, False]


def test_trials_complete_before_go_with_the_first_that_begins(
    runs: Path, one: TrackedTrial, in_memory: InMemoryMlflow
) -> None:
    tracker = MlflowTracker(resolve_uri(runs), runs, never)
    tracker.completed(one)
    tracker.started(replace(one, trial=replace(one.trial, trial_id="b" * 16, replicate=1)))
    tracker.close()
    seen = look_mlflow(runs, in_memory)
    assert {key[1][0]: run.status for key, run in seen.items()} == {"a": "FINISHED", "b": "KILLED"}


def test_a_report_that_is_there_is_not_sent_again(
    runs: Path, tmp_path: Path, one: TrackedTrial, opens: Opens, in_memory: InMemoryMlflow
) -> None:
    uri = resolve_uri(runs)
    opens(one)
    report = write_report(tmp_path, "one")
    assert [send_reports([report], uri, runs, never) for _ in range(2)] == [1, 0]
    assert send_reports([write_report(tmp_path, "two")], uri, runs, never) == 1
    of_track = replace(write_report(tmp_path, "two"), findings=None)
    assert [send_reports([of_track], uri, runs, never) for _ in range(2)] == [1, 1]
    parent = next(run for run in in_memory.runs.values() if run.info.run_name == "cpu")
    assert parent.data.tags["mlflow.note.content"].startswith("**Found**: two\n")
    assert "table.md" in parent.artifacts

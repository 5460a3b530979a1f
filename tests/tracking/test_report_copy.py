"""A study's report in MLflow: replaced when it is built again, and never in the way."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ganablate.study.expand import expand
from ganablate.study.load import load_study
from ganablate.tracking import MlflowTracker, report_copy, report_of, resolve_uri, send_reports
from ganablate.tracking.report_copy import RUN_LIST, StudyReport
from tests.support.tracked import never, tracked, write_end, write_report

pytestmark = pytest.mark.filterwarnings("default")  # MLflow's own warnings are none of ours

ROOT = Path(__file__).parents[2]


def test_the_numbers_of_the_list_are_named_as_trial_folders_name_them(tmp_path: Path) -> None:
    plan = expand(load_study(ROOT / "studies" / "quickstart.yaml"), "smoke")
    report = report_of(plan, tmp_path)
    assert report.folder == tmp_path / "quickstart" / "smoke"
    assert report.columns == (
        "fid", "recall", "d_loss_mean", "g_loss_mean", "d_accuracy_real", "modes",
        "sample_precision", "largest_class",
    )  # fmt: skip


def test_where_no_store_was_made_none_is_made(tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    assert send_reports([write_report(tmp_path, "one")], resolve_uri(runs), runs, never) == 0
    assert not runs.exists()


@pytest.mark.parametrize("fault", ["no database", "locked", "hangs"])
def test_a_store_that_cannot_be_used_is_one_warning(
    fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, messages = tmp_path / "runs", list[str]()
    runs.mkdir()
    (runs / "mlflow.db").write_bytes(b"no database at all, and long enough to be read" * 9)
    if fault == "locked":
        monkeypatch.setattr(report_copy, "MlflowStore", _raising(OSError("database is locked")))
    if fault == "hangs":
        monkeypatch.setattr(report_copy, "PATIENCE_SECONDS", 0.05)
        monkeypatch.setattr(report_copy, "MlflowStore", lambda *_: __import__("time").sleep(0.5))
    report = write_report(tmp_path, "one")
    assert send_reports([report, report], resolve_uri(runs), runs, messages.append) == 0
    (message,) = messages
    assert message.startswith("MLflow did not take the report, results/ has it: sqlite:///")
    expected = {"no database": "not a database", "locked": "is locked", "hangs": "no answer"}
    assert expected[fault] in message


def _raising(error: Exception) -> Callable[..., None]:
    def fail(*_: object) -> None:
        raise error

    return fail


@pytest.mark.slow
def test_the_parent_run_has_the_report_that_was_built_last(tmp_path: Path) -> None:
    import mlflow

    runs, one = tmp_path / "runs", tracked(tmp_path)
    uri = resolve_uri(runs)
    write_end(one)
    tracker = MlflowTracker(uri, runs, never)
    tracker.completed(one)
    tracker.close()
    for text in ("one", "two"):
        assert send_reports([write_report(tmp_path, text)], uri, runs, never) == 1
    elsewhere = StudyReport(
        study="digits", budget="full", folder=tmp_path, findings=None, columns=("fid",)
    )
    assert send_reports([elsewhere], uri, runs, never) == 0  # no run at that budget
    client = mlflow.MlflowClient(tracking_uri=uri)
    experiment = client.get_experiment_by_name("digits")
    kind = "tags.`ganablate.kind` = 'plan'"
    (parent,) = client.search_runs([experiment.experiment_id], kind)
    kept = Path(parent.info.artifact_uri.removeprefix("file://"))
    found = {str(p.relative_to(kept)): p.read_text() for p in kept.rglob("*") if p.is_file()}
    names = ("report.html", "table.md", "table.csv", "figures/samples.png")
    assert found == {name: f"{name}: two" for name in names}
    assert parent.data.tags["mlflow.note.content"].startswith("**Found**: two\n")
    assert parent.info.status == "FINISHED"
    unknown = write_report(tmp_path, "three")
    unknown = StudyReport(**{**vars(unknown), "findings": None})
    assert send_reports([unknown], uri, runs, never) == 1
    tags = client.get_run(parent.info.run_id).data.tags
    assert tags["mlflow.note.content"].startswith("**Found**: two\n")
    state = json.loads(json.loads(experiment.tags[RUN_LIST])["state"])
    assert "metrics.`fid`" in state["selectedColumns"]


@pytest.mark.slow
def test_a_run_lasts_as_long_as_its_trial_did(tmp_path: Path) -> None:
    """Also where it is sent long after, such as to a new store."""
    import mlflow

    runs, one = tmp_path / "runs", tracked(tmp_path)
    one.folder.begin_attempt({"started_ms": 1_700_000_000_000})
    write_end(one)
    finished = (one.folder.complete or {})["finished_ms"]
    tracker = MlflowTracker(resolve_uri(runs), runs, never)
    tracker.completed(one)
    tracker.close()
    client = mlflow.MlflowClient(tracking_uri=resolve_uri(runs))
    experiment = client.get_experiment_by_name("digits")
    kind = "tags.`ganablate.kind` = 'trial'"
    (run,) = client.search_runs([experiment.experiment_id], kind)
    assert (run.info.start_time, run.info.end_time) == (1_700_000_000_000, finished)

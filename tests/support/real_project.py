"""A project with a small study, the real command in it, and what its sweep leaves."""

import csv
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import yaml

LENGTH = 600
STUDY = {
    "study": "small",
    "base": {
        "dataset": "mnist_5k", "network": "dcgan", "image_size": 28, "g_width": 4, "d_width": 4,
        "init": "torch", "lr": 1.0e-3, "batch_size": 32, "iterations": LENGTH, "precision": "fp32",
    },
    "ablate": {"norm": ["none"], "latent_dim": [10]},
    "replicates": 2,
    "primary": "fid",
    "metrics": ["d_loss", "g_loss", "d_accuracy", "fid", "modes"],
}  # fmt: skip
PROFILE = "threads: 1\nconcurrency: 2\ncheckpoint_seconds: 0.5\n"
TIMEOUT = 300


def write_project(folder: Path, study: dict | None = None) -> Path:
    (folder / "studies").mkdir(parents=True, exist_ok=True)
    (folder / "sweeps").mkdir(exist_ok=True)
    (folder / "sweeps" / "laptop.yaml").write_text(PROFILE)
    (folder / "studies" / "small.yaml").write_text(yaml.safe_dump(study or STUDY))
    return folder


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "from ganablate.cli import main; main()", *arguments]


def ganablate(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments), cwd=folder, capture_output=True, text=True, timeout=TIMEOUT
    )


def run(folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    done = ganablate(folder, "run", "studies/small.yaml", *more)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def trials_csv(folder: Path) -> bytes:
    return (folder / "results" / "small" / "full" / "trials.csv").read_bytes()


def rows(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(trials_csv(folder).decode().splitlines()))


def attempts(folder: Path) -> dict[str, int]:
    root = folder / "runs" / "trials"
    pattern = "attempts/[0-9]*.json"  # not the hidden file of a write that was cut off
    return {path.name: len(list(path.glob(pattern))) for path in root.glob("[0-9a-f]*")}


def values_per_step(folder: Path) -> set[int]:
    """How many values a step of a metric has in MLflow: in runs that show no other training."""
    mlflow = pytest.importorskip("mlflow")
    client = mlflow.MlflowClient(f"sqlite:///{folder / 'runs' / 'mlflow.db'}")
    experiments = [e.experiment_id for e in client.search_experiments()]
    counts: set[int] = set()
    for one in client.search_runs(experiments):
        tags = one.data.tags
        if "ganablate.trial_id" not in tags or tags["ganablate.state"] == "stale":
            continue
        for key in one.data.metrics:
            history = client.get_metric_history(one.info.run_id, key)
            counts |= set(Counter(value.step for value in history).values())
    return counts

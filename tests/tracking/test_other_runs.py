"""`report --mlflow`: runs that plain MLflow calls of another program left."""

import json
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient

from tests.support.command import invoke

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("default"),  # MLflow's own warnings are none of ours
]
ARM = ("--arm-from", "params.loss")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with an experiment of two arms, a failed run and one that names no arm."""
    file = tmp_path_factory.mktemp("theirs") / "mlflow.db"
    client = MlflowClient(f"sqlite:///{file}")
    experiment = client.create_experiment("gan/cifar", artifact_location=str(file.parent))
    generator = np.random.default_rng(2)
    for loss, fid in (("hinge", 20.0), ("wgan", 30.0)):
        for _ in range(4):
            run = client.create_run(experiment).info.run_id
            client.log_param(run, "loss", loss)
            client.log_metric(run, "FID", 300.0, step=0)
            client.log_metric(run, "FID", fid * np.exp(0.05 * generator.normal()), step=1)
            client.set_terminated(run)
    for params, status in (({"loss": "wgan"}, "FAILED"), ({}, "FINISHED")):
        run = client.create_run(experiment).info.run_id
        for name, value in params.items():
            client.log_param(run, name, value)
        client.set_terminated(run, status)
    return file


def test_their_runs_make_the_same_report(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    uri = ("--tracking-uri", f"sqlite:///{store}")
    code, out, err = invoke(
        "report", "--mlflow", "gan/cifar", *ARM, *uri, "--baseline", "hinge", "--json"
    )
    assert code == 0
    assert err.strip() == "left out, since they have no params.loss: 1 run"
    (report,) = json.loads(out)
    hinge, wgan = report["arms"]
    assert (hinge["n_complete"], wgan["n_complete"], wgan["n_failed"]) == (4, 4, 1)
    assert 15 < hinge["metrics"]["fid"]["mean"] < 25  # the last value, not the first
    assert wgan["metrics"]["fid"]["against"]["verdict"] == "worse"
    assert [path.name for path in tmp_path.iterdir()] == ["results"]
    assert (tmp_path / "results/gan_cifar/report.html").exists()


@pytest.mark.parametrize(
    ("experiment", "arm", "uri", "message"),
    [
        ("gan/cifr", "params.loss", None, "did you mean gan/cifar?"),
        ("gan/cifar", "params.los", None, "did you mean loss?"),
        ("gan/cifar", "tags.arm", None, '"arm" is not one of the tags'),
        ("gan/cifar", "params.loss", "sqlite:///nowhere.db", "nowhere.db: nothing is there"),
        ("gan/cifar", "params.loss", "mlruns", "mlruns: nothing is there"),
    ],
)
def test_what_is_not_there_is_a_line(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    experiment: str, arm: str, uri: str | None, message: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    where = uri or f"sqlite:///{store}"
    given = ("--mlflow", experiment, "--arm-from", arm, "--tracking-uri", where)
    code, _, err = invoke("report", *given, "--baseline", "hinge")
    assert code == 2
    assert message in " ".join(err.split())
    assert list(tmp_path.iterdir()) == []

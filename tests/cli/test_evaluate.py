"""`evaluate`: what it measures, of which trials, and what it refuses."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from ganablate.catalog import DataKey
from ganablate.cli import run as evaluation
from ganablate.study.expand import expand
from ganablate.study.load import load_study
from ganablate.study.plan import Plan
from ganablate.sweep import runner
from ganablate.sweep.events import Summary
from ganablate.trials.folder import TrialFolder
from tests.support.command import invoke
from tests.support.real_project import STUDY, attempts, ganablate, run, write_project

GOOD = """\
study: tiny
base: {dataset: mnist_5k, network: mlp, latent_dim: 8, epochs: 1}
ablate: {latent_dim: [4]}
replicates: 2
evaluations: 4
primary: fid
metrics: [fid]
"""


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "tiny.yaml").write_text(GOOD)
    return expand(load_study(tmp_path / "studies" / "tiny.yaml"))


def complete(plan: Plan, *indices: int) -> None:
    for index in indices:
        folder = TrialFolder(Path("runs/trials"), plan.trials[index].trial_id)
        folder.open(plan.trials[index])
        folder.add_metrics(["fid"], {"fid": 20.0 + index}, {"fid": "x@1"})
        folder.write_complete({"outcome": None, "data_fingerprint": "aa"})
        nets = ("generator", "discriminator")
        save_file({f"{net}.layer1.bias": np.zeros(2, np.float32) for net in nets}, folder.weights)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "name what to measure"),
        (("--metric", "density_coverag"), "did you mean density_coverage?"),
        (("--metric", "coverage"), "is a column of density_coverage: --metric density_coverage"),
        (("--metric", "walk"), "is not a metric: --probe walk"),
        (("--probe", "svm"), "svm needs convolutions in the discriminator"),
        (("--metric", "kid", "--budget", "ful"), "did you mean full?"),
        (("--metric", "kid"), "no trial is complete at the budget full"),
    ],
)
def test_what_cannot_be_measured_is_refused_at_once(
    plan: Plan, arguments: tuple[str, ...], said: str
) -> None:
    code, out, err = invoke("evaluate", "studies/tiny.yaml", *arguments)
    assert (code, out) == (2, "")
    assert said in err
    assert not Path("runs").exists()


def test_complete_trials_alone_are_measured_and_never_at_points_of_the_training(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    complete(plan, 0, 1, 3)
    given: list[Plan] = []

    def sweep(plans: list[Plan], *others: object, **options: object) -> Summary:
        given.extend(plans)
        for number, trial in enumerate(plans[0].trials):
            folder = TrialFolder(Path("runs/trials"), trial.trial_id)
            folder.add_metrics(["kid"], {"kid": 0.5 + number}, {"kid": "x@1, real 5000"})
        return Summary(complete=2, failed=0, reused=0, interrupted=False, wall_seconds=1.0)

    fingerprints = {DataKey("mnist_5k", 28): "aa"}
    monkeypatch.setattr(evaluation, "prepare", lambda *_: fingerprints)
    monkeypatch.setattr(runner, "run_sweep", sweep)
    stale = TrialFolder(Path("runs/trials"), plan.trials[3].trial_id)
    stale.write_complete({"outcome": None, "data_fingerprint": "bb"})
    code, out, err = invoke("evaluate", "studies/tiny.yaml", "--metric", "kid")
    assert code == 0, err
    (asked,) = given
    assert [trial.trial_id for trial in asked.trials] == [t.trial_id for t in plan.trials[:2]]
    assert (asked.metrics, asked.evaluations) == (("fid", "kid"), 1)
    assert "1 trial with other data" in err
    lines = [line.split() for line in out.splitlines()]
    assert ["baseline", "1.00", "±", "0.71", "(2)", "—", "(0)"] in lines
    assert ["latent_dim=4", "—", "(0)", "—", "(0)"] in lines
    assert "KID: x@1, real 5000." in out
    assert "write in studies/tiny.yaml: metrics: [fid, kid]" in out


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # MLflow's own warnings are none of ours
def test_a_metric_and_a_probe_come_from_the_kept_weights(tmp_path: Path) -> None:
    base = {**STUDY["base"], "iterations": 30}
    study = {**STUDY, "base": base, "ablate": {}, "replicates": 1, "evaluations": 3}
    folder = write_project(tmp_path, {**study, "metrics": ["fid"]})
    run(folder)
    tries = attempts(folder)
    done = ganablate(folder, "evaluate", "studies/small.yaml", "--metric", "kid", "--probe", "walk")
    assert done.returncode == 0, done.stdout + done.stderr
    assert attempts(folder) == tries
    (found,) = folder.glob("runs/trials/*/metrics.json")
    assert json.loads(found.read_text())["evaluated"] == ["fid", "kid", "walk"]
    # Beside what a study that names it from the start measures.
    other = write_project(
        tmp_path / "other", {**study, "evaluations": 1, "metrics": ["fid", "kid"]}
    )
    run(other)
    (there,) = other.glob("runs/trials/*/metrics.json")
    kid = [json.loads(path.read_text())["numbers"]["kid"] for path in (found, there)]
    assert kid[0] == kid[1]

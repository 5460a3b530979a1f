"""Trials that really end well, diverge, saturate and collapse, and what the report says of them."""

import csv
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from ganablate.report.build import build_report
from ganablate.study.expand import expand
from ganablate.study.load import load_study
from ganablate.trials.needs import Measurements
from tests.support.real_attempt import job_for, run

pytestmark = pytest.mark.slow

ENDS = {
    "baseline": "ok",
    "diverging": "diverged",
    "no-capacity": "saturated",
    "hasty": "collapsed",
}
STUDY = {
    "study": "ends",
    "base": {
        "dataset": "mnist_5k", "network": "mlp", "hidden_layers": 1, "g_width": 64, "d_width": 64,
        "latent_dim": 32, "g_output": "sigmoid", "pixel_range": "unit", "d_dropout": 0.0,
        "init": "glorot_uniform", "lr": 1.0e-3, "beta1": 0.5, "batch_size": 32,
        "iterations": 800, "precision": "fp32",
    },
    "arms": {
        "diverging": {"lr": 1.0e30},
        "no-capacity": {"g_width": 1},
        "hasty": {"g_lr": 1.0e-2, "d_lr": 1.0e-4},  # G follows every turn of a D that lags behind
    },
    "replicates": 2,
    "primary": "fid",
    "metrics": ["d_loss", "fid", "modes"],
    "claims": [
        {
            "id": f"R0.{number}",
            "says": f"{arm} fails",
            "outcome": {"arm": arm, "is": end, "at_least": 0.9},
        }
        for number, (arm, end) in enumerate(ENDS.items(), start=1)
    ],
}  # fmt: skip


def test_each_rule_meets_a_trial_that_really_does_it(tmp_path: Path) -> None:
    (tmp_path / "ends.yaml").write_text(yaml.safe_dump(STUDY, sort_keys=False))
    plan = expand(load_study(tmp_path / "ends.yaml"))
    for trial in plan.trials:
        job = job_for(tmp_path / "runs", tmp_path / "runs" / "data")
        run(replace(job, trial=trial, wanted=Measurements(plan.measured)))
    report = build_report(
        plan, trials_root=tmp_path / "runs" / "trials", results_root=tmp_path / "results"
    )
    with (report.folder / "trials.csv").open() as file:
        rows = list(csv.DictReader(file))
    found = Counter((row["arm"], row["outcome"]) for row in rows)
    assert found == dict.fromkeys(ENDS.items(), 2), rows
    assert all(row["outcome_because"] for row in rows if row["outcome"] != "ok")
    table = (report.folder / "table.md").read_text().splitlines()
    for arm, end in ENDS.items():
        lines = [line for line in table if f"| {arm} " in line]
        assert any(f"| 2/2 {end} " in line for line in lines)
    page = (report.folder / "report.html").read_text()
    assert all(f"2/2 {end}" in page for end in ENDS.values())
    with (report.folder / "claims.csv").open() as file:
        claims = list(csv.DictReader(file))
    assert [claim["arms"] for claim in claims] == list(ENDS)
    assert all("2 of 2" in claim["numbers"] for claim in claims)

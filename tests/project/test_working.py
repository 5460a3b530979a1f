"""A real tiny study whose baseline does not work: it gets its lines, and no verdict on quality."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from ganablate.catalog import FLOOR, TEN_IMAGES
from ganablate.report.frames.references import read_references
from ganablate.report.stats.working import NOT_WORKING
from tests.support.real_project import STUDY, ganablate, run, write_project

CLAIMS = [
    {"id": "R9.1", "says": "worse", "compare": {"arm": "norm=none", "is": "worse"}},
    {"id": "R9.2", "says": "higher", "compare": {
        "arm": "norm=none", "metric": "d_loss_mean", "is": "higher"}},
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # MLflow's own warnings are none of ours
def test_a_study_whose_baseline_draws_nothing_gets_no_verdict_on_quality(tmp_path: Path) -> None:
    base = {**STUDY["base"], "iterations": 40}
    folder = write_project(tmp_path, {**STUDY, "base": base, "claims": CLAIMS})
    run(folder)
    record = folder / "results/small/full"
    rows = read_references(record / "references.csv").rows
    by_line = {(row.line, row.column): row.value for row in rows}
    assert set(by_line) == {(x, y) for x in (FLOOR, TEN_IMAGES) for y in ("fid", "modes")}
    assert by_line[FLOOR, "fid"] * 10 < by_line[TEN_IMAGES, "fid"]
    assert {row.data for row in rows} == {"mnist_5k 28x28"}
    table = pd.read_csv(record / "table.csv")
    assert table["fid"].min() > by_line[TEN_IMAGES, "fid"]
    assert set(table["verdict"].dropna()) == {NOT_WORKING}
    text = (record / "table.md").read_text()
    assert "The baseline does not work: " in text
    assert "| other real images" in text
    assert "The baseline does not work" in (record / "report.html").read_text()
    claims = pd.read_csv(record / "claims.csv").set_index("id")["verdict"]
    assert claims["R9.1"] == "cannot tell: the baseline does not work"
    # A study of older trials has no lines, and pretends nothing, until they are measured.
    kept = (record / "references.csv").read_bytes()
    shutil.rmtree(folder / "runs/references")
    shutil.rmtree(folder / "results")
    assert ganablate(folder, "report", "studies/small.yaml").returncode == 0
    assert not (record / "references.csv").exists()
    done = ganablate(folder, "evaluate", "studies/small.yaml", "--metric", "fid")
    assert done.returncode == 0, done.stdout + done.stderr
    assert ganablate(folder, "report", "studies/small.yaml").returncode == 0
    assert (record / "references.csv").read_bytes() == kept

"""A trial that fails again and again, as the person at the terminal meets it."""

import sqlite3
from pathlib import Path

import pytest

from ganablate.project.plans import plans_of, read_studies
from tests.support.faulty_project import ganablate, write_project

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("default"),  # Ray's and MLflow's own warnings are none of ours
]


def test_a_trial_that_always_fails_is_a_line_a_traceback_and_exit_code_1(tmp_path: Path) -> None:
    """A folder stands where its weights are to be written."""
    folder = write_project(tmp_path)
    (plan,) = plans_of(read_studies([folder / "studies" / "small.yaml"]))
    bad, good = (
        folder / "runs" / "trials" / next(t.trial_id for t in plan.trials if t.arm == arm)
        for arm in ("latent_dim=10", "baseline")
    )
    (bad / "weights.safetensors").mkdir(parents=True)
    done = ganablate(folder, "run", "studies/small.yaml")
    assert done.returncode == 1
    assert (good / "complete.json").exists()
    assert done.stdout.count("trying it again") == 1  # the profile's retries
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("failed: ")]
    assert line.startswith("failed: latent_dim=10 / 0: IsADirectoryError")
    assert line.endswith(f"; traceback: runs/trials/{bad.name}/traceback.txt")
    text = (bad / "traceback.txt").read_text()
    assert "save_weights" in text
    with sqlite3.connect(folder / "runs" / "mlflow.db") as database:
        ((uri,),) = database.execute(
            "select artifact_uri from runs join tags using (run_uuid) "
            "where key = 'ganablate.state' and value = 'failed'"
        ).fetchall()
    assert (Path(uri.removeprefix("file://")) / "traceback.txt").read_text() == text
    told = ganablate(folder, "status", "studies/small.yaml")
    assert "latent_dim=10 / 0 failed: IsADirectoryError" in told.stderr

"""The main job, with the real command, Ray and MLflow: run, kill, resume, extend."""

import contextlib
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from ganablate.study.expand import expand
from ganablate.study.load import load_study
from ganablate.trials.disk_need import disk_need_of
from tests.support.real_project import (
    LENGTH,
    STUDY,
    attempts,
    command,
    rows,
    run,
    trials_csv,
    values_per_step,
    write_project,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("default"),  # MLflow's own warnings are none of ours
]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_project(tmp_path_factory.mktemp("undisturbed"))
    run(folder)
    return folder


def test_a_run_leaves_complete_trials_tables_and_tracked_runs(undisturbed: Path) -> None:
    table = rows(undisturbed)
    assert len(table) == 6
    assert {row["state"] for row in table} == {"complete"}
    assert all(float(row["fid"]) > 0 for row in table)
    assert len({row["trial_id"] for row in table}) == 6
    results = undisturbed / "results" / "small" / "full"
    names = "table.csv table.md table.tex curves.csv provenance.json report.html"
    for name in ("../../looks.csv", *names.split()):
        assert (results / name).stat().st_size > 0
    assert {path.name for path in (results / "figures").glob("*.png")} == {
        "forest.png", "loss_pairs.png", "losses.png", "primary.png", "samples.png",
    }  # fmt: skip

    mlflow = pytest.importorskip("mlflow")
    client = mlflow.MlflowClient(f"sqlite:///{undisturbed / 'runs' / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("small")
    tracked = client.search_runs([experiment.experiment_id])
    children = [r for r in tracked if "ganablate.trial_id" in r.data.tags]
    assert len(tracked) == 7  # one parent
    assert {r.data.tags["ganablate.trial_id"] for r in children} == {r["trial_id"] for r in table}
    by_id = {row["trial_id"]: row for row in table}
    for child in children:
        row = by_id[child.data.tags["ganablate.trial_id"]]
        assert child.info.status == "FINISHED"
        assert child.data.metrics["fid"] == float(row["fid"])
        history = client.get_metric_history(child.info.run_id, "d/criterion")
        steps = [metric.step for metric in history]
        assert len(steps) == len(set(steps)) == LENGTH


def test_the_disk_that_plan_foretells_is_about_what_it_takes(undisturbed: Path) -> None:
    plan = expand(load_study(undisturbed / "studies" / "small.yaml"))
    foretold = sum(disk_need_of(trial.config, 5_000, "weights").kept for trial in plan.trials)
    runs = undisturbed / "runs"
    files = [*(runs / "trials").rglob("*"), *(runs / "mlartifacts").rglob("*"), runs / "mlflow.db"]
    taken = sum(path.stat().st_size for path in files if path.is_file())
    assert foretold / 2 < taken < foretold * 2, (foretold, taken)


def test_again_means_no_training_and_the_same_table(undisturbed: Path) -> None:
    before, tries = trials_csv(undisturbed), attempts(undisturbed)
    done = run(undisturbed)
    assert "6 reused" in done.stdout
    assert trials_csv(undisturbed) == before
    assert attempts(undisturbed) == tries


def _wait_for(condition, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def _kill_in_mid_sweep(folder: Path, sign: signal.Signals) -> int:
    """Start the sweep, wait for one complete and one begun trial, send the signal."""
    driver = subprocess.Popen(
        command("run", "studies/small.yaml"), cwd=folder,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    trials = folder / "runs" / "trials"

    def in_the_middle() -> bool:
        assert driver.poll() is None, "the sweep ended before it could be disturbed"
        newest: dict[Path, int] = {}
        for path in trials.glob("*/checkpoints/at-*/state.pt"):
            iteration = int(path.parent.name.removeprefix("at-"))
            newest[path.parents[2]] = max(iteration, newest.get(path.parents[2], 0))
        complete = {path.parent for path in trials.glob("*/complete.json")}
        # Workers go on for a second or two after `kill -9` of the driver: leave them enough to do.
        begun = [trial for trial, at in newest.items() if at < LENGTH / 3 and trial not in complete]
        return bool(complete) and bool(begun)

    try:
        _wait_for(in_the_middle)
        if sign == signal.SIGINT:
            os.killpg(driver.pid, sign)  # as a terminal does
        else:
            os.kill(driver.pid, sign)
        return driver.wait(60)
    finally:
        with contextlib.suppress(ProcessLookupError):
            driver.kill()


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGINT], ids=["kill -9", "ctrl-c"])
def test_a_disturbed_sweep_goes_on_and_ends_with_the_same_table(
    undisturbed: Path, tmp_path: Path, sign: signal.Signals
) -> None:
    folder = write_project(tmp_path)
    code = _kill_in_mid_sweep(folder, sign)
    assert code == (-9 if sign == signal.SIGKILL else 130)
    trials = folder / "runs" / "trials"
    complete = {path: path.read_bytes() for path in trials.glob("*/complete.json")}
    assert complete
    run(folder)
    assert trials_csv(folder) == trials_csv(undisturbed)
    for path, content in complete.items():  # what was complete was not trained again
        assert path.read_bytes() == content
    assert values_per_step(folder) == {1}
    second = [json.loads(path.read_text()) for path in trials.glob("*/attempts/0002.json")]
    assert second  # what was cut off was gone on with,
    assert max(facts["from_iteration"] for facts in second) > 0  # not begun again,
    assert max(attempts(folder).values()) == 2  # and once
    for path in trials.glob("[0-9a-f]*/weights.safetensors"):
        whole = undisturbed / "runs" / "trials" / path.parent.name / path.name
        assert path.read_bytes() == whole.read_bytes()


def test_a_new_level_runs_only_its_own_trials_and_a_sweep_file_none(
    undisturbed: Path, tmp_path: Path
) -> None:
    folder = write_project(tmp_path)
    (folder / "runs").symlink_to(undisturbed / "runs")
    (folder / "sweeps" / "laptop.yaml").write_text("threads: 1\nconcurrency: 1\nretries: 0\n")
    old = {row["trial_id"]: row for row in rows(undisturbed)}
    tries = attempts(undisturbed)
    done = run(folder)
    assert "6 reused" in done.stdout
    study = {**STUDY, "ablate": {"norm": ["none"], "latent_dim": [10, 20]}}
    write_project(folder, study)
    done = run(folder)
    assert "2 trials completed, 6 reused" in done.stdout
    new = {row["trial_id"]: row for row in rows(folder)}
    assert len(new) == 8
    assert {id_: new[id_] for id_ in old} == old
    assert {id_: attempts(folder)[id_] for id_ in tries} == tries


def test_a_metric_added_later_is_measured_without_training(tmp_path: Path) -> None:
    base = {**STUDY["base"], "iterations": 30}
    small = {**STUDY, "base": base, "ablate": {}, "replicates": 1}
    folder = write_project(tmp_path, {**small, "metrics": ["fid"]})
    run(folder)
    (before,) = rows(folder)
    assert "modes" not in before
    write_project(folder, {**small, "metrics": ["fid", "modes"]})
    run(folder)
    (after,) = rows(folder)
    assert after["trial_id"] == before["trial_id"]
    assert after["fid"] == before["fid"]
    assert 0 <= float(after["modes"]) <= 10
    assert attempts(folder) == {before["trial_id"]: 1}


def test_a_diverged_trial_is_a_finding_not_a_failure(tmp_path: Path) -> None:
    study = {
        **STUDY,
        "base": {**STUDY["base"], "iterations": 30, "optimizer": "sgd", "norm": "none"},
        "ablate": {"lr": [1.0e30]},
        "replicates": 1,
    }
    folder = write_project(tmp_path, study)
    done = run(folder)
    row = next(row for row in rows(folder) if row["arm"] == "lr=1e+30")
    assert row["outcome"] == "diverged"
    assert row["state"] == "complete"
    assert row["fid"] == ""
    assert "diverged" in done.stdout

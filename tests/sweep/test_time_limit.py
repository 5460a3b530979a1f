"""`run --for`: a sweep that stops in time, and what it leaves."""

import json
import time
from pathlib import Path

import pytest

from ganablate.project.plans import plans_of, read_studies
from ganablate.sweep.profile import Profile
from ganablate.sweep.ray_session import LAST_SECONDS, Interruption
from ganablate.sweep.runner import run_sweep
from ganablate.tracking import NoTracker
from tests.support import sweep_cases
from tests.support.real_project import STUDY, ganablate, write_project


def test_the_time_and_a_person_are_told_apart() -> None:
    interruption = Interruption(time.monotonic() + LAST_SECONDS + 60)
    assert not interruption.ending
    assert not interruption.requested
    interruption = Interruption(time.monotonic() + LAST_SECONDS / 2)
    assert interruption.ending
    assert not interruption.requested
    interruption = Interruption(time.monotonic())
    assert interruption.requested
    assert not interruption.asked
    interruption.request()
    assert interruption.asked


def test_where_hardly_any_time_is_left_nothing_is_started(tmp_path: Path) -> None:
    diary = sweep_cases.Diary()
    summary = run_sweep(
        [sweep_cases.plan(["baseline"], 2)], Profile(), observer=diary, tracker=NoTracker(),
        runs=tmp_path, stop_at=time.monotonic() + LAST_SECONDS - 1,
    )  # fmt: skip
    assert summary.interrupted
    assert summary.out_of_time
    assert (summary.complete, summary.failed, summary.wall_seconds < 5) == (0, 0, True)
    assert [line[0] for line in diary.lines] == ["started", "finished"]
    assert not list(tmp_path.rglob("config.json"))


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # MLflow's own warnings are none of ours
def test_a_real_sweep_stops_in_time_with_checkpoints_and_as_many_replicates_of_every_arm(
    tmp_path: Path,
) -> None:
    base = {**STUDY["base"], "iterations": 500}
    study = {key: value for key, value in STUDY.items() if key != "ablate"}
    study |= {"base": base, "remove": {"norm": "none", "beta1": 0.0}, "replicates": 40}
    folder = write_project(tmp_path, study)
    began = time.monotonic()
    done = ganablate(folder, "run", "studies/small.yaml", "--for", "1m")
    assert time.monotonic() - began < 75, done.stdout  # a busy machine takes its time
    assert done.returncode == 75, done.stdout + done.stderr
    *_, then = done.stdout.splitlines()
    assert then == "next: ganablate run studies/small.yaml --for 1m"
    (plan,) = plans_of(read_studies([folder / "studies" / "small.yaml"]))
    trials = folder / "runs" / "trials"
    begun = {t.trial_id for t in plan.trials if (trials / t.trial_id).exists()}
    assert begun
    first_not = min(t.replicate for t in plan.trials if t.trial_id not in begun)
    last = max(t.replicate for t in plan.trials if t.trial_id in begun)
    assert last <= first_not + 1, "Tune may take one that waits before another"
    assert [*trials.glob("*/complete.json"), *trials.glob("*/checkpoints/at-*")]
    left = next(line for line in done.stdout.splitlines() if line.startswith("left: "))
    complete = len(list(trials.glob("*/complete.json")))
    assert left == f"left: {120 - complete} of 120 trials of small at full"
    status = json.loads(ganablate(folder, "status", "studies/small.yaml", "--json").stdout)
    assert "failed" not in json.dumps(status[0]["trials"])

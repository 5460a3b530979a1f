"""Files of a trial's folder that a disk cut short: told in a line, and made good where they can."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ganablate.files import tell_unreadable
from ganablate.metrics import evaluate as evaluate_module
from ganablate.report.frames.trials import curves_frame, trials_frame
from ganablate.study.plan import Plan
from ganablate.sweep.attempt import start
from ganablate.tracking.trial_copy import artifacts_of, points_of
from ganablate.trials.folder import LockError, TrialFolder
from ganablate.trials.needs import Measurements, WeightsError, needs_run, state_of
from tests.support.command import invoke
from tests.support.real_attempt import folder_of, job_for, run
from tests.support.tiny_study import write_tiny

ROOT = Path("runs/trials")


@pytest.fixture(autouse=True)
def told_anew() -> None:
    tell_unreadable.cache_clear()


def cut(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    """Two complete trials, one that failed, one that was begun."""
    monkeypatch.chdir(tmp_path)
    made = write_tiny(ablate="[4]")
    for trial in made.trials:
        folder = TrialFolder(ROOT, trial.trial_id)
        folder.open(trial)
        folder.begin_attempt({"pid": 1, "started_ms": 5, "device": "cpu", "precision": "fp32"})
        points = {"d/criterion": [[9, 0.5, 7]]}
        folder.write_checkpoint(9, lambda path: path.write_bytes(b"x"), {"points": points})
    for trial in made.trials[:2]:
        folder = TrialFolder(ROOT, trial.trial_id)
        ones = np.ones(9, np.float32)
        keys = ("d/criterion", "g/criterion", "d/accuracy_real", "d/accuracy_fake")
        folder.write_losses(dict.fromkeys(keys, ones))
        folder.write_samples(np.zeros((64, 28, 28, 1), np.uint8))
        folder.add_metrics(["fid"], {"fid": 9.5}, {"fid": "p@1"})
        facts = {"outcome": None, "iterations": 9, "images_seen": 72, "data_fingerprint": "aa"}
        folder.write_complete(facts)
    failed = TrialFolder(ROOT, made.trials[2].trial_id)
    failed.write_failure(1, "ValueError: no", "Traceback ...")
    return made


FILES = {
    "complete.json": ["pending", "complete", "failed", "pending"],
    "metrics.json": ["complete", "complete", "failed", "pending"],
    "trial.json": ["complete", "complete", "failed", "pending"],
    "checkpoints/at-00000009/block.json": ["complete", "complete", "failed", "pending"],
    "attempts/0001.json": ["complete", "complete", "failed", "pending"],
    "losses.npz": ["complete", "complete", "failed", "pending"],
    "samples.npy": ["complete", "complete", "failed", "pending"],
    "failure.json": ["complete", "complete", "pending", "pending"],
}


@pytest.mark.parametrize("damage", [cut, Path.unlink], ids=["cut short", "removed"])
@pytest.mark.parametrize("name", FILES)
def test_every_command_goes_on(
    plan: Plan, name: str, damage: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    index = 2 if name == "failure.json" else 0
    folder = TrialFolder(ROOT, plan.trials[index].trial_id)
    damage(folder.path / name)
    code, out, _ = invoke("status", "tiny.yaml", "--json")
    assert code == 0
    assert [t["state"] for t in json.loads(out)[0]["trials"]] == FILES[name]
    assert invoke("status", "tiny.yaml")[0] == 0
    frame = trials_frame(plan, ROOT)
    assert frame.loc[1, "fid"] == 9.5  # the other trial is as it was
    assert set(curves_frame(plan, ROOT)["trial_id"]) >= {plan.trials[1].trial_id}
    folder.samples()
    list(artifacts_of(folder))
    sum(len(points_of(block)) for block in folder.blocks())
    looked_at = name not in ("trial.json", "attempts/0001.json")
    if damage is cut and looked_at:
        told = [line for line in caplog.messages if Path(name).name in line]
        assert len(told) == 1  # once, however many look
        assert "cannot be read" in told[0]


def test_a_trial_that_is_a_file_is_not_begun(plan: Plan) -> None:
    path = ROOT / ("0" * 16)
    path.write_text("no folder")
    folder = TrialFolder(ROOT, path.name)
    assert folder.complete is None
    assert folder.failure is None
    assert state_of(replace(plan.trials[0], trial_id=path.name), ROOT) == "pending"


# --- what an attempt makes of it, for real ---


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory, digits_cache: Path) -> Path:
    return shutil.copytree(digits_cache, tmp_path_factory.mktemp("runs") / "data")


@pytest.fixture
def few_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate_module, "N_FAKE", 200)
    monkeypatch.setattr(evaluate_module, "N_REAL", 500)


@pytest.mark.slow
@pytest.mark.usefixtures("few_images")
def test_a_lost_completion_is_made_again_and_no_point_twice(tmp_path: Path, cache: Path) -> None:
    job = job_for(tmp_path, cache)
    run(job)
    folder = folder_of(job)
    names = ("weights.safetensors", "metrics.json", "samples.npy", "losses.npz")
    before = {name: (folder.path / name).read_bytes() for name in names}
    blocks = [path.read_bytes() for path in folder.blocks()]
    cut(folder.path / "complete.json")
    assert needs_run(job.trial, job.wanted, job.trials_root, {})
    run(job)
    assert folder.complete is not None
    assert {name: (folder.path / name).read_bytes() for name in names} == before
    assert [path.read_bytes() for path in folder.blocks()] == blocks


@pytest.mark.usefixtures("few_images")
def test_lost_numbers_are_measured_again_without_training(tmp_path: Path, cache: Path) -> None:
    job = job_for(tmp_path, cache)
    run(job)
    folder = folder_of(job)
    path = folder.path / "metrics.json"
    before = path.read_bytes()
    cut(path)
    assert needs_run(job.trial, job.wanted, job.trials_root, {})
    run(job)
    assert path.read_bytes() == before
    assert len(folder.attempts()) == 1


@pytest.mark.slow
@pytest.mark.usefixtures("few_images")
def test_lost_weights_are_a_line_and_losses_are_measured_without(
    tmp_path: Path, cache: Path
) -> None:
    job = replace(job_for(tmp_path, cache), wanted=Measurements(("fid",)), keep="none")
    run(job)
    folder = folder_of(job)
    assert not folder.weights.exists()
    assert folder.complete is not None
    run(replace(job, wanted=Measurements(("fid", "d_loss"))))
    assert folder.metrics()["evaluated"] == ["d_loss", "fid"]
    with pytest.raises(WeightsError, match="modes cannot be measured: the weights of trial"):
        run(replace(job, wanted=Measurements(("fid", "modes"))))
    assert folder.failure["message"].startswith("WeightsError: modes cannot be measured")
    assert state_of(job.trial, job.trials_root) == "complete"


@pytest.mark.slow
@pytest.mark.usefixtures("few_images")
def test_a_lost_block_does_not_stop_a_trial(tmp_path: Path, cache: Path) -> None:
    job = replace(job_for(tmp_path, cache), checkpoint_seconds=0.001)
    first = start(job)
    first.advance()
    first.advance()
    first.close()
    folder = folder_of(job)
    cut(folder.blocks()[-1])
    reached = folder.reached
    run(job)
    assert folder.attempts()[1]["from_iteration"] == reached
    assert folder.complete is not None


def test_a_lock_that_cannot_be_taken_is_a_line(tmp_path: Path, cache: Path) -> None:
    job = job_for(tmp_path, cache)
    lock = job.trials_root / ".locks" / f"{job.trial.trial_id}.lock"
    lock.mkdir(parents=True)  # in its place: what a process without rights sees, for root too
    assert state_of(job.trial, job.trials_root) == "pending"
    assert not folder_of(job).is_claimed()
    with pytest.raises(LockError) as caught:
        start(job)
    assert str(lock) in str(caught.value)
    assert "make the folder writable" in str(caught.value)

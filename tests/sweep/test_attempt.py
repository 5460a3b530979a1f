"""One attempt at a trial, in this process: what it leaves in the trial's folder."""

import json
import re
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganablate.config import TrialConfig
from ganablate.gan.trainer import Trainer
from ganablate.metrics import evaluate as evaluate_module
from ganablate.study.plan import Plan, Trial
from ganablate.sweep import attempt as attempt_module
from ganablate.sweep import measure as measure_module
from ganablate.sweep.attempt import start
from ganablate.sweep.job import Job
from ganablate.tracking.trial_copy import artifacts_of, final_points, points_of
from ganablate.trials import folder as folder_module
from ganablate.trials.folder import POINTS_PER_LOSS
from ganablate.trials.needs import (
    Measurements,
    lacks_evaluations,
    measurements_of,
    needs_run,
    state_of,
)
from tests.support.real_attempt import DATA_ID, cut_off, folder_of, job_for, run
from tests.support.trial_config import BASE


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory, digits_cache: Path) -> Path:
    return shutil.copytree(digits_cache, tmp_path_factory.mktemp("runs") / "data")


@pytest.fixture(autouse=True)
def few_images(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is measured is not the matter here, and 5,000 images take a second each time."""
    monkeypatch.setattr(evaluate_module, "N_FAKE", 200)
    monkeypatch.setattr(evaluate_module, "N_REAL", 500)


def often(job: Job) -> Job:
    """The job with a checkpoint at each step."""
    return replace(job, checkpoint_seconds=0.001)


def points_in_blocks(job: Job, key: str) -> list[list[float]]:
    """Step, value and time of each point that a trial's checkpoints have of a loss."""
    blocks = [json.loads(path.read_text()) for path in folder_of(job).blocks()]
    return [point for block in blocks for point in block["points"][key]]


def assert_same_end(job: Job, other: Job) -> None:
    for name in ("weights.safetensors", "samples.npy", "metrics.json"):
        first, second = (folder_of(each).path / name for each in (job, other))
        assert first.read_bytes() == second.read_bytes(), name
    losses, others = (folder_of(each).losses() for each in (job, other))
    assert losses.keys() == others.keys()
    assert all(np.array_equal(losses[key], others[key]) for key in losses)


def break_evaluation(patch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    patch.setattr(measure_module, "evaluate", fail)


def test_a_finished_trial_has_everything_that_a_report_needs(tmp_path: Path, cache: Path) -> None:
    job = job_for(tmp_path, cache)
    progress = run(job)
    folder = folder_of(job)
    assert (progress.iteration, progress.total, progress.images_seen) == (20, 20, 160)
    assert state_of(job.trial, job.trials_root) == "complete"
    complete = folder.complete
    assert complete is not None
    assert (complete["iterations"], complete["g_updates"], complete["d_updates"]) == (20, 20, 20)
    assert {len(values) for values in folder.losses().values()} == {20}
    measured = folder.metrics()
    assert measured["evaluated"] == ["d_loss", "fid"]
    last_fifth = folder.losses()["d/criterion"][-4:].astype(np.float64)
    assert measured["numbers"]["d_loss_mean"] == pytest.approx(last_fifth.mean(), rel=1e-12)
    assert measured["numbers"]["fid"] > 0
    assert "real 500 of 5000" in measured["protocols"]["fid"]
    assert folder.samples().shape == (64, 28, 28, 1)
    grids = sorted((folder.path / "samples").glob("*.png"))
    assert [int(path.stem) for path in grids] == [24, 40, 64, 80, 104, 120, 144, 160]
    with Image.open(grids[0]) as picture:
        assert picture.size == (8 * 28, 8 * 28)
    with Image.open(folder.path / "animation.gif") as animation:
        assert (animation.n_frames, animation.size, animation.info["loop"]) == (8, (224, 224), 0)
        animation.seek(7)
        last = np.asarray(animation.convert("L"), dtype=int)
    with Image.open(grids[-1]) as picture:
        assert np.abs(last - np.asarray(picture)).mean() < 8  # 64 colours
    assert folder.states() == []  # the optimizers' state goes when the trial is complete
    assert (folder.path / "weights.safetensors").exists()
    (facts,) = folder.attempts()
    assert (facts["precision"], facts["device"], facts["until_iteration"]) == ("fp32", "cpu", 20)


def test_blocks_hold_each_point_once_and_never_too_many(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_module, "POINTS_PER_LOSS", 7)
    assert POINTS_PER_LOSS == 1000
    job = often(job_for(tmp_path, cache))
    run(job)
    assert len(folder_of(job).blocks()) > 2
    steps, values, stamps = zip(*points_in_blocks(job, "g/criterion"), strict=True)
    assert steps == (3, 6, 9, 12, 15, 18, 20)
    losses = folder_of(job).losses()["g/criterion"]
    assert values == tuple(float(losses[step - 1]) for step in steps)
    assert list(stamps) == sorted(stamps)


def test_an_attempt_that_was_cut_off_is_gone_on_with(tmp_path: Path, cache: Path) -> None:
    whole = job_for(tmp_path / "whole", cache)
    run(whole)
    cut = often(job_for(tmp_path / "cut", cache))
    first = start(cut)
    first.advance()
    first.close()
    (state,) = folder_of(cut).states()
    reached = int(state.parent.name.removeprefix("at-"))
    assert 0 < reached < 20
    run(cut)
    _, second = folder_of(cut).attempts()
    assert second["from_iteration"] == reached  # gone on with, not begun again
    assert_same_end(cut, whole)


def test_a_truncated_checkpoint_falls_back_to_the_one_before(tmp_path: Path, cache: Path) -> None:
    whole = job_for(tmp_path / "whole", cache)
    run(whole)
    job = often(job_for(tmp_path / "cut", cache))
    cut_off(job)
    newest, older = folder_of(job).states()
    newest.write_bytes(newest.read_bytes()[:500])
    second = start(job)
    assert second.trainer.iteration == int(older.parent.name.removeprefix("at-"))
    assert not newest.exists()
    second.close()
    run(job)
    # The block of the lost checkpoint stays: its points may have been sent, and come only once.
    steps, values, _ = zip(*points_in_blocks(job, "g/criterion"), strict=True)
    assert steps == tuple(range(1, 21))
    assert list(values) == folder_of(whole).losses()["g/criterion"].tolist()
    assert_same_end(job, whole)


@pytest.mark.parametrize("error", [OSError("stale file handle"), torch.OutOfMemoryError("full")])
def test_a_state_that_cannot_be_taken_now_stays(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """A file that cannot be read is passed over; a device without room fails the attempt."""
    job = often(job_for(tmp_path, cache))
    cut_off(job)
    newest, older = folder_of(job).states()
    taken = []

    def fail_first(state: object) -> None:
        taken.append(state)
        if len(taken) == 1:
            raise error

    if isinstance(error, OSError):
        read = attempt_module.load_state
        monkeypatch.setattr(attempt_module, "load_state", lambda p: fail_first(p) or read(p))
        start(job).close()
        assert taken == [newest, older]
    else:
        monkeypatch.setattr(Trainer, "restore", lambda _, state: fail_first(state))
        with pytest.raises(torch.OutOfMemoryError):
            start(job)
        assert len(taken) == 1
    assert folder_of(job).states() == [newest, older]


@pytest.mark.slow
@pytest.mark.parametrize("left", [0, 500], ids=["empty", "cut short"])
def test_two_truncated_checkpoints_are_a_fresh_start(
    tmp_path: Path, cache: Path, left: int
) -> None:
    whole = job_for(tmp_path / "whole", cache)
    run(whole)
    job = often(job_for(tmp_path / "cut", cache))
    cut_off(job)
    first, second = folder_of(job).states()
    for state in (first, second):
        state.write_bytes(state.read_bytes()[:left])
    attempt = start(job)
    assert attempt.trainer.iteration == 0
    attempt.close()
    run(job)
    assert_same_end(job, whole)
    points = [point for path in folder_of(job).blocks() for point in points_of(path)]
    steps = [point.step for point in points if point.key == "g/criterion"]
    assert sorted(steps) == list(range(1, 21))  # each once


def test_a_failure_is_written_down_and_forgotten_once_complete(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = job_for(tmp_path, cache)
    with monkeypatch.context() as patch:
        break_evaluation(patch, ValueError("upside down"))
        with pytest.raises(ValueError, match="upside down"):
            run(job)
    assert state_of(job.trial, job.trials_root) == "failed"
    points = points_in_blocks(job, "d/criterion")
    failure = folder_of(job).failure
    assert failure is not None
    assert failure["message"] == "ValueError: upside down"
    text = folder_of(job).traceback.read_text()
    assert text == failure["traceback"]
    assert text.startswith("Traceback")
    assert text.endswith("ValueError: upside down\n")
    assert not folder_of(job).is_claimed()
    run(job)
    assert state_of(job.trial, job.trials_root) == "complete"
    assert folder_of(job).failure is None
    assert not folder_of(job).traceback.exists()
    # The end was cut off after the last checkpoint: its block must still have the points.
    assert points_in_blocks(job, "d/criterion") == points
    assert len(points) == 20


def test_probes_added_later_need_no_training(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    probed = replace(job_for(tmp_path / "at once", cache), wanted=Measurements(("d_loss", "walk")))
    run(probed)
    job = replace(job_for(tmp_path / "later", cache), wanted=Measurements(("d_loss",)))
    run(job)
    monkeypatch.setattr(Trainer, "train", lambda *_: pytest.fail("it trains again"))
    assert run(replace(job, wanted=Measurements(("d_loss", "walk")))).done
    ours, theirs = folder_of(job), folder_of(probed)
    metrics = ours.metrics()
    assert metrics == theirs.metrics()
    assert metrics["evaluated"] == ["d_loss", "walk"]
    assert 1 <= metrics["numbers"]["walk_largest_step"] <= 8
    assert "5 straight lines" in metrics["protocols"]["walk_largest_step"]
    picture = ours.probe_picture("walk", "lines")
    assert picture.read_bytes() == theirs.probe_picture("walk", "lines").read_bytes()
    with Image.open(picture) as drawn:
        assert drawn.size == (9 * 30 - 2, 5 * 30 - 2)
    assert len(ours.attempts()) == 1
    sent = {path.name: where for path, where in artifacts_of(ours)}
    assert sent["walk-lines.png"] == "probes"
    assert sent["animation.gif"] is None
    assert run(replace(job, wanted=Measurements(("d_loss", "walk")))).done  # and not a second time


def test_an_unknown_name_is_not_measured(tmp_path: Path, cache: Path) -> None:
    job = replace(job_for(tmp_path, cache), wanted=Measurements(("d_loss", "wolk")))
    with pytest.raises(KeyError, match="no such metric or probe: wolk"):
        run(job)


def test_metrics_added_later_need_no_training_and_their_failure_does_not_stick(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = job_for(tmp_path, cache)
    run(job)
    more = replace(job, wanted=Measurements(("d_loss", "fid", "modes")))
    before, complete = folder_of(job).metrics()["numbers"], folder_of(job).complete
    with monkeypatch.context() as patch:
        break_evaluation(patch, MemoryError("too large"))
        with pytest.raises(MemoryError):
            run(more)
    assert folder_of(job).failure is not None
    assert run(more).done
    assert folder_of(job).failure is None
    after = folder_of(job).metrics()["numbers"]
    assert {name: after[name] for name in before} == before
    assert 1 <= after["modes"] <= 10
    assert folder_of(job).complete == complete
    assert len(folder_of(job).attempts()) == 1


@pytest.mark.parametrize("trained", [False, True], ids=["half", "complete"])
def test_a_trial_that_saw_other_data_is_put_aside_and_trained_again(
    tmp_path: Path, cache: Path, trained: bool
) -> None:
    job = often(job_for(tmp_path, cache))
    if trained:
        run(job)
        path = folder_of(job).path / "complete.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "data_fingerprint": "another"}))
    else:
        cut_off(job)
        folder_of(job).update_attempt(1, data_fingerprint="another")
    attempt = start(job)
    assert attempt.trainer.iteration == 0
    attempt.close()
    retired = job.trials_root / f"{job.trial.trial_id}.stale-1"
    assert (retired / "complete.json").exists() == trained
    assert retired.exists()


DIVERGING = {
    "g_optimizer": "sgd", "d_optimizer": "sgd", "g_lr": 1e30, "d_lr": 1e30, "g_beta1": None,
    "d_beta1": None, "g_beta2": None, "d_beta2": None, "g_momentum": 0.0, "d_momentum": 0.0,
}  # fmt: skip


def test_divergence_is_an_outcome_without_a_fid(tmp_path: Path, cache: Path) -> None:
    job = job_for(tmp_path, cache, **DIVERGING)
    progress = run(replace(job, wanted=Measurements(("d_loss", "fid", "walk"))))
    assert progress.outcome == "diverged"
    folder = folder_of(job)
    assert state_of(job.trial, job.trials_root) == "complete"
    assert folder.complete["diverged_at"] == progress.iteration < 20
    assert "fid" not in folder.metrics()["numbers"]
    assert folder.metrics()["evaluated"] == ["d_loss", "fid", "walk"]  # not to be tried again
    assert not folder.probe_picture("walk", "lines").exists()
    assert folder.samples() is None


def test_a_finer_curve_of_another_study_keeps_the_points_of_the_first(
    tmp_path: Path, cache: Path
) -> None:
    job = job_for(tmp_path, cache)
    coarse, fine = (Measurements(("fid",), ((parts, ("fid",)),)) for parts in (4, 10))
    run(replace(job, wanted=coarse))
    assert folder_of(job).evaluations().keys() == {5, 10, 15}
    run(replace(job, wanted=fine))
    assert folder_of(job).evaluations().keys() == {*range(2, 20, 2), 5, 15}
    assert len(list(job.trials_root.glob("*.stale-*"))) == 1
    for wanted in (coarse, fine):
        assert not needs_run(job.trial, wanted, job.trials_root, {})


def test_where_it_diverged_there_is_nothing_to_measure_and_nothing_lacks(
    tmp_path: Path, cache: Path
) -> None:
    every = Measurements(("d_loss", "fid"), ((20, ("fid",)),))
    job = replace(job_for(tmp_path, cache, **DIVERGING), wanted=every)
    progress = run(job)
    assert progress.outcome == "diverged"
    at_the_end = folder_of(job).evaluations()[progress.iteration]
    assert (at_the_end["evaluated"], at_the_end["numbers"]) == (["fid"], {})
    assert not needs_run(job.trial, every, job.trials_root, {})
    run(job)
    assert not list(job.trials_root.glob("*.stale-*"))  # it was not trained again


FOUR = ((4, ("fid",)),)


def test_images_are_measured_during_training_as_at_the_end(tmp_path: Path, cache: Path) -> None:
    at_end = job_for(tmp_path / "end", cache)
    during = replace(
        job_for(tmp_path / "during", cache), wanted=Measurements(("d_loss", "fid"), FOUR)
    )
    run(at_end)
    run(during)
    folder = folder_of(during)
    points = folder.evaluations()
    assert list(points) == [5, 10, 15]
    assert [content["images_seen"] for content in points.values()] == [40, 80, 120]
    assert all(set(content["numbers"]) == {"fid"} for content in points.values())
    # Looking does not change what is looked at, and the numbers are of the weights of then.
    assert folder.metrics() == folder_of(at_end).metrics()
    shorter = job_for(tmp_path / "shorter", cache, iterations=10)
    run(shorter)
    numbers = folder_of(shorter).metrics()["numbers"]
    assert points[10]["numbers"]["fid"] == numbers["fid"]
    sent = [(point.step, point.value) for point in final_points(folder) if point.key == "fid"]
    assert [step for step, _ in sent] == [5, 10, 15, 20]
    assert len({value for _, value in sent}) == 4


@pytest.mark.slow
def test_points_survive_a_stop_between_two_of_them(tmp_path: Path, cache: Path) -> None:
    whole = replace(job_for(tmp_path / "whole", cache), wanted=Measurements(("fid",), FOUR))
    run(whole)
    cut = replace(job_for(tmp_path / "cut", cache), wanted=Measurements(("fid",), FOUR))
    attempt = start(cut)
    attempt.trainer.train(5)
    attempt._use_images()
    attempt.trainer.train(7)
    attempt._checkpoint()
    attempt.close()
    run(cut)
    first, second = (
        [content["numbers"] for content in folder_of(job).evaluations().values()]
        for job in (whole, cut)
    )
    assert len(first) == 3
    assert first == second


@pytest.mark.slow
def test_a_curve_that_was_not_measured_takes_training_again(tmp_path: Path, cache: Path) -> None:
    job = job_for(tmp_path, cache)
    run(job)
    folder = folder_of(job)
    weights = (folder.path / "weights.safetensors").read_bytes()
    wanted = Measurements(("d_loss", "fid"), ((2, ("fid",)),))
    assert needs_run(job.trial, wanted, job.trials_root, {})
    run(replace(job, wanted=wanted))
    assert not needs_run(job.trial, wanted, job.trials_root, {})
    # Another plan that wants more of the end does not want more of the curve.
    lacks = partial(lacks_evaluations, job.trial, job.trials_root, total=20, reached=20)
    assert not lacks(Measurements(("fid", "kid"), wanted.curves))
    assert lacks(Measurements(("fid",), ((2, ("fid", "kid")),)))
    # Nor is a point of older weights, or of a version that did not say by what it was measured.
    ((at, content),) = folder.evaluations().items()
    stamp = content["protocols"]["fid"]
    older = re.sub("@[0-9a-f]{8}", "@00000000", stamp)
    folder.write_evaluation(at, {**content, "protocols": {"fid": older}})
    assert lacks(wanted)
    del content["protocols"]
    folder.write_evaluation(at, content)
    assert lacks(wanted)
    assert (folder.path / "weights.safetensors").read_bytes() == weights
    assert (job.trials_root / f"{job.trial.trial_id}.stale-1").is_dir()


@pytest.mark.slow
def test_a_checkpoint_beyond_a_point_that_was_not_measured_is_not_used(
    tmp_path: Path, cache: Path
) -> None:
    """The trial was interrupted at 12 of 20 before its study asked for a curve."""
    job = job_for(tmp_path, cache)
    attempt = start(job)
    attempt.trainer.train(12)
    attempt._checkpoint()
    attempt.close()
    wanted = Measurements(("d_loss", "fid"), FOUR)
    run(replace(job, wanted=wanted))
    assert list(folder_of(job).evaluations()) == [5, 10, 15]
    assert not needs_run(job.trial, wanted, job.trials_root, {})


def test_stops_are_even_and_leave_out_the_end() -> None:
    assert list(Measurements((), ((4, ("fid",)),)).stops(10)) == [3, 5, 8]
    assert Measurements(("fid",)).stops(10) == {}
    both = Measurements((), ((2, ("fid",)), (3, ("kid", "fid"))))
    assert both.stops(6) == {2: ("kid", "fid"), 3: ("fid",), 4: ("kid", "fid")}
    assert list(Measurements((), ((50, ("fid",)),)).stops(3)) == [1, 2]


def test_plans_that_share_a_trial_keep_their_own_curves() -> None:
    config = TrialConfig(**BASE)
    trial = Trial("a" * 16, "baseline", 0, config, DATA_ID)

    def plan(evaluations: int, *metrics: str) -> Plan:
        return Plan(
            study="s", budget="full", primaries=("fid",), metrics=metrics, arms=(), trials=(trial,),
            excluded=(), asks=None, replicates=1, evaluations=evaluations,
        )  # fmt: skip

    plans = [plan(1, "fid", "kid"), plan(10, "fid", "d_loss"), plan(3, "d_loss")]
    assert measurements_of(plans) == {
        "a" * 16: Measurements(("fid", "kid", "d_loss"), ((10, ("fid",)),)),
    }

"""What a trial is judged to be, at the edges of each rule."""

import math

import numpy as np
import pytest

from ganablate.catalog import CRITERIA, DATASETS, EXTRACTORS
from ganablate.metrics.losses import last_fifth
from ganablate.trials.folder import TrialFolder
from ganablate.trials.outcome import Outcome, outcome_of
from tests.support.synthetic_study import make_plan, write_trial

STEPS = 60


def judged(root, *, real=0.7, fake=0.7, steps=STEPS, numbers=None, metrics=("modes",), **settings):
    """The outcome of a trial whose D is so often right in the last fifth, and never before."""
    (trial,) = make_plan({"baseline": settings}, replicates=1).trials
    window = np.arange(steps) >= 4 * steps // 5
    losses = {
        f"d/accuracy_{side}": np.where(window, right, 0.5).astype(np.float32)
        for side, right in (("real", real), ("fake", fake))
    }
    write_trial(
        root, trial, numbers={"modes": 10.0} if numbers is None else numbers, outcome=None,
        losses=losses,
    )  # fmt: skip
    return outcome_of(trial, TrialFolder(root, trial.trial_id), metrics)


@pytest.mark.parametrize(
    ("real", "fake", "outcome"),
    [
        (0.99, 0.99, "saturated"),  # right about everything
        (1.0, 0.01, "saturated"),  # all called real
        (0.0, 1.0, "saturated"),  # all called generated
        (0.01, 0.0, "saturated"),  # wrong about everything
        (1.0, 0.97, "ok"),
        (0.97, 1.0, "ok"),
        (0.03, 1.0, "ok"),
        (0.5, 0.5, "ok"),
    ],
)
def test_saturated_is_one_sided_about_both(tmp_path, real, fake, outcome):
    assert judged(tmp_path, real=real, fake=fake).kind == outcome


def test_why_is_said(tmp_path):
    assert judged(tmp_path, real=0.9996, fake=1.0).because == (
        "D right about 99.96 % of real and 100 % of generated images"
    )


def test_the_window_is_that_of_the_loss_metrics(tmp_path):
    for steps in (50, 51, 53, 54, 780):
        window = last_fifth({"a": np.arange(steps)})["a"]
        assert judged(tmp_path / str(steps), real=1.0, fake=1.0, steps=steps).kind == "saturated"
        assert window[0] == 4 * steps // 5


def test_a_critic_does_not_decide(tmp_path):
    assert judged(tmp_path, real=1.0, fake=0.0, criterion="wasserstein").kind == "ok"
    assert judged(
        tmp_path / "few", real=1.0, fake=0.0, criterion="wasserstein", numbers={"modes": 1.0}
    ) == Outcome("collapsed", "1 of 10 classes")
    assert [name for name, one in CRITERIA.items() if not one.decides] == ["wasserstein"]


@pytest.mark.parametrize(
    ("metrics", "numbers", "outcome"),
    [
        (("modes",), {"modes": 5.0}, "collapsed"),
        (("modes",), {"modes": 6.0}, "ok"),
        (("density_coverage",), {"coverage": 0.05}, "collapsed"),
        (("density_coverage",), {"coverage": 0.051}, "ok"),
        (("precision_recall",), {"sample_recall": 0.0}, "collapsed"),
        (("precision_recall",), {"sample_recall": 0.0002}, "ok"),
        # Classes before coverage, coverage before recall.
        (("precision_recall", "modes"), {"modes": 10.0, "sample_recall": 0.0}, "ok"),
        (("density_coverage", "modes"), {"modes": 1.0, "coverage": 0.9}, "collapsed"),
        (("precision_recall", "density_coverage"), {"coverage": 0.9, "sample_recall": 0.0}, "ok"),
        # What another study measured of the same trial is not looked at.
        (("fid",), {"modes": 1.0}, None),
        (("modes",), {"coverage": 0.9}, None),
    ],
)
def test_collapsed_is_few_modes_by_the_study_s_own_metrics(tmp_path, metrics, numbers, outcome):
    assert judged(tmp_path, metrics=metrics, numbers=numbers).kind == outcome


def test_classes_are_counted_where_the_extractor_tells_those_of_the_data(tmp_path):
    numbers = {"modes": 1.0, "coverage": 0.5}
    both = ("modes", "density_coverage")
    for dataset, outcome in (("cifar10", "collapsed"), ("flowers102", "ok"), ("celeba", "ok")):
        found = judged(tmp_path / dataset, dataset=dataset, metrics=both, numbers=numbers)
        assert found.kind == outcome, dataset
    for name, extractor in EXTRACTORS.items():
        for told in extractor.tells:
            assert (DATASETS[told].extractor, DATASETS[told].classes) == (name, 10)


def test_the_order_is_diverged_saturated_collapsed(tmp_path):
    assert judged(tmp_path, real=1.0, fake=1.0, numbers={"modes": 1.0}).kind == "saturated"
    (trial,) = make_plan({"baseline": {}}, replicates=1).trials
    gone = {f"d/accuracy_{side}": np.ones(STEPS, np.float32) for side in ("real", "fake")}
    write_trial(tmp_path / "gone", trial, numbers={}, outcome="diverged", losses=gone)
    found = outcome_of(trial, TrialFolder(tmp_path / "gone", trial.trial_id), ("modes",))
    assert found.kind == "diverged"


def test_too_few_steps_are_not_judged_even_if_the_images_are_few(tmp_path):
    assert judged(tmp_path, steps=45, numbers={"modes": 1.0}) == Outcome(
        None, "9 steps in the last fifth, 10 are needed"
    )
    assert judged(tmp_path / "enough", steps=46).kind == "ok"


def test_a_mean_that_is_no_number_is_not_ok(tmp_path):
    assert judged(tmp_path, real=math.nan).kind is None

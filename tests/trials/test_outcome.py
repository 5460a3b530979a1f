"""What a trial is judged to be, at the edges of each rule."""

import itertools
import math

import numpy as np
import pytest

from ganablate.catalog import CRITERIA, DATASETS, EXTRACTORS
from ganablate.metrics.losses import last_fifth
from ganablate.trials.folder import TrialFolder
from ganablate.trials.outcome import Outcome, outcome_of
from tests.support.synthetic_study import make_plan, write_trial

STEPS = 60
BOTH = ("modes", "precision_recall")
GOOD = {"modes": 10.0, "recall": 0.5}


def judged(root, *, real=0.7, fake=0.7, steps=STEPS, numbers=None, metrics=BOTH, **settings):
    """The outcome of a trial whose D is so often right in the last fifth, and never before."""
    (trial,) = make_plan({"baseline": settings}, replicates=1).trials
    window = np.arange(steps) >= 4 * steps // 5
    losses = {
        f"d/accuracy_{side}": np.where(window, right, 0.5).astype(np.float32)
        for side, right in (("real", real), ("fake", fake))
    }
    write_trial(
        root, trial, numbers=GOOD if numbers is None else numbers, outcome=None,
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
    assert [name for name, one in CRITERIA.items() if not one.decides] == [
        "wasserstein",
        "relativistic",
    ]


@pytest.mark.parametrize(
    ("metrics", "numbers", "outcome"),
    [
        # Few classes, whatever the variety; little variety, however many classes.
        (BOTH, {"modes": 5.0, "recall": 0.9}, "collapsed"),
        (BOTH, {"modes": 6.0, "recall": 0.9}, "ok"),
        (BOTH, {"modes": 10.0, "recall": 0.01}, "collapsed"),
        (BOTH, {"modes": 10.0, "recall": 0.0102}, "ok"),
        (("modes", "density_coverage"), {"modes": 10.0, "coverage": 0.05}, "collapsed"),
        (("modes", "density_coverage"), {"modes": 10.0, "coverage": 0.051}, "ok"),
        # One sign is enough, and no other number outweighs it.
        ((*BOTH, "density_coverage"), {"modes": 10.0, "coverage": 0.9, "recall": 0.0}, "collapsed"),
        ((*BOTH, "density_coverage"), {"modes": 10.0, "coverage": 0.0, "recall": 0.9}, "collapsed"),
        (("modes",), {"modes": 5.0}, "collapsed"),
        (("precision_recall",), {"recall": 0.0}, "collapsed"),
        # What was not looked at is not ok.
        (("modes",), {"modes": 10.0}, None),
        (("precision_recall",), {"recall": 0.9}, None),
        (BOTH, {"modes": 10.0}, None),
        (BOTH, {"recall": 0.9}, None),
        # What another study measured of the same trial is not looked at.
        (("fid",), {"modes": 1.0, "recall": 0.0}, None),
        (("modes",), {"modes": 10.0, "recall": 0.0}, None),
    ],
)
def test_collapsed_is_no_variety_or_few_classes(tmp_path, metrics, numbers, outcome):
    assert judged(tmp_path, metrics=metrics, numbers=numbers).kind == outcome


def test_studies_with_recall_never_contradict_each_other_about_a_trial(tmp_path):
    """However many of the metrics a study has: the verdicts on a trial do not contradict."""
    every = ("modes", "precision_recall", "density_coverage", "fid")
    chosen = [m for n in range(5) for m in itertools.combinations(every, n)]
    levels = {"modes": (5.0, 10.0), "recall": (0.0, 0.5)}
    for place, values in enumerate(itertools.product(*levels.values())):
        numbers = {**dict(zip(levels, values, strict=True)), "coverage": 0.5}
        kinds = {
            judged(tmp_path / str(place), metrics=metrics, numbers=numbers).kind
            for metrics in chosen
            if "density_coverage" not in metrics or "precision_recall" in metrics
        }
        assert len(kinds - {None}) == 1, numbers


def test_a_metric_more_never_turns_collapsed_into_ok(tmp_path):
    every = ("modes", "precision_recall", "density_coverage")
    levels = {"modes": (5.0, 10.0), "recall": (0.0, 0.5), "coverage": (0.0, 0.5)}
    for place, values in enumerate(itertools.product(*levels.values())):
        numbers, root = dict(zip(levels, values, strict=True)), tmp_path / str(place)
        for metrics in (m for n in range(3) for m in itertools.combinations(every, n)):
            if judged(root, metrics=metrics, numbers=numbers).kind == "collapsed":
                for more in set(every) - set(metrics):
                    found = judged(root, metrics=(*metrics, more), numbers=numbers)
                    assert found.kind == "collapsed", (metrics, more, numbers)


def test_why_is_said_of_every_sign_and_of_what_is_not_known(tmp_path):
    assert judged(tmp_path, numbers={"modes": 3.0, "recall": 0.004}) == Outcome(
        "collapsed", "recall 0.004, 3 of 10 classes"
    )
    unknown = {
        ("fid",): "how much the images vary is not measured; the metric precision_recall does that",
        (
            "modes",
        ): "how much the images vary is not measured; the metric precision_recall does that",
        ("precision_recall",): "classes are not counted; the metric modes does that",
        (
            "precision_recall.inception",
        ): "no rule for few modes by features of inception was checked",
    }
    for place, (metrics, because) in enumerate(unknown.items()):
        found = judged(tmp_path / str(place), metrics=metrics)
        assert found == Outcome(None, because)
    lost = judged(tmp_path / "lost", numbers={"modes": 10.0})
    assert lost == Outcome(None, "recall is missing")


def test_classes_count_where_the_extractor_tells_those_of_the_data(tmp_path):
    numbers = {"modes": 1.0, "recall": 0.5}
    for dataset, outcome in (("cifar10", "collapsed"), ("flowers102", "ok"), ("celeba", "ok")):
        found = judged(tmp_path / dataset, dataset=dataset, numbers=numbers)
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

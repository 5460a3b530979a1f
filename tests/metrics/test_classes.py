"""Numbers from class probabilities, on ones made by hand and against scipy and torch-fidelity."""

import math

import numpy as np
import pytest
import scipy.stats
import torch
from numpy.testing import assert_allclose

from ganablate.metrics.classes import class_kl, class_shares, inception_score, modes
from ganablate.metrics.features import Features, MetricError


def of_counts(*counts):
    """So many images of each class, the classifier 60 % sure of each."""
    classes = len(counts)
    guesses = np.repeat(np.arange(classes), counts)
    probabilities = np.full((len(guesses), classes), 0.4 / (classes - 1), np.float32)
    probabilities[np.arange(len(guesses)), guesses] = 0.6
    return Features(np.zeros((len(guesses), 2), np.float32), probabilities)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ((10,) * 10, 10),
        ((100,) + (0,) * 9, 1),
        ((991, 9) + (0,) * 8, 1),  # 9 of 1,000: under a tenth of an even share of 100
        ((990, 10) + (0,) * 8, 2),  # 10 of 1,000: exactly a tenth
        ((4550,) + (50,) * 9, 10),
        ((4551, 49) + (50,) * 8, 9),
        ((0, 0, 7), 1),
        ((29, 1, 0), 2),  # 1 of 30 with 3 classes: exactly a tenth of 10
        ((30, 1, 0), 1),
    ],
)
def test_modes_counts_classes_from_a_tenth_of_an_even_share(counts, expected):
    assert modes(of_counts(1, 1), of_counts(*counts)) == {"modes": expected}


def test_features_of_other_lengths_are_refused():
    with pytest.raises(ValueError, match="3 rows of probabilities for 2"):
        Features(np.zeros((2, 4), np.float32), np.zeros((3, 10), np.float32))
    with pytest.raises(ValueError, match="embeddings"):
        Features(np.zeros(4, np.float32), None)


def sure(*counts):
    """So many images of each class, the classifier certain of each."""
    found = np.eye(len(counts), dtype=np.float32)[np.repeat(np.arange(len(counts)), counts)]
    return Features(np.zeros((len(found), 2), np.float32), found)


def drawn(seed, n=500):
    rows = np.random.default_rng(seed).dirichlet(np.full(10, 0.2), size=n).astype(np.float32)
    return Features(np.zeros((n, 2), np.float32), rows)


@pytest.mark.parametrize(
    ("fake", "expected"),
    [
        (sure(7, 7, 7, 7), 4),  # certain and even: every class counts
        (sure(9, 0, 0), 1),  # certain of one class
        (sure(3, 1), math.exp(0.75 * math.log(4 / 3) + 0.25 * math.log(4))),
        (Features(np.zeros((6, 2), np.float32), np.full((6, 5), 0.2, np.float32)), 1),  # no idea
    ],
)
def test_inception_score_of_probabilities_made_by_hand(fake, expected):
    assert inception_score(sure(1, 1), fake)["inception_score"] == pytest.approx(expected, rel=1e-6)


def test_inception_score_is_scipys_mean_entropy():
    fake = drawn(0)
    rows = fake.probabilities.astype(np.float64)
    divergence = scipy.stats.entropy(rows, rows.mean(0, keepdims=True), axis=1).mean()
    assert_allclose(inception_score(fake, fake)["inception_score"], np.exp(divergence), rtol=1e-6)


def test_inception_score_agrees_with_torch_fidelity():
    reference = pytest.importorskip("torch_fidelity.metric_isc")
    fake = drawn(1)
    logits = torch.from_numpy(fake.probabilities.astype(np.float64).clip(1e-300)).log()
    theirs = reference.isc_features_to_metric(logits, splits=1)["inception_score_mean"]
    assert_allclose(inception_score(fake, fake)["inception_score"], theirs, rtol=1e-6)


def test_class_kl_agrees_with_scipy_and_depends_on_which_set_is_generated():
    real, fake = of_counts(50, 30, 20), of_counts(10, 0, 90)
    theirs = scipy.stats.entropy([11, 1, 91], [51, 31, 21])
    assert_allclose(class_kl(real, fake)["class_kl"], theirs, rtol=1e-9)
    back = scipy.stats.entropy([51, 31, 21], [11, 1, 91])
    assert_allclose(class_kl(fake, real)["class_kl"], back, rtol=1e-9)


def test_class_kl_of_equal_shares_is_zero_and_of_a_collapse_finite():
    even = of_counts(*[100] * 10)
    assert class_kl(even, of_counts(*[7] * 10))["class_kl"] == pytest.approx(0, abs=1e-12)
    collapsed = class_kl(of_counts(*[500] * 10), of_counts(5000, *[0] * 9))["class_kl"]
    assert 2.28 < collapsed < math.log(10)
    absent = class_kl(of_counts(5000, 0), of_counts(0, 5000))["class_kl"]
    assert absent == pytest.approx(math.log(5001), rel=1e-2)


def test_class_shares_are_those_of_the_generated_images_and_sum_to_one():
    even, nines = of_counts(*[7] * 10), of_counts(*[50] * 9, 150)
    shares = class_shares(even, nines)
    assert shares.pop("largest_class") == shares["class_share_9"] == 0.25
    assert [shares[f"class_share_{label}"] for label in range(9)] == pytest.approx([50 / 600] * 9)
    assert sum(shares.values()) == pytest.approx(1, abs=1e-15)
    assert class_shares(nines, even)["largest_class"] == pytest.approx(0.1)


def test_class_shares_are_of_ten_classes():
    with pytest.raises(MetricError, match=r"of 10 classes; the extractor has 3"):
        class_shares(of_counts(1, 1, 1), of_counts(1, 2, 3))


@pytest.mark.parametrize("metric", [inception_score, modes, class_kl, class_shares])
def test_no_number_for_what_is_not_finite_and_an_error_without_classes(metric):
    fake = of_counts(5, 5)
    fake.probabilities[3, 0] = np.nan
    assert np.isnan(list(metric(fake, fake).values())).all()
    with pytest.raises(MetricError, match=f"{metric.__name__} .*no classifier"):
        metric(of_counts(5, 5), Features(fake.embeddings, None))

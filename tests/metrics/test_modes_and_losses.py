"""Modes on probabilities made by hand, loss numbers on literal arrays."""

import numpy as np
import pytest

from ganablate.metrics.errors import MetricError
from ganablate.metrics.features import Features
from ganablate.metrics.losses import d_accuracy, d_loss, g_loss, is_finite, last_fifth
from ganablate.metrics.modes import modes


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


def test_modes_has_no_number_for_what_is_not_finite_and_none_without_classes():
    fake = of_counts(5, 5)
    fake.probabilities[3, 0] = np.nan
    assert np.isnan(modes(fake, fake)["modes"])
    with pytest.raises(MetricError, match="no classifier"):
        modes(fake, Features(fake.embeddings, None))


def test_features_of_other_lengths_are_refused():
    with pytest.raises(ValueError, match="3 rows of probabilities for 2"):
        Features(np.zeros((2, 4), np.float32), np.zeros((3, 10), np.float32))
    with pytest.raises(ValueError, match="embeddings"):
        Features(np.zeros(4, np.float32), None)


@pytest.mark.parametrize(
    ("steps", "kept"), [(0, 0), (1, 1), (4, 1), (5, 1), (6, 2), (10, 2), (11, 3), (100, 20)]
)
def test_the_last_fifth_is_rounded_up(steps, kept):
    last = last_fifth({"d/criterion": np.arange(steps, dtype=np.float32)})["d/criterion"]
    assert last.tolist() == list(range(steps - kept, steps))


@pytest.mark.parametrize(("metric", "net"), [(d_loss, "d"), (g_loss, "g")])
def test_mean_lowest_and_spread(metric, net):
    steps = {f"{net}/criterion": np.array([2, 4, 4, 6], np.float32)}
    found = metric(steps)
    assert found == {
        f"{net}_loss_mean": 4.0,
        f"{net}_loss_lowest": 2.0,
        f"{net}_loss_spread": pytest.approx((8 / 3) ** 0.5, rel=1e-12),
    }


def test_each_net_and_side_has_its_own_key():
    steps = {
        "d/criterion": np.full(2, 1.0, np.float32),
        "g/criterion": np.full(2, 2.0, np.float32),
        "d/accuracy_real": np.array([0.5, 1.0], np.float32),
        "d/accuracy_fake": np.array([0.0, 0.5], np.float32),
    }
    assert d_loss(steps)["d_loss_mean"] == 1
    assert g_loss(steps)["g_loss_mean"] == 2
    assert d_accuracy(steps) == {"d_accuracy_real": 0.75, "d_accuracy_fake": 0.25}


def test_sums_are_taken_in_float64():
    steps = np.full(100_001, 0.1, np.float32)
    steps[0] = 16_777_216  # from here on float32 has no halves
    mean = d_loss({"d/criterion": steps})["d_loss_mean"]
    assert mean == pytest.approx(
        (16_777_216 + 100_000 * float(np.float32(0.1))) / 100_001, rel=1e-12
    )


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_one_step_that_is_not_finite_makes_all_three_missing(bad):
    steps = np.array([1, bad, 3], np.float32)
    assert not is_finite({"d/criterion": steps})
    assert np.isnan(list(d_loss({"d/criterion": steps}).values())).all()


def test_one_step_has_no_spread_and_no_step_has_nothing():
    one = g_loss({"g/criterion": np.array([0.5], np.float32)})
    assert (one["g_loss_mean"], one["g_loss_lowest"]) == (0.5, 0.5)
    assert np.isnan(one["g_loss_spread"])
    assert np.isnan(list(g_loss({"g/criterion": np.array([], np.float32)}).values())).all()

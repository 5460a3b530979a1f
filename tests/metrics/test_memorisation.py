"""Copies are seen whatever else a generator draws, and images that copy nothing are not."""

import numpy as np
import pytest
from scipy.stats import binom

from ganablate.metrics.features import Features
from ganablate.metrics.memorisation import memorisation


def features(rows):
    return Features(np.asarray(rows, np.float32), None)


@pytest.fixture
def samples():
    """Training and held-out points of one source, 400 and 200, and others of it."""
    random = np.random.default_rng(0)
    return [random.normal(size=(n, 8)).astype(np.float32) for n in (400, 200, 1_000)]


def measured(held_out, generated, training):
    return memorisation(*map(features, (held_out, generated, training)))["memorisation"]


def test_by_hand_with_a_tie():
    training, held_out = [[0.0], [10.0]], [[4.0], [20.0]]
    generated = [[1.0], [3.9], [2.0], [11.0], [19.0]]  # training, other, tie, training, other
    share = (1 + 0 + 0.5 + 1 + 0) / 5
    assert measured(held_out, generated, training) == pytest.approx((share - 0.5) / 0.5)


def test_new_images_of_the_same_source_have_none_by_chance(samples):
    training, held_out, generated = samples
    found = measured(held_out, generated, training)
    # Within what the share of 1,000 independent draws at 400 of 600 varies by.
    low, high = binom.ppf([0.0005, 0.9995], 1_000, 2 / 3) / 1_000
    assert (low - 2 / 3) * 3 <= found <= (high - 2 / 3) * 3


def test_images_far_from_every_real_one_have_none_either(samples):
    training, held_out, _ = samples
    far = np.random.default_rng(1).normal(size=(1_000, 8)) * 30
    assert abs(measured(held_out, far, training)) < 0.35


def test_copies_have_one_and_half_of_copies_half(samples):
    training, held_out, generated = samples
    assert measured(held_out, training, training) == 1
    assert measured(held_out, training + 1e-3, training) == 1
    half = np.concatenate([training, generated[:400]])
    plain = measured(held_out, generated[:400], training)
    assert measured(held_out, half, training) == pytest.approx((1 + plain) / 2)


def test_copies_of_held_out_images_are_as_far_below(samples):
    training, held_out, _ = samples
    assert measured(held_out, held_out, training) == pytest.approx(-2)


@pytest.mark.parametrize("place", range(3))
def test_a_feature_that_is_not_finite_or_no_image_gives_no_number(samples, place):
    sets = [part.copy() for part in samples]
    sets[place][3, 2] = np.nan
    assert np.isnan(measured(*sets))
    sets[place] = sets[place][:0]
    assert np.isnan(measured(*sets))

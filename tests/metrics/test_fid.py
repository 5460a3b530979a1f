"""FID against independent references: scipy's matrix square root, a closed form, torch-fidelity."""

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from ganablate.metrics.features import Features
from ganablate.metrics.fid import fid, frechet_distance


def features(rows):
    return Features(np.asarray(rows, np.float32), None)


def two_sets(seed, n=400, d=16):
    rng = np.random.default_rng(seed)
    first = rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) + rng.normal(size=d)
    second = rng.gamma(2.0, size=(n + 100, d)) @ rng.normal(size=(d, d))
    return first.astype(np.float32), second.astype(np.float32)


def by_scipy(first, second):
    first, second = first.astype(np.float64), second.astype(np.float64)
    difference = first.mean(0) - second.mean(0)
    cov1, cov2 = np.cov(first.T), np.cov(second.T)
    root = scipy.linalg.sqrtm(cov1 @ cov2).real
    return difference @ difference + np.trace(cov1 + cov2 - 2 * root)


@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_scipys_matrix_square_root(seed):
    first, second = two_sets(seed)
    ours = fid(features(first), features(second))["fid"]
    assert_allclose(ours, by_scipy(first, second), rtol=1e-6)
    assert ours > 1


def test_agrees_with_torch_fidelity():
    reference = pytest.importorskip("torch_fidelity.metric_fid")
    first, second = (rows.astype(np.float64) for rows in two_sets(7))
    stats = [{"mu": rows.mean(0), "sigma": np.cov(rows.T)} for rows in (first, second)]
    theirs = next(iter(reference.fid_statistics_to_metric(*stats, verbose=False).values()))
    ours = fid(features(first), features(second))["fid"]
    assert_allclose(ours, theirs, rtol=1e-6)


variances = st.lists(st.floats(0, 100), min_size=4, max_size=4).map(np.array)
means = st.lists(st.floats(-10, 10), min_size=4, max_size=4).map(np.array)


@settings(max_examples=50, deadline=None)
@given(means, variances, means, variances)
def test_closed_form_of_diagonal_gaussians_also_singular_ones(mean1, var1, mean2, var2):
    expected = ((mean1 - mean2) ** 2).sum() + ((np.sqrt(var1) - np.sqrt(var2)) ** 2).sum()
    ours = frechet_distance(mean1, np.diag(var1), mean2, np.diag(var2))
    assert_allclose(ours, expected, rtol=1e-9, atol=1e-9)


def test_a_rotation_of_both_gaussians_changes_nothing():
    rng = np.random.default_rng(0)
    turn, _ = np.linalg.qr(rng.normal(size=(6, 6)))
    var1, var2, shift = rng.gamma(1, size=6), rng.gamma(1, size=6), rng.normal(size=6)
    expected = (shift**2).sum() + ((np.sqrt(var1) - np.sqrt(var2)) ** 2).sum()
    ours = frechet_distance(
        np.zeros(6), turn @ np.diag(var1) @ turn.T, turn @ shift, turn @ np.diag(var2) @ turn.T
    )
    assert_allclose(ours, expected, rtol=1e-10)


def test_identical_sets_are_at_distance_zero_and_order_does_not_matter():
    first, second = two_sets(1)
    scale = np.trace(np.cov(first.T))
    assert 0 <= fid(features(first), features(first))["fid"] < 1e-9 * scale
    forth = fid(features(first), features(second))["fid"]
    assert_allclose(fid(features(second), features(first))["fid"], forth, rtol=1e-9)


def test_fewer_images_than_dimensions_and_one_constant_image_still_have_a_distance():
    first, second = two_sets(2, n=5)
    few = fid(features(first), features(second))["fid"]
    assert_allclose(few, by_scipy(first, second), rtol=1e-4)
    constant = np.zeros((10, 16))
    wide = first.astype(np.float64)
    expected = (wide.mean(0) ** 2).sum() + wide.var(0, ddof=1).sum()
    assert_allclose(fid(features(first), features(constant))["fid"], expected, rtol=1e-9)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_no_number_for_what_is_not_finite(bad):
    first, second = two_sets(3)
    second[10, 2] = bad
    assert np.isnan(fid(features(first), features(second))["fid"])
    assert np.isnan(fid(features(second), features(first))["fid"])


def test_no_number_for_a_single_image():
    first, _ = two_sets(4)
    assert np.isnan(fid(features(first), features(first[:1]))["fid"])

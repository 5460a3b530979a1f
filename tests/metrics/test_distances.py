"""FID and KID against references: scipy, closed forms, the definitions, torch-fidelity."""

import numpy as np
import pytest
import scipy.linalg
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from ganablate.metrics import distances
from ganablate.metrics.distances import BLOCK, frechet_distance
from ganablate.metrics.features import Features


def fid(first, second):
    sets = (Features(np.asarray(rows, np.float32), None) for rows in (first, second))
    return distances.fid(*sets)["fid"]


def kid(first, second):
    return distances.kid(Features(first, None), Features(second, None))["kid"]


def two_sets(seed, n=400, d=16):
    rng = np.random.default_rng(seed)
    first = rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) + rng.normal(size=d)
    second = rng.gamma(2.0, size=(n + 100, d)) @ rng.normal(size=(d, d))
    return first.astype(np.float32), second.astype(np.float32)


def near_sets(seed, n=40, m=30, d=6):
    rng = np.random.default_rng(seed)
    first = rng.normal(size=(n, d)).astype(np.float32)
    return first, (rng.normal(size=(m, d)) * 1.5 + 0.5).astype(np.float32)


# --- FID ---


def by_scipy(first, second):
    first, second = first.astype(np.float64), second.astype(np.float64)
    difference = first.mean(0) - second.mean(0)
    cov1, cov2 = np.cov(first.T), np.cov(second.T)
    root = scipy.linalg.sqrtm(cov1 @ cov2).real
    return difference @ difference + np.trace(cov1 + cov2 - 2 * root)


@pytest.mark.parametrize("seed", range(5))
def test_fid_agrees_with_scipys_matrix_square_root(seed):
    first, second = two_sets(seed)
    assert_allclose(fid(first, second), by_scipy(first, second), rtol=1e-6)
    assert fid(first, second) > 1


def test_fid_agrees_with_torch_fidelity():
    reference = pytest.importorskip("torch_fidelity.metric_fid")
    first, second = (rows.astype(np.float64) for rows in two_sets(7))
    stats = [{"mu": rows.mean(0), "sigma": np.cov(rows.T)} for rows in (first, second)]
    theirs = next(iter(reference.fid_statistics_to_metric(*stats, verbose=False).values()))
    assert_allclose(fid(first, second), theirs, rtol=1e-6)


variances = st.lists(st.floats(0, 100), min_size=4, max_size=4).map(np.array)
means = st.lists(st.floats(-10, 10), min_size=4, max_size=4).map(np.array)


@settings(max_examples=50, deadline=None)
@given(means, variances, means, variances)
def test_closed_form_of_diagonal_gaussians_also_singular_and_turned_ones(mean1, var1, mean2, var2):
    expected = ((mean1 - mean2) ** 2).sum() + ((np.sqrt(var1) - np.sqrt(var2)) ** 2).sum()
    plain = frechet_distance(mean1, np.diag(var1), mean2, np.diag(var2))
    assert_allclose(plain, expected, rtol=1e-9, atol=1e-9)
    turn, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(4, 4)))
    cov1, cov2 = (turn @ np.diag(var) @ turn.T for var in (var1, var2))
    turned = frechet_distance(turn @ mean1, cov1, turn @ mean2, cov2)
    # A turned singular covariance has eigenvalues of rounding, whose roots count.
    assert_allclose(turned, expected, rtol=1e-9, atol=1e-5)


def test_identical_sets_are_at_distance_zero_and_order_does_not_matter():
    first, second = two_sets(1)
    assert 0 <= fid(first, first) < 1e-9 * np.trace(np.cov(first.T))
    assert_allclose(fid(second, first), fid(first, second), rtol=1e-9)


def test_fewer_images_than_dimensions_and_one_constant_image_still_have_a_distance():
    first, second = two_sets(2, n=5)
    assert_allclose(fid(first, second), by_scipy(first, second), rtol=1e-4)
    wide = first.astype(np.float64)
    expected = (wide.mean(0) ** 2).sum() + wide.var(0, ddof=1).sum()
    assert_allclose(fid(first, np.zeros((10, 16))), expected, rtol=1e-9)


# --- KID ---


def pair_by_pair(first, second):
    def kernel(x, y):
        return (float(x.astype(np.float64) @ y.astype(np.float64)) / len(x) + 1) ** 3

    def within(rows):
        return np.mean([kernel(x, y) for i, x in enumerate(rows) for y in np.delete(rows, i, 0)])

    across = np.mean([kernel(x, y) for x in first for y in second])
    return within(first) + within(second) - 2 * across


@pytest.mark.parametrize("seed", range(3))
def test_kid_agrees_with_the_definition_on_sets_of_two_sizes(seed):
    first, second = near_sets(seed)
    assert_allclose(kid(first, second), pair_by_pair(first, second), rtol=1e-9)
    assert_allclose(kid(second, first), kid(first, second), rtol=1e-9)


def test_kid_agrees_with_torch_fidelity_over_more_than_a_block():
    fidelity = pytest.importorskip("torch_fidelity.metric_kid")
    n = BLOCK + 100
    first, second = near_sets(5, n, n, 16)
    options = {
        "kid_subsets": 1, "kid_subset_size": n, "verbose": False, "kid_kernel": "poly",
        "kid_kernel_poly_degree": 3, "kid_kernel_poly_gamma": None, "kid_kernel_poly_coef0": 1,
    }  # fmt: skip
    sets = (torch.from_numpy(rows).double() for rows in (first, second))
    theirs = fidelity.kid_features_to_metric(*sets, **options)
    assert_allclose(kid(first, second), next(iter(theirs.values())), rtol=1e-6)


def test_kid_is_unbiased_for_equal_sources_and_grows_with_a_shift():
    rng = np.random.default_rng(0)
    null = [kid(*rng.normal(size=(2, 50, 4)).astype(np.float32)) for _ in range(200)]
    assert min(null) < 0 < max(null)
    assert abs(np.mean(null)) < 3 * np.std(null) / 200**0.5
    first, second = rng.normal(size=(2, 200, 4)).astype(np.float32)
    assert kid(first, second + 0.5) > kid(first, second + 0.25) > 10 * np.std(null) / 200**0.5


def test_the_error_of_kid_is_its_spread_over_other_images_of_the_same_sources():
    rng = np.random.default_rng(2)
    found = [
        distances.kid(*(Features(rng.normal(m, size=(400, 4)), None) for m in (0, 0.5)))
        for _ in range(60)
    ]
    spread = np.std([each["kid"] for each in found], ddof=1)
    stated = np.mean([each["kid_error"] for each in found])
    assert 0.8 < stated / spread < 1.4
    few = distances.kid(*(Features(rng.normal(size=(19, 4)), None) for _ in range(2)))
    assert np.isfinite(few["kid"])
    assert np.isnan(few["kid_error"])


@pytest.mark.parametrize("distance", [fid, kid])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_no_number_for_what_is_not_finite_or_a_single_image(distance, bad):
    first, second = near_sets(1)
    assert np.isnan(distance(first, second[:1]))
    second[3, 2] = bad
    assert np.isnan(distance(first, second))
    assert np.isnan(distance(second, first))

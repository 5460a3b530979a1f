"""KID against the definition, pair by pair, and torch-fidelity."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from ganablate.metrics.features import Features
from ganablate.metrics.kid import BLOCK, kid


def sets(seed, n=40, m=30, d=6):
    rng = np.random.default_rng(seed)
    first = rng.normal(size=(n, d)).astype(np.float32)
    return first, (rng.normal(size=(m, d)) * 1.5 + 0.5).astype(np.float32)


def ours(first, second):
    return kid(Features(first, None), Features(second, None))["kid"]


def pair_by_pair(first, second):
    def kernel(x, y):
        return (float(x.astype(np.float64) @ y.astype(np.float64)) / len(x) + 1) ** 3

    def within(rows):
        return np.mean([kernel(x, y) for i, x in enumerate(rows) for y in np.delete(rows, i, 0)])

    return (
        within(first) + within(second) - 2 * np.mean([kernel(x, y) for x in first for y in second])
    )


@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_the_definition_on_sets_of_two_sizes(seed):
    first, second = sets(seed)
    assert_allclose(ours(first, second), pair_by_pair(first, second), rtol=1e-9)
    assert_allclose(ours(second, first), ours(first, second), rtol=1e-9)


def test_agrees_with_torch_fidelity_over_more_than_a_block():
    fidelity = pytest.importorskip("torch_fidelity.metric_kid")
    n = BLOCK + 100
    first, second = (torch.from_numpy(rows).double() for rows in sets(5, n, n, 16))
    settings = {"kid_subsets": 1, "kid_subset_size": n, "verbose": False}
    settings |= {"kid_kernel": "poly", "kid_kernel_poly_degree": 3}
    settings |= {"kid_kernel_poly_gamma": None, "kid_kernel_poly_coef0": 1}
    theirs = fidelity.kid_features_to_metric(first, second, **settings)
    assert_allclose(ours(first.numpy(), second.numpy()), next(iter(theirs.values())), rtol=1e-6)


def test_it_is_unbiased_for_equal_sources_and_grows_with_a_shift():
    rng = np.random.default_rng(0)
    null = [ours(*rng.normal(size=(2, 50, 4)).astype(np.float32)) for _ in range(200)]
    assert min(null) < 0 < max(null)
    assert abs(np.mean(null)) < 3 * np.std(null) / 200**0.5
    first, second = rng.normal(size=(2, 200, 4)).astype(np.float32)
    assert ours(first, second + 0.5) > ours(first, second + 0.25) > 10 * np.std(null) / 200**0.5


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_no_number_for_what_is_not_finite_or_a_single_image(bad):
    first, second = sets(1)
    assert np.isnan(ours(first, second[:1]))
    second[3, 2] = bad
    assert np.isnan(ours(first, second))

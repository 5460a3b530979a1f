"""Balls of nearest neighbours: on a line by hand, by scipy's distances, prdc and torch-fidelity."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy.spatial.distance import cdist

from ganablate.metrics.features import Features
from ganablate.metrics.neighbours import BLOCK, density_coverage, precision_recall


def measured(first, second):
    real, fake = (Features(np.asarray(rows, np.float32), None) for rows in (first, second))
    return precision_recall(real, fake) | density_coverage(real, fake)


def two_sets(seed, n=BLOCK + 150, m=BLOCK + 50, d=6):
    rng = np.random.default_rng(seed)
    first = rng.normal(size=(n, d)).astype(np.float32)
    return first, (rng.normal(size=(m, d)) * [0.5, 2, 1, 1, 1, 1] + 0.3).astype(np.float32)


def by_scipy(first, second):
    """The definitions in a line each; sorted distances of a set to itself begin with 0."""
    across = cdist(first.astype(np.float64), second.astype(np.float64))

    def radii(rows, k):
        return np.sort(cdist(rows.astype(np.float64), rows.astype(np.float64)))[:, k]

    near = across < radii(first, 5)[:, None]
    return {
        "sample_precision": (across < radii(first, 3)[:, None]).any(axis=0).mean(),
        "recall": (across < radii(second, 3)).any(axis=1).mean(),
        "density": near.sum(axis=0).mean() / 5,
        "coverage": near.any(axis=1).mean(),
    }


@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_scipys_distances_over_more_than_a_block(seed):
    found = measured(*two_sets(seed))
    assert found == pytest.approx(by_scipy(*two_sets(seed)), rel=1e-6)
    assert all(0.1 < found[column] < 0.99 for column in ("sample_precision", "recall", "coverage"))


@pytest.mark.slow  # scikit-learn takes seconds to import
def test_agrees_with_prdc():
    import prdc as reference

    first, second = two_sets(4)
    theirs = {
        k: reference.compute_prdc(first.astype(float), second.astype(float), nearest_k=k)
        for k in (3, 5)
    }
    found = measured(first, second)
    for column, k in (
        ("sample_precision", 3),
        ("recall", 3),
        ("density", 5),
        ("coverage", 5),
    ):
        assert_allclose(
            found[column], theirs[k][column.removeprefix("sample_")], rtol=1e-6, err_msg=column
        )


def test_agrees_with_torch_fidelity():
    reference = pytest.importorskip("torch_fidelity.metric_prc")
    first, second = two_sets(5)
    fake_first = [torch.from_numpy(rows).double() for rows in (second, first)]
    found = measured(first, second)
    precision, recall = reference.calculate_precision_recall_full(*fake_first, neighborhood=3)
    # Their shares are means in float32.
    assert_allclose(found["sample_precision"], precision, rtol=1e-6)
    assert_allclose(found["recall"], recall, rtol=1e-6)


def test_on_a_line_by_hand():
    real = np.array([[0], [1], [2], [3], [4], [5], [100]])
    fake = np.array([[2.5], [2.6], [2.7], [2.8], [2.9], [60], [2000]])
    # Third-neighbour radii of the real: 3, 2, 2, 2, 2, 3, 97; of the fake: 0.3, 0.2, 0.2, 0.2, 0.3,
    # 57.3, 1997.2. Fifth, of the real: 5, 4, 3, 3, 4, 5, 99.
    found = measured(real, fake)
    assert found["sample_precision"] == pytest.approx(
        6 / 7
    )  # 60 lies in the ball of 100, 2000 in none
    assert found["recall"] == pytest.approx(4 / 7)  # 3, 4, 5 and 100 lie in the ball of 60
    # 2.5 to 2.9 lie in the six balls of 0 to 5 and in that of 100 (97.5 and less from it).
    assert found["density"] == pytest.approx((5 * 7 + 1) / (5 * 7))
    assert found["coverage"] == 1


def test_equal_sets_and_sets_far_apart():
    first, _ = two_sets(6)
    assert measured(first, first) == {
        "sample_precision": 1,
        "recall": 1,
        "density": 1,
        "coverage": 1,
    }
    apart = measured(first, first + 1000)
    assert apart == {"sample_precision": 0, "recall": 0, "density": 0, "coverage": 0}


def test_an_image_on_the_edge_is_outside_wherever_the_sets_lie():
    grid = np.arange(40, dtype=np.float64)[:, None]
    # Away from the ends the third neighbour is 2 off, the fifth 3: at most two real images within.
    for offset in (0, 1000):
        found = measured(grid + offset, grid[10:30] + offset)
        assert found["sample_precision"] == 1
        assert found["density"] == pytest.approx(5 / 5)


def test_one_image_again_and_again_is_precise_and_recalls_nothing():
    first, _ = two_sets(7)
    found = measured(first, np.repeat(first[:1], 300, axis=0))
    assert found["sample_precision"] == 1
    assert found["recall"] <= 1 / len(first)
    assert found["coverage"] < 0.05


def test_no_number_for_too_few_images():
    first, second = two_sets(8)
    few = measured(first, second[:4])
    assert np.isfinite([few["sample_precision"], few["recall"]]).all()
    assert np.isnan([few["density"], few["coverage"]]).all()
    assert np.isnan(measured(first, second[:3])["recall"])

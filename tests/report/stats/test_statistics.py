"""Tests, intervals and corrections against scipy, hand-computed values and counting."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ganablate.report.stats.statistics import (
    Summary,
    contrast,
    fails_p,
    holm,
    rank_p,
    replicate_correlation,
    standard_size,
    summary,
    welch,
)

ARM, OTHER = np.array([1.9, 2.4, 2.0, 3.1]), np.array([1.1, 1.3, 0.9])
MARGIN = math.log(1.25)


def welch_of(arm, other):
    return welch(summary(arm), summary(other))


@pytest.mark.parametrize(("arm", "other"), [(ARM, OTHER), (OTHER, ARM), (ARM, ARM[::-1] ** 2)])
def test_welch_is_scipys(arm, other):
    ours = welch_of(arm, other)
    theirs = stats.ttest_ind(arm, other, equal_var=False)
    assert ours.p() == pytest.approx(theirs.pvalue, rel=1e-12)
    assert ours.freedom == pytest.approx(theirs.df, rel=1e-12)
    expected = theirs.confidence_interval(0.95)
    assert ours.interval() == pytest.approx((expected.low, expected.high), rel=1e-12)
    low, high = ours.interval(0.5)
    assert low < ours.estimate < high


@pytest.mark.parametrize("shift", [-1.2, -0.9, -1.0])
@pytest.mark.parametrize("margin", [MARGIN, 1.0])
def test_equivalence_is_two_one_sided_tests_of_scipy(shift, margin):
    arm = ARM + shift
    difference = welch_of(arm, OTHER)
    above, below = (
        stats.ttest_ind(arm + moved, OTHER, equal_var=False, alternative=alternative).pvalue
        for moved, alternative in ((margin, "greater"), (-margin, "less"))
    )
    assert difference.p_above(-margin) == pytest.approx(above, rel=1e-10)
    assert difference.p_below(margin) == pytest.approx(below, rel=1e-10)
    assert difference.p_equivalent(margin) == pytest.approx(max(above, below), rel=1e-10)


def test_arrays_are_compared_arm_by_arm():
    arms = np.random.default_rng(1).normal(size=(4, 6, 5))
    whole = summary(arms)
    parts = (whole.mean, whole.variance, whole.n)
    rest, first = (Summary(*(p[:, cut] for p in parts)) for cut in (slice(1, None), slice(0, 1)))
    p = welch(rest, first).p()
    assert p.shape == (4, 5)
    assert p[2, 3] == pytest.approx(welch_of(arms[2, 4], arms[2, 0]).p(), rel=1e-12)


def test_a_contrast_of_two_cells_is_welchs():
    both = [summary(ARM), summary(OTHER)]
    found, expected = contrast([1, -1], Summary.stacked(both)), welch_of(ARM, OTHER)
    assert found.estimate == pytest.approx(expected.estimate, rel=1e-12)
    assert found.p() == pytest.approx(expected.p(), rel=1e-12)
    # Equal spreads and n: 2 m1 - m2 - m3 is the t of an analysis of variance, 6 degrees of freedom.
    cells = summary([[1.0, 2.0, 3.0], [5.0, 6.0, 7.0], [2.0, 3.0, 4.0]])
    whole = contrast([1, -0.5, -0.5], cells)
    assert whole.estimate == pytest.approx(-2.5)
    assert whole.error == pytest.approx(math.sqrt(1.5 / 3))
    assert whole.freedom == pytest.approx(0.5**2 / ((1 / 9 + 2 / 144) / 2))
    equal = contrast([1, -1, 0], cells)
    assert equal.freedom == pytest.approx(4.0)
    assert np.isnan(contrast([1, -1], summary([[1.0, 1.0], [2.0, 2.0]])).p())


def test_without_spread_there_is_no_test():
    difference = welch_of([0.1 + 0.2, 0.3, 0.3], [0.3, 0.3])  # unequal in the last bit only
    assert np.isnan([difference.p(), difference.p_equivalent(1.0), *difference.interval()]).all()
    assert np.isnan(standard_size(summary([1, 1, 1]), summary([2, 2])))
    one_sided = welch_of([1.0, 1.0, 1.0], [2.0, 2.5, 3.0])  # Welch allows one arm without spread
    assert one_sided.freedom == pytest.approx(2.0)


def test_size_of_equal_spreads_is_hedges_g():
    arm, other = np.array([1.0, 2.0, 3.0, 4.0]), np.array([3.0, 4.0, 5.0, 6.0])
    gamma = math.gamma(6 / 2) / (math.sqrt(6 / 2) * math.gamma(5 / 2))
    expected = -2 / math.sqrt(5 / 3) * gamma
    assert standard_size(summary(arm), summary(other)) == pytest.approx(expected, rel=1e-12)


def test_holm_by_hand():
    # Ranked 0.01, 0.02, 0.03, 0.04 times 4, 3, 2, 1 = 0.04, 0.06, 0.06, 0.04, never falling.
    assert holm([0.03, 0.01, 0.04, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.6, 0.5]) == pytest.approx([1.0, 1.0])
    missing = holm([0.01, math.nan, 0.04])
    assert missing == pytest.approx([0.02, math.nan, 0.04], nan_ok=True)
    assert holm([[0.01, 0.04], [0.5, 0.01]]) == pytest.approx(np.array([[0.02, 0.04], [0.5, 0.02]]))
    assert holm([]).size == 0


@given(st.lists(st.one_of(st.floats(0, 1), st.just(math.nan)), min_size=1, max_size=12))
def test_holm_does_not_care_for_order(p):
    forth, back = holm(p), holm(p[::-1])[::-1]
    np.testing.assert_array_equal(forth, back)
    known = ~np.isnan(p)
    assert (forth[known] >= np.array(p)[known]).all()
    assert (forth[known] <= 1).all()


@pytest.mark.parametrize(("n", "m"), [(3, 3), (5, 5), (3, 6), (8, 8)])
def test_ranks_without_ties_are_scipys(n, m):
    for seed in range(5):
        values = np.random.default_rng(seed).normal(size=n + m)
        expected = stats.mannwhitneyu(values[:n], values[n:], method="exact").pvalue
        assert rank_p(values[:n], values[n:]) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("arm", "other"),
    [
        ([math.inf, math.inf, 2.0], [1.0, 2.0, 3.0, 4.0]),
        ([math.inf] * 4, [1.0, 1.0, 2.0, 5.0]),
        ([-math.inf, 1.0], [1.0, 3.0, 3.0]),
        ([7.0, 7.0], [7.0, 7.0]),
    ],
)
def test_ranks_with_ties_by_counting(arm, other):
    ranks = stats.rankdata([*arm, *other])
    middle = len(arm) * (len(ranks) + 1) / 2
    sums = [sum(chosen) - middle for chosen in itertools.combinations(ranks, len(arm))]
    seen = abs(ranks[: len(arm)].sum() - middle)
    expected = sum(abs(one) >= seen - 1e-9 for one in sums) / len(sums)
    assert rank_p(arm, other) == pytest.approx(expected, rel=1e-12)


def test_five_of_five_against_none():
    assert fails_p(5, 5, 0, 5) == pytest.approx(2 / math.comb(10, 5), rel=1e-12)
    assert fails_p(3, 3, 0, 3) == pytest.approx(2 / math.comb(6, 3), rel=1e-12)
    assert fails_p(0, 5, 0, 5) == 1.0


def test_correlation_is_pearsons_mean():
    generator = np.random.default_rng(3)
    a, b, c = generator.normal(size=(3, 6))
    found = replicate_correlation([(a, c), (b, c), (a[:2], c[:2]), (np.ones(6), c)])
    expected = (np.corrcoef(a, c)[0, 1] + np.corrcoef(b, c)[0, 1]) / 2
    assert found.mean == pytest.approx(expected, rel=1e-12)
    assert found.error == pytest.approx(math.sqrt(1 / 5 / 2), rel=1e-12)
    assert replicate_correlation([(a, a + 0.01 * b)]).clearly_positive
    assert not replicate_correlation([(a, -a)]).clearly_positive
    assert replicate_correlation([(a[:2], c[:2])]) is None


def test_family_wise_error_is_that_of_the_simulations_page():
    """A slice of benchmarks/effect_statistics.py, n = 5: baseline 1, arms 3, the worst of all."""
    values = np.random.default_rng(5).normal(size=(4000, 10, 5))

    def error(spreads):
        whole = summary(values * np.array(spreads)[:, None])
        parts = (whole.mean, whole.variance, whole.n)
        rest, first = (Summary(*(p[:, c] for p in parts)) for c in (slice(1, None), slice(0, 1)))
        return (holm(welch(rest, first).p()) <= 0.05).any(axis=1).mean()

    assert error([1] * 10) == pytest.approx(0.031, abs=0.009)
    assert error([1] + [3] * 9) == pytest.approx(0.065, abs=0.013)

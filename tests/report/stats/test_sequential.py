"""Levels of looks, and the chance that more replicates decide an arm."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ganablate.report.stats.sequential import (
    added_level,
    chance_of_verdict,
    declared_looks,
    look_levels,
)
from ganablate.report.stats.statistics import Summary, summary


@pytest.mark.parametrize(
    ("first", "last", "looks"),
    [
        (3, 10, (3, 5, 7, 10)),
        (5, 10, (5, 7, 10)),
        (4, 10, (4, 6, 10)),
        (8, 10, (8, 10)),
        (2, 3, (2, 3)),
        (10, 10, (10,)),
    ],
)
def test_declared_looks(first: int, last: int, looks: tuple[int, ...]) -> None:
    assert declared_looks(first, last) == looks


def test_levels_by_hand() -> None:
    # 0.05 times 0.125, 0.343 - 0.125 and 1 - 0.343, cut to three digits.
    assert look_levels((5, 7, 10)) == (0.00625, 0.0109, 0.0328)
    assert look_levels((7, 10), 0.025) == (0.00857, 0.0164)
    assert look_levels((10,)) == (0.05,)


@given(st.integers(2, 200), st.integers(0, 300), st.sampled_from([0.05, 0.025, 0.0125]))
def test_levels_of_every_schedule_sum_to_no_more_than_the_total(
    first: int, more: int, total: float
) -> None:
    looks = declared_looks(first, first + more)
    assert (looks[0], looks[-1]) == (first, first + more)
    assert all(before < after for before, after in itertools.pairwise(looks))
    levels = look_levels(looks, total)
    assert len(levels) == len(looks)
    assert min(levels) > 0
    assert 0.98 * total < sum(levels) <= total


def test_whatever_is_added_later_the_error_stays_under_ten_percent() -> None:
    assert [added_level(before) for before in range(4)] == [0.05, 0.025, 0.0125, 0.00625]
    assert 0.0999 < sum(map(added_level, range(40))) <= 0.1


def _drawn(n: int, mean: float) -> Summary:
    """Replicates of exactly this mean and a variance of 1."""
    values = stats.norm.ppf((np.arange(n) + 0.5) / n)
    return summary(mean + values / values.std(ddof=1))


@pytest.mark.parametrize("distance", [0.0, 0.8, 1.6, 4.0])
@pytest.mark.parametrize("margin", [None, 1.5])
def test_chance_of_a_verdict_against_drawing_the_rest(distance: float, margin: float) -> None:
    arm, reference, last, level = _drawn(5, distance), _drawn(5, 0.0), 10, 0.01
    generator = np.random.default_rng(3)
    # The true means given what was measured, then the means of the replicates still to come.
    truth = generator.normal([[distance], [0.0]], np.sqrt(1 / 5), (2, 200_000))
    rest = generator.normal(truth, np.sqrt(1 / 5))
    means = (np.array([[distance], [0.0]]) + rest) / 2
    difference, error = means[0] - means[1], np.sqrt(2 / last)
    decided = np.abs(difference) > stats.t.isf(level / 2, 18) * error
    if margin is not None:
        decided |= np.abs(difference) < margin - stats.t.isf(level, 18) * error
    chance = float(chance_of_verdict(arm, reference, last, level, margin))
    assert chance == pytest.approx(decided.mean(), abs=0.005)


def test_chance_without_spread_or_without_replicates_to_come() -> None:
    flat, other = summary([1.0, 1.0, 1.0]), _drawn(3, 0.0)
    assert float(chance_of_verdict(flat, flat, 10, 0.01)) == 1.0
    assert 0 < float(chance_of_verdict(flat, other, 10, 0.01)) < 1
    assert float(chance_of_verdict(_drawn(10, 9.0), _drawn(10, 0.0), 10, 0.01)) == 1.0
    assert float(chance_of_verdict(_drawn(10, 0.1), _drawn(10, 0.0), 10, 0.01)) == 0.0

"""Tests and intervals for a few replicates an arm: arrays in, numbers out.

Two arms are compared by Welch's unequal-variances test (Welch 1947, Biometrika 34, 28-35), on logs
of positive metrics; several p are corrected by Holm (1979, Scand. J. Statist. 6, 65-70). They are
those of `scipy.stats.ttest_ind(equal_var=False)` and of statsmodels' `multipletests`, which the
tests hold to 1e-9. Wilcoxon's rank sum and Fisher's test are exact, for arms with replicates that
have no number. What the method keeps and what it costs is simulated by `python
benchmarks/effect_statistics.py`; docs/simulations.md has the numbers.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

Array = NDArray[np.float64]

ALPHA = 0.05
"""Level of every verdict, family-wise, where a study is looked at once."""


@dataclass(frozen=True)
class Summary:
    """Mean, unbiased variance and n of replicates: all [...]."""

    mean: Array
    variance: Array
    n: Array

    @property
    def freedom(self) -> Array:
        """Degrees of freedom of the variance [...]."""
        return self.n - 1

    @classmethod
    def stacked(cls, arms: Iterable["Summary"]) -> "Summary":
        """The arms' summaries as one [arms]."""
        columns = zip(*((x.mean, x.variance, x.n) for x in arms), strict=True)
        return cls(*(np.array(column) for column in columns))


def summary(values: ArrayLike) -> Summary:
    """Summarise replicates [..., n], n >= 2; the variance is the unbiased one."""
    numbers = np.asarray(values, dtype=np.float64)
    mean, n = numbers.mean(axis=-1), np.full(numbers.shape[:-1], float(numbers.shape[-1]))
    variance = numbers.var(axis=-1, ddof=1)
    # What is left of equal numbers after rounding is no spread.
    rounding = (4 * np.finfo(np.float64).eps * np.abs(numbers).max(axis=-1)) ** 2
    return Summary(mean, np.where(variance > rounding, variance, 0.0), n)


@dataclass(frozen=True)
class Difference:
    """An estimated difference with its standard error and degrees of freedom, each [...]."""

    estimate: Array
    error: Array
    freedom: Array

    def interval(self, level: float = 1 - ALPHA) -> tuple[Array, Array]:
        """Low and high end, which hold it at this level; not finite where there is no spread."""
        half = stats.t.ppf((1 + level) / 2, self.freedom) * self.error
        return self.estimate - half, self.estimate + half

    def p_above(self, value: float) -> Array:
        """One-sided p of "the difference is above `value`"; NaN where there is no spread."""
        return self._tail(self.estimate - value)

    def p_below(self, value: float) -> Array:
        """One-sided p of "the difference is below `value`"; NaN where there is no spread."""
        return self._tail(value - self.estimate)

    def p(self) -> Array:
        """Two-sided p of "there is a difference"; NaN where there is no spread."""
        return 2 * self._tail(np.abs(self.estimate))

    def p_equivalent(self, margin: float) -> Array:
        """P of "the difference is between -margin and margin": two one-sided tests.

        Schuirmann 1987, J. Pharmacokinet. Biopharm. 15, 657-680.
        """
        return np.maximum(self.p_above(-margin), self.p_below(margin))

    def _tail(self, distance: Array) -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):
            p = stats.t.sf(distance / self.error, self.freedom)
        return np.where(np.asarray(self.error) > 0, p, np.nan)


def welch(arm: Summary, reference: Summary) -> Difference:
    """Mean of `arm` less that of `reference`, unpaired, unequal variances (Welch 1947)."""
    ours, theirs = arm.variance / arm.n, reference.variance / reference.n
    total = ours + theirs
    with np.errstate(divide="ignore", invalid="ignore"):
        freedom = total**2 / (ours**2 / arm.freedom + theirs**2 / reference.freedom)
    return Difference(arm.mean - reference.mean, np.sqrt(total), freedom)


def contrast(weights: ArrayLike, cells: Summary) -> Difference:
    """Weighted sum of the means of cells [..., cells], whose spreads may differ.

    Degrees of freedom by Satterthwaite (1946, Biometrics Bull. 2, 110-114); of two cells weighted 1
    and -1 it is Welch's.
    """
    factors = np.asarray(weights, dtype=np.float64)
    parts = factors**2 * cells.variance / cells.n
    total = parts.sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        freedom = total**2 / (parts**2 / cells.freedom).sum(axis=-1)
    return Difference((factors * cells.mean).sum(axis=-1), np.sqrt(total), freedom)


def standard_size(arm: Summary, reference: Summary) -> Array:
    """The difference in units of the two arms' spread; NaN where there is none.

    Hedges' g*_s with the non-pooled standard deviation, free of small-sample bias: Delacre et al.
    2021, doi 10.31234/osf.io/tu6mp.
    """
    ours, theirs = arm.variance, reference.variance
    with np.errstate(divide="ignore", invalid="ignore"):
        freedom = (arm.freedom * reference.freedom * (ours + theirs) ** 2) / (
            reference.freedom * ours**2 + arm.freedom * theirs**2
        )
        unbiased = np.exp(special.gammaln(freedom / 2) - special.gammaln((freedom - 1) / 2))
        size = (arm.mean - reference.mean) / np.sqrt((ours + theirs) / 2)
        corrected = size * unbiased / np.sqrt(freedom / 2)
    # With one degree of freedom (n = 2, one of them without spread) the size has no mean.
    return np.where(freedom > 1 + 1e-9, corrected, np.nan)


def holm(p: ArrayLike) -> Array:
    """Adjusted p over the last axis [..., tests]; NaN is no test: it stays and does not count."""
    given = np.asarray(p, dtype=np.float64)
    order = np.argsort(given, axis=-1)  # NaN last
    ranked = np.take_along_axis(given, order, axis=-1)
    tests = np.isfinite(given).sum(axis=-1, keepdims=True)
    factors = tests - np.arange(given.shape[-1])
    stepped = np.maximum.accumulate(np.where(np.isnan(ranked), -np.inf, ranked * factors), axis=-1)
    adjusted = np.where(np.isnan(ranked), np.nan, np.minimum(stepped, 1.0))
    result = np.empty_like(given)
    np.put_along_axis(result, order, adjusted, axis=-1)
    return result


def rank_p(arm: ArrayLike, reference: ArrayLike) -> float:
    """Exact two-sided p of Wilcoxon's rank sum with mid-ranks, by counting every permutation.

    Replicates [n] and [m]; infinite ones are ranked like any other, so a diverged one can be worst.
    """
    ours, theirs = np.asarray(arm, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    doubled = np.rint(2 * stats.rankdata(np.concatenate([ours, theirs]))).astype(int)
    n, most = len(ours), int(doubled.sum())
    ways = np.zeros((n + 1, most + 1))
    ways[0, 0] = 1
    for rank in doubled:
        ways[1:, rank:] += ways[:-1, : most + 1 - rank].copy()
    middle = n * most / len(doubled)
    distance = abs(float(doubled[:n].sum()) - middle)
    far = np.abs(np.arange(most + 1) - middle) >= distance - 1e-9
    return float(min(1.0, ways[n, far].sum() / ways[n].sum()))


def fails_p(failed: int, n: int, reference_failed: int, reference_n: int) -> float:
    """Fisher's exact two-sided p of `failed` of n against `reference_failed` of reference_n."""
    table = np.array([[failed, n - failed], [reference_failed, reference_n - reference_failed]])
    return float(stats.fisher_exact(table).pvalue)


@dataclass(frozen=True)
class Correlation:
    """Mean correlation of replicates over pairs of arms, and its error if there were none."""

    mean: float
    error: float

    @property
    def clearly_positive(self) -> bool:
        """More than two errors above 0."""
        return self.mean > 2 * self.error


def replicate_correlation(pairs: list[tuple[Array, Array]]) -> Correlation | None:
    """Pearson's correlation of pairs of arms, [n] each in the same order of replicates.

    Pairs with fewer than three replicates or without spread are left out; None: none is left. The
    error takes the pairs as uncorrelated, as correlations with one baseline are where replicates
    share nothing (each has variance 1 / (n - 1)).
    """
    kept = [(a, b) for a, b in pairs if len(a) > 2 and np.ptp(a) > 0 and np.ptp(b) > 0]
    if not kept:
        return None
    mean = sum(float(np.corrcoef(a, b)[0, 1]) for a, b in kept) / len(kept)
    error = math.sqrt(sum(1 / (len(a) - 1) for a, _ in kept)) / len(kept)
    return Correlation(mean, error)

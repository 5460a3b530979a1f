"""One group of replicates against another: an estimate, its interval, and tests of a hypothesis.

Effects of arms, claims of reports and replications are all this comparison. It is made on a scale,
of logs for a ratio, and unpaired: that arms share seeds does not make them alike. Student's t tests
a difference of means that has an error. Where a replicate diverged, or nothing varies at all, exact
ranks do. Support and contradiction of a hypothesis are both tests. A difference counts at the
two-sided level, twice the one-sided p, and equivalence takes two one-sided tests (Schuirmann 1987,
J. Pharmacokinet. Biopharm. 15, 657-680).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.stats import binomtest, rankdata

from ganablate.catalog import Scale
from ganablate.report.stats.replicates import Replicates
from ganablate.report.stats.statistics import (
    Array,
    Difference,
    Summary,
    fails_p,
    holm,
    rank_p,
    standard_size,
    summary,
    welch,
)

MARGIN = 1.25
"""Ratios from 1/1.25 to 1.25 count as equivalent. A difference has no margin of its own."""
WORST = {"min": math.inf, "max": -math.inf, "none": None}
"""Direction -> where a diverged replicate ranks; None: it has no place."""
Side = Literal["above", "below", "different", "equivalent"]


@dataclass(frozen=True)
class Hypothesis:
    """A difference on a scale: `margin` is on it (a log for a ratio), None: any difference."""

    side: Side
    scale: Scale
    margin: float | None = None

    @property
    def least(self) -> float:
        """The margin, 0 for any difference."""
        return self.margin or 0.0

    @property
    def equivalence(self) -> float | None:
        """Within which the opposite of a difference is shown; None: a difference has none."""
        if self.margin is None:
            return math.log(MARGIN) if self.scale == "ratio" else None
        return self.margin if self.side in ("different", "equivalent") else None


@dataclass(frozen=True)
class TestResult:
    """Of a hypothesis, NaN where there is no test.

    `beyond`: two-sided p of "the difference is not the margin"; `toward` says whether it then lies
    on the side of the hypothesis. For different and equivalent: that it lies outside the margin.
    `within`: p of "it lies within".
    """

    beyond: float
    toward: bool
    within: float

    def shown(self, hypothesis: Hypothesis, alpha: float) -> bool | None:
        """Whether the hypothesis is shown at that level (True) or its opposite (False).

        A small difference can be shown and still lie within 1.25x: then the difference decides,
        as in the table of arms.
        """
        beyond, within = self.beyond <= alpha, self.within <= alpha
        if hypothesis.side == "equivalent":
            return True if within else False if beyond else None
        if beyond:
            return self.toward
        return False if within else None

    def decisive(self, hypothesis: Hypothesis, alpha: float) -> tuple[float | None, bool]:
        """The p that decided, or that would have, and whether it is that of "within"."""
        is_within = hypothesis.side == "equivalent"
        p, opposite = (self.within, self.beyond) if is_within else (self.beyond, self.within)
        if p > alpha and opposite <= alpha:
            p, is_within = opposite, not is_within
        return finite(p), is_within


def by_t(difference: Difference, hypothesis: Hypothesis) -> TestResult:
    """By Student's t, of an estimated difference with its error."""
    least, margin = hypothesis.least, hypothesis.equivalence
    above, below = float(difference.p_above(least)), float(difference.p_below(-least))
    within = math.nan if margin is None else float(difference.p_equivalent(margin))
    if hypothesis.side in ("different", "equivalent"):
        return TestResult(min(1.0, 2 * min(above, below)), True, within)
    if hypothesis.side == "above":
        toward, away = above, float(difference.p_below(least))
    else:
        toward, away = below, float(difference.p_above(-least))
    return TestResult(min(1.0, 2 * min(toward, away)), toward < away, within)


def by_ranks(ours: Array, theirs: Array, hypothesis: Hypothesis) -> TestResult:
    """By exact ranks of replicates [n] and [m] on the scale; infinite ones are the worst or best.

    The margin is taken off one side before ranking.
    """

    def shifted_by(margin: float) -> tuple[float, bool]:
        shifted = ours - margin
        ranks = rankdata(np.concatenate([shifted, theirs]))
        return rank_p(shifted, theirs), bool(ranks[: len(ours)].mean() > ranks.mean())

    return _exact(shifted_by, hypothesis)


def by_signs(values: Array, hypothesis: Hypothesis) -> TestResult:
    """By signs of values [n] within trials: how many lie on either side of the margin."""

    def counted_at(margin: float) -> tuple[float, bool]:
        more, less = int((values > margin).sum()), int((values < margin).sum())
        p = float(binomtest(more, more + less).pvalue) if more + less else 1.0
        return p, more > less

    return _exact(counted_at, hypothesis)


def _exact(test: Callable[[float], tuple[float, bool]], hypothesis: Hypothesis) -> TestResult:
    """By an exact test: `test(margin)` gives a two-sided p, and whether the values lie above.

    The two-sided p stand for the one-sided ones of an equivalence, which errs to the safe side.
    """

    def above(margin: float) -> float:
        p, is_above = test(margin)
        return p if is_above else 1.0

    def below(margin: float) -> float:
        p, is_above = test(margin)
        return 1.0 if is_above else p

    least, margin = hypothesis.least, hypothesis.equivalence
    within = math.nan if margin is None else max(above(-margin), below(margin))
    if hypothesis.side in ("different", "equivalent"):
        return TestResult(min(above(least), below(-least)), True, within)
    p, is_above = test(least if hypothesis.side == "above" else -least)
    return TestResult(p, is_above == (hypothesis.side == "above"), within)


@dataclass(frozen=True)
class Comparison:
    """Our replicates against theirs on a scale, with what can be told of the two.

    `difference` is that of their means on the scale; None: one of them has no mean or no spread.
    `worst` is where a diverged replicate ranks; None: it has no place.
    """

    ours: Replicates
    theirs: Replicates
    scale: Scale
    difference: Difference | None
    worst: float | None = None

    @property
    def fewest(self) -> int:
        """Replicates of the side that has fewer."""
        return min(self.ours.n, self.theirs.n)

    @property
    def diverged(self) -> bool:
        """Whether a replicate of either side has no number, so that there is no mean."""
        return self.ours.diverged > 0 or self.theirs.diverged > 0

    @property
    def estimate(self) -> float | None:
        """The ratio of geometric means, or the difference of means."""
        if self.fewest == 0 or self.diverged:
            return None
        means = [float(side.on(self.scale).mean()) for side in (self.ours, self.theirs)]
        return off_scale(means[0] - means[1], self.scale)

    def interval(self, alpha: float) -> tuple[float | None, float | None]:
        """Of the estimate, at 1 - alpha; an end beyond every number is no end, so there is none."""
        return (None, None) if self.difference is None else ends(self.difference, self.scale, alpha)

    @property
    def size(self) -> float | None:
        """The difference in standard deviations."""
        if self.difference is None:
            return None
        return finite(standard_size(*(summary(x.on(self.scale)) for x in (self.ours, self.theirs))))

    @property
    def fails_p(self) -> float | None:
        """Fisher's exact p where every replicate of ours failed and none of theirs; else None."""
        ours, theirs = self.ours, self.theirs
        if self.fewest < 2 or theirs.failed or not ours.failed == ours.complete > 0:
            return None
        return fails_p(ours.failed, ours.complete, theirs.failed, theirs.complete)

    def test(self, hypothesis: Hypothesis) -> TestResult | None:
        """By Student's t where the difference has an error, else by ranks; None: by neither."""
        if self.difference is not None and float(self.difference.error) > 0:
            return by_t(self.difference, hypothesis)
        if self.fewest < 2 or (self.diverged and self.worst is None):
            return None
        return by_ranks(self._placed(self.ours), self._placed(self.theirs), hypothesis)

    def _placed(self, replicates: Replicates) -> Array:
        """The numbers on the scale, and the diverged replicates at the worst end."""
        lost = np.full(replicates.diverged, self.worst or 0.0)
        return np.concatenate([replicates.on(self.scale), lost])


def difference_of(summaries: Mapping[str, Summary], arm: str, reference: str) -> Difference | None:
    """Welch's difference of two of the arms; None: one of them has no mean and spread."""
    if arm not in summaries or reference not in summaries:
        return None
    return welch(summaries[arm], summaries[reference])


def finite(number: float | Array) -> float | None:
    """The number; None if it is not finite."""
    return float(number) if math.isfinite(number) else None


def off_scale(value: float | Array, scale: Scale) -> float | None:
    """A number of a scale in the scale's own terms, so a ratio of a log; None: not finite."""
    with np.errstate(over="ignore"):
        return finite(np.exp(value) if scale == "ratio" else value)


def ends(
    difference: Difference, scale: Scale, alpha: float
) -> tuple[float, float] | tuple[None, None]:
    """Low and high end of the interval at 1 - alpha, in the scale's own terms; both or none."""
    low, high = (off_scale(end, scale) for end in difference.interval(1 - alpha))
    return (None, None) if low is None or high is None else (low, high)


def with_holm(results: Sequence[TestResult | None]) -> list[TestResult | None]:
    """The results of several tests, with Holm's p over all of them."""
    beyond = holm([math.nan if result is None else result.beyond for result in results])
    within = holm([math.nan if result is None else result.within for result in results])
    return [
        result and TestResult(float(p), result.toward, float(q))
        for result, p, q in zip(results, beyond, within, strict=True)
    ]


def corrected(alone: Sequence[float | None]) -> list[float | None]:
    """P of each test alone -> Holm's over all tests that have one; the others stay missing."""
    return [finite(p) for p in holm([math.nan if p is None else p for p in alone])]

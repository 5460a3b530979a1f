"""A claimed difference as a test of two sides: p that it is shown, p that the opposite is.

Support and contradiction are both tests. A difference counts at the two-sided level, twice the
one-sided p, so that "worse" without a margin agrees with the verdict of the table of arms.
Equivalence takes two one-sided tests (Schuirmann 1987, J. Pharmacokinet. Biopharm. 15, 657-680).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.stats import binomtest, rankdata

from ganablate.catalog import Scale
from ganablate.report.claims.judgement import CANNOT_TELL, CONTRADICTED, SUPPORTED
from ganablate.report.stats.effects import MARGIN
from ganablate.report.stats.statistics import Array, Difference, rank_p
from ganablate.study.reading.fields import Margin

Side = Literal["above", "below", "different", "equivalent"]
_SIDES: dict[tuple[str, str], Side] = {
    ("better", "min"): "below",
    ("better", "max"): "above",
    ("worse", "min"): "above",
    ("worse", "max"): "below",
}


def side_of(expected: str, direction: str) -> Side:
    """On which side of nothing a claimed difference lies; better and worse take a direction."""
    if expected in ("lower", "higher"):
        return "below" if expected == "lower" else "above"
    if expected in ("different", "equivalent"):
        return "different" if expected == "different" else "equivalent"
    return _SIDES[expected, direction]


def margin_of(expected: str, by: Margin | None, within: Margin | None) -> Margin | None:
    """The margin meant: stated, or 1.25x for an equivalence; None: any difference."""
    if expected == "equivalent":
        return within or Margin(amount=MARGIN, unit="ratio")
    return by


@dataclass(frozen=True)
class Meant:
    """A claimed difference on a scale: `margin` is on it (a log for a ratio), None: any."""

    side: Side
    scale: Scale
    margin: float | None

    @property
    def least(self) -> float:
        """The margin, 0 for any difference."""
        return self.margin or 0.0

    @property
    def even(self) -> float | None:
        """Within which the opposite of any difference is shown; None: a difference has none."""
        if self.margin is not None:
            return self.margin if self.side in ("different", "equivalent") else None
        return math.log(MARGIN) if self.scale == "ratio" else None


@dataclass(frozen=True)
class Tested:
    """Of one pair of arms, NaN where there is no test.

    `beyond`: two-sided p of "the difference is not the margin"; `toward` says whether it then lies
    on the claimed side. For different and equivalent: that it lies outside the margin. `even`: p
    of "it lies within".
    """

    beyond: float
    toward: bool
    even: float

    def verdict(self, meant: Meant, alpha: float) -> str:
        """Supported or contradicted at that level, else open.

        A small difference can be shown and still lie within 1.25x: then the difference decides,
        as in the table of arms.
        """
        beyond, even = self.beyond <= alpha, self.even <= alpha
        if meant.side == "equivalent":
            return SUPPORTED if even else CONTRADICTED if beyond else CANNOT_TELL
        if beyond:
            return SUPPORTED if self.toward else CONTRADICTED
        return CONTRADICTED if even else CANNOT_TELL

    def decisive(self, meant: Meant, alpha: float) -> tuple[float | None, bool]:
        """The p that decided, or that would have, and whether it is that of "within"."""
        within = meant.side == "equivalent"
        own, other = (self.even, self.beyond) if within else (self.beyond, self.even)
        if own > alpha and other <= alpha:
            own, within = other, not within
        return (None if math.isnan(own) else own), within


def by_t(found: Difference, meant: Meant) -> Tested:
    """By Student's t, of an estimated difference with its error."""
    least = meant.least
    above, below = float(found.p_above(least)), float(found.p_below(-least))
    even = float(found.p_equivalent(meant.even)) if meant.even is not None else math.nan
    if meant.side in ("different", "equivalent"):
        return Tested(min(1.0, 2 * min(above, below)), True, even)
    claimed = above if meant.side == "above" else below
    other = float(found.p_below(least) if meant.side == "above" else found.p_above(-least))
    return Tested(min(1.0, 2 * min(claimed, other)), claimed < other, even)


def by_ranks(ours: Array, theirs: Array, meant: Meant) -> Tested:
    """By exact ranks of replicates [n] and [m] on the scale; infinite ones are the worst or best.

    The margin is taken off one side before ranking.
    """

    def lean(margin: float) -> tuple[float, bool]:
        shifted = ours - margin
        ranks = rankdata(np.concatenate([shifted, theirs]))
        return rank_p(shifted, theirs), bool(ranks[: len(ours)].mean() > ranks.mean())

    return _leaning(lean, meant)


def by_signs(values: Array, meant: Meant) -> Tested:
    """By signs of values [n] within trials: how many lie on either side of the margin."""

    def lean(margin: float) -> tuple[float, bool]:
        more, less = int((values > margin).sum()), int((values < margin).sum())
        p = float(binomtest(more, more + less).pvalue) if more + less else 1.0
        return p, more > less

    return _leaning(lean, meant)


def _leaning(lean: Callable[[float], tuple[float, bool]], meant: Meant) -> Tested:
    """Of exact tests: `lean(margin)` gives a two-sided p, and whether the values lie above.

    The two-sided p stand for the one-sided ones of an equivalence, which errs to the safe side.
    """

    def above(margin: float) -> float:
        p, is_above = lean(margin)
        return p if is_above else 1.0

    def below(margin: float) -> float:
        p, is_above = lean(margin)
        return 1.0 if is_above else p

    least = meant.least
    even = max(above(-meant.even), below(meant.even)) if meant.even is not None else math.nan
    if meant.side in ("different", "equivalent"):
        return Tested(min(above(least), below(-least)), True, even)
    p, is_above = lean(least if meant.side == "above" else -least)
    return Tested(p, is_above == (meant.side == "above"), even)

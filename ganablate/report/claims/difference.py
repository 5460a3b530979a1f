"""One arm against another: an estimate with its interval, and the tests of what is claimed.

Numbers are compared on the scale of the claim's margin: logs for a ratio, which takes positive
numbers of both arms, a difference for an amount; without a margin on the scale that the column has
in the table of arms (`report.replicates`). Replicates are unpaired, their variances steadied over
the study's arms as there. An arm that only fails, where the other never does, is worse by any ratio
(the rule of `report.effects`). With diverged trials, or no spread at all, exact ranks decide.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ganablate.catalog import Scale
from ganablate.report.claims.finding import Evidence
from ganablate.report.claims.hypothesis import Meant, Side, Tested, by_ranks, by_t
from ganablate.report.claims.judgement import CANNOT_TELL, NOT_COMPARABLE
from ganablate.report.stats.replicates import Replicates, effect_scale, steadied_summaries
from ganablate.report.stats.statistics import Array, Summary, fails_p, welch
from ganablate.study.reading.fields import Margin

Pair = tuple[str, str]
"""An arm, and the arm that it is compared with."""


@dataclass(frozen=True)
class Measured:
    """A number that trials have, and what must be known to compare it.

    `of` gives an arm's replicates. `unlike` says why two arms are not comparable. `direction` is
    the column's; `worst` is where a trial without a number ranks, None where it has no place.
    `ranked`: by ranks alone, infinite numbers among them.
    """

    title: str
    of: Callable[[str], Replicates]
    unlike: Callable[[str, str], str | None]
    direction: str = "none"
    worst: float | None = None
    ranked: bool = False
    column: str = ""


@dataclass(frozen=True)
class Claimed:
    """What is claimed of the pairs. `by` and `side` as in `hypothesis`; None: nothing is."""

    pairs: tuple[Pair, ...]
    family: tuple[Pair, ...]
    side: Side
    margin: Margin | None

    def meant(self, scale: Scale) -> Meant:
        """The margin on the scale that is compared on."""
        if self.margin is None:
            return Meant(self.side, scale, None)
        amount = math.log(self.margin.amount) if scale == "ratio" else self.margin.amount
        return Meant(self.side, scale, amount)


@dataclass(frozen=True)
class Difference:
    """One pair: the estimate with its interval, on the scale's own terms, and the tests."""

    pair: Pair
    n: tuple[int, int]
    scale: Scale = "difference"
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    tested: Tested | None = None
    rule: str | None = None
    """Why the arm is worse by rule, whatever its numbers are, with Fisher's exact p of it."""
    rule_p: float | None = None
    verdict: str | None = None
    """Known without a test, with its reason."""
    because: str | None = None
    note: str | None = None


class Comparison:
    """Estimates and tests pairs of arms; what pairs with the same reference share is kept."""

    def __init__(self, evidence: Evidence, measured: Measured, claimed: Claimed) -> None:
        self.evidence = evidence
        self.measured = measured
        self.claimed = claimed
        self._steady: dict[tuple[str, Scale], dict[str, Summary]] = {}

    def of(self, pair: Pair) -> Difference:
        """One pair by itself; without numbers that can be compared, the verdict and why."""
        arm, other = pair
        ours, theirs = self.measured.of(arm), self.measured.of(other)
        empty = Difference(pair, (ours.n, theirs.n))
        unlike = self.measured.unlike(arm, other)
        if unlike is not None:
            return replace(empty, verdict=NOT_COMPARABLE, because=unlike)
        if min(ours.n, theirs.n) == 0:
            lacking = arm if ours.n == 0 else other
            because = f"no trial of {lacking} has this number yet"
            return replace(empty, verdict=CANNOT_TELL, because=because)
        scale = self._scale(other)
        if scale == "ratio" and not (_positive(ours) and _positive(theirs)):
            because = "a ratio needs numbers above 0, and some are not"
            return replace(empty, verdict=NOT_COMPARABLE, because=because)
        found = self._estimated(replace(empty, scale=scale), ours, theirs)
        broken = self.evidence.not_working(other)
        if broken is not None:
            return replace(found, verdict=CANNOT_TELL, because=broken)
        if min(ours.n, theirs.n) == 1:
            because = "one trial has no spread to judge by"
            return replace(found, verdict=CANNOT_TELL, because=because)
        return found

    def _kin(self, other: str) -> dict[str, Replicates]:
        """The study's arms that can be compared with this one, itself among them."""
        alike = (
            name
            for name in self.evidence.arms
            if name == other or self.measured.unlike(name, other) is None
        )
        return {name: self.measured.of(name) for name in alike}

    def _scale(self, other: str) -> Scale:
        if self.measured.ranked:
            return "difference"
        margin = self.claimed.margin
        if margin is not None:
            return "ratio" if margin.unit == "ratio" else "difference"
        return effect_scale(self.measured.column, self._kin(other).values())

    def _steadied(self, other: str, scale: Scale) -> dict[str, Summary]:
        """Of the kin whose numbers have that scale."""
        key = (other, scale)
        if key not in self._steady:
            kin = self._kin(other)
            fit = {k: one for k, one in kin.items() if scale == "difference" or _positive(one)}
            self._steady[key] = steadied_summaries(fit, scale)
        return self._steady[key]

    def _estimated(self, found: Difference, ours: Replicates, theirs: Replicates) -> Difference:
        measured, meant = self.measured, self.claimed.meant(found.scale)
        values = [_placed(one, measured.worst, found.scale) for one in (ours, theirs)]
        enough = min(found.n) > 1
        if measured.ranked:
            exact = by_ranks(values[0], values[1], meant) if enough else None
            return replace(found, tested=exact, note=_medians(values))
        if enough and measured.direction != "none" and _fails(ours, theirs):
            p = fails_p(ours.failed, ours.complete, theirs.failed, theirs.complete)
            rule = f"all {ours.complete} trials fail, none of the other's, exact p {p:.3g}"
            found = replace(found, rule=rule, rule_p=p)
        if ours.diverged or theirs.diverged:
            note = f"{ours.diverged} and {theirs.diverged} trials diverged"
            if not enough or measured.worst is None:
                return replace(found, note=note)
            tested = by_ranks(values[0], values[1], meant)
            return replace(found, tested=tested, note=f"{note}, by ranks")
        return self._by_mean(found, values, meant)

    def _by_mean(self, found: Difference, values: Sequence[Array], meant: Meant) -> Difference:
        back = np.exp if found.scale == "ratio" else float
        mean = float(values[0].mean() - values[1].mean())
        found = replace(found, estimate=_known(float(back(mean))))
        steady = self._steadied(found.pair[1], found.scale)
        if not all(name in steady for name in found.pair):
            return found
        difference = welch(*(steady[name] for name in found.pair))
        ends = difference.interval(1 - self.evidence.alpha)
        with np.errstate(over="ignore"):  # an end beyond every number is no end
            low, high = (_known(float(back(end))) for end in ends)
        spread = float(difference.error) > 0
        return replace(
            found,
            low=None if high is None else low,
            high=None if low is None else high,
            # Two arms without any spread: only ranks can be compared.
            tested=by_t(difference, meant) if spread else by_ranks(values[0], values[1], meant),
        )


def _positive(one: Replicates) -> bool:
    return all(value > 0 for value in one.numbers.values())


def _placed(one: Replicates, worst: float | None, scale: Scale) -> Array:
    """The replicates' numbers on the scale, a diverged one at the worst end."""
    lost = 0 if worst is None else one.diverged
    return np.concatenate([one.on(scale), np.full(lost, worst or 0.0)])


def _medians(values: Sequence[Array]) -> str:
    medians = [float(np.median(one)) for one in values]
    shown = [f"{one:,.0f}" if math.isfinite(one) else "never" for one in medians]
    return f"median {shown[0]} against {shown[1]} images"


def _fails(ours: Replicates, theirs: Replicates) -> bool:
    return ours.failed == ours.complete > 0 and theirs.failed == 0


def _known(number: float) -> float | None:
    return float(number) if math.isfinite(number) else None

"""A claimed difference: from the words of a statement to a hypothesis, from its tests to a verdict.

Of several arms a claim holds only if it is shown of each: then each test at the level by itself is
valid (an intersection-union test: Berger 1982, Technometrics 24, 295-300). It is contradicted if
the opposite is shown of one, after Holm.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from ganablate.catalog import Scale
from ganablate.report.claims.judgement import (
    CANNOT_TELL,
    CONTRADICTED,
    NOT_COMPARABLE,
    SUPPORTED,
    Judgement,
    trials_an_arm,
)
from ganablate.report.stats.comparison import MARGIN, Hypothesis, Side, TestResult, with_holm
from ganablate.report.table.cells import estimate_text, p_text
from ganablate.study.claims.claims import Compare
from ganablate.study.claims.curve_shapes import CurveSpread, Points
from ganablate.study.reading.fields import Margin

Key = TypeVar("Key")
_SIDES: dict[tuple[str, str], Side] = {
    ("better", "min"): "below",
    ("better", "max"): "above",
    ("worse", "min"): "above",
    ("worse", "max"): "below",
}


def side_of(expected: str, direction: str) -> Side:
    """On which side of nothing a claimed difference lies; better and worse take a direction."""
    match expected:
        case "lower":
            return "below"
        case "higher":
            return "above"
        case "different" | "equivalent":
            return expected
    return _SIDES[expected, direction]


def margin_of(claimed: Compare | CurveSpread | Points) -> Margin | None:
    """The margin meant: stated, or 1.25x for an equivalence; None: any difference."""
    if claimed.expected == "equivalent":
        return claimed.within or Margin(amount=MARGIN, unit="ratio")
    return claimed.by


def scale_of(margin: Margin) -> Scale:
    """On which a margin is compared."""
    return "ratio" if margin.unit == "ratio" else "difference"


def hypothesis_of(side: Side, margin: Margin | None, scale: Scale) -> Hypothesis:
    """With the margin on the scale that is compared on."""
    if margin is None:
        return Hypothesis(side, scale)
    amount = math.log(margin.amount) if scale == "ratio" else margin.amount
    return Hypothesis(side, scale, amount)


def exceeds(high: float, low: float, margin: Margin) -> bool:
    """Whether one number is above another by the margin; a ratio takes numbers above 0."""
    if margin.unit == "absolute":
        return high - low >= margin.amount
    return low > 0 and high >= margin.amount * low


@dataclass(frozen=True)
class Tested:
    """A number with its interval, in the scale's own terms, and the test of a hypothesis.

    `n` are the trials of each side. `rule` says why the arm is worse by rule, whatever its numbers
    are, with Fisher's exact `fails_p`. `decided` is a verdict that needs no test, `because` its
    reason, `note` more to say.
    """

    n: tuple[int, ...]
    hypothesis: Hypothesis
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    result: TestResult | None = None
    rule: str | None = None
    fails_p: float | None = None
    decided: str | None = None
    because: str | None = None
    note: str | None = None

    def verdict(self, alpha: float) -> str:
        """Supported or contradicted at that level, else open."""
        if self.decided is not None:
            return self.decided
        shown = None if self.result is None else self.result.shown(self.hypothesis, alpha)
        if shown is None:
            return CANNOT_TELL
        return SUPPORTED if shown else CONTRADICTED

    def p(self, alpha: float) -> float | None:
        """The p that decided, or that would have; None: no test."""
        if self.rule is not None:
            return self.fails_p
        return None if self.result is None else self.result.decisive(self.hypothesis, alpha)[0]

    @property
    def interval_text(self) -> str | None:
        """`x1.34 [1.12, 1.60]` of a ratio, `+0.012 [-0.003, 0.027]` of a difference."""
        if self.estimate is None:
            return None
        numbers = [float(x) for x in (self.estimate, self.low, self.high) if x is not None]
        return estimate_text(numbers, self.hypothesis.scale)

    def tested_text(self, margin: Margin | str | None, alpha: float) -> str | None:
        """`p 0.003`, `p 0.40 for beyond 1.25x`, `p 0.02 for within 1.25x`; None: no test.

        Of a difference on the other side of its margin: `p 0.004 for short of 1.25x`.
        """
        if self.rule is not None or self.result is None:
            return self.rule
        p, is_within = self.result.decisive(self.hypothesis, alpha)
        text = p_text(p)
        if text is None:
            return None
        if margin is None and not is_within:
            return f"p {text}"
        if is_within:
            place = "within"
        elif self.hypothesis.side == "equivalent":
            place = "outside"
        else:
            place = "beyond" if self.result.toward else "short of"
        return f"p {text} for {place} {margin or f'{MARGIN:g}x'}"


def joint_judgement(
    family: Mapping[Key, Tested],
    claimed: Sequence[Key],
    alpha: float,
    sentence: Callable[[Sequence[Tested], Sequence[str]], str],
) -> Judgement:
    """The verdict on all that is claimed, without the names of the arms.

    Holm's correction is over the family. `sentence` makes one of what was tested and the verdicts.
    """
    tested = [family[key] for key in claimed]
    verdicts = [x.verdict(alpha) for x in tested]
    if len(verdicts) == 1 or set(verdicts) != {SUPPORTED}:
        results = dict(zip(family, with_holm([x.result for x in family.values()]), strict=True))
        tested = [replace(family[key], result=results[key]) for key in claimed]
        verdicts = [x.verdict(alpha) for x in tested]
    verdict = next((x for x in (CONTRADICTED, NOT_COMPARABLE) if x in verdicts), CANNOT_TELL)
    if set(verdicts) == {SUPPORTED}:
        verdict = SUPPORTED
    # The numbers are those of the clearest contradiction, or of the weakest support.
    candidates = [x for x, each in zip(tested, verdicts, strict=True) if each == verdict]
    candidates = [x for x in candidates if x.p(alpha) is not None] or candidates
    sign = -1 if verdict == CONTRADICTED else 1
    key = max(candidates, key=lambda x: sign * (x.p(alpha) or 0.0))
    return Judgement(
        verdict=verdict,
        numbers=sentence(tested, verdicts),
        because=key.because if verdict in (CANNOT_TELL, NOT_COMPARABLE) else None,
        estimate=key.estimate,
        low=key.low,
        high=key.high,
        p=key.p(alpha),
        n=trials_an_arm([n for x in tested for n in x.n]),
    )

"""A claimed difference: from the words of a statement to a hypothesis, from its test to words."""

import math

from ganablate.catalog import Scale
from ganablate.report.claims.judgement import CANNOT_TELL, CONTRADICTED, SUPPORTED
from ganablate.report.stats.comparison import MARGIN, Hypothesis, Side, TestResult
from ganablate.report.table.cells import estimate_text, p_text
from ganablate.study.reading.fields import Margin

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


def margin_of(expected: str, by: Margin | None, within: Margin | None) -> Margin | None:
    """The margin meant: stated, or 1.25x for an equivalence; None: any difference."""
    if expected == "equivalent":
        return within or Margin(amount=MARGIN, unit="ratio")
    return by


def scale_of(margin: Margin) -> Scale:
    """On which a margin is compared."""
    return "ratio" if margin.unit == "ratio" else "difference"


def hypothesis_of(side: Side, margin: Margin | None, scale: Scale) -> Hypothesis:
    """With the margin on the scale that is compared on."""
    if margin is None:
        return Hypothesis(side, scale)
    amount = math.log(margin.amount) if scale == "ratio" else margin.amount
    return Hypothesis(side, scale, amount)


def verdict_of(result: TestResult | None, hypothesis: Hypothesis, alpha: float) -> str:
    """Supported or contradicted at that level, else open."""
    shown = None if result is None else result.shown(hypothesis, alpha)
    if shown is None:
        return CANNOT_TELL
    return SUPPORTED if shown else CONTRADICTED


def decisive_p(result: TestResult | None, hypothesis: Hypothesis, alpha: float) -> float | None:
    """The p that decided, or that would have; None: no test."""
    return None if result is None else result.decisive(hypothesis, alpha)[0]


def interval_text(
    estimate: float | None, low: float | None, high: float | None, scale: Scale
) -> str | None:
    """A ratio as `x1.34 [1.12, 1.60]`, a difference as `+0.012 [-0.003, 0.027]`; None: missing."""
    if estimate is None:
        return None
    return estimate_text([float(x) for x in (estimate, low, high) if x is not None], scale)


def tested_text(
    result: TestResult | None, hypothesis: Hypothesis, margin: Margin | str | None, alpha: float
) -> str | None:
    """`p 0.003`, `p 0.40 for beyond 1.25x`, `p 0.02 for within 1.25x`; None: no test.

    Of a claimed difference that lies on the other side of its margin: `p 0.004 for short of 1.25x`.
    """
    if result is None:
        return None
    p, is_within = result.decisive(hypothesis, alpha)
    text = p_text(p)
    if text is None:
        return None
    if margin is None and not is_within:
        return f"p {text}"
    if is_within:
        place = "within"
    elif hypothesis.side == "equivalent":
        place = "outside"
    else:
        place = "beyond" if result.toward else "short of"
    return f"p {text} for {place} {margin or f'{MARGIN:g}x'}"

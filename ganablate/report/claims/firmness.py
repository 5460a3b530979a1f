"""How firm a verdict is: over which margins it stays the same.

No report says how much is "poor" or "close": the margins of its claims are ours. So a claim is
judged again, by its own test on the same trials, at other margins. A verdict changes once on each
side of the claim's margin at most (a larger one makes a difference harder to show and its absence
easier), and bisection finds where.
"""

import math
from collections.abc import Callable

from ganablate.report.claims.hypothesis import margin_of
from ganablate.report.claims.judgement import Judgement
from ganablate.study.claims.claims import Claim, Compare, Statement
from ganablate.study.claims.curve_shapes import CurveSpread, Points
from ganablate.study.reading.fields import Margin

_LARGEST = 3.0
"""As a ratio; of an amount, so many times the claim's."""
_STEP = 0.01
"""To which an end is found, of a ratio; of an amount, a share of the claim's."""


def same_margins(claim: Claim, judged: Callable[[Statement], Judgement]) -> str:
    """`1x to 1.17x`: the margins with the verdict of the claim's own; empty: it has none.

    `judged` judges a statement as that of the claim.
    """
    bearer = _bearer(claim)
    margin = None if bearer is None else margin_of(bearer)
    if bearer is None or margin is None:
        return ""
    verdict = judged(claim.statement).verdict

    def is_same(amount: float) -> bool:
        return judged(_with_margin(claim, bearer, amount)).verdict == verdict

    lowest, unit = (1.0, _STEP) if margin.unit == "ratio" else (0.0, _STEP * margin.amount)
    largest = max(_LARGEST * (1.0 if margin.unit == "ratio" else margin.amount), margin.amount)
    low = _edge(is_same, margin.amount, lowest, unit)
    high = _edge(is_same, margin.amount, largest, unit)
    return _text(low, high, margin)


def _bearer(claim: Claim) -> Compare | CurveSpread | Points | None:
    """What of the claim has a margin that a test uses."""
    stated = claim.statement if claim.curve is None else claim.curve.shape
    return stated if isinstance(stated, Compare | CurveSpread | Points) else None


def _with_margin(claim: Claim, bearer: Compare | CurveSpread | Points, amount: float) -> Statement:
    """The statement with another amount in the place of its margin's."""
    stated = margin_of(bearer)
    assert stated is not None
    key = "within" if bearer.expected == "equivalent" else "by"
    changed = bearer.model_copy(update={key: stated.model_copy(update={"amount": amount})})
    if claim.curve is None:
        assert isinstance(changed, Compare)
        return changed
    return claim.curve.model_copy(update={claim.curve.shape_name: changed})


def _edge(is_same: Callable[[float], bool], inside: float, outside: float, step: float) -> float:
    """How far from `inside`, where it is the same, towards `outside` it stays so."""
    if is_same(outside):
        return outside
    while abs(outside - inside) > step / 2:
        middle = (inside + outside) / 2
        if is_same(middle):
            inside = middle
        else:
            outside = middle
    return inside


def _text(low: float, high: float, margin: Margin) -> str:
    """The ends rounded towards the margin, so that nothing is promised that was not tested."""
    if margin.unit == "ratio":
        digits, sign = 2, "x"
    else:
        digits, sign = 1 - math.floor(math.log10(margin.amount)), ""
    scale = 10.0**digits
    ends = (
        min(math.ceil(low * scale - 1e-9) / scale, margin.amount),
        max(math.floor(high * scale + 1e-9) / scale, margin.amount),
    )
    return " to ".join(f"{end:.6g}{sign}" for end in ends)

"""What the replicates of a plan can decide of its claims, before anything is trained.

Assumed: replicates spread by 10 % (measured on FID: 3 to 11 %), equal spreads in the arms compared,
and a chance of 80 % to see what is there. Tests are those of the judges: Welch's, with the level
shared by as many arms as Holm's correction may have to cover (`study.checks.power`).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from scipy.optimize import brentq
from scipy.stats import nct, t

from ganablate.report.claims.hypothesis import margin_of
from ganablate.report.claims.judgement import NO_SPREAD
from ganablate.report.stats.statistics import ALPHA
from ganablate.study.checks.power import chance_found
from ganablate.study.claims.claims import ALL, Claim, Compare, OutcomeRate, Relation
from ganablate.study.claims.curve_shapes import CurveSpread, Points, Reaches, Recovery, Settles
from ganablate.study.plan import Plan
from ganablate.study.reading.fields import Margin

SPREAD = 0.1
"""Standard deviation over replicates of the logs of a metric: 10 %."""
POWER = 0.8
_MOST = 1e6
"""Standard deviations beyond which nothing is looked for."""


@dataclass(frozen=True)
class Resolvable:
    """What can be told of one claim. `resolved`: no, where its margin or share cannot be shown."""

    id: str
    text: str
    resolved: bool = True


def smallest_effect(n: int, tests: int = 1, *, alpha: float = ALPHA) -> float:
    """Standard deviations between two arms of n that are found with a chance of 80 %.

    Two-sided, at alpha / tests; n >= 2.
    """
    return _reaching(lambda effect: chance_found(n, effect, alpha / tests / 2))


def smallest_margin(n: int, tests: int = 1, *, alpha: float = ALPHA) -> float:
    """Standard deviations within which two equal arms of n are shown to lie, with 80 %.

    Two one-sided tests at alpha / tests; n >= 2. Both must reject, which is at least twice the
    chance of one less 1.
    """
    return _reaching(lambda margin: 2 * chance_found(n, margin, alpha / tests) - 1)


def _reaching(power: Callable[[float], float]) -> float:
    """Where a growing power reaches `POWER`."""
    high = 1.0
    while power(high) < POWER and high < _MOST:
        high *= 2
    return float(brentq(lambda effect: power(effect) - POWER, 0, high))


def resolvable(plan: Plan) -> tuple[Resolvable, ...]:
    """For each claim that our trials judge, the smallest effect that its n can resolve."""
    claims = [claim for claim in plan.claims if claim.budget in (None, plan.budget)]
    resolutions = [(claim.id, _resolution(plan, claim)) for claim in claims]
    return tuple(Resolvable(name, *parts) for name, parts in resolutions if parts is not None)


def _resolution(plan: Plan, claim: Claim) -> tuple[str, bool] | None:
    """What is resolved in words, and whether that suffices; None: our trials do not judge it."""
    statement, n = claim.statement, plan.replicates
    shape = statement if claim.curve is None else claim.curve.shape
    match shape:
        case Compare() | CurveSpread():
            return _difference(n, _tests(plan, claim, shape.to), margin_of(shape), shape.expected)
        case Settles() | Reaches(until=None):
            to = () if shape.before is None else (shape.before,)
            # Two arms of n in perfect order have the smallest exact p that there is.
            p = min(1.0, 2 / math.comb(2 * n, n) * _tests(plan, claim, to))
            return f"ranks of n {n} give p {p:.3g} at best", p <= ALPHA
        case OutcomeRate():
            share = shape.at_most if shape.at_least is None else shape.at_least
            assert share is not None
            return _share(n, 1 - share if shape.at_least is None else share)
        case Relation() if shape.at_least == 1:
            return _share(n * len(_named(plan, shape.named)), 0.5)
        case Relation() | Recovery() | Reaches():
            return _share(n, shape.at_least)
        case Points():
            return _within(n, margin_of(shape))
    return None


def _named(plan: Plan, names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(arm.name for arm in plan.arms if not arm.null) if ALL in names else names


def _tests(plan: Plan, claim: Claim, to: tuple[str, ...]) -> int:
    """Over how many pairs Holm's correction goes; of several claimed ones each stands alone."""
    is_of_each = not getattr(claim.statement, "some", ())
    if (
        is_of_each
        and len(_named(plan, getattr(claim.statement, "named", ()))) * max(1, len(to)) > 1
    ):
        return 1
    arms = sum(arm.compare_to is not None and not arm.null for arm in plan.arms)
    metric = getattr(claim.statement, "metric", None) or plan.primary
    return max(1, arms * (len(plan.primaries) if metric in plan.primaries else 1))


def _difference(n: int, tests: int, margin: Margin | None, expected: str) -> tuple[str, bool]:
    if n < 2:
        return "one trial an arm has no spread to judge by", False
    over = f"n {n}" if tests == 1 else f"n {n}, {tests} tests"
    least = (smallest_margin if expected == "equivalent" else smallest_effect)(n, tests)
    ratio = math.exp(SPREAD * least)
    if expected == "equivalent":
        assert margin is not None
        if margin.unit == "absolute":
            return f"shows equivalence within {least:.1f} spreads ({over})", True
        text = f"shows equivalence within {ratio:.2f}x at the least, claimed {margin} ({over})"
        return text, ratio <= margin.amount
    if margin is None:
        return f"finds {ratio:.2f}x or {least:.1f} spreads ({over})", True
    if margin.unit == "absolute":
        return f"finds {least:.1f} spreads more than {margin} ({over})", True
    return f"shows more than {margin} from {margin.amount * ratio:.2f}x on ({over})", True


def _within(n: int, margin: Margin | None) -> tuple[str, bool]:
    """A change within each trial: one spread of differences, so n - 1 degrees of freedom."""
    if n < 2:
        return NO_SPREAD, False
    limit = t.ppf(1 - ALPHA / 2, n - 1)
    least = _reaching(lambda effect: float(nct.sf(limit, n - 1, effect * math.sqrt(n))))
    beyond = f" more than {margin}" if margin is not None else ""
    ratio = math.exp(SPREAD * least)
    return f"finds a change of {ratio:.2f}x{beyond} within trials (n {n})", True


def _share(n: int, share: float) -> tuple[str, bool]:
    """A share is shown by n trials without an exception, if by any."""
    if share in (0, 1) or 2 * share**n <= ALPHA:
        return f"{n} of {n} trials show a share of {share:g} or more", True
    needed = math.ceil(math.log(ALPHA / 2) / math.log(share))
    return f"{n} of {n} trials cannot show a share of {share:g}; {needed} can", False

"""What the replicates of a plan can decide of its claims, before anything is trained.

Assumed: replicates spread by 10 % (measured on FID: 3 to 11 %), equal spreads in the arms compared,
and a chance of 80 % to see what is there. Tests are those of the judges: Welch's, with the level
shared by as many arms as Holm's correction may have to cover.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from scipy.optimize import brentq
from scipy.stats import nct, t

from ganablate.report.claims.hypothesis import margin_of
from ganablate.report.claims.judgement import NO_SPREAD
from ganablate.report.stats.statistics import ALPHA
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

    Two-sided, at alpha / tests; n >= 2. By the noncentral t (Cohen 1988, section 2).
    """
    limit = t.ppf(1 - alpha / tests / 2, 2 * n - 2)

    return _reaching(lambda effect: float(nct.sf(limit, 2 * n - 2, effect * math.sqrt(n / 2))))


def smallest_margin(n: int, tests: int = 1, *, alpha: float = ALPHA) -> float:
    """Standard deviations within which two equal arms of n are shown to lie, with 80 %.

    Two one-sided tests at alpha / tests; n >= 2. Both must reject, which is at least twice the
    chance of one less 1.
    """
    limit = t.ppf(1 - alpha / tests, 2 * n - 2)

    return _reaching(
        lambda margin: 2 * float(nct.sf(limit, 2 * n - 2, margin * math.sqrt(n / 2))) - 1
    )


def _reaching(power: Callable[[float], float]) -> float:
    """Where a growing power reaches `POWER`."""
    high = 1.0
    while power(high) < POWER and high < _MOST:
        high *= 2
    return float(brentq(lambda effect: power(effect) - POWER, 0, high))


def resolvable(plan: Plan) -> tuple[Resolvable, ...]:
    """For each claim that our trials judge, the smallest effect that its n can resolve."""
    return tuple(line for claim in plan.claims for line in _of(plan, claim))


def _of(plan: Plan, claim: Claim) -> Iterator[Resolvable]:
    if claim.budget not in (None, plan.budget):
        return
    statement, n = claim.statement, plan.replicates
    shape = statement if claim.curve is None else claim.curve.shape
    match shape:
        case Compare() | CurveSpread():
            margin = margin_of(shape.expected, shape.by, shape.within)
            yield _difference(claim.id, n, _tests(plan, claim, shape.to), margin, shape.expected)
        case Settles() | Reaches(until=None):
            to = () if shape.before is None else (shape.before,)
            yield _ranks(claim.id, n, _tests(plan, claim, to))
        case OutcomeRate():
            share = shape.at_most if shape.at_least is None else shape.at_least
            assert share is not None
            yield _share(claim.id, n, 1 - share if shape.at_least is None else share)
        case Relation() if shape.at_least < 1:
            yield _share(claim.id, n, shape.at_least)
        case Relation():
            yield _share(claim.id, n * len(_named(plan, shape.named)), 0.5)
        case Recovery() | Reaches():
            yield _share(claim.id, n, shape.at_least)
        case Points():
            yield _within(claim.id, n, margin_of(shape.expected, shape.by, shape.within))


def _named(plan: Plan, names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(arm.name for arm in plan.arms if not arm.null) if ALL in names else names


def _tests(plan: Plan, claim: Claim, to: tuple[str, ...]) -> int:
    """Over how many pairs Holm's correction goes; of several claimed ones each stands alone."""
    if len(_named(plan, getattr(claim.statement, "named", ()))) * max(1, len(to)) > 1 or to:
        return 1
    return max(1, sum(arm.compare_to is not None and not arm.null for arm in plan.arms))


def _difference(name: str, n: int, tests: int, margin: Margin | None, expected: str) -> Resolvable:
    if n < 2:
        return Resolvable(name, "one trial an arm has no spread to judge by", resolved=False)
    over = f"n {n}" if tests == 1 else f"n {n}, {tests} arms tested"
    if expected == "equivalent":
        assert margin is not None
        least = smallest_margin(n, tests)
        if margin.unit == "absolute":
            return Resolvable(name, f"shows equivalence within {least:.1f} spreads ({over})")
        ratio = math.exp(SPREAD * least)
        text = f"shows equivalence within {ratio:.2f}x at the least, claimed {margin} ({over})"
        return Resolvable(name, text, resolved=ratio <= margin.amount)
    least = smallest_effect(n, tests)
    ratio = math.exp(SPREAD * least)
    if margin is None:
        return Resolvable(name, f"finds {ratio:.2f}x or {least:.1f} spreads ({over})")
    if margin.unit == "absolute":
        return Resolvable(name, f"finds {least:.1f} spreads more than {margin} ({over})")
    return Resolvable(
        name, f"shows more than {margin} from {margin.amount * ratio:.2f}x on ({over})"
    )


def _within(name: str, n: int, margin: Margin | None) -> Resolvable:
    """A change within each trial: one spread of differences, so n - 1 degrees of freedom."""
    if n < 2:
        return Resolvable(name, NO_SPREAD, resolved=False)
    limit = t.ppf(1 - ALPHA / 2, n - 1)
    least = _reaching(lambda effect: float(nct.sf(limit, n - 1, effect * math.sqrt(n))))
    ratio = math.exp(SPREAD * least)
    beyond = f" more than {margin}" if margin is not None else ""
    return Resolvable(name, f"finds a change of {ratio:.2f}x{beyond} within trials (n {n})")


def _share(name: str, n: int, share: float) -> Resolvable:
    """A share is shown by n trials without an exception, if by any."""
    if share in (0, 1) or share**n <= ALPHA:
        return Resolvable(name, f"{n} of {n} trials show a share of {share:g} or more")
    needed = math.ceil(math.log(ALPHA) / math.log(share))
    text = f"{n} of {n} trials cannot show a share of {share:g}; {needed} can"
    return Resolvable(name, text, resolved=False)


def _ranks(name: str, n: int, tests: int) -> Resolvable:
    """Two arms of n in perfect order have the smallest exact p that there is."""
    p = min(1.0, 2 / math.comb(2 * n, n) * tests)
    text = f"ranks of n {n} give p {p:.3g} at best"
    return Resolvable(name, text, resolved=p <= ALPHA)

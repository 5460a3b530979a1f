"""How often so many replicates find a difference: said by `plan` and `validate` beforehand.

Assumed are normal replicates of equal spread. Given the two variances Welch's statistic has a
noncentral t distribution with 2 n - 2 degrees of freedom (Cohen 1988, section 2), and its threshold
depends on the share of the one variance in their sum alone, which has a beta distribution and is
independent of the sum. So the chance is an integral over that share, by Gauss and Jacobi's rule.
"""

import math

from ganablate.study.plan import Plan
from ganablate.text import counted

ENOUGH = 5
"""Replicates below which `plan` and `validate` warn."""
_LEVEL = 0.05
_EFFECT = 4.0
"""Standard deviations of one arm: a large difference, of which the warning speaks."""
_NODES = 60


def chance_found(n: int, effect: float, level: float) -> float:
    """The chance that a one-sided Welch test at `level` finds an arm so far off another.

    `n`, at least 2, are the replicates of both; `effect` is in standard deviations of one arm.
    """
    import numpy as np  # here, since a grid that needs no chance does not wait for scipy
    from scipy.special import nctdtr, roots_jacobi, stdtrit

    nodes, weights = roots_jacobi(_NODES, (n - 3) / 2, (n - 3) / 2)
    share = (1 + nodes) / 2
    freedom = (n - 1) / (share**2 + (1 - share) ** 2)
    missed = nctdtr(2 * n - 2, effect * math.sqrt(n / 2), stdtrit(freedom, 1 - level))
    # Far below the mean scipy gives NaN for a chance of nothing.
    return float(weights @ (1 - np.nan_to_num(missed)) / weights.sum())


def few_replicates(plan: Plan) -> str | None:
    """What so few replicates can find, in words; None: there are enough, or nothing is compared."""
    n = plan.replicates
    arms = sum(arm.compare_to is not None and not arm.null for arm in plan.arms)
    if n >= ENOUGH or not arms:
        return None
    if n < 2:
        return f"{plan.study}: one replicate has no spread, so that no arm gets a verdict"
    metrics = len(plan.primaries)
    tests = arms * metrics
    found, enough = (
        round(100 * chance_found(count, _EFFECT, _LEVEL / tests / 2)) for count in (n, ENOUGH)
    )
    of = f" with {metrics} primary metrics" if metrics > 1 else ""
    return (
        f"{plan.study}: {n} replicates find a difference of {_EFFECT:g} standard deviations in "
        f"{found} of 100 studies of {counted(arms, 'arm')}{of}; {ENOUGH} replicates in {enough}"
    )

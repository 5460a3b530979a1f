"""Judges every claim of a study: a table of kinds, and the rules that hold for all of them.

A claim tied to another budget, or about an arm that this budget does not have, is not tested here.
Nor is one about arms whose data set is of another family than the report's: a substitute never
supports or contradicts a claim, and our result is shown under its own name. Where a report names
no data set, or several, a claim's `data` adds those. Missing numbers leave a claim open.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pandas as pd

from ganablate.catalog import family_of
from ganablate.report.claims import wording
from ganablate.report.claims.arithmetic import judge_arithmetic
from ganablate.report.claims.association import judge_association
from ganablate.report.claims.compare import judge_compare, judge_none_stated
from ganablate.report.claims.curve import judge_curve
from ganablate.report.claims.finding import Evidence, Finding
from ganablate.report.claims.judgement import (
    CONTRADICTED,
    NONE_STATED,
    NOT_TESTED,
    Judgement,
)
from ganablate.report.claims.shares import judge_outcome, judge_relation
from ganablate.report.claims.shown import judge_visual
from ganablate.report.stats.statistics import ALPHA
from ganablate.study.claims.claims import ALL, Claim
from ganablate.study.plan import FULL, Plan

KINDS: dict[str, Callable[[Evidence, Any], Finding]] = {
    "compare": judge_compare,
    "outcome": judge_outcome,
    "relation": judge_relation,
    "curve": judge_curve,
    "association": judge_association,
    "arithmetic": judge_arithmetic,
    "visual": judge_visual,
    "none_stated": judge_none_stated,
}
"""Kind of claim -> its judge, `f(evidence, statement) -> finding`."""


def judge_claims(
    plan: Plan, trials: pd.DataFrame, curves: pd.DataFrame, *, alpha: float = ALPHA
) -> tuple[Judgement, ...]:
    """A judgement of each claim of the plan, in its order.

    Args:
        plan: The plan that the trials are of.
        trials: As `trials_frame` gives it, rows in any order.
        curves: As `curves_frame` gives it.
        alpha: Level of the verdicts; intervals are at 1 - alpha.
    """
    evidence = Evidence(plan, trials, curves, alpha)
    return tuple(_judgement(evidence, claim) for claim in plan.claims)


def _judgement(evidence: Evidence, claim: Claim) -> Judgement:
    found = _finding(evidence, claim)
    because = found.because
    if found.verdict == CONTRADICTED:
        because = claim.perhaps or because or _smaller(evidence, claim)
    return Judgement(
        id=claim.id,
        says=claim.says,
        kind=claim.kind,
        verdict=found.verdict,
        budget=evidence.plan.budget,
        arms=found.arms,
        numbers=found.numbers,
        because=because,
        estimate=found.estimate,
        low=found.low,
        high=found.high,
        p=found.p,
        n=found.n,
    )


def _smaller(evidence: Evidence, claim: Claim) -> str | None:
    if claim.kind == "arithmetic" or evidence.plan.budget == FULL:
        return None
    return (
        f"the budget {evidence.plan.budget} is smaller than the report's, which ran each arm once"
    )


def _finding(evidence: Evidence, claim: Claim) -> Finding:
    plan = evidence.plan
    names = named_arms(claim)
    if claim.budget not in (None, plan.budget):
        because = f"judged at the budget {claim.budget} only"
        return Finding(NOT_TESTED, "", names, because=because)
    lacking = [name for name in names if name not in evidence.arms]
    if lacking:
        because = f"the budget {plan.budget} has no arm {wording.names(lacking)}"
        return Finding(NOT_TESTED, "", names, because=because)
    found = KINDS[claim.kind](evidence, claim.statement)
    swapped = _swapped(evidence, claim, found)
    if swapped is None:
        return found
    there, here = swapped
    numbers = f"On {here}: {found.numbers.replace('See ', 'see ')}" if found.numbers else ""
    if found.verdict == NONE_STATED:
        return replace(found, numbers=numbers)
    because = f"this budget has {here} where the report has {there}"
    return replace(found, verdict=NOT_TESTED, numbers=numbers, because=because)


def named_arms(claim: Claim) -> tuple[str, ...]:
    """Every arm that the claim names, `all` left out."""
    statement = claim.statement
    named = [*getattr(statement, "named", ()), *getattr(statement, "to", ())]
    if claim.curve is not None:
        shape = claim.curve.shape
        named += [*getattr(shape, "to", ()), *([getattr(shape, "before", None)])]
    return tuple(dict.fromkeys(name for name in named if name not in (ALL, None)))


def _swapped(evidence: Evidence, claim: Claim, found: Finding) -> tuple[str, str] | None:
    """The report's data set and ours, where an arm that the claim rests on has another family."""
    allowed = {family_of(name) for name in claim.data}
    for arm in (*found.arms, *found.against):
        there, here = evidence.plan.substitutes.get(arm, ("", ""))
        if there and family_of(here) not in allowed:
            return there, here
    return None

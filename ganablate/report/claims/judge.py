"""Judges every claim of a study: a table of kinds, and the rules that hold for all of them.

A claim tied to another budget, or about an arm that this budget does not have, is not tested here.
Nor is one about arms whose data set is of another family than the report's: a substitute never
supports or contradicts a claim, and our result is shown under its own name. Where a report names
no data set, or several, a claim's `data` adds those. Missing numbers leave a claim open.

Claims about a report's own numbers are judged by decimal arithmetic: nothing of ours enters, and
their verdicts are words of their own. Those on our trainings say how near these come to the
report's (`report.claims.reach`).
"""

import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Any

import pandas as pd

from ganablate.catalog import family_of
from ganablate.report.claims.association import judge_association
from ganablate.report.claims.curve import judge_curve
from ganablate.report.claims.evidence import Evidence
from ganablate.report.claims.firmness import same_margins
from ganablate.report.claims.judgement import (
    CONTRADICTED,
    DOES_NOT_HOLD,
    HOLDS,
    MISPRINT,
    NONE_STATED,
    NOT_COMPARABLE,
    NOT_TESTED,
    NOT_WORKING,
    OF_THE_REPORT,
    OPPOSITE,
    SHOWN,
    SUPPORTED,
    UNCLEAR,
    Judgement,
    listed,
)
from ganablate.report.claims.pairs import judge_compare, judge_none_stated
from ganablate.report.claims.reach import at_reach
from ganablate.report.claims.shares import judge_outcome, judge_relation
from ganablate.report.frames.references import NO_REFERENCES, References
from ganablate.report.stats.statistics import ALPHA
from ganablate.report.table.cells import published_text
from ganablate.report.table.tables import reference_arm
from ganablate.study.claims.claims import ALL, Arithmetic, Claim, Visual
from ganablate.study.plan import Plan, PublishedNumber
from ganablate.text import counted

_COMPARE = {
    "above": operator.gt, "below": operator.lt, "at_least": operator.ge, "at_most": operator.le,
}  # fmt: skip
_OTHERWISE = {"does_not_hold": DOES_NOT_HOLD, "unclear": UNCLEAR, "misprint": MISPRINT}
Row = tuple[str, Decimal, Decimal]
"""An arm ("" of a sum), and the two numbers."""
FIGURES = {
    "samples": "figures/samples.png",
    "curves": "figures/losses.png",
    "walk": "figures/walk.png",
    "filters": "figures/filters.png",
    "arithmetic": "figures/arithmetic.png",
    "animation": "animation.gif of each trial under runs/trials",
}
"""What a claim shows -> where it is, from the folder of the study's results."""


def judge_arithmetic(evidence: Evidence, statement: Arithmetic) -> Judgement:
    """Whether it holds in every published row that has both numbers, or of the sum."""
    if statement.sum:
        total = sum((_exact(number) for number in statement.sum), Decimal(0))
        rows = [("", total, Decimal(statement.than))]
    else:
        rows = list(_rows(evidence.plan.published, statement))
    if not rows:
        because = "the report's numbers are of arms that this budget does not have"
        return Judgement(NOT_TESTED, because=because)
    broken = [row for row in rows if not _holds(row[1], row[2], statement)]
    verdict = _OTHERWISE[statement.otherwise] if broken else HOLDS
    n = "" if statement.sum else counted(len(rows), "row")
    return Judgement(verdict, _sentence(rows, broken, statement), n=n)


def _rows(published: Iterable[PublishedNumber], statement: Arithmetic) -> Iterator[Row]:
    """Each arm's two numbers; `than` may be a number itself."""
    by_arm: dict[str, dict[str, Decimal]] = {}
    for printed in published:
        by_arm.setdefault(printed.arm, {})[printed.name] = _exact(printed.value)
    names = {name for numbers in by_arm.values() for name in numbers}
    for arm, numbers in by_arm.items():
        if statement.published not in numbers:
            continue
        if statement.than in numbers:
            yield arm, numbers[statement.published], numbers[statement.than]
        elif statement.than not in names:
            yield arm, numbers[statement.published], Decimal(statement.than)


def _exact(number: float) -> Decimal:
    """The number as it was written: the shortest decimal that reads as the same float."""
    return Decimal(repr(number))


def _holds(number: Decimal, than: Decimal, statement: Arithmetic) -> bool:
    compare, within = _COMPARE.get(statement.expected), statement.within
    if compare is not None:
        return bool(compare(number, than))
    if within is None:
        return number == than
    amount = _exact(within.amount)
    if within.unit == "absolute":
        return abs(number - than) <= amount
    return number > 0 and than > 0 and max(number, than) <= amount * min(number, than)


def _sentence(rows: Sequence[Row], broken: Sequence[Row], statement: Arithmetic) -> str:
    words = "equal to" if statement.expected == "equal" else statement.expected.replace("_", " ")
    _, number, than = rows[0]
    if statement.sum:
        within = f" within {statement.within}" if statement.within else ""
        return f"They add up to {_text(number)}; claimed: {words} {_text(than)}{within}"
    if len(rows) == 1:
        return f"{statement.published}: {_text(number)}; {statement.than}: {_text(than)}"
    held = f"{len(rows) - len(broken)} of {counted(len(rows), 'row')}"
    text = f"{statement.published} {words} {statement.than} in {held}"
    if not broken:
        return text
    names = ", ".join(arm for arm, _, _ in broken)
    if len(broken) == 1:
        names += f" ({_text(broken[0][1])} and {_text(broken[0][2])})"
    return f"{text}; not in {len(broken)}: {names}"


def _text(number: Decimal) -> str:
    whole = number == number.to_integral_value() and abs(number) < 10**12
    return f"{int(number):,}" if whole else published_text(float(number))


def judge_visual(evidence: Evidence, statement: Visual) -> Judgement:
    """Shown, not judged: the name of the figure."""
    return Judgement(SHOWN, f"See {FIGURES[statement.show]}", evidence.named(statement.named))


_MAY_DIFFER = (CONTRADICTED, OPPOSITE, DOES_NOT_HOLD, UNCLEAR, MISPRINT)
"""Verdicts beside which a claim's `perhaps` stands."""
KINDS: dict[str, Callable[[Evidence, Any], Judgement]] = {
    "compare": judge_compare,
    "outcome": judge_outcome,
    "relation": judge_relation,
    "curve": judge_curve,
    "association": judge_association,
    "arithmetic": judge_arithmetic,
    "visual": judge_visual,
    "none_stated": judge_none_stated,
}
"""Kind of claim -> its judge, `f(evidence, statement) -> judgement`."""


def judge_claims(
    plan: Plan,
    trials: pd.DataFrame,
    curves: pd.DataFrame,
    *,
    references: References = NO_REFERENCES,
    alpha: float = ALPHA,
) -> tuple[Judgement, ...]:
    """A judgement of each claim of the plan, in its order.

    `trials` and `curves` are as `trials_frame` and `curves_frame` give them, rows in any order.
    `references` are its reference lines, where they are known. `alpha` is the level of the
    verdicts; intervals are at 1 - alpha.
    """
    evidence = Evidence(plan, trials, curves, alpha, references)
    return tuple(judge(claim, evidence) for claim in plan.claims)


def judge(claim: Claim, evidence: Evidence) -> Judgement:
    """What becomes of one claim."""
    judgement = _judged(claim, evidence)
    if claim.not_comparable and judgement.verdict in OF_THE_REPORT:
        judgement = replace(judgement, verdict=NOT_COMPARABLE, because=claim.not_comparable)
    if judgement.verdict in OF_THE_REPORT and judgement.p is not None:
        judge_statement = partial(KINDS[claim.kind], evidence)
        judgement = replace(judgement, margins=same_margins(claim, judge_statement))
    judgement = at_reach(judgement, evidence.plan)
    if judgement.verdict in _MAY_DIFFER and claim.perhaps:
        judgement = replace(judgement, because=claim.perhaps)
    return replace(
        judgement,
        id=claim.id,
        says=claim.says,
        tested_by=claim.tested_by or "",
        kind=claim.kind,
        budget=evidence.plan.budget,
    )


def _judged(claim: Claim, evidence: Evidence) -> Judgement:
    budget, names = evidence.plan.budget, _named_arms(claim)
    if claim.budget not in (None, budget):
        because = f"judged at the budget {claim.budget} only"
        return Judgement(NOT_TESTED, arms=names, because=because)
    lacking = [name for name in names if name not in evidence.arms]
    if lacking:
        because = f"the budget {budget} has no arm {listed(lacking)}"
        return Judgement(NOT_TESTED, arms=names, because=because)
    judgement = _of_working_arms(KINDS[claim.kind](evidence, claim.statement), claim, evidence)
    allowed = {family_of(name) for name in claim.data}
    for arm in (*judgement.arms, *judgement.against):
        reported, ours = evidence.plan.substitutes.get(arm, ("", ""))
        if reported and family_of(ours) not in allowed:
            return _of_substitute(judgement, reported, ours)
    return judgement


def _of_working_arms(judgement: Judgement, claim: Claim, evidence: Evidence) -> Judgement:
    """Without a verdict about quality that rests on an arm that does not work.

    A comparison at the end of training is judged so pair by pair, where it is made.
    """
    decided = judgement.verdict in (SUPPORTED, CONTRADICTED)
    if claim.kind not in ("relation", "curve", "association") or not decided:
        return judgement
    statement = claim.statement
    if getattr(statement, "over", "training") == "training":
        arms = judgement.against or judgement.arms
    else:  # over many arms, which are what they are beside the baseline
        arms = (reference_arm(evidence.plan).name,)
    columns = [getattr(statement, name, None) for name in ("metric", "than", "along")]
    reasons = (evidence.no_quality(arm, column) for column in columns if column for arm in arms)
    because = next(filter(None, reasons), None)
    if because is None:
        return judgement
    return replace(judgement, verdict=NOT_WORKING, because=because)


def _of_substitute(judgement: Judgement, reported: str, ours: str) -> Judgement:
    """The numbers stand, under the name of our data set; the claim about the report's does not."""
    if judgement.numbers:
        numbers = f"On {ours}: {judgement.numbers.replace('See ', 'see ')}"
        judgement = replace(judgement, numbers=numbers)
    if judgement.verdict == NONE_STATED:
        return judgement
    because = f"this budget has {ours} where the report has {reported}"
    return replace(judgement, verdict=NOT_TESTED, because=because)


def _named_arms(claim: Claim) -> tuple[str, ...]:
    """Every arm that the claim names, `all` left out."""
    statement = claim.statement
    names = [*getattr(statement, "named", ()), *getattr(statement, "to", ())]
    if claim.curve is not None:
        shape = claim.curve.shape
        names += [*getattr(shape, "to", ()), getattr(shape, "before", None)]
    return tuple(dict.fromkeys(name for name in names if name not in (ALL, None)))

"""Claims that compare arms at the end of training, and those that state no result."""

import math
from dataclasses import replace
from functools import cache

from ganablate.report.claims.difference import Claimed, Measured
from ganablate.report.claims.finding import Evidence, Finding, nothing
from ganablate.report.claims.hypothesis import margin_of, side_of
from ganablate.report.claims.judgement import NONE_STATED
from ganablate.report.claims.pairs import judge_pairs, pairs_of
from ganablate.report.frames.trials import protocol_columns
from ganablate.report.stats.loss_scale import loss_scale
from ganablate.report.table.tables import criterion_columns
from ganablate.study.claims.claims import Compare, NoneStated

_WORST = {"min": math.inf, "max": -math.inf, "none": None}


def column_of(evidence: Evidence, column: str) -> Measured:
    """A column of the study, comparable between arms of one protocol and one scale of losses."""
    plan = evidence.plan
    losses, stamped = criterion_columns(plan), protocol_columns(plan)

    def unlike(arm: str, other: str) -> str | None:
        if column in losses:
            return other_scale(evidence, arm, other)
        if column not in stamped:
            return None
        stamps = evidence.protocols(arm, column) | evidence.protocols(other, column)
        return f"{arm} and {other} are measured by different protocols" if len(stamps) > 1 else None

    direction = plan.columns[column].direction
    return Measured(
        title=plan.columns[column].title,
        of=lambda arm: evidence.replicates(arm, column),
        unlike=cache(unlike),
        direction=direction,
        worst=_WORST[direction],
        column=column,
    )


def other_scale(evidence: Evidence, arm: str, other: str) -> str | None:
    """Why the losses of two arms cannot be set beside each other; None: they can."""
    scales = [loss_scale(evidence.arms[name].config) for name in (arm, other)]
    if scales[0] == scales[1]:
        return None
    return f"losses of {scales[0]} and of {scales[1]} are on different scales"


def judge_compare(evidence: Evidence, statement: Compare) -> Finding:
    """A difference at the end of training."""
    column = statement.metric or evidence.plan.primary
    if column not in evidence.plan.columns:
        return nothing(statement.named, f"{column} is not measured here", statement.to)
    measured = column_of(evidence, column)
    margin = margin_of(statement.expected, statement.by, statement.within)
    side = side_of(statement.expected, measured.direction)
    pairs, family = pairs_of(evidence, statement.named, statement.to)
    return judge_pairs(evidence, measured, Claimed(pairs, family, side, margin))


def judge_none_stated(evidence: Evidence, statement: NoneStated) -> Finding:
    """Our effect in numbers; the report says no result, so there is nothing to judge."""
    column = statement.metric or evidence.plan.primary
    if column not in evidence.plan.columns:
        return replace(
            nothing(statement.named, f"{column} is not measured here"), verdict=NONE_STATED
        )
    pairs, family = pairs_of(evidence, statement.named, ())
    if not pairs:
        return Finding(NONE_STATED, "", evidence.named(statement.named))
    claimed = Claimed(pairs, family, "different", None)
    found = judge_pairs(evidence, column_of(evidence, column), claimed)
    return replace(found, verdict=NONE_STATED)

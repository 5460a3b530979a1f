"""Arms against others: the verdict on what is claimed of a number that each trial has.

Numbers are compared on the scale of the claim's margin: logs for a ratio, which takes positive
numbers of both arms, a difference for an amount; without a margin on the scale that the column has
in the table of arms (`report.stats.replicates`). The comparison is that of the table
(`report.stats.comparison`). An arm that only fails, where the other never does, is worse by any
ratio if the exact p of that is at most the level (as in `report.stats.effects`).

p is Holm's over as many comparisons as the table makes: each of its arms with the arm that the
claim names for it (`to`), else with its own, and of a primary metric those of every other primary
one. So a claim's p does not depend on how it is written.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from ganablate.catalog import Scale
from ganablate.report.claims.evidence import Evidence
from ganablate.report.claims.hypothesis import (
    Tested,
    hypothesis_of,
    joint_judgement,
    margin_of,
    scale_of,
    side_of,
)
from ganablate.report.claims.judgement import (
    CANNOT_TELL,
    CONTRADICTED,
    NO_SPREAD,
    NONE_STATED,
    NOT_COMPARABLE,
    NOT_WORKING,
    SUPPORTED,
    Judgement,
    undecided,
)
from ganablate.report.frames.trials import PROTOCOL, protocol_columns
from ganablate.report.stats.comparison import WORST, Comparison, Hypothesis, Side, difference_of
from ganablate.report.stats.effects import compared_arms
from ganablate.report.stats.replicates import Replicates, effect_scale, summaries
from ganablate.report.stats.statistics import Summary
from ganablate.report.table.tables import criterion_columns
from ganablate.study.claims.claims import Association, Compare, Curve, NoneStated
from ganablate.study.reading.fields import Margin

Pair = tuple[str, str]
"""An arm, and the arm that it is compared with."""
_MOST_SHOWN = 4
"""Pairs that a sentence holds; more are counted."""
_COUNTS = {
    "shown": SUPPORTED, "the opposite shown": CONTRADICTED, "open": CANNOT_TELL,
    "not comparable": NOT_COMPARABLE, "no baseline that works": NOT_WORKING,
}  # fmt: skip
NOT_POSITIVE = "a ratio needs numbers above 0, and some are not"


@dataclass(frozen=True)
class Quantity:
    """A number that trials have, and what must be known to compare it.

    `of` gives an arm's replicates. `incomparable` says why two arms cannot be compared, None: they
    can. `direction` is the column's; `worst` is where a trial without a number ranks, None where it
    has no place. `ranked`: by ranks alone, infinite numbers among them.
    """

    title: str
    of: Callable[[str], Replicates]
    incomparable: Callable[[str, str], str | None]
    direction: str = "none"
    worst: float | None = None
    ranked: bool = False
    column: str = ""


@dataclass(frozen=True)
class ClaimedPairs:
    """What is claimed of pairs of arms; Holm's correction is over those of `family`.

    `some`: it is claimed of one of them, whichever.
    """

    pairs: tuple[Pair, ...]
    family: tuple[Pair, ...]
    side: Side
    margin: Margin | None = None
    some: bool = False


def judge_compare(evidence: Evidence, statement: Compare) -> Judgement:
    """A difference at the end of training."""
    column = statement.metric or evidence.plan.primary
    if column not in evidence.plan.columns:
        return undecided(statement.named, f"{column} is not measured here", statement.to)
    quantity = column_quantity(evidence, column)
    side = side_of(statement.expected, quantity.direction)
    claimed = claimed_pairs(evidence, statement, statement.to, side, margin_of(statement))
    return judge_pairs(evidence, quantity, replace(claimed, some=bool(statement.some)))


def judge_none_stated(evidence: Evidence, statement: NoneStated) -> Judgement:
    """Our effect in numbers; the report says no result, so there is nothing to judge."""
    column = statement.metric or evidence.plan.primary
    claimed = claimed_pairs(evidence, statement, (), "different")
    if column not in evidence.plan.columns:
        judgement = undecided(statement.named, f"{column} is not measured here")
    elif not claimed.pairs:
        return Judgement(NONE_STATED, arms=evidence.named(statement.named))
    else:
        judgement = judge_pairs(evidence, column_quantity(evidence, column), claimed)
    return replace(judgement, verdict=NONE_STATED)


def column_quantity(evidence: Evidence, column: str) -> Quantity:
    """A column of the study, comparable between arms of one protocol and one scale of losses."""
    plan = evidence.plan
    losses, stamped = criterion_columns(plan), protocol_columns(plan)

    def incomparable(arm: str, other: str) -> str | None:
        if column in losses:
            return evidence.other_loss_scale(arm, other)
        if column not in stamped:
            return None
        trials = (evidence.complete(name) for name in (arm, other))
        stamps = {stamp for rows in trials for stamp in rows[column + PROTOCOL].dropna()}
        return f"{arm} and {other} are measured by different protocols" if len(stamps) > 1 else None

    direction = plan.columns[column].direction
    return Quantity(
        title=plan.columns[column].title,
        of=lambda arm: evidence.replicates(arm, column),
        incomparable=cache(incomparable),
        direction=direction,
        worst=WORST[direction],
        column=column,
    )


def claimed_pairs(
    evidence: Evidence,
    statement: Compare | Curve | Association | NoneStated,
    to: Sequence[str],
    side: Side,
    margin: Margin | None = None,
) -> ClaimedPairs:
    """Each arm of the statement against those of `to`, or else against its own reference."""
    table = compared_arms(evidence.arms.values())
    arms = evidence.named(statement.named, to)
    if to:
        pairs = tuple((arm, other) for arm in arms for other in to)
    else:
        pairs = tuple(pair for pair in table.items() if pair[0] in arms)
    claimed = {frozenset(pair) for pair in pairs}
    others = tuple(
        pair for pair in table.items() if pair[0] not in arms and frozenset(pair) not in claimed
    )
    return ClaimedPairs(pairs, (*pairs, *others), side, margin)


def judge_pairs(evidence: Evidence, quantity: Quantity, claimed: ClaimedPairs) -> Judgement:
    """The verdict on all pairs together."""
    if not claimed.pairs:
        return undecided((), "none of these arms is compared with another")
    comparisons = _PairComparisons(evidence, quantity, claimed)
    family = {(quantity.column, pair): comparisons.of(pair) for pair in claimed.family}
    family |= _of_other_primaries(evidence, quantity.column)

    def sentence(results: Sequence[Tested], verdicts: Sequence[str]) -> str:
        texts = []
        for x in results:
            parts = (x.note, x.interval_text, x.tested_text(claimed.margin, evidence.alpha))
            texts.append(", ".join(part for part in parts if part) or "no number")
        return _sentence(quantity.title, claimed.pairs, texts, verdicts)

    keys = [(quantity.column, pair) for pair in claimed.pairs]
    judgement = joint_judgement(family, keys, evidence.alpha, sentence, some=claimed.some)
    arms, others = zip(*claimed.pairs, strict=True)
    return replace(judgement, arms=tuple(dict.fromkeys(arms)), against=tuple(dict.fromkeys(others)))


def _of_other_primaries(evidence: Evidence, column: str) -> dict[tuple[str, Pair], Tested]:
    """What the table tests beside a primary metric: every arm in each other one with numbers."""
    plan = evidence.plan
    family: dict[tuple[str, Pair], Tested] = {}
    others = [
        name
        for name in plan.primaries
        if name != column
        and name in plan.columns
        and any(evidence.replicates(arm, name).numbers for arm in evidence.arms)
    ]
    pairs = tuple(compared_arms(evidence.arms.values()).items())
    for name in others if column in plan.primaries else ():
        claimed = ClaimedPairs(pairs, pairs, "different")
        comparisons = _PairComparisons(evidence, column_quantity(evidence, name), claimed)
        family |= {(name, pair): comparisons.of(pair) for pair in pairs}
    return family


class _PairComparisons:
    """Estimates and tests pairs of arms; what pairs with the same reference share is kept."""

    def __init__(self, evidence: Evidence, quantity: Quantity, claimed: ClaimedPairs) -> None:
        self.evidence, self.quantity, self.claimed = evidence, quantity, claimed
        self._shared = cache(self._of_reference)

    def of(self, pair: Pair) -> Tested:
        """One pair by itself; without numbers that can be compared, the verdict and why."""
        arm, other = pair
        ours, theirs = self.quantity.of(arm), self.quantity.of(other)
        tested = Tested((ours.n, theirs.n), self._hypothesis("difference"))
        incomparable = self.quantity.incomparable(arm, other)
        if incomparable is not None:
            return replace(tested, decided=NOT_COMPARABLE, because=incomparable)
        if min(tested.n) == 0:
            because = f"no trial of {other if ours.n else arm} has this number yet"
            return replace(tested, decided=CANNOT_TELL, because=because)
        scale, arms = self._shared(other)
        if scale == "ratio" and not (ours.positive and theirs.positive):
            return replace(tested, decided=NOT_COMPARABLE, because=NOT_POSITIVE)
        difference = difference_of(arms, arm, other)
        comparison = Comparison(ours, theirs, scale, difference, self.quantity.worst)
        tested = self._measured(tested, comparison)
        open_verdict = self._left_open(pair, comparison)
        if open_verdict is not None:
            decided, because = open_verdict
            return replace(tested, decided=decided, because=because)
        return tested if tested.rule is None else replace(tested, decided=SUPPORTED)

    def _left_open(self, pair: Pair, comparison: Comparison) -> tuple[str, str] | None:
        """Why a pair with numbers is not judged by them, as a verdict and its reason."""
        arm, other = pair
        column, worst = self.quantity.column, self.quantity.worst
        because = self.evidence.not_working(other, column) or self.evidence.no_quality(
            other, column
        )
        if because is not None:
            return NOT_WORKING, because
        # Where an arm is claimed to be worse, that it does not work is what is claimed.
        sides = () if worst is None else ("above" if worst > 0 else "below", "different")
        because = None if self.claimed.side in sides else self.evidence.not_working(arm, column)
        if because is None and comparison.fewest == 1:
            because = NO_SPREAD
        return None if because is None else (CANNOT_TELL, because)

    def _hypothesis(self, scale: Scale) -> Hypothesis:
        return hypothesis_of(self.claimed.side, self.claimed.margin, scale)

    def _of_reference(self, reference: str) -> tuple[Scale, dict[str, Summary]]:
        """The scale, and the summaries of the arms that can be compared with this one on it."""
        if self.quantity.ranked:
            return "difference", {}
        arms = {
            name: self.quantity.of(name)
            for name in self.evidence.arms
            if name == reference or self.quantity.incomparable(name, reference) is None
        }
        if self.claimed.margin is not None:
            scale = scale_of(self.claimed.margin)
        else:
            scale = effect_scale(self.quantity.column, arms.values())
        if scale == "ratio":
            arms = {name: arm for name, arm in arms.items() if arm.positive}
        return scale, summaries(arms, scale)

    def _measured(self, tested: Tested, comparison: Comparison) -> Tested:
        hypothesis = self._hypothesis(comparison.scale)
        result = comparison.test(hypothesis)
        tested = replace(tested, hypothesis=hypothesis, result=result)
        if self.quantity.ranked:
            return replace(tested, note=_medians(comparison))
        notes = []
        if comparison.diverged:
            counts = f"{comparison.ours.diverged} and {comparison.theirs.diverged}"
            notes.append(f"{counts} trials diverged" + (", by ranks" if result is not None else ""))
        rule, p = None, comparison.fails_p
        if p is not None and self.quantity.direction != "none":
            text = f"all {comparison.ours.complete} trials fail, none of the other's"
            rule = f"{text}, exact p {p:.3g}"
            if p > self.evidence.alpha:  # no verdict by itself
                rule = None
                notes.append(f"{text} (exact p {p:.3g})")
        low, high = comparison.interval(self.evidence.alpha)
        return replace(
            tested,
            estimate=comparison.estimate,
            low=low,
            high=high,
            note=", ".join(notes) or None,
            rule=rule,
            fails_p=None if rule is None else p,
        )


def _medians(comparison: Comparison) -> str:
    sides = (comparison.ours, comparison.theirs)
    medians = [float(np.median(side.on("difference"))) for side in sides]
    ours, theirs = (f"{x:,.0f}" if math.isfinite(x) else "never" for x in medians)
    return f"median {ours} against {theirs} images"


def _sentence(
    title: str, pairs: Sequence[Pair], texts: Sequence[str], verdicts: Sequence[str]
) -> str:
    """`FID against baseline: a x1.34 [1.12, 1.60], p 0.003; b ...`; many arms are counted."""
    arms, others = (set(names) for names in zip(*pairs, strict=True))
    if len(arms) == 1 and len(others) > 1:
        head, names = f"{title} of {pairs[0][0]}", [f"against {other}" for _, other in pairs]
    elif len(others) == 1:
        head, names = f"{title} against {pairs[0][1]}", [arm for arm, _ in pairs]
    else:
        head, names = title, [f"{arm} against {other}" for arm, other in pairs]
    parts = [f"{name} {text}" for name, text in zip(names, texts, strict=True)]
    if len(parts) <= _MOST_SHOWN:
        return f"{head}: {'; '.join(parts)}"
    counts = [
        f"{label} for {verdicts.count(verdict)}"
        for label, verdict in _COUNTS.items()
        if verdict in verdicts
    ]
    text = f"{head}, {len(parts)} arms: {', '.join(counts)}"
    against = [part for part, x in zip(parts, verdicts, strict=True) if x == CONTRADICTED]
    return f"{text} ({'; '.join(against[:_MOST_SHOWN])})" if against else text

"""Claims that something holds in so many of an arm's trials: outcomes, and relations in a trial.

k of n trials are set against the claimed share by exact one-sided limits (Clopper and Pearson 1934,
Biometrika 26, 404-413): the claim is supported if the lower limit reaches the share, contradicted
if the upper one stays below it. A claim about every trial (a share of 1) cannot be shown by
counting. It takes all its arms' trials together, is contradicted by one counterexample, and is
supported where it held in every trial and there are so many that this would be unlikely if it held
in half of them: five at 5 %.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from scipy.stats import binomtest

from ganablate.report.claims import wording
from ganablate.report.claims.finding import Evidence, Finding, nothing
from ganablate.report.claims.judgement import (
    CANNOT_TELL,
    CONTRADICTED,
    SUPPORTED,
)
from ganablate.report.stats.statistics import holm
from ganablate.study.claims.claims import OutcomeRate, Relation
from ganablate.trials.outcome import FAILURES

_UNLIKELY = 0.5
"""The share that a claim about every trial is tested against."""


@dataclass(frozen=True)
class Count:
    """In how many of an arm's trials it held, of those where that can be said; `left`: others."""

    arm: str
    held: int
    n: int
    left: int = 0


def limits(held: int, n: int, alpha: float) -> tuple[float, float]:
    """Exact one-sided limits of a share, each at `alpha`."""
    interval = binomtest(held, n).proportion_ci(1 - 2 * alpha, method="exact")
    return float(interval.low), float(interval.high)


def judge_outcome(evidence: Evidence, statement: OutcomeRate) -> Finding:
    """The share of trials with an outcome. A trial that was not assessed counts as neither."""
    meant = FAILURES if statement.expected == "fails" else (statement.expected,)
    counts = []
    for arm in evidence.named(statement.named):
        known = evidence.outcomes(arm)
        held = sum(one in meant for one in known)
        counts.append(Count(arm, held, len(known), len(evidence.complete(arm)) - len(known)))
    share = statement.at_most if statement.at_least is None else statement.at_least
    assert share is not None
    what = "fail" if statement.expected == "fails" else f"are {statement.expected}"
    return judge_counts(counts, share, what, evidence.alpha, most=statement.at_least is None)


def judge_relation(evidence: Evidence, statement: Relation) -> Finding:
    """One column against another of the same trial; trials without both numbers are left out."""
    plan, arms = evidence.plan, evidence.named(statement.named)
    titles = [plan.columns[name].title for name in (statement.metric, statement.than)]
    counts = [_related(evidence, arm, statement) for arm in arms]
    by = f" by {statement.by}" if statement.by else ""
    what = f"have {titles[0]} {statement.expected} {titles[1]}{by}"
    return judge_counts(counts, statement.at_least, what, evidence.alpha)


def _related(evidence: Evidence, arm: str, statement: Relation) -> Count:
    own = evidence.complete(arm)
    both = own[[statement.metric, statement.than]].dropna()
    held = 0
    for _, row in both.iterrows():
        high, low = float(row[statement.metric]), float(row[statement.than])
        if statement.expected == "below":
            high, low = low, high
        held += _exceeds(high, low, statement)
    return Count(arm, held, len(both), len(own) - len(both))


def _exceeds(high: float, low: float, statement: Relation) -> bool:
    by = statement.by
    if by is None:
        return high > low
    if by.unit == "absolute":
        return high - low >= by.amount
    return low > 0 and high >= by.amount * low


def judge_counts(
    counts: Sequence[Count], share: float, what: str, alpha: float, *, most: bool = False
) -> Finding:
    """The verdict on k of n for each arm; `most`: the share is an upper bound."""
    arms = tuple(one.arm for one in counts)
    left = sum(one.left for one in counts)
    trials = f"{left} complete trial{'' if left == 1 else 's'}"
    because = f"{trials} could not be assessed" if left else None
    known = [one for one in counts if one.n]
    if len(known) < len(counts) or not counts:
        lacking = wording.names([one.arm for one in counts if not one.n]) if counts else "any arm"
        return nothing(arms, because or f"no trial of {lacking} is complete yet")
    universal = share == (0 if most else 1)
    pooled = Count("", sum(one.held for one in known), sum(one.n for one in known))
    judged = [pooled] if universal else known
    support, against = zip(*(_p(one, share, most, universal) for one in judged), strict=True)
    # As for pairs of arms: support of each by itself, contradiction of one after Holm.
    verdict, p = CANNOT_TELL, max(support)
    if float(holm(against).min()) <= alpha:
        verdict, p = CONTRADICTED, float(holm(against).min())
    elif max(support) <= alpha:
        verdict = SUPPORTED
    key = judged[(against if verdict == CONTRADICTED else support).index(
        min(against) if verdict == CONTRADICTED else max(support)
    )]  # fmt: skip
    low, high = limits(key.held, key.n, alpha)
    parts = [f"{one.held} of {one.n} trials of {one.arm}" for one in known]
    if len(parts) > 4:
        parts = [f"{pooled.held} of {pooled.n} trials of {len(known)} arms"]
    limit = f"limits {wording.percent(low)} and {wording.percent(high)}"
    text = f"{', '.join(parts)} {what}" + (f" ({limit})" if len(judged) == len(parts) == 1 else "")
    return Finding(
        verdict, text, arms, because=because, estimate=key.held / key.n, low=low, high=high,
        p=p, n=wording.trials([one.n for one in known]),
    )  # fmt: skip


def _p(count: Count, share: float, most: bool, universal: bool) -> tuple[float, float]:
    """P that the share is reached, and that it is not: one-sided, exact."""
    held, n = (count.n - count.held, count.n) if most else (count.held, count.n)
    least = 1 - share if most else share
    if universal:
        return (_UNLIKELY**n, 1.0) if held == n else (1.0, 0.0)
    reached = float(binomtest(held, n, least, alternative="greater").pvalue)
    return reached, float(binomtest(held, n, least, alternative="less").pvalue)

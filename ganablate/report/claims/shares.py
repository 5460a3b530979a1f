"""Claims that something holds in so many of an arm's trials: outcomes, and relations in a trial.

k of n trials are set against the claimed share by the exact interval of Clopper and Pearson (1934,
Biometrika 26, 404-413): the claim is supported if the lower limit reaches the share, contradicted
if the upper one stays below it. p is two-sided, twice that of the binomial tail, so that it agrees
with the interval. A claim about every trial (a share of 1) cannot be shown by counting. It takes
all its arms' trials together, is contradicted by one counterexample, and is supported where it held
in every trial and there are so many that this would be unlikely if it held in half of them: six at
5 %.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from scipy.stats import binomtest

from ganablate.report.claims.evidence import Evidence
from ganablate.report.claims.hypothesis import exceeds
from ganablate.report.claims.judgement import (
    CANNOT_TELL,
    CONTRADICTED,
    SUPPORTED,
    Judgement,
    listed,
    trials_an_arm,
    undecided,
)
from ganablate.report.stats.statistics import holm
from ganablate.study.claims.claims import OutcomeRate, Relation
from ganablate.text import counted, joined, percent
from ganablate.trials.outcome import FAILURES

_UNLIKELY = 0.5
"""The share that a claim about every trial is tested against."""
_MOST_ARMS = 4
"""Arms whose counts a sentence holds; more are counted together."""


@dataclass(frozen=True)
class Count:
    """In how many of an arm's trials it held, of the `n` where that can be said; `left`: others."""

    arm: str
    held: int
    n: int
    left: int = 0


def limits(held: int, n: int, alpha: float) -> tuple[float, float]:
    """Ends of Clopper and Pearson's exact interval of a share, at 1 - alpha."""
    interval = binomtest(held, n).proportion_ci(1 - alpha, method="exact")
    return float(interval.low), float(interval.high)


def judge_outcome(evidence: Evidence, statement: OutcomeRate) -> Judgement:
    """The share of trials with an outcome. A trial that was not assessed counts as neither."""
    meant = FAILURES if statement.expected == "fails" else (statement.expected,)
    counts = []
    for arm in evidence.named(statement.named):
        outcomes = evidence.outcomes(arm)
        held = sum(outcome in meant for outcome in outcomes)
        left = len(evidence.complete(arm)) - len(outcomes)
        counts.append(Count(arm, held, len(outcomes), left))
    share = statement.at_most if statement.at_least is None else statement.at_least
    assert share is not None
    what = "fail" if statement.expected == "fails" else f"are {statement.expected}"
    return judge_counts(counts, share, what, evidence.alpha, most=statement.at_least is None)


def judge_relation(evidence: Evidence, statement: Relation) -> Judgement:
    """One column against another of the same trial; trials without both numbers are left out."""
    columns = [statement.metric, statement.than]
    counts = []
    for arm in evidence.named(statement.named):
        trials = evidence.complete(arm)
        pairs = trials[columns].dropna().to_numpy(dtype=float).tolist()
        held = sum(_holds(value, than, statement) for value, than in pairs)
        counts.append(Count(arm, held, len(pairs), len(trials) - len(pairs)))
    title, than_title = (evidence.plan.columns[name].title for name in columns)
    by = f" by {statement.by}" if statement.by else ""
    what = f"have {title} {statement.expected} {than_title}{by}"
    return judge_counts(counts, statement.at_least, what, evidence.alpha)


def _holds(value: float, than: float, statement: Relation) -> bool:
    high, low = (than, value) if statement.expected == "below" else (value, than)
    return high > low if statement.by is None else exceeds(high, low, statement.by)


def judge_counts(
    counts: Sequence[Count], share: float, what: str, alpha: float, *, most: bool = False
) -> Judgement:
    """The verdict on k of n for each arm.

    `share` is the least that is claimed, with `most` an upper bound. `what` the trials do is in
    words: "fail".
    """
    arms = tuple(count.arm for count in counts)
    left = sum(count.left for count in counts)
    because = f"{counted(left, 'complete trial')} could not be assessed" if left else None
    empty = [count.arm for count in counts if not count.n] if counts else ["any arm"]
    if empty:
        return undecided(arms, because or f"no trial of {listed(empty)} is complete yet")
    is_universal = share == (0 if most else 1)
    judged = [_pooled(counts)] if is_universal else list(counts)
    verdict, p, place = _decided([_p(count, share, most=most) for count in judged], alpha)
    key = judged[place]
    low, high = limits(key.held, key.n, alpha)
    parts = _parts([_pooled(counts)] if len(counts) > _MOST_ARMS else counts)
    text = f"{joined(parts)} {what}"
    if len(judged) == len(parts) == 1:
        text += f" (limits {percent(round(low, 2))} and {percent(round(high, 2))})"
    return Judgement(
        verdict=verdict,
        numbers=text,
        arms=arms,
        because=because,
        estimate=key.held / key.n,
        low=low,
        high=high,
        p=p,
        n=trials_an_arm([count.n for count in counts]),
    )


def _pooled(counts: Sequence[Count]) -> Count:
    held, n = sum(count.held for count in counts), sum(count.n for count in counts)
    return Count(counted(len(counts), "arm"), held, n)


def _parts(counts: Sequence[Count]) -> list[str]:
    return [f"{count.held} of {counted(count.n, 'trial')} of {count.arm}" for count in counts]


def _decided(ps: Sequence[tuple[float, float]], alpha: float) -> tuple[str, float, int]:
    """The verdict, the p that decided it, and which of the counts it is of.

    As for pairs of arms: support of each by itself, contradiction of one after Holm.
    """
    reached, missed = zip(*ps, strict=True)
    p_missed = float(holm(missed).min())
    if p_missed <= alpha:
        return CONTRADICTED, p_missed, missed.index(min(missed))
    p = max(reached)
    place = reached.index(p)
    return (SUPPORTED if p <= alpha else CANNOT_TELL), min(p, missed[place]), place


def _p(count: Count, share: float, *, most: bool) -> tuple[float, float]:
    """Two-sided exact p, given to the side that is shown: the share is reached, or it is not."""
    held, least = (count.n - count.held, 1 - share) if most else (count.held, share)
    if least == 1 and held < count.n:
        return 1.0, 0.0
    against = _UNLIKELY if least == 1 else least
    reached = binomtest(held, count.n, against, alternative="greater").pvalue
    missed = binomtest(held, count.n, against, alternative="less").pvalue
    return min(1.0, 2 * float(reached)), min(1.0, 2 * float(missed))

"""Arms against others: the verdict on what is claimed of a number that each trial has.

p is Holm's over all arms that the study compares on this number, or over the claim's own where it
says `to`. Of several arms the claim holds only if it is shown of each: then each test at the level
by itself is valid (an intersection-union test: Berger 1982, Technometrics 24, 295-300). It is
contradicted if the opposite is shown of one, after Holm.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ganablate.report.claims import wording
from ganablate.report.claims.difference import (
    Claimed,
    Comparison,
    Difference,
    Measured,
    Pair,
)
from ganablate.report.claims.finding import Evidence, Finding, nothing
from ganablate.report.claims.hypothesis import Tested, side_of
from ganablate.report.claims.judgement import (
    CANNOT_TELL,
    CONTRADICTED,
    NOT_COMPARABLE,
    SUPPORTED,
    deciding,
    joint,
)
from ganablate.report.stats.statistics import holm

_MOST_SHOWN = 4
"""Pairs that a sentence holds; more are counted."""


def pairs_of(
    evidence: Evidence, named: Sequence[str], to: Sequence[str]
) -> tuple[tuple[Pair, ...], tuple[Pair, ...]]:
    """The pairs that a claim is about, and those that Holm's correction is over."""
    linked = {
        arm.name: arm.compare_to
        for arm in evidence.arms.values()
        if arm.compare_to in evidence.arms
    }
    if to:
        pairs = tuple((arm, other) for arm in evidence.named(named, to) for other in to)
        return pairs, pairs
    every = tuple((arm, other) for arm, other in linked.items() if other is not None)
    chosen = [arm for arm in evidence.named(named) if arm in linked]
    return tuple(pair for pair in every if pair[0] in chosen), every


def judge_pairs(evidence: Evidence, measured: Measured, claimed: Claimed) -> Finding:
    """The verdict on all pairs together."""
    if not claimed.pairs:
        return nothing((), "none of these arms is compared with another")
    alpha = evidence.alpha
    every = tuple(dict.fromkeys((*claimed.pairs, *claimed.family)))
    compare = Comparison(evidence, measured, claimed)
    found = {pair: compare.of(pair) for pair in every}
    shown = _shown(found, measured, claimed, alpha)
    if len(claimed.pairs) == 1 or set(shown.verdicts) != {SUPPORTED}:
        shown = _shown(_corrected(found, claimed), measured, claimed, alpha)
    verdict, place = joint(shown.verdicts), deciding(shown.verdicts, shown.p)
    key = shown.ours[place]
    return Finding(
        verdict=verdict,
        numbers=_sentence(shown, measured, claimed, alpha),
        arms=tuple(dict.fromkeys(arm for arm, _ in claimed.pairs)),
        against=tuple(dict.fromkeys(other for _, other in claimed.pairs)),
        because=key.because if verdict in (CANNOT_TELL, NOT_COMPARABLE) else None,
        estimate=key.estimate,
        low=key.low,
        high=key.high,
        p=shown.p[place],
        n=wording.trials([n for one in shown.ours for n in one.n]),
    )


@dataclass(frozen=True)
class _Shown:
    """The claimed pairs with a verdict each, and the p that decided it."""

    ours: tuple[Difference, ...]
    verdicts: tuple[str, ...]
    p: tuple[float | None, ...]


def _shown(
    found: Mapping[Pair, Difference], measured: Measured, claimed: Claimed, alpha: float
) -> _Shown:
    ours = tuple(found[pair] for pair in claimed.pairs)
    verdicts = tuple(_verdict(one, measured, claimed, alpha) for one in ours)
    return _Shown(ours, verdicts, tuple(_p(one, claimed, alpha) for one in ours))


def _p(one: Difference, claimed: Claimed, alpha: float) -> float | None:
    """The p that decided, or that would have."""
    if one.rule is not None or one.tested is None:
        return one.rule_p
    return one.tested.decisive(claimed.meant(one.scale), alpha)[0]


def _corrected(found: Mapping[Pair, Difference], claimed: Claimed) -> dict[Pair, Difference]:
    """The same with Holm's p over the family."""
    tests = [found[pair].tested for pair in claimed.family]
    beyond = holm([math.nan if one is None else one.beyond for one in tests])
    even = holm([math.nan if one is None else one.even for one in tests])
    corrected = dict(found)
    for pair, one, p, q in zip(claimed.family, tests, beyond, even, strict=True):
        if one is not None:
            tested = Tested(float(p), one.toward, float(q))
            corrected[pair] = replace(found[pair], tested=tested)
    return corrected


def _verdict(one: Difference, measured: Measured, claimed: Claimed, alpha: float) -> str:
    if one.verdict is not None:
        return one.verdict
    if one.rule is not None:
        worse = side_of("worse", measured.direction)
        return SUPPORTED if claimed.side in (worse, "different") else CONTRADICTED
    return one.tested.verdict(claimed.meant(one.scale), alpha) if one.tested else CANNOT_TELL


def _sentence(shown: _Shown, measured: Measured, claimed: Claimed, alpha: float) -> str:
    """`FID against baseline: a x1.34 [1.12, 1.60], p 0.003; b ...`; many arms are counted."""
    ours, verdicts = shown.ours, shown.verdicts
    others = list(dict.fromkeys(one.pair[1] for one in ours))
    arms = list(dict.fromkeys(one.pair[0] for one in ours))
    if len(arms) == 1 and len(others) > 1:
        head, names = f"{measured.title} of {arms[0]}", [f"against {one.pair[1]}" for one in ours]
    elif len(others) == 1:
        head, names = f"{measured.title} against {others[0]}", [one.pair[0] for one in ours]
    else:
        head, names = measured.title, [f"{one.pair[0]} against {one.pair[1]}" for one in ours]
    parts = [f"{name} {_part(one, claimed, alpha)}" for name, one in zip(names, ours, strict=True)]
    if len(parts) <= _MOST_SHOWN:
        return f"{head}: {'; '.join(parts)}"
    counts = {
        "shown": SUPPORTED, "the opposite shown": CONTRADICTED, "open": CANNOT_TELL,
        "not comparable": NOT_COMPARABLE,
    }  # fmt: skip
    counted = [
        f"{label} for {verdicts.count(known)}"
        for label, known in counts.items()
        if known in verdicts
    ]
    against = [part for part, one in zip(parts, verdicts, strict=True) if one == CONTRADICTED]
    text = f"{head}, {len(parts)} arms: {', '.join(counted)}"
    return f"{text} ({'; '.join(against[:_MOST_SHOWN])})" if against else text


def _part(one: Difference, claimed: Claimed, alpha: float) -> str:
    shown = wording.effect(one.estimate, one.low, one.high, one.scale)
    tested = wording.tested(one.tested, claimed.meant(one.scale), claimed.margin, alpha)
    facts = [one.note, shown, one.rule or tested]
    return ", ".join(fact for fact in facts if fact) or "no number"

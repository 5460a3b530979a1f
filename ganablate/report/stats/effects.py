"""What each arm changes in the primary metric, against the arm that it is compared with.

The effect is that of running the arm: saturated and collapsed trials count with their numbers. A
diverged trial has none and ranks worst, so its arm has no mean effect but an exact rank test. An
arm whose every replicate failed, where none did of the arm it is compared with, is worse by rule.
Replicates are compared unpaired: that arms share seeds does not make them alike, and a choice made
after looking would not keep the error; how much they are alike is measured and said. A null arm is
one look at the noise: it neither enters the correction nor steadies the others' variances.
"""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from ganablate.catalog import Scale
from ganablate.report.stats.replicates import (
    Replicates,
    effect_scale,
    replicates_of,
    steadied_summaries,
)
from ganablate.report.stats.statistics import (
    ALPHA,
    Array,
    Correlation,
    Summary,
    fails_p,
    holm,
    rank_p,
    replicate_correlation,
    standard_size,
    summary,
    welch,
)
from ganablate.study.plan import Plan

MARGIN = 1.25
"""Ratios from 1/1.25 to 1.25 count as equivalent. A difference has no margin of its own."""
FAILS, ONE, OPEN, EQUIVALENT = "fails", "one replicate", "cannot tell at this n", "equivalent"
_VERDICTS = {
    "min": ("better", "worse", f"worse ({FAILS})"),
    "max": ("worse", "better", f"worse ({FAILS})"),
    "none": ("lower", "higher", FAILS),
}
"""Direction -> what a lower value is, what a higher one is, what an arm is that only fails."""


@dataclass(frozen=True)
class Effect:
    """An arm against another; None is missing. `estimate`, `low`, `high` are on the scale.

    `p` and `equivalence_p` are Holm's over the study's arms, `..._alone` those of this arm only.
    `size` is in standard deviations; `fails_p` is Fisher's, where the rule about failures decides.
    """

    compared_to: str
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    size: float | None = None
    p_alone: float | None = None
    p: float | None = None
    equivalence_p_alone: float | None = None
    equivalence_p: float | None = None
    fails_p: float | None = None
    verdict: str | None = None


@dataclass(frozen=True)
class StudyEffects:
    """Effects of a column by arm, and what must be known to read them.

    Verdicts are at the level `alpha`, intervals at 1 - alpha. `null` names the arms without p and
    verdict, since they change nothing but the seeds.
    """

    column: str
    scale: Scale
    direction: str
    by_arm: Mapping[str, Effect]
    replicates: Mapping[str, Replicates]
    correlation: Correlation | None
    alpha: float = ALPHA
    null: tuple[str, ...] = ()

    @property
    def tested(self) -> int:
        """How many arms Holm's correction is over."""
        return sum(effect.p is not None for effect in self.by_arm.values())


def study_effects(
    trials: pd.DataFrame,
    plan: Plan,
    apart: Collection[str] = (),
    column: str | None = None,
    *,
    alpha: float = ALPHA,
) -> StudyEffects | None:
    """Compare each arm with its `compare_to`.

    Args:
        trials: As `trials_frame` gives it.
        plan: The plan that the trials are of.
        apart: Arms whose number is of another protocol or criterion: neither compared nor compared
            with.
        column: Of the plan's columns; None: the primary one.
        alpha: Level of the verdicts, between 0 and 1; lower than ALPHA where looks took place.

    Returns:
        None where no arm is compared with another, or the column is not measured. Arms without
        anything to compare are not in it.
    """
    column = column or plan.primary
    names = {arm.name for arm in plan.arms}
    pairs = {arm.name: arm.compare_to for arm in plan.arms if arm.compare_to in names}
    if column not in plan.columns or not pairs:
        return None
    replicates = {name: replicates_of(trials, name, column) for name in sorted(names - set(apart))}
    scale = effect_scale(column, replicates.values())
    null = tuple(arm.name for arm in plan.arms if arm.null)
    steady = steadied_summaries({k: one for k, one in replicates.items() if k not in null}, scale)
    steady |= steadied_summaries({k: one for k, one in replicates.items() if k in null}, scale)
    how = Comparison(scale, plan.columns[column].direction, alpha)
    found = {
        name: compare(
            replicates[name], replicates[other], _both(steady, name, other), how, compared_to=other
        )
        for name, other in pairs.items()
        if other is not None and name in replicates and other in replicates
    }
    tested = {name: one for name, one in found.items() if name not in null}
    correlation = replicate_correlation(
        [
            _shared(replicates[name], replicates[one.compared_to], scale)
            for name, one in tested.items()
        ]
    )
    judged = _judged(tested, replicates, how)
    by_arm = {name: judged.get(name, replace(one, fails_p=None)) for name, one in found.items()}
    return StudyEffects(column, scale, how.direction, by_arm, replicates, correlation, alpha, null)


def _shared(ours: Replicates, theirs: Replicates, scale: Scale) -> tuple[Array, Array]:
    both = sorted(set(ours.numbers) & set(theirs.numbers))
    kept = [replace(one, numbers={key: one.numbers[key] for key in both}) for one in (ours, theirs)]
    return kept[0].on(scale), kept[1].on(scale)


@dataclass(frozen=True)
class Comparison:
    """How effects are said: on which scale, which way is better, and at which level."""

    scale: Scale
    direction: str
    alpha: float


def _known(number: float | Array) -> float | None:
    return float(number) if math.isfinite(number) else None


def _both(
    summaries: Mapping[str, Summary], name: str, other: str
) -> tuple[Summary, Summary] | None:
    known = summaries.get(name), summaries.get(other)
    return None if known[0] is None or known[1] is None else (known[0], known[1])


def compare(
    ours: Replicates,
    theirs: Replicates,
    summaries: tuple[Summary, Summary] | None,
    how: Comparison,
    *,
    compared_to: str,
) -> Effect:
    """The effect of one group of replicates against another, with the p of this pair alone.

    Args:
        ours: The replicates whose effect it is.
        theirs: Those that they are compared with.
        summaries: Of both on the scale of `how`; None: an interval and p cannot be had of them.
        how: Scale, direction, and the level that the interval leaves.
        compared_to: What `theirs` are called.
    """
    scale, direction = how.scale, how.direction
    effect = Effect(compared_to=compared_to)
    if min(ours.n, theirs.n) == 0:
        return effect
    if min(ours.n, theirs.n) > 1 and _fails(ours, theirs):
        exact = fails_p(ours.failed, ours.complete, theirs.failed, theirs.complete)
        effect = replace(effect, fails_p=exact)
    if ours.diverged or theirs.diverged:
        enough = min(ours.n, theirs.n) > 1 and direction != "none"
        return replace(effect, p_alone=_ranked(ours, theirs, direction) if enough else None)
    back = np.exp if scale == "ratio" else float
    mean = float(ours.on(scale).mean() - theirs.on(scale).mean())
    effect = replace(effect, estimate=_known(back(mean)))
    if summaries is None:
        return effect
    difference = welch(*summaries)
    with np.errstate(over="ignore"):  # an end beyond every number is no end
        ends = [_known(back(end)) for end in difference.interval(1 - how.alpha)]
    p = _known(difference.p())
    even = _known(difference.p_equivalent(math.log(MARGIN))) if scale == "ratio" else None
    return replace(
        effect,
        low=ends[0] if None not in ends else None,
        high=ends[1] if None not in ends else None,
        size=_known(standard_size(summary(ours.on(scale)), summary(theirs.on(scale)))),
        # Two arms without any spread: only ranks can be compared.
        p_alone=_ranked(ours, theirs, direction) if p is None else p,
        equivalence_p_alone=even,
    )


def _fails(ours: Replicates, theirs: Replicates) -> bool:
    return ours.failed == ours.complete > 0 and theirs.failed == 0


def _ranked(ours: Replicates, theirs: Replicates, direction: str) -> float:
    return rank_p(*(_with_diverged(one, direction) for one in (ours, theirs)))


def _with_diverged(one: Replicates, direction: str) -> Array:
    worst = -math.inf if direction == "max" else math.inf
    return np.concatenate([one.on("difference"), np.full(one.diverged, worst)])


def corrected(alone: Sequence[float | None]) -> list[float | None]:
    """P of each pair alone -> Holm's over all pairs that have one; the others stay missing."""
    return [_known(p) for p in holm([math.nan if p is None else p for p in alone])]


def _judged(
    found: Mapping[str, Effect], replicates: Mapping[str, Replicates], how: Comparison
) -> dict[str, Effect]:
    """The effects with Holm's p over all of them, and verdicts."""
    ps = corrected([effect.p_alone for effect in found.values()])
    evens = corrected([effect.equivalence_p_alone for effect in found.values()])
    judged = {}
    for (name, effect), p, even in zip(found.items(), ps, evens, strict=True):
        full = replace(effect, p=p, equivalence_p=even)
        verdict = _verdict(full, replicates[name], replicates[effect.compared_to], how)
        judged[name] = replace(full, verdict=verdict)
    return judged


def _verdict(effect: Effect, ours: Replicates, theirs: Replicates, how: Comparison) -> str | None:
    lower, higher, fails = _VERDICTS[how.direction]
    if min(ours.n, theirs.n) < 2:
        return ONE if min(ours.n, theirs.n) == 1 else None
    if effect.fails_p is not None:
        return fails
    # A small difference can be shown and still lie within the margin: then the difference is the
    # verdict, and its interval says how small it is.
    if effect.p is not None and effect.p <= how.alpha:
        if effect.estimate is not None:
            return higher if effect.estimate > (1 if how.scale == "ratio" else 0) else lower
        values = [_with_diverged(one, how.direction) for one in (ours, theirs)]
        ranks = rankdata(np.concatenate(values))
        return higher if ranks[: ours.n].mean() > ranks.mean() else lower
    if effect.equivalence_p is not None and effect.equivalence_p <= how.alpha:
        return EQUIVALENT
    return OPEN


def effect_columns(effects: StudyEffects, arms: Iterable[str]) -> pd.DataFrame:
    """Columns of the table of arms, a row an arm in this order; missing where nothing is compared.

    compared_to, effect, effect_low, effect_high, effect_level (of the interval, 0.95), effect_scale
    ("ratio" or "difference"), effect_size (standard deviations), effect_p (Holm),
    effect_equivalence_p (Holm), effect_fails_p (Fisher, alone), verdict.
    """
    found = [effects.by_arm.get(name) for name in arms]
    known = [one is not None and one.estimate is not None for one in found]
    texts = {
        "compared_to": [one and one.compared_to for one in found],
        "effect_scale": [effects.scale if is_known else None for is_known in known],
        "verdict": [one and one.verdict for one in found],
    }
    numbers = {
        "effect": [one and one.estimate for one in found],
        "effect_low": [one and one.low for one in found],
        "effect_high": [one and one.high for one in found],
        # The level is a decimal fraction: 1 - 0.05 is not quite 0.95 for every alpha.
        "effect_level": [
            round(1 - effects.alpha, 12) if one and one.low is not None else None for one in found
        ],
        "effect_size": [one and one.size for one in found],
        "effect_p": [one and one.p for one in found],
        "effect_equivalence_p": [one and one.equivalence_p for one in found],
        "effect_fails_p": [one and one.fails_p for one in found],
    }
    order = [
        "compared_to", "effect", "effect_low", "effect_high", "effect_level", "effect_scale",
        "effect_size", "effect_p", "effect_equivalence_p", "effect_fails_p", "verdict",
    ]  # fmt: skip
    typed = pd.DataFrame(texts, dtype="string").join(pd.DataFrame(numbers, dtype="float64"))
    return typed[order]

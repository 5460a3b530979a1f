"""What each arm changes in a metric, against the arm that it is compared with.

The effect is that of running the arm: saturated and collapsed trials count with their numbers. A
diverged trial has none and ranks worst, so its arm has no mean effect but an exact rank test. An
arm whose every replicate failed, where none did of the arm it is compared with, fails if Fisher's
exact p is at most the level. Replicates are compared unpaired: that arms share seeds does not make
them alike, and a choice made after looking would not keep the error; how much they are alike is
measured and said. A null arm is one look at the noise: it does not enter the correction.
"""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from ganablate.catalog import Scale
from ganablate.report.design import ComparedArm
from ganablate.report.stats.comparison import (
    MARGIN,
    WORST,
    Comparison,
    Hypothesis,
    corrected,
    difference_of,
    finite,
)
from ganablate.report.stats.replicates import Replicates, effect_scale, summaries
from ganablate.report.stats.statistics import ALPHA, Array, Correlation, replicate_correlation

FAILS, ONE, OPEN, EQUIVALENT = "fails", "one replicate", "cannot tell at this n", "equivalent"
_VERDICTS = {
    "min": ("better", "worse", f"worse ({FAILS})"),
    "max": ("worse", "better", f"worse ({FAILS})"),
    "none": ("lower", "higher", FAILS),
}
"""Direction -> what a lower value is, what a higher one is, what an arm is that only fails."""
_FAILING = {fails for _, _, fails in _VERDICTS.values()}


@dataclass(frozen=True)
class Effect:
    """An arm against another; None is missing. `estimate`, `low`, `high` are on the scale.

    `p` and `equivalence_p` are Holm's over the study's tests, `..._alone` those of this arm only.
    `size` is in standard deviations; `fails_p` is Fisher's, where every replicate of the arm failed
    and none of the other's. `higher` says on which side the arm lies by the test that gave
    `p_alone`.
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
    higher: bool | None = None
    verdict: str | None = None

    @property
    def fails(self) -> bool:
        """Whether the verdict is that the arm only fails."""
        return self.verdict in _FAILING


@dataclass(frozen=True)
class StudyEffects:
    """Effects of a column by arm, and what must be known to read them.

    Verdicts are at the level `alpha`, intervals at 1 - alpha. `null` names the arms without p and
    verdict, since they change nothing but the seeds. Holm's correction is over `tests`: this
    column's arms, and those of the columns that are judged with it.
    """

    column: str
    scale: Scale
    direction: str
    by_arm: Mapping[str, Effect]
    replicates: Mapping[str, Replicates]
    correlation: Correlation | None
    alpha: float = ALPHA
    null: tuple[str, ...] = ()
    tests: int = 0

    @property
    def judged(self) -> tuple[str, ...]:
        """The arms that get a verdict, where they have numbers."""
        return tuple(name for name in self.by_arm if name not in self.null)

    @property
    def tested(self) -> int:
        """How many of this column's arms Holm's correction is over."""
        return sum(effect.p is not None for effect in self.by_arm.values())

    def verdict_of(self, arm: str, effect: Effect) -> str | None:
        """The verdict on an arm's effect once its p is corrected."""
        fewest = min(self.replicates[name].n for name in (arm, effect.compared_to))
        if fewest < 2:
            return ONE if fewest == 1 else None
        lower, higher, fails = _VERDICTS[self.direction]
        if effect.fails_p is not None and effect.fails_p <= self.alpha:
            return fails
        # A small difference can be shown and still lie within the margin: then the difference is
        # the verdict, and its interval says how small it is.
        if effect.p is not None and effect.p <= self.alpha:
            return higher if effect.higher else lower
        if effect.equivalence_p is not None and effect.equivalence_p <= self.alpha:
            return EQUIVALENT
        return OPEN


def compared_arms(arms: Iterable[ComparedArm]) -> dict[str, str]:
    """Arm -> the one of them that it is compared with, for those that have one."""
    references = {arm.name: arm.compare_to for arm in arms}
    return {name: other for name, other in references.items() if other in references and other}


def null_arms(arms: Iterable[ComparedArm]) -> tuple[str, ...]:
    """Names of the arms that change nothing but the seeds."""
    return tuple(arm.name for arm in arms if arm.null)


def column_effects(
    replicates: Mapping[str, Replicates],
    references: Mapping[str, str],
    column: str,
    direction: str,
    *,
    null: Collection[str] = (),
    alpha: float = ALPHA,
) -> StudyEffects | None:
    """Compare arms with their references (arm -> the arm that it is compared with), one by one.

    `replicates` leaves out an arm whose number is of another protocol or criterion: it is neither
    compared nor compared with. `direction` is the column's: "min", "max" or "none"; `null` names
    the null arms. `alpha`, between 0 and 1, is lower than ALPHA where looks took place. The result
    is None where no arm is compared with another; its verdicts, and p after the correction, come
    from `judged_together`.
    """
    if not references:
        return None
    scale = effect_scale(column, replicates.values())
    arms = summaries(replicates, scale)
    effects = {}
    for name, reference in references.items():
        if name in replicates and reference in replicates:
            difference = difference_of(arms, name, reference)
            pair = replicates[name], replicates[reference]
            comparison = Comparison(*pair, scale, difference, WORST[direction])
            effects[name] = effect_of(comparison, reference, alpha)
    for name in effects.keys() & set(null):
        effects[name] = replace(effects[name], fails_p=None)
    pairs = [
        (replicates[name], replicates[effect.compared_to])
        for name, effect in effects.items()
        if name not in null
    ]
    correlation = replicate_correlation(_shared(pairs, scale))
    return StudyEffects(
        column, scale, direction, effects, replicates, correlation, alpha, tuple(null)
    )


def judged_together(columns: Sequence[StudyEffects]) -> list[StudyEffects]:
    """The effects on several columns with Holm's p over every arm of each of them, and verdicts.

    A study with two primary metrics is judged on both at once: its correction is over arms x
    metrics, so that 5 % is the chance of a wrong verdict anywhere.
    """
    corrected_effects = with_holm(x.by_arm[name] for x in columns for name in x.judged)
    tests = sum(effect.p is not None for effect in corrected_effects)
    following = iter(corrected_effects)
    results = []
    for effects in columns:
        by_arm = dict(effects.by_arm)
        for name in effects.judged:
            effect = next(following)
            by_arm[name] = replace(effect, verdict=effects.verdict_of(name, effect))
        results.append(replace(effects, by_arm=by_arm, tests=tests))
    return results


def _shared(
    pairs: Iterable[tuple[Replicates, Replicates]], scale: Scale
) -> list[tuple[Array, Array]]:
    """The numbers of the replicates that both of a pair have."""
    shared = []
    for ours, theirs in pairs:
        both = ours.numbers.keys() & theirs.numbers.keys()
        kept = [replace(x, numbers={key: x.numbers[key] for key in both}) for x in (ours, theirs)]
        shared.append((kept[0].on(scale), kept[1].on(scale)))
    return shared


def effect_of(comparison: Comparison, compared_to: str, alpha: float) -> Effect:
    """The effect of the first group on its own p alone; the interval is at 1 - alpha."""
    scale, difference = comparison.scale, comparison.difference
    result = comparison.test(Hypothesis("above", scale))
    equivalence = None
    if difference is not None and scale == "ratio":
        equivalence = finite(difference.p_equivalent(math.log(MARGIN)))
    low, high = comparison.interval(alpha)
    return Effect(
        compared_to=compared_to,
        estimate=comparison.estimate,
        low=low,
        high=high,
        size=comparison.size,
        p_alone=None if result is None else result.beyond,
        equivalence_p_alone=equivalence,
        fails_p=comparison.fails_p,
        higher=None if result is None else result.toward,
    )


def with_holm(effects: Iterable[Effect]) -> list[Effect]:
    """The effects with Holm's p over all of them."""
    alone = list(effects)
    ps = corrected([effect.p_alone for effect in alone])
    equivalence_ps = corrected([effect.equivalence_p_alone for effect in alone])
    return [
        replace(effect, p=p, equivalence_p=equivalence_p)
        for effect, p, equivalence_p in zip(alone, ps, equivalence_ps, strict=True)
    ]


_COLUMNS = {
    "compared_to": "string", "effect": "float64", "effect_low": "float64",
    "effect_high": "float64", "effect_level": "float64", "effect_scale": "string",
    "effect_size": "float64", "effect_p": "float64", "effect_equivalence_p": "float64",
    "effect_fails_p": "float64", "verdict": "string",
}  # fmt: skip
"""Of the table of arms, in order, with their types."""
OF_A_COLUMN = tuple(name for name in _COLUMNS if name != "compared_to")
"""Those that an arm has for each primary metric."""


def effect_columns(effects: StudyEffects, arms: Iterable[str]) -> pd.DataFrame:
    """Columns of the table of arms, a row an arm in this order; missing where nothing is compared.

    They are those of `Effect`, with the scale ("ratio" or "difference") and the level of the
    interval (0.95); each p is Holm's but `effect_fails_p`, which is Fisher's.
    """
    rows = [_row(effects.by_arm.get(name), effects) for name in arms]
    return pd.DataFrame(rows, columns=list(_COLUMNS), dtype=object).astype(_COLUMNS)


def _row(effect: Effect | None, effects: StudyEffects) -> dict[str, object]:
    if effect is None:
        return {}
    row = {name: getattr(effect, name.removeprefix("effect_"), None) for name in _COLUMNS}
    return row | {
        "effect": effect.estimate,
        # The level is a decimal fraction: 1 - 0.05 is not quite 0.95 for every alpha.
        "effect_level": None if effect.low is None else round(1 - effects.alpha, 12),
        "effect_scale": None if effect.estimate is None else effects.scale,
    }

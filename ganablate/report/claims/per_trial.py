"""One number from each trial, tested over an arm's trials: a change, a trend, a correlation.

The mean is tested by Student's t and has its interval; where a trial's number is infinite (a
diverged one) or all are equal, the signs of the numbers decide, exactly. Of several arms the claim
holds only if it is shown of each, and is contradicted if the opposite is shown of one after Holm.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ganablate.report.claims.hypothesis import decisive_p, interval_text, tested_text, verdict_of
from ganablate.report.claims.judgement import (
    CANNOT_TELL,
    NO_SPREAD,
    SUPPORTED,
    Judgement,
    deciding,
    joint,
    left_out,
    listed,
    trials_an_arm,
    undecided,
)
from ganablate.report.stats.comparison import Hypothesis, TestResult, by_signs, by_t, with_holm
from ganablate.report.stats.statistics import Array, Difference
from ganablate.study.reading.fields import Margin


@dataclass(frozen=True)
class PerTrial:
    """Arm -> its trials' numbers [n] on the scale of the hypothesis; NaN: a trial without one.

    `back` undoes the scale for a reader. `step` is the least standard deviation that numbers on
    their grid can tell: trials that agree on every pair of points still do not know more. With
    `bare` a number is shown as it is, else as a ratio or a signed difference. No number can lie
    outside of `limits`, so no interval is shown to.
    """

    title: str
    values: Mapping[str, Array]
    hypothesis: Hypothesis
    margin: Margin | None = None
    back: Callable[[float], float] = float
    step: float = 0.0
    bare: bool = False
    limits: tuple[float, float] = (-math.inf, math.inf)


@dataclass(frozen=True)
class _ArmResult:
    """An arm's `n` numbers, with the `lacking` trials that have none."""

    name: str
    n: int
    lacking: int
    mean: float = math.nan
    low: float | None = None
    high: float | None = None
    result: TestResult | None = None


def judge_per_trial(numbers: PerTrial, alpha: float) -> Judgement:
    """The verdict over all arms."""
    arms: Sequence[_ArmResult] = [
        _tested(name, values, numbers, alpha) for name, values in numbers.values.items()
    ]
    empty = [arm.name for arm in arms if arm.n == 0]
    if empty or not arms:
        where = f" of {listed(empty)}" if empty else ""
        return undecided(list(numbers.values), f"no trial{where} has these numbers yet")
    arms = _corrected(arms, numbers.hypothesis, alpha)
    results = [arm.result for arm in arms]
    verdicts = [verdict_of(result, numbers.hypothesis, alpha) for result in results]
    ps = [decisive_p(result, numbers.hypothesis, alpha) for result in results]
    verdict, place = joint(verdicts), deciding(verdicts, ps)
    key, because = arms[place], left_out(sum(arm.lacking for arm in arms))
    if verdict == CANNOT_TELL and None in results:
        because = NO_SPREAD
    return Judgement(
        verdict=verdict,
        numbers=_sentence(arms, numbers, alpha),
        arms=tuple(numbers.values),
        because=because,
        estimate=numbers.back(key.mean) if math.isfinite(key.mean) else None,
        low=key.low,
        high=key.high,
        p=ps[place],
        n=trials_an_arm([arm.n for arm in arms]),
    )


def _corrected(
    arms: Sequence[_ArmResult], hypothesis: Hypothesis, alpha: float
) -> Sequence[_ArmResult]:
    """With Holm's p, unless every arm supports the claim by itself."""
    results = [arm.result for arm in arms]
    if {verdict_of(result, hypothesis, alpha) for result in results} == {SUPPORTED}:
        return arms
    corrected = zip(arms, with_holm(results), strict=True)
    return [replace(arm, result=result) for arm, result in corrected]


def _tested(name: str, values: Array, numbers: PerTrial, alpha: float) -> _ArmResult:
    measured = values[~np.isnan(values)]
    n = len(measured)
    arm = _ArmResult(name, n, len(values) - n)
    if n == 0:
        return arm
    finite = bool(np.isfinite(measured).all())
    mean = float(np.mean(measured)) if finite else float(np.median(measured))
    arm = replace(arm, mean=mean)
    if n == 1:
        return arm
    deviation = max(float(np.std(measured, ddof=1)), numbers.step) if finite else 0.0
    # What is left of equal numbers after rounding is no spread.
    if deviation <= 1e-12 * max(1.0, abs(mean)):
        return replace(arm, result=by_signs(measured, numbers.hypothesis))
    error = deviation / math.sqrt(n)
    difference = Difference(np.array(mean), np.array(error), np.array(float(n - 1)))
    arm = replace(arm, result=by_t(difference, numbers.hypothesis))
    with np.errstate(over="ignore"):
        ends = np.clip(difference.interval(1 - alpha), *numbers.limits)
        low, high = (float(numbers.back(float(end))) for end in ends)
    bounded = math.isfinite(low) and math.isfinite(high)
    return replace(arm, low=low, high=high) if bounded else arm


def _sentence(arms: Sequence[_ArmResult], numbers: PerTrial, alpha: float) -> str:
    parts = (f"{arm.name} {_text(arm, numbers, alpha)}" for arm in arms)
    return f"{numbers.title}: {'; '.join(parts)}"


def _text(arm: _ArmResult, numbers: PerTrial, alpha: float) -> str:
    hypothesis = numbers.hypothesis
    margin: Margin | str | None = numbers.margin
    if numbers.bare and hypothesis.margin is not None:
        margin = f"{numbers.back(hypothesis.margin):.2g}"
    tested = tested_text(arm.result, hypothesis, margin, alpha)
    return _mean_text(arm, numbers) + (f", {tested}" if tested else "")


def _mean_text(arm: _ArmResult, numbers: PerTrial) -> str:
    if not math.isfinite(arm.mean):
        return "diverged"
    estimate = numbers.back(arm.mean)
    if not numbers.bare:
        scale = numbers.hypothesis.scale
        return interval_text(estimate, arm.low, arm.high, scale) or "no number"
    has_interval = arm.low is not None and arm.high is not None
    return f"{estimate:.2f}" + (f" [{arm.low:.2f}, {arm.high:.2f}]" if has_interval else "")

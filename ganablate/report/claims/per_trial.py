"""One number from each trial, tested over an arm's trials: a change, a trend, a correlation.

The mean is tested by Student's t and has its interval; where a trial's number is infinite (a
diverged one) or all are equal, the signs of the numbers decide, exactly.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ganablate.report.claims.hypothesis import Tested, joint_judgement
from ganablate.report.claims.judgement import (
    CANNOT_TELL,
    NO_SPREAD,
    Judgement,
    left_out,
    listed,
    undecided,
)
from ganablate.report.stats.comparison import Hypothesis, by_signs, by_t
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


def judge_per_trial(numbers: PerTrial, alpha: float) -> Judgement:
    """The verdict over all arms."""
    measured = {arm: values[~np.isnan(values)] for arm, values in numbers.values.items()}
    empty = [arm for arm, values in measured.items() if not len(values)]
    if empty or not measured:
        where = f" of {listed(empty)}" if empty else ""
        return undecided(list(measured), f"no trial{where} has these numbers yet")
    tested = {arm: _tested(values, numbers, alpha) for arm, values in measured.items()}
    margin: Margin | str | None = numbers.margin
    if numbers.bare and numbers.hypothesis.margin is not None:
        margin = f"{numbers.back(numbers.hypothesis.margin):.2g}"

    def sentence(results: Sequence[Tested], _verdicts: Sequence[str]) -> str:
        parts = []
        for arm, result in zip(measured, results, strict=True):
            test = result.tested_text(margin, alpha)
            parts.append(f"{arm} {_mean_text(result, numbers)}" + (f", {test}" if test else ""))
        return f"{numbers.title}: {'; '.join(parts)}"

    judgement = joint_judgement(tested, list(tested), alpha, sentence)
    because = left_out(sum(len(numbers.values[arm]) - len(x) for arm, x in measured.items()))
    if judgement.verdict == CANNOT_TELL and any(x.result is None for x in tested.values()):
        because = NO_SPREAD
    return replace(judgement, arms=tuple(tested), because=because)


def _tested(values: Array, numbers: PerTrial, alpha: float) -> Tested:
    n = len(values)
    finite = bool(np.isfinite(values).all())
    mean = float(np.mean(values)) if finite else float(np.median(values))
    estimate = numbers.back(mean) if math.isfinite(mean) else None
    tested = Tested((n,), numbers.hypothesis, estimate)
    if n == 1:
        return tested
    deviation = max(float(np.std(values, ddof=1)), numbers.step) if finite else 0.0
    # What is left of equal numbers after rounding is no spread.
    if deviation <= 1e-12 * max(1.0, abs(mean)):
        return replace(tested, result=by_signs(values, numbers.hypothesis))
    error = deviation / math.sqrt(n)
    difference = Difference(np.array(mean), np.array(error), np.array(float(n - 1)))
    tested = replace(tested, result=by_t(difference, numbers.hypothesis))
    with np.errstate(over="ignore"):
        ends = np.clip(difference.interval(1 - alpha), *numbers.limits)
        low, high = (float(numbers.back(float(end))) for end in ends)
    bounded = math.isfinite(low) and math.isfinite(high)
    return replace(tested, low=low, high=high) if bounded else tested


def _mean_text(tested: Tested, numbers: PerTrial) -> str:
    if tested.estimate is None:
        return "diverged"
    if not numbers.bare:
        return tested.interval_text or "no number"
    text = f"{tested.estimate:.2f}"
    return text if tested.low is None else f"{text} [{tested.low:.2f}, {tested.high:.2f}]"

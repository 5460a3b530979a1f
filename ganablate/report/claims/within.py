"""One number from each trial, tested over an arm's trials: a change, a trend, a correlation.

The mean is tested by Student's t and has his interval; where a trial's number is infinite (a
diverged one) or all are equal, the signs of the numbers decide, exactly. Of several arms the claim
holds only if it is shown of each, and is contradicted if the opposite is shown of one after Holm.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from ganablate.report.claims import wording
from ganablate.report.claims.finding import Finding, nothing
from ganablate.report.claims.hypothesis import Meant, Tested, by_signs, by_t
from ganablate.report.claims.judgement import CANNOT_TELL, SUPPORTED, deciding, joint
from ganablate.report.stats.statistics import Array, Difference, holm
from ganablate.study.reading.fields import Margin


@dataclass(frozen=True)
class Within:
    """Arm -> its trials' numbers [n] on the scale of `meant`; NaN: a trial without one.

    `back` undoes the scale for a reader. `step` is the least standard deviation that numbers on
    their grid can tell: trials that agree on every pair of points still do not know more. With
    `bare` a number is shown as it is, else as a ratio or a signed difference. No number can lie
    outside of `limits`, so no interval is shown to.
    """

    title: str
    values: Mapping[str, Array]
    meant: Meant
    margin: Margin | None = None
    back: Callable[[float], float] = float
    step: float = 0.0
    bare: bool = False
    limits: tuple[float, float] = (-math.inf, math.inf)


@dataclass(frozen=True)
class _Arm:
    name: str
    n: int
    left: int
    mean: float
    low: float | None
    high: float | None
    tested: Tested | None


def judge_within(within: Within, alpha: float) -> Finding:
    """The verdict over all arms."""
    arms = [_arm(name, values, within, alpha) for name, values in within.values.items()]
    names = [one.name for one in arms]
    if not arms or any(one.n == 0 for one in arms):
        lacking = [one.name for one in arms if one.n == 0]
        where = f" of {wording.names(lacking)}" if lacking else ""
        return nothing(names, f"no trial{where} has these numbers yet")
    arms, meant = _corrected(arms, within.meant, alpha), within.meant
    verdicts = [one.tested.verdict(meant, alpha) if one.tested else CANNOT_TELL for one in arms]
    ps = [one.tested.decisive(meant, alpha)[0] if one.tested else None for one in arms]
    verdict, place = joint(verdicts), deciding(verdicts, ps)
    key, because = arms[place], wording.left_out(sum(one.left for one in arms))
    if verdict == CANNOT_TELL and any(one.tested is None for one in arms):
        because = "one trial has no spread to judge by"
    about = [f"{one.name} {_part(one, within, alpha)}" for one in arms]
    return Finding(
        verdict=verdict,
        numbers=f"{within.title}: {'; '.join(about)}",
        arms=tuple(names),
        because=because,
        estimate=within.back(key.mean) if math.isfinite(key.mean) else None,
        low=key.low,
        high=key.high,
        p=ps[place],
        n=wording.trials([one.n for one in arms]),
    )


def _corrected(arms: list[_Arm], meant: Meant, alpha: float) -> list[_Arm]:
    """With Holm's p, unless every arm supports the claim by itself."""
    tests = [one.tested for one in arms]
    if all(one is not None and one.verdict(meant, alpha) == SUPPORTED for one in tests):
        return arms
    beyond = holm([math.nan if one is None else one.beyond for one in tests])
    even = holm([math.nan if one is None else one.even for one in tests])
    return [
        replace(arm, tested=test and Tested(float(p), test.toward, float(q)))
        for arm, test, p, q in zip(arms, tests, beyond, even, strict=True)
    ]


def _arm(name: str, values: Array, within: Within, alpha: float) -> _Arm:
    known = values[~np.isnan(values)]
    left = len(values) - len(known)
    if not len(known):
        return _Arm(name, 0, left, math.nan, None, None, None)
    mean = float(np.mean(known)) if np.isfinite(known).all() else float(np.median(known))
    if len(known) < 2:
        return _Arm(name, 1, left, mean, None, None, None)
    deviation = 0.0
    if np.isfinite(known).all():
        deviation = max(float(np.std(known, ddof=1)), within.step)
    # What is left of equal numbers after rounding is no spread.
    if deviation <= 1e-12 * max(1.0, abs(mean)):
        return _Arm(name, len(known), left, mean, None, None, by_signs(known, within.meant))
    n = len(known)
    found = Difference(np.array(mean), np.array(deviation / math.sqrt(n)), np.array(float(n - 1)))
    with np.errstate(over="ignore"):
        ends = np.clip(found.interval(1 - alpha), *within.limits)
        low, high = (float(within.back(float(end))) for end in ends)
    finite = math.isfinite(low) and math.isfinite(high)
    tested = by_t(found, within.meant)
    return _Arm(name, n, left, mean, low if finite else None, high if finite else None, tested)


def _part(one: _Arm, within: Within, alpha: float) -> str:
    margin: Margin | str | None = within.margin
    if within.bare and within.meant.margin is not None:
        margin = f"{within.back(within.meant.margin):.2g}"
    tested = wording.tested(one.tested, within.meant, margin, alpha)
    return _shown(one, within) + (f", {tested}" if tested else "")


def _shown(one: _Arm, within: Within) -> str:
    if not math.isfinite(one.mean):
        return "diverged"
    estimate = within.back(one.mean)
    if not within.bare:
        return wording.effect(estimate, one.low, one.high, within.meant.scale) or "no number"
    interval = "" if one.low is None or one.high is None else f" [{one.low:.2f}, {one.high:.2f}]"
    return f"{estimate:.2f}{interval}"

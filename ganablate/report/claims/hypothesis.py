"""A claimed difference: from the words of a statement to a hypothesis, from its tests to a verdict.

Of several arms a claim holds only if it is shown of each: then each test at the level by itself is
valid (an intersection-union test: Berger 1982, Technometrics 24, 295-300). It is contradicted if
the opposite is shown of one, after Holm. A claim of some of several arms is the other way round.

Of numbers within trials (a change, a trend, a correlation) the mean is tested by Student's t over
an arm's trials; where a number is infinite (a diverged trial) or all are equal, the signs of the
numbers decide, exactly.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from ganablate.catalog import Scale
from ganablate.report.claims.judgement import (
    CANNOT_TELL,
    CONTRADICTED,
    NO_SPREAD,
    NOT_COMPARABLE,
    NOT_WORKING,
    SUPPORTED,
    Judgement,
    left_out,
    listed,
    trials_an_arm,
    undecided,
)
from ganablate.report.stats.comparison import (
    MARGIN,
    Hypothesis,
    Side,
    TestResult,
    by_signs,
    by_t,
    with_holm,
)
from ganablate.report.stats.statistics import Array, Difference
from ganablate.report.table.cells import estimate_text, p_equals
from ganablate.study.claims.claims import Compare
from ganablate.study.claims.curve_shapes import CurveSpread, Points
from ganablate.study.reading.fields import Margin

Key = TypeVar("Key")


def side_of(expected: str, direction: str) -> Side:
    """On which side of nothing a claimed difference lies; better and worse take a direction."""
    match expected:
        case "different" | "equivalent":
            return expected
    lower_is_better = {"better": direction == "min", "worse": direction == "max"}
    return "below" if lower_is_better.get(expected, expected == "lower") else "above"


def margin_of(claimed: Compare | CurveSpread | Points) -> Margin | None:
    """The margin meant: stated, or 1.25x for an equivalence; None: any difference."""
    if claimed.expected == "equivalent":
        return claimed.within or Margin(amount=MARGIN, unit="ratio")
    return claimed.by


def scale_of(margin: Margin) -> Scale:
    """On which a margin is compared."""
    return "ratio" if margin.unit == "ratio" else "difference"


def hypothesis_of(side: Side, margin: Margin | None, scale: Scale) -> Hypothesis:
    """With the margin on the scale that is compared on."""
    if margin is None:
        return Hypothesis(side, scale)
    amount = math.log(margin.amount) if scale == "ratio" else margin.amount
    return Hypothesis(side, scale, amount)


def exceeds(high: float, low: float, margin: Margin) -> bool:
    """Whether one number is above another by the margin; a ratio takes numbers above 0."""
    if margin.unit == "absolute":
        return high - low >= margin.amount
    return low > 0 and high >= margin.amount * low


@dataclass(frozen=True)
class Tested:
    """A number with its interval, in the scale's own terms, and the test of a hypothesis.

    `n` are the trials of each side. `rule` says why the arm is worse by rule, whatever its numbers
    are, with Fisher's exact `fails_p`. `decided` is a verdict that needs no test, `because` its
    reason, `note` more to say.
    """

    n: tuple[int, ...]
    hypothesis: Hypothesis
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    result: TestResult | None = None
    rule: str | None = None
    fails_p: float | None = None
    decided: str | None = None
    because: str | None = None
    note: str | None = None

    def verdict(self, alpha: float) -> str:
        """Supported or contradicted at that level, else open."""
        if self.decided is not None:
            return self.decided
        shown = None if self.result is None else self.result.shown(self.hypothesis, alpha)
        if shown is None:
            return CANNOT_TELL
        return SUPPORTED if shown else CONTRADICTED

    def p(self, alpha: float) -> float | None:
        """The p that decided, or that would have; None: no test."""
        if self.rule is not None:
            return self.fails_p
        return None if self.result is None else self.result.decisive(self.hypothesis, alpha)[0]

    @property
    def interval_text(self) -> str | None:
        """`x1.34 [1.12, 1.60]` of a ratio, `+0.012 [-0.003, 0.027]` of a difference."""
        if self.estimate is None:
            return None
        numbers = [float(x) for x in (self.estimate, self.low, self.high) if x is not None]
        return estimate_text(numbers, self.hypothesis.scale)

    def tested_text(self, margin: Margin | str | None, alpha: float) -> str | None:
        """`p = 0.003`, `at least 1.25 times as high: p = 0.40`; None: no test.

        Of a difference on the other side of its margin: `at most 1.25 times as high: p = 0.004`.
        """
        if self.rule is not None or self.result is None:
            return self.rule
        p, is_within = self.result.decisive(self.hypothesis, alpha)
        text = p_equals(p)
        if text is None or (margin is None and not is_within):
            return text
        amount = str(margin or f"{MARGIN:g}x").removesuffix("x")
        side, ratio = self.hypothesis.side, self.hypothesis.scale == "ratio"
        if is_within or side in ("different", "equivalent"):
            by = f"a factor of {amount}" if ratio else amount
            return f"{'within' if is_within else 'more than'} {by}: {text}"
        least = "at least" if self.result.toward == (side == "above") else "at most"
        if ratio:
            share = amount if side == "above" else f"1/{amount}"
            return f"{least} {share} times as high: {text}"
        return f"{least} {'' if side == 'above' else '-'}{amount}: {text}"


def _deciding(
    tested: Sequence[Tested], verdicts: Sequence[str], alpha: float, *, some: bool
) -> tuple[str, Tested]:
    """The joint verdict, and what it hangs on: clearest contradiction, weakest support.

    Of a claim of some arms: clearest support, weakest contradiction.
    """
    of_each, of_one = (CONTRADICTED, SUPPORTED) if some else (SUPPORTED, CONTRADICTED)
    verdict = of_each if set(verdicts) == {of_each} else CANNOT_TELL
    for decisive in (NOT_COMPARABLE, NOT_WORKING, of_one):
        if decisive in verdicts:
            verdict = decisive
    candidates = [x for x, each in zip(tested, verdicts, strict=True) if each == verdict]
    candidates = [x for x in candidates if x.p(alpha) is not None] or candidates
    sign = -1 if verdict == of_one else 1
    return verdict, max(candidates, key=lambda x: sign * (x.p(alpha) or 0.0))


def joint_judgement(
    family: Mapping[Key, Tested],
    claimed: Sequence[Key],
    alpha: float,
    sentence: Callable[[Sequence[Tested], Sequence[str]], str],
    *,
    some: bool = False,
) -> Judgement:
    """The verdict on all that is claimed, without the names of the arms.

    Holm's correction is over the family. `sentence` makes one of what was tested and the verdicts.
    With `some` it is enough that one of the arms is as claimed.
    """
    tested = [family[key] for key in claimed]
    verdicts = [x.verdict(alpha) for x in tested]
    if len(verdicts) == 1 or set(verdicts) != {CONTRADICTED if some else SUPPORTED}:
        results = dict(zip(family, with_holm([x.result for x in family.values()]), strict=True))
        tested = [replace(family[key], result=results[key]) for key in claimed]
        verdicts = [x.verdict(alpha) for x in tested]
    verdict, key = _deciding(tested, verdicts, alpha, some=some)
    return Judgement(
        verdict=verdict,
        numbers=sentence(tested, verdicts),
        because=key.because if verdict not in (SUPPORTED, CONTRADICTED) else None,
        estimate=key.estimate,
        low=key.low,
        high=key.high,
        p=key.p(alpha),
        n=trials_an_arm([n for x in tested for n in x.n]),
    )


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

"""Claims that two numbers go together: Spearman's rank correlation, with an interval.

Over trials: those of one arm are not independent, so the interval comes from a bootstrap that draws
arms, then trials of each (Davison and Hinkley 1997, section 3.8), with fixed draws. Over arms: of
their means, Fisher's z with the standard error of Fieller et al. (1957, Biometrika 44, 470-481).
Over the training: two curves within each trial, then the mean of Fisher's z over the trials with
Student's t. A correlation is shown positive if the interval lies above the claimed strength, and
contradicted if it lies below it; weak means within the strength on either side.
"""

import math
from collections.abc import Sequence

import numpy as np
from scipy.stats import norm, rankdata

from ganablate.report.claims import wording
from ganablate.report.claims.compare import column_of
from ganablate.report.claims.course import Course, course_of
from ganablate.report.claims.curve import title_of
from ganablate.report.claims.finding import Evidence, Finding, nothing
from ganablate.report.claims.hypothesis import Meant, Side
from ganablate.report.claims.judgement import CANNOT_TELL, CONTRADICTED, SUPPORTED
from ganablate.report.claims.within import Within, judge_within
from ganablate.report.stats.statistics import Array
from ganablate.report.table.tables import reference_arm
from ganablate.study.claims.claims import Association
from ganablate.text import counted

_DRAWS = 1000
_FEWEST_ARMS = 5
"""Fewer arms do not tell how arms differ."""
_SIDES: dict[str, Side] = {"positive": "above", "negative": "below", "weak": "equivalent"}


def judge_association(evidence: Evidence, statement: Association) -> Finding:
    """Over the trials, the arms or the training."""
    if statement.over == "training":
        return _over_training(evidence, statement)
    columns = [statement.metric, statement.along]
    measured = [column_of(evidence, column) for column in columns]
    reference = reference_arm(evidence.plan).name
    alike = [
        name
        for name in evidence.arms
        if name == reference or not any(one.unlike(name, reference) for one in measured)
    ]
    groups = [evidence.complete(name)[columns].dropna().to_numpy(np.float64) for name in alike]
    kept = [group for group in groups if len(group)]
    lacking = sum(len(evidence.complete(name)) for name in alike) - sum(map(len, kept))
    arms = tuple(name for name, group in zip(alike, groups, strict=True) if len(group))
    if len(arms) < _FEWEST_ARMS:
        return nothing(arms, f"{len(arms)} arms have both numbers; fewer than {_FEWEST_ARMS} do "
                       "not tell how arms differ")  # fmt: skip
    means = np.array([group.mean(axis=0) for group in kept])
    if statement.over == "arms":
        rho, ends = spearman(means), _by_fisher(means, evidence.alpha)
    else:
        rho, ends = spearman(np.concatenate(kept)), _by_bootstrap(kept, evidence.alpha)
    total = sum(map(len, kept))
    titles = " and ".join(one.title for one in measured)
    n = f"{len(arms)} arms, {total} trials"
    if math.isnan(rho) or ends is None:
        return Finding(CANNOT_TELL, f"{titles}: no order in {n}", arms, n=n)
    left = len(evidence.arms) - len(arms)
    apart = f"; {counted(left, 'arm')} of another scale or without numbers left out" if left else ""
    text = f"Rank correlation of {titles}: {rho:.2f} [{ends[0]:.2f}, {ends[1]:.2f}]{apart}"
    verdict = _verdict(statement, ends)
    because = wording.left_out(lacking)
    return Finding(
        verdict, text, arms, because=because, estimate=rho, low=ends[0], high=ends[1], n=n
    )


def _verdict(statement: Association, ends: tuple[float, float]) -> str:
    low, high = ends if statement.expected != "negative" else (-ends[1], -ends[0])
    if statement.expected == "weak":
        if -statement.strength <= low and high <= statement.strength:
            return SUPPORTED
        outside = low > statement.strength or high < -statement.strength
        return CONTRADICTED if outside else CANNOT_TELL
    if low >= statement.strength:
        return SUPPORTED
    return CONTRADICTED if high < statement.strength else CANNOT_TELL


def spearman(pairs: Array) -> float:
    """Of pairs [n, 2], mid-ranks for ties; NaN where one of the two does not move."""
    ranks = rankdata(pairs, axis=0)
    spread = ranks.std(axis=0)
    if len(pairs) < 2 or not spread.all():
        return math.nan
    centred = ranks - ranks.mean(axis=0)
    return float((centred[:, 0] * centred[:, 1]).mean() / (spread[0] * spread[1]))


def _by_bootstrap(groups: Sequence[Array], alpha: float) -> tuple[float, float] | None:
    """Percentiles over draws of arms, then of each arm's trials."""
    generator = np.random.default_rng(0)
    found = []
    for _ in range(_DRAWS):
        arms = generator.integers(len(groups), size=len(groups))
        drawn = [groups[k][generator.integers(len(groups[k]), size=len(groups[k]))] for k in arms]
        found.append(spearman(np.concatenate(drawn)))
    known = np.array(found)[~np.isnan(found)]
    if not len(known):
        return None
    low, high = np.quantile(known, [alpha / 2, 1 - alpha / 2])
    return float(low), float(high)


def _by_fisher(means: Array, alpha: float) -> tuple[float, float] | None:
    rho = spearman(means)
    if math.isnan(rho):
        return None
    z = _fisher(rho, len(means))
    half = float(norm.ppf(1 - alpha / 2)) * math.sqrt(1.06 / (len(means) - 3))
    return min(rho, math.tanh(z - half)), max(rho, math.tanh(z + half))


def _fisher(rho: float, points: int) -> float:
    """Fisher's z, finite: a perfect order of few points is taken half a step short of 1."""
    most = 1 - 3 / (points * (points**2 - 1)) if points > 1 else 0.0
    return math.atanh(min(max(rho, -most), most))


def _over_training(evidence: Evidence, statement: Association) -> Finding:
    values: dict[str, Array] = {}
    points = []
    for arm in evidence.named(statement.named):
        own = []
        for trial_id in evidence.complete(arm)["trial_id"]:
            pairs = paired(evidence, str(trial_id), statement)
            rho = spearman(pairs) if len(pairs) > 2 else math.nan
            points += [len(pairs)]
            own.append(math.nan if math.isnan(rho) else _fisher(rho, len(pairs)))
        values[arm] = np.array(own, dtype=np.float64)
    titles = " and ".join(title_of(evidence, one) for one in (statement.metric, statement.along))
    title = f"Rank correlation of {titles} along the training"
    if points:
        title += f" ({max(points)} points)"
    meant = Meant(
        _SIDES[statement.expected], "difference", math.atanh(min(statement.strength, 0.999))
    )
    return judge_within(Within(title, values, meant, back=math.tanh, bare=True), evidence.alpha)


def paired(evidence: Evidence, trial_id: str, statement: Association) -> Array:
    """Values of the two curves [points, 2] at the points of the one with fewer, finite ones.

    Of a loss the block whose end is nearest to the point.
    """
    curves = [course_of(evidence, trial_id, one) for one in (statement.metric, statement.along)]
    first, second = curves
    if first is None or second is None:
        return np.empty((0, 2))
    coarse = first if len(first.seen) <= len(second.seen) else second
    both = np.array([[_nearest(one, seen) for one in (first, second)] for seen in coarse.seen])
    finite: Array = both[np.isfinite(both).all(axis=1)]
    return finite


def _nearest(course: Course, images: float) -> float:
    return float(course.value[int(np.abs(course.seen - images).argmin())])

"""Claims that two numbers go together: Spearman's rank correlation, with an interval.

Over trials: those of one arm are not independent, so the interval comes from a bootstrap that draws
arms, then trials of each (Davison and Hinkley 1997, section 3.8), with fixed draws. Over arms: of
their means, Fisher's z with the standard error of Fieller et al. (1957, Biometrika 44, 470-481).
Over the training: two curves within each trial, then the mean of Fisher's z over the trials with
Student's t. A correlation is shown positive if the interval lies above the claimed strength, and
contradicted if it lies below it; weak means within the strength on either side. One arm's is
stronger than another's if the sizes of Fisher's z differ, compared as any number of the trials.
"""

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
from scipy.stats import norm, spearmanr

from ganablate.report.claims.evidence import Evidence
from ganablate.report.claims.hypothesis import PerTrial, judge_per_trial
from ganablate.report.claims.judgement import (
    CANNOT_TELL,
    CONTRADICTED,
    SUPPORTED,
    Judgement,
    left_out,
    undecided,
)
from ganablate.report.claims.pairs import (
    Quantity,
    claimed_pairs,
    column_quantity,
    judge_pairs,
)
from ganablate.report.stats.comparison import Hypothesis, Side
from ganablate.report.stats.replicates import Replicates
from ganablate.report.stats.statistics import Array
from ganablate.report.table.tables import reference_arm
from ganablate.study.claims.claims import Association
from ganablate.text import counted

_DRAWS = 1000
_FEWEST_ARMS = 5
"""Fewer arms do not tell how arms differ."""
_SIDES: dict[str, Side] = {"positive": "above", "negative": "below", "weak": "equivalent"}


def judge_association(evidence: Evidence, statement: Association) -> Judgement:
    """Over the trials, the arms or the training."""
    titles = " and ".join(evidence.curve_title(x) for x in (statement.metric, statement.along))
    if statement.over == "training":
        return _over_training(evidence, statement, titles)
    groups, lacking = _measured(evidence, statement)
    arms = tuple(groups)
    if len(arms) < _FEWEST_ARMS:
        few = f"fewer than {_FEWEST_ARMS} arms have both numbers: {len(arms)}"
        return undecided(arms, f"{few} do not tell how arms differ")
    trials = np.concatenate(list(groups.values()))
    if statement.over == "arms":
        means = np.array([group.mean(axis=0) for group in groups.values()])
        rho = spearman(means)
        ends = _by_fisher(rho, len(means), evidence.alpha)
    else:
        rho, ends = spearman(trials), _by_bootstrap(list(groups.values()), evidence.alpha)
    n = f"{counted(len(arms), 'arm')}, {counted(len(trials), 'trial')}"
    if math.isnan(rho) or ends is None:
        return Judgement(CANNOT_TELL, f"{titles}: no order in {n}", arms, n=n)
    low, high = ends
    text = f"Rank correlation of {titles}: {rho:.2f} [{low:.2f}, {high:.2f}]"
    left = len(evidence.arms) - len(arms)
    if left:
        text += f"; {counted(left, 'arm')} of another scale or without numbers left out"
    verdict, because = _verdict(statement, low, high), left_out(lacking)
    return Judgement(verdict, text, arms, because=because, estimate=rho, low=low, high=high, n=n)


def _measured(evidence: Evidence, statement: Association) -> tuple[dict[str, Array], int]:
    """Arm -> its pairs of numbers [trials, 2], and how many complete trials lack one.

    Arms that cannot be compared with the reference arm are left out, and those without a pair.
    """
    columns = [statement.metric, statement.along]
    quantities = [column_quantity(evidence, column) for column in columns]
    reference = reference_arm(evidence.plan).name
    groups, lacking = {}, 0
    for arm in evidence.arms:
        if arm != reference and any(x.incomparable(arm, reference) for x in quantities):
            continue
        trials = evidence.complete(arm)
        pairs = trials[columns].dropna().to_numpy(np.float64)
        lacking += len(trials) - len(pairs)
        if len(pairs):
            groups[arm] = pairs
    return groups, lacking


def _verdict(statement: Association, low: float, high: float) -> str:
    strength = statement.strength
    if statement.expected == "negative":
        low, high = -high, -low
    if statement.expected == "weak":
        supported = -strength <= low and high <= strength
        contradicted = low > strength or high < -strength
    else:
        supported, contradicted = low >= strength, high < strength
    if supported:
        return SUPPORTED
    return CONTRADICTED if contradicted else CANNOT_TELL


def spearman(pairs: Array) -> float:
    """Of pairs [n, 2], mid-ranks for ties; NaN where one of the two does not move."""
    if len(pairs) < 2 or (pairs == pairs[0]).all(axis=0).any():
        return math.nan
    return float(spearmanr(pairs).statistic)


def _by_bootstrap(groups: Sequence[Array], alpha: float) -> tuple[float, float] | None:
    """Percentiles over draws of arms, then of each arm's trials."""
    generator = np.random.default_rng(0)
    rhos = []
    for _ in range(_DRAWS):
        arms = generator.integers(len(groups), size=len(groups))
        drawn = [groups[k][generator.integers(len(groups[k]), size=len(groups[k]))] for k in arms]
        rhos.append(spearman(np.concatenate(drawn)))
    ordered = np.array(rhos)[~np.isnan(rhos)]
    if not len(ordered):
        return None
    low, high = np.quantile(ordered, [alpha / 2, 1 - alpha / 2])
    return float(low), float(high)


def _by_fisher(rho: float, arms: int, alpha: float) -> tuple[float, float] | None:
    if math.isnan(rho):
        return None
    z = _fisher(rho, arms)
    half = float(norm.ppf(1 - alpha / 2)) * math.sqrt(1.06 / (arms - 3))
    return min(rho, math.tanh(z - half)), max(rho, math.tanh(z + half))


def _fisher(rho: float, points: int) -> float:
    """Fisher's z, finite: a perfect order of few points is taken half a step short of 1."""
    most = 1 - 3 / (points * (points**2 - 1)) if points > 1 else 0.0
    return math.atanh(min(max(rho, -most), most))


def _over_training(evidence: Evidence, statement: Association, titles: str) -> Judgement:
    if statement.expected == "stronger":
        return _stronger(evidence, statement, titles)
    values: dict[str, Array] = {}
    most_points = 0
    for arm in evidence.named(statement.named):
        values[arm], points = _of_trials(evidence, statement, arm)
        most_points = max(most_points, points)
    title = f"Rank correlation of {titles} along the training"
    if any(map(len, values.values())):
        title += f" ({counted(most_points, 'point')})"
    strength = math.atanh(min(statement.strength, 0.999))
    hypothesis = Hypothesis(_SIDES[statement.expected], "difference", strength)
    numbers = PerTrial(title, values, hypothesis, back=math.tanh, bare=True)
    return judge_per_trial(numbers, evidence.alpha)


def _of_trials(evidence: Evidence, statement: Association, arm: str) -> tuple[Array, int]:
    """Fisher's z of each of the arm's trials [n], NaN where there is none; the most points."""
    zs, most_points = [], 0
    for trial_id in evidence.complete(arm)["trial_id"]:
        pairs = _along_training(evidence, str(trial_id), statement)
        rho = spearman(pairs) if len(pairs) > 2 else math.nan
        zs.append(math.nan if math.isnan(rho) else _fisher(rho, len(pairs)))
        most_points = max(most_points, len(pairs))
    return np.array(zs, dtype=np.float64), most_points


def _stronger(evidence: Evidence, statement: Association, titles: str) -> Judgement:
    """Whether the size of the correlation is larger than that of other arms."""

    def sizes(arm: str) -> Replicates:
        zs, _ = _of_trials(evidence, statement, arm)
        replicates = evidence.complete(arm)["replicate"]
        measured = {
            int(k): abs(float(z)) for k, z in zip(replicates, zs, strict=True) if not math.isnan(z)
        }
        return Replicates(measured, 0, 0, complete=len(zs))

    def comparable(_arm: str, _other: str) -> None:
        """An order has no scale."""

    title = f"Size of the rank correlation of {titles} along the training, Fisher's z"
    quantity = Quantity(title=title, of=cache(sizes), incomparable=comparable)
    claimed = claimed_pairs(evidence, statement, statement.to, "above")
    return judge_pairs(evidence, quantity, claimed)


def _along_training(evidence: Evidence, trial_id: str, statement: Association) -> Array:
    """Values of the two curves [points, 2] at the points of the one with fewer, finite ones.

    Of a loss the block whose end is nearest to the point.
    """
    first = evidence.trajectory(trial_id, statement.metric)
    second = evidence.trajectory(trial_id, statement.along)
    if first is None or second is None:
        return np.empty((0, 2))
    coarse = first if len(first.seen) <= len(second.seen) else second
    pairs = np.array([[curve.nearest(x) for curve in (first, second)] for x in coarse.seen])
    finite: Array = pairs[np.isfinite(pairs).all(axis=1)]
    return finite

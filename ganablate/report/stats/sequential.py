"""Adding replicates after looking, without fooling oneself: levels of looks, and when to stop.

Looks are declared before the first: so many replicates at each. Look k has the level

    alpha_k = alpha (t_k^3 - t_(k-1)^3),   t_k = replicates at look k / replicates at the last,

the increments of the power family of Kim and DeMets (1987, Biometrika 74, 149-154), an error
spending function in the sense of Lan and DeMets (1983, Biometrika 70, 659-663). At look k Holm's
correction is over all arms at alpha_k. Why this holds whatever the test, the n and the dependence:
a first wrong verdict at look k, with m_0 arms that truly differ in nothing, needs one of their p to
be at most alpha_k / m_0, since all verdicts before it were right; over these arms and all looks the
chances add up to at most the sum of alpha_k, alpha (the argument of Maurer and Bretz 2013, Stat.
Biopharm. Res. 5, 311-320, for Holm in group-sequential trials). Bounds that use the correlation of
looks are a little wider (Jennison and Turnbull 2000, Group Sequential Methods, chapter 3), but
rest on normal statistics; here n is 3 to 10 and some tests are of ranks. Intervals at 1 - alpha_k
hold at all looks together in at least 1 - alpha of cases (repeated intervals: Jennison and Turnbull
1989, J. R. Stat. Soc. B 51, 305-361).

An arm that will hardly be decided by the last look is not continued. That is not binding: verdicts
take no credit for it. Its p then compares fewer replicates with more of the baseline; this the
proof does not cover, the simulation does (`python benchmarks/adaptive_replicates.py`).

Who looks without having declared it has spent alpha already. What is added later gets alpha / 2,
then alpha / 4 and so on, whether one look by hand or a schedule declared then, and reports say that
the error is held at the sum (7.5 %, 8.75 %, ..., never 10 %) and no longer at 5 %.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from scipy import stats

from ganablate.report.stats.comparison import MARGIN
from ganablate.report.stats.effects import OPEN, StudyEffects
from ganablate.report.stats.replicates import summaries
from ganablate.report.stats.statistics import ALPHA, Array, Summary, welch

FUTILE = 0.2
"""Smallest chance of a verdict by the last look for which an arm is continued."""
_POWER = 3
"""Of the spending function; 2 and 4 were within 2 % of the trials saved."""
_DIGITS = 3


def declared_looks(first: int, last: int) -> tuple[int, ...]:
    """Replicates at each look: about 1.4 times as many each time, from `first` to `last`."""
    looks = [first]
    while looks[-1] < last:
        following = max(looks[-1] + 1, -(-7 * looks[-1] // 5))
        # A last step of less than a fifth is not worth a look.
        looks.append(following if 6 * following <= 5 * last else last)
    return tuple(looks)


def look_levels(replicates: Sequence[int], total: float = ALPHA) -> tuple[float, ...]:
    """The level of each declared look, of increasing `replicates`; they sum to at most `total`.

    Levels are cut to three digits, so that a reader sees those that were used.
    """
    if len(replicates) == 1:
        return (total,)
    levels = []
    for before, count in pairwise((0, *replicates)):
        share = (count / replicates[-1]) ** _POWER - (before / replicates[-1]) ** _POWER
        scale = 10.0 ** (_DIGITS - 1 - math.floor(math.log10(total * share)))
        levels.append(math.floor(total * share * scale + 1e-9) / scale)
    return tuple(levels)


def added_level(before: int) -> float:
    """Of what is looked at after `before` schedules or looks by hand: alpha, alpha / 2, ..."""
    return ALPHA / 2.0**before


def chance_of_verdict(
    arm: Summary, reference: Summary, last: int, level: float, margin: float | None = None
) -> Array:
    """The chance, from 0 to 1, that an arm is decided once both sides have `last` replicates.

    Predictive power (Spiegelhalter, Freedman and Blackburn 1986, Control. Clin. Trials 7, 8-17)
    with a flat prior for the effect, spreads taken as they are now: of replicates so far, [...], of
    the arm and of the one that it is compared with. `level` is that of one arm's test at the last
    look; within `margin` the arm would be called equivalent, None: never.
    """
    now = welch(arm, reference)
    last_error = np.sqrt((arm.variance + reference.variance) / last)
    moves = np.sqrt(np.maximum(now.error**2 - last_error**2, 0))
    needed = stats.t.isf(level / 2, 2 * (last - 1)) * last_error

    def below(value: Array) -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(stats.norm.cdf((value - now.estimate) / moves))

    chance = below(-needed) + 1 - below(needed)
    if margin is not None:
        inner = margin - stats.t.isf(level, 2 * (last - 1)) * last_error
        chance = chance + np.where(inner > 0, below(inner) - below(-inner), 0)
    # Without spread, or with all replicates there already, there is nothing to predict.
    return np.where(np.isfinite(chance), np.minimum(chance, 1), 1.0)


def chances(columns: Sequence[StudyEffects], last: int, level: float) -> Mapping[str, float]:
    """The chance of a further verdict by the last look of each arm that lacks one; 1: not known.

    `columns` are the effects, judged together, at the present look; of an arm that is open in
    several the largest chance counts. `last` are the replicates at the last look, and `level` is
    its level.
    """
    undecided = [
        (effects, name)
        for effects in columns
        for name, effect in effects.by_arm.items()
        if effect.verdict == OPEN
    ]
    by_arm: dict[str, float] = {}
    for effects, name in undecided:
        pair = [effects.replicates[x] for x in (name, effects.by_arm[name].compared_to)]
        sides = summaries(dict(enumerate(pair)), effects.scale)
        margin = math.log(MARGIN) if effects.scale == "ratio" else None
        chance = 1.0
        if len(sides) == 2:
            each = level / len(undecided)
            chance = float(chance_of_verdict(sides[0], sides[1], last, each, margin))
        by_arm[name] = max(chance, by_arm.get(name, 0.0))
    return by_arm

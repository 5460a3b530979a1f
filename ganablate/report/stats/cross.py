"""Main effects and interactions of the factors that a study crosses.

Cell means are on the scale of effects, logs for ratios. A main effect is the mean of the cells at a
level less that of the cells at the level compared with, over all levels of the other factors with
equal weights, however many replicates a cell has. An interaction of two factors is the effect of
one at a level of the other less its effect at the level compared with, averaged likewise: a ratio
of ratios. Fisher 1935, The Design of Experiments, chapter VI. A contrast that needs a cell without
a mean and a spread is missing: cells left in its place would make it another question.
"""

import itertools
import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import pandas as pd

from ganablate.catalog import Scale
from ganablate.report.stats.comparison import corrected, ends, finite, off_scale
from ganablate.report.stats.replicates import Replicates, arm_replicates, effect_scale, summaries
from ganablate.report.stats.statistics import ALPHA, Summary, contrast
from ganablate.study.plan import Cross, Plan

Levels = Mapping[str, str]
"""Factor -> level."""
Cell = tuple[str, ...]
"""A level of each factor."""


@dataclass(frozen=True)
class CrossEffect:
    """What changing one factor does, or how that differs at another level of a second one.

    `factors` are one (a main effect) or two (an interaction), each at its level of `levels` instead
    of that of `against`. Numbers are on the scale, None is missing; `p` is Holm's over all main
    effects or all interactions, `p_alone` this one's. `at` holds the first factor's effect where
    the second is at `against` and at `levels`. `lacking` names the cells whose absence makes it
    missing.
    """

    factors: tuple[str, ...]
    levels: tuple[str, ...]
    against: tuple[str, ...]
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    p_alone: float | None = None
    p: float | None = None
    at: tuple[float, ...] | None = None
    lacking: tuple[str, ...] = ()


@dataclass(frozen=True)
class CrossEffects:
    """Those of a column: main effects by factor and level, interactions by pair of factors.

    `lacking` says of each cell without a mean and a spread why it has none. Intervals are at
    1 - alpha.
    """

    column: str
    scale: Scale
    alpha: float
    main: tuple[CrossEffect, ...]
    interactions: tuple[CrossEffect, ...]
    lacking: Mapping[str, str]

    @property
    def shown(self) -> tuple[CrossEffect, ...]:
        """The interactions that there are, by their p."""
        return tuple(x for x in self.interactions if x.p is not None and x.p <= self.alpha)


def cell_name(cross: Cross, cell: Iterable[str]) -> str:
    """`lr=0.001,batch_size=32`."""
    return ",".join(f"{factor}={level}" for factor, level in zip(cross.factors, cell, strict=True))


def cross_effects(
    trials: pd.DataFrame, plan: Plan, other: Collection[str] = (), *, alpha: float = ALPHA
) -> CrossEffects | None:
    """Effects on the primary metric of a study that crosses two factors or more.

    Args:
        trials: As `trials_frame` gives it.
        plan: The plan that the trials are of.
        other: Arms whose number is of another protocol or criterion: as if they had none.
        alpha: Of the intervals, and of what counts as shown.

    Returns:
        None where the plan has no such cross, or the primary metric is not measured.
    """
    cross, column = plan.cross, plan.primary
    varied = 0 if cross is None else sum(len(levels) > 1 for levels in cross.factors.values())
    if cross is None or varied < 2 or column not in plan.columns:
        return None
    names = [arm.name for arm in plan.arms if not arm.null and arm.name not in other]
    replicates = arm_replicates(trials, names, column)
    scale = effect_scale(column, replicates.values())
    cells = _Cells(cross, summaries(replicates, scale), scale, alpha)
    excluded = {name for name, _ in plan.excluded}
    return CrossEffects(
        column=column,
        scale=scale,
        alpha=alpha,
        main=_with_holm(cells.effect(*change) for change in _changes(cross, 1)),
        interactions=_with_holm(cells.effect(*change) for change in _changes(cross, 2)),
        lacking=dict(_reasons(cross, replicates, cells, excluded)),
    )


def _changes(cross: Cross, factors: int) -> Iterator[tuple[Levels, Levels]]:
    """Levels of that number of factors, and the levels that they are compared with."""
    for chosen in itertools.combinations(cross.factors, factors):
        changed = [cross.factors[factor][1:] for factor in chosen]
        for levels in itertools.product(*changed):
            against = {factor: cross.factors[factor][0] for factor in chosen}
            yield dict(zip(chosen, levels, strict=True)), against


@dataclass(frozen=True)
class _Cells:
    """Cells of the cross with what was measured in them: arm -> summary."""

    cross: Cross
    summaries: Mapping[str, Summary]
    scale: Scale
    alpha: float

    def lacks(self, cell: tuple[str, ...]) -> bool:
        return self.cross.cells.get(cell) not in self.summaries

    def effect(self, levels: Levels, against: Levels) -> CrossEffect | None:
        """None: the levels come to the same trials."""
        effect = CrossEffect(tuple(levels), tuple(levels.values()), tuple(against.values()))
        factor, *second = levels
        weights = self._weights(levels, against, factor)
        steps = [weights]
        if second:
            steps.insert(0, self._weights({**against, factor: levels[factor]}, against, factor))
            weights = weights | {cell: -weight for cell, weight in steps[0].items()}
        lacking = tuple(cell_name(self.cross, cell) for cell in weights if self.lacks(cell))
        if lacking:
            return replace(effect, lacking=lacking)
        by_arm = self._by_arm(weights)
        if not by_arm:
            return None
        cells = Summary.stacked(self.summaries[arm] for arm in by_arm)
        difference = contrast(list(by_arm.values()), cells)
        means = [self._mean(step) for step in steps]
        at = tuple(mean for mean in means if mean is not None)
        estimate = off_scale(difference.estimate, self.scale)
        effect = replace(effect, estimate=estimate, at=at if len(at) == 2 else None)
        p = finite(difference.p())
        if p is None:  # no spread in any cell
            return effect
        low, high = ends(difference, self.scale, self.alpha)
        return replace(effect, p_alone=p, low=low, high=high)

    def _weights(self, levels: Levels, against: Levels, factor: str) -> dict[Cell, float]:
        """Weights of the cells at these levels, less those with the factor at `against`."""
        weights: dict[Cell, float] = {}
        for chosen, sign in ((levels, 1), ({**levels, factor: against[factor]}, -1)):
            every = [
                (chosen[name],) if name in chosen else all_levels
                for name, all_levels in self.cross.factors.items()
            ]
            cells = list(itertools.product(*every))
            weights |= dict.fromkeys(cells, sign / len(cells))
        return weights

    def _by_arm(self, weights: Mapping[Cell, float]) -> dict[str, float]:
        """Cells of the same trials share an arm: their weights add up, and may cancel."""
        sums: dict[str, float] = {}
        for cell, weight in weights.items():
            arm = self.cross.cells[cell]
            sums[arm] = sums.get(arm, 0.0) + weight
        return {arm: weight for arm, weight in sums.items() if abs(weight) > 1e-12}

    def _mean(self, weights: Mapping[Cell, float]) -> float | None:
        arms = self._by_arm(weights)
        means = (weight * float(self.summaries[arm].mean) for arm, weight in arms.items())
        return off_scale(math.fsum(means), self.scale)


def _with_holm(effects: Iterable[CrossEffect | None]) -> tuple[CrossEffect, ...]:
    """The effects that there are, with Holm's p over all of them."""
    alone = [effect for effect in effects if effect is not None]
    ps = corrected([effect.p_alone for effect in alone])
    return tuple(replace(effect, p=p) for effect, p in zip(alone, ps, strict=True))


def _reasons(
    cross: Cross, replicates: Mapping[str, Replicates], cells: _Cells, excluded: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Each cell without a mean and a spread, and why it has none."""
    for cell in itertools.product(*cross.factors.values()):
        if not cells.lacks(cell):
            continue
        name = cell_name(cross, cell)
        arm = cross.cells.get(cell)
        if arm is None:
            yield name, "excluded" if name in excluded else "not in this plan"
        elif arm not in replicates:
            yield name, "of another protocol or criterion"
        elif replicates[arm].diverged:
            yield name, "a replicate diverged"
        else:
            yield name, "fewer than two replicates"

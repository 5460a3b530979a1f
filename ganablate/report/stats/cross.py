"""Main effects and interactions of the factors that a study crosses.

Cell means are on the scale of effects, logs for ratios. A main effect is the difference between the
cell at a level and the cell at the level compared with, averaged over the levels of the other
factors with equal weights, however many replicates a cell has. An interaction of two factors is the
effect of one at a level of the other less its effect at the level compared with, averaged likewise:
a ratio of ratios. Fisher 1935, The Design of Experiments, chapter VI.

Where cells are missing, the average is over those levels of the other factors at which every cell
of the difference is there, so that like is compared with like; the effect says at which.
"""

import itertools
import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
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
    the second is at `against` and at `levels`. It is averaged over `places` of `of` combinations of
    the other factors' levels, named by those that vary.
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
    places: tuple[str, ...] = ()
    of: int = 1

    @property
    def partial(self) -> bool:
        """Whether cells are missing, so that it is over fewer combinations than there are."""
        return len(self.places) < self.of


@dataclass(frozen=True)
class CrossEffects:
    """Those of a column: main effects by factor and level, interactions by pair of factors.

    `lacking` says of each cell without a mean and a spread why it has none. Intervals are at
    1 - alpha. Holm's correction is over all main effects, or interactions, on so many `metrics`.
    """

    column: str
    scale: Scale
    alpha: float
    main: tuple[CrossEffect, ...]
    interactions: tuple[CrossEffect, ...]
    lacking: Mapping[str, str]
    metrics: int = 1

    @property
    def shown(self) -> tuple[CrossEffect, ...]:
        """The interactions that there are, by their p."""
        return tuple(x for x in self.interactions if x.p is not None and x.p <= self.alpha)


def cell_name(levels: Levels) -> str:
    """`lr=0.001,batch_size=32`."""
    return ",".join(f"{factor}={level}" for factor, level in levels.items())


def cross_effects(
    trials: pd.DataFrame,
    plan: Plan,
    other: Collection[str] = (),
    *,
    column: str | None = None,
    alpha: float = ALPHA,
) -> CrossEffects | None:
    """Effects on a metric of a study that crosses two factors or more, corrected by themselves.

    Args:
        trials: As `trials_frame` gives it.
        plan: The plan that the trials are of.
        other: Arms whose number is of another protocol or criterion: as if they had none.
        column: Of the metric; None: the first primary one.
        alpha: Of the intervals, and of what counts as shown.

    Returns:
        None where the plan has no such cross, or the metric is not measured.
    """
    cross, column = plan.cross, column or plan.primary
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


def corrected_crosses(columns: Sequence[CrossEffects]) -> tuple[CrossEffects, ...]:
    """The effects on several metrics, with Holm's p over all their main effects or interactions."""
    main = iter(_with_holm(effect for x in columns for effect in x.main))
    interactions = iter(_with_holm(effect for x in columns for effect in x.interactions))
    return tuple(
        replace(
            x,
            main=tuple(itertools.islice(main, len(x.main))),
            interactions=tuple(itertools.islice(interactions, len(x.interactions))),
            metrics=len(columns),
        )
        for x in columns
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
        corners = list(_corners(levels, against))
        places = list(self._places(levels))
        whole = [
            place
            for place in places
            if not any(self.lacks(self._cell(place | chosen)) for chosen, _ in corners)
        ]
        varied = {factor for factor, each in self.cross.factors.items() if len(each) > 1}
        names = (cell_name({f: x for f, x in place.items() if f in varied}) for place in whole)
        effect = replace(effect, places=tuple(names), of=len(places))
        if not whole:
            return effect
        weights = self._weights(corners, whole)
        if not weights:
            return None
        cells = Summary.stacked(self.summaries[arm] for arm in weights)
        difference = contrast(list(weights.values()), cells)
        estimate = off_scale(difference.estimate, self.scale)
        effect = replace(effect, estimate=estimate, at=self._at(levels, against, whole))
        p = finite(difference.p())
        if p is None:  # no spread in any cell
            return effect
        low, high = ends(difference, self.scale, self.alpha)
        return replace(effect, p_alone=p, low=low, high=high)

    def _places(self, chosen: Levels) -> Iterator[dict[str, str]]:
        """Every combination of the levels of the factors that are not chosen."""
        others = {name: each for name, each in self.cross.factors.items() if name not in chosen}
        for combination in itertools.product(*others.values()):
            yield dict(zip(others, combination, strict=True))

    def _cell(self, levels: Levels) -> Cell:
        return tuple(levels[factor] for factor in self.cross.factors)

    def _at(
        self, levels: Levels, against: Levels, whole: Sequence[Levels]
    ) -> tuple[float, ...] | None:
        """Of an interaction, the first factor's effect at both levels of the second."""
        first, *second = levels
        if not second:
            return None
        means = []
        for place in (against, levels):
            step = [({**place, first: levels[first]}, 1), ({**place, first: against[first]}, -1)]
            weights = self._weights(step, whole)
            parts = (weight * float(self.summaries[arm].mean) for arm, weight in weights.items())
            means.append(off_scale(math.fsum(parts), self.scale))
        known = tuple(mean for mean in means if mean is not None)
        return known if len(known) == len(means) else None

    def _weights(
        self, corners: Sequence[tuple[Levels, int]], whole: Sequence[Levels]
    ) -> dict[str, float]:
        """Arm -> its weight; cells of the same trials share an arm, where weights may cancel."""
        sums: dict[str, float] = {}
        for place, (chosen, sign) in itertools.product(whole, corners):
            arm = self.cross.cells[self._cell({**place, **chosen})]
            sums[arm] = sums.get(arm, 0.0) + sign / len(whole)
        return {arm: weight for arm, weight in sums.items() if abs(weight) > 1e-12}


def _corners(levels: Levels, against: Levels) -> Iterator[tuple[dict[str, str], int]]:
    """The cells of a difference, or of a difference of differences, with their signs."""
    for at_level in itertools.product((True, False), repeat=len(levels)):
        pairs = zip(levels, at_level, strict=True)
        chosen = {name: levels[name] if changed else against[name] for name, changed in pairs}
        yield chosen, (-1) ** at_level.count(False)


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
        name = cell_name(dict(zip(cross.factors, cell, strict=True)))
        arm = cross.cells.get(cell)
        if arm is None:
            yield name, "excluded" if name in excluded else "not in this plan"
        elif arm not in replicates:
            yield name, "of another protocol or criterion"
        elif replicates[arm].diverged:
            yield name, "a replicate diverged"
        else:
            yield name, "fewer than two replicates"

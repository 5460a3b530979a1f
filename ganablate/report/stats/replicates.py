"""What an arm's replicates measured of one column, and on which scale it is compared."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import pandas as pd

from ganablate.catalog import METRICS, PROBES, Scale, metric_columns, probe_columns
from ganablate.config import TrialConfig
from ganablate.report.stats.statistics import Array, Summary, summary
from ganablate.trials.outcome import FAILURES

Name = TypeVar("Name")


@dataclass(frozen=True)
class Replicates:
    """What an arm's complete replicates measured: replicate -> number, and those without one.

    `failed` counts the diverged, saturated and collapsed among all `complete` ones.
    """

    numbers: Mapping[int, float]
    diverged: int
    failed: int
    complete: int

    @property
    def n(self) -> int:
        """Replicates that can be ranked: with a number, or diverged."""
        return len(self.numbers) + self.diverged

    @property
    def positive(self) -> bool:
        """Whether every number is above 0, so that it has a logarithm."""
        return all(value > 0 for value in self.numbers.values())

    def on(self, scale: Scale) -> Array:
        """Numbers in order of replicates [len(numbers)], logs for ratios."""
        numbers = np.array([self.numbers[key] for key in sorted(self.numbers)], dtype=np.float64)
        return np.log(numbers) if scale == "ratio" else numbers


def replicates_of(trials: pd.DataFrame, arm: str, column: str) -> Replicates:
    """The arm's complete replicates, from trials as `trials_frame` gives them."""
    rows = trials[(trials["arm"] == arm) & (trials["state"] == "complete")]
    measured = rows[rows[column].notna()]
    pairs = zip(measured["replicate"], measured[column], strict=True)
    numbers = {int(replicate): float(number) for replicate, number in pairs}
    diverged = int((rows[column].isna() & (rows["outcome"] == "diverged").fillna(False)).sum())
    failed = int(rows["outcome"].isin(FAILURES).sum())
    return Replicates(numbers, diverged, failed, len(rows))


def arm_replicates(trials: pd.DataFrame, arms: Iterable[str], column: str) -> dict[str, Replicates]:
    """Arm -> its replicates, as `replicates_of` gives them, in order of names."""
    return {name: replicates_of(trials, name, column) for name in sorted(arms)}


def equal_arms(
    trials: pd.DataFrame, compared: Mapping[str, str], columns: Iterable[str]
) -> dict[str, str]:
    """Arms, of those compared with another, with exactly its numbers in every replicate of both.

    Two trainings that differ in anything differ in their last digits, so that what sets such an arm
    apart changed nothing. Whole numbers, such as covered classes, say nothing alone.
    """
    rows = trials[trials["state"] == "complete"].set_index(["arm", "replicate"])
    numbers = rows[[name for name in columns if name in rows]].apply(pd.to_numeric, errors="coerce")
    equal = {}
    for arm, other in compared.items():
        if not {arm, other} <= set(numbers.index.get_level_values("arm")):
            continue
        mine, theirs = numbers.loc[arm].align(numbers.loc[other], join="inner", axis=0)
        exact = mine.to_numpy(np.float64)
        if (exact[np.isfinite(exact)] % 1 != 0).any() and mine.equals(theirs):
            equal[arm] = other
    return equal


def effect_scale(column: str, replicates: Iterable[Replicates]) -> Scale:
    """The catalog's; a ratio only as long as every number is positive."""
    declared = {**metric_columns(list(METRICS)), **probe_columns(list(PROBES))}.get(column)
    if declared is None or not all(arm.positive for arm in replicates):
        return "difference"
    return declared.scale


def loss_scale(config: TrialConfig) -> str:
    """A name for the scale of the losses: equal where losses can be set beside each other.

    It is the criterion, or the trainer where that has none; and for a critic with clipped weights
    the clip, which bounds its outputs.
    """
    clip, scale = config.d_weight_clip, config.criterion or str(config.trainer)
    return scale if clip is None else f"{scale} (clip {clip:g})"


def summaries(replicates: Mapping[Name, Replicates], scale: Scale) -> dict[Name, Summary]:
    """Arm -> its mean and variance, for arms with two numbers or more, none diverged."""
    return {
        name: summary(arm.on(scale))
        for name, arm in replicates.items()
        if len(arm.numbers) > 1 and not arm.diverged
    }

"""What an arm's replicates measured of one column, as numbers that statistics take."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from ganablate.report.statistics import Array, Summary, steadied, summary

Scale = Literal["ratio", "difference"]
FAILED = ("diverged", "saturated", "collapsed")
"""Outcomes that are failures of the arm."""
_POSITIVE = {
    "fid", "inception_score", "class_kl",
    *(f"{net}_loss_{what}" for net in "dg" for what in ("spread", "oscillation")),
}  # fmt: skip
"""Columns whose ratios mean something. KID can be negative; shares and counts can be 0."""


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

    def on(self, scale: Scale) -> Array:
        """Numbers in order of replicates [len(numbers)], logs for ratios."""
        numbers = np.array([self.numbers[key] for key in sorted(self.numbers)], dtype=np.float64)
        return np.log(numbers) if scale == "ratio" else numbers


def replicates_of(trials: pd.DataFrame, arm: str, column: str) -> Replicates:
    """The arm's complete replicates, from trials as `trials_frame` gives them."""
    own = trials[(trials["arm"] == arm) & (trials["state"] == "complete")]
    known = own[own[column].notna()]
    values = {int(key): float(x) for key, x in zip(known["replicate"], known[column], strict=True)}
    diverged = int((own[column].isna() & (own["outcome"] == "diverged").fillna(False)).sum())
    failed = int(own["outcome"].isin(FAILED).sum())
    return Replicates(values, diverged, failed, len(own))


def effect_scale(column: str, replicates: Iterable[Replicates]) -> Scale:
    """Ratio for the columns that cannot be 0 or negative, as long as no number of them is."""
    positive = all(value > 0 for one in replicates for value in one.numbers.values())
    return "ratio" if column in _POSITIVE and positive else "difference"


def summaries(replicates: Mapping[str, Replicates], scale: Scale) -> dict[str, Summary]:
    """Arm -> its mean and steadied variance, for arms with two numbers or more, none diverged."""
    plain = {
        name: summary(one.on(scale))
        for name, one in replicates.items()
        if len(one.numbers) > 1 and not one.diverged
    }
    if not plain:
        return {}
    parts = [
        np.array([getattr(one, part) for one in plain.values()])
        for part in ("mean", "variance", "n", "freedom")
    ]
    steady = steadied(Summary(*parts))
    columns = zip(steady.mean, steady.variance, steady.n, steady.freedom, strict=True)
    return {name: Summary(*numbers) for name, numbers in zip(plain, columns, strict=True)}

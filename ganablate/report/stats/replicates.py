"""What an arm's replicates measured of one column, as numbers that statistics take."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ganablate.catalog import METRICS, PROBES, Scale, metric_columns, probe_columns
from ganablate.report.stats.statistics import Array, Summary, steadied, summary
from ganablate.trials.outcome import FAILURES


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
    failed = int(own["outcome"].isin(FAILURES).sum())
    return Replicates(values, diverged, failed, len(own))


def effect_scale(column: str, replicates: Iterable[Replicates]) -> Scale:
    """The catalog's; a ratio only as long as every number is positive."""
    known = {**metric_columns(list(METRICS)), **probe_columns(list(PROBES))}.get(column)
    positive = all(value > 0 for one in replicates for value in one.numbers.values())
    return known.scale if known is not None and positive else "difference"


def summaries(replicates: Mapping[str, Replicates], scale: Scale) -> dict[str, Summary]:
    """Arm -> its mean and variance, for arms with two numbers or more, none diverged."""
    return {
        name: summary(one.on(scale))
        for name, one in replicates.items()
        if len(one.numbers) > 1 and not one.diverged
    }


def steadied_summaries(replicates: Mapping[str, Replicates], scale: Scale) -> dict[str, Summary]:
    """As `summaries`, with the variances of `steadied`."""
    plain = summaries(replicates, scale)
    if not plain:
        return {}
    parts = [
        np.array([getattr(one, part) for one in plain.values()])
        for part in ("mean", "variance", "n", "freedom")
    ]
    steady = steadied(Summary(*parts))
    columns = zip(steady.mean, steady.variance, steady.n, steady.freedom, strict=True)
    return {name: Summary(*numbers) for name, numbers in zip(plain, columns, strict=True)}

"""How arms, trials and their curves are put into lines of text."""

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from ganablate.catalog import Column
from ganablate.catalog.settings import SHARED
from ganablate.config import TrialConfig
from ganablate.report.frames.curves import block_middles
from ganablate.report.table.cells import MARKS, MISSING, mean_text
from ganablate.study.arms.settings import text_of
from ganablate.study.claims.curve_shapes import LOSS_CURVES
from ganablate.study.plan import Plan, Trial
from ganablate.text import binned, counted, sparkline

WIDTH = 100
"""Characters of a line of text; tables may be wider."""
SPARK = 40
"""Characters of a curve."""

Curve = Sequence[tuple[float, float]]
"""Share of the training (0 to 1) and a value, in order."""


def section(title: str, lines: Iterable[str]) -> list[str]:
    """A title with lines below it, and an empty line before; nothing without lines."""
    indented = [f"  {line}".rstrip() for line in lines]
    return ["", title, *indented] if indented else []


def settings_of(config: TrialConfig) -> dict[str, Any]:
    """The settings of a trial without its seed, as `NAME: value`; those it does not have left out.

    Settings that both nets have alike are one.
    """
    values = config.model_dump(exclude_none=True, exclude={"seed"})
    settings: dict[str, Any] = {}
    for name, value in values.items():
        both = name[2:]
        alike = both in SHARED and values.get(f"g_{both}") == values.get(f"d_{both}")
        settings[both if alike and name[:2] in ("g_", "d_") else name] = value
    return settings


def settings_lines(config: TrialConfig) -> list[str]:
    """The settings in running text."""
    parts = [f"{name}={text_of(name, value)}" for name, value in settings_of(config).items()]
    return wrapped("  ".join(parts))


def wrapped(text: str) -> list[str]:
    """The text in lines."""
    return textwrap.wrap(text, WIDTH - 2, break_long_words=False, break_on_hyphens=False)


def difference_rows(ours: TrialConfig, theirs: TrialConfig) -> list[list[str]]:
    """Name, their value and ours of each setting that differs; nothing of seeds."""
    dumps = [config.model_dump(exclude={"seed"}) for config in (ours, theirs)]
    return [
        [name, text_of(name, dumps[1][name]), text_of(name, value)]
        for name, value in dumps[0].items()
        if value != dumps[1][name]
    ]


def number_text(row: pd.Series, column: str) -> str:
    """An arm's mean, spread and how many replicates have it: `179 ± 11 (5)`, with its mark."""
    if pd.isna(row[column]):
        return MISSING
    mark = row[column + "_mark"]
    end = "" if pd.isna(mark) else f" {MARKS[str(mark)]}"
    return f"{mean_text(row, column)} ({row[column + '_n']}){end}"


def columns_in_order(plan: Plan) -> dict[str, Column]:
    """The columns of a plan, its primary one first."""
    columns = plan.columns
    return {name: columns[name] for name in sorted(columns, key=lambda name: name != plan.primary)}


def curve_names(plan: Plan) -> dict[str, str]:
    """What may have a curve and how it is called: the losses, and the primary metric."""
    primary = plan.columns.get(plan.primary)
    return {**LOSS_CURVES, **({} if primary is None else {plan.primary: primary.title})}


def mean_curves(curves: pd.DataFrame, trials: Sequence[Trial], plan: Plan) -> dict[str, Curve]:
    """Name -> its mean over these trials, of one length, wherever any of them has a number.

    A block of losses stands at its middle, in shares of the whole training: one that ended before
    stops there. The primary metric is there where the study measures it during the training.
    """
    means: dict[str, Curve] = {}
    for name, points in _points(curves, trials, plan).items():
        mean = points.groupby("place")["value"].mean()
        means[name] = list(zip(map(float, mean.index), map(float, mean), strict=True))
    return means


def means_of(curves: pd.DataFrame, trials: Sequence[Trial], plan: Plan) -> str:
    """Over how many trials `mean_curves` are: `means of 5 trials`, or `of up to 5`."""
    curves_of = _points(curves, trials, plan).values()
    counts = [n for points in curves_of for n in points.groupby("place").size()]
    few, most = min(counts, default=0), max(counts, default=0)
    return f"means of {'up to ' if few < most else ''}{counted(most, 'trial')}"


def _points(curves: pd.DataFrame, trials: Sequence[Trial], plan: Plan) -> dict[str, pd.DataFrame]:
    """Name of a curve -> the trials' values, each with its place in the training."""
    ids = [trial.trial_id for trial in trials]
    of_trials = curves[curves["trial_id"].isin(ids)]
    config = trials[0].config
    iterations = config.total_iterations(plan.images_of(config.dataset))
    images = iterations * config.d_steps * config.batch_size  # real ones that D sees in all
    by_name = {}
    for name in curve_names(plan):
        points = of_trials[of_trials["metric"] == name]
        seen = block_middles(points) if name in LOSS_CURVES else points["images_seen"]
        points = points.assign(place=seen / images).dropna(subset=["value"])
        if len(points):
            by_name[name] = points
    return by_name


def shortened(curve: Curve) -> list[float | None]:
    """A curve as the values of `SPARK` equal parts of the training."""
    return binned(curve, SPARK)


def curve_rows(curves: Mapping[str, Curve], plan: Plan) -> list[list[str]]:
    """A row a curve: its name, its course, and where it begins and ends."""
    names = curve_names(plan)
    return [
        [names[name], sparkline(shortened(curve)), ends_text(curve)]
        for name, curve in curves.items()
    ]


def ends_text(curve: Curve) -> str:
    """`1.08 -> 1.32 (from 0.277 to 1.35)`: first and last, lowest and highest."""
    values = [value for _, value in curve]
    low, high = min(values), max(values)
    return f"{values[0]:.3g} -> {values[-1]:.3g} (from {low:.3g} to {high:.3g})"

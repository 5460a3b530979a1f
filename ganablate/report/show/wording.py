"""How arms, trials and their curves are put into lines of text."""

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from ganablate.catalog import DATASETS, Column
from ganablate.catalog.settings import SHARED
from ganablate.config import TrialConfig
from ganablate.report.frames.curves import block_middles
from ganablate.report.table.captions import MARKS, MISSING
from ganablate.report.table.columns import cell_text
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
    kept = list(lines)
    return ["", title, *(f"  {line}".rstrip() for line in kept)] if kept else []


def settings_of(config: TrialConfig) -> dict[str, Any]:
    """The settings of a trial without its seed, as `NAME: value`; those it does not have left out.

    Settings that both nets have alike are one.
    """
    values = config.model_dump(exclude_none=True, exclude={"seed"})
    found: dict[str, Any] = {}
    for name, value in values.items():
        both = name[2:]
        alike = both in SHARED and values.get(f"g_{both}") == values.get(f"d_{both}")
        if alike and name.startswith("g_"):
            found[both] = value
        elif not (alike and name.startswith("d_")):
            found[name] = value
    return found


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
    return f"{cell_text(row, column)} ({row[column + '_n']}){end}"


def columns_in_order(plan: Plan) -> dict[str, Column]:
    """The columns of a plan, its primary one first."""
    known = plan.columns
    return {name: known[name] for name in sorted(known, key=lambda name: name != plan.primary)}


def curve_names(plan: Plan) -> dict[str, str]:
    """What may have a curve and how it is called: the losses, and the primary metric."""
    known = plan.columns
    return {**LOSS_CURVES, **{name: known[name].title for name in (plan.primary,) if name in known}}


def mean_curves(curves: pd.DataFrame, trials: Sequence[Trial], plan: Plan) -> dict[str, Curve]:
    """Name -> its mean over these trials, of one length, wherever any of them has a number.

    A block of losses stands at its middle, in shares of the whole training: one that ended before
    stops there. The primary metric is there where the study measures it during the training.
    """
    points = _points(curves, trials, plan)
    means = {key: one.groupby("place")["value"].mean() for key, one in points.items()}
    return {
        key: list(zip(map(float, one.index), map(float, one), strict=True))
        for key, one in means.items()
    }


def means_of(curves: pd.DataFrame, trials: Sequence[Trial], plan: Plan) -> str:
    """Over how many trials `mean_curves` are: `means of 5 trials`, or `of up to 5`."""
    points = _points(curves, trials, plan)
    counts = [n for one in points.values() for n in one.groupby("place").size()]
    few, most = min(counts, default=0), max(counts, default=0)
    return f"means of {'up to ' if few < most else ''}{counted(most, 'trial')}"


def _points(curves: pd.DataFrame, trials: Sequence[Trial], plan: Plan) -> dict[str, pd.DataFrame]:
    """Name of a curve -> the trials' values, each with its place in the training."""
    ids = [trial.trial_id for trial in trials]
    own = curves[curves["trial_id"].isin(ids)]
    images = _images_shown(trials[0], plan)
    found = {}
    for key in curve_names(plan):
        points = own[own["metric"] == key]
        seen = block_middles(points) if key in LOSS_CURVES else points["images_seen"]
        points = points.assign(place=seen / images).dropna(subset=["value"])
        if len(points):
            found[key] = points
    return found


def _images_shown(trial: Trial, plan: Plan) -> int:
    """Real images that D sees in the whole training."""
    config = trial.config
    images = dict(plan.folders).get(config.dataset)
    if images is None:
        images = DATASETS[config.dataset].images
    return config.total_iterations(images) * config.d_steps * config.batch_size


def shortened(curve: Curve) -> list[float | None]:
    """A curve as the values of `SPARK` equal parts of the training."""
    return binned(curve, SPARK)


def curve_rows(curves: Mapping[str, Curve], plan: Plan) -> list[list[str]]:
    """A row a curve: its name, its course, and where it begins and ends."""
    names = curve_names(plan)
    return [[names[key], sparkline(shortened(one)), ends_text(one)] for key, one in curves.items()]


def ends_text(curve: Curve) -> str:
    """`1.08 -> 1.32 (from 0.277 to 1.35)`: first and last, lowest and highest."""
    values = [value for _, value in curve]
    low, high = min(values), max(values)
    return f"{values[0]:.3g} -> {values[-1]:.3g} (from {low:.3g} to {high:.3g})"

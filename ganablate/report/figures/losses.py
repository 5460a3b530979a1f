"""Loss curves: one panel an arm, D and G, the mean over replicates within their range."""

import math
from pathlib import Path

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from ganablate.report.figures import style
from ganablate.report.frames.curves import BLOCKS, block_middles
from ganablate.report.stats.loss_scale import loss_scale
from ganablate.report.table.captions import behind, coverage
from ganablate.report.table.tables import arms_in_order, baseline_arm
from ganablate.study.claims.curve_shapes import LOSS_CURVES
from ganablate.study.plan import Arm, Plan
from ganablate.trials.outcome import FAILURES

_ABOVE = 0.5
"""Inches for the legend and the first titles."""
_BESIDE = "#a6a6a6"
_LOG_FROM = 50.0
"""A ratio of largest to smallest loss from which the axis is logarithmic."""
_OUTLYING = 2.0
"""Times the usual range that a few means may span and still be within the axis."""
_DECADES = 500.0
"""Most that a logarithmic axis spans: a loss of a saturated net falls to 0 without an end."""


def loss_bands(curves: pd.DataFrame, trials: pd.DataFrame) -> pd.DataFrame:
    """Mean and range over replicates of the criterion, in each block of training.

    Args:
        curves: As `read_curves` gives it.
        trials: As `read_trials` gives it.

    Returns:
        Columns arm, metric, images_seen (middle of the block), mean, low, high. A replicate
        without a value in a block does not count there.
    """
    known = curves[curves["metric"].isin(list(style.LOSS_COLOURS))]
    known = known.assign(images_seen=block_middles(known)).dropna(subset=["value"])
    arms = trials.drop_duplicates("trial_id").set_index("trial_id")["arm"]
    known = known.assign(arm=known["trial_id"].map(arms)).dropna(subset=["arm"])
    values = known.groupby(["arm", "metric", "images_seen"])["value"]
    bands = values.agg(["mean", "min", "max"]).reset_index()
    return bands.rename(columns={"min": "low", "max": "high"})


def _limits(bands: pd.DataFrame) -> tuple[float, float, bool]:
    """Lowest, highest and whether logarithmic, with room for the text in the upper corner."""
    low, high = float(bands["low"].quantile(0.01)), float(bands["high"].quantile(0.99))
    lowest, highest = float(bands["mean"].min()), float(bands["mean"].max())
    if highest - lowest <= _OUTLYING * (high - low):
        low, high = min(low, lowest), max(high, highest)
    if low > 0 and high / low > _LOG_FROM:
        low = max(low, high / _DECADES)
        return low / 1.3, high * (high / low) ** 0.2, True
    room = (high - low) or 0.5 * abs(high) or 1.0
    return low - 0.06 * room, high + 0.28 * room, False


def _draw(axes: Axes, own: pd.DataFrame, beside: pd.DataFrame | None) -> None:
    for key, colour in style.LOSS_COLOURS.items():
        if beside is not None:
            other = beside[beside["metric"] == key]
            axes.plot(other["images_seen"], other["mean"], color=_BESIDE, lw=0.8, zorder=1)
        line = own[own["metric"] == key]
        axes.fill_between(
            line["images_seen"], line["low"], line["high"], color=colour, alpha=0.22, lw=0, zorder=2
        )
        axes.plot(line["images_seen"], line["mean"], color=colour, lw=1.0, zorder=3)


def _describe(axes: Axes, arm: Arm, trials: pd.DataFrame, *, strong: bool) -> None:
    own = trials[trials["arm"] == arm.name]
    complete = own[own["state"] == "complete"]
    text = f"n = {len(complete)}" + (f" of {len(own)}" if len(complete) < len(own) else "")
    for outcome in FAILURES:
        count = int((complete["outcome"] == outcome).sum())
        text += f", {count} {outcome}" if count else ""
    early = int(complete["ended_early_at"].notna().sum()) if "ended_early_at" in complete else 0
    text += f"\n{early} ended early" if early else ""
    style.annotate(axes, text)
    title = style.wrapped(arm.name, 26, lines=2)
    axes.set_title(title, fontsize=7.5, fontweight="bold" if strong else "normal", pad=3)


def _scale(axes: Axes, limits: tuple[float, float, bool], longest: float) -> None:
    low, high, logarithmic = limits
    axes.set_yscale("log" if logarithmic else "linear")
    axes.set_ylim(low, high)
    axes.set_xlim(0, longest * 1.02)
    if not logarithmic:
        axes.yaxis.set_major_locator(MaxNLocator(4))
    if logarithmic:
        axes.yaxis.set_major_locator(LogLocator(10, numticks=6))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(FuncFormatter(style.plain))
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(style.thousands))


def _legend(figure: Figure, beside: str | None) -> None:
    handles: list[Artist] = [
        Line2D([], [], color=colour, lw=1.4, label=f"{LOSS_CURVES[key]}, mean of replicates")
        for key, colour in style.LOSS_COLOURS.items()
    ]
    handles.append(Patch(color="#000000", alpha=0.15, lw=0, label="lowest to highest replicate"))
    if beside is not None:
        handles.append(
            Line2D([], [], color=_BESIDE, lw=1.0, label=style.wrapped(beside, 26, lines=2))
        )
    figure.legend(handles=handles, loc="upper center", ncols=4, fontsize=7, frameon=False)


def beside_panel(arm: Arm, baseline: Arm | None) -> str | None:
    """The arm whose means are repeated in this arm's panel: the baseline, if on its scale."""
    if baseline is None or arm.name == baseline.name:
        return None
    return baseline.name if loss_scale(arm.config) == loss_scale(baseline.config) else None


def _panel(axes: Axes, arm: Arm, bands: pd.DataFrame, beside: str | None) -> None:
    own = bands[bands["arm"] == arm.name]
    _draw(axes, own, None if beside is None else bands[bands["arm"] == beside])


def draw_losses(curves: pd.DataFrame, trials: pd.DataFrame, plan: Plan, path: Path) -> bool:
    """Write the picture; False, and nothing written, where there is no curve.

    Panels of one scale (a criterion, a clip) share their axes. The baseline's means are repeated
    in grey in the other panels of its scale.
    """
    bands = loss_bands(curves, trials)
    if bands.empty:
        return False
    arms, baseline = arms_in_order(plan), baseline_arm(plan)
    beside = {arm.name: beside_panel(arm, baseline) for arm in arms}
    scales = {arm.name: loss_scale(arm.config) for arm in arms}
    groups = bands.groupby(bands["arm"].map(scales).astype(str))
    limits = {str(name): _limits(group) for name, group in groups}
    longest = float(curves["images_seen"].max())
    across = min(len(arms), 4 if len(arms) <= 24 else 6)
    down = math.ceil(len(arms) / across)
    caption = _caption(trials, plan)
    width = max(1.85 * across, 6.6)
    below = style.caption_inches(caption, width) + 0.34
    height = 1.45 * down + _ABOVE + below
    with style.look():
        figure = style.new_figure(width, height)
        for place, arm in enumerate(arms):
            axes = figure.add_subplot(down, across, place + 1)
            _panel(axes, arm, bands, beside[arm.name])
            _describe(axes, arm, trials, strong=baseline is not None and arm is baseline)
            _scale(axes, limits.get(scales[arm.name], (0.0, 1.0, False)), longest)
            before = scales[arms[place - 1].name] if place % across else None
            if scales[arm.name] != before:
                axes.set_ylabel(f"{arm.config.criterion} loss", fontsize=7, labelpad=2)
            if place + across >= len(arms):
                axes.set_xlabel("images seen", fontsize=7, labelpad=2)
        _legend(figure, next((name for name in beside.values() if name), None))
        figure.subplots_adjust(
            left=0.54 / width, right=1 - 0.1 / width, bottom=below / height,
            top=1 - _ABOVE / height, wspace=0.4, hspace=0.42,
        )  # fmt: skip
        style.save(figure, path, caption)
    return True


def _caption(trials: pd.DataFrame, plan: Plan) -> str:
    return (
        f"{coverage(trials, plan)} n: complete replicates. Criterion without penalty; each point "
        f"is the mean over a {BLOCKS}th of training.{behind(trials, 'the mean is')} Panels of one "
        "scale share their axes; lines may leave them."
    )

"""The losses of D and G, one panel an arm: the mean of replicates, and how much each fluctuates."""

import math
from pathlib import Path

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import (
    FormatStrFormatter,
    FuncFormatter,
    LogLocator,
    MaxNLocator,
    NullLocator,
)

from ganablate.report.analysis import Analysis
from ganablate.report.figures import style
from ganablate.report.frames.curves import BLOCKS, block_middles
from ganablate.report.stats.replicates import loss_scale
from ganablate.report.table.captions import coverage, past_short_trials
from ganablate.report.table.tables import arms_in_order, baseline_arm
from ganablate.study.claims.curve_shapes import LOSS_CURVES
from ganablate.study.plan import Arm, Plan
from ganablate.trials.outcome import FAILURES

_GREY = "#a6a6a6"
_LOG_FROM = 50.0
"""A ratio of largest to smallest loss from which the axis is logarithmic."""
_OUTLYING = 2.0
"""Times the usual range that a few means may span and still be within the axis."""
_DECADES = 500.0
"""Most that a logarithmic axis spans: a loss of a saturated net falls to 0 without an end."""
MOST_ARMS = 12
"""Arms whose fluctuation is drawn."""


def loss_bands(curves: pd.DataFrame, trials: pd.DataFrame) -> pd.DataFrame:
    """Mean and range over replicates of the criterion, in each block of training.

    Returns:
        Columns arm, metric, images_seen (middle of the block), mean, low, high. A replicate
        without a value in a block does not count there.
    """
    losses = curves[curves["metric"].isin(list(style.LOSS_COLOURS))]
    losses = losses.assign(images_seen=block_middles(losses)).dropna(subset=["value"])
    arms = trials.drop_duplicates("trial_id").set_index("trial_id")["arm"]
    losses = losses.assign(arm=losses["trial_id"].map(arms)).dropna(subset=["arm"])
    values = losses.groupby(["arm", "metric", "images_seen"])["value"]
    bands = values.agg(["mean", "min", "max"]).reset_index()
    return bands.rename(columns={"min": "low", "max": "high"})


def draw_losses(analysis: Analysis, path: Path) -> bool:
    """Write the picture; False, and nothing written, where there is no curve.

    Panels of one scale (a criterion, a clip) share their axes. The baseline's means are repeated
    in grey in the other panels of its scale.
    """
    plan, trials = analysis.plan, analysis.trials
    bands = loss_bands(analysis.curves, trials)
    if bands.empty:
        return False
    arms, baseline = arms_in_order(plan), baseline_arm(plan)
    scales = {arm.name: loss_scale(arm.config) for arm in arms}
    limits = {scale: _limits(group) for scale, group in bands.groupby(bands["arm"].map(scales))}
    longest = float(analysis.curves["images_seen"].max())
    across = min(len(arms), 4 if len(arms) <= 24 else 6)
    down = math.ceil(len(arms) / across)
    note = past_short_trials(trials, "the mean is")
    caption = (
        f"{coverage(trials, plan)} n: complete replicates. Criterion without penalty; each point "
        f"is the mean over a {BLOCKS}th of training.{note} Panels of one scale share their axes; "
        "lines may leave them."
    )
    # The upper half inch is for the legend and the first titles.
    with style.captioned(
        path, caption, (max(1.85 * across, 6.6), 1.45 * down + 0.5), axis=0.34,
        margins=(0.54, 0.1, 0.5), wspace=0.4, hspace=0.42,
    ) as figure:  # fmt: skip
        repeated = None
        for place, arm in enumerate(arms):
            axes = figure.add_subplot(down, across, place + 1)
            scale = scales[arm.name]
            if baseline is not None and arm is not baseline and scale == scales[baseline.name]:
                repeated = baseline.name
                _draw_grey(axes, bands[bands["arm"] == repeated])
            _draw_pair(axes, bands[bands["arm"] == arm.name], "mean", 2)
            _describe(axes, arm, trials, bold=arm is baseline)
            _set_scale(axes, limits.get(scale, (0.0, 1.0, False)), longest)
            if not place % across or scale != scales[arms[place - 1].name]:
                axes.set_ylabel(f"{arm.config.criterion} loss", fontsize=7, labelpad=2)
            if place + across >= len(arms):
                axes.set_xlabel("images seen", fontsize=7, labelpad=2)
        _legend(figure, ", mean of replicates", "lowest to highest replicate", repeated)
    return True


def _limits(bands: pd.DataFrame) -> tuple[float, float, bool]:
    """Lowest, highest and whether logarithmic, with room for the text in the upper corner."""
    low, high = float(bands["low"].quantile(0.01)), float(bands["high"].quantile(0.99))
    lowest, highest = float(bands["mean"].min()), float(bands["mean"].max())
    if highest - lowest <= _OUTLYING * (high - low):
        low, high = min(low, lowest), max(high, highest)
    if low > 0 and high / low > _LOG_FROM:
        low = max(low, high / _DECADES)
        return low / 1.3, high * (high / low) ** 0.2, True
    span = (high - low) or 0.5 * abs(high) or 1.0
    return low - 0.06 * span, high + 0.28 * span, False


def _draw_grey(axes: Axes, bands: pd.DataFrame) -> None:
    for key in style.LOSS_COLOURS:
        line = bands[bands["metric"] == key]
        axes.plot(line["images_seen"], line["mean"], color=_GREY, lw=0.8, zorder=1)


def _draw_pair(axes: Axes, bands: pd.DataFrame, middle: str, zorder: int) -> None:
    """Draw the column `middle` of both losses, above bands from `low` to `high` at `zorder`."""
    for key, colour in style.LOSS_COLOURS.items():
        line = bands[bands["metric"] == key]
        seen = line["images_seen"]
        axes.fill_between(
            seen, line["low"], line["high"], color=colour, alpha=0.22, lw=0, zorder=zorder
        )
        axes.plot(seen, line[middle], color=colour, lw=1.0, zorder=zorder + 1)


def _describe(axes: Axes, arm: Arm, trials: pd.DataFrame, *, bold: bool) -> None:
    planned = trials[trials["arm"] == arm.name]
    complete = planned[planned["state"] == "complete"]
    text = f"n = {len(complete)}"
    text += f" of {len(planned)}" if len(complete) < len(planned) else ""
    for outcome in FAILURES:
        count = int((complete["outcome"] == outcome).sum())
        text += f", {count} {outcome}" if count else ""
    early = int(complete["ended_early_at"].notna().sum()) if "ended_early_at" in complete else 0
    text += f"\n{early} ended early" if early else ""
    style.annotate(axes, text)
    title = style.wrapped(arm.name, 26, lines=2)
    axes.set_title(title, fontsize=7.5, fontweight="bold" if bold else "normal", pad=3)


def _set_scale(axes: Axes, limits: tuple[float, float, bool], longest: float) -> None:
    low, high, logarithmic = limits
    axes.set_yscale("log" if logarithmic else "linear")
    axes.set_ylim(low, high)
    axes.set_xlim(0, longest * 1.02)
    if logarithmic:
        axes.yaxis.set_major_locator(LogLocator(10, numticks=6))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(FormatStrFormatter("%g"))
    else:
        axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(style.thousands))


def _legend(figure: Figure, line: str, band: str, grey: str | None = None) -> None:
    """The two losses, what a `line` of them and the `band` are, and the arm in grey."""
    handles: list[Artist] = [
        Line2D([], [], color=colour, lw=1.4, label=f"{LOSS_CURVES[key]}{line}")
        for key, colour in style.LOSS_COLOURS.items()
    ]
    handles.append(Patch(color="#000000", alpha=0.15, lw=0, label=band))
    if grey is not None:
        name = style.wrapped(grey, 26, lines=2)
        handles.append(Line2D([], [], color=_GREY, lw=1.0, label=name))
    columns = 4 if line else 3
    figure.legend(handles=handles, loc="upper center", ncols=columns, fontsize=7, frameon=False)


# --- how much they fluctuate ---


def pair_curves(curves: pd.DataFrame, trials: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """The criterion of each arm's first complete replicate, at most 12 arms.

    Returns:
        Columns arm, replicate, metric, images_seen (middle of the block), value, low, high: the
        mean of the block's steps and two standard deviations to either side. Blocks without a
        spread are left out.
    """
    first = trials[trials["state"] == "complete"].sort_values("replicate", kind="stable")
    first = first.drop_duplicates("arm")[["trial_id", "arm", "replicate"]]
    first = first[first["arm"].isin([arm.name for arm in arms_in_order(plan)[:MOST_ARMS]])]
    pairs = curves[curves["metric"].isin(list(style.LOSS_COLOURS))]
    pairs = pairs.merge(first, on="trial_id")
    pairs = pairs.assign(
        images_seen=block_middles(pairs),
        low=pairs["value"] - 2 * pairs["spread"],
        high=pairs["value"] + 2 * pairs["spread"],
    )
    columns = ["arm", "replicate", "metric", "images_seen", "value", "low", "high"]
    return pairs.dropna(subset=["spread"])[columns].reset_index(drop=True)


def draw_loss_pairs(analysis: Analysis, path: Path) -> bool:
    """Write the picture; False, and nothing written, where no curve has a spread.

    Arms of one scale (a criterion, a clip) share the axis of the losses, all that of the images.

    Source: R4, figure 12 (R4.8).
    """
    plan, trials = analysis.plan, analysis.trials
    pairs = pair_curves(analysis.curves, trials, plan)
    if pairs.empty:
        return False
    arms = [arm for arm in arms_in_order(plan) if arm.name in set(pairs["arm"])]
    scales = {arm.name: loss_scale(arm.config) for arm in arms}
    limits = {
        scale: (float(group["low"].quantile(0.01)), float(group["high"].quantile(0.99)))
        for scale, group in pairs.groupby(pairs["arm"].map(scales))
    }
    caption = (
        f"{coverage(trials, plan)} {len(arms)} of {len(plan.arms)} arms, each by its replicate 0 "
        f"or the one named. Criterion without penalty: mean of each {BLOCKS}th of training, and "
        "the standard deviation of its steps. Panels of one scale share their axes; bands may "
        "leave them."
    )
    with style.captioned(
        path, caption, (6.6, 0.95 * len(arms) + 0.4), axis=0.34, margins=(1.55, 0.1, 0.4),
        hspace=0.14,
    ) as figure:  # fmt: skip
        panels = figure.subplots(len(arms), 1, sharex=True, squeeze=False)[:, 0]
        for axes, arm in zip(panels, arms, strict=True):
            pair = pairs[pairs["arm"] == arm.name]
            _draw_pair(axes, pair, "value", 1)  # the grid lies over its bands
            if replicate := int(pair["replicate"].iloc[0]):
                style.annotate(axes, f"replicate {replicate}")
            low, high = limits[scales[arm.name]]
            span = (high - low) or 1.0
            axes.set_ylim(low - 0.06 * span, high + 0.06 * span)
            axes.yaxis.set_major_locator(MaxNLocator(4))
            axes.set_ylabel(
                style.wrapped(arm.name, 18), fontsize=7, rotation=0, ha="right", va="center",
                fontweight="bold" if arm is baseline_arm(plan) else "normal",
            )  # fmt: skip
        panels[-1].set_xlim(0, float(pairs["images_seen"].max()) * 1.02)
        style.label_images(panels[-1])
        _legend(figure, "", "± 2 deviations of its steps")
    return True

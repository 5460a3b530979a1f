"""The losses of D and G, one panel an arm: the mean of replicates, and how much each fluctuates."""

import math
from pathlib import Path

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from ganablate.report.analysis import Analysis
from ganablate.report.figures import style
from ganablate.report.frames.curves import BLOCKS, block_middles
from ganablate.report.stats.replicates import loss_scale
from ganablate.report.table.captions import coverage, past_short_trials
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
MOST_ARMS = 12
"""Arms whose fluctuation is shown."""
_PAIRS_WIDTH, _PAIR_HEIGHT, _PAIRS_ABOVE = 6.6, 0.95, 0.4


def loss_bands(curves: pd.DataFrame, trials: pd.DataFrame) -> pd.DataFrame:
    """Mean and range over replicates of the criterion, in each block of training.

    Args:
        curves: As `read_curves` gives it.
        trials: As `read_trials` gives it.

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


def _means(axes: Axes, bands: pd.DataFrame, arm: str, beside: str | None) -> None:
    for key, colour in style.LOSS_COLOURS.items():
        of_loss = bands[bands["metric"] == key]
        if beside is not None:
            grey = of_loss[of_loss["arm"] == beside]
            axes.plot(grey["images_seen"], grey["mean"], color=_BESIDE, lw=0.8, zorder=1)
        line = of_loss[of_loss["arm"] == arm]
        axes.fill_between(
            line["images_seen"], line["low"], line["high"], color=colour, alpha=0.22, lw=0, zorder=2
        )
        axes.plot(line["images_seen"], line["mean"], color=colour, lw=1.0, zorder=3)


def _describe(axes: Axes, arm: Arm, trials: pd.DataFrame, *, strong: bool) -> None:
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


def _legend(figure: Figure, each: str, band: str, beside: str | None = None) -> None:
    """The two losses, what is said of `each` of them, what the band is, and the arm in grey."""
    handles: list[Artist] = [
        Line2D([], [], color=colour, lw=1.4, label=f"{LOSS_CURVES[key]}{each}")
        for key, colour in style.LOSS_COLOURS.items()
    ]
    handles.append(Patch(color="#000000", alpha=0.15, lw=0, label=band))
    if beside is not None:
        name = style.wrapped(beside, 26, lines=2)
        handles.append(Line2D([], [], color=_BESIDE, lw=1.0, label=name))
    columns = 4 if each else 3
    figure.legend(handles=handles, loc="upper center", ncols=columns, fontsize=7, frameon=False)


def beside_panel(arm: Arm, baseline: Arm | None) -> str | None:
    """The arm whose means are repeated in this arm's panel: the baseline, if on its scale."""
    if baseline is None or arm.name == baseline.name:
        return None
    return baseline.name if loss_scale(arm.config) == loss_scale(baseline.config) else None


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
    beside = {arm.name: beside_panel(arm, baseline) for arm in arms}
    scales = {arm.name: loss_scale(arm.config) for arm in arms}
    groups = bands.groupby(bands["arm"].map(scales).astype(str))
    limits = {str(name): _limits(group) for name, group in groups}
    longest = float(analysis.curves["images_seen"].max())
    across = min(len(arms), 4 if len(arms) <= 24 else 6)
    down = math.ceil(len(arms) / across)
    caption = _means_caption(trials, plan)
    width = max(1.85 * across, 6.6)
    below = style.caption_inches(caption, width) + 0.34
    height = 1.45 * down + _ABOVE + below
    with style.look():
        figure = style.new_figure(width, height)
        for place, arm in enumerate(arms):
            axes = figure.add_subplot(down, across, place + 1)
            _means(axes, bands, arm.name, beside[arm.name])
            _describe(axes, arm, trials, strong=baseline is not None and arm is baseline)
            _scale(axes, limits.get(scales[arm.name], (0.0, 1.0, False)), longest)
            before = scales[arms[place - 1].name] if place % across else None
            if scales[arm.name] != before:
                axes.set_ylabel(f"{arm.config.criterion} loss", fontsize=7, labelpad=2)
            if place + across >= len(arms):
                axes.set_xlabel("images seen", fontsize=7, labelpad=2)
        grey = next((name for name in beside.values() if name), None)
        _legend(figure, ", mean of replicates", "lowest to highest replicate", grey)
        figure.subplots_adjust(
            left=0.54 / width, right=1 - 0.1 / width, bottom=below / height,
            top=1 - _ABOVE / height, wspace=0.4, hspace=0.42,
        )  # fmt: skip
        style.save(figure, path, caption)
    return True


def _means_caption(trials: pd.DataFrame, plan: Plan) -> str:
    note = past_short_trials(trials, "the mean is")
    return (
        f"{coverage(trials, plan)} n: complete replicates. Criterion without penalty; each point "
        f"is the mean over a {BLOCKS}th of training.{note} Panels of one scale share their axes; "
        "lines may leave them."
    )


# --- how much they fluctuate ---


def pair_curves(curves: pd.DataFrame, trials: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """The criterion of each arm's first complete replicate, at most 12 arms.

    Returns:
        Columns arm, replicate, metric, images_seen (middle of the block), value, low, high: the
        mean of the block's steps and two standard deviations to either side. Blocks without a
        spread are left out.
    """
    first = trials[trials["state"] == "complete"].sort_values("replicate", kind="stable")
    first = first.drop_duplicates("arm").set_index("trial_id")
    names = [arm.name for arm in arms_in_order(plan)[:MOST_ARMS]]
    first = first[first["arm"].isin(names)]
    pairs = curves[
        curves["metric"].isin(list(style.LOSS_COLOURS)) & curves["trial_id"].isin(first.index)
    ]
    pairs = pairs.assign(
        arm=pairs["trial_id"].map(first["arm"]),
        replicate=pairs["trial_id"].map(first["replicate"]),
        images_seen=block_middles(pairs),
        low=pairs["value"] - 2 * pairs["spread"],
        high=pairs["value"] + 2 * pairs["spread"],
    ).dropna(subset=["spread"])
    columns = ["arm", "replicate", "metric", "images_seen", "value", "low", "high"]
    return pairs[columns].reset_index(drop=True)


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
        str(name): (float(group["low"].quantile(0.01)), float(group["high"].quantile(0.99)))
        for name, group in pairs.groupby(pairs["arm"].map(scales).astype(str))
    }
    caption = _pairs_caption(trials, plan, len(arms))
    below = style.caption_inches(caption, _PAIRS_WIDTH) + 0.34
    height = _PAIR_HEIGHT * len(arms) + _PAIRS_ABOVE + below
    baseline = baseline_arm(plan)
    with style.look():
        figure = style.new_figure(_PAIRS_WIDTH, height)
        panels = figure.subplots(len(arms), 1, sharex=True, squeeze=False)[:, 0]
        for axes, arm in zip(panels, arms, strict=True):
            _pair(axes, pairs[pairs["arm"] == arm.name])
            low, high = limits[scales[arm.name]]
            room = (high - low) or 1.0
            axes.set_ylim(low - 0.06 * room, high + 0.06 * room)
            axes.set_ylabel(
                style.wrapped(arm.name, 18), fontsize=7, rotation=0, ha="right", va="center",
                fontweight="bold" if arm is baseline else "normal",
            )  # fmt: skip
        panels[-1].set_xlim(0, float(pairs["images_seen"].max()) * 1.02)
        panels[-1].xaxis.set_major_formatter(FuncFormatter(style.thousands))
        panels[-1].set_xlabel("images seen", fontsize=7, labelpad=2)
        _legend(figure, "", "± 2 deviations of its steps")
        figure.subplots_adjust(
            left=1.55 / _PAIRS_WIDTH, right=1 - 0.1 / _PAIRS_WIDTH, bottom=below / height,
            top=1 - _PAIRS_ABOVE / height, hspace=0.14,
        )  # fmt: skip
        style.save(figure, path, caption)
    return True


def _pair(axes: Axes, pair: pd.DataFrame) -> None:
    for key, colour in style.LOSS_COLOURS.items():
        line = pair[pair["metric"] == key]
        axes.fill_between(
            line["images_seen"], line["low"], line["high"], color=colour, alpha=0.22, lw=0
        )
        axes.plot(line["images_seen"], line["value"], color=colour, lw=1.0)
    replicate = int(pair["replicate"].iloc[0])
    if replicate:
        style.annotate(axes, f"replicate {replicate}")
    axes.yaxis.set_major_locator(MaxNLocator(4))


def _pairs_caption(trials: pd.DataFrame, plan: Plan, shown: int) -> str:
    return (
        f"{coverage(trials, plan)} {shown} of {len(plan.arms)} arms, each by its replicate 0 or "
        f"the one named. Criterion without penalty: mean of each {BLOCKS}th of training, and the "
        "standard deviation of its steps. Panels of one scale share their axes; bands may "
        "leave them."
    )

"""How much the losses fluctuate: one wide panel an arm, stacked, all on the same axes."""

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from ganablate.report.figures import style
from ganablate.report.frames.curves import BLOCKS, block_middles
from ganablate.report.stats.loss_scale import loss_scale
from ganablate.report.table.captions import coverage
from ganablate.report.table.tables import arms_in_order, baseline_arm
from ganablate.study.claims.curve_shapes import LOSS_CURVES
from ganablate.study.plan import Plan

MOST_ARMS = 12
_WIDTH, _PANEL = 6.6, 0.95
_ABOVE = 0.4


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
    own = curves[
        curves["metric"].isin(list(style.LOSS_COLOURS)) & curves["trial_id"].isin(first.index)
    ]
    own = own.assign(
        arm=own["trial_id"].map(first["arm"]),
        replicate=own["trial_id"].map(first["replicate"]),
        images_seen=block_middles(own),
        low=own["value"] - 2 * own["spread"],
        high=own["value"] + 2 * own["spread"],
    ).dropna(subset=["spread"])
    columns = ["arm", "replicate", "metric", "images_seen", "value", "low", "high"]
    return own[columns].reset_index(drop=True)


def draw_loss_pairs(curves: pd.DataFrame, trials: pd.DataFrame, plan: Plan, path: Path) -> bool:
    """Write the picture; False, and nothing written, where no curve has a spread.

    Arms of one scale (a criterion, a clip) share the axis of the losses, all that of the images.

    Source: R4, figure 12 (R4.8).
    """
    pairs = pair_curves(curves, trials, plan)
    if pairs.empty:
        return False
    arms = [arm for arm in arms_in_order(plan) if arm.name in set(pairs["arm"])]
    scales = {arm.name: loss_scale(arm.config) for arm in arms}
    limits = {
        str(name): (float(group["low"].quantile(0.01)), float(group["high"].quantile(0.99)))
        for name, group in pairs.groupby(pairs["arm"].map(scales).astype(str))
    }
    caption = _caption(trials, plan, len(arms))
    below = style.caption_inches(caption, _WIDTH) + 0.34
    height = _PANEL * len(arms) + _ABOVE + below
    baseline = baseline_arm(plan)
    with style.look():
        figure = style.new_figure(_WIDTH, height)
        panels = figure.subplots(len(arms), 1, sharex=True, squeeze=False)[:, 0]
        for axes, arm in zip(panels, arms, strict=True):
            _panel(axes, pairs[pairs["arm"] == arm.name])
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
        handles = [
            Line2D([], [], color=colour, lw=1.4, label=LOSS_CURVES[key])
            for key, colour in style.LOSS_COLOURS.items()
        ]
        band = Patch(color="#000000", alpha=0.15, lw=0, label="± 2 deviations of its steps")
        figure.legend(
            handles=[*handles, band], loc="upper center", ncols=3, fontsize=7, frameon=False
        )
        figure.subplots_adjust(
            left=1.55 / _WIDTH, right=1 - 0.1 / _WIDTH, bottom=below / height,
            top=1 - _ABOVE / height, hspace=0.14,
        )  # fmt: skip
        style.save(figure, path, caption)
    return True


def _panel(axes: Axes, own: pd.DataFrame) -> None:
    for key, colour in style.LOSS_COLOURS.items():
        line = own[own["metric"] == key]
        axes.fill_between(
            line["images_seen"], line["low"], line["high"], color=colour, alpha=0.22, lw=0
        )
        axes.plot(line["images_seen"], line["value"], color=colour, lw=1.0)
    replicate = int(own["replicate"].iloc[0])
    if replicate:
        style.annotate(axes, f"replicate {replicate}")
    axes.yaxis.set_major_locator(MaxNLocator(4))


def _caption(trials: pd.DataFrame, plan: Plan, shown: int) -> str:
    return (
        f"{coverage(trials, plan)} {shown} of {len(plan.arms)} arms, each by its replicate 0 or "
        f"the one named. Criterion without penalty: mean of each {BLOCKS}th of training, and the "
        "standard deviation of its steps. Panels of one scale share their axes; bands may "
        "leave them."
    )

"""A metric of images over the training: one line an arm, the mean within its replicates' range."""

from pathlib import Path

import pandas as pd
import seaborn as sns
from matplotlib.ticker import FuncFormatter

from ganablate.report.analysis import Analysis
from ganablate.report.figures import style
from ganablate.report.table.captions import coverage, past_short_trials
from ganablate.report.table.cells import heading
from ganablate.report.table.tables import arms_in_order, baseline_arm, marks_of, primary_column
from ganablate.study.plan import Plan
from ganablate.text import low_to_high

MOST_ARMS = 8
"""More lines than colours that can be told apart are not drawn."""
_WIDTH, _HEIGHT = 6.6, 2.9


def over_time(curves: pd.DataFrame, trials: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """The primary's values during training.

    Returns:
        Columns arm, images_seen, mean, low, high, n: over the complete replicates that were
        measured there; at most 8 arms, the baseline first.
    """
    names = [arm.name for arm in arms_in_order(plan)[:MOST_ARMS]]
    arm_of = trials.drop_duplicates("trial_id").set_index("trial_id")["arm"]
    primary = curves[curves["metric"] == primary_column(plan)].dropna(subset=["value"])
    primary = primary.assign(arm=primary["trial_id"].map(arm_of))
    values = primary[primary["arm"].isin(names)].groupby(["arm", "images_seen"])["value"]
    points = values.agg(["mean", "min", "max", "count"]).reset_index()
    return points.rename(columns={"min": "low", "max": "high", "count": "n"})


def draw_over_time(analysis: Analysis, path: Path) -> bool:
    """Write the picture; False, and nothing written, where no arm was measured twice.

    Source: R4, tables III and IV (R4.6, R4.7), where a metric stands beside the length so far.
    """
    plan, trials = analysis.plan, analysis.trials
    name, points = primary_column(plan), over_time(analysis.curves, trials, plan)
    if name is None or points.empty or points["arm"].value_counts().max() < 2:
        return False
    arms = [arm for arm in arms_in_order(plan) if arm.name in set(points["arm"])]
    marks = marks_of(trials, plan, name)
    unlike = {arm.name for arm in arms if arm.name in marks}
    caption = _caption(trials, plan, len(arms), dashed=bool(unlike))
    below = style.caption_inches(caption, _WIDTH) + 0.4
    height = _HEIGHT + below
    with style.look():
        figure = style.new_figure(_WIDTH, height)
        axes = figure.add_subplot()
        colours = sns.color_palette("colorblind", MOST_ARMS).as_hex()
        baseline = baseline_arm(plan)
        for arm, colour in zip(arms, colours, strict=False):
            line = points[points["arm"] == arm.name]
            ink = style.INK if arm is baseline else colour
            axes.fill_between(line["images_seen"], line["low"], line["high"], color=ink, alpha=0.15)
            axes.plot(
                line["images_seen"], line["mean"], color=ink, lw=1.2, marker="o", ms=3,
                ls="--" if arm.name in unlike else "-", label=_label(arm.name, line["n"], trials),
            )  # fmt: skip
        low, high = float(points["low"].min()), float(points["high"].max())
        if low > 0 and high / low > 20:
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter(FuncFormatter(style.plain))
        axes.set_xlim(0, float(points["images_seen"].max()) * 1.02)
        axes.xaxis.set_major_formatter(FuncFormatter(style.thousands))
        axes.set_xlabel("images seen", fontsize=7, labelpad=2)
        axes.set_ylabel(heading(plan.columns[name]), fontsize=7, labelpad=2)
        figure.legend(loc="center left", bbox_to_anchor=(0.76, 0.6), fontsize=7, frameon=False)
        figure.subplots_adjust(
            left=0.6 / _WIDTH, right=0.75, bottom=below / height, top=1 - 0.1 / height
        )
        style.save(figure, path, caption)
    return True


def _label(arm: str, counts: pd.Series, trials: pd.DataFrame) -> str:
    """The arm's name, with n where points are over fewer than its complete replicates."""
    name = style.wrapped(arm, 20, lines=2)
    complete = int(((trials["arm"] == arm) & (trials["state"] == "complete")).sum())
    if counts.min() == complete:
        return name
    return f"{name}\nn = {low_to_high(map(int, counts))}"


def _caption(trials: pd.DataFrame, plan: Plan, shown: int, *, dashed: bool) -> str:
    some = f" The first {shown} of {len(plan.arms)} arms." if shown < len(plan.arms) else ""
    short = past_short_trials(trials, "both are")
    note = " Dashed: measured by another protocol, so not to be compared." if dashed else ""
    return (
        f"{coverage(trials, plan)}{some} Line: mean of an arm's complete replicates; band: from "
        f"the lowest to the highest of them.{short} Each point is measured as at the end.{note}"
    )

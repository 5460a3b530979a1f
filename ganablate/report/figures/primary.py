"""The primary metrics: every replicate, each arm's mean and spread; the first one over time."""

from pathlib import Path
from typing import Any

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import FormatStrFormatter, FuncFormatter, LogLocator, NullFormatter

from ganablate.catalog import TEN_IMAGES
from ganablate.report.analysis import Analysis
from ganablate.report.figures import style
from ganablate.report.figures.reference_lines import draw_reference_lines, lines_caption
from ganablate.report.findings import Findings
from ganablate.report.frames.trials import PROTOCOL
from ganablate.report.table.captions import coverage, execution, past_short_trials, protocols
from ganablate.report.table.cells import ARROWS, heading
from ganablate.report.table.reference_rows import lines_of
from ganablate.report.table.tables import (
    arms_in_order,
    baseline_arm,
    marks_of,
    primary_column,
    primary_columns,
    reference_protocol,
)
from ganablate.study.plan import Plan
from ganablate.text import low_to_high
from ganablate.trials.outcome import FAILURES

_DOT: dict[str, Any] = {"ms": 3.6, "mec": style.DOT_COLOUR, "mew": 0.8, "alpha": 0.85, "zorder": 5}
_WIDTH = 6.6
_LOG_FROM = 12.0
"""A ratio of largest to smallest value from which the axis is logarithmic."""
MOST_ARMS = 8
"""Lines over the training; more colours cannot be told apart."""
_DIRECTIONS = {
    "min": f"({ARROWS['min']} lower is better)", "max": f"({ARROWS['max']} higher is better)",
}  # fmt: skip


def draw_primary(analysis: Findings, path: Path) -> bool:
    """Write the picture; False, and nothing written, where no trial has a primary's number.

    Of several primary metrics each has a panel, one below the other.
    """
    plan, trials, table = analysis.plan, analysis.trials, analysis.table
    columns = [name for name in primary_columns(plan) if trials[name].notna().any()]
    if not columns:
        return False
    baseline = baseline_arm(plan)
    parts = [
        coverage(trials, plan),
        "Dots: replicates. Bars: mean ± sample standard deviation.",
        f"Dashed line and band: {baseline.name}." if baseline is not None else None,
        *(lines_caption(plan.columns[name].title, _lines(analysis, name)) for name in columns),
        *protocols(trials, plan, only=columns, mark="Hollow:"),
        execution(trials),
    ]
    caption = " ".join(part for part in parts if part)
    below = style.caption_inches(caption, _WIDTH)
    height = len(columns) * (0.27 * len(table) + 0.55) + below
    with style.look():
        figure = style.new_figure(_WIDTH, height)
        every = figure.subplots(len(columns), squeeze=False)[:, 0]
        for axes, column in zip(every, columns, strict=True):
            _draw_panel(axes, analysis, column)
        figure.tight_layout(rect=(0, below / height, 1, 1), pad=0.4)
        style.save(figure, path, caption)
    return True


def _lines(analysis: Findings, column: str) -> dict[str, float]:
    """The values of the reference lines of a column, where they are known."""
    found = lines_of(column, analysis.references, analysis.trials, analysis.plan)
    return {name: line.value for name, line in found.items()}


def _draw_panel(axes: Axes, analysis: Findings, column: str) -> None:
    """Every replicate of a metric, and each arm's mean and spread."""
    plan, trials, table = analysis.plan, analysis.trials, analysis.table
    metric, baseline = plan.columns[column], baseline_arm(plan)
    stamps = trials.get(column + PROTOCOL, pd.Series(pd.NA, index=trials.index, dtype="string"))
    usual = reference_protocol(trials, plan, column)
    axes.grid(visible=False, axis="y")
    # The axis reaches to ten repeated images; the floor would press the arms together.
    lines = _lines(analysis, column)
    worst = pd.Series([lines[name] for name in (TEN_IMAGES,) if name in lines], dtype=float)
    values = pd.concat([trials[column].dropna(), worst])
    _set_scale(axes, values, table[column], table[column + "_sd"])
    draw_reference_lines(axes, lines, upright=True)
    if baseline is not None:
        _draw_baseline(axes, table[table["arm"] == baseline.name].iloc[0], column)
    for place, (_, row) in enumerate(table.iterrows()):
        replicates = trials[(trials["arm"] == row["arm"]) & trials[column].notna()]
        _draw_dots(axes, place, replicates[column], stamps[replicates.index], usual)
        if len(replicates):
            _draw_mean(axes, place, row[column], row[column + "_sd"])
        _annotate(axes, place, row, column)
    labels = [style.wrapped(str(name), 34, lines=2) for name in table["arm"]]
    axes.set_yticks(range(len(table)), labels)
    if baseline is not None:  # its arm is the first
        axes.get_yticklabels()[0].set_fontweight("bold")
    axes.set_ylim(len(table) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    direction = _DIRECTIONS.get(metric.direction, "")
    axes.set_xlabel(f"{metric.title}, {metric.unit} {direction}".rstrip())


def _set_scale(axes: Axes, values: pd.Series, means: pd.Series, sds: pd.Series) -> None:
    low, high = float(values.min()), float(values.max())
    if low > 0 and high / low > _LOG_FROM:
        axes.set_xscale("log")
        axes.set_xlim(low / 1.25, high * 1.25)
        axes.xaxis.set_major_locator(LogLocator(10, subs=(1.0, 2.0, 5.0)))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.xaxis.set_major_formatter(FuncFormatter(style.thousands))
    else:
        low = min(low, float((means - sds.fillna(0.0)).min()))
        high = max(high, float((means + sds.fillna(0.0)).max()))
        margin = 0.06 * (high - low) or 0.05 * abs(high) or 1.0
        axes.set_xlim(low - margin, high + margin)


def _draw_baseline(axes: Axes, row: pd.Series, column: str) -> None:
    mean, sd = row[column], row[column + "_sd"]
    if pd.isna(mean):
        return
    axes.axvline(mean, color=style.BASELINE_COLOUR, lw=0.9, ls=(0, (4, 2)), zorder=1)
    if not pd.isna(sd):
        axes.axvspan(mean - sd, mean + sd, color=style.BASELINE_COLOUR, alpha=0.14, lw=0, zorder=0)


def _draw_dots(
    axes: Axes, place: int, values: pd.Series, stamps: pd.Series, usual: str | None
) -> None:
    for number, (value, stamp) in enumerate(zip(values, stamps, strict=True)):
        # Spread by position and not by chance: the same data give the same picture.
        offset = 0.0 if len(values) == 1 else 0.4 * (number / (len(values) - 1) - 0.5)
        other = usual is not None and not pd.isna(stamp) and stamp != usual
        face = "white" if other else style.DOT_COLOUR
        axes.plot(value, place + offset, "o", mfc=face, **_DOT)


def _draw_mean(axes: Axes, place: int, mean: float, sd: float) -> None:
    if not pd.isna(sd):
        # A mean less its sd may lie below zero, where a logarithmic axis has no place.
        low = max(mean - sd, axes.get_xlim()[0])
        axes.plot([low, mean + sd], [place, place], color=style.INK, lw=0.9, zorder=3)
    axes.plot([mean, mean], [place - 0.33, place + 0.33], color=style.INK, lw=1.5, zorder=4)


def _annotate(axes: Axes, place: int, row: pd.Series, column: str) -> None:
    """Say at the right of an arm how many trials there are; troubles have a colour."""
    parts = [f"n = {row[column + '_n']}"]
    counts = {name: row["n_" + name] for name in (*FAILURES, "failed")}
    troubles = [f"{n} {name}" for name, n in counts.items() if pd.notna(n) and n]
    parts += troubles
    pending = row["n_planned"] - row["n_complete"] - row["n_failed"]
    if pending:
        parts.append(f"{pending} pending")
    axes.annotate(
        ", ".join(parts), (1, place), xycoords=axes.get_yaxis_transform(), xytext=(5, 0),
        textcoords="offset points", va="center", size=6.5,
        color=style.WARNING_COLOUR if troubles else style.INK,
    )  # fmt: skip


# --- over the training ---


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

    One line an arm: the mean within its replicates' range.

    Source: R4, tables III and IV (R4.6, R4.7), where a metric stands beside the length so far.
    """
    plan, trials = analysis.plan, analysis.trials
    name, points = primary_column(plan), over_time(analysis.curves, trials, plan)
    if name is None or points.empty or points["arm"].value_counts().max() < 2:
        return False
    arms = [arm for arm in arms_in_order(plan) if arm.name in set(points["arm"])]
    marks = marks_of(trials, plan, name)
    dashed = {arm.name for arm in arms if arm.name in marks}
    lines = _lines(analysis, name)
    caption = _caption(trials, plan, len(arms), dashed=bool(dashed))
    caption = " ".join(filter(None, [caption, lines_caption(plan.columns[name].title, lines)]))
    with style.captioned(
        path, caption, (_WIDTH, 2.9), axis=0.4, margins=(0.6, 0.25 * _WIDTH, 0.1)
    ) as figure:
        axes = figure.add_subplot()
        colours = sns.color_palette("colorblind", MOST_ARMS).as_hex()
        for arm, arm_colour in zip(arms, colours, strict=False):
            line = points[points["arm"] == arm.name]
            seen = line["images_seen"]
            colour = style.INK if arm is baseline_arm(plan) else arm_colour
            axes.fill_between(seen, line["low"], line["high"], color=colour, alpha=0.15)
            axes.plot(
                seen, line["mean"], color=colour, lw=1.2, marker="o", ms=3,
                ls="--" if arm.name in dashed else "-", label=_label(arm.name, line["n"], trials),
            )  # fmt: skip
        low, high = float(points["low"].min()), float(points["high"].max())
        if low > 0 and high / low > 20:
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter(FormatStrFormatter("%g"))
        draw_reference_lines(axes, lines, upright=False)
        axes.set_xlim(0, float(points["images_seen"].max()) * 1.02)
        style.label_images(axes)
        axes.set_ylabel(heading(plan.columns[name]), fontsize=7, labelpad=2)
        figure.legend(loc="center left", bbox_to_anchor=(0.76, 0.6), fontsize=7, frameon=False)
    return True


def _label(arm: str, counts: pd.Series, trials: pd.DataFrame) -> str:
    """The arm's name, with n where points are over fewer than its complete replicates."""
    name = style.wrapped(arm, 20, lines=2)
    complete = int(((trials["arm"] == arm) & (trials["state"] == "complete")).sum())
    if counts.min() == complete:
        return name
    return f"{name}\nn = {low_to_high(map(int, counts))}"


def _caption(trials: pd.DataFrame, plan: Plan, drawn: int, *, dashed: bool) -> str:
    first = f" The first {drawn} of {len(plan.arms)} arms." if drawn < len(plan.arms) else ""
    short = past_short_trials(trials, "both are")
    note = " Dashed: measured by another protocol, so not to be compared." if dashed else ""
    return (
        f"{coverage(trials, plan)}{first} Line: mean of an arm's complete replicates; band: from "
        f"the lowest to the highest of them.{short} Each point is measured as at the end.{note}"
    )

"""The primary metric: every replicate as a dot, each arm's mean and spread, the baseline marked."""

from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from ganablate.report.analysis import Analysis
from ganablate.report.figures import style
from ganablate.report.frames.trials import PROTOCOL
from ganablate.report.table.captions import coverage, execution, protocols
from ganablate.report.table.cells import ARROWS
from ganablate.report.table.tables import baseline_arm, primary_column, reference_protocol
from ganablate.study.plan import Plan
from ganablate.trials.outcome import FAILURES

_DOT: dict[str, Any] = {"ms": 3.6, "mec": style.DOT_COLOUR, "mew": 0.8, "alpha": 0.85, "zorder": 5}
_WIDTH = 6.6
_LOG_FROM = 12.0
"""A ratio of largest to smallest value from which the axis is logarithmic."""


def _dots(axes: Axes, place: int, values: pd.Series, stamps: pd.Series, usual: str | None) -> None:
    for number, (value, stamp) in enumerate(zip(values, stamps, strict=True)):
        # Spread by position and not by chance: the same data give the same picture.
        offset = 0.0 if len(values) == 1 else 0.4 * (number / (len(values) - 1) - 0.5)
        other = usual is not None and not pd.isna(stamp) and stamp != usual
        face = "white" if other else style.DOT_COLOUR
        axes.plot(value, place + offset, "o", mfc=face, **_DOT)


def _summary(axes: Axes, place: int, mean: float, sd: float) -> None:
    if not pd.isna(sd):
        # A mean less its sd may lie below zero, where a logarithmic axis has no place.
        low = max(mean - sd, axes.get_xlim()[0])
        axes.plot([low, mean + sd], [place, place], color=style.INK, lw=0.9, zorder=3)
    axes.plot([mean, mean], [place - 0.33, place + 0.33], color=style.INK, lw=1.5, zorder=4)


def _side_note(row: pd.Series, column: str) -> tuple[str, bool]:
    """Text at the right of an arm, and whether it tells of trouble."""
    parts = [f"n = {row[column + '_n']}"]
    counts = {name: row["n_" + name] for name in (*FAILURES, "failed")}
    troubles = [f"{n} {name}" for name, n in counts.items() if pd.notna(n) and n]
    absent = row["n_planned"] - row["n_complete"] - row["n_failed"]
    pending = [f"{absent} pending"] if absent else []
    return ", ".join(parts + troubles + pending), bool(troubles)


def _baseline(axes: Axes, table: pd.DataFrame, column: str, name: str) -> None:
    row = table[table["arm"] == name].iloc[0]
    if pd.isna(row[column]):
        return
    axes.axvline(row[column], color=style.BASELINE_COLOUR, lw=0.9, ls=(0, (4, 2)), zorder=1)
    if not pd.isna(row[column + "_sd"]):
        low, high = row[column] - row[column + "_sd"], row[column] + row[column + "_sd"]
        axes.axvspan(low, high, color=style.BASELINE_COLOUR, alpha=0.14, lw=0, zorder=0)


def _scale(axes: Axes, values: pd.Series, means: pd.Series, sds: pd.Series) -> None:
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
        room = 0.06 * (high - low) or 0.05 * abs(high) or 1.0
        axes.set_xlim(low - room, high + room)


def draw_primary(analysis: Analysis, path: Path) -> bool:
    """Write the picture; False, and nothing written, where no trial has the primary's number."""
    plan, trials, table = analysis.plan, analysis.trials, analysis.table
    column = primary_column(plan)
    if column is None or trials[column].dropna().empty:
        return False
    metric = plan.columns[column]
    baseline = baseline_arm(plan)
    stamps = trials.get(column + PROTOCOL, pd.Series(pd.NA, index=trials.index, dtype="string"))
    usual = reference_protocol(trials, plan, column)
    caption = _caption(trials, plan)
    height = 0.27 * len(table) + 0.55 + style.caption_inches(caption, _WIDTH)
    labels = [style.wrapped(str(name), 34, lines=2) for name in table["arm"]]
    with style.look():
        figure = style.new_figure(_WIDTH, height)
        axes = figure.add_subplot()
        axes.grid(visible=False, axis="y")
        _scale(axes, trials[column].dropna(), table[column], table[column + "_sd"])
        if baseline is not None:
            _baseline(axes, table, column, baseline.name)
        for place, (_, row) in enumerate(table.iterrows()):
            ours = trials[(trials["arm"] == row["arm"]) & trials[column].notna()]
            _dots(axes, place, ours[column], stamps[ours.index], usual)
            if len(ours):
                _summary(axes, place, row[column], row[column + "_sd"])
            text, trouble = _side_note(row, column)
            colour = style.WARNING_COLOUR if trouble else style.INK
            axes.annotate(
                text, (1, place), xycoords=axes.get_yaxis_transform(), xytext=(5, 0),
                textcoords="offset points", va="center", size=6.5, color=colour,
            )  # fmt: skip
        axes.set_yticks(range(len(table)), labels)
        if baseline is not None:  # its arm is the first
            axes.get_yticklabels()[0].set_fontweight("bold")
        axes.set_ylim(len(table) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel(f"{metric.title}, {metric.unit} {_direction(metric.direction)}".rstrip())
        below = style.caption_inches(caption, _WIDTH) / height
        figure.tight_layout(rect=(0, below, 1, 1), pad=0.4)
        style.save(figure, path, caption)
    return True


def _direction(direction: str) -> str:
    words = {"min": "lower is better", "max": "higher is better"}
    return f"({ARROWS[direction]} {words[direction]})" if direction in words else ""


def _caption(trials: pd.DataFrame, plan: Plan) -> str:
    baseline = baseline_arm(plan)
    parts = [
        coverage(trials, plan),
        "Dots: replicates. Bars: mean ± sample standard deviation.",
        f"Dashed line and band: {baseline.name}." if baseline is not None else None,
        *protocols(trials, plan, only=primary_column(plan), mark="Hollow:"),
        execution(trials),
    ]
    return " ".join(part for part in parts if part)

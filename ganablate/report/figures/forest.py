"""What every arm changes in the primary metric: effect, interval, replicates and verdict."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from ganablate.report.analysis import Analysis
from ganablate.report.figures import style
from ganablate.report.figures.reference_lines import draw_reference_lines, lines_caption
from ganablate.report.stats.comparison import MARGIN
from ganablate.report.stats.effects import Effect, StudyEffects, effect_columns
from ganablate.report.stats.statistics import Array
from ganablate.report.stats.working import NOT_WORKING
from ganablate.report.table.captions import coverage, execution, protocols
from ganablate.report.table.cells import effect_text, verdict_text
from ganablate.report.table.reference_rows import lines_of
from ganablate.report.table.tables import arms_in_order, compared_elsewhere
from ganablate.report.table.verdict_style import UNDECIDED, UNTESTED, VerdictKind, verdict_kind
from ganablate.study.plan import BASELINE, Plan
from ganablate.text import counted, percent

_WIDTH = 8.2
_TICKS = (
    1.0, 2.0, 0.5, 5.0, 0.2, 10.0, 0.1, 1.5, 0.7, 3.0, 0.3, 1.25, 0.8, 20.0, 0.05, 50.0, 0.02,
    100.0, 0.01, 1e3, 1e-3, 1e4, 1e-4, 1.1, 0.9,
)  # fmt: skip
"""Ratios that may be marked, those first that matter most."""
_NOT_JUDGED = "not judged"
_BEYOND = 0.35
"""How far an interval is followed beyond the effects and replicates, as a share of their range."""


@dataclass(frozen=True)
class ForestRow:
    """An arm in the units of the axis: logs of ratios, or differences; None is missing.

    `dots` are its replicates less the mean of the arm compared with.
    """

    label: str
    estimate: float | None
    ends: tuple[float, float] | None
    dots: Array
    words: str
    kind: VerdictKind


def forest_rows(effects: StudyEffects, plan: Plan) -> list[ForestRow]:
    """One row for each arm that is compared, in the order of the table."""
    names = [arm.name for arm in arms_in_order(plan) if arm.name in effects.by_arm]
    columns = effect_columns(effects, names)
    elsewhere = compared_elsewhere(plan)
    rows = []
    for name, (_, texts) in zip(names, columns.iterrows(), strict=True):
        effect = effects.by_arm[name]
        arm, other = effects.replicates[name], effects.replicates[effect.compared_to]
        label = f"{style.wrapped(name, 30, lines=2)} (n = {arm.n})"
        if elsewhere:
            label += f"\nagainst {style.wrapped(effect.compared_to, 24, lines=1)} (n = {other.n})"
        dots = arm.on(effects.scale)
        dots = dots - other.on(effects.scale).mean() if len(other.numbers) else dots[:0]
        null = name in effects.null
        kind = UNTESTED if null or effect.verdict is None else verdict_kind(effect.verdict)
        estimate, low, high = (
            math.log(value) if value is not None and effects.scale == "ratio" else value
            for value in (effect.estimate, effect.low, effect.high)
        )
        ends = None if low is None or high is None else (low, high)
        words = _words(texts, effect, arm.diverged, null=null)
        rows.append(ForestRow(label, estimate, ends, dots, words, kind))
    return rows


def _words(texts: pd.Series, effect: Effect, diverged: int, *, null: bool) -> str:
    # The exact p of a failing arm stands in the table: it is too long for this place.
    verdict = "null arm" if null else (verdict_text(texts) or "").partition(",")[0]
    verdict = _NOT_JUDGED if verdict == NOT_WORKING else verdict
    number = effect_text(texts)
    if number is None:
        number = f"no mean: {diverged} diverged" if diverged else "no number"
    elif effect.low is None:
        number += ", no interval"
    return f"{number}\n{verdict}" if verdict else number


def draw_forest(analysis: Analysis, path: Path) -> bool:
    """Write the picture; False, and nothing written, where no arm has an effect with an interval.

    Without one there is nothing to see but single trials: the picture of the primary shows those.
    """
    plan, effects = analysis.plan, analysis.effects
    rows = forest_rows(effects, plan) if effects is not None else []
    if effects is None or all(row.ends is None for row in rows):
        return False
    limits = _limits(rows, effects.scale)
    longest = max(len(line) for row in rows for line in row.label.splitlines())
    # The margins hold the names of the arms and the words at the right.
    margins = 0.2 + 0.063 * max(longest, 12), 2.45, 0.08
    size = _WIDTH, 0.29 * len(rows) + 0.3
    lines, places = _lines(effects, analysis)
    parts = [_caption(effects, analysis.trials, plan), lines_caption(lines)]
    caption = " ".join(filter(None, parts))
    with style.captioned(path, caption, size, axis=0.45, margins=margins) as figure:
        axes = figure.add_subplot()
        axes.grid(visible=False, axis="y")
        axes.set_xlim(*limits)
        axes.set_ylim(len(rows) - 0.45, -0.55)
        if effects.scale == "ratio":
            margin = math.log(MARGIN)
            axes.axvspan(-margin, margin, color=style.BASELINE_COLOUR, alpha=0.16, lw=0, zorder=0)
        axes.axvline(0, color=style.INK, lw=0.8, zorder=1)
        draw_reference_lines(axes, places, upright=True)
        for place, row in enumerate(rows):
            _draw_row(axes, place, row, limits)
        axes.set_yticks(range(len(rows)), [row.label for row in rows], linespacing=1.1)
        axes.tick_params(axis="y", length=0)
        _set_ticks(axes, limits, effects.scale)
        axes.set_xlabel(_axis_title(effects, plan), labelpad=3)
    return True


def _lines(effects: StudyEffects, analysis: Analysis) -> tuple[dict[str, float], dict[str, float]]:
    """The reference lines, and their places as effects; none where arms have other references."""
    others = {effect.compared_to for effect in effects.by_arm.values()}
    reference = effects.replicates.get(others.pop()) if len(others) == 1 else None
    if reference is None or not len(reference.numbers):
        return {}, {}
    is_ratio = effects.scale == "ratio"
    found = lines_of(effects.column, analysis.references, analysis.trials, analysis.plan)
    values = {k: line.value for k, line in found.items() if line.value > 0 or not is_ratio}
    middle = float(reference.on(effects.scale).mean())
    places = {k: (math.log(x) if is_ratio else x) - middle for k, x in values.items()}
    return values, places


def _limits(rows: list[ForestRow], scale: str) -> tuple[float, float]:
    """Ends of the axis: every effect, replicate and the margin, and of the intervals what fits."""
    values = [value for row in rows for value in (row.estimate, *row.dots) if value is not None]
    values += [math.log(MARGIN), -math.log(MARGIN)] if scale == "ratio" else [0.0]
    low, high = float(min(values)), float(max(values))
    span = (high - low) or 1.0
    ends = [end for row in rows if row.ends is not None for end in row.ends]
    low = max(min([low, *ends]), low - _BEYOND * span)
    high = min(max([high, *ends]), high + _BEYOND * span)
    return low - 0.05 * span, high + 0.05 * span


def _draw_row(axes: Axes, place: int, row: ForestRow, limits: tuple[float, float]) -> None:
    colour = row.kind.colour
    if len(row.dots):
        # Spread by position and not by chance: the same data give the same picture.
        lanes = place + 0.24 + 0.07 * (np.arange(len(row.dots)) % 3)
        axes.plot(row.dots, lanes, "o", ms=2.5, mew=0, color="#8a8a8a", zorder=2)
    if row.ends is not None:
        low, high = max(row.ends[0], limits[0]), min(row.ends[1], limits[1])
        axes.plot([low, high], [place, place], color=colour, lw=1.6, zorder=3)
        for end, marker, cut in ((low, "<", row.ends[0] < low), (high, ">", row.ends[1] > high)):
            if cut:
                axes.plot(end, place, marker, color=colour, ms=5, mew=0, zorder=4, clip_on=False)
    if row.estimate is not None:
        hollow = row.kind in (UNDECIDED, UNTESTED) or row.ends is None
        axes.plot(
            row.estimate, place, row.kind.marker, ms=6, mec=colour, mew=1.3,
            mfc="white" if hollow else colour, zorder=5,
        )  # fmt: skip
    number, _, verdict = row.words.partition("\n")
    for text, across, weight in ((number, 6, "normal"), (verdict, 96, "bold")):
        axes.annotate(
            text, (1, place), xycoords=axes.get_yaxis_transform(), xytext=(across, 0),
            textcoords="offset points", va="center", size=7, fontweight=weight,
            color=colour if weight == "bold" else style.INK,
        )  # fmt: skip


def _set_ticks(axes: Axes, limits: tuple[float, float], scale: str) -> None:
    if scale != "ratio":
        axes.xaxis.set_major_locator(MaxNLocator(6))
        return
    chosen: list[float] = []
    distance = (limits[1] - limits[0]) / 11
    for ratio in _TICKS:
        place = math.log(ratio)
        if limits[0] <= place <= limits[1] and all(abs(place - tick) > distance for tick in chosen):
            chosen.append(place)
    axes.xaxis.set_major_locator(FixedLocator(sorted(chosen)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda place, _: f"×{math.exp(place):g}"))  # noqa: RUF001


def _axis_title(effects: StudyEffects, plan: Plan) -> str:
    title = plan.columns[effects.column].title
    others = {effect.compared_to for effect in effects.by_arm.values()}
    other = "the arm compared with"
    if len(others) == 1:
        name = next(iter(others))
        n = f" (n = {effects.replicates[name].n})" if name in effects.replicates else ""
        other = (f"the {name}" if name == BASELINE else style.wrapped(name, 24, lines=1)) + n
    towards = {"min": "   ← better · worse →", "max": "   ← worse · better →", "none": ""}
    how = "over that of" if effects.scale == "ratio" else "less that of"
    return f"{title} {how} {other}{towards[effects.direction]}"


def _caption(effects: StudyEffects, trials: pd.DataFrame, plan: Plan) -> str:
    level = percent(1 - effects.alpha)
    mean = "geometric mean" if effects.scale == "ratio" else "mean"
    parts = [
        coverage(trials, plan),
        f"Large mark: effect; bar: its {level} interval, for each arm alone, an arrow where it "
        f"goes on; grey dots: replicates against the {mean} of the arm compared with.",
    ]
    if effects.scale == "ratio":
        parts.append(f"Grey band: within a factor of {MARGIN:g}.")
    if effects.tested:
        ruled = any(effect.fails_p is not None for effect in effects.by_arm.values())
        rule = ", or by the rule of failing arms" if ruled else ""
        tests = f"tests after Holm's correction over {counted(effects.tested, 'arm')}"
        parts.append(f"Verdicts: from {tests}, at {percent(effects.alpha)}{rule}.")
    if any(effect.verdict == NOT_WORKING for effect in effects.by_arm.values()):
        parts.append(f"{_NOT_JUDGED.capitalize()}: {NOT_WORKING}.")
    parts += protocols(trials, plan, only=effects.column)
    return " ".join(filter(None, [*parts, execution(trials)]))

"""What every arm changes in the primary metrics: effect, interval, replicates and verdict."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from ganablate.report.design import Design
from ganablate.report.figures import style
from ganablate.report.figures.reference_lines import draw_reference_lines, lines_caption
from ganablate.report.findings import Findings
from ganablate.report.stats.comparison import MARGIN
from ganablate.report.stats.effects import Effect, StudyEffects, effect_columns
from ganablate.report.stats.statistics import Array
from ganablate.report.stats.working import NOT_WORKING
from ganablate.report.table.captions import coverage, execution, protocols
from ganablate.report.table.cells import effect_text, verdict_text
from ganablate.report.table.reference_rows import lines_of
from ganablate.report.table.tables import arms_in_order, compared_elsewhere
from ganablate.report.table.verdict_style import UNDECIDED, UNTESTED, VerdictKind, verdict_kind
from ganablate.study.plan import BASELINE
from ganablate.text import counted, percent

_WIDTH = 8.2
_TICKS = (
    1.0, 2.0, 0.5, 5.0, 0.2, 10.0, 0.1, 1.5, 0.7, 3.0, 0.3, 1.25, 0.8, 20.0, 0.05, 50.0, 0.02,
    100.0, 0.01, 1e3, 1e-3, 1e4, 1e-4, 1.1, 0.9,
)  # fmt: skip
"""Ratios that may be marked, those first that matter most."""
_GAP = 0.55
"""Inches between two panels: ticks and title of the axis."""
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


def forest_rows(effects: StudyEffects, plan: Design) -> list[ForestRow]:
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
    number = effect_text(texts)
    if number is None:
        number = f"no mean: {diverged} diverged" if diverged else "no number"
    elif effect.low is None:
        number += ", no interval"
    return f"{number}\n{verdict}" if verdict else number


def draw_forest(analysis: Findings, path: Path) -> bool:
    """Write the picture; False, and nothing written, where no arm has an effect with an interval.

    Without one there is nothing to see but single trials: the picture of the primary shows those.
    Of several primary metrics each has a panel, one below the other.
    """
    plan = analysis.plan
    panels = [(effects, forest_rows(effects, plan)) for effects in analysis.judged.values()]
    panels = [(effects, rows) for effects, rows in panels if any(row.ends for row in rows)]
    if not panels:
        return False
    labels = [row.label for _, rows in panels for row in rows]
    longest = max(len(line) for label in labels for line in label.splitlines())
    # The margins hold the names of the arms and the words at the right.
    margins = 0.2 + 0.063 * max(longest, 12), 2.45, 0.08
    heights = [0.29 * len(rows) + 0.3 for _, rows in panels]
    gaps = _GAP * (len(panels) - 1)
    caption = _caption([effects for effects, _ in panels], analysis)
    with style.captioned(
        path, caption, (_WIDTH, sum(heights) + gaps), axis=0.45, margins=margins,
        hspace=_GAP * len(panels) / sum(heights),
    ) as figure:  # fmt: skip
        every = figure.subplots(len(panels), height_ratios=heights, squeeze=False)[:, 0]
        for axes, (effects, rows) in zip(every, panels, strict=True):
            _draw_panel(axes, rows, effects, analysis)
    return True


def _lines(effects: StudyEffects, analysis: Findings) -> tuple[dict[str, float], dict[str, float]]:
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


def _about_lines(columns: list[StudyEffects], analysis: Findings) -> Iterator[str]:
    """Whether some effects are not judged, and which reference lines there are."""
    verdicts = {effect.verdict for effects in columns for effect in effects.by_arm.values()}
    if NOT_WORKING in verdicts:
        yield f"{NOT_WORKING.capitalize()}: what the arm is compared with does not work."
    for effects in columns:
        title = analysis.plan.columns[effects.column].title
        line = lines_caption(title, _lines(effects, analysis)[0])
        if line is not None:
            yield line


def _draw_panel(
    axes: Axes, rows: list[ForestRow], effects: StudyEffects, analysis: Findings
) -> None:
    """The effects on one metric."""
    limits = _limits(rows, effects.scale)
    axes.grid(visible=False, axis="y")
    axes.set_xlim(*limits)
    axes.set_ylim(len(rows) - 0.45, -0.55)
    if effects.scale == "ratio":
        margin = math.log(MARGIN)
        axes.axvspan(-margin, margin, color=style.BASELINE_COLOUR, alpha=0.16, lw=0, zorder=0)
    axes.axvline(0, color=style.INK, lw=0.8, zorder=1)
    draw_reference_lines(axes, _lines(effects, analysis)[1], upright=True)
    for place, row in enumerate(rows):
        _draw_row(axes, place, row, limits)
    axes.set_yticks(range(len(rows)), [row.label for row in rows], linespacing=1.1)
    axes.tick_params(axis="y", length=0)
    _set_ticks(axes, limits, effects.scale)
    axes.set_xlabel(_axis_title(effects, analysis.plan), labelpad=3)


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


def _axis_title(effects: StudyEffects, plan: Design) -> str:
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


def _caption(columns: list[StudyEffects], analysis: Findings) -> str:
    plan, trials = analysis.plan, analysis.trials
    first, scales = columns[0], {effects.scale for effects in columns}
    means = {"ratio": "geometric mean", "difference": "mean"}
    mean = means[first.scale] if len(scales) == 1 else "(of ratios geometric) mean"
    parts = [
        coverage(trials, plan),
        f"Large mark: effect; bar: its {percent(1 - first.alpha)} interval, for each arm alone, an "
        f"arrow where it goes on; grey dots: replicates against the {mean} of the arm compared "
        "with.",
    ]
    if "ratio" in scales:
        parts.append(f"Grey band: within a factor of {MARGIN:g}.")
    if any(effects.tested for effects in columns):
        ruled = any(effect.fails for effects in columns for effect in effects.by_arm.values())
        rule = ", or by the rule of failing arms" if ruled else ""
        over = counted(first.tested, "arm") if len(columns) == 1 else f"{first.tests} tests"
        tests = f"tests after Holm's correction over {over}"
        parts.append(f"Verdicts: from {tests}, at {percent(first.alpha)}{rule}.")
    parts += _about_lines(columns, analysis)
    parts += protocols(trials, plan, only=[effects.column for effects in columns])
    return " ".join(filter(None, [*parts, execution(trials)]))

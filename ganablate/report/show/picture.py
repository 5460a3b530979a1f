"""Two arms, or two trials, side by side as a picture: samples, and losses below them."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from ganablate.report.figures import style
from ganablate.report.show.arm_or_trial import Shown, outcome_of
from ganablate.report.show.lines import Curve, mean_curves
from ganablate.report.stats.loss_scale import loss_scale
from ganablate.report.table.captions import past_short_trials
from ganablate.report.table.cells import MISSING, lone_text
from ganablate.study.claims.curve_shapes import LOSS_CURVES
from ganablate.study.plan import Trial

_COLUMNS = 8
_MOST_SAMPLES = 64
_WIDTH = 7.2
_LINES = ("-", "--")


def draw_pair(ours: Shown, theirs: Shown, path: Path) -> bool:
    """Draw both; False, and nothing written, where neither has samples or losses here.

    The samples are those of the first replicate that both have complete. They are made from the
    same latents where seed, device, and the latents' dimension and distribution are the same. The
    losses are means over the trials.
    """
    sides = (ours, theirs)
    trials = _shown_trials(ours, theirs)
    samples = [
        None if trial is None else shown.folder(trial).samples()
        for shown, trial in zip(sides, trials, strict=True)
    ]
    curves = [mean_curves(side.analysis.curves, side.trials, side.plan) for side in sides]
    if all(images is None for images in samples) and not any(curves):
        return False
    with style.look():
        caption = _caption(ours, theirs)
        room = style.caption_inches(caption, _WIDTH)
        height = 4.1 + 1.9 + room
        figure = style.new_figure(_WIDTH, height)
        grid = figure.add_gridspec(
            2, 2, height_ratios=[3.4, 1.5], left=0.08, right=0.98, top=1 - 0.45 / height,
            bottom=(room + 0.4) / height, hspace=0.18, wspace=0.16,
        )  # fmt: skip
        for place, (shown, trial, images) in enumerate(zip(sides, trials, samples, strict=True)):
            _draw_samples(figure.add_subplot(grid[0, place]), shown, trial, images)
        for place, (key, colour) in enumerate(style.LOSS_COLOURS.items()):
            axes = figure.add_subplot(grid[1, place])
            for shown, by_name, line in zip(sides, curves, _LINES, strict=True):
                _draw_curve(axes, shown, by_name.get(key, ()), colour, line)
            axes.set_title(LOSS_CURVES[key], fontsize=7.5, loc="left")
            axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:.0%}"))
            axes.set_xlim(0, 1)
            if any(key in by_name for by_name in curves):
                axes.legend(fontsize=6, frameon=False)
        style.save(figure, path, caption)
    return True


def _shown_trials(ours: Shown, theirs: Shown) -> list[Trial | None]:
    """The trials whose samples are shown: of the first replicate that both have complete."""
    complete = [
        set(shown.rows.loc[shown.rows["state"] == "complete", "replicate"].astype(int))
        for shown in (ours, theirs)
    ]
    both = complete[0] & complete[1]
    trials: list[Trial | None] = []
    for shown, replicates in zip((ours, theirs), complete, strict=True):
        first = min(both or replicates, default=None)
        trials.append(next((trial for trial in shown.trials if trial.replicate == first), None))
    return trials


def _draw_samples(axes: Axes, shown: Shown, trial: Trial | None, images: np.ndarray | None) -> None:
    axes.set_axis_off()
    title = style.wrapped(shown.subject.arm, 44, lines=2)
    axes.set_title(f"{title}\n{_about(shown, trial)}", fontsize=8)
    if images is None or not len(images):
        axes.text(
            0.5, 0.5, "no samples here", ha="center", va="center", color=style.BASELINE_COLOUR
        )
        return
    axes.imshow(_tiled(images), cmap="gray", vmin=0, vmax=255, interpolation="nearest")


def _tiled(images: np.ndarray) -> np.ndarray:
    """The first 64 images in rows of eight, uint8 [height, width] or [height, width, 3]."""
    shown = images[:_MOST_SAMPLES]
    count, high, wide, channels = shown.shape
    rows = -(-count // _COLUMNS)
    cells = np.full((rows * _COLUMNS, high, wide, channels), 255, dtype=np.uint8)
    cells[:count] = shown
    sheet = cells.reshape(rows, _COLUMNS, high, wide, channels).transpose(0, 2, 1, 3, 4)
    tiled: np.ndarray = sheet.reshape(rows * high, _COLUMNS * wide, channels)
    return tiled[:, :, 0] if channels == 1 else tiled


def _about(shown: Shown, trial: Trial | None) -> str:
    """Which replicate, its primary number and what became of it."""
    if trial is None:
        return "no trial is complete"
    row = shown.rows[shown.rows["trial_id"] == trial.trial_id].iloc[0]
    plan = shown.plan
    parts = [f"replicate {trial.replicate}", outcome_of(row)[0]]
    if plan.primary in plan.columns and (text := lone_text(row[plan.primary])) != MISSING:
        parts.insert(1, f"{plan.columns[plan.primary].title} {text}")
    return ", ".join(parts)


def _draw_curve(axes: Axes, shown: Shown, points: Curve, colour: str, line: str) -> None:
    if points:
        places, values = zip(*points, strict=True)
        axes.plot(places, values, line, color=colour, linewidth=1.1, label=shown.subject.name)


def _caption(ours: Shown, theirs: Shown) -> str:
    plan = ours.plan
    text = (
        f"{ours.subject.name} and {theirs.subject.name}. Study {plan.study}, budget {plan.budget}. "
        "Losses: means over the complete trials, over the share of the training."
    )
    text += past_short_trials(pd.concat([ours.rows, theirs.rows]), "they are")
    if loss_scale(ours.arm.config) != loss_scale(theirs.arm.config):
        text += " The losses are of different criteria: their heights cannot be compared."
    return text

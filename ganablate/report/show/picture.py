"""Two arms, or two trials, side by side as a picture: samples, and losses below them."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from ganablate.report.figures import style
from ganablate.report.show.selection import Selection, outcome_of
from ganablate.report.stats.replicates import loss_scale
from ganablate.report.table.captions import past_short_trials
from ganablate.report.table.cells import MISSING, lone_text
from ganablate.report.table.tables import primary_columns
from ganablate.study.claims.curve_shapes import LOSS_CURVES
from ganablate.study.plan import Trial

_COLUMNS = 8
_MOST_SAMPLES = 64
_WIDTH = 7.2
_LINES = ("-", "--")


def draw_pair(first: Selection, second: Selection, path: Path) -> bool:
    """Draw both; False, and nothing written, where neither has samples or losses here.

    The samples are those of the first replicate that both have complete. They are made from the
    same latents where seed, device, and the latents' dimension and distribution are the same. The
    losses are means over the trials.
    """
    sides = (first, second)
    trials = _drawn_trials(first, second)
    samples = [
        None if trial is None else side.folder(trial).samples()
        for side, trial in zip(sides, trials, strict=True)
    ]
    if all(images is None for images in samples) and not any(side.curves for side in sides):
        return False
    with style.look():
        caption = _caption(first, second)
        caption_height = style.caption_inches(caption, _WIDTH)
        height = 4.1 + 1.9 + caption_height
        figure = style.new_figure(_WIDTH, height)
        grid = figure.add_gridspec(
            2, 2, height_ratios=[3.4, 1.5], left=0.08, right=0.98, top=1 - 0.45 / height,
            bottom=(caption_height + 0.4) / height, hspace=0.18, wspace=0.16,
        )  # fmt: skip
        for place, (side, trial, images) in enumerate(zip(sides, trials, samples, strict=True)):
            _draw_samples(figure.add_subplot(grid[0, place]), side, trial, images)
        for place, key in enumerate(style.LOSS_COLOURS):
            axes = figure.add_subplot(grid[1, place])
            _draw_losses(axes, key, [(side.name, side.curves.get(key)) for side in sides])
        style.save(figure, path, caption)
    return True


def _drawn_trials(first: Selection, second: Selection) -> list[Trial | None]:
    """The trials whose samples are shown: of the first replicate that both have complete."""
    complete = [set(side.complete["replicate"].astype(int)) for side in (first, second)]
    both = complete[0] & complete[1]
    trials = []
    for side, replicates in zip((first, second), complete, strict=True):
        replicate = min(both or replicates, default=None)
        trials.append(next((x for x in side.trials if x.replicate == replicate), None))
    return trials


def _draw_samples(
    axes: Axes, side: Selection, trial: Trial | None, images: np.ndarray | None
) -> None:
    axes.set_axis_off()
    title = style.wrapped(side.subject.arm, 44, lines=2)
    axes.set_title(f"{title}\n{_subtitle(side, trial)}", fontsize=8)
    if images is None or not len(images):
        axes.text(
            0.5, 0.5, "no samples here", ha="center", va="center", color=style.BASELINE_COLOUR
        )
    else:
        axes.imshow(_tiled(images), cmap="gray", vmin=0, vmax=255, interpolation="nearest")


def _tiled(images: np.ndarray) -> np.ndarray:
    """The first 64 images in rows of eight, uint8 [height, width] or [height, width, 3]."""
    images = images[:_MOST_SAMPLES]
    count, height, width, channels = images.shape
    rows = -(-count // _COLUMNS)
    cells = np.full((rows * _COLUMNS, height, width, channels), 255, dtype=np.uint8)
    cells[:count] = images
    sheet = cells.reshape(rows, _COLUMNS, height, width, channels).transpose(0, 2, 1, 3, 4)
    tiled: np.ndarray = sheet.reshape(rows * height, _COLUMNS * width, channels)
    return tiled[:, :, 0] if channels == 1 else tiled


def _draw_losses(axes: Axes, key: str, curves: list[tuple[str, pd.DataFrame | None]]) -> None:
    for (name, curve), line in zip(curves, _LINES, strict=True):
        if curve is not None:
            colour = style.LOSS_COLOURS[key]
            axes.plot(curve["mean"], line, color=colour, linewidth=1.1, label=name)
    axes.set_title(LOSS_CURVES[key], fontsize=7.5, loc="left")
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set_xlim(0, 1)
    if axes.lines:
        axes.legend(fontsize=6, frameon=False)


def _subtitle(side: Selection, trial: Trial | None) -> str:
    """Which replicate, its primary numbers and what became of it."""
    if trial is None:
        return "no trial is complete"
    row = side.rows[side.rows["trial_id"] == trial.trial_id].iloc[0]
    parts = [f"replicate {trial.replicate}", outcome_of(row)[0]]
    numbers = {name: lone_text(row[name]) for name in primary_columns(side.plan)}
    parts[1:1] = [
        f"{side.plan.columns[name].title} {text}"
        for name, text in numbers.items()
        if text != MISSING
    ]
    return ", ".join(parts)


def _caption(first: Selection, second: Selection) -> str:
    plan = first.plan
    text = (
        f"{first.name} and {second.name}. Study {plan.study}, budget {plan.budget}. "
        "Losses: means over the complete trials, over the share of the training."
    )
    text += past_short_trials(pd.concat([first.rows, second.rows]), "they are")
    if loss_scale(first.arm.config) != loss_scale(second.arm.config):
        text += " The losses are of different criteria: their heights cannot be compared."
    return text

"""Samples of every arm, a row each, for the eye: what a number cannot say.

A row shows an arm's first replicate, whatever became of it: no row picks a survivor.
"""

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from ganablate.report.figures import style
from ganablate.report.table.captions import MISSING, coverage, primary_column
from ganablate.report.table.rounding import Rounded, round_to_spread
from ganablate.report.table.tables import arms_in_order, baseline_arm
from ganablate.study.plan import Plan
from ganablate.trials.folder import TrialFolder

_GAP = 2
_DPI = 100
_SMALLEST = 24
_SHARP_ROWS = 24
"""Most rows that are tried at twice the size."""
_CELL = 42
"""Pixels that an image should at least have on a side."""


@dataclass(frozen=True)
class SampleRow:
    """An arm's row: its first replicate, else the first complete one; None: none is complete.

    `images` is uint8 [n, h, w, c]; `latents` is equal in rows that were made from the same ones:
    seed, dimension and distribution, and the device whose generator drew them.
    """

    arm: str
    replicate: int | None = None
    latents: tuple[int, int, str, str] | None = None
    value: str = ""
    outcome: str | None = None
    images: np.ndarray | None = None

    @property
    def lacks_images(self) -> bool:
        """Whether there must be images, but not here. A diverged trial has none anywhere."""
        return self.replicate is not None and self.images is None and self.outcome != "diverged"

    @property
    def instead(self) -> str:
        """What stands in place of the images."""
        if self.replicate is None:
            return "no trial is complete"
        return "diverged: no images" if self.outcome == "diverged" else "no images here"


def sample_rows(trials: pd.DataFrame, plan: Plan, trials_root: Path) -> list[SampleRow]:
    """One row an arm, the baseline first."""
    column = primary_column(plan)
    configs = {trial.trial_id: trial.config for trial in plan.trials}
    rows = []
    for arm in arms_in_order(plan):
        own = trials[(trials["arm"] == arm.name) & (trials["state"] == "complete")]
        if own.empty:
            rows.append(SampleRow(arm.name))
            continue
        trial = own.sort_values("replicate").iloc[0]
        replicate = int(trial["replicate"])
        outcome = None if pd.isna(trial["outcome"]) else str(trial["outcome"])
        images = None
        if outcome != "diverged":
            images = TrialFolder(trials_root, str(trial["trial_id"])).samples()
            images = images if images is not None and len(images) else None
        config = configs[str(trial["trial_id"])]
        latents = (config.seed, config.latent_dim, config.latent, str(trial["device"]))
        value = _value(trial, column)
        rows.append(SampleRow(arm.name, replicate, latents, value, outcome, images))
    return rows


def _value(trial: pd.Series, column: str | None) -> str:
    if column is None:
        return ""
    return MISSING if pd.isna(trial[column]) else _power(round_to_spread(trial[column], math.nan))


def _power(value: Rounded) -> str:
    return value.mean if value.exponent is None else f"{value.mean}e{value.exponent}"


def _beside(row: SampleRow, first: SampleRow) -> str:
    """What is said at the right of a row: its value, and how it differs from the first."""
    lines = [row.value if row.images is not None else ""]
    lines += [row.outcome] if row.images is not None and _is_trouble(row) and row.outcome else []
    lines += [f"replicate {row.replicate}"] if row.replicate else []
    lines += ["other latents"] if row.images is not None and row.latents != first.latents else []
    return "\n".join(line for line in lines if line)


def _is_trouble(row: SampleRow) -> bool:
    return row.outcome not in (None, "ok")


def _strip(images: np.ndarray, count: int, height: int) -> np.ndarray:
    """The first images side by side, uint8 [height, width, 3], each pixel a square block."""
    chosen = images[:count]
    if chosen.shape[3] == 1:
        chosen = np.repeat(chosen, 3, axis=3)
    scale = max(1, height // chosen.shape[1])
    chosen = chosen.repeat(scale, axis=1).repeat(scale, axis=2)
    if chosen.shape[1] != height:  # image sizes differ within the study
        size = (height, height)
        resized = [
            Image.fromarray(image).resize(size, Image.Resampling.NEAREST) for image in chosen
        ]
        chosen = np.stack([np.asarray(image) for image in resized])
    strip = np.full((height, count * (height + _GAP) - _GAP, 3), 255, dtype=np.uint8)
    for place, image in enumerate(chosen):
        left = place * (height + _GAP)
        strip[:, left : left + image.shape[1]] = image
    return strip


def _halved(images: np.ndarray | None) -> np.ndarray | None:
    """Means of 2 x 2 pixels, for images of 48 pixels and more."""
    if images is None or min(images.shape[1:3]) < 2 * _SMALLEST:
        return images
    high, wide = images.shape[1] // 2, images.shape[2] // 2
    even = images[:, : 2 * high, : 2 * wide].astype(np.float64)
    blocks = even.reshape(len(images), high, 2, wide, 2, images.shape[3])
    halved: np.ndarray = blocks.mean(axis=(2, 4)).round().astype(np.uint8)
    return halved


def _height(rows: list[SampleRow]) -> int:
    """Pixels of a row: a whole multiple of the most common image size, 42 or a little more."""
    sizes = [row.images.shape[1] for row in rows if row.images is not None]
    size = max(sorted(set(sizes)), key=sizes.count)
    return int(size * max(1, -(-_CELL // size)))


def _row_height(row: SampleRow, name: str, cell: int) -> int:
    """Pixels of a row; one without images needs only its text."""
    return cell if row.images is not None else min(cell, 10 + 10 * (name.count("\n") + 1))


def _first_shown(rows: list[SampleRow]) -> SampleRow:
    """The row that the others' latents are compared with."""
    return next(row for row in rows if row.images is not None)


def sheet_caption(rows: list[SampleRow], trials: pd.DataFrame, plan: Plan) -> str:
    """What the rows show, and whether all were made from the same latents."""
    shown = [row for row in rows if row.images is not None]
    first = _first_shown(rows)
    same = "The same latents in every row"
    if any(row.latents != first.latents for row in shown):
        same += " but those that say “other latents”"
    which = (
        "replicate 0, or of the one named" if any(row.replicate for row in rows) else "replicate 0"
    )
    return f"{coverage(trials, plan)} Samples and value at the end of {which}. {same}."


def _sheet(
    rows: list[SampleRow], plan: Plan, caption: str, count: int, scale: int
) -> tuple[Image.Image, style.Caption]:
    """Draw at exactly one pixel a pixel, so that nearest neighbour stays what it is.

    Lengths are in pixels at scale 1; the images' own pixels become larger with the scale.
    """
    cell = _height(rows)
    left, right, top = 150, 90, 26
    at_right = left + count * (cell + _GAP) + 8
    width = max(left + count * (cell + _GAP) - _GAP + right, 460)
    lines = style.caption_lines(caption, width / _DPI)
    bottom = 12 + 13 * len(lines)
    names = [style.wrapped(row.arm, 24) for row in rows]
    heights = [_row_height(row, name, cell) for row, name in zip(rows, names, strict=True)]
    height = top + sum(heights) + _GAP * (len(rows) - 1) + bottom
    column = primary_column(plan)
    title = plan.columns[column].title if column else ""
    baseline = baseline_arm(plan)
    first = _first_shown(rows)
    with style.look():
        figure = style.new_figure(width / _DPI, height / _DPI)
        figure.set_dpi(_DPI * scale)

        def write(x: float, y: float, text: str, **settings: Any) -> None:
            figure.text(x / width, 1 - y / height, text, **settings)

        write(at_right, top / 2, title, size=7.5, va="center", fontweight="bold")
        y = top
        for row, name, high in zip(rows, names, heights, strict=True):
            middle = y + high / 2
            weight = "bold" if baseline is not None and row.arm == baseline.name else "normal"
            write(left - 8, middle, name, size=7, ha="right", va="center", fontweight=weight)
            colour = style.WARNING_COLOUR if _is_trouble(row) else style.INK
            if row.images is None:
                grey = colour if _is_trouble(row) else style.BASELINE_COLOUR
                write(left, middle, row.instead, size=7, va="center", color=grey)
            else:
                strip = _strip(row.images, count, cell).repeat(scale, axis=0).repeat(scale, axis=1)
                figure.figimage(strip, xo=left * scale, yo=(height - y - cell) * scale)
            write(at_right, middle, _beside(row, first), size=7, va="center", color=colour)
            y += high + _GAP
        figure.text(
            8 / width, 6 / height, "\n".join(lines), size=6.5, va="bottom", linespacing=1.25
        )
        return style.rendered(figure, _DPI * scale), style.Caption(caption, 1 - bottom / height)


def draw_contact_sheet(rows: list[SampleRow], trials: pd.DataFrame, plan: Plan, path: Path) -> bool:
    """Write the picture; False, and nothing written, where no arm has samples.

    Ten images a row; where the file would exceed 300 KB fewer, or at half their size.
    """
    numbers = [len(row.images) for row in rows if row.images is not None]
    if not numbers:
        return False
    caption = sheet_caption(rows, trials, plan)
    most = min(10, max(numbers))
    attempts = [(rows, most, 2)] if len(rows) <= _SHARP_ROWS else []
    attempts += [(rows, count, 1) for count in range(most, min(4, most) - 1, -2)]
    halved = [replace(row, images=_halved(row.images)) for row in rows]
    attempts += [(halved, count, 1) for count in range(most, 0, -1)]
    for shown, count, scale in attempts:
        said = caption if shown is rows else f"{caption} Large images are shown at half their size."
        content = style.small_png(*_sheet(shown, plan, said, count, scale))
        if content is not None:
            style.write_png(path, content)
            return True
    return False

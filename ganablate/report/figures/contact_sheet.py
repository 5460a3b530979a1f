"""Samples of every arm, a row each, for the eye: what a number cannot say."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from ganablate.catalog import metric_columns
from ganablate.ledger import TrialFolder
from ganablate.report.captions import MISSING, coverage, primary_column
from ganablate.report.figures import style
from ganablate.report.rounding import round_to_spread
from ganablate.report.tables import arms_in_order, reference_arm
from ganablate.study.plan import Plan

_GAP = 2
_DPI = 100
_SMALLEST = 24
_SHARP_ROWS = 24
"""Most rows that are tried at twice the size."""
_CELL = 42
"""Pixels that an image should at least have on a side."""


@dataclass(frozen=True)
class SampleRow:
    """An arm's row: uint8 images [n, h, w, c] of its first complete replicate that has any."""

    arm: str
    replicate: int | None
    value: str
    outcome: str | None
    images: np.ndarray | None


def sample_rows(trials: pd.DataFrame, plan: Plan, trials_root: Path) -> list[SampleRow]:
    """One row an arm, the baseline first; `images` is None where no samples lie here."""
    column = primary_column(plan)
    rows = []
    for arm in arms_in_order(plan):
        own = trials[(trials["arm"] == arm.name) & (trials["state"] == "complete")]
        row = SampleRow(arm.name, None, "", None, None)
        for _, trial in own.sort_values("replicate").iterrows():
            images = TrialFolder(trials_root, str(trial["trial_id"])).samples()
            if images is None or not len(images):
                continue
            value = MISSING
            if column is not None and not pd.isna(trial[column]):
                value = round_to_spread(trial[column], float("nan")).mean
            outcome = None if pd.isna(trial["outcome"]) else str(trial["outcome"])
            row = SampleRow(arm.name, int(trial["replicate"]), value, outcome, images)
            break
        rows.append(row)
    return rows


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


def _sheet(rows: list[SampleRow], plan: Plan, caption: str, count: int, scale: int) -> Image.Image:
    """Draw at exactly one pixel a pixel, so that nearest neighbour stays what it is.

    Lengths are in pixels at scale 1; the images' own pixels become larger with the scale.
    """
    cell = _height(rows)
    left, right, top = 150, 90, 26
    at_right = left + count * (cell + _GAP) + 8
    width = max(left + count * (cell + _GAP) - _GAP + right, 460)
    lines = style.caption_lines(caption, width / _DPI)
    bottom = 12 + 13 * len(lines)
    height = top + len(rows) * (cell + _GAP) - _GAP + bottom
    column = primary_column(plan)
    title = metric_columns(plan.metrics)[column].title if column else ""
    reference = reference_arm(plan).name
    with style.look():
        figure = style.new_figure(width / _DPI, height / _DPI)
        figure.set_dpi(_DPI * scale)

        def write(x: float, y: float, text: str, **settings: Any) -> None:
            figure.text(x / width, 1 - y / height, text, **settings)

        write(at_right, top / 2, title, size=7.5, va="center", fontweight="bold")
        for place, row in enumerate(rows):
            y = top + place * (cell + _GAP)
            weight = "bold" if row.arm == reference else "normal"
            name = style.wrapped(row.arm, 24)
            write(left - 8, y + cell / 2, name, size=7, ha="right", va="center", fontweight=weight)
            if row.images is None:
                write(left, y + cell / 2, "no samples", size=7, va="center", color="#8a8a8a")
                continue
            strip = _strip(row.images, count, cell).repeat(scale, axis=0).repeat(scale, axis=1)
            figure.figimage(strip, xo=left * scale, yo=(height - y - cell) * scale, origin="upper")
            trouble = row.outcome not in (None, "ok")
            write(
                at_right, y + cell / 2,
                row.value + (f"\n{row.outcome}" if trouble else ""), size=7, va="center",
                color=style.WARNING_COLOUR if trouble else style.INK,
            )  # fmt: skip
        figure.text(
            8 / width, 6 / height, "\n".join(lines), size=6.5, va="bottom", linespacing=1.25
        )
        return style.rendered(figure, _DPI * scale)


def draw_contact_sheet(rows: list[SampleRow], trials: pd.DataFrame, plan: Plan, path: Path) -> bool:
    """Write the picture; False, and nothing written, where no arm has samples.

    Ten images a row; where the file would exceed 300 KB fewer, or at half their size.
    """
    with_images = [row for row in rows if row.images is not None]
    if not with_images:
        return False
    replicates = sorted({row.replicate for row in with_images if row.replicate is not None})
    which = f"replicate {replicates[0]}" if len(replicates) == 1 else "the first complete replicate"
    caption = (
        f"{coverage(trials, plan)} Samples at the end of training and the value of {which}, not "
        "chosen: the same latents in every row of one latent size."
    )
    most = min(10, max(len(row.images) for row in with_images if row.images is not None))
    attempts = [(rows, most, 2)] if len(rows) <= _SHARP_ROWS else []
    attempts += [(rows, count, 1) for count in range(most, min(4, most) - 1, -2)]
    halved = [replace(row, images=_halved(row.images)) for row in rows]
    attempts += [(halved, count, 1) for count in range(most, 0, -1)]
    for shown, count, scale in attempts:
        said = caption if shown is rows else f"{caption} Large images are shown at half their size."
        content = style.small_png(_sheet(shown, plan, said, count, scale))
        if content is not None:
            style.write_png(path, content)
            return True
    return False

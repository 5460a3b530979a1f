"""Images of every arm in one picture, for the eye: samples, and what probes drew.

An arm is represented by its first complete replicate, whatever became of it: no picture picks a
survivor.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from statistics import multimode
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from ganablate.report.analysis import Analysis
from ganablate.report.figures import style
from ganablate.report.table.captions import coverage
from ganablate.report.table.cells import lone_text
from ganablate.report.table.tables import arms_in_order, baseline_arm, primary_column
from ganablate.study.plan import Plan
from ganablate.trials.folder import TrialFolder

_DPI = 100
_NARROWEST = 460
"""Least pixels of a sheet's width."""
_GAP = 2
_SMALLEST = 24
_SHARP_ROWS = 24
"""Most rows that are tried at twice the size."""
_CELL = 42
"""Pixels that an image should at least have on a side."""
MOST_ARMS = 12
"""Arms of which a probe's pictures are drawn."""
_WIDTH = 1_200
"""Pixels that the panels beside each other should not exceed."""
_PANEL, _PANEL_GAP, _TITLE = 200, 14, 24
_EMPTY = 20
"""Pixels of a row of panels without a picture."""
_SCALES = (2.0, 1.0, 0.75, 0.5, 0.35, 0.25)
_SHARP = 2.5e6
"""Most pixels of a picture at twice the size."""


@dataclass(frozen=True)
class ArmImages:
    """What an arm's first complete replicate generated; without a `replicate` none is complete.

    `images` is uint8 [n, h, w, 1 or 3]: samples, or one picture of a probe. Where it is None,
    `instead` says why, and `absent` whether there must be images, but not here. `latents` is equal
    in samples that were made from the same ones: seed, dimension and distribution, and the device
    whose generator drew them.
    """

    arm: str
    replicate: int | None = None
    outcome: str | None = None
    images: np.ndarray | None = None
    instead: str = ""
    absent: bool = False
    value: str = ""
    latents: tuple[int, int, str, str] | None = None

    @property
    def is_trouble(self) -> bool:
        """Whether the trial's outcome is known not to be ok."""
        return self.outcome not in (None, "ok")


def _first_complete(trials: pd.DataFrame, arm: str) -> tuple[pd.Series | None, ArmImages]:
    """The row of an arm's first complete replicate, and its images without the images."""
    complete = trials[(trials["arm"] == arm) & (trials["state"] == "complete")]
    if complete.empty:
        return None, ArmImages(arm, instead="no trial is complete")
    trial = complete.sort_values("replicate").iloc[0]
    outcome = None if pd.isna(trial["outcome"]) else str(trial["outcome"])
    return trial, ArmImages(arm, int(trial["replicate"]), outcome)


def _in_colour(image: np.ndarray) -> np.ndarray:
    return np.repeat(image, 3 // image.shape[2], axis=2)


class _Sheet:
    """A figure to be drawn at one pixel a pixel, so that nearest neighbour stays what it is.

    Lengths are in pixels at scale 1, from the upper left corner.
    """

    def __init__(self, width: int, height: int, caption: str, scale: int = 1) -> None:
        self.width = max(width, _NARROWEST)
        bottom = 12 + 13 * len(style.caption_lines(caption, self.width / _DPI))
        self.height = height + bottom
        self._caption = style.Caption(caption, 1 - bottom / self.height)
        self._scale = scale
        self._figure = style.new_figure(self.width / _DPI, self.height / _DPI)
        self._figure.set_dpi(_DPI * scale)

    def write(self, x: float, y: float, text: str, **settings: Any) -> None:
        """Write a text."""
        self._figure.text(x / self.width, 1 - y / self.height, text, **settings)

    def paste(self, x: int, y: int, pixels: np.ndarray) -> None:
        """Show pixels, uint8 [h, w, 3], each as a block of the scale."""
        enlarged = pixels.repeat(self._scale, axis=0).repeat(self._scale, axis=1)
        bottom = self.height - y - pixels.shape[0]
        self._figure.figimage(enlarged, xo=x * self._scale, yo=bottom * self._scale)

    def rendered(self, below: float) -> tuple[Image.Image, style.Caption]:
        """The pixels, with `below` inches under the caption."""
        style.add_caption(self._figure, self._caption.text, below)
        return style.rendered(self._figure, _DPI * self._scale), self._caption


# --- samples ---


def sample_rows(analysis: Analysis, trials_root: Path) -> list[ArmImages]:
    """One row an arm, the baseline first."""
    plan, column = analysis.plan, primary_column(analysis.plan)
    configs = {trial.trial_id: trial.config for trial in plan.trials}
    rows = []
    for arm in arms_in_order(plan):
        trial, row = _first_complete(analysis.trials, arm.name)
        if trial is None:
            rows.append(row)
            continue
        images, instead = None, "diverged: no images"
        if row.outcome != "diverged":
            images = TrialFolder(trials_root, str(trial["trial_id"])).samples()
            images = images if images is not None and len(images) else None
            instead = "no images here"
        config = configs[str(trial["trial_id"])]
        rows.append(
            replace(
                row, images=images, instead=instead,
                absent=images is None and row.outcome != "diverged",
                value="" if column is None else lone_text(trial[column]),
                latents=(config.seed, config.latent_dim, config.latent, str(trial["device"])),
            )
        )  # fmt: skip
    return rows


def _latents_differ(row: ArmImages, rows: Sequence[ArmImages]) -> bool:
    """Whether a row's images are of other latents than those of the first row with images."""
    first = next(row for row in rows if row.images is not None)
    return row.images is not None and row.latents != first.latents


def sheet_caption(rows: Sequence[ArmImages], analysis: Analysis) -> str:
    """What the rows show, and whether all were made from the same latents."""
    same = "The same latents in every row"
    if any(_latents_differ(row, rows) for row in rows):
        same += " but those that say “other latents”"
    which = "replicate 0"
    if any(row.replicate for row in rows):
        which += ", or of the one named"
    covered = coverage(analysis.trials, analysis.plan)
    column = primary_column(analysis.plan)
    value = f" with their {analysis.plan.columns[column].title}" if column else ""
    return f"{covered} Samples{value} at the end of {which}. {same}."


def draw_contact_sheet(rows: list[ArmImages], analysis: Analysis, path: Path) -> bool:
    """Write the picture; False, and nothing written, where no arm has samples.

    Ten images a row; where the file would exceed 300 KB fewer, or at half their size.
    """
    if all(row.images is None for row in rows):
        return False
    with style.look():
        return style.write_small(path, _sample_sheets(rows, analysis))


def _sample_sheets(
    rows: list[ArmImages], analysis: Analysis
) -> Iterator[tuple[Image.Image, style.Caption]]:
    """The same rows, first as large as may be, then smaller."""
    plan, caption = analysis.plan, sheet_caption(rows, analysis)
    most = min(10, max(len(row.images) for row in rows if row.images is not None))
    if len(rows) <= _SHARP_ROWS:
        yield _samples_sheet(rows, plan, caption, most, 2)
    for count in range(most, min(4, most) - 1, -2):
        yield _samples_sheet(rows, plan, caption, count, 1)
    halved = [replace(row, images=_halved(row.images)) for row in rows]
    caption += " Large images are shown at half their size."
    for count in range(most, 0, -1):
        yield _samples_sheet(halved, plan, caption, count, 1)


def _halved(images: np.ndarray | None) -> np.ndarray | None:
    """Means of 2 x 2 pixels, for images of 48 pixels and more."""
    if images is None or min(images.shape[1:3]) < 2 * _SMALLEST:
        return images
    high, wide = images.shape[1] // 2, images.shape[2] // 2
    even = images[:, : 2 * high, : 2 * wide].astype(np.float64)
    blocks = even.reshape(len(images), high, 2, wide, 2, images.shape[3])
    halved: np.ndarray = blocks.mean(axis=(2, 4)).round().astype(np.uint8)
    return halved


def _samples_sheet(
    rows: list[ArmImages], plan: Plan, caption: str, count: int, scale: int
) -> tuple[Image.Image, style.Caption]:
    # A whole multiple of the most common image size, 42 pixels or a little more.
    size = min(multimode(row.images.shape[1] for row in rows if row.images is not None))
    cell = int(size * max(1, -(-_CELL // size)))
    left, right, top = 150, 90, 26
    end = left + count * (cell + _GAP)
    names = [style.wrapped(row.arm, 24) for row in rows]
    heights = [
        cell if row.images is not None else min(cell, 10 + 10 * (name.count("\n") + 1))
        for row, name in zip(rows, names, strict=True)
    ]
    height = top + sum(heights) + _GAP * (len(rows) - 1)
    sheet = _Sheet(end - _GAP + right, height, caption, scale)
    column, baseline = primary_column(plan), baseline_arm(plan)
    title = plan.columns[column].title if column else ""
    sheet.write(end + 8, top / 2, title, size=7.5, va="center", fontweight="bold")
    y = top
    for row, name, high in zip(rows, names, heights, strict=True):
        middle = y + high / 2
        bold = baseline is not None and row.arm == baseline.name
        weight = "bold" if bold else "normal"
        sheet.write(left - 8, middle, name, size=7, ha="right", va="center", fontweight=weight)
        colour = style.WARNING_COLOUR if row.is_trouble else style.INK
        if row.images is None:
            grey = colour if row.is_trouble else style.BASELINE_COLOUR
            sheet.write(left, middle, row.instead, size=7, va="center", color=grey)
        else:
            sheet.paste(left, y, _strip(row.images, count, cell))
        sheet.write(end + 8, middle, _beside(row, rows), size=7, va="center", color=colour)
        y += high + _GAP
    return sheet.rendered(below=0.06)


def _beside(row: ArmImages, rows: Sequence[ArmImages]) -> str:
    """What stands at the right of a row: its value, and how it differs from the first."""
    lines = []
    if row.images is not None:
        lines = [row.value, row.outcome if row.is_trouble else None]
    if row.replicate:
        lines.append(f"replicate {row.replicate}")
    if _latents_differ(row, rows):
        lines.append("other latents")
    return "\n".join(line for line in lines if line)


def _strip(images: np.ndarray, count: int, side: int) -> np.ndarray:
    """The first images beside each other, uint8 [side, width, 3], each pixel a block."""
    strip = np.full((side, count * (side + _GAP) - _GAP, 3), 255, dtype=np.uint8)
    for place, image in enumerate(images[:count]):
        left = place * (side + _GAP)
        square = Image.fromarray(_in_colour(image)).resize((side, side), Image.Resampling.NEAREST)
        strip[:, left : left + side] = np.asarray(square)
    return strip


# --- probes ---


def probe_panels(
    probe: str, picture: str, analysis: Analysis, trials_root: Path
) -> list[ArmImages]:
    """One panel an arm, the baseline first, at most 12."""
    panels = []
    for arm in arms_in_order(analysis.plan)[:MOST_ARMS]:
        trial, panel = _first_complete(analysis.trials, arm.name)
        if panel.outcome == "diverged":
            panel = replace(panel, instead="diverged: not looked at")
        elif trial is not None:
            folder = TrialFolder(trials_root, str(trial["trial_id"]))
            path = folder.probe_picture(probe, picture)
            if path.exists():
                panel = replace(panel, images=_pixels(path)[np.newaxis])
            elif probe in folder.metrics()["evaluated"]:
                # A probe that was run and drew nothing had nothing to draw.
                panel = replace(panel, instead="nothing to show")
            else:
                panel = replace(panel, instead="no picture here", absent=True)
        panels.append(panel)
    return panels


def _pixels(path: Path) -> np.ndarray:
    """A picture as uint8 [h, w, 3]."""
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def draw_probe_sheet(panels: list[ArmImages], subject: str, analysis: Analysis, path: Path) -> bool:
    """Write the picture of a `subject`; False, and nothing written, where no arm has one.

    It is at most 300 KB: where it would exceed that, the panels are shrunk.
    """
    if all(panel.images is None for panel in panels):
        return False
    plan = analysis.plan
    caption = (
        f"{coverage(analysis.trials, plan)} {subject}. {len(panels)} of {len(plan.arms)} arms, "
        "each by its replicate 0 or the one named."
    )
    with style.look():
        sheets = (_probe_sheet(panels, plan, caption, scale) for scale in _SCALES)
        return style.write_small(path, (sheet.rendered(below=0.05) for sheet in sheets if sheet))


def _probe_sheet(panels: list[ArmImages], plan: Plan, caption: str, scale: float) -> _Sheet | None:
    """All panels on one page; None where that is too large to be tried."""
    caption = caption if scale >= 1 else f"{caption} Pictures are shrunk."
    pictures = [
        None if panel.images is None else _scaled(panel.images[0], scale) for panel in panels
    ]
    wide = max([_PANEL, *(picture.shape[1] for picture in pictures if picture is not None)])
    across = max(1, min(len(panels), (_WIDTH + _PANEL_GAP) // (wide + _PANEL_GAP)))
    tops = _tops([0 if picture is None else picture.shape[0] for picture in pictures], across)
    sheet = _Sheet(across * (wide + _PANEL_GAP) + _PANEL_GAP, tops[-1], caption)
    if scale > 1 and sheet.width * sheet.height > _SHARP:
        return None
    baseline = baseline_arm(plan)
    for place, (panel, picture) in enumerate(zip(panels, pictures, strict=True)):
        row, column = divmod(place, across)
        x, y = _PANEL_GAP + column * (wide + _PANEL_GAP), tops[row] + _TITLE
        title = f"{panel.arm}, replicate {panel.replicate}" if panel.replicate else panel.arm
        bold = baseline is not None and panel.arm == baseline.name
        sheet.write(
            x, y - 3, style.wrapped(title, wide // 5, lines=2), size=6.5, va="bottom",
            fontweight="bold" if bold else "normal", linespacing=1.0,
        )  # fmt: skip
        if picture is None:
            grey = style.BASELINE_COLOUR
            sheet.write(x, y + 12, panel.instead, size=7, va="center", color=grey)
        else:
            sheet.paste(x, y, picture)
    return sheet


def _tops(heights: Sequence[int], across: int) -> list[int]:
    """Where each row begins, and the last one ends: as high as its highest picture and a title."""
    rows = (heights[start : start + across] for start in range(0, len(heights), across))
    return [0, *accumulate((max(row) or _EMPTY) + _TITLE for row in rows)]


def _scaled(image: np.ndarray, scale: float) -> np.ndarray:
    """The picture in colour: larger by whole pixels, smaller by averages."""
    picture = Image.fromarray(_in_colour(image))
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    method = Image.Resampling.NEAREST if scale >= 1 else Image.Resampling.BOX
    return np.asarray(picture.resize(size, method))

"""Images of every arm in one picture, for the eye: samples, and what probes drew.

An arm is shown by its first complete replicate, whatever became of it: no picture picks a survivor.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
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

_GAP = 2
_DPI = 100
_SMALLEST = 24
_SHARP_ROWS = 24
"""Most rows that are tried at twice the size."""
_CELL = 42
"""Pixels that an image should at least have on a side."""
MOST_ARMS = 12
"""Arms of which a probe's pictures are shown."""
_WIDTH = 1_200
"""Pixels that the panels beside each other should not exceed."""
_NARROWEST = 200
_PANEL_GAP, _TITLE = 14, 24
_EMPTY = 20
"""Pixels of a row without a picture."""
_SCALES = (2.0, 1.0, 0.75, 0.5, 0.35, 0.25)
_SHARP = 2.5e6
"""Most pixels of a picture at twice the size."""


def _first_complete(trials: pd.DataFrame, arm: str) -> pd.Series | None:
    """The row of an arm's first complete replicate."""
    complete = trials[(trials["arm"] == arm) & (trials["state"] == "complete")]
    return None if complete.empty else complete.sort_values("replicate").iloc[0]


def _outcome(trial: pd.Series) -> str | None:
    return None if pd.isna(trial["outcome"]) else str(trial["outcome"])


def _is_baseline(arm: str, plan: Plan) -> bool:
    baseline = baseline_arm(plan)
    return baseline is not None and baseline.name == arm


# --- samples ---


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


def sample_rows(analysis: Analysis, trials_root: Path) -> list[SampleRow]:
    """One row an arm, the baseline first."""
    plan, column = analysis.plan, primary_column(analysis.plan)
    configs = {trial.trial_id: trial.config for trial in plan.trials}
    rows = []
    for arm in arms_in_order(plan):
        trial = _first_complete(analysis.trials, arm.name)
        if trial is None:
            rows.append(SampleRow(arm.name))
            continue
        trial_id, outcome, images = str(trial["trial_id"]), _outcome(trial), None
        if outcome != "diverged":
            images = TrialFolder(trials_root, trial_id).samples()
            images = images if images is not None and len(images) else None
        config = configs[trial_id]
        latents = (config.seed, config.latent_dim, config.latent, str(trial["device"]))
        value = "" if column is None else lone_text(trial[column])
        replicate = int(trial["replicate"])
        rows.append(SampleRow(arm.name, replicate, latents, value, outcome, images))
    return rows


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


def sheet_caption(rows: list[SampleRow], analysis: Analysis) -> str:
    """What the rows show, and whether all were made from the same latents."""
    first = _first_shown(rows)
    same = "The same latents in every row"
    if any(row.images is not None and row.latents != first.latents for row in rows):
        same += " but those that say “other latents”"
    which = (
        "replicate 0, or of the one named" if any(row.replicate for row in rows) else "replicate 0"
    )
    covered = coverage(analysis.trials, analysis.plan)
    return f"{covered} Samples and value at the end of {which}. {same}."


def _samples_sheet(
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
            weight = "bold" if _is_baseline(row.arm, plan) else "normal"
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


def draw_contact_sheet(rows: list[SampleRow], analysis: Analysis, path: Path) -> bool:
    """Write the picture; False, and nothing written, where no arm has samples.

    Ten images a row; where the file would exceed 300 KB fewer, or at half their size.
    """
    numbers = [len(row.images) for row in rows if row.images is not None]
    if not numbers:
        return False
    caption = sheet_caption(rows, analysis)
    most = min(10, max(numbers))
    attempts = [(rows, most, 2)] if len(rows) <= _SHARP_ROWS else []
    attempts += [(rows, count, 1) for count in range(most, min(4, most) - 1, -2)]
    halved = [replace(row, images=_halved(row.images)) for row in rows]
    attempts += [(halved, count, 1) for count in range(most, 0, -1)]
    for shown, count, scale in attempts:
        text = caption if shown is rows else f"{caption} Large images are shown at half their size."
        sheet = _samples_sheet(shown, analysis.plan, text, count, scale)
        content = style.small_png(*sheet)
        if content is not None:
            style.write_png(path, content)
            return True
    return False


# --- probes ---


@dataclass(frozen=True)
class ProbePanel:
    """An arm's picture, uint8 [h, w, 1 or 3]; `instead` says why there is none.

    `lacking`: there may be one, but not here.
    """

    arm: str
    title: str
    image: np.ndarray | None = None
    instead: str = ""
    lacking: bool = False


def probe_panels(
    probe: str, picture: str, analysis: Analysis, trials_root: Path
) -> list[ProbePanel]:
    """One panel an arm, the baseline first, at most 12."""
    panels = []
    for arm in arms_in_order(analysis.plan)[:MOST_ARMS]:
        trial = _first_complete(analysis.trials, arm.name)
        if trial is None:
            panels.append(ProbePanel(arm.name, arm.name, instead="no trial is complete"))
            continue
        replicate = int(trial["replicate"])
        title = f"{arm.name}, replicate {replicate}" if replicate else arm.name
        if _outcome(trial) == "diverged":
            panels.append(ProbePanel(arm.name, title, instead="diverged: not looked at"))
            continue
        folder = TrialFolder(trials_root, str(trial["trial_id"]))
        path = folder.probe_picture(probe, picture)
        if path.exists():
            panels.append(ProbePanel(arm.name, title, _pixels(path)))
        else:
            # A probe that was run and drew nothing had nothing to draw.
            run = probe in folder.metrics()["evaluated"]
            instead = "nothing to show" if run else "no picture here"
            panels.append(ProbePanel(arm.name, title, instead=instead, lacking=not run))
    return panels


def _pixels(path: Path) -> np.ndarray:
    """A picture as uint8 [h, w, 1 or 3]."""
    with Image.open(path) as drawn:
        pixels = np.asarray(drawn.convert("RGB" if drawn.mode != "L" else "L"))
    return pixels[:, :, np.newaxis] if pixels.ndim == 2 else pixels


def draw_probe_sheet(panels: list[ProbePanel], shows: str, analysis: Analysis, path: Path) -> bool:
    """Write the picture; False, and nothing written, where no arm has one.

    It is at most 300 KB: where it would exceed that, the panels are shrunk.
    """
    if all(panel.image is None for panel in panels):
        return False
    plan = analysis.plan
    caption = (
        f"{coverage(analysis.trials, plan)} {shows}. {len(panels)} of {len(plan.arms)} arms, each "
        "by its replicate 0 or the one named."
    )
    for scale in _SCALES:
        text = caption if scale >= 1 else f"{caption} Pictures are shrunk."
        sheet = _probe_sheet(panels, plan, text, scale)
        if sheet is not None and (content := style.small_png(*sheet)) is not None:
            style.write_png(path, content)
            return True
    return False


def _probe_sheet(
    panels: list[ProbePanel], plan: Plan, caption: str, scale: float
) -> tuple[Image.Image, style.Caption] | None:
    """All panels on one page at one pixel a pixel; None where that is too large to be tried."""
    images = [_scaled(panel.image, scale) for panel in panels]
    wide = max([_NARROWEST, *(image.shape[1] for image in images if image is not None)])
    across = max(1, min(len(panels), (_WIDTH + _PANEL_GAP) // (wide + _PANEL_GAP)))
    tops = _tops([0 if image is None else image.shape[0] for image in images], across)
    width = max(across * (wide + _PANEL_GAP) + _PANEL_GAP, 460)
    bottom = 12 + 13 * len(style.caption_lines(caption, width / _DPI))
    height = tops[-1] + bottom
    if scale > 1 and width * height > _SHARP:
        return None
    with style.look():
        figure = style.new_figure(width / _DPI, height / _DPI)
        figure.set_dpi(_DPI)
        for place, (panel, image) in enumerate(zip(panels, images, strict=True)):
            row, column = divmod(place, across)
            x, y = _PANEL_GAP + column * (wide + _PANEL_GAP), tops[row]
            figure.text(
                x / width, 1 - (y + _TITLE - 3) / height,
                style.wrapped(panel.title, wide // 5, lines=2), size=6.5, va="bottom",
                fontweight="bold" if _is_baseline(panel.arm, plan) else "normal", linespacing=1.0,
            )  # fmt: skip
            if image is None:
                figure.text(
                    x / width, 1 - (y + _TITLE + 12) / height, panel.instead, size=7, va="center",
                    color=style.BASELINE_COLOUR,
                )  # fmt: skip
            else:
                figure.figimage(image, xo=x, yo=height - y - _TITLE - image.shape[0])
        style.add_caption(figure, caption)
        return style.rendered(figure, _DPI), style.Caption(caption, 1 - bottom / height)


def _tops(heights: Sequence[int], across: int) -> list[int]:
    """Where each row begins, and the last one ends: as high as its highest picture and a title."""
    rows = (heights[start : start + across] for start in range(0, len(heights), across))
    return [0, *accumulate((max(row) or _EMPTY) + _TITLE for row in rows)]


def _scaled(image: np.ndarray | None, scale: float) -> np.ndarray | None:
    """The picture in colour: larger by whole pixels, smaller by averages."""
    if image is None:
        return None
    colour = np.repeat(image, 3 // image.shape[2], axis=2)
    if scale >= 1:
        return colour.repeat(int(scale), axis=0).repeat(int(scale), axis=1)
    size = max(1, round(colour.shape[1] * scale)), max(1, round(colour.shape[0] * scale))
    return np.asarray(Image.fromarray(colour).resize(size, Image.Resampling.BOX))

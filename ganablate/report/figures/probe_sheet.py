"""What a probe drew for every arm, in one picture.

As in the sheet of samples, an arm is shown by its first complete replicate.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from ganablate.report.figures import style
from ganablate.report.table.captions import coverage
from ganablate.report.table.tables import arms_in_order, baseline_arm
from ganablate.study.plan import Plan
from ganablate.trials.folder import TrialFolder

MOST_ARMS = 12
_DPI = 100
_WIDTH = 1_200
"""Pixels that the panels beside each other should not exceed."""
_NARROWEST = 200
_GAP, _TITLE = 14, 24
_EMPTY = 20
"""Pixels of a row without a picture."""
_SCALES = (2.0, 1.0, 0.75, 0.5, 0.35, 0.25)
_SHARP = 2.5e6
"""Most pixels of a picture at twice the size."""


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
    probe: str, picture: str, trials: pd.DataFrame, plan: Plan, trials_root: Path
) -> list[ProbePanel]:
    """One panel an arm, the baseline first, at most 12."""
    panels = []
    for arm in arms_in_order(plan)[:MOST_ARMS]:
        own = trials[(trials["arm"] == arm.name) & (trials["state"] == "complete")]
        if own.empty:
            panels.append(ProbePanel(arm.name, arm.name, instead="no trial is complete"))
            continue
        trial = own.sort_values("replicate").iloc[0]
        replicate = int(trial["replicate"])
        title = f"{arm.name}, replicate {replicate}" if replicate else arm.name
        if not pd.isna(trial["outcome"]) and trial["outcome"] == "diverged":
            panels.append(ProbePanel(arm.name, title, instead="diverged: not looked at"))
            continue
        folder = TrialFolder(trials_root, str(trial["trial_id"]))
        path = folder.probe_picture(probe, picture)
        if path.exists():
            with Image.open(path) as drawn:
                pixels = np.asarray(drawn.convert("RGB" if drawn.mode != "L" else "L"))
            image = pixels[:, :, np.newaxis] if pixels.ndim == 2 else pixels
            panels.append(ProbePanel(arm.name, title, image))
        else:
            # A probe that was run and drew nothing had nothing to draw.
            run = probe in folder.metrics()["evaluated"]
            said = "nothing to show" if run else "no picture here"
            panels.append(ProbePanel(arm.name, title, instead=said, lacking=not run))
    return panels


def draw_probe_sheet(
    panels: list[ProbePanel], shows: str, trials: pd.DataFrame, plan: Plan, path: Path
) -> bool:
    """Write the picture; False, and nothing written, where no arm has one.

    It is at most 300 KB: where it would exceed that, the panels are shrunk.
    """
    if all(panel.image is None for panel in panels):
        return False
    caption = (
        f"{coverage(trials, plan)} {shows}. {len(panels)} of {len(plan.arms)} arms, each by its "
        "replicate 0 or the one named."
    )
    for scale in _SCALES:
        said = caption if scale >= 1 else f"{caption} Pictures are shrunk."
        sheet = _sheet(panels, plan, said, scale)
        if sheet is not None and (content := style.small_png(*sheet)) is not None:
            style.write_png(path, content)
            return True
    return False


def _sheet(
    panels: list[ProbePanel], plan: Plan, caption: str, scale: float
) -> tuple[Image.Image, style.Caption] | None:
    """All panels on one page at one pixel a pixel; None where that is too large to be tried."""
    images = [_scaled(panel.image, scale) for panel in panels]
    wide = max([_NARROWEST, *(image.shape[1] for image in images if image is not None)])
    across = max(1, min(len(panels), (_WIDTH + _GAP) // (wide + _GAP)))
    tops = _tops([0 if image is None else image.shape[0] for image in images], across)
    width = max(across * (wide + _GAP) + _GAP, 460)
    bottom = 12 + 13 * len(style.caption_lines(caption, width / _DPI))
    height = tops[-1] + bottom
    if scale > 1 and width * height > _SHARP:
        return None
    baseline = baseline_arm(plan)
    with style.look():
        figure = style.new_figure(width / _DPI, height / _DPI)
        figure.set_dpi(_DPI)
        for place, (panel, image) in enumerate(zip(panels, images, strict=True)):
            row, column = divmod(place, across)
            x, y = _GAP + column * (wide + _GAP), tops[row]
            strong = baseline is not None and panel.arm == baseline.name
            figure.text(
                x / width, 1 - (y + _TITLE - 3) / height,
                style.wrapped(panel.title, wide // 5, lines=2), size=6.5, va="bottom",
                fontweight="bold" if strong else "normal", linespacing=1.0,
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

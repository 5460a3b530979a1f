"""The pictures of a report: each is drawn anew, or goes where there is nothing left to show."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from ganablate.catalog import PROBES
from ganablate.report.analysis import Analysis
from ganablate.report.figures.forest import draw_forest
from ganablate.report.figures.losses import draw_loss_pairs, draw_losses
from ganablate.report.figures.primary import draw_over_time, draw_primary
from ganablate.report.figures.sheets import (
    ArmImages,
    draw_contact_sheet,
    draw_probe_sheet,
    probe_panels,
    sample_rows,
)

_OF_NUMBERS: dict[str, Callable[[Analysis, Path], bool]] = {
    "loss_pairs": draw_loss_pairs,
    "losses": draw_losses,
    "over_time": draw_over_time,
    "primary": draw_primary,
    "forest": draw_forest,
}


def draw_numbers(analysis: Analysis, folder: Path) -> None:
    """Draw the pictures of numbers into `folder`."""
    for name, draw in _OF_NUMBERS.items():
        path = folder / f"{name}.png"
        # A picture of numbers that are gone would contradict the table beside it.
        if not draw(analysis, path):
            path.unlink(missing_ok=True)


def draw_images(analysis: Analysis, trials_root: Path, folder: Path) -> list[str]:
    """Draw the pictures of what trials generated into `folder`.

    Returns:
        Notices: pictures that stay as they were, since the images they need are not here.
    """
    rows = sample_rows(analysis, trials_root)
    draw = partial(draw_contact_sheet, rows, analysis)
    notices = _draw_unless_absent(draw, folder / "samples.png", rows)
    for name, probe in PROBES.items():
        path = folder / f"{name}.png"
        if name not in analysis.plan.probes:
            path.unlink(missing_ok=True)
            continue
        for picture, subject in probe.pictures.items():
            panels = probe_panels(name, picture, analysis, trials_root)
            draw = partial(draw_probe_sheet, panels, f"Probe {name}: {subject}", analysis)
            notices += _draw_unless_absent(draw, path, panels)
    return notices


def _draw_unless_absent(
    draw: Callable[[Path], bool], path: Path, images: list[ArmImages]
) -> list[str]:
    """Draw a picture, unless it is there and the images of arms are not; returns notices."""
    absent = [arm.arm for arm in images if arm.absent]
    if path.exists() and absent:
        named = ", ".join(absent[:3]) + (", ..." if len(absent) > 3 else "")
        return [
            f"{path.name} stays as it is: the images of {len(absent)} arm(s) are not here ({named})"
        ]
    if not draw(path):
        path.unlink(missing_ok=True)
    return []

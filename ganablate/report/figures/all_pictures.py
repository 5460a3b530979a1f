"""The pictures of a report: each is drawn anew, or goes where there is nothing left to show."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd

from ganablate.catalog import PROBES
from ganablate.report.figures.contact_sheet import draw_contact_sheet, sample_rows
from ganablate.report.figures.forest import draw_forest
from ganablate.report.figures.loss_pairs import draw_loss_pairs
from ganablate.report.figures.losses import draw_losses
from ganablate.report.figures.over_time import draw_over_time
from ganablate.report.figures.primary import draw_primary
from ganablate.report.figures.probe_sheet import draw_probe_sheet, probe_panels
from ganablate.report.stats.effects import StudyEffects
from ganablate.study.plan import Plan


@dataclass(frozen=True)
class Shown:
    """What the pictures are of."""

    plan: Plan
    trials: pd.DataFrame
    curves: pd.DataFrame
    table: pd.DataFrame
    effects: StudyEffects | None


def draw_numbers(shown: Shown, folder: Path) -> None:
    """Draw the pictures of numbers into `folder`."""
    plan, trials = shown.plan, shown.trials
    of_numbers: dict[str, Callable[[Path], bool]] = {
        "loss_pairs": partial(draw_loss_pairs, shown.curves, trials, plan),
        "losses": partial(draw_losses, shown.curves, trials, plan),
        "over_time": partial(draw_over_time, shown.curves, trials, plan),
        "primary": partial(draw_primary, shown.table, trials, plan),
        "forest": partial(draw_forest, shown.effects, trials, plan),
    }
    for name, draw in of_numbers.items():
        path = folder / f"{name}.png"
        # A picture of numbers that are gone would contradict the table beside it.
        if not draw(path):
            path.unlink(missing_ok=True)


def draw_images(plan: Plan, trials: pd.DataFrame, trials_root: Path, folder: Path) -> list[str]:
    """Draw the pictures of what trials generated into the `figures` of a report's folder.

    Returns:
        Notices: pictures that stay as they were, since the images they need are not here.
    """
    figures = folder / "figures"
    notices = _samples(plan, trials, trials_root, figures / "samples.png")
    return notices + _probes(plan, trials, trials_root, figures)


def _samples(plan: Plan, trials: pd.DataFrame, trials_root: Path, samples: Path) -> list[str]:
    rows = sample_rows(trials, plan, trials_root)
    lacking = [row.arm for row in rows if row.lacks_images]
    if samples.exists() and lacking:
        return [_stays(samples, lacking)]
    if not draw_contact_sheet(rows, trials, plan, samples):
        samples.unlink(missing_ok=True)
    return []


def _probes(plan: Plan, trials: pd.DataFrame, trials_root: Path, pictures: Path) -> list[str]:
    """Draw a sheet for each probe of the plan, and drop those of others; returns notices."""
    notices = []
    for name, probe in PROBES.items():
        path = pictures / f"{name}.png"
        if name not in plan.probes:
            path.unlink(missing_ok=True)
            continue
        for picture, shows in probe.pictures.items():
            panels = probe_panels(name, picture, trials, plan, trials_root)
            lacking = [panel.arm for panel in panels if panel.lacking]
            if path.exists() and lacking:
                notices.append(_stays(path, lacking))
            elif not draw_probe_sheet(panels, f"Probe {name}: {shows}", trials, plan, path):
                path.unlink(missing_ok=True)
    return notices


def _stays(picture: Path, lacking: list[str]) -> str:
    return (
        f"{picture.name} stays as it is: the images of {len(lacking)} arm(s) are not here "
        f"({', '.join(lacking[:3])}{', ...' if len(lacking) > 3 else ''})"
    )

"""`publish`: a local record becomes the published one, whole.

`results/published/<study>/<budget>/` is what documents quote and what others compare their runs
with. Only `publish` puts numbers there, and never poorer ones by accident: a record that is not
complete, or that lacks something the published one has, is refused unless one insists.
"""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from filelock import FileLock

from ganablate.files import PUBLISHED
from ganablate.report.build import rebuild_report
from ganablate.report.frames.curves import read_curves
from ganablate.report.frames.trials import read_trials
from ganablate.study.plan import Plan
from ganablate.study.reading.wording import listed

_CALCULATED = ("table.csv", "table.md", "table.tex", "claims.csv", "report.html")
"""Files that are made anew of the copied ones: the local ones speak of the record of before too."""


def reasons_against(plan: Plan, results_root: Path) -> list[str]:
    """Why the local record of a plan is not to be published, a line each; none: it may be.

    Args:
        plan: Of the study at a budget, with every replicate that was seen.
        results_root: Holds both kinds of records.

    Raises:
        ValueError: A csv file of either record cannot be read as one.
    """
    local, published = _folders(plan, results_root)
    trials = read_trials(local / "trials.csv")
    reasons = [*_incomplete(trials, local)]
    if (published / "trials.csv").exists():
        reasons += _poorer(trials, local, published)
    return reasons


def publish(plan: Plan, results_root: Path, lock: FileLock) -> Path:
    """Copy the local record of a study at a budget to its published place, in one step.

    Csv files, provenance, looks and pictures are copied byte for byte; tables and page are made of
    them. What was published before of the study at this budget goes, whole.

    Args:
        plan: Of the study at a budget, with every replicate that was seen.
        results_root: Holds both kinds of records; the local one is there.
        lock: Held meanwhile: nobody else publishes.

    Returns:
        The folder of the published record.

    Raises:
        ValueError: A csv file of the local record cannot be read as one.
    """
    local, folder = _folders(plan, results_root)
    with lock:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _take_up(folder)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=_prefix(folder)) as scratch:
            made, old = Path(scratch) / "new", Path(scratch) / "old"
            shutil.copytree(local, made, ignore=shutil.ignore_patterns(".*", *_CALCULATED))
            rebuild_report(plan, made)
            if folder.exists():
                folder.rename(old)
            made.rename(folder)
    return folder


def _folders(plan: Plan, results_root: Path) -> tuple[Path, Path]:
    """Of the local and of the published record."""
    place = Path(plan.study) / plan.budget
    return results_root / place, results_root / PUBLISHED / place


def _prefix(folder: Path) -> str:
    return f".{folder.name}."


def _take_up(folder: Path) -> None:
    """Bring back a record that a publishing was killed over, and remove what that left."""
    for left in folder.parent.glob(f"{_prefix(folder)}*"):
        if not folder.exists() and (left / "old").exists():
            (left / "old").rename(folder)
        shutil.rmtree(left)


def _incomplete(trials: pd.DataFrame, local: Path) -> Iterator[str]:
    counts = trials.loc[trials["state"] != "complete", "state"].value_counts()
    if len(counts):
        states = listed([f"{count} {state}" for state, count in counts.items()])
        yield f"{local}/ is not complete: of {len(trials)} trials, {states}"


def _poorer(trials: pd.DataFrame, local: Path, published: Path) -> Iterator[str]:
    """What the published record has and the local one lacks, a line for each kind."""
    frames = (trials, read_trials(published / "trials.csv"))
    ours, theirs = (frame[frame["state"] == "complete"] for frame in frames)
    for arm in theirs["arm"].unique():
        counts = [int((frame["arm"] == arm).sum()) for frame in (ours, theirs)]
        if counts[0] < counts[1]:
            yield f"{local}/ has {counts[0]} trials of {arm}, {published}/ has {counts[1]}"
    lacking = sorted(_measured(theirs, published) - _measured(ours, local))
    if lacking:
        yield f"{local}/ lacks numbers that {published}/ has: {listed(lacking)}"
    pictures = [
        {path.name for path in (one / "figures").glob("*.png")} for one in (local, published)
    ]
    if gone := sorted(pictures[1] - pictures[0]):
        yield f"{local}/ lacks pictures that {published}/ has: {listed(gone)}"


def _measured(trials: pd.DataFrame, folder: Path) -> set[str]:
    """The columns that have a number, and what has curves."""
    numbers = [name for name in trials if pd.api.types.is_float_dtype(trials[name])]
    columns = {str(name) for name in numbers if trials[name].notna().any()}
    return columns | {f"{name} over time" for name in read_curves(folder / "curves.csv")["metric"]}

"""`publish`: local results become the published ones, whole.

`results/published/<study>/<budget>/` is what documents quote and what others compare their runs
with. Only `publish` puts numbers there, and never poorer ones by accident: results that are not
complete, or that lack something the published ones have, are refused unless the user insists.
"""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from filelock import FileLock

from ganablate.project.folders import Project
from ganablate.report.build import rebuild_report
from ganablate.report.frames.curves import read_curves
from ganablate.report.frames.references import REFERENCES, read_references
from ganablate.report.frames.trials import read_trials
from ganablate.study.plan import Plan
from ganablate.study.reading.wording import listed

_CALCULATED = ("table.csv", "table.md", "table.tex", "claims.csv", "report.html")
"""Files that are made anew: the local ones compare with what was published before."""


def reasons_against(project: Project, plan: Plan) -> list[str]:
    """Why the local results of a plan are not to be published, a line each.

    Args:
        project: Holds both kinds of results.
        plan: Of the study at a budget, with every replicate that was seen.

    Raises:
        ValueError: A csv file of either cannot be read as one.
    """
    local, published = project.result(plan), project.result(plan, published=True)
    trials = read_trials(local / "trials.csv")
    reasons = []
    counts = trials.loc[trials["state"] != "complete", "state"].value_counts()
    if len(counts):
        states = listed([f"{count} {state}" for state, count in counts.items()])
        reasons.append(f"{local}/ is not complete: of {len(trials)} trials, {states}")
    if (published / "trials.csv").exists():
        reasons += _poorer(trials, local, published)
    return reasons


def publish(project: Project, plan: Plan) -> Path:
    """Copy the local results of a study at a budget to their published place, in one step.

    Csv files, provenance, looks and pictures are copied byte for byte; tables and page are made of
    them. What was published before of the study at this budget goes, whole.

    Args:
        project: Holds both kinds of results; the local ones are there.
        plan: Of the study at a budget, with every replicate that was seen.

    Returns:
        The folder of the published results.

    Raises:
        ValueError: A local csv file cannot be read as one.
    """
    local, folder = project.result(plan), project.result(plan, published=True)
    prefix = f".{folder.name}."
    with FileLock(project.runs / ".published.lock"):
        folder.parent.mkdir(parents=True, exist_ok=True)
        _recover(folder, prefix)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=prefix) as scratch:
            made, old = Path(scratch) / "new", Path(scratch) / "old"
            shutil.copytree(local, made, ignore=shutil.ignore_patterns(".*", *_CALCULATED))
            rebuild_report(plan, made)
            if folder.exists():
                folder.rename(old)
            made.rename(folder)
    return folder


def _recover(folder: Path, prefix: str) -> None:
    """Bring back what was published if a publishing was killed, and remove what that left."""
    for left in folder.parent.glob(f"{prefix}*"):
        if not folder.exists() and (left / "old").exists():
            (left / "old").rename(folder)
        shutil.rmtree(left)


def _poorer(trials: pd.DataFrame, local: Path, published: Path) -> Iterator[str]:
    """What is published and the local results lack, a line for each kind."""
    frames = (trials, read_trials(published / "trials.csv"))
    new, old = (frame[frame["state"] == "complete"] for frame in frames)
    counts = new["arm"].value_counts()
    for arm, count in old["arm"].value_counts(sort=False).items():
        if counts.get(arm, 0) < count:
            yield f"{local}/ has {counts.get(arm, 0)} trials of {arm}, {published}/ has {count}"
    if lacking := sorted(_measured(old, published) - _measured(new, local)):
        yield f"{local}/ lacks numbers that {published}/ has: {listed(lacking)}"
    columns = [
        {row.column for row in read_references(each / REFERENCES).rows}
        for each in (local, published)
    ]
    if lacking := sorted(columns[1] - columns[0]):
        yield f"{local}/ lacks reference lines that {published}/ has: {listed(lacking)}"
    pictures = [{path.name for path in each.glob("figures/*.png")} for each in (local, published)]
    if lacking := sorted(pictures[1] - pictures[0]):
        yield f"{local}/ lacks pictures that {published}/ has: {listed(lacking)}"


def _measured(trials: pd.DataFrame, folder: Path) -> set[str]:
    """The columns that have a number, and what has curves."""
    numbers = [name for name in trials if pd.api.types.is_float_dtype(trials[name])]
    columns = {str(name) for name in numbers if trials[name].notna().any()}
    return columns | {f"{name} over time" for name in read_curves(folder / "curves.csv")["metric"]}

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

from ganablate.files import write_text
from ganablate.project.folders import Project
from ganablate.report.build import rebuild_report
from ganablate.report.frames.curves import read_curves
from ganablate.report.frames.history import read_history, remembered, rows_of
from ganablate.report.frames.look_file import LOOKS, looks_csv
from ganablate.report.frames.provenance import read_provenance, text_hash, write_provenance
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

    Csv files, provenance and pictures are copied; tables and page are made of them. What was
    published before of the study at this budget goes, whole, but for what its looks say.

    Args:
        project: Holds both kinds of results; the local ones are there.
        plan: Of the study at a budget, with every replicate that was seen.

    Returns:
        The folder of the published results.

    Raises:
        ValueError: A local csv file cannot be read as one.
    """
    local, folder = project.result(plan), project.result(plan, published=True)
    prefix = f".{plan.study}.{plan.budget}."
    with FileLock(project.runs / ".published.lock"):
        folder.parent.mkdir(parents=True, exist_ok=True)
        _recover(folder, prefix)
        with tempfile.TemporaryDirectory(dir=project.published, prefix=prefix) as scratch:
            made, old = Path(scratch) / "new", Path(scratch) / "old"
            ignored = shutil.ignore_patterns(".*", LOOKS, *_CALCULATED)
            shutil.copytree(local, made, ignore=ignored)
            _write_looks(plan, made, local, folder)
            rebuild_report(plan, made)
            if folder.exists():
                folder.rename(old)
            made.rename(folder)
    return folder


def _write_looks(plan: Plan, made: Path, local: Path, published: Path) -> None:
    """Write the looks of a record that is made, and what it remembers of them.

    They are those of the local record, behind what only the published one has. Where either has a
    gap, the first row follows a row that is not there.
    """
    new, old = rows_of(plan, local), rows_of(plan, published)
    looks = [*(look for look in old if look not in new), *new]
    if not looks:
        return
    breaks = [*read_history(plan, published).breaks, *read_history(plan, local).breaks]
    write_text(made / LOOKS, looks_csv(looks, text_hash("; ".join(breaks)) if breaks else ""))
    facts = read_provenance(made / "provenance.json")
    facts["looks"] = remembered(read_history(plan, made))
    write_provenance(made / "provenance.json", facts)


def _recover(folder: Path, prefix: str) -> None:
    """Bring back what was published if a publishing was killed, and remove what that left."""
    for left in folder.parents[1].glob(f"{prefix}*"):
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

"""`show` and `compare`: one arm or trial, or two of them beside each other."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from ganablate.cli.completion import arm_names, study_files
from ganablate.cli.console import (
    FAILED,
    PUBLISHED_RECORDS,
    RESULTS,
    RUNS,
    STUDIES,
    TRIALS,
    err,
    out,
    print_plain,
    refuse,
)
from ganablate.cli.options import BudgetName, Published
from ganablate.project.plans import read_studies
from ganablate.study.reading.errors import StudyError
from ganablate.study.schema import Study

if TYPE_CHECKING:
    from ganablate.report.show.arm_or_trial import Shown

_WHAT = "An arm, a trial's id (or its first six digits and more), or ARM/REPLICATE."
Name = Annotated[
    str, typer.Argument(metavar="ARM|TRIAL", help=_WHAT, autocompletion=arm_names)
]  # fmt: skip
Other = Annotated[
    str, typer.Argument(metavar="ARM|TRIAL", help="The other.", autocompletion=arm_names)
]  # fmt: skip
OneStudy = Annotated[
    Path | None,
    typer.Argument(
        metavar="STUDY", help="A study file (YAML); else all in studies/.", show_default=False,
        autocompletion=study_files,
    ),
]  # fmt: skip
Open = Annotated[
    bool, typer.Option("--open", help="Open the report's page, or the folder of a trial's files.")
]
Save = Annotated[
    Path | None,
    typer.Option("--save", help="Draw both samples and losses side by side into this PNG."),
]


def show(
    name: Name,
    study: OneStudy = None,
    budget: BudgetName = None,
    published: Published = False,
    open_: Open = False,
) -> None:
    """Print one arm or one trial: settings, outcome and why, metrics, curves, files."""
    from ganablate.report.show.arm_or_trial import arm_text, trial_text

    shown = _shown([name], study, budget, published=published)[0]
    print_plain(arm_text(shown) if shown.subject.replicate is None else trial_text(shown))
    if open_:
        _open(shown)


def compare(
    first: Name,
    second: Other,
    study: OneStudy = None,
    budget: BudgetName = None,
    published: Published = False,
    save: Save = None,
) -> None:
    """Put two arms, or two trials, of a study side by side: settings, metrics, effect, curves.

    The effect is that of the second against the first, whether or not the study compares them.
    """
    from ganablate.report.show.side_by_side import pair_text

    if save is not None:
        _check_picture(save)
    ours, theirs = _shown([first, second], study, budget, published=published)
    print_plain(pair_text(ours, theirs))
    if save is not None:
        from ganablate.report.show.picture import draw_pair

        drawn = draw_pair(ours, theirs, save)
        out.print(Text(f"drawn: {save}" if drawn else "nothing is here to draw"), soft_wrap=True)


def _check_picture(path: Path) -> None:
    """End the command unless a picture can have that name."""
    if path.suffix.lower() != ".png":
        refuse([f"--save {path}: a name that ends in .png is needed"])
    if not path.parent.is_dir():
        refuse([f"--save {path}: the folder {path.parent} is not there"])


def _shown(
    names: Sequence[str], study: Path | None, budget: str | None, *, published: bool
) -> "list[Shown]":
    """What the names stand for, in one study; a wrong one ends the command."""
    from ganablate.report.analysis import read_results
    from ganablate.report.show.arm_or_trial import Shown
    from ganablate.report.show.find import find_all

    runs, root = (None, PUBLISHED_RECORDS) if published else (RUNS, RESULTS)
    trials = None if published else TRIALS
    try:
        subjects = find_all(names, _studies(study, runs, root), budget)
        first = subjects[0]
        analysis = read_results(first.study, first.budget, root=root, trials_root=trials)
    except ValueError as error:
        refuse([str(error)])
    notices = list(analysis.notices)
    record = PUBLISHED_RECORDS / analysis.plan.study / analysis.plan.budget
    if not published and record.exists() and not (analysis.trials["state"] == "complete").any():
        notices.append(f"{record}/ has a published record: --published shows it")
    for notice in notices:
        err.print(Text(notice, style="yellow"), soft_wrap=True)
    return [Shown(subject, analysis, trials or root, root) for subject in subjects]


def _studies(path: Path | None, runs: Path | None, root: Path) -> list[Study]:
    """The study named, else all that can be read in `studies/`."""
    if path is not None:
        return read_studies([path], runs, root)
    found = []
    for file in sorted(STUDIES.glob("*.yaml")):
        try:
            found += read_studies([file], runs, root)
        except StudyError:
            continue  # another file's mistakes are told by `validate`
    if not found:
        refuse([f"{STUDIES}/: no study file there; name one"])
    return found


def _open(shown: "Shown") -> None:
    page = shown.page
    place = page if shown.subject.replicate is None else shown.folder(shown.trials[0]).path
    if not place.exists():
        refuse([f"--open: {place} is not here: ganablate report writes it, or ganablate run"])
    out.print(Text(f"opening {place}"), soft_wrap=True)
    if typer.launch(str(place.resolve()), wait=True):
        err.print("nothing here opens it")
        raise typer.Exit(FAILED)

"""`show` and `compare`: one arm or trial, or two of them beside each other."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ganablate.cli.console import FAILED, err, output, print_plain, refuse
from ganablate.cli.options import AnyStudy, BudgetName, Name, Open, Published, Save, SecondName
from ganablate.project.folders import HERE
from ganablate.project.plans import read_studies
from ganablate.study.reading.errors import StudyError
from ganablate.study.schema import Study

if TYPE_CHECKING:
    from ganablate.report.show.selection import Selection


def show(
    name: Name,
    study: AnyStudy = None,
    budget: BudgetName = None,
    published: Published = False,
    open_: Open = False,
) -> None:
    """Print one arm or one trial: settings, outcome and why, metrics, curves, files."""
    from ganablate.report.show.text import arm_text, trial_text

    shown = _shown([name], study, budget, published=published)[0]
    print_plain(arm_text(shown) if shown.subject.replicate is None else trial_text(shown))
    if open_:
        _open(shown)


def compare(
    first: Name,
    second: SecondName,
    study: AnyStudy = None,
    budget: BudgetName = None,
    published: Published = False,
    save: Save = None,
) -> None:
    """Put two arms, or two trials, of a study side by side: settings, metrics, effect, curves.

    The effect is that of the second against the first, whether or not the study compares them.
    """
    from ganablate.report.show.text import pair_text

    if save is not None:
        _check_picture(save)
    ours, theirs = _shown([first, second], study, budget, published=published)
    print_plain(pair_text(ours, theirs))
    if save is not None:
        from ganablate.report.show.picture import draw_pair

        drawn = draw_pair(ours, theirs, save)
        output.line(f"drawn: {save}" if drawn else "nothing is here to draw")


def _check_picture(path: Path) -> None:
    """End the command unless a picture can have that name."""
    if path.suffix.lower() != ".png":
        refuse([f"--save {path}: a name that ends in .png is needed"])
    if not path.parent.is_dir():
        refuse([f"--save {path}: the folder {path.parent} is not there"])


def _shown(
    names: Sequence[str], study: Path | None, budget: str | None, *, published: bool
) -> "list[Selection]":
    """What the names stand for, in one study; a wrong one ends the command."""
    from ganablate.report.analysis import read_results
    from ganablate.report.show.find import find_all
    from ganablate.report.show.selection import Selection

    root = HERE.published if published else HERE.results
    trials = None if published else HERE.trials
    try:
        subjects = find_all(names, _studies(study, published=published), budget)
        first = subjects[0]
        analysis = read_results(first.study, first.budget, root=root, trials_root=trials)
    except ValueError as error:
        refuse([str(error)])
    notices = list(analysis.notices)
    record = HERE.result(analysis.plan, published=True)
    if not published and record.exists() and not (analysis.trials["state"] == "complete").any():
        notices.append(f"{record}/ has a published record: --published shows it")
    for notice in notices:
        output.warning(notice)
    return [Selection(subject, analysis, trials or root, root) for subject in subjects]


def _studies(path: Path | None, *, published: bool) -> list[Study]:
    """The study named, else all that can be read in `studies/`."""
    if path is not None:
        return read_studies([path], published=published)
    studies: list[Study] = []
    for file in HERE.study_files:
        try:
            studies += read_studies([file], published=published)
        except StudyError:
            continue  # `validate` names the mistakes of another file
    if not studies:
        refuse([f"{HERE.studies}/: no study file there; name one"])
    return studies


def _open(shown: "Selection") -> None:
    page = shown.page
    place = page if shown.subject.replicate is None else shown.folder(shown.trials[0]).path
    if not place.exists():
        refuse([f"--open: {place} is not here: ganablate report writes it, or ganablate run"])
    output.line(f"opening {place}")
    if typer.launch(str(place.resolve()), wait=True):
        err.print("nothing here opens it")
        raise typer.Exit(FAILED)

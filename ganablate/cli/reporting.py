"""`report`: tables, figures and pages from what was measured."""

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from ganablate.cli.console import RESULTS, RUNS, STUDIES, TRIALS, WRONG_INPUT, err, out, refuse
from ganablate.cli.options import BudgetName
from ganablate.intake import budgets_with_results, plans_of_tables, read_profile, read_studies
from ganablate.study.errors import StudyError
from ganablate.study.plan import Plan
from ganablate.study.schema import Study
from ganablate.study.wording import unknown

if TYPE_CHECKING:
    from ganablate.report.files import ReportFiles


def report(
    studies: Annotated[list[Path] | None, typer.Argument(help="Else all in studies/.")] = None,
    budget: BudgetName = None,
) -> None:
    """Rebuild tables and figures without training: from the trials, or from committed results.

    Without --budget: every budget of a study that has results.
    """
    paths = studies or sorted(STUDIES.glob("*.yaml"))
    if not paths:
        refuse([f"{STUDIES}/: no study file there; name one, or begin one: ganablate init"])
    loaded, written = read_studies(paths), []
    known = dict.fromkeys(name for study in loaded for name in study.budget_names)
    if budget and budget not in known:
        refuse([f"--budget: {unknown('a budget of these studies', budget, known)}"])
    at = f" --budget {budget}" if budget else ""
    for path, study in zip(paths, loaded, strict=True):
        budgets = budgets_with_results(study, RESULTS, TRIALS)
        if budget:  # of studies that nobody named, those that were run at it
            budgets = [budget] if studies else [name for name in budgets if name == budget]
        if not budgets:
            out.print(f"{study.name}: no results yet: ganablate run {path}{at}", highlight=False)
        for name in budgets:
            (plan,) = table_plans([study], name)
            files = print_report(plan)
            if files is None:
                raise typer.Exit(WRONG_INPUT)
            written.append((plan, files))
    print_ledger()
    copy_reports(written)


def table_plans(
    studies: Sequence[Study],
    budget: str | None,
    replicates: int | None = None,
    arms: Sequence[str] | None = None,
) -> list[Plan]:
    """As `plans_of_tables`; a committed file that cannot be read ends the command."""
    try:
        return plans_of_tables(studies, budget, RESULTS, replicates, arms)
    except ValueError as error:
        refuse([str(error)])


def print_report(plan: Plan, *, anew: bool = True) -> "ReportFiles | None":
    """Write and print the report, at last what was found; None: a file could not be read.

    Unless `anew`, it is not written again where nothing has changed since it was.
    """
    from ganablate.report.build import build_report

    try:
        files = build_report(plan, trials_root=TRIALS, results_root=RESULTS, anew=anew)
    except ValueError as error:
        err.print(Text(str(error), style="red"), soft_wrap=True)
        return None
    for notice in files.notices:
        err.print(Text(notice, style="yellow"), soft_wrap=True)
    out.print(Text(_fitted(files.table_markdown)), soft_wrap=True)
    for one in files.sentences:
        said = Text.assemble((one.lead, "bold"), f" {one.text}")
        out.print(said, soft_wrap=not out.is_terminal)
    since = " (nothing has changed since)" if files.unchanged else ""
    line = f"report: {files.folder}/{since}    runs: ganablate ui"
    out.print(line, highlight=False, soft_wrap=True)
    return files


def copy_reports(written: "Sequence[tuple[Plan, ReportFiles]]", uri: str | None = None) -> None:
    """Put the reports beside the runs in MLflow, where a store is there; else a warning at most.

    Without `uri` the store is the one of the environment, the default profile, or this folder.
    """
    from ganablate.tracking import report_of, resolve_uri, send_reports

    try:
        uri = uri or resolve_uri(RUNS, profile=read_profile().tracking_uri)
    except (StudyError, ValueError) as error:
        err.print(Text(f"the report is not in MLflow: {error}", style="yellow"), soft_wrap=True)
        return
    reports = [report_of(plan, RESULTS, files.said) for plan, files in written]
    send_reports(
        reports, uri, RUNS, lambda line: err.print(Text(line, style="yellow"), soft_wrap=True)
    )


def _fitted(markdown: str) -> str:
    """The text with its paragraphs in lines that fit the terminal; tables stay as they are."""
    if not out.is_terminal:
        return markdown
    blocks = markdown.split("\n\n")
    fitted = (b if b.startswith("|") else textwrap.fill(b, out.width) for b in blocks)
    return "\n\n".join(fitted) + "\n"


def print_ledger() -> None:
    """Write the claims of all studies in `studies/` as one page; nothing where none is there."""
    from ganablate.report.claims.ledger import write_ledger

    studies = []
    for path in sorted(STUDIES.glob("*.yaml")):
        try:
            studies += read_studies([path])
        except StudyError:
            err.print(f"{path} has mistakes: not in the page of claims", style="yellow")
    if not any(study.claims for study in studies):
        return
    try:
        page = write_ledger(studies, RESULTS)
    except ValueError as error:
        err.print(Text(str(error), style="red"), soft_wrap=True)
        return
    out.print(f"claims of all studies: {page}", highlight=False, soft_wrap=True)

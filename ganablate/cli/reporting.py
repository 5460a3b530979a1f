"""`report`: tables, figures and pages from what was measured."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from ganablate.cli.console import RESULTS, STUDIES, TRIALS, WRONG_INPUT, err, out, refuse
from ganablate.cli.options import BudgetName
from ganablate.intake import budgets_with_results, plans_of_tables, read_studies
from ganablate.study.errors import StudyError
from ganablate.study.plan import Plan
from ganablate.study.schema import Study


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
    for path, study in zip(paths, read_studies(paths), strict=True):
        budgets = budgets_with_results(study, RESULTS, TRIALS)
        if budget and (studies or budget in study.budget_names):
            budgets = [budget]
        if not budgets:
            out.print(f"{study.name}: no results yet: ganablate run {path}", highlight=False)
        for name in budgets:
            if not print_report(*table_plans([study], name)):
                raise typer.Exit(WRONG_INPUT)
    print_ledger()


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


def print_report(plan: Plan) -> bool:
    """Write and print the report; False if a committed file could not be read."""
    from ganablate.report.build import build_report

    try:
        files = build_report(plan, trials_root=TRIALS, results_root=RESULTS)
    except ValueError as error:
        err.print(Text(str(error), style="red"), soft_wrap=True)
        return False
    for notice in files.notices:
        err.print(Text(notice, style="yellow"), soft_wrap=True)
    out.print(Text(files.table_markdown), soft_wrap=True)
    out.print(f"report: {files.folder}/    runs: ganablate ui", highlight=False, soft_wrap=True)
    return True


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

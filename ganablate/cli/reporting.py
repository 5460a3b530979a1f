"""`report`: tables, figures and pages from what was measured."""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from ganablate.cli.console import RESULTS, STUDIES, TRIALS, WRONG_INPUT, err, out, refuse
from ganablate.cli.options import BudgetName
from ganablate.intake import budgets_with_results, plans_of, read_studies
from ganablate.study.plan import Plan


def report(
    studies: Annotated[list[Path] | None, typer.Argument(help="Else all in studies/.")] = None,
    budget: BudgetName = None,
) -> None:
    """Rebuild tables and figures without training: from the trials, or from committed results.

    Without --budget: every budget of a study that has results.
    """
    paths = studies or sorted(STUDIES.glob("*.yaml"))
    if not paths:
        refuse([f"{STUDIES}/: no study file there; name one"])
    for path, study in zip(paths, read_studies(paths), strict=True):
        budgets = budgets_with_results(study, RESULTS, TRIALS)
        if budget and (studies or budget in study.budget_names):
            budgets = [budget]
        if not budgets:
            out.print(f"{study.name}: no results yet: ganablate run {path}", highlight=False)
        for name in budgets:
            if not print_report(*plans_of([study], name)):
                raise typer.Exit(WRONG_INPUT)


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

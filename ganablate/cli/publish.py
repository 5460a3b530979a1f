"""`publish`: the local record of a study becomes the published one."""

from typing import Annotated

import typer
from filelock import FileLock

from ganablate.cli.console import RESULTS, RUNS, TRIALS, WRONG_INPUT, out, refuse
from ganablate.cli.options import BudgetName, StudyFiles
from ganablate.cli.report import print_ledger, print_report, table_plans
from ganablate.project.plans import budgets_with_records, read_studies

Replace = Annotated[
    bool,
    typer.Option(
        "--replace",
        help="Publish it even if it is not complete, or has less than the published record.",
    ),
]


def publish(studies: StudyFiles, budget: BudgetName = None, replace: Replace = False) -> None:
    """Copy a study's local record whole to results/published/, which documents quote.

    A record that is not complete, or that has fewer arms, trials or metrics than the published one,
    is refused.
    """
    from ganablate.project.publish import publish as publish_record
    from ganablate.project.publish import reasons_against

    loaded = read_studies(studies)
    plans = table_plans(loaded, budget)
    lacking = [
        f"{RESULTS / plan.study / plan.budget}/: no record to publish yet: ganablate run {path}"
        for path, study, plan in zip(studies, loaded, plans, strict=True)
        if plan.budget not in budgets_with_records(study, RESULTS, TRIALS)
    ]
    if lacking:
        refuse(lacking)
    for plan in plans:  # what is published is what the trials say now
        if print_report(plan, anew=False, short=True) is None:
            raise typer.Exit(WRONG_INPUT)
    try:
        wrong = [line for plan in plans for line in reasons_against(plan, RESULTS)]
        if wrong and not replace:
            refuse([*wrong, "nothing was published; --replace publishes it as it is"])
        lock = FileLock(RUNS / ".published.lock")
        for plan in plans:
            folder = publish_record(plan, RESULTS, lock)
            out.print(f"published: {folder}/", highlight=False, soft_wrap=True)
    except ValueError as error:
        refuse([str(error)])
    print_ledger(published=True)

"""`report` and `publish`: tables, figures and pages from what was measured."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ganablate.cli.console import WRONG_INPUT, output, refuse
from ganablate.cli.options import BudgetName, Published, Replace, StudyFiles
from ganablate.project.folders import HERE, WrongInputError
from ganablate.project.plans import (
    budgets_with_results,
    read_profile,
    read_studies,
    table_plans,
)
from ganablate.project.reports import (
    Reports,
    rebuild_published,
    send_reports,
    tracking_store,
    write_claims_page,
    write_report,
)
from ganablate.study.plan import Plan
from ganablate.study.reading.errors import StudyError
from ganablate.study.reading.wording import unknown
from ganablate.study.schema import Study

if TYPE_CHECKING:
    from ganablate.report.files import ReportFiles


def report(
    studies: Annotated[list[Path] | None, typer.Argument(help="Else all in studies/.")] = None,
    budget: BudgetName = None,
    published: Published = False,
) -> None:
    """Rebuild tables and figures without training, from this machine's trials.

    Without --budget: every budget of a study that has results. With --published: from the csv files
    of the published records alone, whose other files they rebuild.
    """
    paths = studies or HERE.study_files
    if not paths:
        refuse([f"{HERE.studies}/: no study file there; name one, or begin one: ganablate init"])
    loaded = read_studies(paths, published=published)
    budgets = dict.fromkeys(name for study in loaded for name in study.budget_names)
    if budget and budget not in budgets:
        refuse([f"--budget: {unknown('a budget of these studies', budget, budgets)}"])
    written: Reports = []
    for path, study in zip(paths, loaded, strict=True):
        names = _budgets(study, budget, named=bool(studies), published=published)
        if studies and not names:
            output.line(f"{study.name}: {_nothing(path, budget, published=published)}")
        written += _written(study, names, short=not studies, published=published)
    if not written and not studies:
        where = f" in {HERE.published}/" if published else " on this machine"
        output.line(_nothing(paths[0], budget, where, published=published))
    write_claims_page(HERE, output, published=published)
    if not published:
        _send(written)


def _written(study: Study, names: Sequence[str], *, short: bool, published: bool) -> Reports:
    """The reports of a study at these budgets; ends the command where a file cannot be read."""
    written: Reports = []
    for name in names:
        (plan,) = table_plans([study], name, HERE.published if published else HERE.results)
        files = rebuild_published(HERE, plan, output) if published else _write(plan, short=short)
        if files is None:
            raise typer.Exit(WRONG_INPUT)
        written.append((plan, files))
    return written


def _budgets(study: Study, budget: str | None, *, named: bool, published: bool) -> list[str]:
    """The budgets that are reported; one of a study that was `named` need have no results yet."""
    if budget and named and not published:
        return [budget]
    names = budgets_with_results(study, published=published)
    return [name for name in names if budget in (None, name)]


def _nothing(path: Path, budget: str | None, where: str = "", *, published: bool) -> str:
    """That there is nothing to report, and the command that changes it."""
    what = "no published record" if published else "no results"
    command = "publish" if published and not where else "run"
    at = f" --budget {budget}" if budget else ""
    return f"{what}{where} yet: ganablate {command} {path}{at}"


def _write(plan: Plan, *, anew: bool = True, short: bool) -> "ReportFiles | None":
    """Write a local report and print what a terminal shows of it, or in `short` one line."""
    files = write_report(HERE, plan, output, anew=anew)
    if files is not None and short:
        output.line(f"{files.closing[0]}: {files.folder}/")
    elif files is not None:
        output.report(files)
    return files


def _send(reports: Reports) -> None:
    """Put the reports into the MLflow store of the environment, of the default profile, or ours."""
    try:
        uri = tracking_store(HERE, None, read_profile().tracking_uri)
    except (StudyError, WrongInputError) as error:
        output.warning(f"the report is not in MLflow: {error}")
        return
    send_reports(HERE, reports, uri, output)


def publish(studies: StudyFiles, budget: BudgetName = None, replace: Replace = False) -> None:
    """Copy a study's local record whole to results/published/, which documents quote.

    A record that is not complete, or that has fewer arms, trials or metrics than the published one,
    is refused.
    """
    from filelock import FileLock

    from ganablate.project.publish import publish as publish_record
    from ganablate.project.publish import reasons_against

    loaded = read_studies(studies)
    plans = table_plans(loaded, budget, HERE.results)
    lacking = [
        f"{HERE.result(plan)}/: no record to publish yet: ganablate run {path}"
        for path, study, plan in zip(studies, loaded, plans, strict=True)
        if plan.budget not in budgets_with_results(study)
    ]
    if lacking:
        refuse(lacking)
    for plan in plans:  # what is published is what the trials say now
        if _write(plan, anew=False, short=True) is None:
            raise typer.Exit(WRONG_INPUT)
    try:
        reasons = [line for plan in plans for line in reasons_against(HERE, plan)]
        if reasons and not replace:
            refuse([*reasons, "nothing was published; --replace publishes it as it is"])
        lock = FileLock(HERE.runs / ".published.lock")
        for plan in plans:
            output.line(f"published: {publish_record(HERE, plan, lock)}/")
    except ValueError as error:
        refuse([str(error)])
    write_claims_page(HERE, output, published=True)

"""`report`: tables, figures and pages from what was measured."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from ganablate.cli.console import (
    PUBLISHED_RECORDS,
    RESULTS,
    RUNS,
    STUDIES,
    TRIALS,
    WRONG_INPUT,
    err,
    out,
    refuse,
)
from ganablate.cli.options import BudgetName, Published
from ganablate.project.plans import (
    budgets_with_records,
    plans_of_tables,
    read_profile,
    read_studies,
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
    paths = studies or sorted(STUDIES.glob("*.yaml"))
    if not paths:
        refuse([f"{STUDIES}/: no study file there; name one, or begin one: ganablate init"])
    root = PUBLISHED_RECORDS if published else RESULTS
    loaded = read_studies(paths, None if published else RUNS, root)
    known = dict.fromkeys(name for study in loaded for name in study.budget_names)
    if budget and budget not in known:
        refuse([f"--budget: {unknown('a budget of these studies', budget, known)}"])
    written: list[tuple[Plan, ReportFiles]] = []
    for path, study in zip(paths, loaded, strict=True):
        budgets = budgets_with_records(study, root, None if published else TRIALS)
        if budget:  # of studies that nobody named, those that were run at it
            begun = studies and not published
            budgets = [budget] if begun else [name for name in budgets if name == budget]
        if studies and not budgets:
            _print_nothing(study, path, budget, published=published)
        for name in budgets:
            (plan,) = table_plans([study], name, root=root)
            files = rebuild(plan) if published else print_report(plan, short=not studies)
            if files is None:
                raise typer.Exit(WRONG_INPUT)
            written.append((plan, files))
    if not written and not studies:
        what = f"no published record in {root}/" if published else "no results on this machine"
        at = f" --budget {budget}" if budget else ""
        begin = f"ganablate run {paths[0]}{at}"
        out.print(f"{what} yet: {begin}", highlight=False, soft_wrap=True)
    print_ledger(published=published)
    if not published:
        copy_reports(written)


def _print_nothing(study: Study, path: Path, budget: str | None, *, published: bool) -> None:
    at = f" --budget {budget}" if budget else ""
    how = f"ganablate publish {path}{at}" if published else f"ganablate run {path}{at}"
    what = "no published record" if published else "no results"
    out.print(f"{study.name}: {what} yet: {how}", highlight=False)


def table_plans(
    studies: Sequence[Study],
    budget: str | None,
    replicates: int | None = None,
    arms: Sequence[str] | None = None,
    *,
    root: Path = RESULTS,
) -> list[Plan]:
    """As `plans_of_tables`; a written file that cannot be read ends the command."""
    try:
        return plans_of_tables(studies, budget, root, replicates, arms)
    except ValueError as error:
        refuse([str(error)])


def rebuild(plan: Plan) -> "ReportFiles | None":
    """Rebuild a published record and say so in a line; None: a file of it could not be read."""
    from ganablate.report.build import OtherRecordError, rebuild_report
    from ganablate.report.files import report_files

    folder = PUBLISHED_RECORDS / plan.study / plan.budget
    try:
        files = rebuild_report(plan, folder)
    except OtherRecordError as error:
        err.print(Text(str(error), style="yellow"), soft_wrap=True)
        return report_files(folder)
    except ValueError as error:
        err.print(Text(str(error), style="red"), soft_wrap=True)
        return None
    _print_notices(files)
    out.print(f"{plan.study} at the budget {plan.budget}: {folder}/", highlight=False)
    return files


def print_report(plan: Plan, *, anew: bool = True, short: bool = False) -> "ReportFiles | None":
    """Write the local report and print what it says; None: a file could not be read.

    Unless `anew`, it is not written again where nothing has changed since it was. A `short` one is
    told in a line.
    """
    from ganablate.report.build import build_report

    try:
        files = build_report(plan, trials_root=TRIALS, results_root=RESULTS, anew=anew)
    except ValueError as error:
        err.print(Text(str(error), style="red"), soft_wrap=True)
        return None
    _print_notices(files)
    if short:
        out.print(f"{files.closing[0]}: {files.folder}/", highlight=False, soft_wrap=True)
        return files
    for line in files.closing:
        out.print(line, highlight=False, markup=False, soft_wrap=True)
    return files


def _print_notices(files: "ReportFiles") -> None:
    for notice in files.notices:
        err.print(Text(notice, style="yellow"), soft_wrap=True)


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


def print_ledger(*, published: bool = False) -> None:
    """Write the page of claims over all studies in `studies/`, of local records or published ones.

    Nothing where no record of them has a claim.
    """
    from ganablate.report.claims.page_of_all import has_claims, write_ledger

    root = PUBLISHED_RECORDS if published else RESULTS
    studies = []
    for path in sorted(STUDIES.glob("*.yaml")):
        try:
            studies += read_studies([path], None if published else RUNS, root)
        except StudyError:
            err.print(f"{path} has mistakes: not in the page of claims", style="yellow")
    if not any(has_claims(study, root) for study in studies):
        return
    try:
        page = write_ledger(studies, root)
    except ValueError as error:
        err.print(Text(str(error), style="red"), soft_wrap=True)
        return
    if published:
        out.print(f"claims of all studies: {page}", highlight=False, soft_wrap=True)

"""Write the local reports of a project, its page of claims, and the copies in MLflow."""

from typing import TYPE_CHECKING

from ganablate.project.folders import Project, WrongInputError
from ganablate.project.output import Output
from ganablate.project.plans import read_studies
from ganablate.study.plan import Plan
from ganablate.study.reading.errors import StudyError
from ganablate.text import joined

if TYPE_CHECKING:
    from ganablate.report.files import ReportFiles

Reports = list[tuple[Plan, "ReportFiles"]]
"""Reports that were written, each with the plan of its table."""


def write_report(
    project: Project, plan: Plan, output: Output, *, anew: bool = True
) -> "ReportFiles | None":
    """Write the local report of a plan; None, and an error, where a csv file cannot be read.

    Unless `anew`, it is not written again where nothing that it is made of has changed.
    """
    from ganablate.report.build import build_report

    try:
        report = build_report(
            plan, trials_root=project.trials, results_root=project.results, anew=anew
        )
    except ValueError as error:
        output.error(str(error))
        return None
    for notice in report.notices:
        output.warning(notice)
    return report


def rebuild_published(project: Project, plan: Plan, output: Output) -> "ReportFiles | None":
    """Rebuild the published report of a plan from its csv files; None where one cannot be read.

    That of a study which was changed since stays as it is, with a warning.
    """
    from ganablate.report.build import OtherRecordError, rebuild_report
    from ganablate.report.files import report_files

    folder = project.result(plan, published=True)
    try:
        report = rebuild_report(plan, folder)
    except OtherRecordError as error:
        output.warning(str(error))
        return report_files(folder)
    except ValueError as error:
        output.error(str(error))
        return None
    for notice in report.notices:
        output.warning(notice)
    output.line(f"{plan.study} at the budget {plan.budget}: {folder}/")
    return report


def write_claims_page(project: Project, output: Output, *, published: bool = False) -> None:
    """Write the page of claims over all of `studies/`, of local results or of published ones.

    Where no result of them has a claim there is none.
    """
    from ganablate.report.claims.page_of_all import has_claims, write_ledger

    root = project.published if published else project.results
    studies, of_plugins = [], []
    for path in project.study_files:
        try:
            studies += read_studies([path], project, published=published)
        except StudyError as error:
            # A setting that a missing part would declare is unknown as well.
            if any("--plugin" in problem.message for problem in error.problems):
                of_plugins.append(path.name)
            else:
                output.warning(f"{path} has mistakes: not in the page of claims")
    if not any(has_claims(study, root) for study in studies):
        return
    if of_plugins:
        output.line(f"not in the page of claims without their plug-ins: {joined(of_plugins)}")
    try:
        page = write_ledger(studies, root)
    except ValueError as error:
        output.error(str(error))
        return
    if published:
        output.line(f"claims of all studies: {page}")


def send_reports(project: Project, reports: Reports, uri: str, output: Output) -> None:
    """Put reports beside the runs in the MLflow store at `uri`; at worst this is a warning."""
    from ganablate.tracking import report_of
    from ganablate.tracking import send_reports as send

    copies = [report_of(plan, project.results, report.said) for plan, report in reports]
    send(copies, uri, project.runs, output.warning)


def tracking_store(project: Project, argument: str | None, profile: str | None) -> str:
    """The address of the MLflow store: the argument's, the environment's, the profile's or ours.

    Raises:
        WrongInputError: It is no address of a store.
    """
    from ganablate.tracking import resolve_uri

    try:
        return resolve_uri(project.runs, argument=argument, profile=profile)
    except ValueError as error:
        raise WrongInputError([str(error)]) from error

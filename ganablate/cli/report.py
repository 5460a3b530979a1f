"""`report`, `publish`, `show` and `compare`: what was measured, as tables, figures and text."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from ganablate.cli.console import (
    FAILED,
    NOT_SHOWN,
    WRONG_INPUT,
    err,
    out,
    output,
    print_json,
    print_plain,
    refuse,
)
from ganablate.cli.options import (
    AnyStudy,
    AsJson,
    Assert,
    BudgetName,
    JudgedBy,
    Name,
    Plugins,
    Published,
    StudyFiles,
)
from ganablate.cli.outside import (
    ArmFrom,
    Baseline,
    Experiment,
    Higher,
    Lower,
    OtherStore,
    Out,
    Outside,
    Primaries,
    RunsFile,
    report_outside,
)
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
    from ganablate.report.show.selection import Selection

MoreStudies = Annotated[list[Path] | None, typer.Argument(help="Else all in studies/.")]
Replace = Annotated[
    bool,
    typer.Option(
        "--replace",
        help="Publish it even if it is not complete, or has less than the published record.",
    ),
]
Open = Annotated[
    bool, typer.Option("--open", help="Open the report's page, or the folder of a trial's files.")
]
Save = Annotated[
    Path | None,
    typer.Option("--save", help="Draw both samples and losses side by side into this PNG."),
]


def report(  # noqa: PLR0913 - one parameter an option
    studies: MoreStudies = None,
    budget: BudgetName = None,
    published: Published = False,
    as_json: AsJson = False,
    trials: RunsFile = None,
    mlflow: Experiment = None,
    arm_from: ArmFrom = None,
    tracking_uri: OtherStore = None,
    baseline: Baseline = None,
    primary: Primaries = None,
    lower: Lower = None,
    higher: Higher = None,
    into: Out = None,
    plugin: Plugins = None,
) -> None:
    """Rebuild tables and figures without training, from this machine's trials.

    Without --budget: every budget of a study that has results. With --published: from the csv files
    of the published records alone, whose other files they rebuild. With --json: what the reports
    say is printed, a list with an entry a budget. With --trials or --mlflow: a report of runs that
    another program trained, and of nothing else.
    """
    out.quiet = out.quiet or as_json
    others = Outside(trials, mlflow, arm_from, tracking_uri, baseline, primary, lower, higher, into)
    if others.is_given and (studies or budget or published):
        refuse(["--trials and --mlflow: without a study, --budget and --published"])
    if others.is_given:
        report_outside(others, as_json=as_json)
    else:
        _report_studies(studies, budget, published=published, as_json=as_json)


def _report_studies(
    studies: list[Path] | None, budget: str | None, *, published: bool, as_json: bool
) -> None:
    paths = studies or HERE.study_files
    if not paths:
        refuse([f"{HERE.studies}/: no study file there; name one, or begin one: ganablate init"])
    loaded = read_studies(paths, published=published)
    _check_budget(loaded, budget)
    written: Reports = []
    for path, study in zip(paths, loaded, strict=True):
        names = _budgets(study, budget, named=bool(studies), published=published)
        if studies and not names:
            output.line(f"{study.name}: {_nothing(path, budget, published=published)}")
        written += [_written(study, n, short=not studies, published=published) for n in names]
    if not written and not studies:
        where = f" in {HERE.published}/" if published else " on this machine"
        output.line(_nothing(paths[0], budget, where, published=published))
    write_claims_page(HERE, output, published=published)
    if as_json:
        print_json([_facts(plan, files.folder, published=published) for plan, files in written])
    if not published:
        _send(written)


def _send(written: Reports) -> None:
    try:
        uri = tracking_store(HERE, None, read_profile().tracking_uri)
    except (StudyError, WrongInputError) as error:
        output.warning(f"the report is not in MLflow: {error}")
    else:
        send_reports(HERE, written, uri, output)


def _facts(plan: Plan, folder: Path, *, published: bool) -> dict[str, Any]:
    from ganablate.report.analysis import read_record
    from ganablate.report.facts import report_facts

    return report_facts(read_record(plan, folder, None if published else HERE.trials))


def _check_budget(studies: Sequence[Study], budget: str | None) -> None:
    budgets = dict.fromkeys(name for study in studies for name in study.budget_names)
    if budget and budget not in budgets:
        refuse([f"--budget: {unknown('a budget of these studies', budget, budgets)}"])


def _budgets(study: Study, budget: str | None, *, named: bool, published: bool) -> list[str]:
    """The budgets that are reported; one of a study that was `named` need have no results yet."""
    if budget and named and not published:
        return [budget]
    names = budgets_with_results(study, published=published)
    return [name for name in names if budget in (None, name)]


def _written(
    study: Study, budget: str, *, short: bool, published: bool
) -> "tuple[Plan, ReportFiles]":
    """The report of a study at a budget; a csv file that cannot be read ends the command."""
    (plan,) = table_plans([study], budget, HERE.published if published else HERE.results)
    if not published:
        return plan, _write(plan, short=short)
    files = rebuild_published(HERE, plan, output)
    if files is None:
        raise typer.Exit(WRONG_INPUT)
    return plan, files


def _write(plan: Plan, *, anew: bool = True, short: bool) -> "ReportFiles":
    """Write a local report and print what a terminal shows of it, or in `short` one line."""
    files = write_report(HERE, plan, output, anew=anew)
    if files is None:
        raise typer.Exit(WRONG_INPUT)
    if short:
        output.line(f"{files.closing[0]}: {files.folder}/")
    else:
        output.report(files)
    return files


def _nothing(path: Path, budget: str | None, where: str = "", *, published: bool) -> str:
    """That there is nothing to report, and the command that changes it."""
    record = "no published record" if published else "no results"
    command = "publish" if published and not where else "run"
    at = f" --budget {budget}" if budget else ""
    return f"{record}{where} yet: ganablate {command} {path}{at}"


def publish(
    studies: StudyFiles,
    budget: BudgetName = None,
    replace: Replace = False,
    plugin: Plugins = None,
) -> None:
    """Copy a study's local record whole to results/published/, which documents quote.

    A record that is not complete, or that has fewer arms, trials or metrics than the published one,
    is refused.
    """
    from ganablate.project import publish as publishing

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
        _write(plan, anew=False, short=True)
    try:
        reasons = [line for plan in plans for line in publishing.reasons_against(HERE, plan)]
        if reasons and not replace:
            refuse([*reasons, "nothing was published; --replace publishes it as it is"])
        for plan in plans:
            output.line(f"published: {publishing.publish(HERE, plan)}/")
    except ValueError as error:
        refuse([str(error)])
    write_claims_page(HERE, output, published=True)


def show(
    name: Name,
    study: AnyStudy = None,
    budget: BudgetName = None,
    published: Published = False,
    open_: Open = False,
    plugin: Plugins = None,
) -> None:
    """Print one arm or one trial: settings, outcome and why, metrics, curves, files."""
    from ganablate.report.show.text import arm_text, trial_text

    (shown,) = _selected([name], study, budget, published=published)
    is_arm = shown.subject.replicate is None
    print_plain(arm_text(shown) if is_arm else trial_text(shown))
    if not open_:
        return
    path = shown.page if is_arm else shown.folder(shown.trials[0]).path
    if not path.exists():
        refuse([f"--open: {path} is not here: ganablate report writes it, or ganablate run"])
    output.line(f"opening {path}")
    if typer.launch(str(path.resolve()), wait=True):
        err.print("nothing here opens it")
        raise typer.Exit(FAILED)


def compare(  # noqa: PLR0913 - one parameter an option
    first: Name,
    second: Name,
    study: AnyStudy = None,
    budget: BudgetName = None,
    published: Published = False,
    save: Save = None,
    asked: Assert = None,
    metric: JudgedBy = None,
    as_json: AsJson = False,
    plugin: Plugins = None,
) -> None:
    """Put two arms, or two trials, of a study side by side: settings, metrics, effect, curves.

    The effect is that of the second against the first, whether or not the study compares them.
    """
    from ganablate.report.show.pair import ASKED
    from ganablate.report.show.text import pair_text

    if asked not in (None, *ASKED):
        refuse([f"--assert: {unknown('a verdict to assert', asked, ASKED)}"])
    judging = asked is not None or as_json
    if metric is not None and not judging:
        refuse(["--metric: only with --assert or --json; without them every metric is shown"])
    _check_save(save)
    out.quiet = out.quiet or as_json
    ours, theirs = _selected([first, second], study, budget, published=published)
    print_plain(pair_text(ours, theirs))
    if save is not None:
        from ganablate.report.show.picture import draw_pair

        drawn = draw_pair(ours, theirs, save)
        output.line(f"drawn: {save}" if drawn else "nothing is here to draw")
    if judging:
        _judge(ours, theirs, metric, asked, as_json=as_json)


def _judge(
    first: "Selection", second: "Selection", metric: str | None, asked: str | None, *, as_json: bool
) -> None:
    """Print as JSON what was found, and in a sentence whether what was asked of it is shown."""
    from ganablate.report.show.pair import judged_pair

    try:
        pair = judged_pair(first, second, metric)
        answer = None if asked is None else pair.judge(asked)
    except ValueError as error:
        refuse([str(error)])
    if as_json:
        print_json(pair.to_dict() | {"assertion": answer and asdict(answer)})
    if answer is not None:
        (err if as_json else out).print(Text(answer.because), soft_wrap=True)
        raise typer.Exit(0 if answer.holds else NOT_SHOWN)


def _check_save(save: Path | None) -> None:
    if save is not None and save.suffix.lower() != ".png":
        refuse([f"--save {save}: a name that ends in .png is needed"])
    if save is not None and not save.parent.is_dir():
        refuse([f"--save {save}: the folder {save.parent} is not there"])


def _selected(
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

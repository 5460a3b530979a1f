"""`doctor`, `prune`, `track` and `ui`: this machine, its disk, and MLflow."""

import contextlib
import dataclasses
import os
import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.text import Text

from ganablate.cli.console import FAILED, err, out, output, print_json, refuse
from ganablate.cli.options import (
    AsJson,
    BudgetName,
    DataRoot,
    Plugins,
    StudyFiles,
    SweepFile,
    TrackingUri,
)
from ganablate.project.folders import HERE
from ganablate.project.plans import read_profile, read_studies, table_plans
from ganablate.project.reports import tracking_store
from ganablate.study.plan import Plan
from ganablate.study.reading.errors import StudyError
from ganablate.study.schema import Study
from ganablate.study.search.rounds import with_searches
from ganablate.text import screen_width, wrapped

if TYPE_CHECKING:
    from ganablate.project.doctor import Finding

Keep = Annotated[
    Literal["weights", "generator", "none"],
    typer.Option(help="Networks that stay of complete trials: both, the generator, or none."),
]
Retired = Annotated[
    bool, typer.Option("--retired", help="Also folders put aside: trained again since, or stale.")
]
Unnamed = Annotated[
    bool, typer.Option("--unnamed", help="Also whole trials that no study given here names.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would go; remove it not.")]
UiPort = Annotated[int, typer.Option(min=1, max=65535, help="Of `ganablate ui`.")]
Port = Annotated[int, typer.Option(min=1, max=65535, help="To listen at.")]
Host = Annotated[str, typer.Option(help="To listen at; others need --expose.")]
Expose = Annotated[
    bool,
    typer.Option(
        "--expose",
        help="Let other machines in: whoever reaches --host can read, change and delete every "
        "run and artifact, without a password.",
    ),
]
_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}
_START = "#/experiments?workflowType=machine_learning"
"""Where MLflow is opened: it begins with language models unless told otherwise."""
_HINT = "in a study: Views > trials lists its trials; the run named as the budget has the report"


def doctor(
    sweep: SweepFile = None,
    data_root: DataRoot = None,
    tracking_uri: TrackingUri = None,
    port: UiPort = 5000,
    as_json: AsJson = False,
) -> None:
    """Check Python, packages, GPU, disks, folders, data and weights: a line each.

    `warn`: something will not work, such as a data set or the UI. `fail`: no study will, and the
    exit code is 1.
    """
    from ganablate.project import doctor as checks

    profile, root = None, data_root
    with contextlib.suppress(StudyError):  # the checks of the profile and the data root say why
        profile = read_profile(sweep)
        root = read_profile(sweep, data_root).data_root
    root = root or HERE.runs / "downloads"
    findings = []
    with ThreadPoolExecutor() as pool:
        torch = pool.submit(checks.ask_torch, root)  # begun early: it takes seconds
        place = checks.Place(
            HERE.runs, HERE.results, root, torch.result, profile_file=sweep, profile=profile,
            tracking_uri=tracking_uri, port=port,
        )  # fmt: skip
        for name, finding in checks.examine(place):
            findings.append({"check": name, **dataclasses.asdict(finding)})
            if not as_json:
                _print_finding(name, finding)
    if as_json:
        print_json(findings)
    failed = any(finding["level"] == "fail" for finding in findings)
    raise typer.Exit(FAILED if failed else 0)


def _print_finding(name: str, finding: "Finding") -> None:
    colour = _COLOURS[finding.level]
    start = f"{finding.level:4}  {name:10}  "
    advice = f" -> {finding.advice}" if finding.advice else ""
    indent = " " * min(len(start), screen_width() // 4)
    line = Text("\n".join(wrapped(start + finding.text + advice, indent=indent)))
    line.stylize(colour, 0, 4)
    line.stylize("bold", 6, len(start))
    if advice and finding.level != "ok":
        line.stylize(colour, line.plain.rindex("->"))
    out.print(line, soft_wrap=True)


def prune(  # noqa: PLR0913 - one parameter an option
    studies: StudyFiles,
    budget: BudgetName = None,
    keep: Keep = "weights",
    retired: Retired = False,
    unnamed: Unnamed = False,
    dry_run: DryRun = False,
    plugin: Plugins = None,
) -> None:
    """Free disk space: weights by --keep, and what interrupted writes left behind.

    Numbers, samples and losses stay, so tables and figures do. Without weights a metric or probe
    that is added later takes training again. Without --budget: trials of every budget.
    """
    from ganablate.text import bytes_text
    from ganablate.trials import prune as pruning

    if unnamed and budget:
        refuse(["--unnamed looks at every budget of the studies given; drop --budget"])
    plans = _every_plan(read_studies(studies), budget)
    named = {trial.trial_id for plan in plans for trial in plan.trials}
    freed = pruning.prune(
        HERE.trials,
        named,
        pruning.Pruning(keep=keep, retired=retired, unnamed=unnamed, dry_run=dry_run),
    )
    for line in freed.left_alone:
        err.print(f"left alone: {line}", highlight=False, markup=False, soft_wrap=True)
    kinds = ", ".join(f"{kind} {bytes_text(size)}" for kind, size in freed.bytes.items() if size)
    would = "would be freed" if dry_run else "freed"
    output.line(f"{bytes_text(freed.total)} {would}" + (f": {kinds}" if kinds else ""))


def track(
    studies: StudyFiles,
    budget: BudgetName = None,
    sweep: SweepFile = None,
    tracking_uri: TrackingUri = None,
    plugin: Plugins = None,
) -> None:
    """Rebuild MLflow from the trial folders: after its database was lost, or for another store.

    Nothing is trained. What MLflow has already is not doubled. Without --budget: every budget.
    """
    from ganablate.text import counted
    from ganablate.tracking import TrackedTrial, rebuild, report_of, send_reports

    loaded = read_studies(studies)
    HERE.require_writable()
    uri = tracking_store(HERE, tracking_uri, read_profile(sweep).tracking_uri)
    plans = _every_plan(loaded, budget)
    trials = [
        TrackedTrial(
            study=plan.study, budget=plan.budget, trial=trial, trials_root=HERE.trials.resolve(),
            metrics=plan.measured,
        )
        for plan in plans
        for trial in plan.trials
        if (HERE.trials / trial.trial_id).exists()
    ]  # fmt: skip
    if not trials:
        output.line("no trial of these studies is here: nothing to send")
        return
    warnings: list[str] = []
    try:
        sent = rebuild(trials, uri, HERE.runs, warnings.append)
    except Exception as error:
        refuse([f"MLflow cannot be used: {error}"])
    reports = [report_of(plan, HERE.results) for plan in plans]
    send_reports(reports, uri, HERE.runs, warnings.append)
    for line in warnings:
        output.warning(line)
    output.line(f"{counted(sent, 'trial')} sent to MLflow: ganablate ui")
    raise typer.Exit(FAILED if warnings else 0)


def _every_plan(studies: Sequence[Study], budget: str | None) -> list[Plan]:
    """The plans of all budgets, or of one, with replicates added at looks, and their searches."""
    plans = []
    for study in studies:
        for name in [budget] if budget else study.budget_names:
            plans += table_plans([study], name, HERE.results)
    return with_searches(plans)


def ui(
    port: Port = 5000,
    host: Host = "127.0.0.1",
    expose: Expose = False,
    tracking_uri: TrackingUri = None,
) -> None:
    """Open the MLflow UI on the trials of this folder, at http://127.0.0.1:PORT."""
    from ganablate.project.doctor import is_taken
    from ganablate.tracking import ui_command, ui_environment
    from ganablate.tracking.database import StoreError, check_sqlite, keep_artifacts_here

    uri = tracking_store(HERE, tracking_uri, read_profile().tracking_uri)
    try:
        command = ui_command(uri, port=port, host=host, expose=expose)
    except ValueError as error:
        refuse([str(error)])
    if is_taken(port, host):
        line = f"port {port} is taken, by another `ganablate ui` or by another program"
        refuse([f"{line}; choose one: ganablate ui --port {port + 1}"])
    HERE.runs.mkdir(exist_ok=True)
    try:
        check_sqlite(uri)
        keep_artifacts_here(uri, HERE.runs)
    except StoreError as error:
        refuse([f"MLflow cannot be used: {error}"])
    except sqlite3.Error as error:
        output.warning(f"{error}: artifacts of a project that was moved may not be shown")
    name = f"[{host}]" if ":" in host else host
    output.line(f"http://{name}:{port}/{_START}  (Ctrl-C ends it)")
    output.line(_HINT)
    os.execvpe(command[0], command, ui_environment(uri, expose=expose))

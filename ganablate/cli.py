"""The command line: the only place that decides what is printed, and the exit codes.

0: every trial is complete (a diverged trial is: a finding). 1: some trial failed. 2: the input is
wrong, and nothing was started. 130: interrupted, nothing lost.

Heavy libraries are imported by the commands that need them, so `--help`, `validate` and `plan`
answer at once.
"""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.text import Text
from typer.core import TyperGroup

from ganablate.intake import (
    budgets_with_results,
    plans_of,
    plans_of_tables,
    read_profile,
    read_studies,
)
from ganablate.study.errors import Problem, StudyError
from ganablate.study.plan import Plan

if TYPE_CHECKING:
    from ganablate.sweep.profile import Profile
    from ganablate.work import DataKey

RUNS = Path("runs")
TRIALS = RUNS / "trials"
RESULTS = Path("results")
STUDIES = Path("studies")
FAILED = 1
WRONG_INPUT = 2
INTERRUPTED = 130


class _Commands(TyperGroup):
    """Turns wrong input, wherever it is noticed, into lines and exit code 2."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except StudyError as error:
            _refuse(error.problems)


app = typer.Typer(
    cls=_Commands,
    help="GAN ablation studies: a YAML study in, an honest table out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
out = Console()
err = Console(stderr=True)

StudyFiles = Annotated[list[Path], typer.Argument(help="Study files (YAML).", show_default=False)]
BudgetName = Annotated[
    str | None, typer.Option("--budget", help="A budget of the study; else its default_budget.")
]
ArmNames = Annotated[list[str] | None, typer.Option("--arm", help="Only this arm; repeatable.")]
Replicates = Annotated[int | None, typer.Option(min=1, help="Instead of the study's number.")]
AsJson = Annotated[bool, typer.Option("--json", help="For machines.")]
SweepFile = Annotated[
    Path | None, typer.Option("--sweep", help="How to execute; else sweeps/laptop.yaml.")
]
DataRoot = Annotated[
    Path | None, typer.Option(help="Where data sets lie; else the sweep's, else runs/downloads.")
]
TrackingUri = Annotated[
    str | None, typer.Option(help="MLflow store; else $MLFLOW_TRACKING_URI, else runs/mlflow.db.")
]


@app.command(epilog="Example: ganablate validate studies/*.yaml")
def validate(studies: StudyFiles) -> None:
    """Check study files and print every mistake with its place. Creates nothing."""
    from ganablate.listing import size

    for path, plan in zip(studies, plans_of(read_studies(studies)), strict=True):
        out.print(f"{path}: {size(plan)}", highlight=False, soft_wrap=True)


@app.command("plan", epilog="Example: ganablate plan studies/mnist_ablation.yaml --budget full")
def show_plan(
    studies: StudyFiles,
    budget: BudgetName = None,
    replicates: Replicates = None,
    arm: ArmNames = None,
    as_json: AsJson = False,
) -> None:
    """List the arms and trials of a study, and what is complete already."""
    from ganablate.listing import plan_as_json

    plans = plans_of(read_studies(studies), budget, replicates, arm)
    if as_json:
        _print_json([plan_as_json(plan) for plan in plans])
        return
    for plan in plans:
        _print_arms(plan)
        for name, because in plan.excluded:
            out.print(Text(f"left out: {name}: {because}"))


@app.command(epilog="Example: ganablate run studies/mnist_ablation.yaml --budget smoke")
def run(  # noqa: PLR0913 - one parameter an option
    studies: StudyFiles,
    budget: BudgetName = None,
    sweep: SweepFile = None,
    arm: ArmNames = None,
    replicates: Replicates = None,
    tracking_uri: TrackingUri = None,
    data_root: DataRoot = None,
) -> None:
    """Run every trial that is not complete yet, then write the report.

    Ctrl-C stops cleanly; the same command goes on from there.
    """
    loaded = read_studies(studies)
    plans = plans_of(loaded, budget, replicates, arm)
    # The table keeps the arms that --arm leaves alone and the replicates beyond --replicates; it is
    # planned now, since the file may be edited while the sweep runs.
    tables = plans_of_tables(loaded, budget, replicates)
    profile = read_profile(sweep, data_root)
    fingerprints = _prepare_data(plans, profile)
    code = _run_sweep(plans, profile, fingerprints, tracking_uri)
    reported = [_print_report(plan) for plan in tables]
    raise typer.Exit(code if all(reported) else code or FAILED)


@app.command(epilog="Example: ganablate status studies/mnist_ablation.yaml --json")
def status(studies: StudyFiles, budget: BudgetName = None, as_json: AsJson = False) -> None:
    """Say how many trials of each arm are complete, running, failed or pending."""
    from ganablate.listing import failures, status_as_json

    plans = plans_of(read_studies(studies), budget)
    if as_json:
        _print_json([status_as_json(plan, TRIALS) for plan in plans])
        return
    for plan in plans:
        _print_arms(plan)
        for line in failures(plan, TRIALS):
            err.print(Text(line, style="red"), soft_wrap=True)


@app.command(epilog="Example: ganablate report studies/mnist_ablation.yaml --budget cpu")
def report(
    studies: Annotated[list[Path] | None, typer.Argument(help="Else all in studies/.")] = None,
    budget: BudgetName = None,
) -> None:
    """Rebuild tables and figures without training: from the trials, or from committed results.

    Without --budget: every budget of a study that has results.
    """
    paths = studies or sorted(STUDIES.glob("*.yaml"))
    if not paths:
        _refuse([f"{STUDIES}/: no study file there; name one"])
    for path, study in zip(paths, read_studies(paths), strict=True):
        budgets = budgets_with_results(study, RESULTS, TRIALS)
        if budget and (studies or budget in study.budget_names):
            budgets = [budget]
        if not budgets:
            out.print(f"{study.name}: no results yet: ganablate run {path}", highlight=False)
        for name in budgets:
            if not _print_report(*plans_of([study], name)):
                raise typer.Exit(WRONG_INPUT)


@app.command(epilog="Example: ganablate ui --port 5001")
def ui(
    port: Annotated[int, typer.Option(help="On 127.0.0.1.")] = 5000,
    tracking_uri: TrackingUri = None,
) -> None:
    """Open the MLflow UI on the trials of this folder, at http://127.0.0.1:PORT."""
    from ganablate.tracking import resolve_uri, ui_command, ui_environment

    try:
        of_profile = read_profile().tracking_uri
        uri = resolve_uri(RUNS, argument=tracking_uri, profile=of_profile)
        command = ui_command(uri, port=port)
    except ValueError as error:
        _refuse([str(error)])
    RUNS.mkdir(exist_ok=True)
    out.print(f"http://127.0.0.1:{port}  (Ctrl-C ends it)", highlight=False)
    os.execvpe(command[0], command, ui_environment())


def main() -> None:
    """Entry point of the console script."""
    app()


def _refuse(problems: Sequence[Problem | str]) -> NoReturn:
    for problem in problems:
        err.print(Text(str(problem)), soft_wrap=True)
    raise typer.Exit(WRONG_INPUT)


def _prepare_data(plans: Sequence[Plan], profile: "Profile") -> "Mapping[DataKey, str]":
    """Read every data set once, before the first trial; the fingerprints of their bytes."""
    from ganablate.sweep.prepare import prepare_data

    fingerprints, problems = prepare_data(plans, profile.data_root, RUNS)
    if problems:
        _refuse(problems)
    return fingerprints


# --- running and printing ---


def _run_sweep(
    plans: Sequence[Plan],
    profile: "Profile",
    fingerprints: "Mapping[DataKey, str]",
    tracking_uri: str | None,
) -> int:
    """Run what is not complete; returns the exit code."""
    from ganablate.screen import screen_for
    from ganablate.sweep.machine import MachineError
    from ganablate.sweep.runner import run_sweep
    from ganablate.tracking import MlflowTracker, resolve_uri

    screen = screen_for(out)
    uri = resolve_uri(RUNS, argument=tracking_uri, profile=profile.tracking_uri)
    tracker = MlflowTracker(uri, RUNS, screen.warned)
    try:
        summary = run_sweep(
            plans,
            profile,
            observer=screen,
            tracker=tracker,
            runs=RUNS,
            fingerprints=fingerprints,
        )
    except MachineError as error:
        _refuse([str(error)])
    finally:
        screen.close()
    if summary.interrupted:
        return INTERRUPTED
    return FAILED if summary.failed else 0


def _print_report(plan: Plan) -> bool:
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


def _print_arms(plan: Plan) -> None:
    from ganablate.listing import arm_states, size

    lines = [f"{plan.study}: {size(plan)}", *([plan.asks] if plan.asks else [])]
    _print_plain("\n".join([*lines, "", arm_states(plan, TRIALS)]))


def _print_json(content: object) -> None:
    _print_plain(json.dumps(content, indent=1))


def _print_plain(text: str) -> None:
    """Print as it is: long lines whole, for pipes and for speed."""
    out.file.write(f"{text}\n")

"""The command line: the only place that decides what is printed, and the exit codes.

0: every trial is complete (a diverged trial is: a finding). 1: some trial failed. 2: the input is
wrong, and nothing was started. 130: interrupted, nothing lost.

Heavy libraries are imported by the commands that need them, so `--help`, `validate` and `plan`
answer at once.
"""

import dataclasses
import json
import os
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ganablate.study.errors import Problem, StudyError
from ganablate.study.expand import expand
from ganablate.study.load import load_study
from ganablate.study.plan import Plan, Trial

if TYPE_CHECKING:
    from ganablate.report.build import ReportFiles
    from ganablate.sweep.profile import Profile

RUNS = Path("runs")
RESULTS = Path("results")
WRONG_INPUT = 2
INTERRUPTED = 130

app = typer.Typer(
    help="GAN ablation studies: a YAML study in, an honest table out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
out = Console()
err = Console(stderr=True)

Studies = Annotated[list[Path], typer.Argument(help="Study files (YAML).", show_default=False)]
Budget = Annotated[
    str | None, typer.Option(help="A budget of the study; else its default_budget.")
]
Arms = Annotated[list[str] | None, typer.Option("--arm", help="Only this arm; can be repeated.")]
Replicates = Annotated[int | None, typer.Option(min=1, help="Instead of the study's number.")]
AsJson = Annotated[bool, typer.Option("--json", help="For machines.")]


@app.command(epilog="Example: ganablate validate studies/*.yaml")
def validate(studies: Studies) -> None:
    """Check study files; print every mistake with its place. Creates nothing."""
    for path, plan in zip(studies, _plans(studies), strict=True):
        out.print(f"{path}: {_size(plan)}", highlight=False, soft_wrap=True)


@app.command("plan", epilog="Example: ganablate plan studies/mnist_ablation.yaml --budget full")
def show_plan(
    studies: Studies,
    budget: Budget = None,
    replicates: Replicates = None,
    arm: Arms = None,
    as_json: AsJson = False,
) -> None:
    """List the arms and trials of a study, and what is complete already."""
    plans = _plans(studies, budget, replicates, arm)
    if as_json:
        _print_json([_plan_as_json(plan) for plan in plans])
        return
    for plan in plans:
        _print_states(plan)
        for name, because in plan.excluded:
            out.print(Text(f"left out: {name}: {because}"))


@app.command(epilog="Example: ganablate run studies/mnist_ablation.yaml --budget smoke")
def run(
    studies: Studies,
    budget: Budget = None,
    sweep: Annotated[Path | None, typer.Option(help="Profile: how to execute. Default: sweeps/laptop.yaml.")] = None,  # noqa: E501
    arm: Arms = None,
    replicates: Replicates = None,
    tracking_uri: Annotated[str | None, typer.Option(help="MLflow server or database.")] = None,
    data_root: Annotated[Path | None, typer.Option(help="Where data sets lie; else from the profile.")] = None,  # noqa: E501
) -> None:
    """Run every trial that is not complete yet, then write the report.

    Ctrl-C stops cleanly; the same command goes on from there.
    """
    plans = _plans(studies, budget, replicates, arm)
    profile = _profile(sweep, data_root)
    _prepare_data(plans, profile)
    code = _run_sweep(plans, profile, tracking_uri)
    whole = _plans(studies, budget, replicates)  # the table keeps the arms that `--arm` left alone
    for plan in whole:
        _print_report(plan)
    raise typer.Exit(code)


@app.command(epilog="Example: ganablate status studies/mnist_ablation.yaml --json")
def status(studies: Studies, budget: Budget = None, as_json: AsJson = False) -> None:
    """Say how many trials of each arm are complete, running, failed or pending."""
    plans = _plans(studies, budget)
    if as_json:
        _print_json([_status_as_json(plan) for plan in plans])
        return
    for plan in plans:
        _print_states(plan)
        for trial, message in _failures(plan):
            err.print(Text(f"{trial.arm} / {trial.replicate} failed: {message}", style="red"))


@app.command(epilog="Example: ganablate report studies/mnist_ablation.yaml --budget cpu")
def report(
    studies: Annotated[list[Path] | None, typer.Argument(help="Default: all in studies/.")] = None,
    budget: Budget = None,
) -> None:
    """Rebuild tables and figures without training: from the trials, or from committed results.

    Without a budget: every budget of the study that has results, or its default budget.
    """
    paths = studies or sorted(Path("studies").glob("*.yaml"))
    for plan in _plans(paths):
        names = [budget] if budget else _budgets_with_results(plan)
        for name in names:
            _print_report(_plans([paths[_index(paths, plan)]], name)[0])


@app.command(epilog="Example: ganablate ui --port 5001")
def ui(
    port: Annotated[int, typer.Option(help="On 127.0.0.1.")] = 5000,
    tracking_uri: Annotated[str | None, typer.Option(help="MLflow server or database.")] = None,
) -> None:
    """Open the MLflow UI on the trials of this folder, at http://127.0.0.1:PORT."""
    from ganablate.tracking import resolve_uri, ui_command, ui_environment

    try:
        command = ui_command(resolve_uri(RUNS, argument=tracking_uri), port=port)
    except ValueError as error:
        _refuse([str(error)])
    out.print(f"http://127.0.0.1:{port}  (Ctrl-C ends it)", highlight=False)
    os.execvpe(command[0], command, ui_environment())


def main() -> None:
    """Entry point of the console script."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:  # `ganablate plan ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


# --- reading what the user gave ---


def _refuse(problems: Sequence[Problem | str]) -> NoReturn:
    for problem in problems:
        err.print(Text(str(problem)), soft_wrap=True)
    raise typer.Exit(WRONG_INPUT)


def _plans(
    paths: Sequence[Path],
    budget: str | None = None,
    replicates: int | None = None,
    arms: Sequence[str] | None = None,
) -> list[Plan]:
    """Load and expand every study; all problems of all of them at once, then exit."""
    plans, problems = [], []
    for path in paths:
        try:
            plan = expand(load_study(path), budget, replicates=replicates)
            plans.append(plan.only(arms) if arms else plan)
        except StudyError as error:
            problems += error.problems
    if problems:
        _refuse(problems)
    return plans


def _profile(path: Path | None, data_root: Path | None) -> "Profile":
    from ganablate.sweep.profile import DEFAULT_PROFILE, Profile, load_profile

    if path is None and not DEFAULT_PROFILE.exists():
        profile = Profile()  # a folder without sweeps/ is no mistake
    else:
        try:
            profile = load_profile(path or DEFAULT_PROFILE)
        except StudyError as error:
            _refuse(error.problems)
    return profile.model_copy(update={"data_root": data_root}) if data_root else profile


def _prepare_data(plans: Sequence[Plan], profile: "Profile") -> None:
    """Read every data set once, before the first trial; the workers map the result."""
    from ganablate.gan.data import DataError, materialise

    problems = []
    needed = {(t.config.dataset, t.config.image_size): t for plan in plans for t in plan.trials}
    for dataset, size in needed:
        try:
            materialise(dataset, size, data_root=profile.data_root, cache=RUNS / "data")
        except DataError as error:
            problems.append(str(error))
    if problems:
        _refuse(problems)


# --- running ---


def _run_sweep(plans: Sequence[Plan], profile: "Profile", tracking_uri: str | None) -> int:
    """Run what is not complete; returns the exit code."""
    from ganablate.screen import screen_for
    from ganablate.sweep.machine import MachineError
    from ganablate.sweep.runner import run_sweep
    from ganablate.tracking import MlflowTracker, resolve_uri

    screen = screen_for(out)
    uri = resolve_uri(RUNS, argument=tracking_uri, profile=profile.tracking_uri)
    tracker = MlflowTracker(uri, RUNS, screen.warned)
    try:
        summary = run_sweep(plans, profile, observer=screen, tracker=tracker, runs=RUNS)
    except MachineError as error:
        _refuse([str(error)])
    if summary.interrupted:
        return INTERRUPTED
    return 1 if summary.failed else 0


# --- printing ---


def _print_report(plan: Plan) -> None:
    from ganablate.report.build import build_report

    files: ReportFiles = build_report(plan, trials_root=RUNS / "trials", results_root=RESULTS)
    for notice in files.notices:
        err.print(Text(notice, style="yellow"), soft_wrap=True)
    out.print(Text(files.table_markdown), soft_wrap=True)
    out.print(f"report: {files.folder}/    runs: ganablate ui", highlight=False, soft_wrap=True)


def _size(plan: Plan) -> str:
    return (
        f"{len(plan.arms)} arms, {len(plan.trials)} trials at the budget {plan.budget}, "
        f"{plan.replicates} replicates"
    )


def _states(plan: Plan) -> dict[str, str]:
    from ganablate.ledger import state_of

    return {trial.trial_id: state_of(trial, RUNS / "trials") for trial in plan.trials}


def _print_states(plan: Plan) -> None:
    states = _states(plan)
    shown = [name for name in ("complete", "running", "failed", "stale", "pending")
             if name in states.values()]  # fmt: skip
    table = Table("arm", "changes", "trials", *shown, box=None, pad_edge=False)
    counts: dict[str, Counter[str]] = {arm.name: Counter() for arm in plan.arms}
    for trial in plan.trials:
        counts[trial.arm][states[trial.trial_id]] += 1
    for arm in plan.arms:
        changes = ", ".join(f"{key}={value}" for key, value in arm.changes.items())
        of_arm = counts[arm.name]
        cells = (str(of_arm[name] or "-") for name in shown)
        table.add_row(Text(arm.name), Text(changes), str(of_arm.total()), *cells)
    out.print(Text(f"{plan.study}: {_size(plan)}"))
    if plan.asks:
        out.print(Text(plan.asks))
    out.print(table)


def _failures(plan: Plan) -> list[tuple[Trial, str]]:
    from ganablate.ledger import TrialFolder

    found = []
    for trial in plan.trials:
        failure = TrialFolder(RUNS / "trials", trial.trial_id).failure
        if failure is not None:
            found.append((trial, failure["message"]))
    return found


def _plan_as_json(plan: Plan) -> dict[str, object]:
    return {
        "study": plan.study,
        "budget": plan.budget,
        "primary": plan.primary,
        "metrics": plan.metrics,
        "arms": [{"name": a.name, "changes": dict(a.changes), "compare_to": a.compare_to} for a in plan.arms],
        "trials": [
            {"trial_id": t.trial_id, "arm": t.arm, "replicate": t.replicate,
             "settings": t.config.model_dump(exclude_none=True)}
            for t in plan.trials
        ],  # fmt: skip
        "excluded": [{"arm": name, "because": because} for name, because in plan.excluded],
    }


def _status_as_json(plan: Plan) -> dict[str, object]:
    states = _states(plan)
    trials = [
        {"trial_id": t.trial_id, "arm": t.arm, "replicate": t.replicate, "state": states[t.trial_id]}
        for t in plan.trials
    ]  # fmt: skip
    return {"study": plan.study, "budget": plan.budget, "trials": trials}


def _print_json(content: object) -> None:
    out.file.write(json.dumps(content, indent=1) + "\n")

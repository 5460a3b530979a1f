"""`run`: train what is not complete yet, then report."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import typer
from rich.text import Text

from ganablate.cli.beforehand import agree_to_size, need_room, tracking_store
from ganablate.cli.console import (
    FAILED,
    INTERRUPTED,
    RESULTS,
    RUNS,
    TRIALS,
    WRONG_INPUT,
    err,
    out,
    refuse,
)
from ganablate.cli.next_steps import print_next
from ganablate.cli.options import (
    ArmNames,
    BudgetName,
    DataRoot,
    Force,
    MaxReplicates,
    Replicates,
    RetryFailed,
    StudyFiles,
    SweepFile,
    TrackingUri,
    UntilDecided,
    Yes,
)
from ganablate.cli.repeating import forced_trials, only_failed, retire_all
from ganablate.cli.report import copy_reports, print_ledger, print_report, table_plans
from ganablate.cli.searching import search_first
from ganablate.project.plans import budgets_without_files, plans_of, read_profile, read_studies
from ganablate.study.plan import Plan
from ganablate.study.schema import Study

if TYPE_CHECKING:
    from ganablate.sweep.profile import Profile
    from ganablate.tracking import Tracker
    from ganablate.trials.needs import DataKey


def run(  # noqa: PLR0913 - one parameter an option
    studies: StudyFiles,
    budget: BudgetName = None,
    sweep: SweepFile = None,
    arm: ArmNames = None,
    replicates: Replicates = None,
    tracking_uri: TrackingUri = None,
    data_root: DataRoot = None,
    until_decided: UntilDecided = False,
    max_replicates: MaxReplicates = None,
    yes: Yes = False,
    force: Force = None,
    retry_failed: RetryFailed = False,
) -> None:
    """Run every trial that is not complete yet, then write the report.

    Ctrl-C stops cleanly; the same command goes on from there.
    """
    loaded = read_studies(studies)
    if until_decided and (arm or replicates):
        refuse(["--until-decided chooses arms and replicates itself; drop --arm and --replicates"])
    if max_replicates is not None and not until_decided:
        refuse(["--max-replicates is for --until-decided; did you mean --replicates?"])
    if retry_failed and (until_decided or force):
        refuse(["--retry-failed runs what failed and nothing else; drop --until-decided, --force"])
    # The table keeps the arms that --arm leaves alone and the replicates beyond --replicates; it is
    # planned now, since the file may be edited while the sweep runs.
    tables, plans = _planned(loaded, budget, replicates, arm)
    again = forced_trials(plans, force or [])
    if retry_failed:
        plans = only_failed(plans)
        if not plans:
            out.print("no trial of these studies failed: nothing to retry")
            return
    agree_to_size(plans, yes)
    need_room(RUNS, *(RESULTS / plan.study / plan.budget for plan in tables))
    profile = read_profile(sweep, data_root)
    uri = tracking_store(tracking_uri, profile)
    fingerprints = prepare(plans, profile, again, loaded)
    retire_all(again)
    if not retry_failed and any(plan.search and plan.search.open for plan in plans):
        loaded = search_first(loaded, plans, profile, fingerprints, uri)
        tables, plans = _planned(loaded, budget, replicates, arm)
    if until_decided:
        code = _until_decided(
            loaded, budget, max_replicates,
            lambda plan: execute([plan], profile, fingerprints, uri),
        )  # fmt: skip
        tables = table_plans(loaded, budget)
    else:
        code = execute(plans, profile, fingerprints, uri)
    reported = [print_report(plan, anew=False) for plan in tables]
    print_ledger()
    written = [(plan, files) for plan, files in zip(tables, reported, strict=True) if files]
    copy_reports(written, uri)
    if len(written) == len(studies):
        print_next(studies, loaded, written, code)
    raise typer.Exit(code or (0 if all(reported) else FAILED))


def _planned(
    studies: Sequence[Study],
    budget: str | None,
    replicates: int | None,
    arms: Sequence[str] | None,
) -> tuple[list[Plan], list[Plan]]:
    """The plans of the tables, and those of what is run."""
    tables = table_plans(studies, budget, replicates, arms)
    part = bool(arms or replicates)
    return tables, plans_of(studies, budget, replicates, arms) if part else tables


def _until_decided(
    studies: Sequence[Study], budget: str | None, most: int | None, sweep: Callable[[Plan], int]
) -> int:
    """Run each study look by look; returns the first exit code that is not 0."""
    from ganablate.project.until_decided import run_until_decided

    def say(line: str) -> None:
        out.print(f"{study.name}: {line}", highlight=False, soft_wrap=True)

    first = 0
    for study in studies:
        try:
            code = run_until_decided(
                study, budget, most,
                sweep=sweep, trials_root=TRIALS, results_root=RESULTS, say=say,
            )  # fmt: skip
        except ValueError as error:
            err.print(Text(str(error), style="red"), soft_wrap=True)
            code = WRONG_INPUT
        first = first or code
        if code == INTERRUPTED:
            break
    return first


def prepare(
    plans: Sequence[Plan],
    profile: "Profile",
    again: Sequence[str] = (),
    studies: Sequence[Study] = (),
) -> "Mapping[DataKey, str]":
    """Read every data set once, before the first trial; the fingerprints of their bytes.

    `again` has the ids of complete trials that are to be trained again. Where data are missing, it
    is said which budgets of `studies` need no files.
    """
    from ganablate.sweep.prepare import prepare_data

    fingerprints, problems = prepare_data(plans, profile.data_root, RUNS, again)
    if problems:
        for study in studies:
            if names := budgets_without_files(study):
                problems.append(f"{study.name} needs no files with --budget {' or '.join(names)}")
        refuse(problems)
    return fingerprints


def execute(
    plans: Sequence[Plan],
    profile: "Profile",
    fingerprints: "Mapping[DataKey, str]",
    uri: str,
) -> int:
    """Run what is not complete, tracked by MLflow at `uri`; returns the exit code."""
    from ganablate.tracking import MlflowTracker

    return run_watched(
        plans, profile, fingerprints, lambda warned: MlflowTracker(uri, RUNS, warned)
    )


def run_watched(
    plans: Sequence[Plan],
    profile: "Profile",
    fingerprints: "Mapping[DataKey, str]",
    tracker_of: "Callable[[Callable[[str], None]], Tracker]",
) -> int:
    """Run what is not complete, before the user's eyes; returns the exit code.

    `tracker_of` makes the tracker, given where its warnings go.
    """
    from ganablate.sweep.machine import MachineError
    from ganablate.sweep.runner import run_sweep
    from ganablate.sweep.screen import screen_for

    screen = screen_for(out, plans, TRIALS, errors=err)
    try:
        summary = run_sweep(
            plans,
            profile,
            observer=screen,
            tracker=tracker_of(screen.warned),
            runs=RUNS,
            fingerprints=fingerprints,
        )
    except MachineError as error:
        refuse(str(error).splitlines())
    finally:
        screen.close()
    if summary.interrupted:
        return INTERRUPTED
    return FAILED if summary.failed else 0

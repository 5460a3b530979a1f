"""`run`: train what is not complete yet, then report."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import typer

from ganablate.cli.console import FAILED, INTERRUPTED, RUNS, out, refuse
from ganablate.cli.options import (
    ArmNames,
    BudgetName,
    DataRoot,
    Replicates,
    StudyFiles,
    SweepFile,
    TrackingUri,
)
from ganablate.cli.reporting import print_report
from ganablate.intake import plans_of, plans_of_tables, read_profile, read_studies
from ganablate.study.plan import Plan

if TYPE_CHECKING:
    from ganablate.sweep.profile import Profile
    from ganablate.work import DataKey


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
    fingerprints = prepare(plans, profile)
    code = execute(plans, profile, fingerprints, tracking_uri)
    reported = [print_report(plan) for plan in tables]
    raise typer.Exit(code if all(reported) else code or FAILED)


def prepare(plans: Sequence[Plan], profile: "Profile") -> "Mapping[DataKey, str]":
    """Read every data set once, before the first trial; the fingerprints of their bytes."""
    from ganablate.sweep.prepare import prepare_data

    fingerprints, problems = prepare_data(plans, profile.data_root, RUNS)
    if problems:
        refuse(problems)
    return fingerprints


def execute(
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
        refuse([str(error)])
    finally:
        screen.close()
    if summary.interrupted:
        return INTERRUPTED
    return FAILED if summary.failed else 0

"""`run`: train what is not complete yet, then report."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import typer

from ganablate.cli import options
from ganablate.cli.console import (
    FAILED,
    INTERRUPTED,
    WRONG_INPUT,
    output,
    refusing_lacks,
)
from ganablate.cli.next_steps import print_next
from ganablate.project.folders import HERE
from ganablate.project.plans import read_studies
from ganablate.study.plan import Plan
from ganablate.study.schema import Study

if TYPE_CHECKING:
    from ganablate.project.run import RunResult
    from ganablate.sweep.profile import Profile
    from ganablate.trials.needs import DataKey


def run(  # noqa: PLR0913 - one parameter an option
    studies: options.StudyFiles,
    budget: options.BudgetName = None,
    sweep: options.SweepFile = None,
    arm: options.ArmNames = None,
    replicates: options.Replicates = None,
    tracking_uri: options.TrackingUri = None,
    data_root: options.DataRoot = None,
    until_decided: options.UntilDecided = False,
    max_replicates: options.MaxReplicates = None,
    yes: options.Yes = False,
    force: options.Force = None,
    retry_failed: options.RetryFailed = False,
) -> None:
    """Run every trial that is not complete yet, then write the report.

    Ctrl-C stops cleanly; the same command goes on from there.
    """
    loaded = read_studies(studies)
    from ganablate.project import run as running

    request = running.Request(
        budget=budget, arms=arm, replicates=replicates, until_decided=until_decided,
        max_replicates=max_replicates, force=force or (), retry_failed=retry_failed, confirmed=yes,
        sweep=sweep, data_root=data_root, tracking_uri=tracking_uri,
    )  # fmt: skip
    with refusing_lacks():
        result = running.run(HERE, loaded, request, output)
    code = exit_code(result)
    if len(result.reports) == len(studies):
        print_next(studies, loaded, result.reports, code)
    raise typer.Exit(code)


def exit_code(result: "RunResult") -> int:
    """What a run leaves with."""
    if result.summary.interrupted:
        return INTERRUPTED
    if result.unread_looks:
        return WRONG_INPUT
    return FAILED if result.summary.failed or not result.is_whole else 0


def prepare(
    plans: Sequence[Plan], profile: "Profile", studies: Sequence[Study] = ()
) -> "Mapping[DataKey, str]":
    """Read every data set once, as `ganablate.project.run.prepare`; one that is missing is refused.

    Where data are missing, the message names the budgets of `studies` that need no files.
    """
    from ganablate.project.run import prepare

    with refusing_lacks():
        return prepare(HERE, plans, profile, studies=studies)

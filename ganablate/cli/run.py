"""`run` and `evaluate`: train what is not complete yet, and measure what is."""

import contextlib
import functools
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ganablate.catalog import DataKey
from ganablate.cli import options
from ganablate.cli.console import (
    FAILED,
    INTERRUPTED,
    OUT_OF_TIME,
    WRONG_INPUT,
    output,
    print_plain,
    refuse,
)
from ganablate.project.folders import HERE
from ganablate.project.plans import read_profile, read_studies, table_plans, with_more
from ganablate.study.plan import FULL, Plan, Trial
from ganablate.study.schema import Study
from ganablate.study.search.records import with_recorded_searches
from ganablate.text import counted, seconds_of
from ganablate.trials.folder import TrialFolder
from ganablate.trials.needs import data_key, measurements_of, missing, not_measurable, state_of

if TYPE_CHECKING:
    from ganablate.project.reports import Reports
    from ganablate.project.run import Request, RunResult
    from ganablate.report.files import ReportFiles
    from ganablate.sweep.profile import Profile

Metrics = Annotated[list[str] | None, typer.Option("--metric", help="A metric to add; repeatable.")]
Probes = Annotated[list[str] | None, typer.Option("--probe", help="A probe to add; repeatable.")]
_WIDTH = 80
_MOST_STUDIES = 3
"""Studies of one sweep of which the next commands are printed."""


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
    time_limit: options.For = None,
    yes: options.Yes = False,
    force: options.Force = None,
    retry_failed: options.RetryFailed = False,
    plugin: options.Plugins = None,
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
        seconds=None if time_limit is None else _seconds(time_limit),
    )  # fmt: skip
    with _refusing_lacks():
        result = running.run(HERE, loaded, request, output)
    code = _exit_code(result)
    if code == OUT_OF_TIME:
        pairs = [("--budget", budget), ("--replicates", replicates), ("--for", time_limit)]
        pairs += [("--max-replicates", max_replicates), *(("--arm", name) for name in arm or ())]
        words = [word for pair in pairs if pair[1] is not None for word in map(str, pair)]
        words += ["--until-decided"] * until_decided + ["--yes"] * yes
        line = shlex.join(["ganablate", "run", *map(str, studies), *words])
        _print_left(loaded, request)
        print_plain(f"next: {line}{options_on_line(plugin, sweep, data_root, tracking_uri)}")
    if len(result.reports) == len(studies):
        shown = options_on_line(plugin)
        again = options_on_line(plugin, sweep, data_root, tracking_uri)
        print_next(studies, loaded, result.reports, code, shown=shown, again=again)
    raise typer.Exit(code)


def evaluate(  # noqa: PLR0913 - one parameter an option
    study: options.StudyFile,
    metric: Metrics = None,
    probe: Probes = None,
    budget: options.BudgetName = None,
    sweep: options.SweepFile = None,
    data_root: options.DataRoot = None,
    plugin: options.Plugins = None,
) -> None:
    """Add metrics or probes to complete trials from their kept weights, without training.

    The numbers stay in the trials' folders. They are in the study's table once the study names
    the metric; MLflow gets them with its next run.
    """
    metrics, probes = metric or [], probe or []
    if not metrics and not probes:
        refuse(["name what to measure: --metric M or --probe P"])
    (as_written,) = read_studies([study])
    (plan,) = table_plans([with_more(as_written, metrics, probes)], budget, HERE.results)
    code = _measure(plan, read_profile(sweep, data_root))
    from ganablate.report.closing import evaluated

    print_plain(evaluated(plan, [*metrics, *probes], HERE.trials))
    for section, names, written in (
        ("metrics", metrics, as_written.metrics),
        ("probes", probes, as_written.probes),
    ):
        if not set(names) <= set(written):
            every = ", ".join(dict.fromkeys([*written, *names]))
            output.line(f"for the study's table, write in {study}: {section}: [{every}]")
    raise typer.Exit(code)


def _measure(plan: Plan, profile: "Profile") -> int:
    """Measure the complete trials of a plan by all that it names; returns the exit code."""
    complete = _complete(plan, {})
    if not complete:
        refuse([f"study {plan.study}: no trial is complete at the budget {plan.budget}"])
    # With one evaluation nothing is measured at points of the training.
    fingerprints = prepare([replace(plan, trials=complete, evaluations=1)], profile)
    fresh = _complete(plan, fingerprints)
    measurable = tuple(
        trial
        for trial in fresh
        if not not_measurable(
            TrialFolder(HERE.trials, trial.trial_id), missing(trial, HERE.trials, plan.measured)
        )
    )
    if stale := len(complete) - len(fresh):
        output.warning(f"left out: {counted(stale, 'trial')} with other data than there is now")
    if blocked := len(fresh) - len(measurable):
        output.warning(
            f"left out: {counted(blocked, 'trial')} with too little of the weights for this; "
            "`ganablate run STUDY --force TRIAL|ARM` trains them again"
        )
    from ganablate.project.run import Execution, RunResult

    with _refusing_lacks():
        execution = Execution(HERE, profile, None, fingerprints, output)
        summary = execution.sweep([replace(plan, trials=measurable, evaluations=1)])
        _keep_references(replace(plan, trials=measurable), profile)
    return _exit_code(RunResult(summary, []))


def _keep_references(plan: Plan, profile: "Profile") -> None:
    """Measure the reference lines that trials of older versions were not given."""
    from ganablate.sweep.job import Job
    from ganablate.sweep.measure import data_of, keep_references

    wanted = measurements_of([plan])
    for trial in plan.trials:
        facts = TrialFolder(HERE.trials, trial.trial_id).complete or {}
        job = Job(
            trial=trial, wanted=wanted[trial.trial_id], trials_root=HERE.trials,
            cache=(profile.data_cache or HERE.runs / "data").resolve(),
            data_root=profile.data_root, device="cpu", precision="fp32", threads=1,
            checkpoint_seconds=1,
        )  # fmt: skip
        fingerprint = str(facts.get("data_fingerprint"))
        keep_references(
            plan.measured, job=job, fingerprint=fingerprint, read=functools.partial(data_of, job)
        )


def _complete(plan: Plan, fingerprints: Mapping[DataKey, str]) -> tuple[Trial, ...]:
    """The trials that are complete and saw the data as they are: none of them is trained again."""
    return tuple(
        trial
        for trial in plan.trials
        if state_of(trial, HERE.trials, fingerprint=fingerprints.get(data_key(trial))) == "complete"
    )


def prepare(
    plans: Sequence[Plan], profile: "Profile", studies: Sequence[Study] = ()
) -> Mapping[DataKey, str]:
    """Read every data set once, as `ganablate.project.run.prepare`; one that is missing is refused.

    Where data are missing, the message names the budgets of `studies` that need no files.
    """
    from ganablate.project.run import prepare

    with _refusing_lacks():
        return prepare(HERE, plans, profile, studies=studies)


@contextlib.contextmanager
def _refusing_lacks() -> Iterator[None]:
    """Turn data or resources that this machine lacks into lines and exit code 2."""
    from ganablate.gan.pictures import DataError
    from ganablate.sweep.machine import MachineError

    try:
        yield
    except (DataError, MachineError) as error:
        refuse(str(error).splitlines())


def _seconds(text: str) -> int:
    try:
        return seconds_of(text)
    except ValueError as error:
        refuse([f"--for: {error}"])


def _print_left(studies: Sequence[Study], request: "Request") -> None:
    """Print how many trials are left when the time is up, and how long they take."""
    from ganablate.cli.plan import time_left
    from ganablate.project.run import planned
    from ganablate.trials.status import plan_status

    searched = [with_recorded_searches(study, HERE.runs, HERE.results) for study in studies]
    profile = read_profile(request.sweep, request.data_root)
    for plan in planned(HERE, searched, request)[1]:
        print_plain(*time_left(plan_status(plan, HERE.trials), profile))


def _exit_code(result: "RunResult") -> int:
    if result.summary.interrupted:
        return OUT_OF_TIME if result.summary.out_of_time else INTERRUPTED
    if result.unread_looks:
        return WRONG_INPUT
    return FAILED if result.summary.failed or not result.is_whole else 0


# What a person may want to type after a sweep


def options_on_line(
    plugins: Sequence[str] | None,
    sweep: Path | None = None,
    data_root: Path | None = None,
    tracking_uri: str | None = None,
) -> str:
    """Those that are given, as they stand on a line behind others; no password is printed."""
    from ganablate.tracking.location import without_secrets

    if tracking_uri and without_secrets(tracking_uri) != tracking_uri:
        tracking_uri = None
    given: list[tuple[str, object]] = [("--plugin", name) for name in plugins or ()]
    given += [("--sweep", sweep), ("--data-root", data_root), ("--tracking-uri", tracking_uri)]
    words = [shlex.join([option, str(value)]) for option, value in given if value is not None]
    return "".join(f" {word}" for word in words)


def print_next(
    paths: Sequence[Path],
    studies: Sequence[Study],
    reports: "Reports",
    code: int,
    *,
    shown: str = "",
    again: str = "",
) -> None:
    """Print the next commands of a sweep that ended with this code: 0, or some trial failed.

    `shown` are options of commands that show something, `again` those of `run`.
    """
    if code not in (0, FAILED):
        return  # an interrupted sweep has printed how it goes on
    steps: dict[str, str] = {}
    for path, study, (plan, files) in zip(paths[:_MOST_STUDIES], studies, reports, strict=False):
        usual = plan.budget == study.default_budget
        file = shlex.quote(str(path))
        on_line = file if usual else f"{file} --budget {shlex.quote(plan.budget)}"
        if code:
            steps[f"ganablate status {on_line}{shown}"] = "which trials failed, and why"
            steps[f"ganablate run {on_line}{again} --retry-failed"] = "those again"
        else:
            steps |= _after_success(on_line, plan, files, shown, again)
        if not usual and plan.budget != FULL:
            purpose = f"the study at its budget {study.default_budget}"
            steps[f"ganablate run {file}{again}"] = purpose
    for number, (command, purpose) in enumerate(steps.items()):
        line = f"{'     ' if number else 'next:'} {command}"
        commented = f"{line}   # {purpose}"
        print_plain(commented if len(commented) <= _WIDTH else line)


def _after_success(
    on_line: str, plan: Plan, files: "ReportFiles", shown: str, again: str
) -> dict[str, str]:
    """Command -> its purpose; `on_line` are the study file and its budget; see `print_next`."""
    from ganablate.report.table.verdict_style import UNDECIDED

    compared = [arm for arm in plan.arms if arm.compare_to is not None and not arm.null]
    arm = compared[0] if compared else plan.arms[0]
    steps = {
        f"ganablate show {shlex.quote(arm.name)} {on_line}{shown} --open": "an arm, and the page"
    }
    if any(x.topic == "verdict" and x.kind is UNDECIDED for x in files.sentences):
        steps[f"ganablate run {on_line}{again} --until-decided"] = (
            "more replicates where it is open"
        )
    elif compared:
        both = shlex.join([str(arm.compare_to), arm.name])
        steps[f"ganablate compare {both} {on_line}{shown}"] = "two arms side by side"
    return steps

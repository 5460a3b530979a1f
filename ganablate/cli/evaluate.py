"""`evaluate`: measure complete trials by more than their study asks for."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import typer

from ganablate.cli.console import output, print_plain, refuse, refusing_lacks
from ganablate.cli.options import BudgetName, DataRoot, Metrics, Probes, StudyFile, SweepFile
from ganablate.cli.run import exit_code, prepare
from ganablate.project.folders import HERE
from ganablate.project.plans import read_profile, read_studies, table_plans, with_more
from ganablate.study.plan import Plan
from ganablate.trials.folder import TrialFolder
from ganablate.trials.needs import data_key, missing, not_measurable, state_of

if TYPE_CHECKING:
    from ganablate.sweep.profile import Profile
    from ganablate.trials.needs import DataKey


def evaluate(
    study: StudyFile,
    metric: Metrics = None,
    probe: Probes = None,
    budget: BudgetName = None,
    sweep: SweepFile = None,
    data_root: DataRoot = None,
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
    if not complete.trials:
        refuse([f"study {plan.study}: no trial is complete at the budget {plan.budget}"])
    fingerprints = prepare([complete], profile)
    fresh = _complete(plan, fingerprints)
    measurable = _measurable(fresh)
    if stale := len(complete.trials) - len(fresh.trials):
        output.warning(f"{stale} trials saw other data than there is now: left out")
    if blocked := len(fresh.trials) - len(measurable.trials):
        output.warning(
            f"{blocked} trials kept too little of their weights for this: left out; `ganablate run "
            "STUDY --force TRIAL|ARM` trains them again"
        )
    from ganablate.project.run import Execution, RunResult

    with refusing_lacks():
        summary = Execution(HERE, profile, None, fingerprints, output).sweep([measurable])
    return exit_code(RunResult(summary, []))


def _measurable(plan: Plan) -> Plan:
    """Only the trials whose kept weights are enough for what they lack."""
    return replace(
        plan,
        trials=tuple(
            trial
            for trial in plan.trials
            if not not_measurable(
                TrialFolder(HERE.trials, trial.trial_id), missing(trial, HERE.trials, plan.measured)
            )
        ),
    )


def _complete(plan: Plan, fingerprints: "Mapping[DataKey, str]") -> Plan:
    """Only what is complete and saw the data as they are: nothing of it is trained again."""
    kept = tuple(
        trial
        for trial in plan.trials
        if state_of(trial, HERE.trials, fingerprint=fingerprints.get(data_key(trial))) == "complete"
    )
    return replace(plan, trials=kept, evaluations=1)

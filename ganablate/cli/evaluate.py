"""`evaluate`: measure complete trials by more than their study asks for."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from ganablate.cli.console import TRIALS, err, out, print_plain, refuse
from ganablate.cli.options import BudgetName, DataRoot, StudyFile, SweepFile
from ganablate.cli.report import table_plans
from ganablate.cli.run import prepare, run_watched
from ganablate.project.plans import read_profile, read_studies, with_more
from ganablate.study.plan import Plan

if TYPE_CHECKING:
    from ganablate.sweep.profile import Profile
    from ganablate.trials.needs import DataKey

Metrics = Annotated[list[str] | None, typer.Option("--metric", help="A metric to add; repeatable.")]
Probes = Annotated[list[str] | None, typer.Option("--probe", help="A probe to add; repeatable.")]


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
    names = [*(metric or []), *(probe or [])]
    if not names:
        refuse(["name what to measure: --metric M or --probe P"])
    (own,) = read_studies([study])
    wider = with_more(own, metric or [], probe or [])
    (plan,) = table_plans([wider], budget)
    profile = read_profile(sweep, data_root)
    code = _measure(plan, profile)
    from ganablate.report.closing import evaluated

    print_plain(evaluated(plan, names, TRIALS))
    for section, given, known in (
        ("metrics", metric, own.metrics),
        ("probes", probe, own.probes),
    ):
        new = [name for name in given or [] if name not in known]
        if new:
            listed = ", ".join([*known, *dict.fromkeys(new)])
            out.print(
                f"for the study's table, write in {study}: {section}: [{listed}]",
                highlight=False, markup=False, soft_wrap=True,
            )  # fmt: skip
    raise typer.Exit(code)


def _measure(plan: Plan, profile: "Profile") -> int:
    """Bring the complete trials of a plan to what it measures; returns the exit code."""
    from ganablate.tracking import NoTracker

    begun = _complete(plan, {})
    if not begun.trials:
        refuse([f"study {plan.study}: no trial is complete at the budget {plan.budget}"])
    fingerprints = prepare([begun], profile)
    whole = _complete(plan, fingerprints)
    if left := len(begun.trials) - len(whole.trials):
        err.print(f"{left} trials saw other data than there is now: left out", highlight=False)
    able = _measurable(whole)
    if left := len(whole.trials) - len(able.trials):
        err.print(
            f"{left} trials kept too little of their weights for this: left out; `ganablate run "
            "STUDY --force TRIAL|ARM` trains them again",
            highlight=False, markup=False, soft_wrap=True,
        )  # fmt: skip
    return run_watched([able], profile, fingerprints, lambda _: NoTracker())


def _measurable(plan: Plan) -> Plan:
    """Only the trials whose kept weights are enough for what they lack."""
    from ganablate.trials.folder import TrialFolder
    from ganablate.trials.needs import missing, not_measurable

    kept = [
        trial
        for trial in plan.trials
        if not not_measurable(
            TrialFolder(TRIALS, trial.trial_id), missing(trial, TRIALS, plan.measured)
        )
    ]
    return replace(plan, trials=tuple(kept))


def _complete(plan: Plan, fingerprints: "Mapping[DataKey, str]") -> Plan:
    """Only what is complete and saw the data as they are: nothing of it is trained again."""
    from ganablate.trials.needs import data_key, state_of

    kept = [
        trial
        for trial in plan.trials
        if state_of(trial, TRIALS, fingerprint=fingerprints.get(data_key(trial))) == "complete"
    ]
    return replace(plan, trials=tuple(kept), evaluations=1)

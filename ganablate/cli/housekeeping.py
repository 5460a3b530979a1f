"""`prune` and `track`: the trial folders made smaller, and MLflow made again from them."""

from collections.abc import Sequence
from typing import Annotated, Literal

import typer
from rich.text import Text

from ganablate.cli.beforehand import need_room, tracking_store
from ganablate.cli.console import FAILED, RESULTS, RUNS, TRIALS, err, out, refuse
from ganablate.cli.options import BudgetName, StudyFiles, SweepFile, TrackingUri
from ganablate.cli.report import table_plans
from ganablate.project.plans import read_profile, read_studies
from ganablate.study.plan import Plan
from ganablate.study.schema import Study
from ganablate.study.search.rounds import with_searches


def prune(
    studies: StudyFiles,
    budget: BudgetName = None,
    keep: Annotated[
        Literal["weights", "generator", "none"],
        typer.Option(help="Networks that stay of complete trials: both, the generator, or none."),
    ] = "weights",
    retired: Annotated[
        bool,
        typer.Option("--retired", help="Also folders put aside: trained again since, or stale."),
    ] = False,
    unnamed: Annotated[
        bool,
        typer.Option("--unnamed", help="Also whole trials that no study given here names."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would go; remove it not.")
    ] = False,
) -> None:
    """Free disk space: weights by --keep, and what interrupted writes left behind.

    Numbers, samples and losses stay, so tables and figures do. Without weights a metric or probe
    that is added later takes training again. Without --budget: trials of every budget.
    """
    from ganablate.text import bytes_text
    from ganablate.trials.prune import Pruning
    from ganablate.trials.prune import prune as prune_folders

    if unnamed and budget:
        refuse(["--unnamed looks at every budget of the studies given; drop --budget"])
    plans = _every_plan(read_studies(studies), budget)
    named = {trial.trial_id for plan in plans for trial in plan.trials}
    pruning = Pruning(keep=keep, retired=retired, unnamed=unnamed, dry_run=dry_run)
    freed = prune_folders(TRIALS, named, pruning)
    for line in freed.left_alone:
        err.print(Text(f"left alone: {line}"), soft_wrap=True)
    kinds = ", ".join(f"{kind} {bytes_text(size)}" for kind, size in freed.bytes.items() if size)
    would = "would be freed" if dry_run else "freed"
    out.print(Text(f"{bytes_text(freed.total)} {would}" + (f": {kinds}" if kinds else "")))


def track(
    studies: StudyFiles,
    budget: BudgetName = None,
    sweep: SweepFile = None,
    tracking_uri: TrackingUri = None,
) -> None:
    """Rebuild MLflow from the trial folders: after its database was lost, or for another store.

    Nothing is trained. What MLflow has already is not doubled. Without --budget: every budget.
    """
    from ganablate.tracking import TrackedTrial, rebuild, report_of, send_reports

    loaded = read_studies(studies)
    need_room(RUNS)
    uri = tracking_store(tracking_uri, read_profile(sweep))
    plans = _every_plan(loaded, budget)
    trials = [
        TrackedTrial(
            study=plan.study, budget=plan.budget, trial=trial, trials_root=TRIALS.resolve(),
            metrics=plan.measured,
        )
        for plan in plans
        for trial in plan.trials
        if (TRIALS / trial.trial_id).exists()
    ]  # fmt: skip
    if not trials:
        out.print("no trial of these studies is here: nothing to send")
        return
    warnings: list[str] = []
    try:
        sent = rebuild(trials, uri, RUNS, warnings.append)
    except Exception as error:
        refuse([f"MLflow cannot be used: {error}"])
    send_reports([report_of(plan, RESULTS) for plan in plans], uri, RUNS, warnings.append)
    for line in warnings:
        err.print(Text(line, style="yellow"), soft_wrap=True)
    out.print(f"{sent} trials sent to MLflow: ganablate ui", highlight=False)
    raise typer.Exit(FAILED if warnings else 0)


def _every_plan(studies: Sequence[Study], budget: str | None) -> list[Plan]:
    """The plans of all budgets, or of one, with replicates added at looks, and their searches."""
    plans = []
    for study in studies:
        for name in [budget] if budget else study.budget_names:
            plans += table_plans([study], name)
    return with_searches(plans)

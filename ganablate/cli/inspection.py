"""`validate`, `plan` and `status`: they read, and start nothing."""

from rich.text import Text

from ganablate.cli.console import TRIALS, err, out, print_json, print_plain
from ganablate.cli.options import ArmNames, AsJson, BudgetName, Replicates, StudyFiles
from ganablate.intake import plans_of, read_studies
from ganablate.study.plan import Plan


def validate(studies: StudyFiles) -> None:
    """Check study files and print every mistake with its place. Creates nothing."""
    from ganablate.listing import size

    for path, plan in zip(studies, plans_of(read_studies(studies)), strict=True):
        out.print(f"{path}: {size(plan)}", highlight=False, soft_wrap=True)


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
        print_json([plan_as_json(plan) for plan in plans])
        return
    for plan in plans:
        _print_arms(plan)
        for name, because in plan.excluded:
            out.print(Text(f"left out: {name}: {because}"))
        _print_resolvable(plan)


def status(studies: StudyFiles, budget: BudgetName = None, as_json: AsJson = False) -> None:
    """Say how many trials of each arm are complete, running, failed or pending."""
    from ganablate.listing import failures, status_as_json

    plans = plans_of(read_studies(studies), budget)
    if as_json:
        print_json([status_as_json(plan, TRIALS) for plan in plans])
        return
    for plan in plans:
        _print_arms(plan)
        for line in failures(plan, TRIALS):
            err.print(Text(line, style="red"), soft_wrap=True)


def _print_resolvable(plan: Plan) -> None:
    """What the replicates can decide of each claim; a warning for those that they cannot."""
    if not plan.claims:
        return  # what a large grid needs at once does not wait for scipy
    from ganablate.report.claims.power import POWER, SPREAD, resolvable

    found = resolvable(plan)
    if not found:
        return
    print_plain(f"\nclaims, where replicates spread by {SPREAD:.0%}, with a chance of {POWER:.0%}:")
    width = max(len(one.id) for one in found)
    for one in found:
        line = f"{one.id:{width}}  {one.text}"
        out.print(
            Text(line if one.resolved else f"{line}: cannot be decided at this n"),
            style="" if one.resolved else "yellow", soft_wrap=True,
        )  # fmt: skip


def _print_arms(plan: Plan) -> None:
    from ganablate.listing import arm_states, size

    lines = [f"{plan.study}: {size(plan)}", *([plan.asks] if plan.asks else [])]
    print_plain("\n".join([*lines, "", arm_states(plan, TRIALS)]))

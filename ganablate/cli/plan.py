"""`validate`, `plan` and `status`: they read, and start nothing."""

from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.text import Text

from ganablate.cli.console import out, output, print_json, print_plain
from ganablate.cli.options import (
    ArmNames,
    AsJson,
    BudgetName,
    Estimate,
    Replicates,
    StudyFiles,
    SweepFile,
)
from ganablate.project.folders import HERE
from ganablate.project.plans import plans_of, read_profile, read_studies
from ganablate.study.plan import Plan
from ganablate.study.search.wording import search_lines, seconds_left

if TYPE_CHECKING:
    from ganablate.sweep.estimate import Estimate as Time
    from ganablate.trials.status import PlanStatus


def validate(studies: StudyFiles) -> None:
    """Check study files and print every mistake with its place. Creates nothing."""
    from ganablate.cli.plan_text import size

    for path, plan in zip(studies, plans_of(read_studies(studies)), strict=True):
        output.line(f"{path}: {size(plan)}")


def show_plan(  # noqa: PLR0913 - one parameter an option
    studies: StudyFiles,
    budget: BudgetName = None,
    replicates: Replicates = None,
    arm: ArmNames = None,
    sweep: SweepFile = None,
    estimate: Estimate = False,
    as_json: AsJson = False,
) -> None:
    """List the arms and trials of a study, and what is complete already.

    With the time and the disk that the others take, about: the time as far as trials of the same
    kind are complete or --estimate has timed some seconds of them, the disk if complete trials keep
    what the sweep file says.
    """
    from ganablate.cli.costs import estimated, print_estimate
    from ganablate.cli.plan_text import plan_as_json
    from ganablate.trials.disk_need import disk_need_text
    from ganablate.trials.status import plan_status

    loaded = read_studies(studies)
    plans = plans_of(loaded, budget, replicates, arm)
    if as_json and not estimate:
        print_json([plan_as_json(plan) for plan in plans])
        return
    profile = read_profile(sweep)
    surveys = [plan_status(plan, HERE.trials) for plan in plans]
    times = [estimated(one, profile, loaded if estimate else None) for one in surveys]
    if as_json:
        both = zip(plans, times, strict=True)
        print_json([{**plan_as_json(plan), "time": time and asdict(time)} for plan, time in both])
        return
    for surveyed, time in zip(surveys, times, strict=True):
        plan = surveyed.plan
        _print_arms(surveyed)
        _print_search(plan)
        if surveyed.waiting:
            print_estimate(time, profile, arms=estimate)
            _print_search_time(plan, time)
        if line := disk_need_text(plan, surveyed.waiting, profile.keep):
            print_plain(line)
        for name, because in plan.excluded:
            output.line(f"left out: {name}: {because}")
        _print_resolvable(plan)


def status(studies: StudyFiles, budget: BudgetName = None, as_json: AsJson = False) -> None:
    """Say how many trials of each arm are complete, running, failed, stale or pending.

    With what other studies trained, and why a trial is stale or failed. Data sets are not read:
    their bytes are those of the last time that they were.
    """
    from ganablate.cli.plan_text import failures, notes, status_as_json
    from ganablate.gan.cards import known_fingerprints
    from ganablate.trials.needs import data_key
    from ganablate.trials.status import plan_status

    plans = plans_of(read_studies(studies), budget)
    keys = dict.fromkeys(data_key(trial) for plan in plans for trial in plan.trials)
    known = known_fingerprints(keys, HERE.runs / "data")
    surveys = [plan_status(plan, HERE.trials, known) for plan in plans]
    if as_json:
        print_json([status_as_json(surveyed) for surveyed in surveys])
        return
    for surveyed in surveys:
        _print_arms(surveyed)
        _print_search(surveyed.plan)
        _print_overview(surveyed)
        for line in notes(surveyed):
            output.line(line)
        for line in failures(surveyed):
            output.error(line)


def _print_search(plan: Plan) -> None:
    """What is searched inside each arm, and what was found."""
    if lines := search_lines(plan):
        print_plain("\n".join(["", *lines]))


def _print_search_time(plan: Plan, time: "Time | None") -> None:
    """What the search adds to it, where that is known of every arm."""
    seconds = None if time is None else seconds_left(plan, time.each)
    if time is None or seconds is None or plan.search is None:
        return
    from ganablate.text import duration

    print_plain(
        f"  and the search before it: about {duration(seconds / time.slots)}, "
        f"{duration(seconds)} over {plan.search.left:,} trials"
    )


def _print_overview(surveyed: "PlanStatus") -> None:
    """What the live screen of the sweep shows, if one is or was at work here."""
    if all(status.state == "pending" for status in surveyed.statuses.values()):
        return  # a large plan that never ran needs neither numpy nor rich's layout
    from ganablate.sweep.screen.overview import Picture
    from ganablate.sweep.screen.watch import overview_of

    out.print()
    out.print(Picture(overview_of(surveyed.plan, surveyed.statuses, HERE.trials), bar=False))


def _print_resolvable(plan: Plan) -> None:
    """What the replicates can decide of each claim; a warning for those that they cannot."""
    if not plan.claims:
        return  # what a large grid needs at once does not wait for scipy
    from ganablate.report.claims.power import POWER, SPREAD, resolvable

    claims = resolvable(plan)
    if not claims:
        return
    print_plain(f"\nclaims, where replicates spread by {SPREAD:.0%}, with a chance of {POWER:.0%}:")
    width = max(len(claim.id) for claim in claims)
    for claim in claims:
        line = f"{claim.id:{width}}  {claim.text}"
        if claim.resolved:
            output.line(line)
        else:
            text = Text(f"{line}: cannot be decided at this n", style="yellow")
            out.print(text, soft_wrap=True)


def _print_arms(surveyed: "PlanStatus") -> None:
    from ganablate.cli.plan_text import arm_states, size

    plan = surveyed.plan
    lines = [f"{plan.study}: {size(plan)}", *([plan.asks] if plan.asks else [])]
    print_plain("\n".join([*lines, "", arm_states(surveyed)]))

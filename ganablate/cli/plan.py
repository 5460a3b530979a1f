"""`validate`, `plan` and `status`: they read, and start nothing."""

import contextlib
import gc
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from ganablate.cli.console import err, out, output, print_json, print_plain
from ganablate.cli.options import (
    ArmNames,
    AsJson,
    BudgetName,
    Plugins,
    Replicates,
    StudyFiles,
    SweepFile,
)
from ganablate.project.folders import HERE
from ganablate.project.plans import plans_of, read_profile, read_studies
from ganablate.study.advice import advice_lines
from ganablate.study.arms.grid import MOST_UNASKED
from ganablate.study.arms.settings import text_of
from ganablate.study.plan import Arm, Plan, Trial
from ganablate.study.reading.wording import listed
from ganablate.study.schema import Study
from ganablate.study.search.wording import as_json as search_as_json
from ganablate.study.search.wording import search_lines, seconds_left
from ganablate.text import aligned, counted, duration, joined, screen_width, wrapped
from ganablate.trials.folder import State
from ganablate.trials.needs import data_key
from ganablate.trials.status import PlanStatus, plan_status

if TYPE_CHECKING:
    from ganablate.sweep.estimate import Estimate
    from ganablate.sweep.profile import Profile

Estimating = Annotated[
    bool,
    typer.Option(
        "--estimate", help="Time some seconds of each kind of work of unknown cost, one by one."
    ),
]
_MOST_ARMS, _AT_AN_END = 100, 10
"""Arms that are all listed; of more so many at either end."""
_STATES: tuple[State, ...] = ("complete", "running", "failed", "stale", "pending")


def validate(studies: StudyFiles, plugin: Plugins = None) -> None:
    """Check study files and print every mistake with its place. Creates nothing."""
    with _collecting_nothing():
        for path, each in zip(studies, plans_of(read_studies(studies)), strict=True):
            output.line(f"{path}: {size(each)}")
            _warn_of_few_replicates(each)
            for line in advice_lines(each):
                output.line(f"  note: {line}")


def plan(  # noqa: PLR0913 - one parameter an option
    studies: StudyFiles,
    budget: BudgetName = None,
    replicates: Replicates = None,
    arm: ArmNames = None,
    sweep: SweepFile = None,
    estimate: Estimating = False,
    as_json: AsJson = False,
    plugin: Plugins = None,
) -> None:
    """List the arms and trials of a study, and what is complete already.

    With the time and the disk that the others take, about: the time as far as trials of the same
    kind are complete or --estimate has timed some seconds of them, the disk if complete trials keep
    what the sweep file says.
    """
    from ganablate.trials.disk_need import disk_need_text

    with _collecting_nothing():
        loaded = read_studies(studies)
        plans = plans_of(loaded, budget, replicates, arm)
        if as_json and not estimate:
            print_json([plan_as_json(each) for each in plans])
            return
        profile = read_profile(sweep)
        statuses = [plan_status(each, HERE.trials) for each in plans]
    times = [_estimated(status, profile, loaded if estimate else None) for status in statuses]
    if as_json:
        pairs = zip(plans, times, strict=True)
        print_json([{**plan_as_json(each), "time": time and asdict(time)} for each, time in pairs])
        return
    for status, time in zip(statuses, times, strict=True):
        _print_arms(status)
        if status.waiting:
            print_plain(*_time_lines(status.plan, time, profile, by_arm=estimate))
        if line := disk_need_text(status.plan, status.waiting, profile.keep):
            print_plain(line)
        for name, because in status.plan.excluded:
            output.line(f"left out: {name}: {because}")
        _warn_of_few_replicates(status.plan)
        for line in advice_lines(status.plan):
            output.line(f"note: {line}")
        _print_resolvable(status.plan)


def status(
    studies: StudyFiles, budget: BudgetName = None, as_json: AsJson = False, plugin: Plugins = None
) -> None:
    """Say how many trials of each arm are complete, running, failed, stale or pending.

    With what other studies trained, and why a trial is stale or failed. Data sets are not read:
    their bytes are those of the last time that they were.
    """
    from ganablate.gan.data import known_fingerprints

    plans = plans_of(read_studies(studies), budget)
    keys = dict.fromkeys(data_key(trial) for each in plans for trial in each.trials)
    fingerprints = known_fingerprints(keys, HERE.runs / "data")
    statuses = [plan_status(each, HERE.trials, fingerprints) for each in plans]
    if as_json:
        print_json([status_as_json(each) for each in statuses])
        return
    for each in statuses:
        _print_arms(each)
        _print_overview(each)
        for line in notes(each):
            output.line(line)
        for trial in each.plan.trials:
            if each.of(trial).state == "failed":
                reason = each.of(trial).failure
                output.error(f"{trial.arm} / {trial.replicate} failed: {reason}")


@contextlib.contextmanager
def _collecting_nothing() -> Iterator[None]:
    """Keep the garbage collector away from what is made here.

    A large plan is a million small objects, none of them garbage: to look through them again and
    again was a third of the time.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


# A plan for people


def size(plan: Plan) -> str:
    """How large a plan is, in words."""
    before = sum(arm.trials for arm in plan.search.arms.values()) if plan.search else 0
    searched = f", after {before:,} of the search" if before else ""
    ask = ", so `run` asks for --yes" if len(plan.trials) + before > MOST_UNASKED else ""
    return (
        f"{counted(len(plan.arms), 'arm')} x {counted(plan.replicates, 'replicate')} = "
        f"{counted(len(plan.trials), 'trial')} at the budget {plan.budget}{searched}{ask}"
    )


def _print_arms(status: PlanStatus) -> None:
    """A line an arm: what it changes, and its trials by state; then what is searched inside each.

    Of more arms than anybody reads the first and the last, and the trials of the others together.
    Plain text: rich lays out ten thousand rows in seconds, this in hundredths of one.
    """
    plan = status.plan
    few = len(plan.arms) <= _MOST_ARMS
    first, last = (plan.arms, ()) if few else (plan.arms[:_AT_AN_END], plan.arms[-_AT_AN_END:])
    names = {arm.name for arm in (*first, *last)}
    counts = Counter(
        (trial.arm if trial.arm in names else None, status.of(trial).state) for trial in plan.trials
    )
    present = {state for _, state in counts}
    states = [state for state in _STATES if state in present]

    def row(text: str, arm: str | None, changes: str) -> list[str]:
        return [text, *(str(counts[arm, state] or "-") for state in states), changes]

    def rows(arms: Iterable[Arm]) -> Iterator[list[str]]:
        for arm in arms:
            changes = (f"{name}={text_of(name, to)}" for name, to in arm.changes.items())
            yield row(arm.name, arm.name, ", ".join(changes))

    between = row(f"({len(plan.arms) - len(names):,} arms more)", None, "(--json has all)")
    lines = [["arm", *states, "changes"], *rows(first), *([] if few else [between]), *rows(last)]
    print_plain(f"{plan.study}: {size(plan)}", *([plan.asks] if plan.asks else []))
    print_plain("", *aligned(lines, right=range(1, len(states) + 1)))
    if searches := search_lines(plan):
        print_plain("", *searches)


def _warn_of_few_replicates(plan: Plan) -> None:
    """Say what they can find, where they are fewer than five."""
    from ganablate.study.checks.power import few_replicates

    if text := few_replicates(plan):
        output.warning(text)


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
        indent = " " * min(width + 2, screen_width() // 4)
        line = "\n".join(wrapped(f"{claim.id:{width}}  {claim.text}", indent=indent))
        if claim.resolved:
            output.line(line)
        else:
            text = Text(f"{line}: cannot be decided at this n", style="yellow")
            out.print(text, soft_wrap=True)


# The time that trials will take


def _estimated(
    status: PlanStatus, profile: "Profile", rehearsed: Sequence[Study] | None
) -> "Estimate | None":
    """What the trials that wait will take; None where nothing is known, or there are none.

    Arms of `rehearsed` studies of which nothing is known are rehearsed.
    """
    from ganablate.cli.run import prepare
    from ganablate.sweep.estimate import Costs, arm_costs, estimate, rehearse_all
    from ganablate.sweep.machine import environment, worker_environment

    plan, waiting = status.plan, status.waiting
    costs = Costs(HERE.runs, profile)
    if not waiting or profile.address is not None:
        return None
    if rehearsed is None and costs.know_nothing(plan, waiting):
        return None
    arms = arm_costs(plan, waiting, costs)
    if rehearsed is not None and any(arm.cost is None for arm in arms.values()):
        with environment(worker_environment(profile.threads)):
            prepare([plan], profile, studies=rehearsed)
            err.print("timing some seconds of each kind of work", highlight=False)
            rehearse_all(arms, costs, lambda line: err.print(Text(line, "red"), soft_wrap=True))
        arms = arm_costs(plan, waiting, costs)
    return estimate(plan, waiting, arms, costs)


def time_left(status: PlanStatus, profile: "Profile") -> Iterator[str]:
    """How many trials wait, and what they will take as far as complete ones tell it."""
    plan, waiting = status.plan, len(status.waiting)
    total = len({trial.trial_id for trial in plan.trials})
    before = (
        f", after {plan.search.left:,} of the search" if plan.search and plan.search.left else ""
    )
    yield f"left: {waiting:,} of {counted(total, 'trial')} of {plan.study} at {plan.budget}{before}"
    if waiting and (time := _estimated(status, profile, None)):
        yield from _time_lines(plan, time, profile, by_arm=False)


def _time_lines(
    plan: Plan, time: "Estimate | None", profile: "Profile", *, by_arm: bool
) -> Iterator[str]:
    """What the trials that wait will take; `by_arm` a line for each arm as well."""
    if profile.address is not None:
        yield "time: not known, only what this machine takes can be"
        return
    if time is None:
        yield "time: not known" if by_arm else "time: not known; --estimate measures it"
        return
    low, likely, high = (duration(time.wall[end]) for end in ("low", "likely", "high"))
    yield (
        f"time: about {likely} ({low} to {high}) with {counted(time.slots, 'trial')} at a time; "
        f"{duration(time.working['likely'])} over {counted(time.trials, 'trial')}"
    )
    if by_arm:
        source = {True: "complete trials", False: "a rehearsal"}
        rows = [
            (f"  {arm}", duration(seconds), f"a trial, from {source[arm in time.of_trials]}")
            for arm, seconds in time.each.items()
        ]
        yield from aligned(rows, right=[1])
    if time.unknown:
        hint = "" if by_arm else "; plan --estimate measures them"
        count = counted(len(time.unknown), "arm")
        yield f"  without {count} of unknown cost ({joined(time.unknown, 5)}){hint}"
    seconds = seconds_left(plan, time.each)
    if seconds is not None and plan.search is not None:
        yield (
            f"  and the search before it: about {duration(seconds / time.slots)}, "
            f"{duration(seconds)} over {counted(plan.search.left, 'trial')}"
        )


# The status for people


def _print_overview(status: PlanStatus) -> None:
    """What the live screen of the sweep shows, if one is or was at work here."""
    if all(each.state == "pending" for each in status.statuses.values()):
        return  # a large plan that never ran needs neither numpy nor rich's layout
    from ganablate.sweep.screen.overview import Picture
    from ganablate.sweep.screen.watch import overview_of

    out.print()
    out.print(Picture(overview_of(status.plan, status.statuses, HERE.trials), bar=False))


def notes(status: PlanStatus) -> list[str]:
    """Lines on trials that another study trained, on stale and early ended ones, and older ones."""
    origins: dict[tuple[str, str], Counter[str]] = {}
    stale: dict[str, Counter[str]] = {}
    early: list[str] = []
    for trial in status.plan.trials:
        trial_status = status.of(trial)
        origin = status.origin(trial)
        if origin is not None:
            origins.setdefault(origin, Counter())[trial.arm] += 1
        if trial_status.state == "stale":
            stale.setdefault(trial.config.dataset, Counter())[trial.arm] += 1
        if trial_status.state == "complete" and trial_status.ended_early is not None:
            end, planned = trial_status.ended_early
            early.append(f"{trial.arm} / {trial.replicate} at {end:,} of {planned:,}")
    lines = [
        f"{_of_arms(arms)} trained by study {study} at budget {budget}"
        for (study, budget), arms in origins.items()
    ]
    lines += [
        f"{_of_arms(arms)} stale: the bytes of {dataset} were others when they were trained; "
        "run trains them again and keeps the old ones aside"
        for dataset, arms in stale.items()
    ]
    if early:
        count = counted(len(early), "trial")
        lines.append(f"{count} ended early, saturated: {listed(early)} iterations")
    if status.older:
        count = counted(len(status.older), "trial")
        lines.append(
            f"{count} of these settings trained by an earlier version of the training: not used; "
            "run trains them again"
        )
    return lines


def _of_arms(arms: Counter[str]) -> str:
    """`3 trials of arm baseline`; of several arms with the number of each."""
    if len(arms) == 1:
        return f"{counted(arms.total(), 'trial')} of arm {next(iter(arms))}"
    each = listed([f"{name} ({count})" for name, count in arms.items()])
    return f"{counted(arms.total(), 'trial')} of the arms {each}:"


# Both for machines


def plan_as_json(plan: Plan) -> dict[str, Any]:
    """Everything a plan says, as plain values."""
    return {
        "study": plan.study,
        "budget": plan.budget,
        "primary": list(plan.primaries),
        "metrics": list(plan.metrics),
        "extractor": plan.extractor,
        "probes": list(plan.probes),
        "replicates": plan.replicates,
        "arms": [
            {"name": arm.name, "changes": dict(arm.changes), "compare_to": arm.compare_to}
            for arm in plan.arms
        ],
        "trials": [
            {
                "trial_id": trial.trial_id,
                "arm": trial.arm,
                "replicate": trial.replicate,
                "data_id": trial.data_id,
                "settings": trial.config.model_dump(exclude_none=True),
            }
            for trial in plan.trials
        ],
        **_search_as_json(plan),
        "excluded": [{"arm": name, "because": because} for name, because in plan.excluded],
    }


def status_as_json(status: PlanStatus) -> dict[str, Any]:
    """The state of every trial, as plain values.

    `trained_by` is who trained a complete trial, null where its folder is older than that note;
    `ended_early` where it ended and how many iterations were planned, null if at its whole length.
    `earlier` names the folder of an earlier version of the training, where there is one.
    """
    return {
        "study": status.plan.study,
        "budget": status.plan.budget,
        **_search_as_json(status.plan),
        "trials": [
            {
                "trial_id": trial.trial_id,
                "arm": trial.arm,
                "replicate": trial.replicate,
                "state": status.of(trial).state,
                "because": _because(status, trial),
                "trained_by": status.of(trial).origin,
                "ended_early": status.of(trial).ended_early,
                "earlier": status.older.get(trial.trial_id),
            }
            for trial in status.plan.trials
        ],
    }


def _search_as_json(plan: Plan) -> dict[str, Any]:
    return {} if plan.search is None else {"search": search_as_json(plan.search)}


def _because(status: PlanStatus, trial: Trial) -> str | None:
    """Why a trial is stale or failed."""
    if status.of(trial).state == "stale":
        return f"the bytes of {trial.config.dataset} were others when it was trained"
    return status.of(trial).failure or None

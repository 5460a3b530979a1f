"""What `plan` and `status` print: arms, trials and their states, for people and for machines."""

from collections import Counter
from typing import Any

from ganablate.study.arms.grid import MOST_UNASKED
from ganablate.study.arms.settings import text_of
from ganablate.study.plan import Plan, Trial
from ganablate.study.reading.wording import listed
from ganablate.study.search.wording import as_json
from ganablate.text import aligned, counted
from ganablate.trials.folder import State
from ganablate.trials.status import PlanStatus

_STATES: tuple[State, ...] = ("complete", "running", "failed", "stale", "pending")


def size(plan: Plan) -> str:
    """How large a plan is, in words."""
    before = sum(arm.trials for arm in plan.search.arms.values()) if plan.search else 0
    searched = f", after {before:,} of the search" if before else ""
    ask = ", so `run` asks for --yes" if len(plan.trials) + before > MOST_UNASKED else ""
    return (
        f"{len(plan.arms)} arms x {plan.replicates} replicates = {len(plan.trials)} trials "
        f"at the budget {plan.budget}{searched}{ask}"
    )


def arm_states(surveyed: PlanStatus) -> str:
    """A line an arm: what it changes, and how many of its trials are in which state.

    Plain text: rich lays out ten thousand rows in seconds, this in hundredths of one.
    """
    plan = surveyed.plan
    present = {status.state for status in surveyed.statuses.values()}
    shown = [state for state in _STATES if state in present]
    counts: dict[str, Counter[str]] = {arm.name: Counter() for arm in plan.arms}
    for trial in plan.trials:
        counts[trial.arm][surveyed.of(trial).state] += 1
    rows = [["arm", *shown, "changes"]]
    for arm in plan.arms:
        numbers = (str(counts[arm.name][state] or "-") for state in shown)
        changes = ", ".join(f"{name}={text_of(name, to)}" for name, to in arm.changes.items())
        rows.append([arm.name, *numbers, changes])
    return "\n".join(aligned(rows, right=range(1, len(shown) + 1)))


def notes(surveyed: PlanStatus) -> list[str]:
    """Lines on trials that another study trained, on stale and early ended ones, and older ones."""
    plan = surveyed.plan
    origins: dict[tuple[str, str], Counter[str]] = {}
    stale: dict[str, Counter[str]] = {}
    early: list[str] = []
    for trial in plan.trials:
        origin = surveyed.origin(trial)
        if origin is not None:
            origins.setdefault(origin, Counter())[trial.arm] += 1
        ended = surveyed.of(trial).ended_early
        if ended is not None and surveyed.of(trial).state == "complete":
            early.append(f"{trial.arm} / {trial.replicate} at {ended[0]:,} of {ended[1]:,}")
        if surveyed.of(trial).state == "stale":
            stale.setdefault(trial.config.dataset, Counter())[trial.arm] += 1
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
        lines.append(
            f"{counted(len(early), 'trial')} ended early, saturated: {listed(early)} iterations"
        )
    if surveyed.older:
        lines.append(
            f"{counted(len(surveyed.older), 'trial')} of these settings trained by an earlier "
            "version of the training: not used; run trains them again"
        )
    return lines


def _of_arms(arms: Counter[str]) -> str:
    """`3 trials of arm baseline`; of several arms with the number of each."""
    if len(arms) == 1:
        return f"{counted(arms.total(), 'trial')} of arm {next(iter(arms))}"
    each = listed([f"{name} ({count})" for name, count in arms.items()])
    return f"{counted(arms.total(), 'trial')} of the arms {each}:"


def failures(surveyed: PlanStatus) -> list[str]:
    """A line for each failed trial: which, and why."""
    return [
        f"{trial.arm} / {trial.replicate} failed: {surveyed.of(trial).failure}"
        for trial in surveyed.plan.trials
        if surveyed.of(trial).state == "failed"
    ]


def plan_as_json(plan: Plan) -> dict[str, Any]:
    """Everything a plan says, as plain values."""
    return {
        "study": plan.study,
        "budget": plan.budget,
        "primary": plan.primary,
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
        **({"search": as_json(plan.search)} if plan.search is not None else {}),
        "excluded": [{"arm": name, "because": because} for name, because in plan.excluded],
    }


def status_as_json(surveyed: PlanStatus) -> dict[str, Any]:
    """The state of every trial, as plain values.

    `trained_by` is who trained a complete trial, null where its folder is older than that note;
    `ended_early` where it ended and how many iterations were planned, null if at its whole length.
    `earlier` names the folder of an earlier version of the training, where there is one.
    """
    plan = surveyed.plan
    return {
        "study": plan.study,
        "budget": plan.budget,
        **({"search": as_json(plan.search)} if plan.search is not None else {}),
        "trials": [
            {
                "trial_id": trial.trial_id,
                "arm": trial.arm,
                "replicate": trial.replicate,
                "state": surveyed.of(trial).state,
                "because": _because(surveyed, trial),
                "trained_by": surveyed.of(trial).origin,
                "ended_early": surveyed.of(trial).ended_early,
                "earlier": surveyed.older.get(trial.trial_id),
            }
            for trial in plan.trials
        ],
    }


def _because(surveyed: PlanStatus, trial: Trial) -> str | None:
    """Why a trial is stale or failed."""
    if surveyed.of(trial).state == "stale":
        return f"the bytes of {trial.config.dataset} were others when it was trained"
    return surveyed.of(trial).failure or None

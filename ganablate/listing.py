"""What `plan` and `status` show: arms, trials and their states, for people and for machines."""

from collections import Counter
from pathlib import Path
from typing import Any

from ganablate.ledger import State, TrialFolder
from ganablate.study.plan import Plan
from ganablate.study.settings import text_of
from ganablate.work import state_of

_STATES: tuple[State, ...] = ("complete", "running", "failed", "stale", "pending")


def size(plan: Plan) -> str:
    """How large a plan is, in words."""
    return (
        f"{len(plan.arms)} arms x {plan.replicates} replicates = {len(plan.trials)} trials "
        f"at the budget {plan.budget}"
    )


def states(plan: Plan, trials_root: Path) -> dict[str, State]:
    """The state of each trial, by trial id, in plan order."""
    # One look at the folder instead of one at each trial: most of a large plan is pending.
    begun = {path.name for path in trials_root.iterdir()} if trials_root.is_dir() else set()
    return {
        trial.trial_id: state_of(trial, trials_root) if trial.trial_id in begun else "pending"
        for trial in plan.trials
    }


def arm_states(plan: Plan, trials_root: Path) -> str:
    """A line an arm: what it changes, and how many of its trials are in which state.

    Plain text: rich lays out ten thousand rows in seconds, this in hundredths of one.
    """
    known = states(plan, trials_root)
    present = set(known.values())
    shown = [state for state in _STATES if state in present]
    counts: dict[str, Counter[str]] = {arm.name: Counter() for arm in plan.arms}
    for trial in plan.trials:
        counts[trial.arm][known[trial.trial_id]] += 1
    rows = [["arm", *shown, "changes"]]
    for arm in plan.arms:
        numbers = (str(counts[arm.name][state] or "-") for state in shown)
        changes = ", ".join(f"{name}={text_of(name, to)}" for name, to in arm.changes.items())
        rows.append([arm.name, *numbers, changes])
    return _aligned(rows)


def _aligned(rows: list[list[str]]) -> str:
    """Columns wide enough for their widest cell; numbers to the right, text to the left."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    last = len(widths) - 1
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if column in (0, last) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def failures(plan: Plan, trials_root: Path) -> list[str]:
    """A line for each failed trial: which, and why."""
    lines = []
    for trial in plan.trials:
        failure = TrialFolder(trials_root, trial.trial_id).failure
        if failure is not None and state_of(trial, trials_root) == "failed":
            lines.append(f"{trial.arm} / {trial.replicate} failed: {failure['message']}")
    return lines


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
        "excluded": [{"arm": name, "because": because} for name, because in plan.excluded],
    }


def status_as_json(plan: Plan, trials_root: Path) -> dict[str, Any]:
    """The state of every trial, as plain values."""
    known = states(plan, trials_root)
    return {
        "study": plan.study,
        "budget": plan.budget,
        "trials": [
            {
                "trial_id": trial.trial_id,
                "arm": trial.arm,
                "replicate": trial.replicate,
                "state": known[trial.trial_id],
            }
            for trial in plan.trials
        ],
    }

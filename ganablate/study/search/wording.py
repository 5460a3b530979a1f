"""Describes searches in words: for `plan`, `status`, `run` and the report."""

from collections.abc import Mapping
from typing import Any

from ganablate.study.arms.settings import text_of
from ganablate.study.plan import Plan
from ganablate.study.search.arm_search import ArmSearch, Search
from ganablate.text import aligned, counted, screen_width


def search_lines(plan: Plan) -> list[str]:
    """What is searched and how, then a line an arm: its best values, or how far its search is."""
    if plan.search is None:
        return []
    lines = [f"search inside each arm: {how(plan.search)}"]
    rows = []
    for name, search in plan.search.arms.items():
        text = f"{len(search.ended)} of {search.trials} trials have ended"
        if (best := search.best) is not None:
            given = ", ".join(f"{key} {text_of(key, best.values[key])}" for key in search.spaces)
            value = f"{plan.search.column} {best.value:.4g}" if best.value is not None else ""
            text = f"{given} (best of {ended_text(search)}: {value or 'all diverged'})"
        rows.append((name, text))
    return [*lines, *(f"  {line}" for line in aligned(rows, width=screen_width() - 2))]


def how(search: Search) -> str:
    """What is searched, with how many trials of which length, by which column."""
    better = "lower" if search.mode == "min" else "higher"
    spaces = "; ".join(f"{name} {space.text(name)}" for name, space in search.spaces.items())
    return (
        f"{search.trials} trials an arm, {search.length}, by {search.column} "
        f"({better} is better), of {spaces}"
    )


def ended_text(search: ArmSearch) -> str:
    """How its trials ended: `20 trials, 1 diverged, 3 saturated`."""
    parts = [counted(len(search.ended), "trial")]
    for outcome in ("diverged", "saturated"):
        count = sum(trial.outcome == outcome for trial in search.ended)
        parts += [f"{count} {outcome}"] if count else []
    return ", ".join(parts)


def seconds_left(plan: Plan, each: Mapping[str, float]) -> float | None:
    """How many seconds the open search trials take, one after another.

    `each` maps an arm to the seconds of one replicate; a search trial costs its share of these.
    None where nothing is left, or an arm's seconds are not known or not of the same unit.
    """
    if plan.search is None or not plan.search.left:
        return None
    total = 0.0
    for arm in plan.arms:
        search = plan.search.arms.get(arm.name)
        if search is None:
            continue
        unit = "epochs" if arm.config.epochs is not None else "iterations"
        length = getattr(search.base, unit)
        if arm.name not in each or length is None:
            return None
        seconds = each[arm.name] * length / getattr(arm.config, unit)
        total += seconds * (search.trials - len(search.ended))
    return total


def as_json(search: Search) -> dict[str, Any]:
    """Everything about the searches of a plan, as plain values."""
    return {
        "column": search.column,
        "trials": search.trials,
        "length": search.length,
        "spaces": {name: {space.kind: list(space.values)} for name, space in search.spaces.items()},
        "arms": [
            {
                "arm": name,
                "search_id": arm.search_id,
                "ended": len(arm.ended),
                "found": None if arm.best is None else dict(arm.best.values),
                "trial_id": None if arm.best is None else arm.best.trial_id,
            }
            for name, arm in search.arms.items()
        ],
    }

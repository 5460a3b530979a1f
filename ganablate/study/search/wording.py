"""What is said of searches: by `plan`, `status`, `run` and the report."""

from collections.abc import Iterator, Mapping
from typing import Any

from ganablate.study.arms.settings import text_of
from ganablate.study.plan import Plan
from ganablate.study.search.arm_search import ArmSearch, Search


def search_lines(plan: Plan) -> list[str]:
    """What is searched and how, then a line an arm: what was found, or how far it is."""
    search = plan.search
    if search is None:
        return []
    return [f"search inside each arm: {how(search)}", *_arm_lines(search)]


def how(search: Search) -> str:
    """What is searched, with how many trials of which length, by which column."""
    better = "lower" if search.mode == "min" else "higher"
    spaces = "; ".join(f"{name} {space.text(name)}" for name, space in search.spaces.items())
    return (
        f"{search.trials} trials an arm, {search.length}, by {search.column} "
        f"({better} is better), of {spaces}"
    )


def found_text(search: ArmSearch) -> str:
    """The values found, as a study would give them: `lr 0.0003, d_dropout 0.1`."""
    if search.found is None:
        return ""
    values = search.found.values
    return ", ".join(f"{name} {text_of(name, values[name])}" for name in search.spaces)


def ended_text(search: ArmSearch) -> str:
    """How its trials ended: `20 trials, 1 diverged, 3 saturated`."""
    parts = [f"{len(search.ended)} trials"]
    for outcome in ("diverged", "saturated"):
        count = sum(trial.outcome == outcome for trial in search.ended)
        parts += [f"{count} {outcome}"] if count else []
    return ", ".join(parts)


def seconds_left(plan: Plan, each: Mapping[str, float]) -> float | None:
    """What the search trials take that have not ended, in seconds of one trial after another.

    Args:
        plan: The plan.
        each: Arm -> seconds of one of its replicates; a search trial costs its share of these.

    Returns:
        None where nothing is left, or an arm's seconds are not known or not of the same unit.
    """
    if plan.search is None or not plan.search.left:
        return None
    total = 0.0
    for arm in plan.arms:
        search = plan.search.arms.get(arm.name)
        if search is None:
            continue
        own, short = arm.config, search.base
        unit = "epochs" if own.epochs is not None else "iterations"
        whole, part = getattr(own, unit), getattr(short, unit)
        if arm.name not in each or part is None:
            return None
        total += each[arm.name] * part / whole * (search.trials - len(search.ended))
    return total


def _arm_lines(search: Search) -> Iterator[str]:
    width = max(map(len, search.arms), default=0)
    for name, arm in search.arms.items():
        if arm.found is None:
            text = f"{len(arm.ended)} of {arm.trials} trials have ended"
        else:
            value = arm.found.value
            best = "all diverged" if value is None else f"{search.column} {value:.4g}"
            text = f"{found_text(arm)} (best of {ended_text(arm)}: {best})"
        yield f"  {name:{width}}  {text}"


def as_json(search: Search | None) -> dict[str, Any] | None:
    """Everything about the searches of a plan, as plain values; null without one."""
    if search is None:
        return None
    return {
        "column": search.column,
        "trials": search.trials,
        "length": search.length,
        "spaces": {name: {one.kind: list(one.values)} for name, one in search.spaces.items()},
        "arms": [
            {
                "arm": name,
                "search_id": arm.search_id,
                "ended": len(arm.ended),
                "found": None if arm.found is None else dict(arm.found.values),
                "trial_id": None if arm.found is None else arm.found.trial_id,
            }
            for name, arm in search.arms.items()
        ],
    }

"""Search trials as the ledger and the tracker have them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ganablate.catalog import METRICS, PROBES
from ganablate.study.arms.identity import trial_id
from ganablate.study.plan import Plan, Trial
from ganablate.study.search.found import ArmSearch

OF_SEARCH = " search"
"""Ending of the budget that search trials are tracked under: apart from the replicates."""


@dataclass(frozen=True)
class Turn:
    """A search trial that is to be run: `arm` is the position of its search."""

    arm: int
    number: int
    values: dict[str, Any]


def trial_of(search: ArmSearch, turn: Turn) -> Trial:
    """The search trial as the ledger has it; its replicate is its number in the search."""
    config = search.config(turn.number, turn.values)
    name = trial_id(config, search.data_id)
    return Trial(name, search.arm, turn.number, config, search.data_id)


def searched_plan(plan: Plan) -> Plan | None:
    """The search trials of a plan that have ended, as a plan of their own; None without a search.

    They are measured with what gives the plan's primary column, and nothing else.
    """
    if plan.search is None:
        return None
    trials = [
        trial_of(search, Turn(arm, ended.number, dict(ended.values)))
        for arm, search in enumerate(plan.search.arms.values())
        for ended in search.told
    ]
    return replace(
        plan,
        budget=plan.budget + OF_SEARCH,
        trials=tuple(trials),
        metrics=tuple(name for name in plan.metrics if plan.primary in METRICS[name].columns),
        probes=tuple(name for name in plan.probes if plan.primary in PROBES[name].columns),
    )


def with_searches(plans: Sequence[Plan]) -> list[Plan]:
    """The plans, and beside each that searches the one of its search trials."""
    searched = (searched_plan(plan) for plan in plans)
    return [*plans, *(plan for plan in searched if plan is not None)]

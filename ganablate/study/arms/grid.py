"""How large a study is, counted without expanding it: a grid of 10^12 cells is refused at once."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from ganablate.study.plan import FULL
from ganablate.study.reading.errors import Fault, KeyPath
from ganablate.study.schema import Study

MOST_TRIALS = 200_000
"""Of one budget. Planning 100,000 takes 2 to 4 s and 0.35 GB."""
MOST_ARMS = 400_000
"""Of all budgets together: each is laid out when a study is checked."""
MOST_MATCHES = 10_000_000
"""Arms of all budgets times entries of `exclude`: each arm is held against each entry."""
MOST_UNASKED = 1_000
"""Trials that `run` starts without `--yes`: the largest shipped study has 55, and a thousand of a
minute each take two cores a night."""


def arms_at(study: Study, budget: str) -> int:
    """The most arms that a study can have at a budget, before equal cells fall together.

    Raises:
        KeyError: the study has no such budget.
    """
    given = study.budget(budget).settings
    levels = [_length(given.get(f"ablate.{name}", usual)) for name, usual in study.ablate.items()]
    factors = [_length(given.get(f"cross.{name}", usual)) for name, usual in study.cross.items()]
    arms = [_pairs(given.get(f"arms.{name}", arm.changes)) for name, arm in study.arms.items()]
    cells = math.prod(factors) if factors else 0
    removed = len(study.remove) * (1 + ("all_but_one" in study.remove_also))
    removed += "all" in study.remove_also
    return 1 + removed + sum(levels) + cells + sum(arms) + study.null_arm


def size_faults(study: Study) -> Iterator[Fault]:
    """What makes a study too large to be expanded."""
    whole = 0
    for name in dict.fromkeys(study.budget_names):
        budget = study.budget(name)
        arms, replicates = arms_at(study, name), budget.replicates or study.replicates
        whole += arms
        if arms * replicates > MOST_TRIALS:
            at = "" if name == FULL else f"at the budget {name}: "
            message = (
                f"{at}{arms:,} arms x {replicates:,} replicates = {arms * replicates:,} trials; "
                f"at most {MOST_TRIALS:,} are planned: give fewer levels or replicates"
            )
            yield Fault(_largest(study, name), message)
            return
    if whole > MOST_ARMS:
        message = (
            f"budgets: the study has {whole:,} arms at all its budgets together; at most "
            f"{MOST_ARMS:,} are planned: give fewer levels or budgets"
        )
        yield Fault(("budgets",), message)
    elif whole * len(study.exclude) > MOST_MATCHES:
        message = (
            f"exclude: {len(study.exclude):,} entries for {whole:,} arms at all budgets together; "
            f"at most {MOST_MATCHES:,} comparisons are made: exclude by fewer entries"
        )
        yield Fault(("exclude",), message)


def _largest(study: Study, budget: str) -> KeyPath:
    """Where most of the arms come from."""
    restated = study.budget(budget).settings
    if budget != FULL and any(key.startswith(("ablate.", "cross.")) for key in restated):
        return ("budgets", budget)
    sections = (name for name in ("cross", "ablate", "arms") if getattr(study, name))
    return (next(sections, "replicates"),)


def _length(given: Any) -> int:
    return len(given) if isinstance(given, list) else 1


def _pairs(changes: Any) -> int:
    """Arms of one name: a paired one has as many as its longest list."""
    values = changes.values() if isinstance(changes, Mapping) else ()
    return max(map(_length, values), default=1)

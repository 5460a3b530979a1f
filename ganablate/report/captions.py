"""What must be known to read a number: n, budget, units, protocol, what ± is, what it ran on."""

from collections.abc import Iterable

import pandas as pd

from ganablate.catalog import Column, metric_columns
from ganablate.report.tables import criterion_columns, reference_arm, reference_protocols
from ganablate.report.trials import PROTOCOL, protocol_columns
from ganablate.study.plan import Plan

MISSING = "—"
MARKS = {"protocol": "†", "criterion": "‡"}
ARROWS = {"min": "↓", "max": "↑", "none": ""}
_BETTER = {"min": "lower is better", "max": "higher is better", "none": "no direction"}


def counted(number: int, noun: str) -> str:
    """`1 arm`, `3 arms`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def heading(column: Column) -> str:
    """The title of a column with the arrow of its direction."""
    return f"{column.title} {ARROWS[column.direction]}".rstrip()


def primary_column(plan: Plan) -> str | None:
    """The column that the study ranks by; None where its metric is not measured."""
    return plan.primary if plan.primary in metric_columns(plan.metrics) else None


def coverage(trials: pd.DataFrame, plan: Plan) -> str:
    """Study, budget, arms and how many of the trials there are."""
    complete = int((trials["state"] == "complete").sum())
    text = (
        f"Study {plan.study}, budget {plan.budget}: {counted(len(plan.arms), 'arm')}, "
        f"{complete:,} of {counted(len(plan.trials), 'trial')} complete"
    )
    failed = int((trials["state"] == "failed").sum())
    return f"{text}, {failed} failed." if failed else f"{text}."


def execution(trials: pd.DataFrame) -> str | None:
    """On what the complete trials ran, and that it is mixed if it is."""
    facts = trials.loc[trials["state"] == "complete", ["device", "precision"]].fillna("unknown")
    counts = (facts["device"] + " in " + facts["precision"]).value_counts()
    kinds = {str(kind): int(count) for kind, count in counts.items()}
    if not kinds:
        return None
    if len(kinds) == 1:
        return f"Run on {next(iter(kinds))}."
    named = "; ".join(f"{kind} ({counted(kinds[kind], 'trial')})" for kind in sorted(kinds))
    return f"This table mixes executions: {named}."


def _titles(columns: Iterable[str], plan: Plan) -> str:
    known = metric_columns(plan.metrics)
    return "; ".join(known[name].title for name in columns)


def protocols(trials: pd.DataFrame, plan: Plan) -> list[str]:
    """One line for each protocol of the reference arm, and one that names all others."""
    by_stamp: dict[str, list[str]] = {}
    for column, stamp in reference_protocols(trials, plan).items():
        by_stamp.setdefault(stamp, []).append(column)
    lines = [f"{_titles(columns, plan)}: {stamp}." for stamp, columns in by_stamp.items()]
    others = {
        str(stamp)
        for column in protocol_columns(plan.metrics)
        for stamp in trials[column + PROTOCOL].dropna().unique()
    }
    apart = sorted(others - set(by_stamp))
    if apart:
        name = reference_arm(plan).name
        mark = MARKS["protocol"]
        lines.append(f"{mark} another protocol than the arm {name}'s: {'; or '.join(apart)}.")
    return lines


def primary_line(plan: Plan) -> str | None:
    """Which column is primary, its direction and unit."""
    name = primary_column(plan)
    if name is None:
        return None
    column = metric_columns(plan.metrics)[name]
    return f"Primary: {column.title} ({_BETTER[column.direction]}), in {column.unit}."


def _units(plan: Plan) -> str | None:
    losses = criterion_columns(plan)
    parts = ["losses: that of the criterion (nats for bce)"] if losses else []
    by_unit: dict[str, list[str]] = {}
    for name, column in metric_columns(plan.metrics).items():
        if name not in losses and name != primary_column(plan):
            by_unit.setdefault(column.unit, []).append(name)
    parts += [f"{unit}: {_titles(names, plan)}" for unit, names in by_unit.items()]
    return f"Units. {'. '.join(part[0].upper() + part[1:] for part in parts)}." if parts else None


def table_notes(trials: pd.DataFrame, table: pd.DataFrame, plan: Plan) -> list[str]:
    """The caption of the table: plain sentences, one a paragraph."""
    columns = list(metric_columns(plan.metrics))
    shown = {str(mark) for name in columns for mark in table[name + "_mark"].dropna()}
    reference = reference_arm(plan)
    spread = (
        "Mean ± sample standard deviation over an arm's complete replicates; "
        "a number without ±: n = 1."
    )
    if any((table[name + "_n"] < table["n_complete"]).any() for name in columns):
        spread += f" (k): over the k of them that have this number. {MISSING}: none has it."
    lines = [coverage(trials, plan), spread, primary_line(plan), _units(plan)]
    lines += [*protocols(trials, plan), execution(trials)]
    if "criterion" in shown:
        lines.append(
            f"{MARKS['criterion']} another criterion than {reference.config.criterion} of the arm "
            f"{reference.name}: not on the same scale."
        )
    return [line for line in lines if line]

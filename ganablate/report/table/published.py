"""The report's own numbers beside ours: shown, never compared.

They were measured by another protocol, mostly once, and often on data that the report does not
name; so they stand in columns of their own, without a mark, an effect or a verdict.
"""

from collections.abc import Iterable, Mapping

import pandas as pd

from ganablate.study.plan import Plan, PublishedNumber

PUBLISHED = "_published"
"""Ending of a table column that holds a report's values of the column before it."""


def published_values(plan: Plan) -> dict[str, dict[str, float]]:
    """Table column -> arm -> the published value, in the order of the plan's columns."""
    found: dict[str, dict[str, float]] = {}
    for name in plan.columns:
        values = {one.arm: one.value for one in plan.published if one.metric == name}
        if values:
            found[name] = values
    return found


def add_published(table: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """The table of arms with a column `<column>_published` for each that a report printed."""
    columns: Mapping[str, pd.Series] = {
        column + PUBLISHED: table["arm"].map(values).astype("float64")
        for column, values in published_values(plan).items()
    }
    return table.assign(**columns)


def published_text(value: float) -> str:
    """A published value as a table shows it: its digits, with a power of ten where it needs one."""
    mantissa, _, exponent = f"{value:.10g}".partition("e")
    return f"{mantissa}×10^{int(exponent)}" if exponent else mantissa  # noqa: RUF001 - a product


def published_notes(plan: Plan) -> list[str]:
    """Where the published columns come from, and the published numbers that have no column."""
    lines: list[str] = []
    shown = [one for one in plan.published if one.metric in plan.columns]
    if shown:
        sources = "; ".join(dict.fromkeys(f"{one.source} ({one.protocol})" for one in shown))
        lines.append(f"Published: as printed in {sources}. Not comparable with ours, not compared.")
    for label, group in _groups(one for one in plan.published if one not in shown).items():
        numbers = "; ".join(f"{one.name} {published_text(one.value)} ({one.arm})" for one in group)
        lines.append(f"Published in {label}: {numbers}.")
    return lines


def _groups(numbers: Iterable[PublishedNumber]) -> dict[str, list[PublishedNumber]]:
    groups: dict[str, list[PublishedNumber]] = {}
    for one in numbers:
        groups.setdefault(f"{one.source} ({one.protocol})", []).append(one)
    return groups

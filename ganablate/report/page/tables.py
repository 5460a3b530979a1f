"""The tables of a study's page, as cells with what they are sorted by."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd

from ganablate.report.claims.judgement import Judgement
from ganablate.report.frames.trials import early_text
from ganablate.report.table.captions import MISSING, primary_column
from ganablate.report.table.columns import TextColumn, text_columns
from ganablate.report.table.published import PUBLISHED
from ganablate.report.table.tables import OF_OK, baseline_arm
from ganablate.report.table.verdict_style import KINDS, VerdictKind, verdict_kind
from ganablate.study.plan import Plan
from ganablate.text import percent
from ganablate.trials.outcome import OUTCOMES

_PRIMARY = "primary"
_LEADING = (
    "arm", _PRIMARY, "effect", "effect_p", "verdict", "compared_to", _PRIMARY + PUBLISHED, "n_ok",
    _PRIMARY + OF_OK, "n_complete",
)  # fmt: skip
"""Keys of the columns of the first table, in its order, `primary` for the plan's."""
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_OUTCOMES = (*OUTCOMES, "not_assessed")


@dataclass(frozen=True)
class Cell:
    """A cell: its text, a note behind it, the kind of a verdict, and by what it is sorted.

    `sort` is a number or a text; empty: missing, and last in either direction.
    """

    text: str
    end: str = ""
    kind: VerdictKind | None = None
    sort: str = ""


@dataclass(frozen=True)
class Head:
    """A column's title. `left` aligns it left; `strong` marks the primary."""

    title: str
    left: bool = False
    strong: bool = False
    numeric: bool = False


@dataclass(frozen=True)
class Row:
    """A row; a pinned one stays on top however the others are sorted."""

    cells: tuple[Cell, ...]
    pinned: bool = False


@dataclass(frozen=True)
class DataTable:
    """A table with a caption that says what its rows are."""

    name: str
    caption: str
    heads: tuple[Head, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class OutcomeRow:
    """An arm's outcomes: (outcome, count) of its complete trials, and what else became of some."""

    arm: str
    counts: tuple[tuple[str, int], ...]
    complete: int
    beside: str
    pinned: bool


def arm_tables(table: pd.DataFrame, plan: Plan) -> list[DataTable]:
    """What the study asks, then every other column.

    Args:
        table: As `arm_table` gives it.
        plan: The plan that it is of.
    """
    columns = text_columns(table, plan)
    primary = primary_column(plan)
    leading = [key.replace(_PRIMARY, primary or _PRIMARY) for key in _LEADING]
    by_key = {column.key: column for column in columns}
    first = [by_key[key] for key in leading if key in by_key]
    others = [column for column in columns if column.key not in leading]
    title = plan.columns[primary].title if primary is not None else "outcomes"
    tables = [_arms("arms", f"Arms by {title}", first, table, plan)]
    if others:
        tables.append(
            _arms(
                "measures", "Everything else that was measured", [columns[0], *others], table, plan
            )
        )
    return tables


def _arms(
    name: str, caption: str, columns: Sequence[TextColumn], table: pd.DataFrame, plan: Plan
) -> DataTable:
    baseline = baseline_arm(plan)
    heads = tuple(
        Head(
            column.title, left=column.left, strong=column.strong, numeric=_is_numeric(column, table)
        )
        for column in columns
    )
    rows = []
    for place, (_, row) in enumerate(table.iterrows()):
        cells = tuple(_cell(column, place, row) for column in columns)
        rows.append(Row(cells, pinned=baseline is not None and row["arm"] == baseline.name))
    return DataTable(name, caption, heads, tuple(rows))


def _is_numeric(column: TextColumn, table: pd.DataFrame) -> bool:
    if column.key == "verdict":
        return True
    return column.key in table and pd.api.types.is_numeric_dtype(table[column.key])


def _cell(column: TextColumn, place: int, row: pd.Series) -> Cell:
    text = column.cells[place]
    end = column.ends[place] if column.ends else ""
    value = row[column.key] if column.key is not None and column.key in row else pd.NA
    if pd.isna(value):
        return Cell(text, end)
    if column.key == "verdict":
        kind = verdict_kind(str(value))
        verdict, _, exact = text.partition(", ")
        return Cell(verdict, exact, kind, str(KINDS.index(kind)))
    return Cell(_raised(text), end, sort=str(value))


def _raised(text: str) -> str:
    """Powers of ten as they are set in a text: `10^-4` with a raised exponent."""
    return re.sub(r"(?<=10)\^(-?\d+)", lambda found: found[1].translate(_RAISED), text)


def outcome_rows(table: pd.DataFrame, plan: Plan) -> list[OutcomeRow]:
    """Every arm's outcomes; arms without a complete trial have none."""
    baseline = baseline_arm(plan)
    rows = []
    for _, row in table.iterrows():
        counts = {name: row.get(f"n_{name}") for name in _OUTCOMES}
        known = tuple(
            (name.replace("_", " "), int(count))
            for name, count in counts.items()
            if count is not None and pd.notna(count) and count
        )
        complete, failed = int(row["n_complete"]), int(row["n_failed"])
        pending = int(row["n_planned"]) - complete - failed
        beside = [f"{failed} failed to run"] if failed else []
        beside += [f"{pending} not yet complete"] if pending else []
        pinned = baseline is not None and row["arm"] == baseline.name
        rows.append(OutcomeRow(str(row["arm"]), known, complete, ", ".join(beside), pinned))
    return rows


def text_table(name: str, caption: str, columns: Sequence[TextColumn]) -> DataTable:
    """A section of the page, from the columns that it has in markdown.

    Of a column whose key is "verdict" the cells are verdicts.
    """
    heads = tuple(Head(column.title, left=column.left) for column in columns)
    rows = tuple(
        Row(
            tuple(_text_cell(text, column.key) for text, column in zip(texts, columns, strict=True))
        )
        for texts in zip(*(column.cells for column in columns), strict=True)
    )
    return DataTable(name, caption, heads, rows)


def _text_cell(text: str, key: str | None) -> Cell:
    if text == MISSING:
        return Cell(text)
    return Cell(text, kind=verdict_kind(text) if key == "verdict" else None, sort=text)


def claims_table(judgements: Sequence[Judgement], alpha: float) -> DataTable | None:
    """What the source said, and what became of it at that level; None: it claims nothing."""
    if not judgements:
        return None
    heads = ("Claim", "What the source said", "Verdict", "Numbers", "n")
    rows = []
    for one in judgements:
        kind = verdict_kind(one.verdict)
        cells = (
            Cell(one.id, sort=one.id),
            Cell(one.says, end=", ".join(one.arms), sort=one.says),
            Cell(one.verdict, kind=kind, sort=one.verdict),
            Cell(one.numbers or MISSING, end=one.because or "", sort=one.numbers),
            Cell(one.n or MISSING, sort=one.n),
        )
        rows.append(Row(cells))
    caption = f"Judged at the budget {judgements[0].budget}, at a level of {percent(alpha)}"
    return DataTable("claims", caption, tuple(Head(head, left=True) for head in heads), tuple(rows))


def trials_table(trials: pd.DataFrame, plan: Plan, seconds: dict[str, float]) -> DataTable:
    """Every trial, by the id that its folder and its MLflow run have.

    Args:
        trials: As `trials_frame` gives it.
        plan: The plan that they are of.
        seconds: trial_id -> wall seconds, where known.
    """
    primary = primary_column(plan)
    title = [Head(plan.columns[primary].title, numeric=True)] if primary is not None else []
    heads = [
        Head("Arm", left=True), Head("Replicate", numeric=True), Head("State", left=True),
        Head("Outcome", left=True), *title, Head("Seconds", numeric=True),
        Head("Trial", left=True),
    ]  # fmt: skip
    rows = []
    for _, row in trials.iterrows():
        known = seconds.get(str(row["trial_id"]))
        cells = [
            _plain(row["arm"]), _plain(row["replicate"]), _plain(row["state"]),
            replace(_plain(row["outcome"]), end=early_text(row)),
            *([_number(row[primary])] if primary is not None else []),
            _number(known), _plain(row["trial_id"]),
        ]  # fmt: skip
        rows.append(Row(tuple(cells)))
    return DataTable("trials", "Every trial of the plan", tuple(heads), tuple(rows))


def _plain(value: object) -> Cell:
    missing = value is None or value is pd.NA
    return Cell(MISSING) if missing else Cell(str(value), sort=str(value))


def _number(value: float | None) -> Cell:
    if value is None or pd.isna(value):
        return Cell(MISSING)
    return Cell(f"{value:.4g}" if abs(value) < 1000 else f"{value:,.0f}", sort=repr(float(value)))

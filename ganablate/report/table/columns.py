"""The table of arms as columns of text: what it shows and in which order, in every format."""

from collections.abc import Iterable
from dataclasses import replace

import pandas as pd

from ganablate.report.table.cells import (
    MARKS,
    MISSING,
    effect_text,
    heading,
    mean_text,
    p_text,
    published_text,
    verdict_text,
)
from ganablate.report.table.render import Cell, Column
from ganablate.report.table.tables import OF_OK, PUBLISHED, compared_elsewhere, primary_column
from ganablate.report.table.verdict_style import KINDS, verdict_kind
from ganablate.study.plan import Plan
from ganablate.text import percent
from ganablate.trials.outcome import OUTCOMES

Rows = list[pd.Series]


def text_columns(table: pd.DataFrame, plan: Plan) -> list[Column]:
    """Every column that a reader is shown, the arms' names first, rows as in `arm_table`."""
    rows = [row for _, row in table.iterrows()]
    both = any(_range(row, "g_updates") != _range(row, "d_updates") for row in rows)
    complete = _column(
        "Complete",
        rows,
        "n_complete",
        [f"{row['n_complete']} of {row['n_planned']}" for row in rows],
    )
    updates = _column(
        "Updates G / D" if both else "Updates", rows, "g_updates_max", map(_updates, rows)
    )
    columns = [_column("Arm", rows, "arm", [str(row["arm"]) for row in rows])]
    # Rates of all replicates say by themselves that all are complete.
    outcomes = _outcomes(rows)
    whole = all(row["n_complete"] == row["n_planned"] for row in rows)
    if outcomes is None:
        columns.append(complete)
    facts = [updates] if whole or outcomes is None else [complete, updates]
    # The primary, its effects and what became of the trials stand first: what the study asks must
    # not hide in a later block. Then come the numbers that have a better and a worse.
    if "effect" not in table:
        columns, facts = columns + facts, []
    primary = primary_column(plan)
    metrics = plan.columns
    for name in sorted(
        metrics, key=lambda name: (name != primary, metrics[name].direction == "none")
    ):
        columns.append(_metric(rows, name, heading(metrics[name]), strong=name == primary))
        if name == primary:
            columns += _effects(rows, plan)
            columns += [] if outcomes is None else [outcomes]
            columns += _of_ok(rows, name, f"{metrics[name].title}, of those ok")
        columns += _published(rows, name, f"{metrics[name].title}, published")
        columns, facts = columns + facts, []
    return columns


def _column(
    title: str,
    rows: Rows,
    key: str,
    texts: Iterable[str | None],
    ends: Iterable[str] = (),
    *,
    strong: bool = False,
) -> Column:
    """A column that is sorted by the values of a column of the table; texts of words lie left."""
    ends = list(ends) or [""] * len(rows)
    values = [row[key] for row in rows]
    cells = [
        Cell(MISSING if text is None else text, end, sort="" if pd.isna(value) else str(value))
        for text, end, value in zip(texts, ends, values, strict=True)
    ]
    words = key in ("arm", "compared_to")
    return Column(title, cells, left=words, strong=strong, numeric=not words, key=key)


def _metric(rows: Rows, name: str, title: str, *, strong: bool) -> Column:
    means, ends = [mean_text(row, name) for row in rows], [_end(row, name) for row in rows]
    return _column(title, rows, name, means, ends, strong=strong)


def _end(row: pd.Series, column: str) -> str:
    """The note behind a cell: n, where it is fewer replicates than the arm has, and a mark."""
    n, mark = row[column + "_n"], row[column + "_mark"]
    parts = [f"({n})"] if 0 < n < row["n_complete"] else []
    return " ".join(parts if pd.isna(mark) else [*parts, MARKS[str(mark)]])


def _outcomes(rows: Rows) -> Column | None:
    """Rates of the complete trials, and how many trials failed; None where there are neither."""
    texts = [_outcome(row) for row in rows]
    if not any(texts):
        return None
    return replace(_column("Outcomes", rows, "n_ok", texts), left=True)


def _outcome(row: pd.Series) -> str | None:
    complete = row["n_complete"]
    if row["n_not_assessed"] == complete > 0:
        parts = ["not assessed"]
    else:
        counts = {name: row["n_" + name] for name in [*OUTCOMES, "not_assessed"]}
        parts = [f"{n}/{complete} {name.replace('_', ' ')}" for name, n in counts.items() if n]
    parts += [f"{row['n_ended_early']} ended early"] if row.get("n_ended_early") else []
    parts += [f"{row['n_failed']} failed"] if row["n_failed"] else []
    return ", ".join(parts) or None


def _range(row: pd.Series, name: str) -> str:
    low, high = row[f"{name}_min"], row[f"{name}_max"]
    if pd.isna(low):
        return MISSING
    return f"{low:,}" if low == high else f"{low:,}–{high:,}"  # noqa: RUF001 - a range


def _updates(row: pd.Series) -> str:
    g_updates, d_updates = _range(row, "g_updates"), _range(row, "d_updates")
    return g_updates if g_updates == d_updates else f"{g_updates} / {d_updates}"


def _published(rows: Rows, name: str, title: str) -> list[Column]:
    """The report's own numbers; nothing where it has none."""
    key = name + PUBLISHED
    if key not in rows[0]:
        return []
    texts = [None if pd.isna(row[key]) else published_text(row[key]) for row in rows]
    return [_column(title, rows, key, texts)]


def _effects(rows: Rows, plan: Plan) -> list[Column]:
    """What the arms change in the primary metric; nothing where none is compared."""
    if "effect" not in rows[0]:
        return []
    levels = [row["effect_level"] for row in rows if not pd.isna(row["effect_level"])]
    title = f"Effect [{percent(levels[0])}]" if levels else "Effect"
    columns = [
        _column(title, rows, "effect", map(effect_text, rows)),
        _column("p (Holm)", rows, "effect_p", [p_text(row["effect_p"]) for row in rows]),
        verdict_column("Verdict", [(row["verdict"], verdict_text(row)) for row in rows]),
    ]
    if compared_elsewhere(plan):
        others = [None if pd.isna(row["compared_to"]) else row["compared_to"] for row in rows]
        columns.append(_column("Compared to", rows, "compared_to", others))
    return columns


def verdict_column(title: str, verdicts: Iterable[tuple[object, str | None]]) -> Column:
    """Verdicts, and how each is put; they are sorted by their kinds."""
    cells = []
    for verdict, text in verdicts:
        if text is None:
            cells.append(Cell(MISSING))
        else:
            kind = verdict_kind(str(verdict))
            cells.append(Cell(text, kind=kind, sort=str(KINDS.index(kind))))
    return Column(title, cells, left=True, numeric=True, key="verdict")


def _of_ok(rows: Rows, primary: str, title: str) -> list[Column]:
    """The primary over the trials that ended well; nothing where all did."""
    column = primary + OF_OK
    if column not in rows[0]:
        return []
    ends = [f"({row[column + '_n']})" if row[column + "_n"] else "" for row in rows]
    return [_column(title, rows, column, [mean_text(row, column) for row in rows], ends)]

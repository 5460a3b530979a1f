"""The table of arms as columns of text: what it shows and in which order, in every format."""

from dataclasses import dataclass, field

import pandas as pd

from ganablate.report.table.captions import MARKS, MISSING, heading, primary_column
from ganablate.report.table.effect_wording import (
    compared_elsewhere,
    effect_text,
    p_text,
    verdict_text,
)
from ganablate.report.table.published import PUBLISHED, published_text
from ganablate.report.table.rounding import spread_text
from ganablate.report.table.tables import OF_OK
from ganablate.study.plan import Plan
from ganablate.text import percent
from ganablate.trials.outcome import OUTCOMES


@dataclass(frozen=True)
class TextColumn:
    """A column as plain text. `left` aligns it left; `strong` marks the primary.

    `ends` are notes behind the cells, such as a mark: they are set so that the numbers align.
    `key` is the column of the table of arms that says how rows are ordered by this one.
    """

    title: str
    cells: list[str]
    ends: list[str] = field(default_factory=list)
    left: bool = False
    strong: bool = False
    key: str | None = None

    def texts(self) -> list[str]:
        """Cells with their ends, all ends of one width."""
        if not any(self.ends):
            return self.cells
        width = max(map(len, self.ends))
        return [
            f"{cell} {end.ljust(width)}" for cell, end in zip(self.cells, self.ends, strict=True)
        ]

    @property
    def width(self) -> int:
        """Characters of its longest cell, the title's marks of bold face among them."""
        return max(len(text) for text in [self.title + 4 * self.strong * " ", *self.texts()])


def _outcomes(rows: list[pd.Series]) -> TextColumn | None:
    """Rates of the complete trials, and how many trials failed; None where there are neither."""
    cells = []
    for row in rows:
        complete = row["n_complete"]
        if row["n_not_assessed"] == complete > 0:
            said = ["not assessed"]
        else:
            counts = {name: row["n_" + name] for name in [*OUTCOMES, "not_assessed"]}
            said = [f"{n}/{complete} {name.replace('_', ' ')}" for name, n in counts.items() if n]
        said += [f"{row['n_ended_early']} ended early"] if row.get("n_ended_early") else []
        said += [f"{row['n_failed']} failed"] if row["n_failed"] else []
        cells.append(", ".join(said) or MISSING)
    return TextColumn("Outcomes", cells, left=True, key="n_ok") if {*cells} != {MISSING} else None


def _complete(rows: list[pd.Series]) -> TextColumn:
    cells = [f"{row['n_complete']} of {row['n_planned']}" for row in rows]
    return TextColumn("Complete", cells, key="n_complete")


def _span(row: pd.Series, name: str) -> str:
    low, high = row[f"{name}_min"], row[f"{name}_max"]
    if pd.isna(low):
        return MISSING
    return f"{low:,}" if low == high else f"{low:,}–{high:,}"  # noqa: RUF001 - a range


def _updates(row: pd.Series) -> str:
    g_updates, d_updates = _span(row, "g_updates"), _span(row, "d_updates")
    return g_updates if g_updates == d_updates else f"{g_updates} / {d_updates}"


def cell_text(row: pd.Series, column: str) -> str:
    """An arm's mean and spread in a column, as `179 ± 11`; a dash where it has no number."""
    if pd.isna(row[column]):
        return MISSING
    return spread_text(row[column], row[column + "_sd"])


def _end(row: pd.Series, column: str) -> str:
    """What is to be noted behind a cell: fewer replicates than the arm has, and a mark."""
    n, mark = row[column + "_n"], row[column + "_mark"]
    parts = [f"({n})"] if 0 < n < row["n_complete"] else []
    return " ".join(parts if pd.isna(mark) else [*parts, MARKS[str(mark)]])


def _printed(value: float) -> str:
    return MISSING if pd.isna(value) else published_text(value)


def _effects(rows: list[pd.Series], plan: Plan) -> list[TextColumn]:
    """What the arms change in the primary metric; nothing where none is compared."""
    if "effect" not in rows[0]:
        return []
    levels = [row["effect_level"] for row in rows if not pd.isna(row["effect_level"])]
    title = f"Effect [{percent(levels[0])}]" if levels else "Effect"
    columns = [
        TextColumn(title, [effect_text(row) or MISSING for row in rows], key="effect"),
        TextColumn(
            "p (Holm)", [p_text(row["effect_p"]) or MISSING for row in rows], key="effect_p"
        ),
        TextColumn(
            "Verdict", [verdict_text(row) or MISSING for row in rows], left=True, key="verdict"
        ),
    ]
    if compared_elsewhere(plan):
        others = [MISSING if pd.isna(row["compared_to"]) else row["compared_to"] for row in rows]
        columns.append(TextColumn("Compared to", others, left=True, key="compared_to"))
    return columns


def _of_ok(rows: list[pd.Series], primary: str, title: str) -> list[TextColumn]:
    """The primary over the trials that ended well; nothing where all did."""
    column = primary + OF_OK
    if column not in rows[0]:
        return []
    ends = [f"({row[column + '_n']})" if row[column + "_n"] else "" for row in rows]
    return [TextColumn(title, [cell_text(row, column) for row in rows], ends, key=column)]


def text_columns(table: pd.DataFrame, plan: Plan) -> list[TextColumn]:
    """Every column that a reader is shown, the arms' names first, rows as in `arm_table`."""
    rows = [row for _, row in table.iterrows()]
    both = any(_span(row, "g_updates") != _span(row, "d_updates") for row in rows)
    columns = [TextColumn("Arm", [str(row["arm"]) for row in rows], left=True, key="arm")]
    # Rates of all replicates say by themselves that all are complete.
    outcomes, complete = _outcomes(rows), _complete(rows)
    whole = all(row["n_complete"] == row["n_planned"] for row in rows)
    if outcomes is None:
        columns.append(complete)
    facts = [
        *([] if whole or outcomes is None else [complete]),
        TextColumn(
            "Updates G / D" if both else "Updates",
            [_updates(row) for row in rows],
            key="g_updates_max",
        ),
    ]
    primary = primary_column(plan)
    known = plan.columns
    # The primary, its effects and what became of the trials stand first: what the study asks must
    # not hide in a later block. Then come the numbers that have a better and a worse.
    if "effect" not in table:
        columns, facts = columns + facts, []
    for name in sorted(known, key=lambda name: (name != primary, known[name].direction == "none")):
        cells, ends = [cell_text(row, name) for row in rows], [_end(row, name) for row in rows]
        columns.append(
            TextColumn(heading(known[name]), cells, ends, strong=name == primary, key=name)
        )
        if name == primary:
            columns += _effects(rows, plan)
            columns += [] if outcomes is None else [outcomes]
            columns += _of_ok(rows, name, f"{known[name].title}, of those ok")
        if name + PUBLISHED in table:
            printed = [_printed(row[name + PUBLISHED]) for row in rows]
            columns.append(
                TextColumn(f"{known[name].title}, published", printed, key=name + PUBLISHED)
            )
        columns, facts = columns + facts, []
    return columns

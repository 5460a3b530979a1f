"""The tables of a study's page that are no section of `table.md`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from ganablate.report.analysis import Analysis
from ganablate.report.claims.judgement import Judgement
from ganablate.report.frames.trials import early_text
from ganablate.report.table.cells import MISSING
from ganablate.report.table.render import Cell, Column, Table, text_column
from ganablate.report.table.tables import OF_OK, PUBLISHED, baseline_arm, primary_column
from ganablate.report.table.verdict_style import verdict_kind
from ganablate.study.plan import Plan
from ganablate.text import percent
from ganablate.trials.outcome import OUTCOMES

_OUTCOMES = (*OUTCOMES, "not_assessed")


@dataclass(frozen=True)
class OutcomeRow:
    """An arm's outcomes: (outcome, count) of its complete trials, and what else became of some."""

    arm: str
    counts: tuple[tuple[str, int], ...]
    complete: int
    beside: str
    pinned: bool


def arm_tables(analysis: Analysis) -> list[Table]:
    """What the study asks, then every other column."""
    plan, columns = analysis.plan, analysis.columns
    primary = primary_column(plan)
    leading = (
        "arm", primary, "effect", "effect_p", "verdict", "compared_to", f"{primary}{PUBLISHED}",
        "n_ok", f"{primary}{OF_OK}", "n_complete",
    )  # fmt: skip
    by_key = {column.key: column for column in columns}
    first = [by_key[key] for key in leading if key in by_key]
    others = [column for column in columns if column.key not in leading]
    title = plan.columns[primary].title if primary is not None else "outcomes"
    # The baseline is the first row of the table of arms.
    pinned = None if baseline_arm(plan) is None else 0
    tables = [Table("arms", f"Arms by {title}", first, pinned=pinned)]
    if others:
        measures = [columns[0], *others]
        title = "Everything else that was measured"
        tables.append(Table("measures", title, measures, pinned=pinned))
    return tables


def outcome_rows(table: pd.DataFrame, plan: Plan) -> list[OutcomeRow]:
    """Every arm's outcomes; arms without a complete trial have none."""
    baseline = baseline_arm(plan)
    rows = []
    for _, row in table.iterrows():
        counts = {name: row.get(f"n_{name}") for name in _OUTCOMES}
        present = tuple(
            (name.replace("_", " "), int(count))
            for name, count in counts.items()
            if count is not None and pd.notna(count) and count
        )
        complete, failed = int(row["n_complete"]), int(row["n_failed"])
        pending = int(row["n_planned"]) - complete - failed
        beside = [f"{failed} failed to run"] if failed else []
        beside += [f"{pending} not yet complete"] if pending else []
        pinned = baseline is not None and row["arm"] == baseline.name
        rows.append(OutcomeRow(str(row["arm"]), present, complete, ", ".join(beside), pinned))
    return rows


def claims_table(judgements: Sequence[Judgement], alpha: float) -> Table | None:
    """What the source said, and what became of it at that level; None: it claims nothing."""
    if not judgements:
        return None
    says = [Cell(j.says, ", ".join(j.arms), sort=j.says) for j in judgements]
    verdicts = [Cell(j.verdict, kind=verdict_kind(j.verdict), sort=j.verdict) for j in judgements]
    numbers = [Cell(j.numbers or MISSING, j.because or "", sort=j.numbers) for j in judgements]
    columns = [
        text_column("Claim", [judgement.id for judgement in judgements], left=True),
        Column("What the source said", says, left=True),
        Column("Verdict", verdicts, left=True),
        Column("Numbers", numbers, left=True),
        text_column("n", [judgement.n or None for judgement in judgements], left=True),
    ]
    title = f"Judged at the budget {judgements[0].budget}, at a level of {percent(alpha)}"
    return Table("claims", title, columns)


def trials_table(trials: pd.DataFrame, plan: Plan, seconds: Mapping[str, float]) -> Table:
    """Every trial, by the id that its folder and its MLflow run have.

    Args:
        trials: As `trials_frame` gives it.
        plan: The plan that they are of.
        seconds: trial_id -> wall seconds, where known.
    """
    primary = primary_column(plan)
    outcomes = [
        Cell(cell.text, early_text(row), sort=cell.sort)
        for cell, (_, row) in zip(_texts(trials["outcome"]), trials.iterrows(), strict=True)
    ]
    columns = [
        Column("Arm", _texts(trials["arm"]), left=True),
        Column("Replicate", _texts(trials["replicate"]), numeric=True),
        Column("State", _texts(trials["state"]), left=True),
        Column("Outcome", outcomes, left=True),
        Column("Seconds", _numbers(map(seconds.get, trials["trial_id"])), numeric=True),
        Column("Trial", _texts(trials["trial_id"]), left=True),
    ]
    if primary is not None:
        title = plan.columns[primary].title
        columns.insert(4, Column(title, _numbers(trials[primary]), numeric=True))
    return Table("trials", "Every trial of the plan", columns)


def _texts(values: Iterable[object]) -> list[Cell]:
    return [
        Cell(MISSING) if value is None or value is pd.NA else Cell(str(value), sort=str(value))
        for value in values
    ]


def _numbers(values: Iterable[float | None]) -> list[Cell]:
    cells = []
    for value in values:
        if value is None or pd.isna(value):
            cells.append(Cell(MISSING))
        else:
            text = f"{value:.4g}" if abs(value) < 1000 else f"{value:,.0f}"
            cells.append(Cell(text, sort=repr(float(value))))
    return cells

"""Judgements as a table: for machines (`claims.csv`), and as markdown."""

import re
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from ganablate.report.claims.judgement import Judgement
from ganablate.report.claims.reach import reach_text
from ganablate.report.frames.curves import read_typed
from ganablate.report.stats.statistics import ALPHA
from ganablate.text import percent

_TEXTS = (
    "id", "kind", "verdict", "reach_of", "margins", "says", "tested_by", "budget", "arms", "n",
    "numbers", "because",
)  # fmt: skip
_NUMBERS = ("reach", "estimate", "low", "high", "p")
COLUMNS = (
    "id", "kind", "verdict", "reach", "reach_of", "margins", "says", "tested_by", "budget", "arms",
    "n", "estimate", "low", "high", "p", "numbers", "because",
)  # fmt: skip
"""Of `claims.csv`, in order. A missing number is an empty cell, never 0."""
LEVEL = "level"
"""Of the verdict, in a table for a reader; `looks.csv` has it beside `claims.csv`."""
_DIGITS = 6
"""Significant digits: more would differ from machine to machine."""


def claims_table(judgements: Iterable[Judgement]) -> pd.DataFrame:
    """One row a claim: texts, and float64 with NaN where missing; arms are joined by `; `."""
    rows = [{**asdict(x), "arms": "; ".join(x.arms)} for x in judgements]
    table = pd.DataFrame(rows, columns=list(COLUMNS), dtype=object)
    for name in _NUMBERS:
        table[name] = [None if x is None else float(f"{x:.{_DIGITS}g}") for x in table[name]]
    return _typed(table.replace({"": None}))


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    return table.astype({**dict.fromkeys(_TEXTS, "string"), **dict.fromkeys(_NUMBERS, "float64")})


def claims_csv(table: pd.DataFrame) -> str:
    """The table for machines: missing cells empty."""
    return table.to_csv(index=False, na_rep="", lineterminator="\n")


def read_claims(path: Path) -> pd.DataFrame:
    """Read what `claims_csv` wrote.

    Raises:
        ValueError: a column is missing, or a number is none.
    """
    return read_typed(path, "claims", COLUMNS, lambda text: _typed(text[list(COLUMNS)]))


def verdict_text(verdict: str, reach: float | None, of: str) -> str:
    """The verdict, and what share of the report's training it rests on, where that is less."""
    if reach is None or pd.isna(reach) or reach >= 1:
        return verdict
    return f"{verdict} {reach_text(reach, of)}"


def firm_text(margins: str) -> str:
    """How firm a verdict is."""
    return f"the same for margins of {margins}"


def _verdict(row: pd.Series) -> str:
    verdict = verdict_text(str(row["verdict"]), row["reach"], str(row["reach_of"]))
    return verdict if pd.isna(row["margins"]) else f"{verdict}; {firm_text(row['margins'])}"


def _measured(row: pd.Series) -> str:
    """What we measured: numbers, n, budget, an unusual level, and why the verdict may differ."""
    parts = [] if pd.isna(row["numbers"]) else [f"{row['numbers']}."]
    facts = [row["n"]]
    # A report's own numbers have no budget of ours, and a picture says its own.
    if row["kind"] not in ("arithmetic", "visual"):
        level, judged = row.get(LEVEL, ALPHA), not pd.isna(row["budget"])
        facts += [row["budget"], f"at {percent(level)}" if judged and level != ALPHA else pd.NA]
    facts = [str(fact) for fact in facts if not pd.isna(fact)]
    parts += [f"({', '.join(facts)})"] if facts else []
    if not pd.isna(row["because"]):
        because = _text(row["because"])
        parts.append(f"*{because[0].upper()}{because[1:]}.*")
    return " ".join(parts) or "—"


def claims_markdown(table: pd.DataFrame) -> str:
    """The claims as a table in markdown: what the report says, how it is tested, what came out."""
    rows = [["Claim", "The report says", "Tested by", "Verdict", "What we measured"], ["---"] * 5]
    rows += [
        [str(row["id"]), _text(row["says"]), _text(row["tested_by"]), _verdict(row), _measured(row)]
        for _, row in table.iterrows()
    ]
    # No text of a cell ends it or begins a tag of HTML.
    escaped = ([re.sub(r"([|]|<(?=[A-Za-z/!?]))", r"\\\1", cell) for cell in row] for row in rows)
    return "".join(f"| {' | '.join(cells)} |\n" for cells in escaped)


def _text(text: str) -> str:
    """A study's own text, whose brackets and backslashes markdown shows as they are."""
    return "—" if pd.isna(text) else re.sub(r"(\\|\](?=[(\[:]))", r"\\\1", str(text))

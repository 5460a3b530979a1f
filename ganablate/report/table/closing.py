"""What a terminal shows at the end of `run`: the head of the table, and what it means.

It is made for a screen of 80 columns and 24 rows. Everything else is in the page and in `table.md`.
"""

import textwrap
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ganablate.report.analysis import Reading
from ganablate.report.stats.replication import Replication
from ganablate.report.table.captions import primary_column
from ganablate.report.table.columns import TextColumn, text_columns
from ganablate.report.table.replication_section import replication_columns
from ganablate.report.table.summary import Sentence
from ganablate.text import counted

WIDTH = 80
MOST_LINES = 15
"""Lines of text below the table, the place of the page among them."""
_ROWS = 21
"""Of a screen of 24: the others are for the next commands and the prompt."""
_FEWEST_LINES = 6
"""Of sentences, however long the table is."""
_MOST_ARMS = 30
_NARROWEST = 12
"""Characters that are left of an arm's name where a row is too wide."""
_TOPICS = ("verdict", "unfinished", "replication", "claims", "limits", "data")
"""Sentences of the summary that are shown, the most important first."""


def closing(
    reading: Reading, sentences: Sequence[Sentence], again: Replication | None, folder: Path
) -> tuple[str, ...]:
    """The lines, none wider than 80 characters unless a single cell is.

    Args:
        reading: What was found.
        sentences: Its summary.
        again: The published record beside it, if there is one.
        folder: Of the report.
    """
    table, plan = reading.table, reading.plan
    complete = int(table["n_complete"].sum())
    trials = f"{complete} of {counted(len(plan.trials), 'trial')} complete"
    lines = [f"{plan.study} at the budget {plan.budget}: {trials}"]
    lines += [*_aligned(_head(reading)), *_wrapped(_legend(reading))]
    if again is not None and not again.equal:
        lines += ["", *_aligned(_beside(again))]
    # An empty line stands before the sentences, and the page's line behind them.
    room = max(_ROWS - len(lines) - 2, _FEWEST_LINES)
    lines += ["", *_meaning(sentences, min(room, MOST_LINES - 1))]
    return (*lines, f"page: {folder.as_posix()}/report.html   curves and samples: ganablate ui")


def _head(reading: Reading) -> list[TextColumn]:
    """Arm, primary, effect, p, verdict and outcomes."""
    columns = text_columns(reading.table, reading.plan)
    shown = (primary_column(reading.plan), "effect", "effect_p", "verdict", "n_ok")
    by_key = {column.key: column for column in columns}
    found = [by_key[key] for key in shown if key is not None and key in by_key]
    named = [replace(one, title="p") if one.key == "effect_p" else one for one in found]
    return [replace(columns[0], title="arm"), *named]


def _beside(again: Replication) -> list[TextColumn]:
    """Arm, published, here, ratio, and the verdict on the replication."""
    arm, published, *others = replication_columns(again)[:5]
    return [replace(arm, title="arm"), published, *others]


def _aligned(columns: Sequence[TextColumn]) -> list[str]:
    """The columns as lines, two spaces apart or one, names of arms shortened where they must be."""
    titles = [column.title for column in columns]
    rows = [list(row) for row in zip(*(column.texts() for column in columns), strict=True)]
    widths = [max(map(len, cells)) for cells in zip(titles, *rows, strict=True)]
    gap = "  " if sum(widths) + 2 * len(widths) - 2 <= WIDTH else " "
    over = sum(widths) + len(gap) * (len(widths) - 1) - WIDTH
    widths[0] = max(widths[0] - max(over, 0), min(_NARROWEST, widths[0]))
    lines = []
    for row in [titles, *rows[:_MOST_ARMS]]:
        row[0] = row[0] if len(row[0]) <= widths[0] else row[0][: widths[0] - 1] + "…"
        cells = (
            cell.ljust(width) if column.left else cell.rjust(width)
            for cell, width, column in zip(row, widths, columns, strict=True)
        )
        lines.append(gap.join(cells).rstrip())
    more = len(rows) - _MOST_ARMS
    return [*lines, f"and {more:,} more arms in table.md"] if more > 0 else lines


def _meaning(sentences: Sequence[Sentence], room: int) -> list[str]:
    """The sentences, as many as fit into so many lines, each whole."""
    lines: list[str] = []
    for topic in _TOPICS:
        own = [one for one in sentences if one.topic == topic]
        # The arms of each verdict stand in the table: here they are counted.
        said = [one.lead if topic == "verdict" else f"{one.lead} {one.text}" for one in own]
        more = _wrapped(" ".join(said))
        lines += more if len(lines) + len(more) <= room else []
    return lines


def _legend(reading: Reading) -> str:
    """What the numbers of the table are."""
    table, primary = reading.table, primary_column(reading.plan)
    if primary is None:
        return ""
    n = int(table[primary + "_n"].max())
    parts = [f"mean ± standard deviation of {n}" if n > 1 else "one trial an arm"]
    tested = int(table["effect_p"].notna().sum()) if "effect_p" in table else 0
    if tested:
        ratio = "ratio" if "ratio" in set(table["effect_scale"].dropna()) else "difference"
        others = {str(name) for name in table["compared_to"].dropna()}
        other = f"the {next(iter(others))}" if len(others) == 1 else "the arm compared with"
        parts += [f"effect: {ratio} to {other}", f"p: Holm's over {tested}"]
    return "; ".join(parts)


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False)

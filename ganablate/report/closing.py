"""What a terminal shows at the end of `run` and of `evaluate`: a table, and what it means.

The end of `run` is made for a screen of 80 columns and 24 rows. Everything else is in the page and
in `table.md`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

from ganablate.catalog import METRICS, PROBES
from ganablate.report.findings import Findings
from ganablate.report.frames.trials import trials_frame
from ganablate.report.stats.replication import Replication
from ganablate.report.table.captions import protocols
from ganablate.report.table.cells import heading, mean_text
from ganablate.report.table.render import Cell, Column, text_column, to_lines
from ganablate.report.table.sections import replication_section
from ganablate.report.table.summary import Sentence
from ganablate.report.table.tables import (
    arm_table,
    arm_title,
    effect_key,
    judged_columns,
    primary_columns,
)
from ganablate.study.plan import Plan
from ganablate.text import counted, screen_width, shortened, wrapped

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
_OF_ONE = ("effect", "effect_p", "verdict")
"""Of the only metric that is judged."""
_TOPICS = (
    "not working",
    "verdict",
    "question",
    "unfinished",
    "replication",
    "claims",
    "limits",
    "data",
)
"""Sentences of the summary that are shown, the most important first."""


def closing(
    analysis: Findings, sentences: Sequence[Sentence], beside: Replication | None, folder: Path
) -> tuple[str, ...]:
    """The lines, none wider than the screen, or 80 characters, unless a single cell is.

    Args:
        analysis: What was found.
        sentences: Its summary.
        beside: The published record beside it, if there is one.
        folder: Of the report.
    """
    plan, complete = analysis.plan, int(analysis.table["n_complete"].sum())
    arms = len(analysis.table)  # the reference lines behind them stand in table.md
    by_key = {column.key: replace(column, cells=column.cells[:arms]) for column in analysis.columns}
    for key, column in by_key.items():
        title = "p" if column.title == "p (Holm)" else column.title.removeprefix("Verdict on ")
        by_key[key] = replace(column, title=title)
    keys = _keys(analysis)
    trials = f"{complete} of {counted(len(plan.trials), 'trial')} complete"
    at = f" at the budget {plan.budget}" if plan.budget else ""
    lines = [f"{plan.study}{at}: {trials}"]
    lines += _fitted([by_key[key] for key in keys if key in by_key])
    lines += _wrapped(_legend(analysis))
    if beside is not None and not beside.equal:
        lines += ["", *_fitted(replication_section(beside).columns[:5])]
    # An empty line stands before the sentences, and the page's line behind them.
    most = max(_ROWS - len(lines) - 2, _FEWEST_LINES)
    lines += ["", *_meaning(sentences, min(most, MOST_LINES - 1))]
    more = "   curves and samples: ganablate ui" if isinstance(plan, Plan) else ""
    return (*lines, f"page: {folder.as_posix()}/report.html{more}")


def _keys(analysis: Findings) -> list[str]:
    """The columns that a screen has room for: of several metrics no effects, but every verdict."""
    plan, judged = analysis.plan, judged_columns(analysis.table, analysis.plan)
    primaries = primary_columns(plan)
    if len(judged) < 2:
        effects = [effect_key(plan, name, key) for name in judged for key in _OF_ONE]
        first = judged or primaries[:1]
        return ["arm", *first, *effects, *(name for name in primaries if name not in first), "n_ok"]
    pairs = ((name, effect_key(plan, name, "verdict")) for name in primaries)
    return ["arm", *(key for pair in pairs for key in pair), "n_ok"]


def evaluated(plan: Plan, names: Iterable[str], trials_root: Path) -> str:
    """Mean, standard deviation and n of each arm in the columns of these metrics and probes.

    Args:
        plan: Measures them.
        names: Keys of catalog.METRICS and catalog.PROBES.
        trials_root: Holds the trial folders.
    """
    metrics = tuple(name for name in names if name in METRICS)
    probes = tuple(name for name in names if name in PROBES)
    measured = replace(plan, metrics=metrics, probes=probes)
    trials = trials_frame(plan, trials_root)
    rows = [row for _, row in arm_table(trials, plan).iterrows()]
    columns = [text_column("Arm", [str(row["arm"]) for row in rows], left=True)]
    for name, column in measured.shown_columns.items():
        cells = [Cell(mean_text(row, name), f"({row[name + '_n']})") for row in rows]
        columns.append(Column(heading(column), cells))
    note = "Mean ± sample standard deviation (n) over an arm's complete replicates."
    notes = (note, *protocols(trials, measured))
    return "\n".join(["", *to_lines(columns), "", *chain.from_iterable(map(wrapped, notes))])


def _fitted(columns: Sequence[Column]) -> list[str]:
    """The columns as lines, arms' names shortened and columns nearer where a row is too wide."""
    arms, *others = [
        replace(column, cells=column.cells[:_MOST_ARMS], strong=False) for column in columns
    ]
    taken = sum(column.width for column in others)
    width = min(WIDTH, screen_width())
    gap = "  " if arms.width + taken + 2 * len(others) <= width else " "
    room = width - taken - len(gap) * len(others)
    names = [cell.text for cell in arms.cells]
    if room >= _NARROWEST:  # else the columns are set in blocks
        names = [shortened(name, room) for name in names]
    lines = to_lines([text_column("arm", names, left=True), *others], gap, width)
    more = len(columns[0].cells) - _MOST_ARMS
    return [*lines, f"and {more:,} more arms in table.md"] if more > 0 else lines


def _meaning(sentences: Sequence[Sentence], most: int) -> list[str]:
    """The sentences, as many as fit into so many lines, each whole."""
    lines: list[str] = []
    for topic in _TOPICS:
        # The arms of each verdict stand in the table: here they are counted.
        texts = [
            sentence.lead if topic == "verdict" else f"{sentence.lead} {sentence.text}".strip()
            for sentence in sentences
            if sentence.topic == topic
        ]
        more = _wrapped(" ".join(texts))
        lines += more if len(lines) + len(more) <= most else []
    return lines


def _legend(analysis: Findings) -> str:
    """What the numbers of the table are."""
    table, primaries = analysis.table, primary_columns(analysis.plan)
    if not primaries:
        return ""
    n = int(max(table[name + "_n"].max() for name in primaries))
    parts = [f"mean ± standard deviation of {n}" if n > 1 else "one trial an arm"]
    tested = [effects for effects in analysis.judged.values() if effects.tested]
    if tested:
        compared = (effect for effects in tested for effect in effects.by_arm.values())
        references = {effect.compared_to for effect in compared}
        other = arm_title(min(references)) if len(references) == 1 else "the arm compared with"
        if len(tested) == 1:
            parts += [f"effect: {tested[0].scale} to {other}", f"p: Holm's over {tested[0].tests}"]
        else:
            parts += [f"verdicts against {other}, Holm over {tested[0].tests}"]
    return "; ".join(parts)


def _wrapped(text: str) -> list[str]:
    return wrapped(text, min(WIDTH, screen_width()))

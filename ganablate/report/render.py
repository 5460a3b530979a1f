"""The table of arms as text: markdown that also reads well in a terminal, and LaTeX (booktabs)."""

import re
import textwrap
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import pandas as pd

from ganablate.report.captions import MARKS, MISSING, heading, primary_column
from ganablate.report.effect_wording import (
    compared_elsewhere,
    effect_text,
    p_text,
    verdict_text,
)
from ganablate.report.published import PUBLISHED, published_text
from ganablate.report.rounding import round_to_spread
from ganablate.report.tables import OUTCOMES
from ganablate.study.plan import Plan

_WIDTH = 110
"""Characters of a block of columns: what a terminal and a text page can show."""


@dataclass(frozen=True)
class _Column:
    """A column as plain text. `left` aligns it left; `strong` marks the primary.

    `ends` are notes behind the cells, such as a mark: they are set so that the numbers align.
    """

    title: str
    cells: list[str]
    ends: list[str] = field(default_factory=list)
    left: bool = False
    strong: bool = False

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
        return max(len(text) for text in [self.title + 4 * self.strong * " ", *self.texts()])


def _outcomes(row: pd.Series) -> str:
    names = [str(key)[2:] for key in row.index if str(key).startswith("n_")]
    names = [name for name in names if name not in ("complete", "planned", "failed")]
    order = [*OUTCOMES, *(name for name in names if name not in OUTCOMES)]
    counts = {name: row["n_" + name] for name in [*order, "failed"]}
    return ", ".join(f"{n} {name}" for name, n in counts.items() if pd.notna(n) and n) or MISSING


def _span(row: pd.Series, name: str) -> str:
    low, high = row[f"{name}_min"], row[f"{name}_max"]
    if pd.isna(low):
        return MISSING
    return f"{low:,}" if low == high else f"{low:,}–{high:,}"  # noqa: RUF001 - a range


def _updates(row: pd.Series) -> str:
    g_updates, d_updates = _span(row, "g_updates"), _span(row, "d_updates")
    return g_updates if g_updates == d_updates else f"{g_updates} / {d_updates}"


def _cell(row: pd.Series, column: str) -> str:
    if pd.isna(row[column]):
        return MISSING
    value = round_to_spread(row[column], row[column + "_sd"])
    text = value.mean if value.sd is None else f"{value.mean} ± {value.sd}"
    if value.exponent is not None:
        inner = text if value.sd is None else f"({text})"
        text = f"{inner}×10^{value.exponent}"  # noqa: RUF001 - a product
    return text


def _end(row: pd.Series, column: str) -> str:
    """What is to be noted behind a cell: fewer replicates than the arm has, and a mark."""
    n, mark = row[column + "_n"], row[column + "_mark"]
    parts = [f"({n})"] if 0 < n < row["n_complete"] else []
    return " ".join(parts if pd.isna(mark) else [*parts, MARKS[str(mark)]])


def _printed(value: float) -> str:
    return MISSING if pd.isna(value) else published_text(value)


def _effects(rows: list[pd.Series], plan: Plan) -> list[_Column]:
    """What the arms change in the primary metric; nothing where none is compared."""
    if "effect" not in rows[0]:
        return []
    columns = [
        _Column("Effect [95 %]", [effect_text(row) or MISSING for row in rows]),
        _Column("p (Holm)", [p_text(row["effect_p"]) or MISSING for row in rows]),
        _Column("Verdict", [verdict_text(row) or MISSING for row in rows], left=True),
    ]
    if compared_elsewhere(plan):
        others = [MISSING if pd.isna(row["compared_to"]) else row["compared_to"] for row in rows]
        columns.append(_Column("Compared to", others, left=True))
    return columns


def _columns(table: pd.DataFrame, plan: Plan) -> list[_Column]:
    rows = [row for _, row in table.iterrows()]
    both = any(_span(row, "g_updates") != _span(row, "d_updates") for row in rows)
    outcomes = [_outcomes(row) for row in rows]
    columns = [
        _Column("Arm", [str(row["arm"]) for row in rows], left=True),
        _Column("Complete", [f"{row['n_complete']} of {row['n_planned']}" for row in rows]),
    ]
    facts = [
        *([_Column("Outcomes", outcomes, left=True)] if {*outcomes} != {MISSING} else []),
        _Column("Updates G / D" if both else "Updates", [_updates(row) for row in rows]),
    ]
    primary = primary_column(plan)
    known = plan.columns
    # The primary and its effects stand first: what the study asks must not hide in a later block.
    # Then come the numbers that have a better and a worse.
    if "effect" not in table:
        columns, facts = columns + facts, []
    for name in sorted(known, key=lambda name: (name != primary, known[name].direction == "none")):
        cells, ends = [_cell(row, name) for row in rows], [_end(row, name) for row in rows]
        columns.append(_Column(heading(known[name]), cells, ends, strong=name == primary))
        columns += _effects(rows, plan) if name == primary else []
        if name + PUBLISHED in table:
            printed = [_printed(row[name + PUBLISHED]) for row in rows]
            columns.append(_Column(f"{known[name].title}, published", printed))
        columns, facts = columns + facts, []
    return columns


def _blocks(columns: list[_Column]) -> list[list[_Column]]:
    """Break the columns so that no block is wider than a page; each begins with the arm.

    The blocks are as narrow as they can be without becoming more, so that none is left with a
    single column while the others are full.
    """
    fewest = len(_broken(columns, _WIDTH))
    for width in range(_WIDTH // 2, _WIDTH):
        if len(blocks := _broken(columns, width)) == fewest:
            return blocks
    return _broken(columns, _WIDTH)


def _broken(columns: list[_Column], most: int) -> list[list[_Column]]:
    """Fill one block after the other up to so many characters."""
    arm, *rest = columns
    blocks = [[arm]]
    used = arm.width
    for column in rest:
        if used + column.width + 3 > most and len(blocks[-1]) > 1:
            blocks.append([arm])
            used = arm.width
        blocks[-1].append(column)
        used += column.width + 3
    return blocks


def escape_markdown(text: str) -> str:
    """Text that markdown shows as it is, in a table as elsewhere."""
    # Brackets and < are left alone where they begin neither a link nor a tag: `[1.12, 1.60]`.
    escaped = re.sub(r"([\\|*>`]|<(?=[A-Za-z/!?])|\](?=[(\[:]))", r"\\\1", text)
    # An underscore inside a word is left alone by GitHub, and reads better in a terminal.
    return re.sub(r"(?<![^\W_])_|_(?![^\W_])", r"\\_", escaped)


def _aligned(cells: Iterable[str], widths: list[int], columns: list[_Column]) -> str:
    padded = (
        cell.ljust(width) if column.left else cell.rjust(width)
        for cell, width, column in zip(cells, widths, columns, strict=True)
    )
    return f"| {' | '.join(padded)} |"


def _markdown_block(columns: list[_Column]) -> str:
    titles = [escape_markdown(column.title) for column in columns]
    titles = [f"**{t}**" if c.strong else t for t, c in zip(titles, columns, strict=True)]
    body = [[escape_markdown(cell) for cell in column.texts()] for column in columns]
    widths = [max(map(len, [title, *cells])) for title, cells in zip(titles, body, strict=True)]
    rules = [
        "-" * w if c.left else "-" * (w - 1) + ":" for w, c in zip(widths, columns, strict=True)
    ]
    rows = [titles, rules, *map(list, zip(*body, strict=True))]
    return "\n".join(_aligned(row, widths, columns) for row in rows)


def to_markdown(table: pd.DataFrame, plan: Plan, notes: list[str]) -> str:
    """Aligned markdown, in blocks of at most 110 characters where it can, then the notes."""
    blocks = [_markdown_block(block) for block in _blocks(_columns(table, plan))]
    said = [
        textwrap.fill(escape_markdown(note), _WIDTH, break_long_words=False, break_on_hyphens=False)
        for note in notes
    ]
    return "\n\n".join([*blocks, *said]) + "\n"


_LATEX = {
    "\\": r"\textbackslash{}",
    **{character: "\\" + character for character in "&%$#_{}"},
    **{"~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "|": r"\textbar{}"},
    **{"<": r"\textless{}", ">": r"\textgreater{}", '"': r"\textquotedbl{}"},
    **{"±": r"$\pm$", "†": r"$^{\dagger}$", "‡": r"$^{\ddagger}$", "↓": r"$\downarrow$"},
    **{"↑": r"$\uparrow$", "—": "---", "–": "--", "×": r"$\times$"},  # noqa: RUF001
}


def escape_latex(text: str) -> str:
    """Text that LaTeX sets as it is; the signs that tables use become commands."""
    return "".join(_LATEX.get(character, character) for character in text)


def _latex_cell(text: str) -> str:
    """Numbers with their signs and powers of ten."""
    escaped = escape_latex(text)
    powers = re.sub(r"\$\\times\$10\\textasciicircum\{\}(-?\d+)", r"$\\times 10^{\1}$", escaped)
    return _minus(powers)


def _minus(text: str) -> str:
    return re.sub(r"(^|[(\[ ])-(?=\d)", r"\1$-$", text)


def _latex_block(columns: list[_Column]) -> str:
    def line(cells: Iterable[str]) -> str:
        return " & ".join(cells) + r" \\"

    titles = [escape_latex(column.title) for column in columns]
    titles = [f"\\textbf{{{t}}}" if c.strong else t for t, c in zip(titles, columns, strict=True)]
    form: list[Callable[[str], str]] = [
        escape_latex if column.left else _latex_cell for column in columns
    ]
    body = [
        [f(text.rstrip()) for text in column.texts()]
        for f, column in zip(form, columns, strict=True)
    ]
    return "\n".join(
        [
            rf"\begin{{tabular}}{{{''.join('l' if column.left else 'r' for column in columns)}}}",
            r"\toprule",
            line(titles),
            r"\midrule",
            *(line(row) for row in zip(*body, strict=True)),
            r"\bottomrule",
            r"\end{tabular}",
        ]
    )


def to_latex(table: pd.DataFrame, plan: Plan, notes: list[str]) -> str:
    r"""A `table` environment for \input: booktabs, one tabular for each block of columns."""
    blocks = [_latex_block(block) for block in _blocks(_columns(table, plan))]
    label = re.sub(r"[^0-9A-Za-z]+", "-", f"{plan.study}-{plan.budget}").strip("-")
    lines = [
        r"% Needs \usepackage{booktabs} and \usepackage[T1]{fontenc}.",
        r"\begin{table}[p]",
        r"\centering\footnotesize\setlength{\tabcolsep}{4pt}",
        "\n\n\\medskip\n".join(blocks),
        rf"\caption{{{chr(10).join(_minus(escape_latex(note)) for note in notes)}}}",
        rf"\label{{tab:{label}}}",
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"

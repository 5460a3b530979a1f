"""The table of arms as text: markdown that also reads well in a terminal, and LaTeX (booktabs)."""

import re
import textwrap
from collections.abc import Callable, Iterable

import pandas as pd

from ganablate.report.table.columns import TextColumn, text_columns
from ganablate.study.plan import Plan

_WIDTH = 110
"""Characters of a block of columns: what a terminal and a text page can show."""


def _blocks(columns: list[TextColumn]) -> list[list[TextColumn]]:
    """Break the columns so that no block is wider than a page; each begins with the arm.

    The blocks are as narrow as they can be without becoming more, so that none is left with a
    single column while the others are full.
    """
    fewest = len(_broken(columns, _WIDTH))
    for width in range(_WIDTH // 2, _WIDTH):
        if len(blocks := _broken(columns, width)) == fewest:
            return blocks
    return _broken(columns, _WIDTH)


def _broken(columns: list[TextColumn], most: int) -> list[list[TextColumn]]:
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


def _aligned(cells: Iterable[str], widths: list[int], columns: list[TextColumn]) -> str:
    padded = (
        cell.ljust(width) if column.left else cell.rjust(width)
        for cell, width, column in zip(cells, widths, columns, strict=True)
    )
    return f"| {' | '.join(padded)} |"


def _markdown_block(columns: list[TextColumn]) -> str:
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
    return _markdown(text_columns(table, plan), notes)


def markdown_section(title: str, columns: list[TextColumn], notes: list[str]) -> str:
    """What stands below the table of arms in markdown: a title, a table, and its notes."""
    return f"\n**{escape_markdown(title)}**\n\n{_markdown(columns, notes)}"


def _markdown(columns: list[TextColumn], notes: list[str]) -> str:
    blocks = [_markdown_block(block) for block in _blocks(columns)]
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


def _latex_block(columns: list[TextColumn]) -> str:
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
    r"""Environments for \input, booktabs: one `table` for each block of columns.

    The first has the notes as its caption, the others say whose columns they are.
    """
    blocks = [_latex_block(block) for block in _blocks(text_columns(table, plan))]
    label = re.sub(r"[^0-9A-Za-z]+", "-", f"{plan.study}-{plan.budget}").strip("-")
    caption = "\n".join(_minus(escape_latex(note)) for note in notes)
    lines = [r"% Needs \usepackage{booktabs} and \usepackage[T1]{fontenc}."]
    for number, block in enumerate(blocks, start=1):
        name = f"tab:{label}" if number == 1 else f"tab:{label}-{number}"
        more = rf"Further columns of Table~\ref{{tab:{label}}}, part {number} of {len(blocks)}."
        lines += [
            r"\begin{table}[p]",
            r"\centering\footnotesize\setlength{\tabcolsep}{4pt}",
            block,
            rf"\caption{{{caption if number == 1 else more}}}",
            rf"\label{{{name}}}",
            r"\end{table}",
        ]
    return "\n".join(lines) + "\n"

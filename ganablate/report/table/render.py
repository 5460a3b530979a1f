"""One model of a table, and how it is set in a terminal, in Markdown and in LaTeX.

The page sets the same tables in HTML, by its template.
"""

import re
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ganablate.report.table.cells import MISSING
from ganablate.report.table.verdict_style import VerdictKind
from ganablate.text import aligned

_WIDTH = 110
"""Characters of a block of columns: what a terminal and a text page can show."""


@dataclass(frozen=True)
class Cell:
    """A cell as plain text.

    `end` is a note behind it, such as a mark; ends are set so that the numbers align. `kind` is
    that of a verdict. The page sorts by `sort`, a number or a text; empty: missing, and last in
    either direction.
    """

    text: str
    end: str = ""
    kind: VerdictKind | None = None
    sort: str = ""


@dataclass(frozen=True)
class Column:
    """A column. `left` and `center` align it, `strong` marks the primary.

    `numeric` is sorted by number. `key` is the column of the table of arms that it shows.
    """

    title: str
    cells: Sequence[Cell]
    left: bool = False
    strong: bool = False
    numeric: bool = False
    key: str | None = None
    center: bool = False

    def texts(self) -> list[str]:
        """Cells with their ends, all ends of one width."""
        width = max((len(cell.end) for cell in self.cells), default=0)
        if not width:
            return [cell.text for cell in self.cells]
        return [f"{cell.text} {cell.end.ljust(width)}" for cell in self.cells]

    @property
    def width(self) -> int:
        """Characters of its longest cell, the title's marks of bold face among them."""
        return max(len(text) for text in [self.title + 4 * self.strong * " ", *self.texts()])


@dataclass(frozen=True)
class Table:
    """A table with its title and notes, a sentence or more each.

    `name` is its id in the page, where the row `pinned` stays on top however the others are sorted.
    """

    name: str
    title: str
    columns: Sequence[Column]
    notes: Sequence[str] = ()
    pinned: int | None = None

    @property
    def rows(self) -> list[tuple[Cell, ...]]:
        """The cells, a row after the other."""
        return list(zip(*(column.cells for column in self.columns), strict=True))


def text_column(title: str, texts: Iterable[str | None], *, left: bool = False) -> Column:
    """A column of texts by which it is also sorted; None is shown as missing."""
    cells = [Cell(MISSING) if text is None else Cell(text, sort=text) for text in texts]
    return Column(title, cells, left=left)


# --- terminal ---


def to_lines(columns: Sequence[Column], gap: str = "  ", width: int | None = None) -> list[str]:
    """The titles, then a line a row, as `aligned` sets them."""
    rows = [[column.title, *column.texts()] for column in columns]
    right = [place for place, column in enumerate(columns) if not column.left]
    return aligned(list(zip(*rows, strict=True)), right=right, gap=gap, width=width)


# --- Markdown ---


def without_empty_rows(columns: Sequence[Column]) -> list[Column]:
    """The columns without the rows that say nothing behind their first cell."""
    if len(columns) < 2:
        return list(columns)
    rows = zip(*(column.cells for column in columns[1:]), strict=True)
    kept = [place for place, row in enumerate(rows) if any(cell.text for cell in row)]
    return [replace(column, cells=[column.cells[place] for place in kept]) for column in columns]


def _blocks(columns: Sequence[Column]) -> list[list[Column]]:
    """Break the columns so that no block is wider than a page; each begins with the arm.

    The blocks are as narrow as they can be without becoming more, so that none is left with a
    single column while the others are full.
    """
    widest = _filled(columns, _WIDTH)
    narrower = (_filled(columns, width) for width in range(_WIDTH // 2, _WIDTH))
    chosen = next((blocks for blocks in narrower if len(blocks) == len(widest)), widest)
    return [without_empty_rows(block) for block in chosen]


def _filled(columns: Sequence[Column], most: int) -> list[list[Column]]:
    """Fill one block after the other up to so many characters."""
    arm, *others = columns
    blocks = [[arm]]
    width = arm.width
    for column in others:
        if width + column.width + 3 > most and len(blocks[-1]) > 1:
            blocks.append([arm])
            width = arm.width
        blocks[-1].append(column)
        width += column.width + 3
    return blocks


def escape_markdown(text: str) -> str:
    """Text that markdown shows as it is, in a table as elsewhere."""
    # Brackets and < are left alone where they begin neither a link nor a tag: `[1.12, 1.60]`.
    escaped = re.sub(r"([\\|*>`]|<(?=[A-Za-z/!?])|\](?=[(\[:]))", r"\\\1", text)
    # An underscore inside a word is left alone by GitHub, and reads better in a terminal.
    return re.sub(r"(?<![^\W_])_|_(?![^\W_])", r"\\_", escaped)


def _markdown_block(columns: Sequence[Column]) -> str:
    padded = []
    for column in columns:
        title = escape_markdown(column.title)
        title = f"**{title}**" if column.strong else title
        cells = [escape_markdown(text) for text in column.texts()]
        width = max(map(len, [title, *cells]))
        rule = "-" * width if column.left else "-" * (width - 1) + ":"
        align = str.ljust if column.left else str.rjust
        if column.center:
            rule, align = f":{rule[1:]}", str.center
        padded.append([align(text, width) for text in (title, rule, *cells)])
    return "\n".join(f"| {' | '.join(row)} |" for row in zip(*padded, strict=True))


def to_markdown(columns: Sequence[Column], notes: Sequence[str], head: Sequence[str] = ()) -> str:
    """The head, aligned Markdown in blocks of at most 110 characters where it can, the notes."""

    def filled(text: str) -> str:
        text = escape_markdown(text)
        return textwrap.fill(text, _WIDTH, break_long_words=False, break_on_hyphens=False)

    blocks = [_markdown_block(block) for block in _blocks(columns)]
    return "\n\n".join([*map(filled, head), *blocks, *map(filled, notes)]) + "\n"


def markdown_section(table: Table) -> str:
    """What stands below the table of arms: a title, a table, and its notes."""
    title = escape_markdown(table.title)
    return f"\n**{title}**\n\n{to_markdown(table.columns, table.notes)}"


# --- LaTeX (booktabs) ---


_LATEX = {
    "\\": r"\textbackslash{}",
    **{character: "\\" + character for character in "&%$#_{}"},
    **{"~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "|": r"\textbar{}"},
    **{"<": r"\textless{}", ">": r"\textgreater{}", '"': r"\textquotedbl{}"},
    **{"±": r"$\pm$", "†": r"$^{\dagger}$", "‡": r"$^{\ddagger}$", "↓": r"$\downarrow$"},
    **{"✓": r"$\checkmark$", "↑": r"$\uparrow$", "—": "---", "–": "--", "×": r"$\times$"},  # noqa: RUF001
}


def escape_latex(text: str) -> str:
    """Text that LaTeX sets as it is; the signs that tables use become commands."""
    return "".join(_LATEX.get(character, character) for character in text)


def _minus(text: str) -> str:
    return re.sub(r"(^|[(\[ ])-(?=\d)", r"\1$-$", text)


def _latex_number(text: str) -> str:
    """Numbers with their signs and powers of ten."""
    power = r"\$\\times\$10\\textasciicircum\{\}(-?\d+)"
    return _minus(re.sub(power, r"$\\times 10^{\1}$", escape_latex(text)))


def _latex_block(columns: Sequence[Column]) -> str:
    lines = []
    for column in columns:
        title = escape_latex(column.title)
        set_text = escape_latex if column.left else _latex_number
        lines.append(
            [
                f"\\textbf{{{title}}}" if column.strong else title,
                *(set_text(text.rstrip()) for text in column.texts()),
            ]
        )
    head, *body = (" & ".join(cells) + r" \\" for cells in zip(*lines, strict=True))
    sides = "".join("c" if column.center else "lr"[not column.left] for column in columns)
    return "\n".join(
        [
            rf"\begin{{tabular}}{{{sides}}}",
            r"\toprule",
            head,
            r"\midrule",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
        ]
    )


def to_latex(columns: Sequence[Column], notes: Sequence[str], name: str) -> str:
    r"""Environments for \input, booktabs: one `table` for each block of columns.

    The first has the notes as its caption, the others say whose columns they are. `name` is for
    the labels.
    """
    blocks = [_latex_block(block) for block in _blocks(columns)]
    label = re.sub(r"[^0-9A-Za-z]+", "-", name).strip("-")
    caption = "\n".join(_minus(escape_latex(note)) for note in notes)
    ticks = r", \usepackage{amssymb}" if any("checkmark" in block for block in blocks) else ""
    lines = [rf"% Needs \usepackage{{booktabs}}{ticks} and \usepackage[T1]{{fontenc}}."]
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

"""Tables as Markdown."""

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; bars in cells are escaped."""
    lines = [head, ["---"] * len(head), *rows]
    cells = ([str(cell).replace("|", "\\|") for cell in line] for line in lines)
    return "\n" + "".join(f"| {' | '.join(line)} |\n" for line in cells) + "\n"


def code(names: Iterable[object]) -> str:
    """Names one after the other, as code."""
    return ", ".join(f"`{name}`" for name in names)

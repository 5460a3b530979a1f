"""Counts, lists, shares, lengths of time, sizes, columns and curves as a person reads them."""

import itertools
import math
import re
import shutil
import textwrap
from collections.abc import Iterable, Sequence

_LEVELS = "▁▂▃▄▅▆▇█"
_MISSING = "·"
_UNITS = (3600, 60, 1)
_NO_SCREEN = 10_000
_NARROWEST_NAME, _NARROWEST_TEXT = 12, 24
"""Characters that are left of a name, and of a text that is broken into lines."""


def duration(seconds: float) -> str:
    """`45 s`, `3 min 20 s`, `12 min`, `3 h 05 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    tens = round(seconds / 10)
    if tens < 60:
        return f"{tens // 6} min {tens % 6}0 s" if tens % 6 else f"{tens // 6} min"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def seconds_of(text: str) -> int:
    """`2h`, `90m`, `1h30m` or `5400s` in seconds.

    Raises:
        ValueError: It is no length of time.
    """
    parts = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", text.strip().lower(), re.ASCII)
    if not (text.strip() and parts):
        raise ValueError(
            f'"{text}" is given; a length of time is needed, such as 2h, 90m, 1h30m or 5400s'
        )
    return sum(int(part or 0) * unit for part, unit in zip(parts.groups(), _UNITS, strict=True))


def bytes_text(size: float) -> str:
    """A number of bytes for people: 12 MB, 3.4 GB."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6)):
        if size >= factor:
            number = size / factor
            return f"{number:.2g} {unit}" if number < 10 else f"{number:,.0f} {unit}"
    return f"{size / 1e3:.0f} kB"


def binned(points: Iterable[tuple[float, float]], width: int) -> list[float | None]:
    """The mean of the points in each of `width` equal parts of [0, 1]; None: there is none.

    A point is a place (0 to 1, both included) and a value; one that is not finite makes its part
    missing. A part without points between two others lies on the line between them.
    """
    parts: list[list[float]] = [[] for _ in range(width)]
    for place, value in points:
        parts[min(int(place * width), width - 1)].append(value)
    means = [sum(part) / len(part) if part else None for part in parts]
    reached = [number for number, mean in enumerate(means) if mean is not None]
    for start, end in itertools.pairwise(reached):
        first, last = means[start], means[end]
        assert first is not None
        assert last is not None
        for number in range(start + 1, end):
            means[number] = first + (last - first) * (number - start) / (end - start)
    return [mean if mean is not None and math.isfinite(mean) else None for mean in means]


def sparkline(values: Sequence[float | None], among: Iterable[float | None] = ()) -> str:
    """One character a value, from the lowest to the highest; `·` where there is no finite one.

    The scale holds the values of `among` as well, such as those of a line set beside this one.
    """
    numbers = [value for value in (*values, *among) if value is not None and math.isfinite(value)]
    if not numbers:
        return _MISSING * len(values)
    low, span = min(numbers), max(numbers) - min(numbers)
    marks = []
    for value in values:
        if value is None or not math.isfinite(value):
            marks.append(_MISSING)
        else:
            share = (value - low) / span if span > 0 else 0.5
            marks.append(_LEVELS[min(int(share * len(_LEVELS)), len(_LEVELS) - 1)])
    return "".join(marks)


def counted(number: int, noun: str) -> str:
    """`1 arm`, `3 arms`, `1,200 arms`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def low_to_high(numbers: Iterable[int]) -> str:
    """`5` where all are equal, else `3 to 5`, `1,200 to 1,300`."""
    ends = sorted(numbers)
    return f"{ends[0]:,}" if ends[0] == ends[-1] else f"{ends[0]:,} to {ends[-1]:,}"


def percent(share: float) -> str:
    """`5 %`, `1.58 %`, `98.42 %`."""
    return f"{100 * share:.4g} %"


def joined(parts: Sequence[str], most: int = 8) -> str:
    """The parts with commas; of more than `most` how many are left out: `a, b and 3 more`."""
    more = len(parts) - most
    return ", ".join(parts[:most]) + (f" and {more} more" if more > 0 else "")


def screen_width() -> int:
    """The columns of the terminal, or $COLUMNS; without either, as in a pipe, a great many."""
    return shutil.get_terminal_size((_NO_SCREEN, 24)).columns


def shortened(text: str, width: int) -> str:
    """The text, with `…` in the place of what is beyond so many characters."""
    return text if len(text) <= width else f"{text[: width - 1]}…"


def wrapped(text: str, width: int | None = None, indent: str = "") -> list[str]:
    """Lines of so many characters (None: of the screen), broken between words alone.

    All but the first begin with `indent`.
    """
    return textwrap.wrap(
        text, width or screen_width(), subsequent_indent=indent, break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip


def aligned(
    rows: Sequence[Sequence[str]],
    *,
    right: Iterable[int] = (),
    gap: str = "  ",
    width: int | None = None,
) -> list[str]:
    """Rows as lines, columns `gap` apart; the cells of the columns `right` end together.

    What is wider than `width` (None: the screen) is set in blocks, one below the other, each with
    the first column again. No word or number is broken: a long text takes several lines inside its
    column, and names in the first column are shortened where a column has no room beside them.
    """
    lines: list[str] = []
    numbers = set(right)
    columns = list(zip(*rows, strict=True))
    blocks = _blocks(columns, len(gap), width or screen_width())
    for block in blocks:
        lines += [""] if lines else []
        for row in rows:
            if block is not blocks[0] and not any(row[place] for place in block if place):
                continue  # it would say nothing
            cells = [_fitted(row[place], size, name=not place) for place, size in block.items()]
            for texts in itertools.zip_longest(*cells, fillvalue=""):
                set_texts = (
                    text.rjust(size) if place in numbers else text.ljust(size)
                    for text, (place, size) in zip(texts, block.items(), strict=True)
                )
                lines.append(gap.join(set_texts).rstrip())
    return lines


def _fitted(cell: str, width: int, *, name: bool) -> list[str]:
    """The lines of a cell."""
    if len(cell) <= width:
        return [cell]
    return [shortened(cell, width)] if name else wrapped(cell, width)


def _blocks(columns: Sequence[Sequence[str]], gap: int, width: int) -> list[dict[int, int]]:
    """The places of the columns of each block, each with its width."""
    widths = [max(map(len, column)) for column in columns]
    if sum(widths) + gap * (len(widths) - 1) <= width or len(widths) < 2:
        return [dict(enumerate(widths))] if widths else []
    blocks: list[dict[int, int]] = []
    left = 0
    for place, whole in list(enumerate(widths))[1:]:
        words = (len(word) for cell in columns[place] for word in cell.split())
        least = max(min(whole, _NARROWEST_TEXT), *words, 0)
        if not blocks or gap + least > left:
            name = min(widths[0], max(_NARROWEST_NAME, width - gap - least))
            blocks.append({0: name})
            left = width - name
        blocks[-1][place] = min(whole, max(least, left - gap))
        left -= gap + blocks[-1][place]
    return blocks

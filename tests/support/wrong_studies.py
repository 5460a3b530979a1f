"""Studies with one mistake each: `wrong_studies.txt` read."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.study_text import HEAD

_MARK = re.compile(r"  #!(e?)(s?)(?: (.*))?$")


@dataclass(frozen=True)
class Wrong:
    """A study, the line at fault, words of the message; who sees it, and whether it is several.

    `number` is the line of `wrong_studies.txt` that says so.
    """

    number: int
    text: str
    line: int
    words: tuple[str, ...]
    editor: bool
    several: bool

    def __str__(self) -> str:
        return f"line {self.number}"


def _studies() -> Iterator[Wrong]:
    file = Path(__file__).with_name("wrong_studies.txt").read_text(encoding="utf-8")
    head, *blocks = file.split("\n\n")
    number = head.count("\n") + 3  # of the first line of a block
    for block in blocks:
        lines = block.splitlines()
        marks = [_MARK.search(line) for line in lines]
        plain = [_MARK.sub("", line) for line in lines]
        starts = [number for number, mark in enumerate(marks) if mark]
        first = starts[0]
        for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
            study = [*plain[:first], *plain[start:end]]
            above = [] if study[0].startswith("study:") else HEAD.splitlines()
            text = "".join(f"{line}\n" for line in above + study)
            mark = marks[start]
            assert mark is not None
            words = tuple((mark[3] or "").split(" | "))
            line = len(above) + first + 1
            yield Wrong(number + start, text, line, words, bool(mark[1]), bool(mark[2]))
        number += block.count("\n") + 2


WRONG = list(_studies())

"""What is wrong with a study, said so that a person can mend it."""

from collections.abc import Sequence
from dataclasses import dataclass

KeyPath = tuple[str | int, ...]
"""Where a value stands in a study: keys and list positions from the top."""
_LONGEST = 60


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. `place` is "studies/x.yaml:12", or the study where no file is."""

    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


class StudyError(Exception):
    """The study cannot be used. Holds every problem found, in the order of their lines."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(Problem(p.place, one_line(p.message)) for p in problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


@dataclass(frozen=True, slots=True)
class Fault:
    """A problem before its key path is turned into a line."""

    path: KeyPath
    message: str


def dotted(path: KeyPath) -> str:
    """The keys of a path as a person writes them; list positions are left to the line number."""
    keys = [part for part in path if isinstance(part, str)]
    return ".".join(key if len(key) <= _LONGEST else key[: _LONGEST - 3] + "..." for key in keys)


def one_line(message: str) -> str:
    """The message without line breaks and without characters that could steer a terminal."""
    text = " ".join(message.split())
    return "".join(letter if letter.isprintable() else "?" for letter in text)

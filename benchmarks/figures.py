"""How a benchmark tells its figures to whoever collects them, beside what it prints."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

COLLECT_INTO = "GANABLATE_FIGURES"
"""Names the file that figures are added to; without it they are only printed."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One measured number.

    `beside` is what it is measured against (a peer, or nothing), `limit` its target in the same
    unit, None where there is none; `at_least` says that more is better.
    """

    what: str
    value: float
    unit: str
    limit: float | None = None
    at_least: bool = False
    beside: str = ""

    @property
    def verdict(self) -> str:
        """Whether the target is met."""
        if self.limit is None:
            return ""
        met = self.value >= self.limit if self.at_least else self.value <= self.limit
        return "met" if met else "missed"

    @property
    def target(self) -> str:
        """The target in words."""
        if self.limit is None:
            return ""
        return f"{'>=' if self.at_least else '<='} {self.limit:,.4g}"


def tell(*figures: Figure) -> None:
    """Add figures to the file that is collected into, if there is one."""
    if path := os.environ.get(COLLECT_INTO):
        with Path(path).open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(asdict(figure)) + "\n" for figure in figures)


def collected(path: Path) -> list[Figure]:
    """The figures of such a file, in order."""
    if not path.exists():
        return []
    return [Figure(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]

"""Where a run prints: lines, warnings, errors, a screen while trials run, and reports."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from ganablate.report.files import ReportFiles
    from ganablate.study.plan import Plan
    from ganablate.sweep.screen.observers import Screen


class Output:
    """A terminal, or a log file; without `err` a notebook, which gets what was amiss from Python.

    Attributes:
        warnings: What was amiss and stopped nothing.
        errors: What could not be done.
    """

    def __init__(self, out: Console, err: Console | None = None) -> None:
        self.warnings: list[str] = []
        self.errors: list[str] = []
        self._out, self._err = out, err

    def line(self, text: str) -> None:
        """Print a line whole; a terminal breaks it where it must."""
        self._out.print(Text(text), soft_wrap=True)

    def warning(self, text: str) -> None:
        """Something is amiss that stops nothing."""
        self.warnings.append(text)
        self._print_error(text, "yellow")

    def error(self, text: str) -> None:
        """Something could not be done."""
        self.errors.append(text)
        self._print_error(text, "red")

    def report(self, report: "ReportFiles") -> None:
        """Print what a terminal shows of a report; in Python one asks for its table."""
        for line in report.closing if self._err else ():
            self.line(line)

    def screen(self, plans: "Sequence[Plan]", trials_root: Path) -> "Screen":
        """What shows a sweep of these plans while it runs."""
        from ganablate.sweep.screen.observers import screen_for

        return screen_for(self._out, plans, trials_root, errors=self._err)

    def _print_error(self, text: str, style: str) -> None:
        if self._err is not None:
            self._err.print(Text(text, style=style), soft_wrap=True)

"""Where a run prints: lines, warnings, errors, a screen while trials run, and reports."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from ganablate.report.files import ReportFiles
    from ganablate.study.plan import Plan
    from ganablate.sweep.screen import Screen


class Output:
    """A terminal, or what a log file gets of it."""

    def __init__(self, out: Console, err: Console | None = None) -> None:
        """Print on `out`; warnings and errors on `err`, which is `out` unless stated."""
        self._out, self._err = out, err

    def line(self, text: str) -> None:
        """Print a line whole; a terminal breaks it where it must."""
        self._out.print(Text(text), soft_wrap=True)

    def warning(self, text: str) -> None:
        """Something is amiss that stops nothing."""
        self._print_error(text, "yellow")

    def error(self, text: str) -> None:
        """Something could not be done."""
        self._print_error(text, "red")

    def report(self, report: "ReportFiles") -> None:
        """Print what a terminal shows of a report."""
        for line in report.closing:
            self.line(line)

    def screen(self, plans: "Sequence[Plan]", trials_root: Path) -> "Screen":
        """What shows a sweep of these plans while it runs."""
        from ganablate.sweep.screen import screen_for

        return screen_for(self._out, plans, trials_root, errors=self._err)

    def _print_error(self, text: str, style: str) -> None:
        (self._err or self._out).print(Text(text, style=style), soft_wrap=True)


class NotebookOutput(Output):
    """Lines of a notebook's cell; warnings and errors are kept, for Python to raise them."""

    def __init__(self, *, quiet: bool) -> None:
        """Print nothing if `quiet`."""
        # A notebook calls itself a terminal, and can redraw nothing: there it is a line a trial.
        terminal = False if Console().is_jupyter else None
        super().__init__(Console(force_jupyter=False, force_terminal=terminal, quiet=quiet))
        self.warnings: list[str] = []
        self.errors: list[str] = []

    def warning(self, text: str) -> None:
        """Keep the warning."""
        self.warnings.append(text)

    def error(self, text: str) -> None:
        """Keep the error."""
        self.errors.append(text)

    def report(self, report: "ReportFiles") -> None:
        """Print nothing: whoever calls from Python asks for the table."""

"""Observers of a sweep: a live screen, plain lines for a log file, or warnings alone."""

import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.text import Text

from ganablate.study.plan import Plan
from ganablate.sweep.events import Summary
from ganablate.sweep.job import Progress
from ganablate.sweep.screen.overview import LOSSES, Picture, loss_texts, running_lines
from ganablate.sweep.screen.watch import Watch
from ganablate.text import counted, duration

_LINE_SECONDS = 60.0
"""Plain lines: the longest silence while trials run."""
_LINE_ROWS, _LINE_WIDTH = 4, 100
"""Plain lines: most running trials shown at once, and the width of their lines."""
_FAILURES = 20
"""Most failed trials listed at the end; `status` lists all."""


class Screen:
    """What all screens share; implements `ganablate.sweep.events.Observer`.

    By itself it prints warnings and trials that failed, and nothing else.
    """

    def __init__(self, console: Console, watch: Watch) -> None:
        self.console = console
        self.watch = watch

    def started(self, total: int, already_complete: int, at_once: int = 0) -> None:
        """Note how much there is to do."""
        self.watch.started(total, already_complete, at_once)

    def progressed(self, arm: str, replicate: int, progress: Progress) -> None:
        """Note how far a trial is."""
        self.watch.progressed(arm, replicate, progress)
        self.refresh()

    def completed(self, arm: str, replicate: int, progress: Progress) -> None:
        """Note that a trial is complete."""
        del arm, replicate
        self.watch.completed(progress)
        self.refresh()

    def failed(
        self,
        arm: str,
        replicate: int,
        attempt: int,
        message: str,
        will_retry: bool,
        *,
        trial_id: str,
    ) -> None:
        """Print why an attempt failed."""
        name = self.watch.name(trial_id, arm, replicate)
        then = "trying it again" if will_retry else "giving up on it"
        self._print(f"{name}: attempt {attempt} failed, {then}: {message}", "red")
        if not will_retry:
            self.watch.ended(trial_id, failed=True)
        self.refresh()

    def warned(self, message: str) -> None:
        """Print a warning."""
        self._print(f"warning: {message}", "yellow")

    def finished(self, summary: Summary) -> None:
        """Print which trials failed, why, and where the tracebacks are."""
        here = Path.cwd()
        for failure in summary.failures[:_FAILURES]:
            name = self.watch.name(failure.trial_id, failure.arm, failure.replicate)
            line = f"failed: {name}: {failure.message}"
            if path := failure.traceback:
                shown = path.relative_to(here) if path.is_relative_to(here) else path
                line += f"; traceback: {shown}"
            self._print(line, "red")
        if (more := len(summary.failures) - _FAILURES) > 0:
            self._print(f"and {more} more: ganablate status tells of all")

    def refresh(self) -> None:
        """Show the new state; a screen that draws overrides it."""

    def close(self) -> None:
        """Leave the terminal as it was, however the sweep ended."""

    def _print(self, text: str, style: str = "") -> None:
        self.console.print(Text(text, style=style), soft_wrap=True)


class _SummarisingScreen(Screen):
    """Prints how much there is to do, and at the end how it went."""

    def started(self, total: int, already_complete: int, at_once: int = 0) -> None:
        super().started(total, already_complete, at_once)
        reused = f", {already_complete} of them complete before" if already_complete else ""
        self._print(f"{counted(total, 'trial')}{reused}")

    def finished(self, summary: Summary) -> None:
        parts = [f"{counted(summary.complete, 'trial')} completed"]
        if summary.reused:
            parts.append(f"{summary.reused} reused")
        if summary.failed:
            parts.append(f"{summary.failed} failed")
        parts.append(f"in {duration(summary.wall_seconds)}")
        if summary.out_of_time:
            parts.append("the time is up")
        elif summary.interrupted:
            parts.append("interrupted; run the same command again to go on")
        if summary.stopped:
            parts.append("stopped; make room and run the same command again to go on")
        self._print(", ".join(parts))
        if outcomes := self.watch.overview().outcome_line().plain:
            self._print(outcomes)
        super().finished(summary)


class LineScreen(_SummarisingScreen):
    """A line for each completed trial, and once a minute for the running ones: for log files."""

    def __init__(self, console: Console, watch: Watch) -> None:
        super().__init__(console, watch)
        self._printed = time.monotonic()

    def completed(self, arm: str, replicate: int, progress: Progress) -> None:
        """Print a line for a completed trial."""
        outcome = self.watch.completed(progress)
        texts = loss_texts(progress.losses)
        losses = "  ".join(f"{LOSSES[key]} {text}" for key, text in texts.items())
        detail = f" ({losses})" if losses else ""
        name = self.watch.name(progress.trial_id, arm, replicate)
        self._line(f"{name}: {outcome}{detail}; {self.watch.overview().headline()}")

    def refresh(self) -> None:
        """Print lines if nothing was printed for a while."""
        if time.monotonic() - self._printed >= _LINE_SECONDS:
            overview = self.watch.overview()
            self._line(overview.headline())
            for line in running_lines(overview.running[:_LINE_ROWS], _LINE_WIDTH):
                self._print(f"  {line.plain}")

    def _line(self, text: str) -> None:
        self._printed = time.monotonic()
        self._print(text)


class LiveScreen(_SummarisingScreen):
    """A bar for the sweep and a row for each running trial, redrawn in place.

    Warnings and failures are lines that stay, above the drawing.
    """

    def __init__(self, console: Console, watch: Watch) -> None:
        super().__init__(console, watch)
        self._live = Live(console=console, refresh_per_second=4, transient=True)

    def started(self, total: int, already_complete: int, at_once: int = 0) -> None:
        """Begin to draw, if there is anything to do."""
        super().started(total, already_complete, at_once)
        if already_complete < total:
            self._live.start()
            self.refresh()

    def refresh(self) -> None:
        """Draw the new state."""
        self._live.update(Picture(self.watch.overview()))

    def close(self) -> None:
        """Remove the drawing; twice does no harm."""
        self._live.stop()

    def finished(self, summary: Summary) -> None:
        """Remove the drawing and print how it went."""
        self.close()
        super().finished(summary)


def screen_for(
    console: Console,
    plans: Sequence[Plan] = (),
    trials_root: Path | None = None,
    *,
    errors: Console | None = None,
) -> Screen:
    """The live screen on a terminal that can move its cursor, plain lines elsewhere.

    With `trials_root` complete trials are judged. Where the console is quiet, `errors` gets
    warnings and failures; None: nobody does.
    """
    watch = Watch(plans, trials_root)
    if console.quiet and errors is not None:
        return Screen(errors, watch)
    moves = console.is_terminal and not console.is_dumb_terminal
    return LiveScreen(console, watch) if moves else LineScreen(console, watch)

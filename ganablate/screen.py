"""What a person sees while a sweep runs: a live screen, or plain lines without a terminal."""

import time
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ganablate.sweep.events import FailedTrial, Summary
from ganablate.sweep.job import Progress

LINE_SECONDS = 60.0
"""Plain lines: the longest silence while trials run."""
ROWS = 16
"""Most running trials shown at once."""
FAILURES = 20
"""Most failed trials told of at the end; `status` tells of all."""


def span(seconds: float) -> str:
    """A length of time as a person says it: 45 s, 12 min, 3 h 05 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def describe_losses(losses: Mapping[str, float]) -> str:
    """The criteria of both nets: "D 1.312  G 0.804"; empty before the first step."""
    pairs = (("D", "d/criterion"), ("G", "g/criterion"))
    return "  ".join(f"{net} {losses[key]:.3f}" for net, key in pairs if key in losses)


def describe_failure(failure: FailedTrial) -> str:
    """Which trial failed, why, and where the traceback is, in one line."""
    line = f"failed: {failure.arm} / {failure.replicate}: {failure.message}"
    if failure.traceback is None:
        return line
    here = Path.cwd()
    path = failure.traceback
    path = path.relative_to(here) if path.is_relative_to(here) else path
    return f"{line}; traceback: {path}"


class Watch:
    """Counts what happened in a sweep; both kinds of screen read from it."""

    def __init__(self) -> None:
        self.total = 0
        self.done = 0
        self.failed = 0
        self.running: dict[str, tuple[str, int, Progress]] = {}
        self._worked = 0.0  # trials' worth of training seen by this sweep
        self._began: float | None = None

    def progressed(self, arm: str, replicate: int, progress: Progress) -> None:
        """Note how far a trial is."""
        old = self.running.get(progress.trial_id)
        if old is not None:
            was = old[2].iteration
        elif self._began is None:
            # The clock starts at the first news of all, so what came before it does not count.
            self._began = time.monotonic()
            was = progress.iteration
        else:
            was = progress.from_iteration  # what was restored is not this sweep's work
        self._worked += max(progress.iteration - was, 0) / max(progress.total, 1)
        self.running[progress.trial_id] = (arm, replicate, progress)

    def ended(self, trial_id: str, *, failed: bool) -> None:
        """Note that a trial is over."""
        self.running.pop(trial_id, None)
        if failed:
            self.failed += 1
        else:
            self.done += 1

    def seconds_left(self) -> float | None:
        """From the speed measured so far; None while there is nothing to measure."""
        if self._began is None or self._worked < 0.02:  # too little to go by
            return None
        rest = sum(1 - p.iteration / max(p.total, 1) for _, _, p in self.running.values())
        rest += self.total - self.done - self.failed - len(self.running)
        return rest * (time.monotonic() - self._began) / self._worked

    def headline(self) -> str:
        """Trials done, running, failed, and the time left, in one line."""
        parts = [f"{self.done} of {self.total} trials done", f"{len(self.running)} running"]
        if self.failed:
            parts.append(f"{self.failed} failed")
        left = self.seconds_left()
        if left is not None and self.done + self.failed < self.total:
            parts.append(f"about {span(left)} left")
        return ", ".join(parts)


class _Screen:
    """What both screens share; implements `ganablate.sweep.events.Observer`."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.watch = Watch()

    def started(self, total: int, already_complete: int) -> None:
        """Say how much there is to do."""
        self.watch.total, self.watch.done = total, already_complete
        reused = f", {already_complete} of them complete before" if already_complete else ""
        self._print(f"{total} trials{reused}")

    def progressed(self, arm: str, replicate: int, progress: Progress) -> None:
        """Note how far a trial is."""
        self.watch.progressed(arm, replicate, progress)
        self.refresh()

    def completed(self, arm: str, replicate: int, progress: Progress) -> None:
        """Note that a trial is complete."""
        self.watch.progressed(arm, replicate, progress)
        self.watch.ended(progress.trial_id, failed=False)
        self.refresh()

    def failed(
        self, arm: str, replicate: int, attempt: int, message: str, will_retry: bool
    ) -> None:
        """Say why an attempt failed."""
        then = "trying it again" if will_retry else "giving up on it"
        self._say(f"{arm} / {replicate}: attempt {attempt} failed, {then}: {message}", "red")
        if not will_retry:
            here = [i for i, (a, r, _) in self.watch.running.items() if (a, r) == (arm, replicate)]
            self.watch.ended(here[0] if here else "", failed=True)

    def warned(self, message: str) -> None:
        """Pass a warning on."""
        self._say(f"warning: {message}", "yellow")

    def finished(self, summary: Summary) -> None:
        """Say how it went, and how to go on."""
        parts = [f"{summary.complete} trials completed"]
        if summary.reused:
            parts.append(f"{summary.reused} reused")
        if summary.failed:
            parts.append(f"{summary.failed} failed")
        parts.append(f"in {span(summary.wall_seconds)}")
        if summary.interrupted:
            parts.append("interrupted; run the same command again to go on")
        if summary.stopped:
            parts.append("stopped; make room and run the same command again to go on")
        self._print(", ".join(parts))
        for failure in summary.failures[:FAILURES]:
            self._say(describe_failure(failure), "red")
        if len(summary.failures) > FAILURES:
            more = len(summary.failures) - FAILURES
            self._print(f"and {more} more: ganablate status tells of all")

    def refresh(self) -> None:
        """Show the new state; a screen that draws overrides it."""

    def close(self) -> None:
        """Leave the terminal as it was, however the sweep ended."""

    def _say(self, text: str, style: str) -> None:
        self.console.print(Text(text, style=style), soft_wrap=True)

    def _print(self, text: str) -> None:
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)


class LineScreen(_Screen):
    """One line a completed trial, and one a minute: for log files."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._spoke = time.monotonic()

    def completed(self, arm: str, replicate: int, progress: Progress) -> None:
        """A trial is complete: a line."""
        super().completed(arm, replicate, progress)
        how = progress.outcome or "complete"
        losses = describe_losses(progress.losses)
        detail = f" ({losses})" if losses else ""
        self._line(f"{arm} / {replicate}: {how}{detail}; {self.watch.headline()}")

    def refresh(self) -> None:
        """A line if nothing was said for a while."""
        if time.monotonic() - self._spoke >= LINE_SECONDS:
            self._line(self.watch.headline())

    def _line(self, text: str) -> None:
        self._spoke = time.monotonic()
        self._print(text)


class LiveScreen(_Screen):
    """A bar for the sweep and a row for each running trial, redrawn in place."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._live = Live(console=console, refresh_per_second=4, transient=True)

    def started(self, total: int, already_complete: int) -> None:
        """Begin to draw."""
        super().started(total, already_complete)
        self._live.start()
        self.refresh()

    def refresh(self) -> None:
        """Draw the new state."""
        self._live.update(self.picture())

    def close(self) -> None:
        """Remove the drawing; twice does no harm."""
        self._live.stop()

    def finished(self, summary: Summary) -> None:
        """Remove the drawing and say how it went."""
        self.close()
        super().finished(summary)

    def picture(self) -> Group:
        """The whole screen as it is now."""
        watch = self.watch
        rows = Table.grid(padding=(0, 2))
        for arm, replicate, progress in list(watch.running.values())[:ROWS]:
            share = progress.iteration / max(progress.total, 1)
            rows.add_row(
                Text(f"{arm} / {replicate}"),
                f"{progress.iteration} of {progress.total}",
                ProgressBar(total=1.0, completed=share, width=20),
                describe_losses(progress.losses),
            )
        over = watch.done + watch.failed
        bar = ProgressBar(total=max(watch.total, 1), completed=over, width=40)
        return Group(Text(watch.headline()), bar, rows)


def screen_for(console: Console) -> LiveScreen | LineScreen:
    """The live screen on a terminal, plain lines elsewhere."""
    return LiveScreen(console) if console.is_terminal else LineScreen(console)

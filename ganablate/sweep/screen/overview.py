"""The state of a sweep as the live screen, the lines of a log file and `status` all show it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ganablate.text import binned, counted, duration, sparkline

LOSSES = {"d/criterion": "D", "g/criterion": "G"}
"""The losses that are shown, and the net of each."""

_WIDEST_SPARKLINE, _NARROWEST_SPARKLINE = 24, 6
_OTHER_LINES = 8
"""Lines of a terminal that are left for everything but running trials."""
_FEWEST_ROWS, _MOST_ROWS = 3, 16
_BAR = 30
_STYLES = {
    "ok": "green", "saturated": "yellow", "collapsed": "yellow", "diverged": "red", "failed": "red"
}  # fmt: skip
_NET_STYLES = {"D": "cyan", "G": "magenta"}


def share_of(iteration: int, total: int) -> float:
    """The share of a training that is done after so many iterations, 0 to 1."""
    return min(iteration / max(total, 1), 1.0)


def loss_texts(losses: Mapping[str, float]) -> dict[str, str]:
    """Loss -> its value with three decimals, or three digits where that is too long."""
    return {
        key: f"{losses[key]:.3f}" if abs(losses[key]) < 1000 else f"{losses[key]:.3g}"
        for key in LOSSES
        if key in losses
    }


@dataclass(kw_only=True)
class Running:
    """A running trial: how far it is, its last losses, and their curves so far.

    A point of a curve is the share of the training (0 to 1) and a value. `epochs` is the length of
    the training; None: it is given in iterations.
    """

    arm: str
    replicate: int
    iteration: int
    total: int
    epochs: int | None = None
    losses: Mapping[str, float] = field(default_factory=dict)
    curves: dict[str, list[tuple[float, float]]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Arm and replicate."""
        return f"{self.arm} / {self.replicate}"

    @property
    def share(self) -> float:
        """The share of its training that is done, 0 to 1."""
        return share_of(self.iteration, self.total)

    @property
    def where(self) -> str:
        """`epoch 3 of 20`, the current one; or `iteration 40 of 100`, those that are done."""
        if self.epochs is None:
            return f"iteration {self.iteration:,} of {self.total:,}"
        done = self.iteration * self.epochs // max(self.total, 1)
        return f"epoch {min(done + 1, self.epochs)} of {self.epochs}"


@dataclass(frozen=True, kw_only=True)
class Overview:
    """The whole sweep at one moment. `outcomes` are of those complete trials that were judged.

    A trial that is `starting` has a worker, or is about to, and has not reported yet.
    """

    title: str
    total: int
    done: int
    failed: int
    running: Sequence[Running] = ()
    starting: int = 0
    outcomes: Mapping[str, int] = field(default_factory=dict)
    seconds_left: float | None = None

    @property
    def share(self) -> float:
        """The share of all training that is done, 0 to 1; a trial that failed is over."""
        over = self.done + self.failed + sum(trial.share for trial in self.running)
        return min(over / max(self.total, 1), 1.0)

    def headline(self) -> str:
        """Trials done, running, starting, failed, and the time left, in one line."""
        parts = [f"{self.done} of {counted(self.total, 'trial')} done"]
        counts = {"running": len(self.running), "starting": self.starting, "failed": self.failed}
        parts += [f"{count} {state}" for state, count in counts.items() if count]
        if self.seconds_left is not None and self.done + self.failed < self.total:
            parts.append(f"about {duration(self.seconds_left)} left")
        return ", ".join(parts)

    def outcome_line(self) -> Text:
        """`outcomes: 18 ok, 3 saturated`, each in its colour; empty where nothing was judged.

        It says of how many trials where not all complete ones were judged.
        """
        if not self.outcomes:
            return Text()
        judged = sum(self.outcomes.values())
        part = "" if judged == self.done else f" of {judged} of {self.done} done"
        counts = [Text(f"{n} {name}", _STYLES.get(name, "")) for name, n in self.outcomes.items()]
        return Text.assemble(f"outcomes{part}: ", Text(", ").join(counts))


class Picture:
    """An overview, drawn for the width and height of wherever it is printed."""

    def __init__(self, overview: Overview, *, bar: bool = True) -> None:
        self._overview = overview
        self._bar = bar

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw title, bar with the headline, outcomes, and the running trials."""
        overview = self._overview
        height = options.height or console.height
        rows = max(_FEWEST_ROWS, min(_MOST_ROWS, height - _OTHER_LINES))
        parts: list[Text | Table] = []
        if self._bar and overview.title:
            parts.append(Text(overview.title, style="bold", overflow="ellipsis", no_wrap=True))
        parts.append(self._first_line(options.max_width))
        if overview.outcomes:
            parts.append(overview.outcome_line())
        parts += running_lines(overview.running[:rows], options.max_width)
        if len(overview.running) > rows:
            parts.append(Text(f"and {len(overview.running) - rows} more running", style="dim"))
        yield Group(*parts)

    def _first_line(self, width: int) -> Text | Table:
        headline = Text(self._overview.headline())
        if not self._bar or width < len(headline) + _BAR // 2:
            return headline
        grid = Table.grid(padding=(0, 2, 0, 0))
        bar = ProgressBar(
            1.0, self._overview.share, width=min(_BAR, width - len(headline) - 2),
            complete_style="cyan", finished_style="green",
        )  # fmt: skip
        grid.add_row(bar, headline)
        return grid


def running_lines(running: Sequence[Running], width: int) -> list[Text]:
    """A line a trial: arm and replicate, how far it is, and both losses with their curves.

    Names are cut, curves and losses left out as far as the width demands it.
    """
    if not running:
        return []
    texts = [loss_texts(trial.losses) for trial in running]
    where = max(len(trial.where) for trial in running)
    digits = {key: max(len(text.get(key, "")) for text in texts) for key in LOSSES}
    shown = dict(LOSSES)
    while (fixed := where + 2 + sum(digits[key] + 4 for key in shown)) + 12 > width and shown:
        shown.popitem()
    longest = max(len(trial.name) for trial in running)
    name = max(12, min(longest, width - fixed - 2 * (_NARROWEST_SPARKLINE + 1)))
    free = (width - fixed - name) // len(LOSSES) - 1
    curve = min(free, _WIDEST_SPARKLINE) if free >= _NARROWEST_SPARKLINE else 0
    lines = []
    for trial, text in zip(running, texts, strict=True):
        line = Text(no_wrap=True, overflow="ellipsis")
        line.append(f"{_cut(trial.name, name):{name}}  {trial.where:{where}}")
        for key, net in shown.items():
            line.append(f"  {net if key in text else ' '} {text.get(key, ''):>{digits[key]}}")
            if curve:
                points = sparkline(binned(trial.curves.get(key, ()), curve))
                line.append(f" {points}", _NET_STYLES[net])
        lines.append(line)
    return lines


def _cut(text: str, width: int) -> str:
    """The text, its middle left out where it is too long: the replicate stays."""
    end = 5
    return text if len(text) <= width else f"{text[: width - end - 1]}…{text[-end:]}"

"""An overview as text: for a terminal of any size, and for a log file."""

from collections.abc import Iterator, Sequence

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ganablate.sweep.screen.overview import LOSSES, Overview, Running, counts_text, loss_text
from ganablate.text import binned, sparkline

_WIDEST_SPARK, _NARROWEST_SPARK = 24, 6
_BESIDE_ROWS = 8
"""Lines of a terminal that are left for what is not a running trial."""
_FEWEST_ROWS, _MOST_ROWS = 3, 16
_BAR = 30
_STYLES = {
    "ok": "green", "saturated": "yellow", "collapsed": "yellow", "diverged": "red", "failed": "red"
}  # fmt: skip
_NET_STYLES = {"D": "cyan", "G": "magenta"}


class Picture:
    """An overview, drawn for the width and height of wherever it is printed."""

    def __init__(self, overview: Overview, *, bar: bool = True) -> None:
        self.overview = overview
        self._bar = bar

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw it: title, bar with the headline, outcomes, then the trials that run."""
        overview = self.overview
        height = options.height or console.height
        rows = max(_FEWEST_ROWS, min(_MOST_ROWS, height - _BESIDE_ROWS))
        parts: list[Text | Table] = []
        if self._bar and overview.title:
            parts.append(Text(overview.title, style="bold", overflow="ellipsis", no_wrap=True))
        parts.append(self._first_line(options.max_width))
        if overview.outcomes:
            parts.append(outcome_line(overview))
        parts += running_lines(overview.running[:rows], options.max_width)
        if len(overview.running) > rows:
            parts.append(Text(f"and {len(overview.running) - rows} more running", style="dim"))
        yield Group(*parts)

    def _first_line(self, width: int) -> Text | Table:
        headline = Text(self.overview.headline(), overflow="ellipsis", no_wrap=True)
        if not self._bar or width < len(headline) + _BAR // 2:
            return headline
        grid = Table.grid(padding=(0, 2, 0, 0))
        room = min(_BAR, width - len(headline) - 2)
        share = self.overview.share
        grid.add_row(
            ProgressBar(1.0, share, width=room, complete_style="cyan", finished_style="green"),
            headline,
        )
        return grid


def outcome_line(overview: Overview) -> Text:
    """`outcomes: 18 ok, 3 saturated`, each in its colour."""
    parts = [
        Text(counts_text({name: count}), style=_STYLES.get(name, ""))
        for name, count in overview.outcomes.items()
    ]
    return Text.assemble(f"{overview.of_which}: ", Text(", ").join(parts))


def running_lines(running: Sequence[Running], width: int) -> list[Text]:
    """A line a trial: arm and replicate, how far, both losses with their course.

    Arms' names are cut and sparks left out as far as the width asks for it.
    """
    if not running:
        return []
    where = max(len(one.where) for one in running)
    losses = {key: max(len(_number(one, key)) for one in running) for key in LOSSES}
    numbers = sum(length + 2 + len(net) for length, net in zip(losses.values(), "DG", strict=True))
    longest = max(len(one.name) for one in running)
    fixed = where + numbers + 4
    name = max(12, min(longest, width - fixed - 2 * (_NARROWEST_SPARK + 1)))
    room = (width - fixed - name) // len(LOSSES) - 1
    sparks = min(room, _WIDEST_SPARK) if room >= _NARROWEST_SPARK else 0
    return [
        Text.assemble(*_parts(one, name, where, losses, sparks), no_wrap=True, overflow="ellipsis")
        for one in running
    ]


def _parts(
    one: Running, name: int, where: int, losses: dict[str, int], sparks: int
) -> Iterator[Text | str]:
    yield f"{_cut(one.name, name):{name}}  {one.where:{where}}"
    for key, net in LOSSES.items():
        number = _number(one, key)
        yield f"  {net} {number:>{losses[key]}}" if number else " " * (losses[key] + 4)
        if sparks:
            yield Text(
                f" {sparkline(binned(one.curves.get(key, ()), sparks))}", style=_NET_STYLES[net]
            )


def _number(one: Running, key: str) -> str:
    return loss_text(one.losses[key]) if key in one.losses else ""


def _cut(text: str, width: int) -> str:
    """The text, its middle left out where it is too long: the replicate stays."""
    if len(text) <= width:
        return text
    end = 5
    return f"{text[: width - end - 1]}…{text[-end:]}"

"""The live screen at one moment of a sweep, drawn by the screen itself."""

import io
import math

from rich.console import Console

from ganablate.sweep.screen.overview import Overview, Picture, Running

_WIDTH = 92


def live_screen() -> str:
    """A sweep of the quickstart, two of its trials running."""
    overview = Overview(
        title="quickstart at full",
        total=12,
        done=5,
        failed=0,
        running=[_running("norm=none", 2, 2160), _running("activation=sigmoid", 0, 400)],
        outcomes={"ok": 4, "saturated": 1},
        seconds_left=170.0,
    )
    stream = io.StringIO()
    Console(file=stream, width=_WIDTH, force_terminal=False).print(Picture(overview))
    return (
        "\n" + "".join(f"    {line.rstrip()}\n" for line in stream.getvalue().splitlines()) + "\n"
    )


def _running(arm: str, replicate: int, iteration: int) -> Running:
    """A trial of 3,120 iterations whose losses settle as those of a small DCGAN do."""
    shares = [step / 3120 for step in range(0, iteration, 40)]
    d_loss = [(x, 1.25 - 0.7 * math.exp(-9 * x)) for x in shares]
    g_loss = [(x, 0.85 + 1.1 * math.exp(-7 * x)) for x in shares]
    curves = {"d/criterion": d_loss, "g/criterion": g_loss}
    return Running(
        arm=arm, replicate=replicate, iteration=iteration, total=3120, epochs=10,
        losses={key: points[-1][1] for key, points in curves.items()}, curves=curves,
    )  # fmt: skip

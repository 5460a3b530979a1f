"""The pictures of a study's page: their bytes, what they show, and how they were made."""

import base64
import io
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from PIL import Image

from ganablate.catalog import PROBES
from ganablate.report.figures.style import read_caption
from ganablate.report.frames.looks import complete_replicates
from ganablate.report.table.captions import coverage, execution, protocols
from ganablate.report.table.tables import primary_column
from ganablate.study.plan import Plan
from ganablate.text import low_to_high


@dataclass(frozen=True)
class Sort:
    """A sort of picture: its file's name, its name in a menu, and what it shows.

    `primary`: it shows values of the primary metric.
    """

    name: str
    short: str
    title: str
    alt: str
    primary: bool = False


@dataclass(frozen=True)
class Picture:
    """A figure: `source` is its data, `width` and `height` are pixels of what is shown of it.

    `stamp` holds what its caption lacks of n, budget and protocol.
    """

    sort: Sort
    source: str
    caption: str
    stamp: str
    width: int
    height: int


def _sorts(plan: Plan) -> list[Sort]:
    """Every picture that there may be, in the page's order."""
    column = primary_column(plan)
    title = plan.columns[column].title if column is not None else "the primary metric"
    probes = [
        Sort(name, name.capitalize(), f"Probe: {name}", f"{shows}, for each arm")
        for name in plan.probes
        for shows in PROBES[name].pictures.values()
    ]
    return [
        Sort(
            "forest", "Effects", f"What each arm changes in {title}",
            f"Forest plot: the effect of each arm on {title} with its interval and its verdict; "
            "the numbers stand in the table of arms", primary=True,
        ),
        Sort(
            "primary", "Replicates", f"{title} of every replicate",
            f"Dot plot: {title} of every replicate of each arm; the means stand in the table",
            primary=True,
        ),
        Sort(
            "losses", "Losses", "Losses",
            "Line charts, one for each arm: the losses of discriminator and generator over the "
            "images seen, the mean of the replicates within their range",
        ),
        Sort(
            "loss_pairs", "Fluctuation", "How much the losses fluctuate",
            "Line charts, one for each arm: the losses of one replicate within the spread of "
            "their steps",
        ),
        Sort(
            "over_time", "Over time", f"{title} during training",
            f"Line chart: {title} over the images seen, a line for each arm", primary=True,
        ),
        Sort(
            "samples", "Samples", "Samples", "Generated images, a row for each arm", primary=True
        ),
        *probes,
    ]  # fmt: skip


def pictures(plan: Plan, trials: pd.DataFrame, figures: Path) -> list[Picture]:
    """The pictures that the folder `figures` holds, in the page's order."""
    drawn = [sort for sort in _sorts(plan) if (figures / f"{sort.name}.png").exists()]
    if any(sort.name == "forest" for sort in drawn):  # it shows every replicate too
        drawn = [sort for sort in drawn if sort.name != "primary"]
    return [_picture(sort, plan, trials, figures) for sort in drawn]


def _picture(sort: Sort, plan: Plan, trials: pd.DataFrame, figures: Path) -> Picture:
    content = (figures / f"{sort.name}.png").read_bytes()
    with Image.open(io.BytesIO(content)) as image:
        words, (width, height) = read_caption(image), image.size
    caption = coverage(trials, plan) if words is None else words.text
    # A picture's own caption is cut off where the page can set it in text.
    above = height if words is None else round(height * words.above)
    source = "data:image/png;base64," + base64.b64encode(content).decode("ascii")
    stamp = _stamp(sort, plan, trials, caption)
    return Picture(sort, source, caption, stamp, width, above)


def _stamp(sort: Sort, plan: Plan, trials: pd.DataFrame, caption: str) -> str:
    n = low_to_high(complete_replicates(trials, plan).values())
    lines = protocols(trials, plan, only=primary_column(plan)) if sort.primary else []
    lines = [line for line in (*lines, execution(trials)) if line and line not in caption]
    return " ".join([f"n = {n} complete replicates an arm.", *lines])

"""The reference lines in a picture: what real images score in the place of generated ones."""

from collections.abc import Mapping

from matplotlib.axes import Axes

from ganablate.catalog import FLOOR, TEN_IMAGES
from ganablate.report.figures.style import INK
from ganablate.report.table.cells import lone_text
from ganablate.report.table.reference_rows import LABELS

_STYLES = {FLOOR: (0, (1, 3)), TEN_IMAGES: (0, (1, 1))}


def draw_reference_lines(axes: Axes, places: Mapping[str, float], *, upright: bool) -> None:
    """Draw each line (name -> place on the axis) that lies within the axis' limits.

    They stand upright where the numbers lie along the horizontal axis.
    """
    limits = axes.get_xlim() if upright else axes.get_ylim()
    for name, place in places.items():
        if limits[0] <= place <= limits[1]:
            draw = axes.axvline if upright else axes.axhline
            draw(place, color=INK, lw=0.9, ls=_STYLES[name], zorder=1)


def lines_caption(title: str, values: Mapping[str, float]) -> str | None:
    """Which lines there are of a metric with this title; None: none."""
    if not values:
        return None
    parts = (f"{LABELS[name]} {lone_text(value)}" for name, value in values.items())
    return f"Dotted, where the axis reaches: {title} of {'; of '.join(parts)}."

"""How every figure looks, and how it is written: small files, the same bytes for the same data."""

import io
import re
import textwrap
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import matplotlib.style
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from ganablate.files import replacing

MOST_BYTES = 300_000
_DPI = (160, 120, 90, 70, 50)
_MOST_PIXELS = 3.6e6
"""No sharpness is tried from which 300 KB are out of reach."""
_PALETTE = sns.color_palette("colorblind").as_hex()
DOT_COLOUR = _PALETTE[0]
LOSS_COLOURS = {"d/criterion": _PALETTE[0], "g/criterion": _PALETTE[1]}
"""The losses that are drawn -> their colours."""
BASELINE_COLOUR = "#8a8a8a"
WARNING_COLOUR = _PALETTE[3]
INK = "#262626"
_TICKS = {"color": INK, "labelsize": 7, "major.size": 2.5, "major.width": 0.6, "minor.size": 0}
_SETTINGS = {
    "axes.axisbelow": True,
    "axes.edgecolor": "#9a9a9a",
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.size": 8,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.5,
    "text.color": INK,
    "text.parse_math": False,  # arm names may hold a dollar sign
    **{f"{axis}tick.{name}": value for axis in "xy" for name, value in _TICKS.items()},
}


@dataclass(frozen=True)
class Caption:
    """The words at a picture's lower edge; `above` is the share of its height over them, 0 to 1.

    They also stand in the file, as the texts `Description` and `Above-Description`, so that a page
    can set them itself, even below a picture that cannot be drawn again.
    """

    text: str
    above: float


@contextmanager
def look() -> Iterator[None]:
    """Draw within this: the user's own matplotlib settings do not change a report."""
    with matplotlib.style.context(["default", _SETTINGS]):
        yield


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, sizes in inches, that no window or global list knows of."""
    return Figure(figsize=(width, height))


@contextmanager
def captioned(
    path: Path, caption: str, size: tuple[float, float], axis: float, *, margins: tuple[float, ...],
    **spaces: float,
) -> Iterator[Figure]:  # fmt: skip
    """Draw within this on a figure above its caption; it is written to `path` at the end.

    Args:
        path: The PNG.
        caption: Its text.
        size: Width, and height without axis and caption, in inches.
        axis: Inches between the panels and the caption.
        margins: Inches at the left, the right and the top.
        spaces: `wspace` and `hspace`, shares of a panel between panels.
    """
    width, height = size
    below = caption_inches(caption, width) + axis
    height += below
    with look():
        figure = new_figure(width, height)
        yield figure
        left, right, top = margins
        figure.subplots_adjust(
            left=left / width, right=1 - right / width, bottom=below / height,
            top=1 - top / height, **spaces,
        )  # fmt: skip
        save(figure, path, caption)


def label_images(axes: Axes) -> None:
    """Name the axis of the images seen."""
    axes.xaxis.set_major_formatter(FuncFormatter(thousands))
    axes.set_xlabel("images seen", fontsize=7, labelpad=2)


def wrapped(name: str, width: int, lines: int = 3) -> str:
    """Break a name at its joints (`=`, `,`, `_`, ...), and cut what does not fit the lines."""
    pieces = [piece for piece in re.split(r"(?<=[\s,_=+;:/-])", name) if piece]
    pieces = [part for piece in pieces for part in re.findall(f".{{1,{width}}}", piece)]
    rows = [""]
    for piece in pieces:
        if len(rows[-1]) + len(piece.rstrip()) > width and rows[-1]:
            rows.append("")
        rows[-1] += piece
    rows = [row.strip() for row in rows]
    if len(rows) > lines:
        rows = [*rows[: lines - 1], rows[lines - 1][: width - 1] + "…"]
    return "\n".join(rows)


def thousands(value: float, _position: int | None = None) -> str:
    """A tick label: 25k, 1.5M."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


def annotate(axes: Axes, text: str) -> None:
    """Small text in the upper right corner."""
    axes.text(0.98, 0.96, text, transform=axes.transAxes, ha="right", va="top", size=6.5)


def caption_lines(text: str, width: float) -> list[str]:
    """The caption in lines that fit a figure of so many inches."""
    return textwrap.wrap(text, int(width * 19))


def caption_inches(text: str, width: float) -> float:
    """The height that the caption takes below a figure of that width, in inches."""
    return 0.13 * len(caption_lines(text, width)) + 0.1


def add_caption(figure: Figure, text: str, below: float = 0.05) -> None:
    """Set the caption at the lower edge, with `below` inches under it."""
    width, height = figure.get_size_inches()
    lines = "\n".join(caption_lines(text, float(width)))
    figure.text(
        0.08 / width, below / height, lines, size=6.5, ha="left", va="bottom", linespacing=1.25
    )


def rendered(figure: Figure, dpi: int) -> Image.Image:
    """The figure's pixels."""
    figure.set_dpi(dpi)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="raw", dpi=dpi, facecolor="white")
    size = FigureCanvasAgg(figure).get_width_height(physical=True)
    return Image.frombytes("RGBA", size, buffer.getvalue()).convert("RGB")


def _encoded(image: Image.Image, caption: Caption) -> bytes:
    # Pillow adds neither time nor version: equal pictures are equal bytes.
    texts = PngInfo()
    texts.add_text("Description", caption.text)
    texts.add_text("Above-Description", f"{caption.above:.4f}")
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", pnginfo=texts)
    return buffer.getvalue()


def write_small(path: Path, versions: Iterable[tuple[Image.Image, Caption]]) -> bool:
    """Write the first version of a picture that fits 300 KB, with 256 colours if it must be.

    The file is replaced in one step. Where no version fits, nothing is written: False.
    """
    for image, caption in versions:
        content = _encoded(image, caption)
        if len(content) > MOST_BYTES:
            method = Image.Quantize.FASTOCTREE
            fewer = image.quantize(256, method=method, dither=Image.Dither.NONE)
            content = _encoded(fewer, caption)
        if len(content) <= MOST_BYTES:
            with replacing(path) as temporary:
                temporary.write_bytes(content)
            return True
    return False


def read_caption(image: Image.Image) -> Caption | None:
    """The caption that stands in a picture's file; None: another program wrote it."""
    text, above = image.info.get("Description"), image.info.get("Above-Description", "")
    ours = isinstance(text, str) and re.fullmatch(r"0\.\d+|1\.0+", above)
    return Caption(str(text), float(above)) if ours else None


def save(figure: Figure, path: Path, caption: str) -> None:
    """Write the figure above its caption, as the sharpest PNG that stays under 300 KB."""
    add_caption(figure, caption)
    width, height = (float(inches) for inches in figure.get_size_inches())
    words = Caption(caption, 1 - caption_inches(caption, width) / height)
    sharpness = [dpi for dpi in _DPI if width * height * dpi**2 <= _MOST_PIXELS] or [_DPI[-1]]
    if not write_small(path, ((rendered(figure, dpi), words) for dpi in sharpness)):
        raise ValueError(f"{path.name}: no picture of {MOST_BYTES:,} bytes can hold so many arms")

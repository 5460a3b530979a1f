"""Images of any sizes, opened one at a time, and how each becomes a square."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

Pixels: TypeAlias = npt.NDArray[np.uint8]
Labels: TypeAlias = npt.NDArray[np.int64]

SUFFIXES = (".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
"""Files of a folder that are read as images, in either case of letters."""


class DataError(Exception):
    """The images cannot be had; the message is one line that says what to do."""


@dataclass(frozen=True)
class Form:
    """What every image of a set is made into.

    Attributes:
        size: height and width, in pixels.
        channels: 1 for grey, 3 for colour.
        crop: side of the centred square that is cut out of the original first; None: no such cut.
    """

    size: int
    channels: int
    crop: int | None = None


@dataclass(frozen=True)
class Pictures:
    """Images of any sizes, in a fixed order, opened one at a time.

    Attributes:
        count: how many there are.
        name: of the image at an index, for messages.
        open: the image at an index; raises what Pillow raises.
        close: what the images come from, once all are read or none will be.
    """

    count: int
    name: Callable[[int], str]
    open: Callable[[int], Image.Image]
    close: Callable[[], None] = lambda: None

    def in_form(self, form: Form) -> Iterator[Pixels]:
        """Every image, uint8 [size, size, channels], once.

        Colour is turned into grey (channels 1) or grey into colour (channels 3); transparency is
        dropped.

        Raises:
            DataError: naming the image, if it is none, is cut short, has 16 or 32 bits a pixel,
                or is smaller than the crop.
        """
        try:
            for index in range(self.count):
                yield _squared(self._opened(index, form), form, self.name(index))
        finally:
            self.close()

    def _opened(self, index: int, form: Form) -> Image.Image:
        name = self.name(index)
        try:
            with self.open(index) as image:
                if image.mode[0] in "IF":
                    raise DataError(f"{name}: more than 8 bits a channel; convert it first")
                return image.convert("L" if form.channels == 1 else "RGB")
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            raise DataError(f"{name}: cannot be read as an image ({error})") from error


def _squared(picture: Image.Image, form: Form, name: str) -> Pixels:
    """Cut out the crop, bring the short side to the size, and cut out the centre.

    Pillow's bilinear resizing averages where it shrinks.
    """
    width, height = picture.size
    if form.crop is not None:
        if form.crop > min(width, height):
            raise DataError(
                f"{name}: {width} x {height} pixels; a crop of {form.crop} does not fit into it"
            )
        picture = _centre(picture, form.crop)
    scale = form.size / min(picture.size)
    width, height = (max(round(side * scale), form.size) for side in picture.size)
    picture = _centre(picture.resize((width, height), Image.Resampling.BILINEAR), form.size)
    return np.asarray(picture, np.uint8).reshape(form.size, form.size, form.channels)


def _centre(picture: Image.Image, side: int) -> Image.Image:
    left, top = ((length - side) // 2 for length in picture.size)
    return picture.crop((left, top, left + side, top + side))


def of_files(files: Sequence[Path | str]) -> Pictures:
    """The images in these files, in this order."""
    return Pictures(
        len(files),
        name=lambda index: str(files[index]),
        open=lambda index: Image.open(files[index]),
    )


def image_files(folder: Path) -> list[Path]:
    """The images under a folder and its sub-folders, in the order of their paths.

    Hidden files and other suffixes than `SUFFIXES` are passed over.

    Raises:
        DataError: if there is no such folder, or no image in it.
    """
    try:
        exists = folder.is_dir()
    except OSError as error:
        raise DataError(f"{folder} cannot be read: {error.strerror}") from error
    if not exists:
        raise DataError(f"no folder {folder}: put the images there, or name another data root")
    files = [
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()
    ]
    if not files:
        raise DataError(f"no image in {folder}: files are sought that end in {', '.join(SUFFIXES)}")
    return sorted(files, key=lambda path: path.relative_to(folder).as_posix())

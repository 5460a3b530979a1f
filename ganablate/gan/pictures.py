"""Images of any sizes, opened one at a time, and how each becomes a square."""

import contextlib
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from ganablate.text import counted

Pixels: TypeAlias = npt.NDArray[np.uint8]
Labels: TypeAlias = npt.NDArray[np.int64]

SUFFIXES = (".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
"""Files of a folder that are read as images, in either case of letters."""

_LONGEST = 4
"""Sides of the square that a whole resized image may be long, at most."""


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
            DataError: a line for each kind of fault, with the first image that has it: it is no
                image, is cut short, has 16 or 32 bits a channel, is smaller than the crop, or
                takes more memory than there is. The images behind the first fault are looked at
                before it is raised.
        """
        faults: dict[str, list[str]] = {}
        try:
            for index in range(self.count):
                try:
                    picture = self._opened(index, form)
                    if not faults:
                        yield _squared(picture, form)
                except _FaultError as fault:
                    lines = faults.setdefault(fault.kind, [])
                    lines.append(f"{self.name(index)}: {fault}")
        finally:
            self.close()
        if faults:
            raise DataError("\n".join(_with_others(lines) for lines in faults.values()))

    def _opened(self, index: int, form: Form) -> Image.Image:
        try:
            # Pillow warns of the large ones that it opens, and refuses those twice as large.
            quiet = warnings.catch_warnings(
                action="ignore", category=Image.DecompressionBombWarning
            )
            with quiet, self.open(index) as image:
                if image.mode[0] in "IF":
                    raise _FaultError("deep", "more than 8 bits a channel; convert it first")
                _check_crop(image, form)
                return image.convert("L" if form.channels == 1 else "RGB")
        except Image.DecompressionBombError as error:
            raise _FaultError("large", f"cannot be read as an image ({error})") from error
        except MemoryError as error:
            line = "takes more memory than there is; make it smaller first"
            raise _FaultError("memory", line) from error
        except (OSError, SyntaxError, ValueError) as error:
            raise _FaultError("broken", f"cannot be read as an image ({error})") from error


class _FaultError(Exception):
    """What is wrong with an image, without its name; `kind` is the same for faults alike."""

    def __init__(self, kind: str, line: str) -> None:
        super().__init__(line)
        self.kind = kind


def _with_others(lines: Sequence[str]) -> str:
    """The first line, and how many faults of its kind there are beside."""
    others = len(lines) - 1
    return lines[0] + (f"; {counted(others, 'other image')} likewise" if others else "")


def _check_crop(picture: Image.Image, form: Form) -> None:
    width, height = picture.size
    if form.crop is not None and form.crop > min(width, height):
        line = f"{width} x {height} pixels; a crop of {form.crop} does not fit into it"
        raise _FaultError("small", line)


def _squared(picture: Image.Image, form: Form) -> Pixels:
    """Cut out the crop, bring the short side to the size, and cut out the centre.

    Pillow's bilinear resizing averages where it shrinks. Of a long, narrow image only the centre is
    resized, so that none takes more memory than a few of the squares.
    """
    if form.crop is not None:
        picture = _centre(picture, form.crop)
    scale = form.size / min(picture.size)
    width, height = (max(round(side * scale), form.size) for side in picture.size)
    if max(width, height) <= _LONGEST * form.size:
        whole = picture.resize((width, height), Image.Resampling.BILINEAR)
        return _pixels(_centre(whole, form.size), form)
    left, top = ((length - form.size) // 2 for length in (width, height))
    across, down = picture.width / width, picture.height / height
    box = left * across, top * down, (left + form.size) * across, (top + form.size) * down
    centre = picture.resize((form.size, form.size), Image.Resampling.BILINEAR, box=box)
    return _pixels(centre, form)


def _pixels(square: Image.Image, form: Form) -> Pixels:
    return np.asarray(square, np.uint8).reshape(form.size, form.size, form.channels)


def _centre(picture: Image.Image, side: int) -> Image.Image:
    left, top = ((length - side) // 2 for length in picture.size)
    return picture.crop((left, top, left + side, top + side))


def of_files(files: Sequence[Path | str], *, upright: bool = False) -> Pictures:
    """The images in these files, in this order; `upright`: turned as their cameras noted (EXIF)."""

    def opened(index: int) -> Image.Image:
        image = Image.open(files[index])
        if upright:
            # A camera's note that cannot be read is none; a broken image is met when it is read.
            with contextlib.suppress(Exception):
                ImageOps.exif_transpose(image, in_place=True)
        return image

    return Pictures(len(files), name=lambda index: str(files[index]), open=opened)


def image_files(folder: Path) -> list[Path]:
    """The images under a folder and its sub-folders, in the order of their paths.

    Links are followed, each folder is read once. What is hidden, files and folders, is passed over,
    and so are other suffixes than `SUFFIXES`.

    Raises:
        DataError: if there is no such folder, no image in it, or a folder or link in it leads to
            nothing that can be read.
    """
    try:
        exists = folder.is_dir()
    except OSError as error:
        raise DataError(f"{folder} cannot be read: {error.strerror}") from error
    if not exists:
        raise DataError(f"no folder {folder}: put the images there, or name another data root")
    images = [path for path in _visible(folder) if path.suffix.lower() in SUFFIXES]
    lost = [path for path in images if not path.exists()]
    files = [path for path in images if path.is_file()]
    if lost:
        raise DataError(_with_others([f"{path}: a link that leads to no file" for path in lost]))
    if not files:
        raise DataError(f"no image in {folder}: files are sought that end in {', '.join(SUFFIXES)}")
    return sorted(files, key=lambda path: path.relative_to(folder).as_posix())


def _visible(folder: Path) -> list[Path]:
    """All files below a folder that are not hidden, nor in a hidden folder, links followed."""
    paths: list[Path] = []
    seen: set[str] = set()
    for place, folders, names in os.walk(folder, followlinks=True, onerror=_refuse):
        identity = os.path.realpath(place)
        # Sorted: which of two links to one folder is read must not depend on the file system.
        folders[:] = [] if identity in seen else sorted(n for n in folders if n[0] != ".")
        if identity not in seen:
            paths += [Path(place, name) for name in names if name[0] != "."]
        seen.add(identity)
    return paths


def _refuse(error: OSError) -> None:
    raise DataError(f"{error.filename} cannot be read: {error.strerror}") from error

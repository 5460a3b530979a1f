"""The labelled images that the shipped extractors are trained and tested on."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
import torchvision
from torch import Tensor

from ganablate.metrics.errors import MetricError

CIFAR10_BINARY = "cifar-10-batches-bin"
"""Folder of the binary version: a record is a label byte, then three planes of 32x32 bytes."""
_RECORD = 1 + 3 * 32 * 32


def idx_images(name: str, root: Path, *, train: bool) -> tuple[Tensor, Tensor]:
    """A grey set of torchvision's, from its files under `root` or downloaded there.

    Returns:
        images uint8 [n, 1, height, width], labels int64 [n].
    """
    data = getattr(torchvision.datasets, name)(root, train=train, download=True)
    return data.data[:, None], data.targets


def mnist(root: Path, *, train: bool) -> tuple[Tensor, Tensor]:
    """MNIST, as `idx_images`."""
    return idx_images("MNIST", root, train=train)


def fashion_mnist(root: Path, *, train: bool) -> tuple[Tensor, Tensor]:
    """Fashion-MNIST, as `idx_images`."""
    return idx_images("FashionMNIST", root, train=train)


def cifar10(root: Path, *, train: bool) -> tuple[Tensor, Tensor]:
    """CIFAR-10, images uint8 [n, 3, 32, 32] and labels int64 [n].

    From the binary version under `root` where it is there, else as torchvision reads or downloads
    the Python version. The two hold the same images in the same order.

    Raises:
        MetricError: if a file of the binary version is absent or of another size.
    """
    folder = root / CIFAR10_BINARY
    if not folder.is_dir():
        data = torchvision.datasets.CIFAR10(root, train=train, download=True)
        return torch.from_numpy(data.data).permute(0, 3, 1, 2), torch.tensor(data.targets)
    names = [f"data_batch_{index}.bin" for index in range(1, 6)] if train else ["test_batch.bin"]
    records = torch.from_numpy(np.concatenate([_batch(folder / name) for name in names]))
    return records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0].long()


def _batch(path: Path) -> npt.NDArray[np.uint8]:
    if not path.is_file():
        raise MetricError(f"{path} is missing: unpack the binary version of CIFAR-10 again")
    found = np.fromfile(path, np.uint8)
    if not found.size or found.size % _RECORD:
        raise MetricError(
            f"{path} has {found.size} bytes, which is not a number of records of {_RECORD}: "
            "unpack the binary version of CIFAR-10 again"
        )
    return found.reshape(-1, _RECORD)

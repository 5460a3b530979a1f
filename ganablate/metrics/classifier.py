"""The small networks whose penultimate features domain FIDs are measured with."""

import functools
from collections import OrderedDict
from collections.abc import Callable
from typing import cast

from torch import Tensor, nn

EMBEDDING = 64
"""A Gaussian in 64 dimensions has 2,080 free covariances: 5,000 samples estimate it well, where
Inception's 2,048 dimensions need 50,000."""

SLOPE = 0.1
"""Slope of the leaky ReLUs below zero. A first version with plain ReLU (and learning rate 3e-3) had
20 of its 64 features 0 for every digit; with this none is."""


class Classifier(nn.Module):
    """An embedding of images and a linear layer on it.

    In evaluation mode an image's features depend on that image alone.

    Args:
        features: maps images [n, channels, size, size] in [0, 1] to [n, 64].
        classes: number of outputs.
        dropout: share of embeddings dropped while training.
    """

    def __init__(self, features: nn.Sequential, classes: int, dropout: float) -> None:
        super().__init__()
        self.features = features
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(EMBEDDING, classes)

    def embed(self, images: Tensor) -> Tensor:
        """Penultimate features [n, 64] of images [n, channels, size, size] in [0, 1]."""
        return cast(Tensor, self.features(images))

    def forward(self, images: Tensor) -> Tensor:
        """Logits [n, classes]."""
        return cast(Tensor, self.head(self.dropout(self.embed(images))))


def plain() -> Classifier:
    """For digits, grey 28x28 images: three 3x3 convolutions, each halved, and two linear layers."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    width = 1
    for index, out in enumerate((16, 32, 64), start=1):
        layers[f"conv{index}"] = nn.Conv2d(width, out, 3, padding=1)
        layers[f"pool{index}"] = nn.MaxPool2d(2)
        layers[f"activation{index}"] = nn.LeakyReLU(SLOPE)
        width = out
    layers["flatten"] = nn.Flatten()
    layers["embedding"] = nn.Linear(width * 3 * 3, EMBEDDING)
    layers["activation"] = nn.LeakyReLU(SLOPE)
    return Classifier(nn.Sequential(layers), classes=10, dropout=0.3)


def _convolution(width: int, out: int, *, halve: bool) -> nn.Sequential:
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["conv"] = nn.Conv2d(width, out, 3, padding=1, bias=False)
    if halve:
        layers["pool"] = nn.MaxPool2d(2)
    layers["norm"] = nn.BatchNorm2d(out)
    layers["activation"] = nn.LeakyReLU(SLOPE)
    return nn.Sequential(layers)


class _Residual(nn.Module):
    """Two convolutions whose output is added to their input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = _convolution(width, width, halve=False)
        self.second = _convolution(width, width, halve=False)

    def forward(self, maps: Tensor) -> Tensor:
        return maps + cast(Tensor, self.second(self.first(maps)))


def residual(channels: int) -> Classifier:
    """For 28x28 or 32x32 images: batch-normed 3x3 convolutions, a residual block, an average."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["block1"] = _convolution(channels, 32, halve=True)
    layers["block2"] = _convolution(32, 64, halve=True)
    layers["residual"] = _Residual(64)
    layers["block3"] = _convolution(64, 64, halve=True)
    layers["average"] = nn.AdaptiveAvgPool2d(1)
    layers["flatten"] = nn.Flatten()
    layers["embedding"] = nn.Linear(64, EMBEDDING)
    layers["activation"] = nn.LeakyReLU(SLOPE)
    return Classifier(nn.Sequential(layers), classes=10, dropout=0.1)


NETWORKS: dict[str, Callable[[], Classifier]] = {
    "mnist_classifier": plain,
    "fashion_mnist_classifier": functools.partial(residual, 1),
    "cifar10_classifier": functools.partial(residual, 3),
}
"""The network of each extractor, by its name in the catalog, with new weights."""

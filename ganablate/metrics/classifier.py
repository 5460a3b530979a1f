"""The small networks whose penultimate features domain FIDs are measured with."""

import functools
from collections import OrderedDict
from collections.abc import Callable
from typing import cast

from torch import Tensor, nn

EMBEDDING = 64
"""A Gaussian in 64 dimensions has 2,080 free covariances: 5,000 samples estimate it well, where
Inception's 2,048 dimensions need 50,000."""

_activation = functools.partial(nn.LeakyReLU, 0.1)
"""With plain ReLU (and learning rate 3e-3) a first version had 20 of its 64 features 0 for every
digit; with this slope below zero none is."""


class Classifier(nn.Module):
    """An embedding of images and a linear layer on it, for ten classes.

    In evaluation mode an image's features depend on that image alone.

    Args:
        features: maps images [n, channels, size, size] in [0, 1] to [n, 64].
        dropout: share of embeddings dropped while training.
    """

    def __init__(self, features: nn.Sequential, dropout: float) -> None:
        super().__init__()
        self.features = features
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(EMBEDDING, 10)

    def embed(self, images: Tensor) -> Tensor:
        """Penultimate features [n, 64] of images [n, channels, size, size] in [0, 1]."""
        return cast(Tensor, self.features(images))

    def forward(self, images: Tensor) -> Tensor:
        """Logits [n, 10]."""
        return cast(Tensor, self.head(self.dropout(self.embed(images))))


def _sequence(**layers: nn.Module) -> nn.Sequential:
    """The layers in their order, under their names in the weight files."""
    return nn.Sequential(OrderedDict(layers))


def plain() -> Classifier:
    """For digits, grey 28x28 images: three 3x3 convolutions, each halved, and two linear layers."""
    features = _sequence(
        conv1=nn.Conv2d(1, 16, 3, padding=1), pool1=nn.MaxPool2d(2), activation1=_activation(),
        conv2=nn.Conv2d(16, 32, 3, padding=1), pool2=nn.MaxPool2d(2), activation2=_activation(),
        conv3=nn.Conv2d(32, 64, 3, padding=1), pool3=nn.MaxPool2d(2), activation3=_activation(),
        flatten=nn.Flatten(), embedding=nn.Linear(64 * 3 * 3, EMBEDDING), activation=_activation(),
    )  # fmt: skip
    return Classifier(features, dropout=0.3)


def _convolution(width: int, out: int, *, halve: bool = True) -> nn.Sequential:
    pool = {"pool": nn.MaxPool2d(2)} if halve else {}
    return _sequence(
        conv=nn.Conv2d(width, out, 3, padding=1, bias=False), **pool,
        norm=nn.BatchNorm2d(out), activation=_activation(),
    )  # fmt: skip


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
    features = _sequence(
        block1=_convolution(channels, 32), block2=_convolution(32, 64), residual=_Residual(64),
        block3=_convolution(64, 64), average=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten(),
        embedding=nn.Linear(64, EMBEDDING), activation=_activation(),
    )  # fmt: skip
    return Classifier(features, dropout=0.1)


NETWORKS: dict[str, Callable[[], Classifier]] = {
    "mnist_classifier": plain,
    "fashion_mnist_classifier": functools.partial(residual, 1),
    "cifar10_classifier": functools.partial(residual, 3),
}
"""The network of each extractor, by its name in the catalog, with new weights."""

"""The small networks with whose features domain FIDs are measured.

A classifier's last layer holds little but its class scores: nine tenths of its variance lie in nine
directions, and ten images again and again look almost like a data set to it. So the features are a
linear projection of several layers, each averaged over a coarse grid: `projection` fits it.
"""

import functools
from collections import OrderedDict
from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

DIMENSIONS = 64
"""Of the features. A Gaussian in 64 dimensions has 2,080 free covariances: 5,000 samples estimate
it well, where Inception's 2,048 dimensions need 50,000."""
PENULTIMATE = 64
"""Units before the class scores."""

_activation = functools.partial(nn.LeakyReLU, 0.1)
"""With plain ReLU (and learning rate 3e-3) a first version had 20 of its 64 features 0 for every
digit; with this slope below zero none is."""


class Classifier(nn.Module):
    """A network that tells ten classes, and features of its inner layers.

    In evaluation mode an image's features depend on that image alone. `centre` and `projection`,
    which make features of the layers, are zeros until they are fitted; training leaves them.

    Args:
        layers: maps images [n, channels, size, size] in [0, 1] to [n, 64].
        dropout: share of those 64 dropped while training.
        seen: the layers, by name, whose maps are looked at beside the 64.
        grid: the maps are averaged over grid x grid cells, where they are larger.
        width: numbers that this gives an image, the 64 included.
    """

    centre: Tensor
    projection: Tensor

    def __init__(
        self, layers: nn.Sequential, dropout: float, *, seen: tuple[str, ...], grid: int, width: int
    ) -> None:
        super().__init__()
        self.features = layers  # under this name in the weight files
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(PENULTIMATE, 10)
        self._seen, self._grid = seen, grid
        self.register_buffer("centre", torch.zeros(width))
        self.register_buffer("projection", torch.zeros(width, DIMENSIONS))

    def blocks(self, images: Tensor) -> list[Tensor]:
        """What is seen of images [n, channels, size, size] in [0, 1]: [n, k] of each layer."""
        maps, blocks = images, []
        for name, layer in self.features.named_children():
            maps = layer(maps)
            if name in self._seen:
                side = min(self._grid, maps.shape[2])
                blocks.append(adaptive_avg_pool2d(maps, side).flatten(1))
        return [*blocks, maps]

    def look(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Features [n, 64] and logits [n, 10] of images [n, channels, size, size] in [0, 1]."""
        blocks = self.blocks(images)
        features = (torch.cat(blocks, 1) - self.centre) @ self.projection
        return features, cast(Tensor, self.head(blocks[-1]))

    def forward(self, images: Tensor) -> Tensor:
        """Logits [n, 10]."""
        return cast(Tensor, self.head(self.dropout(self.features(images))))


def _sequence(**layers: nn.Module) -> nn.Sequential:
    """The layers in their order, under their names in the weight files."""
    return nn.Sequential(OrderedDict(layers))


def plain() -> Classifier:
    """For digits, grey 28x28 images: three 3x3 convolutions, each halved, and two linear layers."""
    features = _sequence(
        conv1=nn.Conv2d(1, 16, 3, padding=1), pool1=nn.MaxPool2d(2), activation1=_activation(),
        conv2=nn.Conv2d(16, 32, 3, padding=1), pool2=nn.MaxPool2d(2), activation2=_activation(),
        conv3=nn.Conv2d(32, 64, 3, padding=1), pool3=nn.MaxPool2d(2), activation3=_activation(),
        flatten=nn.Flatten(), embedding=nn.Linear(576, PENULTIMATE), activation=_activation(),
    )  # fmt: skip
    return Classifier(
        features, 0.3, seen=("activation2", "activation3"), grid=4, width=32 * 16 + 64 * 9 + 64
    )


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
        embedding=nn.Linear(64, PENULTIMATE), activation=_activation(),
    )  # fmt: skip
    return Classifier(features, 0.1, seen=("residual", "block3"), grid=2, width=2 * 64 * 4 + 64)


NETWORKS: dict[str, Callable[[], Classifier]] = {
    "mnist_classifier": plain,
    "fashion_mnist_classifier": functools.partial(residual, 1),
    "cifar10_classifier": functools.partial(residual, 3),
}
"""The network of each extractor, by its name in the catalog, with new weights."""

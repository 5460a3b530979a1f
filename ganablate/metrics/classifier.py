"""The small network whose penultimate features domain FIDs are measured with."""

from collections import OrderedDict
from typing import cast

from torch import Tensor, nn

EMBEDDING = 64
"""A Gaussian in 64 dimensions has 2,080 free covariances: 5,000 samples estimate it well, where
Inception's 2,048 dimensions need 50,000."""

SLOPE = 0.1
"""Of the leaky ReLUs below zero. A first version with plain ReLU (and learning rate 3e-3) had 20 of
its 64 features 0 for every digit; with this none is."""


class DigitClassifier(nn.Module):
    """Three 3x3 convolutions (16, 32, 64), each halved by max pooling, and two linear layers.

    There is no batch norm: what an image's features are depends on that image alone.

    Args:
        channels: of the images, 1 for grey.
        classes: number of outputs.
        dropout: share of embeddings dropped while training.
    """

    def __init__(self, channels: int = 1, classes: int = 10, dropout: float = 0.3) -> None:
        super().__init__()
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        width = channels
        for index, out in enumerate((16, 32, 64), start=1):
            layers[f"conv{index}"] = nn.Conv2d(width, out, 3, padding=1)
            layers[f"pool{index}"] = nn.MaxPool2d(2)
            layers[f"activation{index}"] = nn.LeakyReLU(SLOPE)
            width = out
        layers["flatten"] = nn.Flatten()
        layers["embedding"] = nn.Linear(width * 3 * 3, EMBEDDING)
        layers["activation"] = nn.LeakyReLU(SLOPE)
        self.features = nn.Sequential(layers)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(EMBEDDING, classes)

    def embed(self, images: Tensor) -> Tensor:
        """Penultimate features [n, 64] of images [n, channels, 28, 28] in [0, 1]."""
        return cast(Tensor, self.features(images))

    def forward(self, images: Tensor) -> Tensor:
        """Logits [n, classes]."""
        return cast(Tensor, self.head(self.dropout(self.embed(images))))

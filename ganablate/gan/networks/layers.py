"""What the networks share: the modules that follow a hidden layer, under stable names.

A block is `layer1, norm1, activation1, dropout1`. The number is in the name, so that leaving out
a norm or a dropout renames nothing, and initial weights, drawn by name, stay as they were.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ganablate.config import Norm

Named = tuple[str, nn.Module]


class Dropout(nn.Module):
    """Inverted dropout: a share of the values is set to 0, the others grow by 1 / (1 - share).

    On a CPU torch draws its masks one by one, which took a third of the time of a narrow net's
    training. Here they are 16 random bits a value, so the share is met to 1/65,536, from a numpy
    generator that torch's global one seeds: as before, that one alone decides the mask.

    Source: Srivastava et al. 2014, Journal of Machine Learning Research 15, section 10.
    """

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, values: Tensor) -> Tensor:
        """Any shape to itself; the values themselves in evaluation mode."""
        if not self.training:
            return values
        if values.device.type != "cpu":
            return functional.dropout(values, self.share)
        seed = int(torch.empty((), dtype=torch.int64).random_().item())
        words = np.random.SFC64(seed).random_raw(-(-values.numel() // 4))
        kept = words.view(np.uint16)[: values.numel()] >= round(self.share * 65_536)
        # Laid out in memory as the values are, so that the product reads both in order.
        mask = torch.from_numpy(kept).as_strided(values.size(), _dense_strides(values))
        return values * mask.to(values.dtype).div_(1 - self.share)

    def extra_repr(self) -> str:
        """What `print` shows of it."""
        return f"share={self.share}"


def _dense_strides(values: Tensor) -> tuple[int, ...]:
    """The strides of a gapless tensor in the memory order of this one."""
    return torch.empty_like(values, device="meta").stride()


def stack(*modules: Named) -> nn.Sequential:
    """A sequential network of named modules."""
    return nn.Sequential(OrderedDict(modules))


def after(
    number: int,
    activation: Callable[[], nn.Module],
    *,
    norm: nn.Module | None = None,
    dropout: float = 0.0,
) -> Iterable[Named]:
    """What follows hidden layer `number`: its norm, its activation and its dropout, if any.

    Args:
        number: the layer's, from 1.
        activation: makes a new module, as a line of `catalog.ACTIVATIONS` does.
        norm: the batch norm, or None.
        dropout: the share of values set to 0, in [0, 1); 0 leaves the module out.
    """
    if norm is not None:
        yield f"norm{number}", norm
    yield f"activation{number}", activation()
    if dropout > 0:
        yield f"dropout{number}", Dropout(dropout)


def maps_norm(norm: Norm, channels: int) -> nn.Module | None:
    """Batch norm of [batch, channels, height, width], or None where `norm` is another."""
    return nn.BatchNorm2d(channels) if norm == "batch" else None


def vector_norm(norm: Norm, features: int) -> nn.Module | None:
    """Batch norm of [batch, features], or None where `norm` is another."""
    return nn.BatchNorm1d(features) if norm == "batch" else None

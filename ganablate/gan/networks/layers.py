"""What the networks share: the modules that follow a hidden layer, under stable names.

A block is `layer1, norm1, activation1, dropout1`. The number is in the name, so that leaving out
a norm or a dropout renames nothing, and initial weights, drawn by name, stay as they were.
"""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Literal

from torch import nn

from ganablate.catalog import ACTIVATIONS

Named = tuple[str, nn.Module]
Norm = Literal["none", "batch"]


def stack(*modules: Named) -> nn.Sequential:
    """A sequential network of named modules."""
    return nn.Sequential(OrderedDict(modules))


def activation(name: str) -> nn.Module:
    """A new module for a key of `catalog.ACTIVATIONS`."""
    module = ACTIVATIONS[name].load()()
    assert isinstance(module, nn.Module)
    return module


def after(
    number: int,
    activation_name: str,
    *,
    norm: nn.Module | None = None,
    dropout: float = 0.0,
) -> Iterable[Named]:
    """What follows hidden layer `number`: its norm, its activation and its dropout, if any.

    Args:
        number: the layer's, from 1.
        activation_name: a key of `catalog.ACTIVATIONS`.
        norm: the batch norm, or None.
        dropout: the share of values set to 0, in [0, 1); 0 leaves the module out.
    """
    if norm is not None:
        yield f"norm{number}", norm
    yield f"activation{number}", activation(activation_name)
    if dropout > 0:
        yield f"dropout{number}", nn.Dropout(dropout)


def maps_norm(norm: Norm, channels: int) -> nn.Module | None:
    """Batch norm of [batch, channels, height, width], or None."""
    return nn.BatchNorm2d(channels) if norm == "batch" else None


def vector_norm(norm: Norm, features: int) -> nn.Module | None:
    """Batch norm of [batch, features], or None."""
    return nn.BatchNorm1d(features) if norm == "batch" else None

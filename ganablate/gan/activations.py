"""The activations a study can name: each function makes one new module, any shape to itself.

None works in place: a gradient penalty differentiates through them twice.
"""

from torch import nn

from ganablate.config import LEAKY_SLOPE


def relu() -> nn.Module:
    """max(x, 0)."""
    return nn.ReLU()


def leaky_relu() -> nn.Module:
    """The input above zero, `LEAKY_SLOPE` times the input below."""
    return nn.LeakyReLU(LEAKY_SLOPE)


def sigmoid() -> nn.Module:
    """1 / (1 + exp(-x)), in [0, 1]."""
    return nn.Sigmoid()


def tanh() -> nn.Module:
    """Hyperbolic tangent, in [-1, 1]."""
    return nn.Tanh()


def identity() -> nn.Module:
    """The input itself."""
    return nn.Identity()

"""DCGAN for images of 28, 32, 64 or 128 pixels, its ablations, and R4's enhanced GAN."""

import itertools

from torch import nn

from ganablate.catalog import function_of
from ganablate.config import TrialConfig
from ganablate.gan.networks.layers import (
    Named,
    after,
    maps_norm,
    stack,
    vector_norm,
)
from ganablate.gan.networks.products import Linear, Projection

_START = {28: 7, 32: 4, 64: 4, 128: 4}
"""Image size -> side of the smallest maps; every further layer doubles it."""


def dcgan(config: TrialConfig, channels: int) -> tuple[nn.Module, nn.Module]:
    """10,949,504 + 2,765,568 parameters at latent 1000, width 64, 64x64x3, as R1 counts them.

    From the smallest maps (4x4; 7x7 for 28 pixels) each layer doubles the side and halves the
    channels, down to `width` before the image: 64 pixels are 4 doublings with 8, 4, 2, 1 times
    the width. Batch norm follows every hidden layer but the discriminator's first. No layer has a
    bias; where batch norm is switched off a bias takes its place, so that such an arm loses the
    normalisation and not the shift that came with it. Dropout, if any, follows D's activations.

    `resampling: pooling` undoes DCGAN's first change ("replace any pooling layers with strided
    convolutions"). D's layers are 3x3 convolutions of stride 1, each followed by 2x2 max pooling;
    G's double the side by repeating pixels, then a 3x3 convolution.

    `ends: linear` makes G's first and D's last layer explicitly fully connected. Either was a
    matrix product before. In D nothing changes but the shape of the weight. In G batch norm, or
    the bias in its place, is now one of each unit instead of one of each map. What is counted
    from a weight's shape follows it: the bound of `glorot_uniform` in both, and in G the bound of
    `torch` and the matrix whose spectral norm is taken.

    Args:
        config: uses image_size, latent_dim, widths, activations, norms, d_dropout, g_output,
            resampling, ends.
        channels: of the images, 1 or 3.

    Returns:
        Generator, [batch, latent_dim] to [batch, channels, size, size], and discriminator, that
        to logits [batch].

    Raises:
        ValueError: for another image size.

    Source: Radford et al. 2016, arXiv 1511.06434, section 3 and figure 1; R1; R2, table 2;
    pooling as in Springenberg et al. 2015, arXiv 1412.6806, section 2.
    """
    _check_size("dcgan", config, tuple(_START))
    return _generator(config, channels), _discriminator(config, channels, first_norm=False)


def enhanced(config: TrialConfig, channels: int) -> tuple[nn.Module, nn.Module]:
    """R4's enhanced GAN: DCGAN's layers, leaky ReLU in both nets, batch norm after D's first too.

    R4 says that batch norm and leaky ReLU stand "between each convolutional layer" of both nets,
    and shows its layers in figures that give no readable sizes. Kernels, widths, depth and the
    64 pixels for CelebA are therefore our guess: those of `dcgan`. 759,680 + 138,752 parameters at
    latent 100, width 64, 28x28x1. The sigmoid that ends R4's D is left to the criterion.

    Args:
        config: uses image_size (28 or 64), latent_dim, widths, activations, norms, d_dropout,
            g_output.
        channels: of the images, 1 or 3.

    Returns:
        Generator, [batch, latent_dim] to [batch, channels, size, size], and discriminator, that
        to logits [batch].

    Raises:
        ValueError: for another image size.

    Source: R4, section V; the sizes are ours.
    """
    _check_size("enhanced", config, (28, 64))
    return _generator(config, channels), _discriminator(config, channels, first_norm=True)


def _check_size(network: str, config: TrialConfig, sizes: tuple[int, ...]) -> None:
    if config.image_size not in sizes:
        allowed = ", ".join(map(str, sizes))
        raise ValueError(f"{network} makes images of {allowed} pixels, not {config.image_size}")


def _generator(config: TrialConfig, channels: int) -> nn.Module:
    widths = _widths(config.g_width, config.image_size)[::-1]
    bias = config.g_norm != "batch"
    activation = function_of("g_activation", config)
    modules = _first(config, widths[0], bias=bias)
    for number, (inputs, outputs) in enumerate(itertools.pairwise(widths), start=2):
        modules.extend(_doubling(config, number, inputs, outputs, bias=bias))
        modules.extend(after(number, activation, norm=maps_norm(config.g_norm, outputs)))
    return stack(
        *modules,
        *_doubling(config, len(widths) + 1, widths[-1], channels, bias=False),
        ("output", function_of("g_output", config)()),
    )


def _discriminator(config: TrialConfig, channels: int, *, first_norm: bool) -> nn.Module:
    widths = _widths(config.d_width, config.image_size)
    activation = function_of("d_activation", config)
    modules: list[Named] = []
    for number, (inputs, outputs) in enumerate(itertools.pairwise([channels, *widths]), start=1):
        normed = number > 1 or first_norm
        bias = normed and config.d_norm != "batch"
        modules.extend(_halving(config, number, inputs, outputs, bias=bias))
        norm = maps_norm(config.d_norm, outputs) if normed else None
        modules.extend(after(number, activation, norm=norm, dropout=config.d_dropout))
    return stack(*modules, *_last(config, len(widths) + 1, widths[-1]), ("logits", nn.Flatten(0)))


def _first(config: TrialConfig, width: int, *, bias: bool) -> list[Named]:
    """G's first layer with what follows it: [batch, latent_dim] to the smallest maps."""
    start = _START[config.image_size]
    activation = function_of("g_activation", config)
    if config.ends != "linear":
        projection = Projection(config.latent_dim, width, start, bias=bias)
        return [("layer1", projection), *after(1, activation, norm=maps_norm(config.g_norm, width))]
    units = width * start**2
    return [
        ("layer1", Linear(config.latent_dim, units, bias=bias)),
        *after(1, activation, norm=vector_norm(config.g_norm, units)),
        ("reshape", nn.Unflatten(1, (width, start, start))),
    ]


def _last(config: TrialConfig, number: int, width: int) -> list[Named]:
    """D's last layer: the smallest maps to one value."""
    start = _START[config.image_size]
    if config.ends != "linear":
        return [(f"layer{number}", nn.Conv2d(width, 1, start, bias=False))]
    linear = Linear(width * start**2, 1, bias=False)
    return [("flatten", nn.Flatten()), (f"layer{number}", linear)]


def _doubling(
    config: TrialConfig, number: int, inputs: int, outputs: int, *, bias: bool
) -> list[Named]:
    """A layer of G that doubles the side."""
    name = f"layer{number}"
    if config.resampling == "pooling":
        convolution = nn.Conv2d(inputs, outputs, 3, padding=1, bias=bias)
        return [(f"upsample{number}", nn.Upsample(scale_factor=2)), (name, convolution)]
    return [(name, nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1, bias=bias))]


def _halving(
    config: TrialConfig, number: int, inputs: int, outputs: int, *, bias: bool
) -> list[Named]:
    """A layer of D that halves the side."""
    name = f"layer{number}"
    if config.resampling == "pooling":
        convolution = nn.Conv2d(inputs, outputs, 3, padding=1, bias=bias)
        return [(name, convolution), (f"pool{number}", nn.MaxPool2d(2))]
    return [(name, nn.Conv2d(inputs, outputs, 4, stride=2, padding=1, bias=bias))]


def _widths(width: int, size: int) -> list[int]:
    """Channels of the hidden maps, from the largest maps to the smallest: w, 2w, 4w, ..."""
    doublings = (size // _START[size]).bit_length() - 1
    return [width * 2**step for step in range(doublings)]

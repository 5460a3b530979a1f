"""DCGAN for images of 28, 32, 64 or 128 pixels."""

import itertools

from torch import nn

from ganablate.config import TrialConfig
from ganablate.gan.networks.layers import Named, Projection, activation, after, maps_norm, stack

_START = {28: 7, 32: 4, 64: 4, 128: 4}
"""Image size -> side of the smallest maps; every further layer doubles it."""


def dcgan(config: TrialConfig, channels: int) -> tuple[nn.Module, nn.Module]:
    """10,949,504 + 2,765,568 parameters at latent 1000, width 64, 64x64x3, as R1 counts them.

    From the smallest maps (4x4; 7x7 for 28 pixels) each layer doubles the side and halves the
    channels, down to `width` before the image: 64 pixels are 4 doublings with 8, 4, 2, 1 times
    the width. Batch norm follows every hidden layer but the discriminator's first. No layer has a
    bias; where batch norm is switched off a bias takes its place, so that such an arm loses the
    normalisation and not the shift that came with it. Dropout, if any, follows D's activations.

    Args:
        config: uses image_size, latent_dim, widths, activations, norms, d_dropout, g_output.
        channels: of the images, 1 or 3.

    Returns:
        Generator, [batch, latent_dim] to [batch, channels, size, size], and discriminator, that
        to logits [batch].

    Raises:
        ValueError: for another image size.

    Source: Radford et al. 2016, arXiv 1511.06434, section 3 and figure 1; R1, R2.
    """
    if config.image_size not in _START:
        sizes = ", ".join(map(str, _START))
        raise ValueError(f"dcgan makes images of {sizes} pixels, not {config.image_size}")
    return _generator(config, channels), _discriminator(config, channels)


def _generator(config: TrialConfig, channels: int) -> nn.Module:
    start = _START[config.image_size]
    widths = _widths(config.g_width, config.image_size)[::-1]
    bias = config.g_norm == "none"
    modules: list[Named] = [
        ("layer1", Projection(config.latent_dim, widths[0], start, bias=bias)),
        *after(1, config.g_activation, norm=maps_norm(config.g_norm, widths[0])),
    ]
    for number, (inputs, outputs) in enumerate(itertools.pairwise(widths), start=2):
        layer = nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1, bias=bias)
        modules.append((f"layer{number}", layer))
        modules.extend(after(number, config.g_activation, norm=maps_norm(config.g_norm, outputs)))
    last = nn.ConvTranspose2d(widths[-1], channels, 4, stride=2, padding=1, bias=False)
    return stack(
        *modules, (f"layer{len(widths) + 1}", last), ("output", activation(config.g_output))
    )


def _discriminator(config: TrialConfig, channels: int) -> nn.Module:
    widths = _widths(config.d_width, config.image_size)
    name, dropout = config.d_activation, config.d_dropout
    bias = config.d_norm == "none"
    modules: list[Named] = [
        ("layer1", nn.Conv2d(channels, widths[0], 4, stride=2, padding=1, bias=False)),
        *after(1, name, dropout=dropout),
    ]
    for number, (inputs, outputs) in enumerate(itertools.pairwise(widths), start=2):
        layer = nn.Conv2d(inputs, outputs, 4, stride=2, padding=1, bias=bias)
        modules.append((f"layer{number}", layer))
        norm = maps_norm(config.d_norm, outputs)
        modules.extend(after(number, name, norm=norm, dropout=dropout))
    last = nn.Conv2d(widths[-1], 1, _START[config.image_size], bias=False)
    return stack(*modules, (f"layer{len(widths) + 1}", last), ("logits", nn.Flatten(0)))


def _widths(width: int, size: int) -> list[int]:
    """Channels of the hidden maps, from the largest maps to the smallest: w, 2w, 4w, ..."""
    doublings = (size // _START[size]).bit_length() - 1
    return [width * 2**step for step in range(doublings)]

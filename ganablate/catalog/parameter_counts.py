"""How many weights a pair of networks has, counted without torch: for the disk that a plan needs.

Each function takes the settings and the channels of the images, and gives the numbers of learnt
weights of G and of D, those of batch norm included. The tests hold them to the networks
themselves.
"""

import itertools
from collections.abc import Sequence

from ganablate.config import TrialConfig

Counts = tuple[int, int]


def conv(config: TrialConfig, channels: int) -> Counts:
    """Of `conv28` and `conv32`."""
    start = 7 if config.image_size == 28 else 4
    doublings = (config.image_size // start).bit_length() - 1
    wide, narrow = config.g_width, config.d_width
    generator = _dense(config.latent_dim, wide * start**2)
    generator += doublings * _maps(wide, wide, 4) + _maps(wide, channels, 7)
    generator += _norms([wide] * (doublings + 1), config.g_norm)
    discriminator = _maps(channels, narrow, 3) + (doublings - 1) * _maps(narrow, narrow, 3)
    discriminator += _dense(narrow * start**2, 1)
    return generator, discriminator + _norms([narrow] * (doublings - 1), config.d_norm)


def mlp(config: TrialConfig, channels: int) -> Counts:
    """Of `mlp`."""
    pixels = channels * config.image_size**2
    layers = config.hidden_layers or 1
    wide = [max(config.g_width >> step, 1) for step in range(layers)][::-1]
    narrow = [max(config.d_width >> step, 1) for step in range(layers)]
    generator = _dense(config.latent_dim, *wide, pixels) + _norms(wide, config.g_norm)
    discriminator = _dense(pixels, *narrow, 1) + _norms(narrow[1:], config.d_norm)
    return generator, discriminator


def dcgan(config: TrialConfig, channels: int) -> Counts:
    """Of `dcgan`."""
    return _dcgan(config, channels, first_norm=False)


def enhanced(config: TrialConfig, channels: int) -> Counts:
    """Of `enhanced`."""
    return _dcgan(config, channels, first_norm=True)


def _dcgan(config: TrialConfig, channels: int, *, first_norm: bool) -> Counts:
    start = 7 if config.image_size == 28 else 4
    doublings = (config.image_size // start).bit_length() - 1
    side = 3 if config.resampling == "pooling" else 4
    wide = [config.g_width << step for step in range(doublings)][::-1]
    narrow = [config.d_width << step for step in range(doublings)]
    units = wide[0] * start**2
    first = units if config.ends == "linear" else wide[0]  # one bias or norm a unit, or a map
    generator = config.latent_dim * units + _shifts([first, *wide[1:]], config.g_norm)
    generator += _products([*wide, channels]) * side**2
    discriminator = _products([channels, *narrow]) * side**2 + narrow[-1] * start**2
    discriminator += _shifts(narrow if first_norm else narrow[1:], config.d_norm)
    return generator, discriminator


def _shifts(widths: Sequence[int], norm: str) -> int:
    """Scale and shift of each batch norm, or the bias that takes its place."""
    return sum(widths) * (2 if norm == "batch" else 1)


def _norms(widths: Sequence[int], norm: str) -> int:
    return 2 * sum(widths) if norm == "batch" else 0


def _maps(inputs: int, outputs: int, side: int) -> int:
    return inputs * outputs * side**2 + outputs


def _dense(*widths: int) -> int:
    return _products(widths) + sum(widths[1:])


def _products(widths: Sequence[int]) -> int:
    return sum(inputs * outputs for inputs, outputs in itertools.pairwise(widths))

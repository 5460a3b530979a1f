"""Fully connected GANs: R4's with three hidden layers, R1's with one."""

from torch import nn

from ganablate.catalog import function_of
from ganablate.config import TrialConfig
from ganablate.gan.networks.layers import Named, after, stack, vector_norm
from ganablate.gan.networks.products import Linear


def mlp(config: TrialConfig, channels: int) -> tuple[nn.Module, nn.Module]:
    """Three hidden layers in each net: 1,486,352 + 1,460,225 parameters at width 1024, 28x28x1.

    The generator widens: latent, width/4, width/2, width, pixels; the discriminator narrows:
    pixels, width, width/2, width/4, 1. Other depths double and halve likewise, never below one
    unit; a single hidden layer, R1's "single hidden linear layer", has `width` units in each net.
    R4 uses no batch norm here. Where a study asks for it, it follows every hidden layer but the
    discriminator's first (DCGAN's rule), biases kept.

    Args:
        config: uses image_size, latent_dim, hidden_layers, widths, activations, norms, d_dropout,
            g_output.
        channels: of the images, 1 or 3.

    Returns:
        Generator, [batch, latent_dim] to [batch, channels, size, size], and discriminator, that
        to logits [batch].

    Source: R4, tables I and II; R1, section 3.1.
    """
    shape = (channels, config.image_size, config.image_size)
    return _generator(config, shape), _discriminator(config, shape)


def _generator(config: TrialConfig, shape: tuple[int, int, int]) -> nn.Module:
    widths = _widths(config.g_width, config.hidden_layers)[::-1]
    activation = function_of("g_activation", config)
    hidden: list[Named] = []
    inputs = config.latent_dim
    for number, width in enumerate(widths, start=1):
        hidden.append((f"layer{number}", Linear(inputs, width)))
        hidden.extend(after(number, activation, norm=vector_norm(config.g_norm, width)))
        inputs = width
    return stack(
        *hidden,
        (f"layer{len(widths) + 1}", Linear(inputs, _pixels(shape))),
        ("output", function_of("g_output", config)()),
        ("reshape", nn.Unflatten(1, shape)),
    )


def _discriminator(config: TrialConfig, shape: tuple[int, int, int]) -> nn.Module:
    widths = _widths(config.d_width, config.hidden_layers)
    activation = function_of("d_activation", config)
    hidden: list[Named] = []
    inputs = _pixels(shape)
    for number, width in enumerate(widths, start=1):
        norm = vector_norm("none" if number == 1 else config.d_norm, width)
        hidden.append((f"layer{number}", Linear(inputs, width)))
        hidden.extend(after(number, activation, norm=norm, dropout=config.d_dropout))
        inputs = width
    return stack(
        ("flatten", nn.Flatten()),
        *hidden,
        (f"layer{len(widths) + 1}", Linear(inputs, 1)),
        ("logits", nn.Flatten(0)),
    )


def _widths(width: int, layers: int | None) -> list[int]:
    """Units of the hidden layers, from the images to the latents: w, w/2, w/4, ..."""
    assert layers is not None  # the catalog gives mlp a default
    return [max(width >> step, 1) for step in range(layers)]


def _pixels(shape: tuple[int, int, int]) -> int:
    channels, height, width = shape
    return channels * height * width

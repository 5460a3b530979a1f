"""R0's convolutional GANs, for images of 28 and of 32 pixels."""

import itertools

from torch import nn

from ganablate.catalog import function_of
from ganablate.config import TrialConfig
from ganablate.gan.networks.layers import Named, after, maps_norm, stack
from ganablate.gan.networks.products import GreyConvolution, Linear


def conv28(config: TrialConfig, channels: int) -> tuple[nn.Module, nn.Module]:
    """R0's generator and discriminator: 1,164,289 + 40,705 parameters at widths 128 and 64.

    R0 uses no batch norm. Where a study asks for it, it follows every hidden layer but the
    discriminator's first (DCGAN's rule), and the layers keep their biases. Keras pads a strided
    convolution on one side only, torch on both: the shapes and parameters are the same.

    Args:
        config: uses image_size (28), latent_dim, widths, activations, norms, d_dropout, g_output.
        channels: of the images, 1 or 3.

    Returns:
        Generator, [batch, latent_dim] to [batch, channels, 28, 28], and discriminator, that to
        logits [batch].

    Raises:
        ValueError: for another image size.

    Source: R0, section 3.1; "two fully connected layers with 1 neuron each" is read as one.
    """
    return _pair(config, channels, size=28, start=7)


def conv32(config: TrialConfig, channels: int) -> tuple[nn.Module, nn.Module]:
    """R0's nets at CIFAR-10's size: 1,012,483 + 76,673 parameters at widths 128 and 64, 32x32x3.

    R0 trains on CIFAR-10 but describes its 28x28 nets alone. Our reading: the same nets from maps
    of 4x4, one transposed convolution more in the generator and one convolution more in the
    discriminator, whose maps end at 4x4 too; all else as in `conv28`, the 7x7 last convolution
    included. R0 scales CIFAR-10 by its mean and deviation, a range that no squashing function ends
    in; here the default is tanh for [-1, 1], and sigmoid goes with pixel_range "unit".

    Args:
        config: uses image_size (32), latent_dim, widths, activations, norms, d_dropout, g_output.
        channels: of the images, 1 or 3.

    Returns:
        Generator, [batch, latent_dim] to [batch, channels, 32, 32], and discriminator, that to
        logits [batch].

    Raises:
        ValueError: for another image size.

    Source: R0, sections 3.1 and 3.2.
    """
    return _pair(config, channels, size=32, start=4)


def _pair(
    config: TrialConfig, channels: int, *, size: int, start: int
) -> tuple[nn.Module, nn.Module]:
    """Both nets; `start` is the side of the smallest maps, which every further layer doubles."""
    if config.image_size != size:
        raise ValueError(f"conv{size} makes images of {size} pixels, not {config.image_size}")
    doublings = (size // start).bit_length() - 1
    return (
        _generator(config, channels, start, doublings),
        _discriminator(config, channels, start, doublings),
    )


def _generator(config: TrialConfig, channels: int, start: int, doublings: int) -> nn.Module:
    width = config.g_width
    activation = function_of("g_activation", config)
    modules: list[Named] = [
        ("layer1", Linear(config.latent_dim, width * start**2)),
        ("reshape", nn.Unflatten(1, (width, start, start))),
        *after(1, activation, norm=maps_norm(config.g_norm, width)),
    ]
    for number in range(2, doublings + 2):
        layer = nn.ConvTranspose2d(width, width, 4, stride=2, padding=1)
        modules.append((f"layer{number}", layer))
        modules.extend(after(number, activation, norm=maps_norm(config.g_norm, width)))
    last = GreyConvolution(width, 7) if channels == 1 else nn.Conv2d(width, channels, 7, padding=3)
    return stack(
        *modules, (f"layer{doublings + 2}", last), ("output", function_of("g_output", config)())
    )


def _discriminator(config: TrialConfig, channels: int, start: int, doublings: int) -> nn.Module:
    widths = [channels] + [config.d_width] * doublings
    activation = function_of("d_activation", config)
    modules: list[Named] = []
    for number, (inputs, outputs) in enumerate(itertools.pairwise(widths), start=1):
        modules.append((f"layer{number}", nn.Conv2d(inputs, outputs, 3, stride=2, padding=1)))
        norm = maps_norm(config.d_norm, outputs) if number > 1 else None
        modules.extend(after(number, activation, norm=norm, dropout=config.d_dropout))
    return stack(
        *modules,
        ("flatten", nn.Flatten()),
        (f"layer{doublings + 1}", Linear(config.d_width * start**2, 1)),
        ("logits", nn.Flatten(0)),
    )

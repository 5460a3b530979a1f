"""R0's convolutional GAN for 28x28 images."""

from torch import nn

from ganablate.config import TrialConfig
from ganablate.gan.networks.layers import activation, after, maps_norm, stack

_SIZE = 28
_START = 7


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
    if config.image_size != _SIZE:
        raise ValueError(f"conv28 makes images of {_SIZE} pixels, not {config.image_size}")
    return _generator(config, channels), _discriminator(config, channels)


def _generator(config: TrialConfig, channels: int) -> nn.Module:
    width, name = config.g_width, config.g_activation
    return stack(
        ("layer1", nn.Linear(config.latent_dim, width * _START**2)),
        ("reshape", nn.Unflatten(1, (width, _START, _START))),
        *after(1, name, norm=maps_norm(config.g_norm, width)),
        ("layer2", nn.ConvTranspose2d(width, width, 4, stride=2, padding=1)),
        *after(2, name, norm=maps_norm(config.g_norm, width)),
        ("layer3", nn.ConvTranspose2d(width, width, 4, stride=2, padding=1)),
        *after(3, name, norm=maps_norm(config.g_norm, width)),
        ("layer4", nn.Conv2d(width, channels, 7, padding=3)),
        ("output", activation(config.g_output)),
    )


def _discriminator(config: TrialConfig, channels: int) -> nn.Module:
    width, name, dropout = config.d_width, config.d_activation, config.d_dropout
    return stack(
        ("layer1", nn.Conv2d(channels, width, 3, stride=2, padding=1)),
        *after(1, name, dropout=dropout),
        ("layer2", nn.Conv2d(width, width, 3, stride=2, padding=1)),
        *after(2, name, norm=maps_norm(config.d_norm, width), dropout=dropout),
        ("flatten", nn.Flatten()),
        ("layer3", nn.Linear(width * _START**2, 1)),
        ("logits", nn.Flatten(0)),
    )

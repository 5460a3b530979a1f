"""Spectral normalisation of a whole network, put on after its initial weights are drawn."""

import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from ganablate.config import derive_seed

_LAYERS = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)


def apply_spectral_norm(network: nn.Module, seed: int) -> None:
    """Divide every layer's weight by its largest singular value, the first and the last included.

    The weight is read as a matrix of [outputs, inputs x kernel]. Each forward pass in training
    mode runs one power iteration; gradients flow through the singular value. The stored weights
    stay as they are, under the name `<layer>.parametrizations.weight.original`.

    Args:
        network: on the CPU, initialised, without spectral norm; changed in place.
        seed: of the vectors that the power iterations start from, together with the layer's name;
            torch's own stream stays as it was.

    Source: Miyato et al. 2018, arXiv 1802.05957, section 2.1 and algorithm 1. Torch runs 15 power
    iterations more at the start.
    """
    layers = [
        (name, layer) for name, layer in network.named_modules() if isinstance(layer, _LAYERS)
    ]
    with torch.random.fork_rng(devices=[]):
        for name, layer in layers:
            torch.default_generator.manual_seed(derive_seed(seed, "spectral", name))
            spectral_norm(layer)

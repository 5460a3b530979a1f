"""Small trial configs for the tests of the building blocks."""

from typing import Any

from ganablate.catalog import NETWORKS
from ganablate.config import TrialConfig


def config_for(network: str, **changes: Any) -> TrialConfig:
    """A trial with the network's own defaults, its smallest image size, and the changes."""
    sizes = NETWORKS[network].image_sizes
    settings = {
        "dataset": "mnist_5k", "image_size": sizes[0] if sizes else 28, "network": network,
        "latent_dim": 100, "latent": "normal", **NETWORKS[network].defaults,
        "criterion": "bce", "d_steps": 1, "g_steps": 1,
        "g_optimizer": "adam", "d_optimizer": "adam",
        "g_lr": 2e-4, "d_lr": 2e-4, "batch_size": 8, "iterations": 1, "seed": 0,
    }  # fmt: skip
    return TrialConfig(**{**settings, **changes})


BASE = {
    "dataset": "mnist_5k", "image_size": 28, "pixel_range": "signed", "network": "mlp",
    "latent_dim": 6, "latent": "normal", "g_width": 16, "d_width": 16, "hidden_layers": 3,
    "g_activation": "leaky_relu", "d_activation": "leaky_relu", "g_output": "tanh",
    "g_norm": "none", "d_norm": "none", "d_dropout": 0.3, "init": "torch", "criterion": "bce",
    "g_optimizer": "adam", "d_optimizer": "adam", "g_lr": 2e-4, "d_lr": 2e-4,
    "g_beta1": 0.5, "d_beta1": 0.5, "g_beta2": 0.999, "d_beta2": 0.999,
    "g_weight_decay": 0.0, "d_weight_decay": 0.0,
    "d_steps": 1, "g_steps": 1, "batch_size": 8, "iterations": 12, "seed": 7,
}  # fmt: skip
"""Settings of a trial that trains in a second."""
TOTAL = 200
"""Iterations: twentieths of 10."""
HOPELESS = {
    "d_lr": 1e-2, "g_lr": 1e-9, "d_dropout": 0.0, "d_width": 32, "iterations": TOTAL,
    "batch_size": 16, "early_end": 5,
}  # fmt: skip
"""Settings of a trial whose D wins within a few steps."""

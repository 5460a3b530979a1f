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

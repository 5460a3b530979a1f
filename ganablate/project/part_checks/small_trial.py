"""The trial that a part is put into: six steps of a small network on random images."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganablate.config import TrialConfig
from ganablate.gan.checkpoint import load_state, save_state
from ganablate.gan.trainer import Trainer
from ganablate.study.arms.dependence import with_defaults

IMAGES = 64
STEPS = 6
_SMALL = {
    "dataset": "mnist_5k", "network": "mlp", "image_size": 28, "g_width": 16, "d_width": 16,
    "latent_dim": 8, "batch_size": 8, "iterations": STEPS,
}  # fmt: skip


def config_of(**changes: Any) -> TrialConfig:
    """The trial's settings, with these changed."""
    return TrialConfig(**with_defaults({**_SMALL, **changes}), seed=0)


def images_of(size: int = 28, channels: int = 1) -> np.ndarray:
    """Random images, uint8 [64, size, size, channels]."""
    random = np.random.default_rng(0)
    return random.integers(0, 256, (IMAGES, size, size, channels), dtype=np.uint8)


def trainer_of(config: TrialConfig, channels: int = 1) -> Trainer:
    """A trainer of the trial, with its own images, on the CPU."""
    images = images_of(config.image_size, channels)
    return Trainer(config, images, device="cpu", precision="fp32")


def _weights(trainer: Trainer) -> dict[str, Tensor]:
    return {
        f"{net}.{name}": value.clone()
        for net, module in trainer.networks.items()
        for name, value in module.state_dict().items()
    }


def faults_of_training(config: TrialConfig) -> Iterator[str]:
    """What is wrong with a short training, and with the same one interrupted half way."""
    straight = trainer_of(config)
    before = _weights(straight)
    straight.train(STEPS)
    after = _weights(straight)
    if straight.diverged_at is not None:
        yield f"losses or weights are not finite after {straight.diverged_at} steps"
        return
    for net, module in straight.networks.items():
        names = [f"{net}.{name}" for name, _ in module.named_parameters()]
        if all(torch.equal(before[name], after[name]) for name in names):
            yield f"the {net}'s weights do not move in {STEPS} steps"
    first, second = trainer_of(config), trainer_of(config)
    first.train(STEPS // 2)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "state.pt"
        save_state(first.state(), path)
        second.restore(load_state(path))
    second.train(STEPS)
    if any(not torch.equal(after[name], value) for name, value in _weights(second).items()):
        yield "a trial that was interrupted ends with other weights: something is not in its state"

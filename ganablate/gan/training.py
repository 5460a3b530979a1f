"""What a sweep asks of a trainer: all that it knows of a training that is under way.

The built-in one is `ganablate.gan.trainer.Trainer`; one of your own is a line of `TRAINERS` in a
plug-in. `ganablate.gan.loop.Loop` has all of it but the nets and an iteration.
"""

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor, nn

from ganablate.catalog import function_of
from ganablate.config import TrialConfig


class Training(Protocol):
    """The training of one trial.

    The same config, images, thread count and machine give the same bits, however the training was
    cut into calls of `train`, whatever was sampled in between, and whether it went on in another
    process from a `state`. `list --check` tries that.

    Attributes:
        device: Where it computes.
        total_iterations: Its length, `config.total_iterations(len(images))`; an iteration sees
            `config.images_per_iteration` real images.
        iteration: How many are done.
        images_seen: Real images seen by now.
        diverged_at: The iterations that were done when a loss was not finite; None: none was.
        ended_early: Whether it ended by a rule of its own before its length.
        done: Whether nothing is left to train: the length is reached, it diverged or ended early.
        losses: Key -> float32 [iteration], every iteration so far; those that its line in the
            catalog names, or more.
        networks: The nets whose weights a complete trial keeps. `sample` needs `generator`, and
            `generator_ema` if there is one, alone.
    """

    @property
    def device(self) -> torch.device: ...  # noqa: D102
    @property
    def total_iterations(self) -> int: ...  # noqa: D102
    @property
    def iteration(self) -> int: ...  # noqa: D102
    @property
    def images_seen(self) -> int: ...  # noqa: D102
    @property
    def diverged_at(self) -> int | None: ...  # noqa: D102
    @property
    def ended_early(self) -> bool: ...  # noqa: D102
    @property
    def done(self) -> bool: ...  # noqa: D102
    @property
    def losses(self) -> Mapping[str, np.ndarray]: ...  # noqa: D102
    @property
    def networks(self) -> Mapping[str, nn.Module]: ...  # noqa: D102

    def train(self, until: int) -> None:
        """Go on until so many iterations are done, a loss is not finite, or it ends early."""

    def sample(self, n: int, purpose: str) -> np.ndarray:
        """Images uint8 [n, height, width, channels], a function of seed, purpose and weights."""

    def state(self) -> dict[str, Any]:
        """All that `restore` needs to go on from here: tensors, numbers, text, and dicts of them.

        It is stored by `torch.save`, and read with `weights_only`.
        """

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave; its tensors are on the host."""


@runtime_checkable
class Pair(Training, Protocol):
    """A training of two nets that probes can look at.

    Attributes:
        discriminator: [batch, channels, height, width] -> logits [batch].
    """

    discriminator: nn.Module

    def latents(self, n: int, *coordinates: int | str) -> Tensor:
        """Points of the latent space, float32 [n, latent_dim]."""

    def images_of(self, latents: Tensor) -> np.ndarray:
        """The images of latents [n, latent_dim], as `sample` makes them."""


def training_of(
    config: TrialConfig, images: np.ndarray, *, device: str, precision: str
) -> Training:
    """The training of a trial by the trainer that it names, at its first iteration.

    Args:
        config: The trial.
        images: uint8 [n, height, width, channels]; a memory map is read batch by batch.
        device: "cpu" or "cuda".
        precision: "fp32", or "bf16" for autocast; weights are kept in fp32 either way.

    Raises:
        ValueError: There are fewer images than one batch needs.
    """
    trainer = function_of("trainer", config)
    return trainer(config, images, device=device, precision=precision)  # type: ignore[no-any-return]


def weights_are_finite(networks: Mapping[str, nn.Module]) -> bool:
    """Whether all weights are finite: the last update can break some that no loss has seen."""
    tensors = (tensor for net in networks.values() for tensor in net.parameters())
    return all(bool(tensor.isfinite().all()) for tensor in tensors)

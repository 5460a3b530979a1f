"""What a trial draws: real batches, latents and labels, each a function of (seed, purpose, step).

No draw depends on how many came before it, so a trial that was restored sees what an uninterrupted
one would.
"""

import numpy as np
import torch
from torch import Tensor

from ganablate.catalog import plugin_digests
from ganablate.config import TrialConfig, derive_seed, label_bounds
from ganablate.gan.data import training_subset
from ganablate.gan.seeding import global_generators, seed_python

MOST_ON_GPU = 2**28
"""Bytes of images that a trial keeps on its GPU, at most; more are read batch by batch."""


class Streams:
    """The random streams of one trial.

    Args:
        config: The trial.
        images: uint8 [n, height, width, channels]; a memory map is read batch by batch.
        device: Where the tensors are made.

    Raises:
        ValueError: There are fewer images than one batch needs.
    """

    def __init__(self, config: TrialConfig, images: np.ndarray, device: torch.device) -> None:
        self.config = config
        self.device = device
        self._images = images
        self._subset = training_subset(len(images), config.train_images)
        self._usable = len(images) if self._subset is None else len(self._subset)
        if self._usable < config.batch_size:
            raise ValueError(f"batch_size {config.batch_size} is larger than {self._usable} images")
        self._epoch = -1
        self._order = np.empty(0, dtype=np.int64)
        self._globals = global_generators(device)
        self._has_own_parts = bool(plugin_digests(config.model_dump(exclude_none=True)))
        self._resident = _on_gpu(images, self._subset, device)

    def real(self, step: int) -> Tensor:
        """The real images of a D step, in the pixel range, [batch, channels, height, width].

        Each epoch is a new permutation of the images, without its incomplete last batch.
        """
        size = self.config.batch_size
        epoch, position = divmod(step, self._usable // size)
        if epoch != self._epoch:
            order = np.random.Generator(
                np.random.PCG64(derive_seed(self.config.seed, "order", epoch))
            )
            self._order = order.permutation(self._usable)
            self._epoch = epoch
        chosen = self._order[position * size : (position + 1) * size]
        if self._resident is not None:
            pixels = self._resident[torch.from_numpy(chosen).to(self.device)]
        else:
            rows = chosen if self._subset is None else self._subset[chosen]
            pixels = torch.from_numpy(self._images[rows]).to(self.device)
        # A permuted N x H x W x C array is what torch calls channels_last: no copy.
        unit = pixels.permute(0, 3, 1, 2).float().div_(255)
        return unit.mul_(2).sub_(1) if self.config.pixel_range == "signed" else unit

    def latents(self, n: int, *coordinates: int | str) -> Tensor:
        """Points of the latent space, float32 [n, latent_dim]."""
        random, shape = self._random(*coordinates), (n, self.config.latent_dim)
        if self.config.latent == "uniform":
            return torch.rand(shape, generator=random, device=self.device).mul_(2).sub_(1)
        return torch.randn(shape, generator=random, device=self.device)

    def labels(self, step: int) -> dict[str, Tensor]:
        """`real_labels` and `fake_labels` of a D step, [batch] each; none where they are hard."""
        drawn: dict[str, Tensor] = {}
        for name in ("real_labels", "fake_labels"):
            labels: str | None = getattr(self.config, name)
            if labels is not None:
                low, high = label_bounds(labels)
                random, shape = self._random(name, step), (self.config.batch_size,)
                uniform = torch.rand(shape, generator=random, device=self.device)
                drawn[name] = uniform.mul_(high - low).add_(low)
        return drawn

    def seed_global(self, purpose: str, step: int) -> None:
        """Seed torch's own generators, which dropout and penalties draw from.

        Where the trial has parts of the user's own, also numpy's and Python's.
        """
        seed = derive_seed(self.config.seed, "dropout", purpose, step)
        # Not torch.manual_seed: with a CUDA build on a CPU it formats a stack trace at each call.
        for generator in self._globals:
            generator.manual_seed(seed)
        if self._has_own_parts:
            seed_python(seed)

    def _random(self, *coordinates: int | str) -> torch.Generator:
        random = torch.Generator(self.device)
        random.manual_seed(derive_seed(self.config.seed, *coordinates))
        return random


def _on_gpu(images: np.ndarray, subset: np.ndarray | None, device: torch.device) -> Tensor | None:
    """The images of the training on the GPU; None where batches come from the host's memory."""
    count = len(images) if subset is None else len(subset)
    if device.type != "cuda" or images[:1].nbytes * count > MOST_ON_GPU:
        return None
    return torch.from_numpy(np.array(images if subset is None else images[subset])).to(device)

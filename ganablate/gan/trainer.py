"""The one training loop, shared by every network, criterion and optimizer.

It knows neither sweeps nor tracking: it trains to an iteration, and can say and take back its
whole state. Every random draw is a function of (seed, purpose, step), so a trainer that was
restored goes on bit for bit like one that never stopped.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ganablate.catalog import CRITERIA, NETWORKS, OPTIMIZERS, PENALTIES
from ganablate.config import TrialConfig, derive_seed
from ganablate.gan.data import training_subset
from ganablate.gan.initialisers import initialise

FETCH_EVERY = 100
"""Iterations between two fetches of the losses: the device is not waited for at every step."""
SAMPLE_BATCH = 500


class Trainer:
    """Trains the two networks of one trial.

    Args:
        config: The trial.
        images: uint8 [n, height, width, channels]; a memory map is read batch by batch.
        device: "cpu" or "cuda".
        precision: "fp32", or "bf16" for autocast; weights are kept in fp32 either way.

    Raises:
        ValueError: There are fewer images than one batch needs.
    """

    def __init__(
        self, config: TrialConfig, images: np.ndarray, *, device: str, precision: str
    ) -> None:
        self.config = config
        self.device = torch.device(device)
        self._autocast = precision == "bf16"
        self._images = images
        self._subset = training_subset(len(images), config.train_images)
        self._usable = len(images) if self._subset is None else len(self._subset)
        if self._usable < config.batch_size:
            raise ValueError(f"batch_size {config.batch_size} is larger than {self._usable} images")
        self.total_iterations = config.total_iterations(len(images))
        self.iteration = 0
        self.diverged_at: int | None = None

        self.generator, self.discriminator = build_networks(config, images.shape[3], self.device)
        self._g_optimizer = build_optimizer(self.generator, config, "g")
        self._d_optimizer = build_optimizer(self.discriminator, config, "d")
        self._criterion = CRITERIA[config.criterion].load()
        self._threshold = CRITERIA[config.criterion].threshold
        self._penalty = PENALTIES[config.penalty].load() if config.penalty else None

        self.loss_keys = ["d/criterion", "g/criterion", "d/accuracy_real", "d/accuracy_fake"]
        if self._penalty is not None:
            self.loss_keys.append("d/penalty")
        self._fetched: list[np.ndarray] = []  # each [steps, len(loss_keys)]
        self._pending: list[Tensor] = []
        self._epoch = -1
        self._order = np.empty(0, dtype=np.int64)

    @property
    def done(self) -> bool:
        """Whether there is nothing left to train: the length is reached, or it diverged."""
        return self.iteration >= self.total_iterations or self.diverged_at is not None

    @property
    def images_seen(self) -> int:
        """Real images shown to the discriminator so far."""
        return self.iteration * self.config.batch_size

    @property
    def losses(self) -> dict[str, np.ndarray]:
        """Every step so far, by key: float32 [iteration]."""
        rows = self._rows()
        return {key: rows[:, column] for column, key in enumerate(self.loss_keys)}

    def _rows(self) -> np.ndarray:
        return np.concatenate([np.empty((0, len(self.loss_keys)), np.float32), *self._fetched])

    def train(self, until: int) -> None:
        """Go on until so many iterations are done, or a loss is not finite."""
        while self.iteration < min(until, self.total_iterations) and self.diverged_at is None:
            self._pending.append(self._iterate(self.iteration))
            self.iteration += 1
            if self.iteration % FETCH_EVERY == 0:
                self._fetch()
        self._fetch()
        if self.iteration >= self.total_iterations and self.diverged_at is None:
            self._check_weights()

    def sample(self, n: int, purpose: str) -> np.ndarray:
        """Generate images with the running statistics of batch norm, in fp32.

        Args:
            n: How many.
            purpose: Names the stream of latents: the same purpose gives the same latents to
                every arm of a replicate that has the same latent dimension.

        Returns:
            uint8 [n, height, width, channels]
        """
        random = self._random("sample", purpose)
        latents = self._draw_latents(n, random)
        self.generator.eval()
        try:
            with torch.inference_mode():
                batches = [self.generator(part) for part in torch.split(latents, SAMPLE_BATCH)]
        finally:
            self.generator.train()
        pixels = torch.cat(batches).float()
        if self.config.pixel_range == "signed":
            pixels = (pixels + 1) / 2
        pixels = pixels.nan_to_num(0.0).clamp(0, 1).mul(255).round().to(torch.uint8)
        return pixels.permute(0, 2, 3, 1).contiguous().cpu().numpy()

    def state(self) -> dict[str, Any]:
        """Everything that `restore` needs to go on exactly from here."""
        return {
            "iteration": self.iteration,
            "diverged_at": self.diverged_at,
            "losses": torch.from_numpy(self._rows()),
            "generator": self.generator.state_dict(),
            "discriminator": self.discriminator.state_dict(),
            "g_optimizer": self._g_optimizer.state_dict(),
            "d_optimizer": self._d_optimizer.state_dict(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave."""
        self.iteration = state["iteration"]
        self.diverged_at = state["diverged_at"]
        self._fetched = [state["losses"].cpu().numpy()]
        self.generator.load_state_dict(state["generator"])
        self.discriminator.load_state_dict(state["discriminator"])
        self._g_optimizer.load_state_dict(state["g_optimizer"])
        self._d_optimizer.load_state_dict(state["d_optimizer"])

    # --- one iteration ---

    def _iterate(self, step: int) -> Tensor:
        """One D step and one G step on one batch of fakes; returns the losses, [keys]."""
        real = self._real_batch(step)
        latents = self._draw_latents(self.config.batch_size, self._random("latents", step))
        with self._precision():
            fake = self.generator(latents)
        measured, real_logits = self._d_step(step, real, fake.detach())
        measured["g/criterion"] = self._g_step(step, fake, real_logits)
        return torch.stack([measured[key].detach().float() for key in self.loss_keys])

    def _d_step(self, step: int, real: Tensor, fake: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        measured: dict[str, Tensor] = {}
        with self._precision():
            self._seed_dropout("real", step)
            real_logits = self.discriminator(real)
            self._seed_dropout("fake", step)
            fake_logits = self.discriminator(fake)
            criterion, _ = self._criterion(real_logits, fake_logits)
            loss = criterion
            if self._penalty is not None:
                self._seed_dropout("penalty", step)
                penalty = self.config.penalty_weight * self._penalty(self.discriminator, real, fake)
                measured["d/penalty"] = penalty
                loss = loss + penalty
        self._d_optimizer.zero_grad()
        loss.backward()
        self._d_optimizer.step()
        measured["d/criterion"] = criterion
        measured["d/accuracy_real"] = (real_logits > self._threshold).float().mean()
        measured["d/accuracy_fake"] = (fake_logits <= self._threshold).float().mean()
        return measured, real_logits.detach()

    def _g_step(self, step: int, fake: Tensor, real_logits: Tensor) -> Tensor:
        # A second autocast context: one that outlives the D step would reuse D's old weights in
        # its cache of casts.
        with self._precision():
            self._seed_dropout("generator", step)
            _, loss = self._criterion(real_logits, self.discriminator(fake))
        self._g_optimizer.zero_grad()
        # `inputs` keeps autograd from computing the gradients of D's parameters.
        loss.backward(inputs=list(self.generator.parameters()))
        self._g_optimizer.step()
        return loss  # type: ignore[no-any-return]

    def _precision(self) -> torch.autocast:
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self._autocast)

    # --- data and randomness ---

    def _real_batch(self, step: int) -> Tensor:
        """Real images scaled to the pixel range, [batch, channels, height, width]."""
        size = self.config.batch_size
        epoch, position = divmod(step, self._usable // size)
        if epoch != self._epoch:
            random = np.random.Generator(
                np.random.PCG64(derive_seed(self.config.seed, "order", epoch))
            )
            self._order = random.permutation(self._usable)
            self._epoch = epoch
        chosen = self._order[position * size : (position + 1) * size]
        if self._subset is not None:
            chosen = self._subset[chosen]
        pixels = torch.from_numpy(self._images[chosen]).to(self.device, non_blocking=True)
        # A permuted N x H x W x C array is what torch calls channels_last: no copy.
        unit = pixels.permute(0, 3, 1, 2).float().div_(255)
        return unit if self.config.pixel_range == "unit" else unit.mul_(2).sub_(1)

    def _draw_latents(self, n: int, random: torch.Generator) -> Tensor:
        shape = (n, self.config.latent_dim)
        if self.config.latent == "uniform":
            return torch.rand(shape, generator=random, device=self.device).mul_(2).sub_(1)
        return torch.randn(shape, generator=random, device=self.device)

    def _random(self, purpose: str, step: int | str) -> torch.Generator:
        random = torch.Generator(self.device)
        random.manual_seed(derive_seed(self.config.seed, purpose, step))
        return random

    def _seed_dropout(self, passed: str, step: int) -> None:
        """Reseed torch's own generator, the only one that dropout draws from."""
        if self.config.d_dropout > 0:
            torch.manual_seed(derive_seed(self.config.seed, "dropout", passed, step))

    # --- divergence ---

    def _fetch(self) -> None:
        """Move the losses of the last steps to the host; stop at the first that is not finite."""
        if not self._pending:
            return
        rows = torch.stack(self._pending).cpu().numpy()
        self._pending = []
        bad = np.flatnonzero(~np.isfinite(rows).all(axis=1))
        if bad.size:
            self.iteration -= len(rows) - int(bad[0]) - 1
            self.diverged_at = self.iteration
            rows = rows[: bad[0] + 1]
        self._fetched.append(rows)

    def _check_weights(self) -> None:
        """The last update can break weights that no loss has seen."""
        tensors = [*self.generator.parameters(), *self.discriminator.parameters()]
        if not all(bool(tensor.isfinite().all()) for tensor in tensors):
            self.diverged_at = self.iteration


def build_networks(
    config: TrialConfig, channels: int, device: torch.device
) -> tuple[nn.Module, nn.Module]:
    """The generator and the discriminator of a trial, with their initial weights."""
    generator, discriminator = NETWORKS[config.network].load()(config, channels)
    for net, module in (("generator", generator), ("discriminator", discriminator)):
        initialise(module, config.init, config.seed, net)
        module.to(device=device, memory_format=torch.channels_last)
    return generator, discriminator


def build_optimizer(network: nn.Module, config: TrialConfig, prefix: str) -> torch.optim.Optimizer:
    """The optimizer of one network; `prefix` is "g" or "d"."""
    optimizer = OPTIMIZERS[getattr(config, f"{prefix}_optimizer")]
    settings = {name: getattr(config, f"{prefix}_{name}") for name in ("lr", *optimizer.settings)}
    return optimizer.load()(network.parameters(), **settings)  # type: ignore[no-any-return]

"""The built-in trainer: a generator and a discriminator against each other.

It is shared by every network, criterion and optimizer.
"""

from collections.abc import Collection
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from ganablate.catalog import CRITERIA, function_of, own_values
from ganablate.catalog.parts import GAN_LOSSES
from ganablate.config import TrialConfig, derive_seed
from ganablate.gan.initialisers import initialise
from ganablate.gan.loop import Loop
from ganablate.gan.networks.spectral import apply_spectral_norm
from ganablate.gan.update import Update
from ganablate.trials.saturation import checks, saturated_steps


class Trainer(Loop):
    """Trains the two networks of one trial.

    Where an iteration has several steps of a net, its losses are those of the last one.

    Its arguments are those of `ganablate.gan.training.training_of`.
    """

    def __init__(
        self, config: TrialConfig, images: np.ndarray, *, device: str, precision: str
    ) -> None:
        keys = (*GAN_LOSSES, "d/penalty") if config.penalties else GAN_LOSSES
        super().__init__(config, images, device=device, precision=precision, loss_keys=keys)
        self.generator, self.discriminator = build_networks(config, images.shape[3], self.device)
        self._ema = None if config.g_ema is None else averaged(self.generator, config.g_ema)
        self._at_once = takes_both_at_once(self.discriminator)
        self._g_update = Update(self.generator, config, "g")
        self._d_update = Update(self.discriminator, config, "d")
        self._criterion = function_of("criterion", config)
        self._threshold = CRITERIA[config.criterion].threshold
        self._pairs = CRITERIA[config.criterion].pairs
        self._penalties = [
            (setting, weight, function_of(setting, config))
            for setting, weight in config.penalties.items()
        ]

    @property
    def parts(self) -> dict[str, nn.Module | Update]:
        """Both nets, their updates, and the averaged generator where the trial has it."""
        parts: dict[str, nn.Module | Update] = {
            "generator": self.generator,
            "discriminator": self.discriminator,
            "g_optimizer": self._g_update,
            "d_optimizer": self._d_update,
        }
        return parts if self._ema is None else {**parts, "ema": self._ema}

    @property
    def networks(self) -> dict[str, nn.Module]:
        """The nets by name; `generator_ema` is the averaged one, where the trial has it."""
        nets = {"generator": self.generator, "discriminator": self.discriminator}
        return nets if self._ema is None else {**nets, "generator_ema": self._ema.module}

    def judge(self, images: Tensor) -> Tensor:
        """D's logits [batch] of real or generated images [batch, channels, height, width].

        Every step of both nets asks here, so a trainer of one's own may change what D sees. Draws
        from torch's own generators are functions of the step.
        """
        logits: Tensor = self.discriminator(images)
        return logits

    # --- one iteration ---

    def iterate(self, iteration: int) -> Tensor:
        """The D steps, then the G steps of an iteration; returns the last losses, [keys].

        The last D step and the first G step share their fakes: one pass of the generator.
        """
        d_steps, g_steps = self.config.d_steps, self.config.g_steps
        for step in range(iteration * d_steps, (iteration + 1) * d_steps):
            with torch.set_grad_enabled(step == (iteration + 1) * d_steps - 1):
                fake = self._fakes("latents", step)
            real = self.streams.real(step)
            measured, real_logits = self._d_step(step, real, fake.detach())
        for step in range(iteration * g_steps, (iteration + 1) * g_steps):
            if step > iteration * g_steps:
                fake = self._fakes("g_latents", step)
            measured["g/criterion"] = self._g_step(step, fake, real, real_logits)
        return torch.stack([measured[key].detach().float() for key in self.loss_keys])

    def _fakes(self, purpose: str, step: int) -> Tensor:
        latents = self.streams.latents(self.config.batch_size, purpose, step)
        self.streams.seed_global(purpose, step)
        with self.autocast():
            fake: Tensor = self.generator(latents)
        return fake

    def _d_step(self, step: int, real: Tensor, fake: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        measured: dict[str, Tensor] = {}
        with self.autocast():
            real_logits, fake_logits = self._logits(real, fake, step)
            criterion, _ = self._criterion(real_logits, fake_logits, **self.streams.labels(step))
            loss = criterion
            for setting, weight, function in self._penalties:
                self.streams.seed_global(setting, step)
                penalty = weight * function(self.discriminator, real, fake)
                measured["d/penalty"] = measured.get("d/penalty", 0) + penalty
                loss = loss + penalty
        self._d_update(loss, self.progress)
        measured["d/criterion"] = criterion
        measured["d/accuracy_real"] = (real_logits > self._threshold).float().mean()
        measured["d/accuracy_fake"] = (fake_logits <= self._threshold).float().mean()
        return measured, real_logits.detach()

    def _logits(self, real: Tensor, fake: Tensor, step: int) -> tuple[Tensor, Tensor]:
        """D's logits of both batches, [batch] each."""
        self.streams.seed_global("real", step)
        if self._at_once:
            both: Tensor = self.judge(torch.cat([real, fake]))
            return both[: len(real)], both[len(real) :]
        real_logits = self.judge(real)
        self.streams.seed_global("fake", step)
        return real_logits, self.judge(fake)

    def _g_step(self, step: int, fake: Tensor, real: Tensor, real_logits: Tensor) -> Tensor:
        # A second autocast context: one that outlives the D step would reuse D's old weights in
        # its cache of casts.
        with self.autocast():
            if self._pairs:
                self.streams.seed_global("real in generator", step)
                real_logits = self.judge(real)
            self.streams.seed_global("generator", step)
            _, loss = self._criterion(real_logits, self.judge(fake))
        self._g_update(loss, self.progress)
        if self._ema is not None:
            self._ema.update_parameters(self.generator)
        return loss  # type: ignore[no-any-return]

    # --- early end ---

    @cached_property
    def checks(self) -> Collection[int]:
        """The iterations after which a trial that may end early is looked at."""
        may_end = self.config.early_end is not None and CRITERIA[self.config.criterion].decides
        return frozenset(checks(self.total_iterations) if may_end else ())

    def ends_early(self) -> bool:
        """Whether D has been one-sided for as many parts of the training as `early_end` says."""
        successive = self.config.early_end
        if not self.checks or successive is None or self.diverged_at is not None:
            return False
        return saturated_steps(self.losses, self.total_iterations, successive) is not None


def averaged(network: nn.Module, decay: float) -> AveragedModel:
    """A copy whose weights follow the exponential mean of the net's, after each G step.

    Its buffers are the net's own: the mean of two singular vectors (spectral norm) is none.

    Source: Yazici et al. 2019, arXiv 1806.04498; decay is their beta.
    """
    mean = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
    return AveragedModel(network, multi_avg_fn=mean)


def takes_both_at_once(network: nn.Module) -> bool:
    """Whether D sees the real and the fake images of a step in one pass.

    Fully connected layers are faster on one large batch than on two; convolutions are not. With
    batch norm, or in a module that is neither torch's nor ours, an image's logit may depend on
    the others of its batch, so there the two stay apart.
    """
    return not any(
        isinstance(module, _BatchNorm | _ConvNd)
        or not type(module).__module__.startswith(("torch.nn.", "ganablate."))
        for module in network.modules()
    )


def build_networks(
    config: TrialConfig, channels: int, device: torch.device
) -> tuple[nn.Module, nn.Module]:
    """The generator and the discriminator of a trial, with their initial weights."""
    generator, discriminator = function_of("network", config)(config, channels)
    for net, module, norm in (
        ("generator", generator, config.g_norm),
        ("discriminator", discriminator, config.d_norm),
    ):
        initialise(module, config.init, config.seed, net, own_values("init", config))
        if norm == "spectral":
            apply_spectral_norm(module, derive_seed(config.seed, net))
        module.to(device=device, memory_format=torch.channels_last)
    return generator, discriminator

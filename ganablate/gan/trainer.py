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
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from ganablate.catalog import CRITERIA, function_of, own_values
from ganablate.config import TrialConfig, derive_seed
from ganablate.gan.initialisers import initialise
from ganablate.gan.networks.spectral import apply_spectral_norm
from ganablate.gan.streams import Streams
from ganablate.gan.update import Update
from ganablate.trials.saturation import checks, saturated_steps

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
        torch.backends.cudnn.allow_tf32 = False  # cuDNN would take it for fp32
        self._autocast = precision == "bf16"
        self._streams = Streams(config, images, self.device)
        self.total_iterations = config.total_iterations(len(images))
        self.iteration = 0
        self.diverged_at: int | None = None
        self.ended_early = False
        may_end = config.early_end is not None and CRITERIA[config.criterion].decides
        self._checks = frozenset(checks(self.total_iterations) if may_end else ())

        self._streams.seed_global("networks", 0)  # a net of somebody's own may draw a buffer
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
            for setting, weight in (
                ("penalty", config.penalty_weight),
                ("second_penalty", config.second_penalty_weight),
            )
            if getattr(config, setting) is not None
        ]

        self.loss_keys = ["d/criterion", "g/criterion", "d/accuracy_real", "d/accuracy_fake"]
        if self._penalties:
            self.loss_keys.append("d/penalty")
        # One array from the start: small ones, allocated between the large ones of the steps, kept
        # these from being used again, and a slow trial took gigabytes.
        self._losses = np.empty((self.total_iterations, len(self.loss_keys)), np.float32)
        self._fetched = 0  # rows of it
        self._pending: list[Tensor] = []

    @property
    def done(self) -> bool:
        """Whether nothing is left to train: the length is reached, it diverged or ended early."""
        ended = self.diverged_at is not None or self.ended_early
        return ended or self.iteration >= self.total_iterations

    @property
    def images_seen(self) -> int:
        """Real images shown to the discriminator so far."""
        return self.iteration * self.config.d_steps * self.config.batch_size

    @property
    def networks(self) -> dict[str, nn.Module]:
        """The nets by name; `generator_ema` is the averaged one, where the trial has it."""
        nets = {"generator": self.generator, "discriminator": self.discriminator}
        return nets if self._ema is None else {**nets, "generator_ema": self._ema.module}

    @property
    def losses(self) -> dict[str, np.ndarray]:
        """Every iteration so far, by key: float32 [iteration].

        Where an iteration has several steps of a net, these are those of its last one.
        """
        rows = self._rows()
        return {key: rows[:, column] for column, key in enumerate(self.loss_keys)}

    def _rows(self) -> np.ndarray:
        return self._losses[: self._fetched]

    def train(self, until: int) -> None:
        """Go on until so many iterations are done, a loss is not finite, or it ends early."""
        while self.iteration < until and not self.done:
            self._pending.append(self._iterate(self.iteration))
            self.iteration += 1
            if self.iteration in self._checks:
                self._fetch()
                self.ended_early = self._is_saturated()
            elif self.iteration % FETCH_EVERY == 0:
                self._fetch()
        self._fetch()
        if self.done and self.diverged_at is None and not self.weights_are_finite():
            self.diverged_at = self.iteration

    def sample(self, n: int, purpose: str) -> np.ndarray:
        """Generate images with the running statistics of batch norm, in fp32.

        The averaged generator makes them, where the trial has one.

        Args:
            n: How many.
            purpose: Names the stream of latents: the same purpose gives the same latents to
                every arm of a replicate that has the same latent dimension.

        Returns:
            uint8 [n, height, width, channels]
        """
        return self.images_of(self.latents(n, "sample", purpose))

    def latents(self, n: int, *coordinates: int | str) -> Tensor:
        """Points of the trial's latent space, float32 [n, latent_dim]; see `Streams`."""
        return self._streams.latents(n, *coordinates)

    def images_of(self, latents: Tensor) -> np.ndarray:
        """The images of chosen latents, [n, latent_dim], as `sample` makes them."""
        generator = self.generator if self._ema is None else self._ema.module
        generator.eval()
        self._streams.seed_global("samples", 0)  # a net of somebody's own may draw noise
        try:
            with torch.inference_mode():
                parts = torch.split(latents.to(self.device), SAMPLE_BATCH)
                # Bytes at once: thousands of images as float32 would be the peak of a trial.
                images = torch.cat([self._as_bytes(generator(part)) for part in parts])
        finally:
            generator.train()
        return images.permute(0, 2, 3, 1).contiguous().cpu().numpy()

    def _as_bytes(self, pixels: Tensor) -> Tensor:
        """Pixels of the trial's range as uint8; what is not a number becomes 0."""
        pixels = pixels.float()
        if self.config.pixel_range == "signed":
            pixels = (pixels + 1) / 2
        return pixels.nan_to_num(0.0).clamp(0, 1).mul(255).round().to(torch.uint8)

    def state(self) -> dict[str, Any]:
        """Everything that `restore` needs to go on exactly from here."""
        return {
            "iteration": self.iteration,
            "diverged_at": self.diverged_at,
            "losses": torch.from_numpy(self._rows()),
            "generator": self.generator.state_dict(),
            "discriminator": self.discriminator.state_dict(),
            "g_optimizer": self._g_update.state_dict(),
            "d_optimizer": self._d_update.state_dict(),
            **({} if self._ema is None else {"ema": self._ema.state_dict()}),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave."""
        self.iteration = state["iteration"]
        self.diverged_at = state["diverged_at"]
        self._keep(state["losses"].cpu().numpy(), at=0)
        self.ended_early = self._is_saturated()
        self.generator.load_state_dict(state["generator"])
        self.discriminator.load_state_dict(state["discriminator"])
        self._g_update.load_state_dict(state["g_optimizer"])
        self._d_update.load_state_dict(state["d_optimizer"])
        if self._ema is not None:
            self._ema.load_state_dict(state["ema"])

    # --- one iteration ---

    def _iterate(self, iteration: int) -> Tensor:
        """The D steps, then the G steps of an iteration; returns the last losses, [keys].

        The last D step and the first G step share their fakes: one pass of the generator.
        """
        d_steps, g_steps = self.config.d_steps, self.config.g_steps
        for step in range(iteration * d_steps, (iteration + 1) * d_steps):
            with torch.set_grad_enabled(step == (iteration + 1) * d_steps - 1):
                fake = self._fakes("latents", step)
            real = self._streams.real(step)
            measured, real_logits = self._d_step(step, real, fake.detach())
        for step in range(iteration * g_steps, (iteration + 1) * g_steps):
            if step > iteration * g_steps:
                fake = self._fakes("g_latents", step)
            measured["g/criterion"] = self._g_step(step, fake, real, real_logits)
        return torch.stack([measured[key].detach().float() for key in self.loss_keys])

    def _fakes(self, purpose: str, step: int) -> Tensor:
        latents = self._streams.latents(self.config.batch_size, purpose, step)
        self._streams.seed_global(purpose, step)
        with self._precision():
            fake: Tensor = self.generator(latents)
        return fake

    def _d_step(self, step: int, real: Tensor, fake: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        measured: dict[str, Tensor] = {}
        with self._precision():
            real_logits, fake_logits = self._logits(real, fake, step)
            criterion, _ = self._criterion(real_logits, fake_logits, **self._streams.labels(step))
            loss = criterion
            for setting, weight, function in self._penalties:
                self._streams.seed_global(setting, step)
                penalty = weight * function(self.discriminator, real, fake)
                measured["d/penalty"] = measured.get("d/penalty", 0) + penalty
                loss = loss + penalty
        self._d_update(loss, self._progress)
        measured["d/criterion"] = criterion
        measured["d/accuracy_real"] = (real_logits > self._threshold).float().mean()
        measured["d/accuracy_fake"] = (fake_logits <= self._threshold).float().mean()
        return measured, real_logits.detach()

    def _logits(self, real: Tensor, fake: Tensor, step: int) -> tuple[Tensor, Tensor]:
        """D's logits of both batches, [batch] each."""
        self._streams.seed_global("real", step)
        if self._at_once:
            both: Tensor = self.discriminator(torch.cat([real, fake]))
            return both[: len(real)], both[len(real) :]
        real_logits = self.discriminator(real)
        self._streams.seed_global("fake", step)
        return real_logits, self.discriminator(fake)

    def _g_step(self, step: int, fake: Tensor, real: Tensor, real_logits: Tensor) -> Tensor:
        # A second autocast context: one that outlives the D step would reuse D's old weights in
        # its cache of casts.
        with self._precision():
            if self._pairs:
                self._streams.seed_global("real in generator", step)
                real_logits = self.discriminator(real)
            self._streams.seed_global("generator", step)
            _, loss = self._criterion(real_logits, self.discriminator(fake))
        self._g_update(loss, self._progress)
        if self._ema is not None:
            self._ema.update_parameters(self.generator)
        return loss  # type: ignore[no-any-return]

    @property
    def _progress(self) -> float:
        return self.iteration / self.total_iterations

    def _precision(self) -> torch.autocast:
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self._autocast)

    # --- early end ---

    def _is_saturated(self) -> bool:
        """Whether the steps so far end the training early: a function of them and the config."""
        successive = self.config.early_end
        if not self._checks or successive is None or self.diverged_at is not None:
            return False
        return saturated_steps(self.losses, self.total_iterations, successive) is not None

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
        self._keep(rows, at=self._fetched)

    def _keep(self, rows: np.ndarray, at: int) -> None:
        self._fetched = at + len(rows)
        self._losses[at : self._fetched] = rows

    def weights_are_finite(self) -> bool:
        """Whether all weights are finite: the last update can break some that no loss has seen."""
        tensors = [*self.generator.parameters(), *self.discriminator.parameters()]
        return all(bool(tensor.isfinite().all()) for tensor in tensors)


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

"""The loop of a training: iterations and their losses, divergence, samples, state.

It knows neither sweeps nor tracking: it trains to an iteration, and can say and take back its
whole state. Every random draw is a function of (seed, purpose, step), so a training that was
restored goes on bit for bit like one that never stopped.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ganablate.config import TrialConfig
from ganablate.gan.streams import Streams
from ganablate.gan.training import weights_are_finite
from ganablate.gan.update import Update

FETCH_EVERY = 100
"""Iterations between two fetches of the losses: the device is not waited for at every step."""
SAMPLE_BATCH = 500


class Loop(ABC):
    """A `ganablate.gan.training.Training` but for the nets, `parts`, and an `iterate`.

    A trainer makes its nets after this constructor, which seeds torch's own generators for them.

    Args:
        config: The trial.
        images: uint8 [n, height, width, channels]; a memory map is read batch by batch.
        device: "cpu" or "cuda".
        precision: "fp32", or "bf16" for autocast; weights are kept in fp32 either way.
        loss_keys: What `iterate` returns, in its order.

    Attributes:
        streams: Draws for the training: real batches, latents; see `Streams`.

    Raises:
        ValueError: There are fewer images than one batch needs.
    """

    def __init__(
        self,
        config: TrialConfig,
        images: np.ndarray,
        *,
        device: str,
        precision: str,
        loss_keys: Sequence[str],
    ) -> None:
        self.config = config
        self.device = torch.device(device)
        torch.backends.cudnn.allow_tf32 = False  # cuDNN would take it for fp32
        self._autocast = precision == "bf16"
        self.streams = Streams(config, images, self.device)
        self.total_iterations = config.total_iterations(len(images))
        self.iteration = 0
        self.diverged_at: int | None = None
        self.ended_early = False
        self.loss_keys = tuple(loss_keys)
        # One array from the start: small ones, allocated between the large ones of the steps, kept
        # these from being used again, and a slow trial took gigabytes.
        self._losses = np.empty((self.total_iterations, len(self.loss_keys)), np.float32)
        self._fetched = 0  # rows of it
        self._pending: list[Tensor] = []
        self.streams.seed_global("networks", 0)  # a net of somebody's own may draw a buffer

    @property
    @abstractmethod
    def parts(self) -> Mapping[str, nn.Module | Update]:
        """What a state holds, by name; the net `generator` makes images of latents."""

    @abstractmethod
    def iterate(self, iteration: int) -> Tensor:
        """Do an iteration, the first is 0; returns its losses float32 [loss keys], detached."""

    @property
    def networks(self) -> dict[str, nn.Module]:
        """The nets by name."""
        return {name: part for name, part in self.parts.items() if isinstance(part, nn.Module)}

    @property
    def done(self) -> bool:
        """Whether nothing is left to train: the length is reached, it diverged or ended early."""
        ended = self.diverged_at is not None or self.ended_early
        return ended or self.iteration >= self.total_iterations

    @property
    def images_seen(self) -> int:
        """Real images seen so far."""
        return self.iteration * self.config.images_per_iteration

    @property
    def losses(self) -> dict[str, np.ndarray]:
        """Every iteration so far, by key: float32 [iteration]."""
        rows = self._rows()
        return {key: rows[:, column] for column, key in enumerate(self.loss_keys)}

    def _rows(self) -> np.ndarray:
        return self._losses[: self._fetched]

    def train(self, until: int) -> None:
        """Go on until so many iterations are done, a loss is not finite, or it ends early."""
        checks = self.checks
        while self.iteration < until and not self.done:
            self._pending.append(self.iterate(self.iteration))
            self.iteration += 1
            if self.iteration in checks:
                self._fetch()
                self.ended_early = self.ends_early()
            elif self.iteration % FETCH_EVERY == 0:
                self._fetch()
        self._fetch()
        if self.done and self.diverged_at is None and not weights_are_finite(self.networks):
            self.diverged_at = self.iteration

    @property
    def checks(self) -> Collection[int]:
        """The iterations after which it may end early."""
        return ()

    def ends_early(self) -> bool:
        """Whether the losses so far end it early: a function of them and the config."""
        return False

    @property
    def progress(self) -> float:
        """The share of its iterations that are done."""
        return self.iteration / self.total_iterations

    def autocast(self) -> torch.autocast:
        """The context of the trial's precision."""
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self._autocast)

    # --- samples ---

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
        return self.streams.latents(n, *coordinates)

    def images_of(self, latents: Tensor) -> np.ndarray:
        """The images of chosen latents, [n, latent_dim], as `sample` makes them."""
        networks = self.networks
        generator = networks.get("generator_ema", networks["generator"])
        generator.eval()
        self.streams.seed_global("samples", 0)  # a net of somebody's own may draw noise
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

    # --- state ---

    def state(self) -> dict[str, Any]:
        """Everything that `restore` needs to go on exactly from here."""
        return {
            "iteration": self.iteration,
            "diverged_at": self.diverged_at,
            "losses": torch.from_numpy(self._rows()),
            **{name: part.state_dict() for name, part in self.parts.items()},
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take back what `state` gave."""
        self.iteration = state["iteration"]
        self.diverged_at = state["diverged_at"]
        self._keep(state["losses"].cpu().numpy(), at=0)
        self.ended_early = self.ends_early()
        for name, part in self.parts.items():
            part.load_state_dict(state[name])

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

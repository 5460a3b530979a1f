"""What a line of each table holds. A table's lines share one signature, stated here."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Direction = Literal["min", "max", "none"]


@dataclass(frozen=True, kw_only=True)
class Part:
    """One line of a table. `implementation` is "module:function"."""

    implementation: str
    summary: str
    source: str

    def load(self) -> Any:
        """Import and return the function; each table states its signature."""
        module, _, name = self.implementation.partition(":")
        return getattr(importlib.import_module(module), name)


@dataclass(frozen=True, kw_only=True)
class Criterion(Part):
    """`f(real_logits, fake_logits) -> (d_loss, g_loss)`, logits [batch], losses 0-d."""

    threshold: float
    """D calls an image real where its logit lies above this; the accuracies count with it."""


@dataclass(frozen=True, kw_only=True)
class Penalty(Part):
    """`f(discriminator, real, fake) -> penalty`, 0-d, without its weight."""

    default_weight: float


@dataclass(frozen=True, kw_only=True)
class Optimizer(Part):
    """`f(parameters, **settings) -> torch.optim.Optimizer`; `settings` maps names to defaults."""

    settings: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Network(Part):
    """`f(config, channels) -> (generator, discriminator)`.

    The generator maps [batch, latent_dim] to [batch, channels, size, size], the discriminator
    that to logits [batch]. `defaults` are the settings that a study may leave out.
    """

    image_sizes: tuple[int, ...] | None
    """Sizes it can be built for; None: any."""
    defaults: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Dataset(Part):
    """`f(root) -> (images uint8 [n, height, width, channels], labels int64 [n] or None)`."""

    image_size: int
    channels: int
    images: int
    classes: int | None
    data_id: str
    """A constant that names the bytes: part of every trial id."""
    extractor: str | None
    """Key of EXTRACTORS: the network whose features FID and modes are measured with."""
    embedded: bool = False
    """Ships with a package: needs neither files nor a network."""


@dataclass(frozen=True, kw_only=True)
class Extractor(Part):
    """`f(images uint8 [n, h, w, c]) -> Features`, weights shipped beside its card."""

    image_size: int
    channels: int
    weights: str
    """File name under `ganablate/metrics/weights/`; its card is the same name with `.json`."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """One number that a metric yields, as a table shows it."""

    direction: Direction
    unit: str
    title: str


@dataclass(frozen=True, kw_only=True)
class Metric(Part):
    """`f(losses) -> numbers` or `f(real, fake) -> numbers`, one number for each of `columns`.

    `needs` says which: "losses" (every step of the last fifth, key -> [steps]) or "features"
    (two `Features`, real and generated).
    """

    needs: Literal["losses", "features"]
    columns: Mapping[str, Column] = field(default_factory=dict)

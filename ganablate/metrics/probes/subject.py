"""What a probe may look at, and what it finds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from torch import Tensor, nn

from ganablate.metrics.features import Features, Floats, Images

Labels = npt.NDArray[np.int64]
"""int64 [n]."""


@dataclass(frozen=True)
class Labelled:
    """Real images with the class of each, or None where nobody labelled them."""

    images: Images
    labels: Labels | None


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A trained trial. Everything drawn depends on the trial's seed and a purpose alone.

    Attributes:
        images_of: latents float32 [n, latent_dim] -> uint8 [n, h, w, c], as the trial's samples
            are made.
        latents: n, purpose -> float32 [n, latent_dim]; arms of a replicate that have the same
            latent space share them.
        random: purpose -> a new generator.
        discriminator: in evaluation mode.
        untrained_discriminator: the same with its initial weights, in evaluation mode.
        scale: uint8 [n, h, w, c] -> float32 [n, c, h, w] in the discriminator's pixel range.
        train: the training split.
        test: gives the test split; None where the data set has none.
        extract: features of uint8 [n, h, w, c]; None where none measures the data set.
        extractor: name and weights of `extract`, in the words of a protocol.
    """

    images_of: Callable[[Floats], Images]
    latents: Callable[[int, str], Floats]
    random: Callable[[str], np.random.Generator]
    discriminator: nn.Module
    untrained_discriminator: nn.Module
    scale: Callable[[Images], Tensor]
    train: Labelled
    test: Callable[[], Labelled] | None = None
    extract: Callable[[Images], Features] | None = None
    extractor: str = ""


@dataclass(frozen=True)
class Finding:
    """What a probe found.

    Attributes:
        numbers: table column -> number; one that is absent or not finite is missing.
        protocol: how they were measured, the same in every trial measured alike.
        pictures: name -> uint8 [height, width, 1 or 3].
    """

    numbers: Mapping[str, float] = field(default_factory=dict)
    protocol: str = ""
    pictures: Mapping[str, Images] = field(default_factory=dict)

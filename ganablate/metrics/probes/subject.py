"""What a probe may look at, what it finds, and the probes of a study run on one trained trial."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from torch import Tensor, nn

from ganablate.catalog import PROBES
from ganablate.metrics.features import Features, Floats, Images, MetricError

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


@dataclass(frozen=True)
class Probed:
    """Table column -> finite number, the protocol of each, and pictures by (probe, name).

    A picture is uint8 [height, width, 1 or 3].
    """

    numbers: dict[str, float] = field(default_factory=dict)
    protocols: dict[str, str] = field(default_factory=dict)
    pictures: dict[tuple[str, str], Images] = field(default_factory=dict)


def probe(probes: Sequence[str], subject: Subject) -> Probed:
    """Look at a trained trial with each of the probes.

    Args:
        probes: keys of catalog.PROBES, each with what it needs.
        subject: the trial; one that diverged is not looked at.

    Raises:
        MetricError: a probe lacks what it needs, or finds something that the catalog does not
            declare.
    """
    result = Probed()
    for name in probes:
        line = PROBES[name]
        if "labels" in line.needs and subject.train.labels is None:
            raise MetricError(f"the probe {name} needs labels, and this data set has none")
        if "classifier" in line.needs and subject.extract is None:
            raise MetricError(f"the probe {name} needs an extractor, and this data set has none")
        finding: Finding = line.load()(subject)
        extra = {*finding.numbers, *finding.pictures} - {*line.columns, *line.pictures}
        if extra:
            names = ", ".join(sorted(extra))
            raise MetricError(f"the probe {name} finds {names}; the catalog declares none")
        for column, number in finding.numbers.items():
            if math.isfinite(number):
                result.numbers[column] = number
                result.protocols[column] = finding.protocol
        result.pictures.update({(name, key): image for key, image in finding.pictures.items()})
    return result

"""Reference lines: what real images score in the place of generated ones, by the same protocol.

Two lines hold a table's numbers to what they mean. The *floor* are other real images: no generator
can be expected to come below it. *Ten images* are ten real images, repeated: whoever draws worse
than that, or no better, has not learnt the data, whatever its differences from another generator.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ganablate.catalog import FLOOR, METRICS, TEN_IMAGES
from ganablate.config import derive_seed
from ganablate.metrics import evaluate as measuring
from ganablate.metrics.features import Images

TEN = 10
Indices = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Line:
    """Table column -> number, the protocol of each, and which real images were taken, in words."""

    numbers: dict[str, float]
    protocols: dict[str, str]
    images: str

    def of(self, metric: str) -> tuple[dict[str, float], str]:
        """The numbers of one metric, and which images were taken."""
        columns = METRICS[metric].columns
        return {key: number for key, number in self.numbers.items() if key in columns}, self.images


@dataclass(frozen=True)
class RealSets:
    """The images that trials are trained on, uint8 [n, h, w, c], with int64 [n] labels if any.

    `compared` are those that generated images are compared with: the same ones, or another split.
    """

    images: Images
    labels: npt.NDArray[np.int64] | None
    compared: measuring.RealImages


def ten_images(n_images: int, labels: npt.NDArray[np.int64] | None) -> Indices:
    """Indices of ten images: the first of each class where there are ten, else evenly spaced."""
    if labels is not None:
        classes, first = np.unique(labels, return_index=True)
        if len(classes) == TEN:
            return first
    n = min(TEN, n_images)
    return (2 * np.arange(n) + 1) * n_images // (2 * n)


def other_images(n_images: int, n: int) -> Indices:
    """Indices of `n` images, evenly spaced, that `evenly` does not take as the real ones.

    They are none where all of the images are taken.
    """
    step = -(-n_images // measuring.N_REAL)
    others = np.flatnonzero(np.arange(n_images) % max(step, 1))
    return others[np.arange(min(n, len(others))) * len(others) // max(min(n, len(others)), 1)]


def reference_lines(
    metrics: Sequence[str],
    *,
    extractor: str,
    sets: RealSets,
    cache: Path,
    data_root: Path | None = None,
    device: str = "cpu",
) -> dict[str, Line]:
    """Both lines by name, of metrics on images; the floor is left out of fewer than two images.

    The floor is of as many other images as a trial generates: training images where trials are
    compared with the test split. Where a data set has none beside those that trials are compared
    with, its two halves (every second image) are compared with each other: fewer images, so FID is
    a little higher by its bias. The protocol of ten images is that of trials. Arguments are those
    of `evaluate`; no metric compares with training images.

    Raises:
        MetricError: as `evaluate`.
    """

    def measured(real: measuring.RealImages, fake: Images, words: str) -> Line:
        result = measuring.evaluate(
            metrics,
            extractor=extractor,
            losses={},
            fake_images=lambda _n: fake,
            real_images=lambda: real,
            cache=cache,
            data_root=data_root,
            device=device,
        )
        return Line(result.numbers, result.protocols, words)

    images, compared, n = sets.images, sets.compared, measuring.N_FAKE
    ten = ten_images(len(images), sets.labels)
    repeated = images[np.resize(ten, n)]
    lines = {TEN_IMAGES: measured(compared, repeated, f"{len(ten)}, repeated to {n}")}
    if compared.split == "test":
        k = min(n, len(images))
        # Drawn, since a file's order may be periodic: every 12th digit of MNIST is not typical.
        drawn = np.random.default_rng(derive_seed("floor")).choice(len(images), k, replace=False)
        trained = images[np.sort(drawn)]
        lines[FLOOR] = measured(compared, trained, f"{k} of the training split")
    elif len(others := other_images(len(images), n)):
        lines[FLOOR] = measured(compared, images[others], f"{len(others)} others")
    elif len(images) > 1:
        every_second = measuring.RealImages(
            images[0::2], f"{compared.fingerprint} every second", compared.split
        )
        odd = images[1::2]
        lines[FLOOR] = measured(every_second, odd, f"halves of {len(odd)}")
    return lines

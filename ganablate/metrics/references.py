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
class RealImages:
    """A data set: uint8 [n, h, w, c], int64 [n] labels if it has some, and its fingerprint."""

    images: Images
    labels: npt.NDArray[np.int64] | None
    fingerprint: str


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
    real: RealImages,
    cache: Path,
    data_root: Path | None = None,
    device: str = "cpu",
) -> dict[str, Line]:
    """Both lines by name, of metrics on images; the floor is left out of fewer than two images.

    The floor is of as many other images as a trial generates. Where a data set has none beside
    those that trials are compared with, its two halves (every second image) are compared with each
    other: fewer images, so FID is a little higher by its bias. The protocol of ten images is that
    of trials. Arguments are those of `evaluate`.

    Raises:
        MetricError: as `evaluate`.
    """

    def measured(against: Images, of: str, fake: Images, words: str) -> Line:
        result = measuring.evaluate(
            metrics,
            extractor=extractor,
            losses={},
            fake_images=lambda _n: fake,
            real_images=against,
            fingerprint=f"{real.fingerprint}{of}",
            cache=cache,
            data_root=data_root,
            device=device,
        )
        return Line(result.numbers, result.protocols, words)

    images = real.images
    n, ten = measuring.N_FAKE, ten_images(len(images), real.labels)
    repeated = images[np.resize(ten, n)]
    lines = {TEN_IMAGES: measured(images, "", repeated, f"{len(ten)}, repeated to {n}")}
    others = other_images(len(images), n)
    if len(others):
        lines[FLOOR] = measured(images, "", images[others], f"{len(others)} others")
    elif len(images) > 1:
        even, odd = images[0::2], images[1::2]
        lines[FLOOR] = measured(even, " every second", odd, f"halves of {len(odd)}")
    return lines

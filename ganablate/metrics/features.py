"""What an extractor sees in a set of images."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Images = npt.NDArray[np.uint8]
"""uint8 [n, height, width, channels]."""
Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]


class MetricError(ValueError):
    """A metric cannot be measured on this input; the message says why, in one line."""


@dataclass(frozen=True)
class Features:
    """Features of n images, row by row in their order.

    `embeddings` is float32 [n, d]; `probabilities` float32 [n, classes] in [0, 1], each row
    summing to 1, or None where the extractor is no classifier.
    """

    embeddings: Floats
    probabilities: Floats | None

    def __post_init__(self) -> None:
        if self.embeddings.ndim != 2:
            raise ValueError(f"embeddings are [n, d], not {self.embeddings.shape}")
        if self.probabilities is not None and len(self.probabilities) != len(self):
            raise ValueError(
                f"{len(self.probabilities)} rows of probabilities for {len(self)} of embeddings"
            )

    def __len__(self) -> int:
        return len(self.embeddings)


def embeddings_of(real: Features, fake: Features, at_least: int) -> tuple[Doubles, Doubles] | None:
    """Both sets of embeddings in float64, [n, d] and [m, d].

    Returns:
        None where a set has fewer than `at_least` images or a number that is not finite.
    """
    for features in (real, fake):
        if len(features) < at_least or not np.isfinite(features.embeddings).all():
            return None
    return real.embeddings.astype(np.float64), fake.embeddings.astype(np.float64)

"""What an extractor sees in a set of images."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Images = npt.NDArray[np.uint8]
"""uint8 [n, height, width, channels]."""

Floats = npt.NDArray[np.float32]


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
        if self.probabilities is not None and len(self.probabilities) != len(self.embeddings):
            raise ValueError(
                f"{len(self.probabilities)} rows of probabilities for "
                f"{len(self.embeddings)} of embeddings"
            )

    def __len__(self) -> int:
        return len(self.embeddings)

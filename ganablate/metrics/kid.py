"""Kernel distance of two sets of features (KID)."""

import math

import numpy as np
import numpy.typing as npt

from ganablate.metrics.features import Features

_Rows = npt.NDArray[np.float64]

BLOCK = 500
"""Rows of the kernel matrix held at a time: 20 MB against 5,000 columns."""


def _kernel_sum(first: _Rows, second: _Rows) -> float:
    """Sum of (x.y / d + 1)^3 over all pairs of rows [n, d], [m, d]."""
    scaled = second.T / first.shape[1]
    total = 0.0
    for start in range(0, len(first), BLOCK):
        block = first[start : start + BLOCK] @ scaled
        block += 1
        total += float(np.einsum("ij,ij,ij->", block, block, block))
    return total


def _mean_of_others(rows: _Rows) -> float:
    """Mean of the kernel over the pairs of two different rows."""
    same = (np.einsum("ij,ij->i", rows, rows) / rows.shape[1] + 1) ** 3
    return (_kernel_sum(rows, rows) - float(same.sum())) / (len(rows) * (len(rows) - 1))


def kid(real: Features, fake: Features) -> dict[str, float]:
    """{"kid": x}: squared maximum mean discrepancy of the features; 0 expected for equal sources.

    The unbiased estimate, so that it can fall below 0, with the kernel (x.y / d + 1)^3 in float64,
    over all pairs of the images given instead of random subsets: the number is deterministic. Its
    unit is the kernel's, which another extractor changes. NaN, which a table shows as missing,
    where an embedding is not finite or a set has fewer than two images.

    Source: Binkowski et al. 2018, arXiv 1801.01401 (kernel inception distance).
    """
    sets = [features.embeddings.astype(np.float64) for features in (real, fake)]
    if any(len(rows) < 2 or not np.isfinite(rows).all() for rows in sets):
        return {"kid": math.nan}
    across = _kernel_sum(*sets) / (len(sets[0]) * len(sets[1]))
    return {"kid": _mean_of_others(sets[0]) + _mean_of_others(sets[1]) - 2 * across}

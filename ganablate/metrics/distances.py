"""Distances of two sets of features: Frechet's of two Gaussians (FID), and a kernel's (KID)."""

import math

import numpy as np

from ganablate.metrics.features import Doubles, Features, embeddings_of

BLOCK = 500
"""Rows of the kernel matrix held at a time: 20 MB against 5,000 columns."""
ERROR_PARTS = 10
"""Parts of the images whose spread gives KID's standard error."""


def fid(real: Features, fake: Features) -> dict[str, float]:
    """{"fid": x}: 0 for equal sets, larger is worse, in squared units of the features.

    Means and covariances (n - 1 in the denominator) in float64. NaN, which a table shows as
    missing, where an embedding is not finite or a set has fewer than two images. FID has a bias
    that shrinks with n: compare values of one n only. With the shipped extractors' 64 dimensions
    it is well estimated from 5,000 images.
    """
    sets = embeddings_of(real, fake, at_least=2)
    if sets is None:
        return {"fid": math.nan}
    (mean1, cov1), (mean2, cov2) = (
        (rows.mean(axis=0), np.atleast_2d(np.cov(rows, rowvar=False))) for rows in sets
    )
    return {"fid": frechet_distance(mean1, cov1, mean2, cov2)}


def frechet_distance(mean1: Doubles, cov1: Doubles, mean2: Doubles, cov2: Doubles) -> float:
    """Squared Frechet distance of two Gaussians, float64; never below 0.

    Heusel et al. 2017, arXiv 1706.08500, equation 6:
    |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)).

    The eigenvalues of C1 C2 are those of sqrt(C1) C2 sqrt(C1), whose square roots are the singular
    values of sqrt(C1) sqrt(C2): their sum needs no square root of a non-symmetric matrix and stays
    accurate where the covariances are singular.

    Args:
        mean1: [d].
        cov1: [d, d], symmetric, no eigenvalue below 0.
        mean2: [d].
        cov2: [d, d], as cov1.
    """
    cross = np.linalg.svd(_root(cov1) @ _root(cov2), compute_uv=False).sum()
    difference = mean1 - mean2
    distance = difference @ difference + np.trace(cov1) + np.trace(cov2) - 2 * cross
    return max(float(distance), 0.0)


def _root(covariance: Doubles) -> Doubles:
    """Symmetric square root; eigenvalues that rounding took below zero count as zero."""
    values, vectors = np.linalg.eigh(covariance)
    root: Doubles = (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
    return root


def kid(real: Features, fake: Features) -> dict[str, float]:
    """{"kid": x, "kid_error": its standard error}: squared maximum mean discrepancy of features.

    0 is expected for equal sources. The unbiased estimate, so that it can fall below 0, with the
    kernel (x.y / d + 1)^3 in float64, over all pairs of the images given instead of random subsets:
    the number is deterministic. Its unit is the kernel's, which another extractor changes. NaN,
    which a table shows as missing, where an embedding is not finite or a set has fewer than two
    images.

    The standard error is that of the mean over ten parts of both sets, every tenth image each; it
    is about one generator's images, not about another training. NaN under 20 images.

    Source: Binkowski et al. 2018, arXiv 1801.01401 (kernel inception distance).
    """
    sets = embeddings_of(real, fake, at_least=2)
    if sets is None:
        return {"kid": math.nan, "kid_error": math.nan}
    parts = [
        _discrepancy(sets[0][start::ERROR_PARTS], sets[1][start::ERROR_PARTS])
        for start in range(ERROR_PARTS)
        if min(map(len, sets)) >= 2 * ERROR_PARTS
    ]
    error = float(np.std(parts, ddof=1)) / math.sqrt(ERROR_PARTS) if parts else math.nan
    return {"kid": _discrepancy(*sets), "kid_error": error}


def _discrepancy(first: Doubles, second: Doubles) -> float:
    """The unbiased estimate over all pairs of rows of two sets, each of two or more."""
    across = _kernel_sum(first, second) / (len(first) * len(second))
    return _mean_of_others(first) + _mean_of_others(second) - 2 * across


def _kernel_sum(first: Doubles, second: Doubles) -> float:
    """Sum of (x.y / d + 1)^3 over all pairs of rows [n, d], [m, d]."""
    scaled = second.T / first.shape[1]
    total = 0.0
    for start in range(0, len(first), BLOCK):
        block = first[start : start + BLOCK] @ scaled
        block += 1
        total += float(np.einsum("ij,ij,ij->", block, block, block))
    return total


def _mean_of_others(rows: Doubles) -> float:
    """Mean of the kernel over the pairs of two different rows."""
    same = (np.einsum("ij,ij->i", rows, rows) / rows.shape[1] + 1) ** 3
    return (_kernel_sum(rows, rows) - float(same.sum())) / (len(rows) * (len(rows) - 1))

"""Frechet distance of two Gaussians fitted to features (FID)."""

import math

import numpy as np
import numpy.typing as npt

from ganablate.metrics.features import Features, Floats

_Matrix = npt.NDArray[np.float64]


def _root(covariance: _Matrix) -> _Matrix:
    """Symmetric square root; eigenvalues that rounding took below zero count as zero."""
    values, vectors = np.linalg.eigh(covariance)
    root: _Matrix = (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
    return root


def frechet_distance(mean1: _Matrix, cov1: _Matrix, mean2: _Matrix, cov2: _Matrix) -> float:
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


def _gaussian(embeddings: Floats) -> tuple[_Matrix, _Matrix]:
    wide = embeddings.astype(np.float64)
    return wide.mean(axis=0), np.atleast_2d(np.cov(wide, rowvar=False))


def fid(real: Features, fake: Features) -> dict[str, float]:
    """{"fid": x}: 0 for equal sets, larger is worse, in squared units of the features.

    Means and covariances (n - 1 in the denominator) in float64. NaN, which a table shows as
    missing, where an embedding is not finite or a set has fewer than two images. FID has a bias
    that shrinks with n: compare values of one n only. With the shipped extractors' 64 dimensions
    it is well estimated from 5,000 images.
    """
    sets = (real.embeddings, fake.embeddings)
    if any(len(rows) < 2 or not np.isfinite(rows).all() for rows in sets):
        return {"fid": math.nan}
    return {"fid": frechet_distance(*_gaussian(sets[0]), *_gaussian(sets[1]))}

"""Fit the projection that makes an extractor's features of what it sees in its layers.

Three steps, all linear, so that one matrix holds them:

1. Every layer gets the same total variance over real images; then principal components, of which
   the first are kept and half whitened: divided by the fourth root of their variance, their
   variances become the square roots. Whole whitening would give a rare detail the weight of a
   class; none leaves most of the variance in a few directions.
2. Directions in which small disturbances (a little blur, noise, a shift) move images are shrunk,
   as in oriented principal components: a real image that is disturbed a little is a real image.
3. The total variance over real images becomes the number of dimensions.

Source: oriented principal components, Diamantaras and Kung 1996; features that are robust to
distortions by them, Burges, Platt and Jana 2003 (IEEE Trans. Speech Audio Process. 11).
"""

import numpy as np
import numpy.typing as npt
import torch

from ganablate.metrics.classifier import DIMENSIONS, Classifier
from ganablate.metrics.extractors import as_input
from ganablate.metrics.features import Doubles, Images
from ganablate.metrics.known_order import MILD, disturbed

N_FIT, N_DISTURBED = 12_000, 4_000
"""Training images whose components are found, and of these those that are disturbed as well."""

SHRINKING = 4.0
"""A direction with a mean square displacement of d, where the mean variance is 1, is divided by
the square root of 1 + 4 d."""

BATCH = 500


def fit(network: Classifier, images: Images, seed: int) -> None:
    """Set `centre` and `projection` of a trained network by training images, in place.

    Args:
        network: trained; left in evaluation mode.
        images: uint8 [n, h, w, c], of the size that the network takes.
        seed: which images are taken, where there are more than enough.
    """
    network.eval()
    chosen = np.random.default_rng(seed).permutation(len(images))[:N_FIT]
    blocks = _blocks(network, images[chosen])
    scales = np.concatenate(
        [np.full(block.shape[1], block.var(axis=0).sum() ** -0.5) for block in blocks]
    )
    seen = np.concatenate(blocks, axis=1) * scales
    centre = seen.mean(axis=0)
    variances, directions = np.linalg.eigh(np.cov(seen, rowvar=False))
    kept = np.argsort(variances)[::-1][:DIMENSIONS]
    projection: Doubles = directions[:, kept] * variances[kept] ** -0.25
    projection *= np.sqrt(DIMENSIONS / np.sqrt(variances[kept]).sum())

    some = images[chosen[:N_DISTURBED]]
    clean = seen[: len(some)] @ projection
    displacement = np.zeros((DIMENSIONS, DIMENSIONS))
    for kind in MILD:
        moved = np.concatenate(_blocks(network, disturbed(some, kind)), axis=1) * scales
        difference = moved @ projection - clean
        displacement += difference.T @ difference / len(some) / len(MILD)
    squares, axes = np.linalg.eigh(displacement)
    projection = projection @ (axes / np.sqrt(1 + SHRINKING * squares)) @ axes.T
    total = ((seen - centre) @ projection).var(axis=0, ddof=1).sum()
    projection *= np.sqrt(DIMENSIONS / total)

    network.centre.copy_(torch.from_numpy(centre / scales))
    network.projection.copy_(torch.from_numpy(scales[:, None] * projection))


def _blocks(network: Classifier, images: Images) -> list[npt.NDArray[np.float64]]:
    """[n, k] of each block of the network."""
    batches = []
    with torch.inference_mode():
        for start in range(0, len(images), BATCH):
            batches.append(network.blocks(as_input(images[start : start + BATCH], images.shape[1])))
    return [torch.cat(parts).double().numpy() for parts in zip(*batches, strict=True)]

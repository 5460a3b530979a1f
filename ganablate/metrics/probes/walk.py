"""Walks through the latent space."""

import numpy as np

from ganablate.metrics.probes.picture import tiled
from ganablate.metrics.probes.subject import Finding, Subject

PAIRS = 5
POINTS = 9


def walk(subject: Subject) -> Finding:
    """Images at 9 evenly spaced points of the line between two latents, for 5 pairs of latents.

    The line is straight for uniform and for normal latents alike, so that arms of either kind are
    walked the same way, as R2 and DCGAN do. A cube holds all of it. Of normal latents the middle
    is shorter than a typical draw (about 0.7 of its length in many dimensions), so the images
    there may be worse than samples are.

    `walk_largest_step` is the largest mean absolute change of a pixel between neighbouring points
    over the mean of all 8 steps, and the mean of that over the pairs: 1 is perfectly even, 8 is a
    single jump, as between two memorised images. It is missing if nothing changes along a line.

    Returns:
        The picture `lines`, a row for each pair.

    Source: R2.4; Radford et al. 2016, arXiv 1511.06434, section 6.1.
    """
    ends = subject.latents(2 * PAIRS, "walk").reshape(PAIRS, 2, 1, -1)
    shares = np.linspace(0, 1, POINTS, dtype=np.float32)[:, np.newaxis]
    points = (1 - shares) * ends[:, 0] + shares * ends[:, 1]
    flat = subject.images_of(points.reshape(PAIRS * POINTS, -1))
    images = flat.reshape(PAIRS, POINTS, *flat.shape[1:])
    steps = np.abs(np.diff(images.astype(np.float64), axis=1)).mean(axis=(2, 3, 4))
    mean = steps.mean(axis=1)
    numbers = {}
    if (mean > 0).all():
        numbers["walk_largest_step"] = float((steps.max(axis=1) / mean).mean())
    protocol = f"{PAIRS} straight lines of {POINTS} points, mean absolute change of a pixel"
    return Finding(numbers, protocol, {"lines": tiled(images)})

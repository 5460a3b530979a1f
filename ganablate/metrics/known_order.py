"""Sets of images of which anyone can say which is worse: a distance has to put them in that order.

From real images are made: slightly disturbed ones, whose variety is whole; some of the classes;
and a few images again and again, each of them perfect. `ORDER` says which must be farther from
the real ones than which.
"""

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from ganablate.metrics.distances import fid
from ganablate.metrics.features import Features, Images, MetricError

N = 5_000
"""Images of each set: as many as are generated of a trial."""

REPEATED = (1_000, 100, 20, 10)

MILD = ("blur 0.5", "noise 10", "shift 1")

ORDER: tuple[tuple[str, str], ...] = (
    *(("real", mild) for mild in MILD),
    *((mild, "half the classes") for mild in MILD),
    ("half the classes", "10 images"),
    ("real", "1000 images"),
    ("1000 images", "100 images"),
    ("100 images", "20 images"),
    ("20 images", "10 images"),
    ("half the classes", "blur 2"),
    ("half the classes", "flat"),
)
"""Pairs of names of sets: the first must be nearer to real images than the second."""


def known_sets(images: Images, labels: npt.NDArray[np.int64], n: int = N) -> dict[str, Images]:
    """The sets by name, uint8 [n, h, w, c] each, in an order that is the same every time.

    `real`: the images themselves; `blur S`: a Gaussian of S pixels; `noise S`: Gaussian, of S of
    255 levels; `shift 1`: each moved by -1, 0 or 1 pixel in both directions, edges repeated; `half
    the classes`: images of the first half alone; `K images`: K of them, as many of each class, over
    and over; `flat`: each image's mean colour.

    Args:
        images: real images uint8 [m, h, w, c], of every class at least 100 and a few more than n
            altogether.
        labels: their classes, from 0.
        n: how many images each set has.
    """
    random = np.random.default_rng(0)
    classes = int(labels.max()) + 1
    order = random.permutation(len(images))
    some, few = images[order[:n]], images[order[labels[order] < classes // 2]]
    sets = {"real": some} | {kind: disturbed(some, kind) for kind in MILD}
    sets["half the classes"] = np.resize(few[:n], some.shape)
    members = [random.permutation(np.flatnonzero(labels == label)) for label in range(classes)]
    for count in REPEATED:
        chosen = np.concatenate([indices[: count // classes] for indices in members])
        sets[f"{count} images"] = np.resize(images[chosen], some.shape)
    flat = np.broadcast_to(some.mean(axis=(1, 2), keepdims=True), some.shape)
    return sets | {"blur 2": disturbed(some, "blur 2"), "flat": _levels(flat)}


def disturbed(images: Images, kind: str) -> Images:
    """The images uint8 [n, h, w, c], each disturbed as `known_sets` says of this kind."""
    random = np.random.default_rng(1)
    name, _, amount = kind.partition(" ")
    if name == "blur":
        sigma = float(amount)
        return _levels(gaussian_filter(images.astype(np.float32), (0, sigma, sigma, 0)))
    if name == "noise":
        return _levels(images + random.normal(0, float(amount), images.shape))
    return _shifted(images, random, int(amount))


def distances(
    extract: Callable[[Images], Features],
    held_out: Images,
    images: Images,
    labels: npt.NDArray[np.int64],
    n: int = N,
) -> dict[str, float]:
    """FID of each of the `known_sets` of images to the held-out ones, by the name of the set."""
    reference = extract(held_out)
    sets = known_sets(images, labels, n)
    return {name: fid(reference, extract(some))["fid"] for name, some in sets.items()}


def out_of_order(found: Mapping[str, float]) -> list[str]:
    """What `distances` have the wrong way round, a sentence each."""
    return [
        f"{near} ({found[near]:.3g}) is not nearer than {far} ({found[far]:.3g})"
        for near, far in ORDER
        if not found[near] < found[far]
    ]


def effective_dimension(features: Features) -> float:
    """Participation ratio of the eigenvalues of the covariance: (sum)^2 / sum of squares.

    As many as there are dimensions if the variance is the same in all of them, 1 if it lies in one.

    Raises:
        MetricError: there are fewer than two images.
    """
    if len(features) < 2:
        raise MetricError("an effective dimension needs at least two images")
    covariance = np.cov(features.embeddings.astype(np.float64), rowvar=False)
    # The sums of the eigenvalues and of their squares, without the eigenvalues.
    return float(np.trace(covariance) ** 2 / (covariance**2).sum())


def _levels(values: npt.NDArray[np.floating]) -> Images:
    return values.round().clip(0, 255).astype(np.uint8)


def _shifted(images: Images, random: np.random.Generator, most: int) -> Images:
    padded = np.pad(images, ((0, 0), (most, most), (most, most), (0, 0)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, images.shape[1:3], axis=(1, 2))
    rows, columns = random.integers(0, 2 * most + 1, (2, len(images)))
    moved: Images = windows[np.arange(len(images)), rows, columns].transpose(0, 2, 3, 1).copy()
    return moved

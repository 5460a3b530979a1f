"""Whether generated images lie nearer to the images a generator was trained on than to others."""

import math

import numpy as np

from ganablate.metrics.features import Doubles, Features, embeddings_of
from ganablate.metrics.neighbours import squared_distances


def memorisation(real: Features, fake: Features, training: Features) -> dict[str, float]:
    """{"memorisation": x}: 0 expected of a generator that repeats nothing, 1 of one that copies.

    Of every generated image the nearest of all real ones is sought, training and held-out images
    together. Where the generator has kept nothing of single training images, these and the
    held-out ones can be exchanged, and the nearest is one of training with the chance of their
    share, t / (t + h), however bad the images are. The number is the share above that, in units of
    the most there can be: (share - t / (t + h)) / (1 - t / (t + h)), so that it falls a little
    below 0 by chance. A tie counts half. Float64. NaN, which a table shows as missing, where an
    embedding is not finite or a set has no image.

    Training images of which `training` holds no features cannot be found again.

    Args:
        real: held-out images, of the same source as the training ones.
        fake: generated images.
        training: images that the generator was trained on.

    Source: nearest neighbours of a given kind, Schilling 1986 (JASA 81, 799-806), with the three
    samples of Meehan et al. 2020, arXiv 2004.05675. Their own statistic, whether generated images
    are nearer to training images than held-out ones are, calls a generator free of copies if its
    other images are bad enough.
    """
    held_out, training_sets = embeddings_of(real, fake, 1), embeddings_of(training, fake, 1)
    if held_out is None or training_sets is None:
        return {"memorisation": math.nan}
    centre = held_out[0].mean(axis=0)  # distances lose fewer digits near the origin
    generated = held_out[1] - centre
    others, trained = (
        _nearest(generated, rows - centre) for rows in (held_out[0], training_sets[0])
    )
    share = float((trained < others).mean() + (trained == others).mean() / 2)
    expected = len(training) / (len(training) + len(real))
    return {"memorisation": (share - expected) / (1 - expected)}


def _nearest(rows: Doubles, others: Doubles) -> Doubles:
    """[n]: the squared distance of each of the rows [n, d] to the nearest of the others [m, d]."""
    nearest = np.full(len(rows), np.inf)
    for _, block in squared_distances(others, rows):
        np.minimum(nearest, block.min(axis=0), out=nearest)
    return nearest

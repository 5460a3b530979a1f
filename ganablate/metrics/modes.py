"""How many classes a generator covers."""

import math

import numpy as np

from ganablate.metrics.errors import MetricError
from ganablate.metrics.features import Features


def modes(real: Features, fake: Features) -> dict[str, float]:
    """{"modes": count}: classes with at least a tenth of an even share of the generated images.

    An image counts for its most probable class, the first one in a tie. With 10 classes and 5,000
    images a class is covered from 50 images on. The real images are not looked at: a data set with
    rare classes of its own needs another metric. NaN, which a table shows as missing, where a
    probability is not finite.

    Source: R0.7; mode counting as in Srivastava et al. 2017, arXiv 1705.07761.

    Raises:
        MetricError: if the extractor is no classifier.
    """
    if fake.probabilities is None:
        raise MetricError("modes needs class probabilities: the extractor is no classifier")
    if not len(fake.probabilities) or not np.isfinite(fake.probabilities).all():
        return {"modes": math.nan}
    n, classes = fake.probabilities.shape
    counts = np.bincount(fake.probabilities.argmax(axis=1), minlength=classes)
    # count / n >= 1 / (10 classes), in whole numbers so that the boundary is exact.
    return {"modes": float((10 * classes * counts >= n).sum())}

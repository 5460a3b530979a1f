"""What the extractor's classes tell of the generated images: score, coverage, balance.

The classes are the extractor's, so values compare only under one extractor. Every number is NaN,
which a table shows as missing, where there is no image or a probability is not finite; a
`MetricError` is raised where the extractor is no classifier.
"""

import math

import numpy as np
import numpy.typing as npt

from ganablate.catalog import CLASSES
from ganablate.metrics.features import Features, Floats, MetricError


def inception_score(real: Features, fake: Features) -> dict[str, float]:
    """{"inception_score": x}: exp of the mean KL(p(y|x) || p(y)), from 1 to the number of classes.

    One split, float64. A data set's own extractor is not Inception. The real images are not looked
    at.

    Source: Salimans et al. 2016, arXiv 1606.03498, section 4.
    """
    probabilities = _probabilities("inception_score", fake)
    if probabilities is None:
        return {"inception_score": math.nan}
    given = probabilities.astype(np.float64)
    even = given.mean(axis=0)
    # A probability that has underflowed to 0 adds nothing, and the mean is above 0 elsewhere.
    ratio = np.divide(given, even, out=np.ones_like(given), where=given > 0)
    divergence = float((given * np.log(ratio)).sum(axis=1).mean())
    return {"inception_score": math.exp(divergence)}


def modes(real: Features, fake: Features) -> dict[str, float]:
    """{"modes": count}: classes with at least a tenth of an even share of the generated images.

    An image counts for its most probable class, the first one in a tie. With 10 classes and 5,000
    images a class is covered from 50 images on. On another data set than the extractor's (faces
    seen by the CIFAR-10 classifier) the count is of no meaning, though there is one. The real
    images are not looked at: a data set with rare classes of its own needs another metric, such as
    `class_kl`.

    Source: R0.7; mode counting as in Srivastava et al. 2017, arXiv 1705.07761.
    """
    probabilities = _probabilities("modes", fake)
    if probabilities is None:
        return {"modes": math.nan}
    counts = _counts(probabilities)
    # count / n >= 1 / (10 classes), in whole numbers so that the boundary is exact.
    return {"modes": float((10 * len(counts) * counts >= len(probabilities)).sum())}


def class_shares(real: Features, fake: Features) -> dict[str, float]:
    """{"largest_class": x, "class_share_0": y, ...}: shares of the generated images, in [0, 1].

    An image counts for its most probable class, so the shares sum to 1. A generator that gives
    every class its even share has a largest of 0.1, one that draws a single class 1. The real
    images are not looked at, and those of a data set need not be even. The classifier's own errors
    are in the shares: of real MNIST digits, at 99.5 % accuracy, they are the last half percent.

    Source: R1.4, "a strong over representation of the number nine".

    Raises:
        MetricError: The extractor is no classifier, or one of another number of classes.
    """
    columns = [f"class_share_{label}" for label in range(CLASSES)]
    probabilities = _probabilities("class_shares", fake)
    if probabilities is None:
        return dict.fromkeys(["largest_class", *columns], math.nan)
    counts = _counts(probabilities)
    if len(counts) != CLASSES:
        raise MetricError(f"class_shares is of {CLASSES} classes; the extractor has {len(counts)}")
    shares = counts / len(probabilities)
    return {
        "largest_class": float(shares.max()),
        **dict(zip(columns, map(float, shares), strict=True)),
    }


def class_kl(real: Features, fake: Features) -> dict[str, float]:
    """{"class_kl": x}: KL(generated || real) of the histograms of predicted classes, in nats.

    0 for equal shares of classes. An image counts for its most probable class. One image is added
    to every class of both sets, so that a class without real images (or a share of 0) leaves the
    number finite: with 5,000 images a collapse onto one of ten even classes gives 2.29 for log 10
    = 2.30. Both sets pass through the extractor, so that its own errors cancel.

    Source: Srivastava et al. 2017, arXiv 1705.07761 (stacked MNIST).
    """
    generated, given = (_probabilities("class_kl", features) for features in (fake, real))
    if generated is None or given is None:
        return {"class_kl": math.nan}
    p, q = ((counts + 1) / float((counts + 1).sum()) for counts in map(_counts, (generated, given)))
    return {"class_kl": max(float((p * np.log(p / q)).sum()), 0.0)}


def _probabilities(metric: str, features: Features) -> Floats | None:
    """[n, classes], or None where there is no image or a probability is not finite."""
    if features.probabilities is None:
        raise MetricError(f"{metric} needs class probabilities: the extractor is no classifier")
    if not len(features) or not np.isfinite(features.probabilities).all():
        return None
    return features.probabilities


def _counts(probabilities: Floats) -> npt.NDArray[np.intp]:
    return np.bincount(probabilities.argmax(axis=1), minlength=probabilities.shape[1])

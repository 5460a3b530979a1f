"""Measure a trial: every metric of the study, each with the protocol it was measured by."""

import functools
import hashlib
import math
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ganablate.atomic_write import replacing
from ganablate.catalog import DATASETS, EXTRACTORS, METRICS, Metric
from ganablate.metrics.errors import MetricError
from ganablate.metrics.extractors import card_of
from ganablate.metrics.features import Features, Images
from ganablate.metrics.losses import Losses, is_finite, last_fifth

N_FAKE = 5_000
N_REAL = 10_000
"""The first so many real images, or all of them where there are fewer."""

LOSS_PROTOCOL = "every step of the last fifth of training, criterion without penalty"

FakeImages = Callable[[int], Images]


@dataclass(frozen=True)
class Evaluation:
    """Table column -> finite number, and the protocol of each. A missing column has neither."""

    numbers: dict[str, float]
    protocols: dict[str, str]


def evaluate(  # noqa: PLR0913 - each is a fact of the trial that nothing else here knows
    metrics: Sequence[str],
    *,
    dataset: str,
    losses: Losses,
    fake_images: FakeImages | None,
    real_images: Images,
    fingerprint: str,
    cache: Path,
) -> Evaluation:
    """Measure the metrics of a finished trial.

    A number that is not finite is left out, and so it is missing in a table. The loss metrics are
    left out together if anything in the last fifth of training is not finite. Images are generated
    and features extracted at most once, and only if a metric needs them.

    Args:
        metrics: keys of catalog.METRICS.
        dataset: key of catalog.DATASETS; it says which extractor measures.
        losses: every step of training, key -> [steps].
        fake_images: makes n images, uint8 [n, h, w, c], with the generator in evaluation mode;
            None for a diverged trial: the feature metrics are left out.
        real_images: the training split, uint8 [n, h, w, c].
        fingerprint: of the bytes of `real_images`; the key of their cached features.
        cache: folder for the features of real images; safe to share between processes.

    Raises:
        MetricError: for an unknown metric, a feature metric on a data set without an extractor,
            images that the extractor refuses, or a metric that yields other columns than the
            catalog declares.
    """
    for name in metrics:
        if name not in METRICS:
            raise MetricError(f"unknown metric {name}; there are {', '.join(METRICS)}")
    last = last_fifth(losses)
    settled = is_finite(last)
    result = Evaluation({}, {})

    @functools.cache
    def sets() -> tuple[Features, Features, str]:
        assert fake_images is not None
        extractor = _extractor_of(dataset)
        fakes = fake_images(N_FAKE)
        fake = EXTRACTORS[extractor].load()(fakes)
        n_real = min(len(real_images), N_REAL)
        real = _cached(extractor, real_images[:n_real], fingerprint, cache)
        return real, fake, _feature_protocol(extractor, n_real, len(fakes))

    for name in metrics:
        metric = METRICS[name]
        if metric.needs == "losses":
            if settled:
                _add(result, name, metric.load()(last), LOSS_PROTOCOL)
        elif fake_images is not None:
            real, fake, protocol = sets()
            _add(result, name, metric.load()(real, fake), protocol)
    return result


def _extractor_of(dataset: str) -> str:
    known = DATASETS.get(dataset)
    if known is None or known.extractor is None:
        measurable = ", ".join(name for name, line in DATASETS.items() if line.extractor)
        raise MetricError(
            f"no extractor measures the images of {dataset}; there is one for {measurable}"
        )
    return known.extractor


def _add(result: Evaluation, name: str, numbers: dict[str, float], protocol: str) -> None:
    declared: Metric = METRICS[name]
    if set(numbers) != set(declared.columns):
        raise MetricError(
            f"metric {name} yields {', '.join(sorted(numbers))}; the catalog declares "
            f"{', '.join(sorted(declared.columns))}"
        )
    for column, number in numbers.items():
        if math.isfinite(number):
            result.numbers[column] = number
            result.protocols[column] = protocol


def _input_protocol(extractor: str) -> tuple[str, str]:
    size = EXTRACTORS[extractor].image_size
    return f"{extractor}@{card_of(extractor).sha256[:8]}", f"{size}x{size} bilinear"


def _feature_protocol(extractor: str, n_real: int, n_fake: int) -> str:
    """What a number depends on beside the two sets of images, in the words a table shows."""
    weights, resize = _input_protocol(extractor)
    return f"{weights}, real {n_real} train, fake {n_fake}, {resize}, float64, running statistics"


def _cached(extractor: str, images: Images, fingerprint: str, cache: Path) -> Features:
    """The features of real images, from disk if some trial has extracted them before."""
    key = "\n".join((fingerprint, *_input_protocol(extractor), str(len(images))))
    path = cache / f"{extractor}-{hashlib.sha256(key.encode()).hexdigest()[:16]}.npz"
    stored = _read(path)
    if stored is not None and len(stored.embeddings) == len(images):
        return stored
    features: Features = EXTRACTORS[extractor].load()(images)
    arrays = {"embeddings": features.embeddings}
    if features.probabilities is not None:
        arrays["probabilities"] = features.probabilities
    with replacing(path) as temporary:
        np.savez(temporary, allow_pickle=False, **arrays)
    return features


def _read(path: Path) -> Features | None:
    try:
        # numpy leaves a file open that it opened itself and could not read
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return Features(arrays["embeddings"], arrays.get("probabilities"))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None  # absent or damaged: extracting again takes a second

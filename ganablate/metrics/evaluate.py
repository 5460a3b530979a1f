"""Measure a trial: every metric of the study, each with the protocol it was measured by."""

import functools
import hashlib
import math
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt

from ganablate.catalog import EXTRACTORS, METRICS, NAMED_EXTRACTORS, Split, weights_stamp
from ganablate.files import replacing
from ganablate.metrics.features import Features, Images, MetricError
from ganablate.metrics.losses import Losses, is_finite, last_fifth

N_FAKE = 5_000
N_REAL = 10_000
"""At most this many real images, evenly spaced: a folder's files may be sorted by class."""
N_TRAINING = 60_000
"""At most this many training images that a shipped extractor looks at for `compares_training`; one
that a study names, which is slow, looks at `N_REAL`."""
LOSS_PROTOCOL = "every step of the last fifth of training, criterion without penalty"

FakeImages = Callable[[int], Images]
Extract = Callable[[Images], Features]
Rows = TypeVar("Rows", bound=npt.NDArray[Any])


@dataclass(frozen=True)
class RealImages:
    """Real images uint8 [n, h, w, c], those of a split, or some of it.

    `fingerprint` is of their bytes: the key of their cached features.
    """

    images: Images
    fingerprint: str
    split: Split


@dataclass(frozen=True)
class Evaluation:
    """Table column -> finite number, and the protocol of each. A missing column has neither."""

    numbers: dict[str, float]
    protocols: dict[str, str]


def evaluate(  # noqa: PLR0913 - each is a fact of the trial that nothing else here knows
    metrics: Sequence[str],
    *,
    extractor: str | None,
    losses: Losses,
    fake_images: FakeImages | None,
    real_images: Callable[[], RealImages],
    training_images: Callable[[], RealImages] | None = None,
    cache: Path,
    data_root: Path | None = None,
    device: str = "cpu",
) -> Evaluation:
    """Measure the metrics of a finished trial.

    A number that is not finite is left out, and so it is missing in a table. The loss metrics are
    left out together if anything in the last fifth of training is not finite, and each whose losses
    the trainer did not record. Images are generated
    and features extracted at most once, and only if a metric needs them.

    Args:
        metrics: keys of catalog.METRICS.
        extractor: key of catalog.EXTRACTORS or NAMED_EXTRACTORS, or None where none measures the
            data set: then only the loss metrics can be measured.
        losses: every step of training, key -> [steps].
        fake_images: makes n images, uint8 [n, h, w, c], with the generator in evaluation mode;
            None for a diverged trial: the feature metrics are left out.
        real_images: gives what generated images are compared with.
        training_images: gives what the generator was trained on; None where these are the real
            images: then metrics that compare with them are left out.
        cache: folder for the features of real images; safe to share between processes.
        data_root: where the weights of a named extractor lie; None: not in a data root.
        device: that of the trial, "cpu" or "cuda"; named extractors use it.

    Raises:
        MetricError: for an unknown metric, a feature metric without an extractor, images that the
            extractor refuses, or a metric that yields other columns than the catalog declares.
    """
    for name in metrics:
        if name not in METRICS:
            raise MetricError(f"unknown metric {name}; there are {', '.join(METRICS)}")
    last = last_fifth(losses)
    finite = is_finite(last)
    result = Evaluation({}, {})

    @functools.cache
    def sets() -> tuple[str, RealImages, Features, Features]:
        assert fake_images is not None
        usable, source = _usable(extractor, metrics), real_images()
        extract = _extract(usable, data_root, device)
        real = _cached(usable, extract, source, N_REAL, cache)
        return usable, source, real, extract(fake_images(N_FAKE))

    def training(usable: str) -> tuple[str, Features]:
        assert training_images is not None
        source, extract = training_images(), _extract(usable, data_root, device)
        most = N_REAL if usable in NAMED_EXTRACTORS else N_TRAINING
        features = _cached(usable, extract, source, most, cache)
        return f"training {len(features)} of {len(source.images)}, ", features

    for name in metrics:
        metric = METRICS[name]
        if metric.needs == "losses":
            if finite and last.keys() >= set(metric.reads):
                _add(result, name, metric.load()(last), LOSS_PROTOCOL)
        elif fake_images is not None and (training_images or not metric.compares_training):
            usable, source, *both = sets()
            compared = [_at_most(features, metric.images) for features in both]
            real, fake = compared
            trained = ""
            if metric.compares_training:
                trained, features = training(usable)
                compared.append(features)
            # What a number depends on beside the sets, in the words that a table shows.
            protocol = (
                f"{weights_stamp(usable)}, real {len(real)} of {len(source.images)} "
                f"{source.split}, {trained}fake {len(fake)}, {_resize(usable)}, float64, "
                "running statistics"
            )
            _add(result, name, metric.load()(*compared), protocol)
    return result


def evenly(rows: Rows, n: int) -> Rows:
    """Every row, or every second one, or every third ...: as many as n allows, a view."""
    return cast(Rows, rows[:: -(-len(rows) // n) or 1])


def _at_most(features: Features, n: int | None) -> Features:
    if n is None:
        return features
    probabilities = features.probabilities
    return Features(
        evenly(features.embeddings, n), None if probabilities is None else evenly(probabilities, n)
    )


def _add(result: Evaluation, name: str, numbers: dict[str, float], protocol: str) -> None:
    declared = METRICS[name].columns
    if set(numbers) != set(declared):
        raise MetricError(
            f"metric {name} yields {', '.join(sorted(numbers))}; the catalog declares "
            f"{', '.join(sorted(declared))}"
        )
    for column, number in numbers.items():
        if math.isfinite(number):
            result.numbers[column] = number
            result.protocols[column] = protocol


# --- the extractor and its features of the real images ---


def _usable(extractor: str | None, metrics: Sequence[str]) -> str:
    if extractor in EXTRACTORS or extractor in NAMED_EXTRACTORS:
        return extractor
    asked = ", ".join(name for name in metrics if METRICS[name].needs == "features")
    reason = "the data set has none" if extractor is None else f"there is no {extractor}"
    every = ", ".join((*EXTRACTORS, *NAMED_EXTRACTORS))
    raise MetricError(f"{asked}: an extractor is needed; {reason}, there are {every}")


def _extract(extractor: str, data_root: Path | None, device: str) -> Extract:
    if extractor in NAMED_EXTRACTORS:
        function = NAMED_EXTRACTORS[extractor].load()
        return functools.partial(function, data_root=data_root, device=device)
    return cast(Extract, EXTRACTORS[extractor].load())


def _resize(extractor: str) -> str:
    """How images are resized for an extractor, in the words of a protocol."""
    if extractor in NAMED_EXTRACTORS:
        return NAMED_EXTRACTORS[extractor].resize
    size = EXTRACTORS[extractor].image_size
    return f"{size}x{size} bilinear"


def _cached(extractor: str, extract: Extract, real: RealImages, most: int, cache: Path) -> Features:
    """The features of real images, from disk if some trial has extracted them before."""
    images = evenly(real.images, most)
    stamp = weights_stamp(extractor), _resize(extractor)
    key = "\n".join((real.fingerprint, *stamp, f"{len(images)} evenly"))
    path = cache / f"{extractor}-{hashlib.sha256(key.encode()).hexdigest()[:16]}.npz"
    try:
        # numpy leaves a file open that it opened itself and could not read
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            stored = Features(arrays["embeddings"], arrays.get("probabilities"))
        if len(stored) == len(images):
            return stored
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        pass  # absent or damaged: extracting again takes a second
    features = extract(images)
    content = {"embeddings": features.embeddings}
    if features.probabilities is not None:
        content["probabilities"] = features.probabilities
    with replacing(path) as temporary:
        np.savez(temporary, allow_pickle=False, **content)
    return features

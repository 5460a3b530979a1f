"""What a data set, a metric or a probe does otherwise than its table says, a line each."""

import math
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ganablate import catalog
from ganablate.gan.data import MaterialisedData
from ganablate.gan.pictures import Pictures
from ganablate.metrics.features import Features
from ganablate.metrics.losses import last_fifth
from ganablate.metrics.probes import probe as probes
from ganablate.project.part_checks.small_trial import (
    IMAGES,
    STEPS,
    config_of,
    images_of,
    trainer_of,
)
from ganablate.study.plan import Trial
from ganablate.sweep.job import Job
from ganablate.sweep.measure import subject_of
from ganablate.trials.needs import Measurements

_LOSSES = ("d/criterion", "g/criterion", "d/accuracy_real", "d/accuracy_fake")


def dataset(name: str, root: Path) -> Iterator[str]:
    """Whether what is read is what its line says. `root`: where its files are looked for."""
    line = catalog.DATASETS[name]
    images, labels = line.load()(root)
    if isinstance(images, Pictures):
        if images.count != line.images:
            yield f"it has {images.count:,} images, and its line says {line.images:,}"
        return
    expected = (line.images, line.image_size, line.image_size, line.channels)
    if images.shape != expected or images.dtype != np.uint8:
        yield f"it reads {images.dtype} {images.shape}; its line says uint8 {expected}"
    if (labels is None) != (line.classes is None):
        yield f"its line says {line.classes or 'no'} classes; it has {labels is not None} labels"
    elif labels is not None and set(np.unique(labels)) != set(range(line.classes or 0)):
        yield f"its labels are not 0 to {(line.classes or 0) - 1}, each at least once"


def metric(name: str) -> Iterator[str]:
    """Its columns, that they repeat, and that they are NaN where the input is."""
    line = catalog.METRICS[name]
    good: tuple[Any, ...]
    bad: tuple[Any, ...]
    if line.needs == "losses":
        random = np.random.default_rng(0)
        steps = {key: random.random(50, np.float32) for key in _LOSSES}
        good = (last_fifth(steps),)
        bad = ({key: np.full_like(values, np.nan) for key, values in good[0].items()},)
    else:
        good = (_features(0), _features(1))
        lost = _features(1)
        lost.embeddings[5] = np.nan
        assert lost.probabilities is not None
        lost.probabilities[5] = np.nan
        bad = (good[0], lost)
    numbers, again = line.load()(*good), line.load()(*good)
    if set(numbers) != set(line.columns):
        yield f"it gives {', '.join(sorted(numbers))}; its line says {', '.join(line.columns)}"
    if numbers != again:
        yield "it gives other numbers for the same images"
    if not all(isinstance(value, int | float) for value in numbers.values()):
        yield "its numbers are no plain floats"
    if any(math.isfinite(value) for value in line.load()(*bad).values()):
        yield "it gives a number where its input holds one that is none; NaN is needed"


def _features(seed: int) -> Features:
    random = np.random.default_rng(seed)
    scores = random.random((300, 10), np.float32)
    return Features(random.random((300, 16), np.float32), scores / scores.sum(1, keepdims=True))


def probe(name: str) -> Iterator[str]:
    """Its numbers and pictures of a network that was trained a little."""
    config = config_of(network="conv28")
    labels = np.arange(IMAGES) % 10
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        job = Job(
            trial=Trial("0" * 16, "baseline", 0, config, ""), wanted=Measurements(()),
            trials_root=root,
            cache=root, data_root=None, device="cpu", precision="fp32", threads=1,
            checkpoint_seconds=30.0,
        )  # fmt: skip
        data = MaterialisedData(images_of(), labels, fingerprint="", path=root)
        trainer = trainer_of(config)
        trainer.train(STEPS)
        trainer.discriminator.eval()
        first, again = (probes.probe([name], subject_of(job, trainer, data)) for _ in range(2))
    if not _alike(first, again):
        yield "it finds something else the second time: draw from subject.random and .latents"
    if not all(first.protocols.values()):
        yield "its numbers have no protocol"
    for (_, key), picture in first.pictures.items():
        if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] not in (1, 3):
            yield f"its picture {key} is {picture.dtype} {picture.shape}; uint8 [h, w, 1 or 3]"


def _alike(one: probes.Probed, other: probes.Probed) -> bool:
    pictures = one.pictures.keys() == other.pictures.keys() and all(
        np.array_equal(picture, other.pictures[key]) for key, picture in one.pictures.items()
    )
    return one.numbers == other.numbers and pictures

"""Golden checks of the shipped extractors, and what they refuse."""

import json
import shutil

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from ganablate.catalog import DATASETS, EXTRACTORS
from ganablate.metrics import extractors
from ganablate.metrics.extractors import mnist_classifier
from ganablate.metrics.features import MetricError
from ganablate.metrics.weight_files import WEIGHTS, Card

# Least test accuracy, and training images.
SHIPPED = {
    "mnist_classifier": (0.99, 60_000),
    "fashion_mnist_classifier": (0.91, 60_000),
    "cifar10_classifier": (0.80, 50_000),
}


@pytest.mark.parametrize("name", EXTRACTORS)
def test_every_extractor_ships_with_a_card_of_its_own_file(name):
    line = EXTRACTORS[name]
    card = Card.of(WEIGHTS / line.weights)
    assert card.extractor == name
    least, n_train = SHIPPED[name]
    assert least <= card.test_accuracy <= 1
    assert (card.n_train, card.n_test) == (n_train, 10_000)
    assert line.source
    assert (WEIGHTS / line.weights).stat().st_size <= 1_000_000


@pytest.mark.parametrize("name", EXTRACTORS)
def test_every_extractor_gives_finite_features_of_its_kind_of_images(name):
    line, card = EXTRACTORS[name], extractors.card_of(name)
    shape = (3, line.image_size, line.image_size, line.channels)
    images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    features = line.load()(images)
    assert features.embeddings.shape == (3, card.dimensions)
    assert features.probabilities.shape == (3, card.classes)
    assert features.embeddings.dtype == features.probabilities.dtype == np.float32
    assert np.isfinite(features.embeddings).all()
    assert_allclose(features.probabilities.sum(axis=1), 1, rtol=1e-5)


# Of noise that is resized: lengths of the two rows of features, and the largest probabilities.
GOLDEN = {
    "mnist_classifier": ([10.471256, 10.528601], [0.966565, 0.869182]),
    "fashion_mnist_classifier": ([5.94416, 6.189892], [0.751535, 0.720771]),
    "cifar10_classifier": ([7.543994, 6.418659], [0.526751, 0.872382]),
}


@pytest.mark.parametrize("name", EXTRACTORS)
def test_the_same_weights_see_the_same(name):
    line = EXTRACTORS[name]
    shape = (2, 40, 40, line.channels)
    images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    lengths, surest = GOLDEN[name]
    features = line.load()(images)
    assert_allclose(np.linalg.norm(features.embeddings, axis=1), lengths, rtol=1e-3)
    assert_allclose(features.probabilities.max(axis=1), surest, rtol=1e-3)


def test_every_extractor_of_a_dataset_takes_its_images():
    named = [line for line in DATASETS.values() if line.extractor]
    assert named
    for line in named:
        assert EXTRACTORS[line.extractor].channels == line.channels


def test_real_digits_are_recognised(digits):
    images, labels = digits
    features = mnist_classifier(images)
    right = (features.probabilities.argmax(axis=1) == labels).mean()
    assert 0.985 <= right <= 1
    # A feature that is constant over digits would add nothing to a FID.
    assert (features.embeddings.std(axis=0) > 1e-3).all()


def test_features_do_not_depend_on_the_batch(digits, monkeypatch):
    images, _ = digits
    whole = mnist_classifier(images)
    with monkeypatch.context() as patched:
        patched.setattr(extractors, "BATCH", 7)
        small = mnist_classifier(images)
    assert_allclose(small.embeddings, whole.embeddings, rtol=1e-4, atol=1e-4)
    assert_allclose(small.probabilities, whole.probabilities, rtol=1e-4, atol=1e-5)
    assert_allclose(mnist_classifier(images[-1:]).embeddings[0], whole.embeddings[-1], atol=1e-4)
    assert_array_equal(mnist_classifier(images).embeddings, whole.embeddings)


def test_a_callers_autocast_changes_nothing(digits):
    images = digits[0][:50]
    plain = mnist_classifier(images)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert_array_equal(mnist_classifier(images).embeddings, plain.embeddings)


def test_larger_images_are_resized(digits):
    images = digits[0][:200]
    doubled = images.repeat(2, axis=1).repeat(2, axis=2)
    plain, resized = mnist_classifier(images), mnist_classifier(doubled)
    same = plain.probabilities.argmax(axis=1) == resized.probabilities.argmax(axis=1)
    assert same.mean() >= 0.97


def test_the_antialiased_resize_of_an_even_grey_is_that_grey():
    images = np.full((1, 56, 84, 1), 51, dtype=np.uint8)
    assert_allclose(
        extractors.as_input(images, 28).numpy(), np.full((1, 1, 28, 28), 0.2), atol=1e-6
    )


def test_read_only_memory_maps_are_taken(digits, tmp_path):
    np.save(tmp_path / "images.npy", digits[0][:5])
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    assert_array_equal(
        mnist_classifier(mapped).embeddings, mnist_classifier(digits[0][:5]).embeddings
    )


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((2, 28, 28, 3), np.uint8), "1 channel.*3.*another protocol"),
        (np.zeros((2, 28, 28, 1), np.float32), "uint8.*float32"),
        (np.zeros((2, 28, 28), np.uint8), r"\[2, 28, 28\]"),
        (np.zeros((0, 28, 28, 1), np.uint8), "at least one"),
    ],
)
def test_other_images_are_refused(images, message):
    with pytest.raises(MetricError, match=message):
        mnist_classifier(images)


def test_damaged_or_absent_weights_are_a_clear_error(tmp_path):
    name = EXTRACTORS["mnist_classifier"].weights
    weights = tmp_path / name
    with pytest.raises(MetricError, match=r"mnist_classifier\.safetensors is missing"):
        Card.of(weights)
    shutil.copy(WEIGHTS / name, weights)
    with pytest.raises(MetricError, match=r"mnist_classifier\.json is missing"):
        Card.of(weights)
    shutil.copy((WEIGHTS / name).with_suffix(".json"), tmp_path)
    said = json.loads(weights.with_suffix(".json").read_text())["sha256"]
    assert Card.of(weights).sha256 == said
    damaged = bytearray(weights.read_bytes())
    damaged[-1] ^= 1
    weights.write_bytes(damaged)
    with pytest.raises(MetricError, match=f"its card says {said[:16]}"):
        Card.of(weights)


def test_an_extractor_with_damaged_weights_does_not_load(tmp_path, monkeypatch):
    for path in WEIGHTS.glob("mnist_classifier.*"):
        shutil.copy(path, tmp_path)
    with (tmp_path / "mnist_classifier.safetensors").open("ab") as file:
        file.write(b"x")
    monkeypatch.setattr(extractors, "WEIGHTS", tmp_path)
    extractors.card_of.cache_clear()
    extractors._classifier.cache_clear()
    try:
        with pytest.raises(MetricError, match="sha256"):
            mnist_classifier(np.zeros((1, 28, 28, 1), np.uint8))
    finally:
        extractors.card_of.cache_clear()
        extractors._classifier.cache_clear()

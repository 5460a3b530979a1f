"""The script behind the shipped weights, on a few images."""

import dataclasses

import numpy as np
import pytest
import safetensors.torch
import torch

from ganablate.catalog import DATASETS, EXTRACTORS
from ganablate.metrics import train_extractor
from ganablate.metrics.classifier import NETWORKS
from ganablate.metrics.weight_files import Card


@pytest.fixture
def few(digits, monkeypatch):
    images = torch.from_numpy(digits[0]).permute(0, 3, 1, 2)
    labels = torch.from_numpy(digits[1])
    monkeypatch.setattr(train_extractor, "images_of", lambda *_, **__: (images, labels))
    yield
    torch.use_deterministic_algorithms(False)


def run(folder, seed):
    options = ["mnist_classifier", "--out", str(folder), "--epochs", "4", "--seed", str(seed)]
    train_extractor.main(options)
    return Card.of(folder / "mnist_classifier.safetensors")


def test_every_shipped_extractor_has_a_recipe():
    assert set(train_extractor.RECIPES) == set(NETWORKS) == set(EXTRACTORS)
    for name, recipe in train_extractor.RECIPES.items():
        assert recipe.dataset in EXTRACTORS[name].tells
        assert DATASETS[recipe.dataset].test is not None


def train_split(root):
    """Two images of 3 x 4 pixels, each number its own."""
    return np.arange(72, dtype=np.uint8).reshape(2, 3, 4, 3), np.array([7, 1])


def other_split(root):
    images, labels = train_split(root)
    return 255 - images, labels[::-1].copy()


def test_images_are_those_of_the_catalogs_readers(monkeypatch, tmp_path):
    line = dataclasses.replace(
        DATASETS["cifar10"],
        implementation=f"{__name__}:train_split",
        test=f"{__name__}:other_split",
    )
    monkeypatch.setitem(DATASETS, "cifar10", line)
    images, labels = train_extractor.images_of("cifar10", tmp_path, train=True)
    assert (images.shape, images.dtype) == ((2, 3, 3, 4), torch.uint8)
    assert images[1, 2, 0, 3] == train_split(tmp_path)[0][1, 0, 3, 2]
    assert labels.tolist() == [7, 1]
    tested, labels = train_extractor.images_of("cifar10", tmp_path, train=False)
    assert torch.equal(tested, 255 - images)
    assert labels.tolist() == [1, 7]


@pytest.mark.slow
def test_the_same_seed_gives_the_same_file_and_learns(few, tmp_path, capsys):
    first, again, other = run(tmp_path / "a", 1), run(tmp_path / "b", 1), run(tmp_path / "c", 2)
    assert first == again
    assert other.sha256 != first.sha256
    assert 0.5 < first.test_accuracy <= 1  # ten classes: 0.1 by chance
    assert (first.n_train, first.n_test, first.epochs, first.seed) == (1000, 1000, 4, 1)
    assert capsys.readouterr().out == ""


def test_shifts_move_whole_images_by_at_most_two_pixels():
    images = torch.zeros(200, 1, 9, 9)
    images[:, 0, 4, 4] = 1
    moved = train_extractor.shifted(images, 2, torch.Generator().manual_seed(0))
    assert moved.shape == images.shape
    places = moved[:, 0].nonzero()
    assert len(places) == 200
    assert set(places[:, 1].tolist()) == set(places[:, 2].tolist()) == {2, 3, 4, 5, 6}
    assert not torch.equal(places[:, 1], places[:, 2])


def test_about_half_the_images_are_mirrored_left_for_right():
    images = torch.arange(6.0).reshape(1, 1, 2, 3).repeat(400, 1, 1, 1)
    found = train_extractor.flipped(images, torch.Generator().manual_seed(0))
    mirrored = (found == images.flip(3)).all(dim=(1, 2, 3))
    assert (mirrored | (found == images).all(dim=(1, 2, 3))).all()
    assert 150 < mirrored.sum() < 250


def test_a_half_precision_file_holds_what_its_accuracy_was_measured_with(
    few, monkeypatch, tmp_path
):
    monkeypatch.setattr(train_extractor, "BATCH", 100)
    images, labels = (part[::5] for part in train_extractor.images_of())
    monkeypatch.setattr(train_extractor, "images_of", lambda *_, **__: (images, labels))
    options = ["fashion_mnist_classifier", "--out", str(tmp_path), "--epochs", "1"]
    train_extractor.main(options)
    card = Card.of(tmp_path / "fashion_mnist_classifier.safetensors")
    state = safetensors.torch.load_file(tmp_path / "fashion_mnist_classifier.safetensors")
    assert state["head.weight"].dtype == torch.float16
    network = NETWORKS["fashion_mnist_classifier"]()
    network.load_state_dict({key: value.float() for key, value in state.items()})
    assert train_extractor.accuracy(network, images, labels) == card.test_accuracy
    assert card.inputs == "[n, 1, 28, 28] in [0, 1], fp32"

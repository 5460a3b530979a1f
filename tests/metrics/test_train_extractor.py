"""The script behind the shipped weights, on a few images."""

import numpy as np
import pytest
import torch

from ganablate.catalog import EXTRACTORS
from ganablate.metrics import train_extractor
from ganablate.metrics.card import Card


@pytest.fixture
def few(digits, monkeypatch):
    images = torch.from_numpy(digits[0].astype(np.float32) / 255).permute(0, 3, 1, 2)
    labels = torch.from_numpy(digits[1])
    monkeypatch.setattr(train_extractor, "_load", lambda *_, **__: (images, labels))
    yield images, labels
    torch.use_deterministic_algorithms(False)


def run(folder, seed):
    options = ["mnist_classifier", "--out", str(folder), "--epochs", "4", "--seed", str(seed)]
    train_extractor.main(options)
    return Card.of(folder / "mnist_classifier.safetensors")


def test_every_shipped_extractor_has_a_recipe():
    assert set(train_extractor.SETS) == set(EXTRACTORS)


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
    moved = train_extractor.shifted(images, torch.Generator().manual_seed(0))
    assert moved.shape == images.shape
    places = moved[:, 0].nonzero()
    assert len(places) == 200
    assert set(places[:, 1].tolist()) == set(places[:, 2].tolist()) == {2, 3, 4, 5, 6}
    assert not torch.equal(places[:, 1], places[:, 2])

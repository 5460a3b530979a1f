"""The reference lines: which images they take, and in which order metrics rank them."""

import numpy as np
import pytest

from ganablate.catalog import FLOOR, TEN_IMAGES
from ganablate.metrics import evaluate as measuring
from ganablate.metrics.evaluate import N_FAKE, N_REAL, RealImages, evaluate, evenly
from ganablate.metrics.references import RealSets, other_images, reference_lines, ten_images

METRICS = ("fid", "precision_recall")


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(measuring, "N_FAKE", 300)


def test_one_image_of_each_class(digits):
    assert sorted(digits[1][ten_images(1_000, digits[1])]) == list(range(10))


@pytest.mark.parametrize("labels", [None, np.repeat(np.arange(4), 25)])
def test_without_ten_classes_they_are_evenly_spaced(labels):
    assert ten_images(100, labels).tolist() == [5, 15, 25, 35, 45, 55, 65, 75, 85, 95]
    assert ten_images(3, None).tolist() == [0, 1, 2]


@pytest.mark.parametrize("n_images", [10_001, 19_999, 50_000, 60_000])
def test_other_images_are_none_of_the_real_ones(n_images):
    real = evenly(np.arange(n_images), N_REAL)
    others = other_images(n_images, N_FAKE)
    assert len(set(others.tolist())) == N_FAKE
    assert not {*others.tolist()} & {*real.tolist()}


def test_there_are_no_others_where_all_are_taken():
    assert len(other_images(N_REAL, N_FAKE)) == 0


def test_ten_repeated_images_have_a_trials_protocol_and_no_variety(digits, tmp_path, small):
    real = RealImages(digits[0], "abc", "train")
    sets = RealSets(*digits, real)
    lines = reference_lines(METRICS, extractor="mnist_classifier", sets=sets, cache=tmp_path)
    floor, ten = lines[FLOOR], lines[TEN_IMAGES]
    trial = evaluate(
        METRICS, extractor="mnist_classifier", losses={}, fake_images=lambda n: digits[0][:n],
        real_images=lambda: real, cache=tmp_path,
    )  # fmt: skip
    assert ten.protocols == trial.protocols
    assert (floor.images, ten.images) == ("halves of 500", "10, repeated to 300")
    assert floor.numbers["fid"] * 5 < ten.numbers["fid"]
    assert ten.numbers["recall"] < 0.01 < 0.5 < floor.numbers["recall"]
    assert ten.of("fid") == ({"fid": ten.numbers["fid"]}, "10, repeated to 300")


def test_the_floor_of_a_large_set_is_of_images_that_are_not_compared_with(
    digits, tmp_path, small, monkeypatch
):
    monkeypatch.setattr(measuring, "N_REAL", 500)
    sets = RealSets(*digits, RealImages(digits[0], "abc", "train"))
    lines = reference_lines(("fid",), extractor="mnist_classifier", sets=sets, cache=tmp_path)
    assert lines[FLOOR].images == "300 others"
    assert lines[FLOOR].protocols == lines[TEN_IMAGES].protocols
    assert 0 < lines[FLOOR].numbers["fid"] < lines[TEN_IMAGES].numbers["fid"] / 5


def test_a_single_image_has_no_floor(digits, tmp_path, small):
    sets = RealSets(digits[0][:1], None, RealImages(digits[0][:1], "one", "train"))
    lines = reference_lines(("modes",), extractor="mnist_classifier", sets=sets, cache=tmp_path)
    assert list(lines) == [TEN_IMAGES]
    assert lines[TEN_IMAGES].numbers == {"modes": 1.0}


def test_where_trials_are_compared_with_the_test_split_training_images_are_the_floor(
    digits, tmp_path, small
):
    images, labels = digits
    compared = RealImages(images[1::2], "test", "test")
    sets = RealSets(images[::2], labels[::2], compared)
    lines = reference_lines(("fid",), extractor="mnist_classifier", sets=sets, cache=tmp_path)
    assert lines[FLOOR].images == "300 of the training split"
    assert lines[FLOOR].numbers["fid"] * 5 < lines[TEN_IMAGES].numbers["fid"]
    assert ", real 500 of 500 test, fake 300, " in lines[TEN_IMAGES].protocols["fid"]

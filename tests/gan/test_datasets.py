"""Readers of data sets, on files the tests write and on the real ones where they are present."""

import socket
import struct
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from ganablate.gan import datasets
from ganablate.gan.datasets import DataError


def write_idx(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    header = struct.pack(">BBBB", 0, 0, 8, array.ndim) + struct.pack(
        f">{array.ndim}I", *array.shape
    )
    path.write_bytes(header + array.astype(np.uint8).tobytes())


def write_split(raw, images, labels):
    for split in ("train", "t10k"):
        write_idx(raw / f"{split}-images-idx3-ubyte", images)
        write_idx(raw / f"{split}-labels-idx1-ubyte", labels)


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*_args, **_kwargs):
        raise OSError("no route to host")

    monkeypatch.setattr("socket.create_connection", refuse)
    monkeypatch.setattr("socket.getaddrinfo", refuse)


@pytest.mark.parametrize(
    ("read", "name"), [(datasets.mnist, "MNIST"), (datasets.fashion_mnist, "FashionMNIST")]
)
def test_idx_files_under_a_root(tmp_path, no_network, read, name):
    images = np.arange(3 * 28 * 28).reshape(3, 28, 28) % 256
    write_split(tmp_path / name / "raw", images, np.array([7, 0, 9]))
    pixels, labels = read(tmp_path)
    assert pixels.dtype == np.uint8
    assert labels.dtype == np.int64
    np.testing.assert_array_equal(pixels, images[..., np.newaxis])
    assert labels.tolist() == [7, 0, 9]


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "cifar10"])
@pytest.mark.usefixtures("no_network")
def test_missing_files_give_one_clear_line(tmp_path, name):
    with pytest.raises(DataError) as caught:
        getattr(datasets, name)(tmp_path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(tmp_path) in message
    assert "no route to host" in message or "Error downloading" in message
    assert "mnist_5k" in message


def test_broken_files_are_named(tmp_path, no_network):
    raw = tmp_path / "MNIST" / "raw"
    write_split(raw, np.zeros((3, 28, 28)), np.zeros(3))
    (raw / "train-images-idx3-ubyte").write_bytes(b"\x00\x00\x08\x03")
    with pytest.raises(DataError, match="MNIST"):
        datasets.mnist(tmp_path)


def test_cifar10(tmp_path, monkeypatch):
    """torchvision checks the md5 of the real files, so its loader is stood in for here."""
    images = np.arange(2 * 32 * 32 * 3).reshape(2, 32, 32, 3).astype(np.uint8)

    def load(root, *, train, download):
        assert (root, train, download) == (tmp_path, True, True)
        return SimpleNamespace(data=images, targets=[3, 8])

    monkeypatch.setattr("torchvision.datasets.CIFAR10", load)
    pixels, labels = datasets.cifar10(tmp_path)
    np.testing.assert_array_equal(pixels, images)
    assert labels.dtype == np.int64
    assert labels.tolist() == [3, 8]


def test_the_time_limit_on_connections_is_taken_back(tmp_path, no_network):
    with pytest.raises(DataError):
        datasets.mnist(tmp_path)
    assert socket.getdefaulttimeout() is None


def picture(width, height, mode="RGB"):
    """Red rises to the right, green downwards."""
    across = np.linspace(0, 255, width)[np.newaxis, :].repeat(height, 0)
    down = np.linspace(0, 255, height)[:, np.newaxis].repeat(width, 1)
    return Image.fromarray(np.stack([across, down, 0 * down], 2).astype(np.uint8)).convert(mode)


def test_images_are_listed_by_path(tmp_path):
    for name in ("b/2.png", "a/9.jpg", "b/10.PNG", "0.webp"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        picture(4, 4).save(tmp_path / name)
    for name in ("notes.txt", ".hidden.png", "a/Thumbs.db"):
        (tmp_path / name).write_text("not an image")
    listed = [file.relative_to(tmp_path).as_posix() for file in datasets.image_files(tmp_path)]
    assert listed == ["0.webp", "a/9.jpg", "b/10.PNG", "b/2.png"]


@pytest.mark.parametrize(("width", "height"), [(96, 48), (48, 96), (16, 48), (33, 17), (8, 8)])
def test_short_side_is_resized_and_the_centre_cut(tmp_path, width, height):
    file = tmp_path / "one.png"
    picture(width, height).save(file)
    pixels = datasets.read_image(file, 16, 3)
    assert pixels.shape == (16, 16, 3)
    assert pixels.dtype == np.uint8
    # The middle of a ramp stays in the middle; the cut side shows only its inner part.
    assert pixels[..., 0].mean() == pytest.approx(127.5, abs=6)
    assert pixels[..., 1].mean() == pytest.approx(127.5, abs=6)
    if (width, height) == (96, 48):
        assert float(pixels[0, 0, 0]) == pytest.approx(255 / 4, abs=8)
        assert float(pixels[0, 0, 1]) == pytest.approx(0, abs=8)


def test_grey_colour_and_transparency(tmp_path):
    for mode in ("L", "RGBA", "P", "1"):
        file = tmp_path / f"{mode}.png"
        picture(20, 20, mode).save(file)
        assert datasets.read_image(file, 8, 3).shape == (8, 8, 3)
        assert datasets.read_image(file, 8, 1).shape == (8, 8, 1)
    grey = datasets.read_image(tmp_path / "L.png", 20, 3)
    np.testing.assert_array_equal(grey[..., 0], grey[..., 2])


def test_folder_stacks_them(tmp_path):
    picture(20, 10).save(tmp_path / "a.png")
    picture(10, 20).save(tmp_path / "b.png")
    images, labels = datasets.folder(tmp_path, 8, channels=1)
    assert images.shape == (2, 8, 8, 1)
    assert labels is None


def test_unreadable_files_are_named(tmp_path):
    good = tmp_path / "good.png"
    picture(64, 64).save(good)
    cut = tmp_path / "cut.png"
    cut.write_bytes(good.read_bytes()[: good.stat().st_size // 2])
    text = tmp_path / "text.jpg"
    text.write_text("no image")
    deep = tmp_path / "deep.png"
    Image.fromarray(np.zeros((4, 4), np.uint16)).save(deep)
    for file in (cut, text, deep):
        with pytest.raises(DataError, match=file.name):
            datasets.read_image(file, 8, 3)


def test_folders_without_images(tmp_path):
    with pytest.raises(DataError, match="no folder"):
        datasets.image_files(tmp_path / "absent")
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(DataError, match="no image in"):
        datasets.image_files(tmp_path)

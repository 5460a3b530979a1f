"""The photographs' readers on tiny folders of the real layouts, and what they say without them.

torchvision checks the real files by md5; where it does, the sums are taken out here.
"""

import dataclasses
import io
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import torch
import torchvision.datasets
from PIL import Image

from ganablate.catalog import DATASETS
from ganablate.gan import photographs
from ganablate.gan.data import materialise
from ganablate.gan.pictures import DataError

CELEBA_TEXTS = (
    "list_eval_partition.txt, list_attr_celeba.txt, identity_CelebA.txt, list_bbox_celeba.txt, "
    "list_landmarks_align_celeba.txt"
)
ELSE = "or name folder:NAME, which reads any folder of images under"


def save(path, level, size=(20, 16)):
    """A photograph of one grey level, which tells the images apart."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (level, level, level)).save(path)


def levels(pictures):
    """The grey level of every photograph."""
    opened = (pictures.open(index) for index in range(pictures.count))
    return [int(np.asarray(image).mean().round()) for image in opened]


@pytest.fixture
def flowers(tmp_path, monkeypatch):
    """Five flowers: 4 and 2 to train, 1 to validate, 3 and 5 to test; of the classes 9 to 5."""
    home = tmp_path / "flowers-102"
    for number in range(1, 6):
        save(home / "jpg" / f"image_{number:05d}.jpg", 40 * number)
    splits = {"trnid": [4, 2], "valid": [1, 1], "tstid": [3, 5]}
    scipy.io.savemat(home / "setid.mat", splits)
    scipy.io.savemat(home / "imagelabels.mat", {"labels": [10, 9, 8, 7, 6]})
    known = torchvision.datasets.Flowers102
    unchecked = {key: (name, None) for key, (name, _) in known._file_dict.items()}
    monkeypatch.setattr(known, "_file_dict", unchecked)
    return tmp_path


@pytest.fixture
def faces(tmp_path, monkeypatch):
    """Four faces; the first and the last are to train."""
    home = tmp_path / "celeba"
    names = [f"{number:06d}.jpg" for number in range(1, 5)]
    for number, name in enumerate(names, 1):
        save(home / "img_align_celeba" / name, 50 * number, size=(18, 22))
    for file, values, header in (
        ("list_eval_partition.txt", "{split}", ""), ("identity_CelebA.txt", "7", ""),
        ("list_attr_celeba.txt", "1 -1", "4\nSmiling Male\n"),
        ("list_bbox_celeba.txt", "1 2 3 4", "4\nimage_id x_1 y_1 width height\n"),
        ("list_landmarks_align_celeba.txt", "1 2", "4\nlefteye_x lefteye_y\n"),
    ):  # fmt: skip
        lines = [
            f"{name} {values.format(split=split)}\n"
            for name, split in zip(names, (0, 1, 2, 0), strict=True)
        ]
        (home / file).write_text(header + "".join(lines))
    known = torchvision.datasets.CelebA
    unchecked = [(place, None, name) for place, _, name in known.file_list]
    monkeypatch.setattr(known, "file_list", unchecked)
    return tmp_path


@pytest.fixture
def nouns(tmp_path):
    """Three photographs of two classes, with the list that torchvision makes of the devkit."""
    home = tmp_path / "imagenet"
    for name, level in (("n02/n02_1", 30), ("n01/n01_9", 60), ("n01/n01_3", 90)):
        save(home / "train" / f"{name}.JPEG", level)
    torch.save(({"n01": ("tench",), "n02": ("goldfish",)}, []), home / "meta.bin")
    return tmp_path


class Rooms:
    """Stands in for lmdb's environment and its transaction: three photographs by key."""

    held = frozenset()

    def __init__(self, path, **_options):
        if path in Rooms.held:  # as the real one does
            raise OSError(f"The environment '{path}' is already open in this process.")
        Rooms.held |= {path}
        self.path = path
        self.rows = {}
        for level in (20, 120, 220):
            buffer = io.BytesIO()
            Image.new("RGB", (9, 8), (level, level, level)).save(buffer, "png")
            self.rows[f"{path}/{level}".encode()] = buffer.getvalue()

    def begin(self, **_options):
        return self

    cursor = __enter__ = begin

    def __exit__(self, *_error):
        return None

    def close(self):
        Rooms.held -= {self.path}

    def stat(self):
        return {"entries": len(self.rows)}

    def iternext(self, **_options):
        return iter(self.rows)

    def get(self, key):
        return self.rows[key]


@pytest.fixture
def rooms(tmp_path, monkeypatch):
    lmdb = types.ModuleType("lmdb")
    lmdb.open = Rooms
    lmdb.__spec__ = types.SimpleNamespace()
    monkeypatch.setitem(sys.modules, "lmdb", lmdb)
    home = tmp_path / "bedroom_train_lmdb"
    home.mkdir()
    (home / "data.mdb").touch()
    return tmp_path


def test_flowers102_takes_all_three_splits(flowers):
    pictures, labels = photographs.flowers102(flowers)
    assert levels(pictures) == [160, 80, 40, 40, 120, 200]
    assert labels.dtype == np.int64
    assert labels.tolist() == [6, 8, 9, 9, 7, 5]
    assert pictures.name(0) == str(flowers / "flowers-102" / "jpg" / "image_00004.jpg")


def test_celeba_takes_the_training_split(faces):
    pictures, labels = photographs.celeba(faces)
    assert levels(pictures) == [50, 200]
    assert labels is None
    assert pictures.name(1) == str(faces / "celeba" / "img_align_celeba" / "000004.jpg")


def test_imagenet_is_sorted_by_class(nouns):
    pictures, labels = photographs.imagenet(nouns)
    assert levels(pictures) == [90, 60, 30]
    assert labels.dtype == np.int64
    assert labels.tolist() == [0, 0, 1]


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # torchvision leaves its list open
def test_lsun_bedroom(rooms, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pictures, labels = photographs.lsun_bedroom(rooms)
    assert levels(pictures) == [20, 120, 220]
    assert labels is None
    assert pictures.name(2) == f"{rooms / 'bedroom_train_lmdb'}, image 2"
    assert [path.name for path in tmp_path.iterdir()] == ["bedroom_train_lmdb"]


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_rooms_under_a_relative_root(rooms, monkeypatch):
    monkeypatch.chdir(rooms.parent)
    pictures, _ = photographs.lsun_bedroom(Path(rooms.name))
    assert levels(pictures) == [20, 120, 220]


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_rooms_can_be_read_at_many_sizes(rooms, monkeypatch):
    cache = rooms / "cache"
    with pytest.raises(DataError, match="has 3 images, not 3,033,042: put all of it there"):
        materialise("lsun_bedroom", 8, data_root=rooms, cache=cache)
    few = dataclasses.replace(DATASETS["lsun_bedroom"], images=3)
    monkeypatch.setitem(DATASETS, "lsun_bedroom", few)
    with pytest.raises(
        DataError,
        match="image 0: 9 x 8 pixels; a crop of 9 does not fit into it",
    ):
        materialise("lsun_bedroom", 8, data_root=rooms, cache=cache, crop=9)
    for size in (8, 16):
        made = materialise("lsun_bedroom", size, data_root=rooms, cache=cache)
        assert made.images[:, 0, 0, 0].tolist() == [20, 120, 220]


def message_of(read, root):
    with pytest.raises(DataError) as caught:
        read(root)
    return str(caught.value)


FAULTS = {
    "flowers102": "flowers-102 lacks jpg (102flowers.tgz unpacked), imagelabels.mat, setid.mat, "
    "and the download failed (no route to host)",
    "celeba": f"celeba lacks img_align_celeba (img_align_celeba.zip unpacked), {CELEBA_TEXTS}",
    "imagenet": "imagenet lacks ILSVRC2012_devkit_t12.tar.gz, ILSVRC2012_img_train.tar",
    "lsun_bedroom": "bedroom_train_lmdb lacks data.mdb (bedroom_train_lmdb.zip unpacked)",
}


@pytest.mark.usefixtures("rooms")
@pytest.mark.parametrize("name", FAULTS)
def test_missing_files_are_named(tmp_path, monkeypatch, name):
    def refuse(*_args, **_kwargs):
        raise OSError("no route to host")

    monkeypatch.setattr("torchvision.datasets.flowers102.download_and_extract_archive", refuse)
    (tmp_path / "bedroom_train_lmdb" / "data.mdb").unlink()
    expected = f"{name}: {tmp_path}/{FAULTS[name]}; put them there, {ELSE} {tmp_path}"
    assert message_of(getattr(photographs, name), tmp_path) == expected


def test_a_missing_package_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    assert message_of(photographs.lsun_bedroom, tmp_path) == (
        f"lsun_bedroom needs the package lmdb: pip install lmdb, {ELSE} {tmp_path}"
    )


def test_only_what_is_missing_is_named(faces):
    (faces / "celeba" / "identity_CelebA.txt").unlink()
    assert "celeba lacks identity_CelebA.txt; put them there," in message_of(
        photographs.celeba, faces
    )


def test_files_that_fail_torchvisions_check(faces, monkeypatch):
    known = torchvision.datasets.CelebA
    wrong = [(place, "0" * 32, name) for place, _, name in known.file_list]
    monkeypatch.setattr(known, "file_list", wrong)
    assert message_of(photographs.celeba, faces) == (
        f"celeba: {faces / 'celeba'} cannot be read (Dataset not found or corrupted.); "
        f"put its files there again, {ELSE} {faces}"
    )


def test_materialised_one_by_one(faces, monkeypatch):
    def read(root, crop=19):
        return materialise("celeba", 8, data_root=root, cache=root / "cache", crop=crop)

    monkeypatch.setitem(DATASETS, "celeba", dataclasses.replace(DATASETS["celeba"], images=2))
    made = read(faces, crop=18)
    assert made.images.shape == (2, 8, 8, 3)
    assert made.images.mean((1, 2, 3)) == pytest.approx([50, 200], abs=1)
    assert made.labels is None
    file = faces / "celeba" / "img_align_celeba" / "000001.jpg"
    message = f"{file}: 18 x 22 pixels; a crop of 19 does not fit into it; 1 other image likewise"
    assert message_of(read, faces) == message


def test_labels_are_kept(nouns, monkeypatch):
    few = dataclasses.replace(DATASETS["imagenet"], images=3)
    monkeypatch.setitem(DATASETS, "imagenet", few)
    made = materialise("imagenet", 8, data_root=nouns, cache=nouns / "cache")
    assert made.labels.tolist() == [0, 0, 1]


def test_a_part_of_a_set_is_not_the_set(nouns):
    def read(root):
        materialise("imagenet", 8, data_root=root, cache=root / "cache")

    assert message_of(read, nouns) == (
        f"imagenet under {nouns} has 3 images, not 1,281,167: put all of it there, or name "
        "folder:NAME, which reads any folder of images"
    )

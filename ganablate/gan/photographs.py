"""Readers of the data sets whose photographs have no one size, by torchvision's own classes.

A reader is `f(root) -> (pictures, labels)`: `Pictures`, which open one photograph at a time, and
int64 [n] or None. Only flowers102 is downloaded: the others are too large or ask for a sign-in.
"""

import contextlib
import importlib.util
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ganablate.gan.datasets import connect_timeout, first_line
from ganablate.gan.pictures import DataError, Labels, Pictures, of_files

CELEBA_IMAGES = "img_align_celeba"
LSUN_CLASS = "bedroom_train"


def _load(
    make: Callable[[], Any], dataset: str, folder: Path, needs: Mapping[str, Sequence[str]],
    *, downloads: bool = False,
) -> Any:  # fmt: skip
    """What `make` reads of the files of a data set.

    Args:
        make: Calls torchvision.
        dataset: Its name, for messages.
        folder: Its folder under the data root.
        needs: What must be put there, and the names of which one suffices.
        downloads: Whether torchvision fetches what is not there.

    Raises:
        DataError: naming what is not there, or saying why it cannot be read.
    """
    lacking = ", ".join(
        file for file, names in needs.items() if not any((folder / name).exists() for name in names)
    )
    cause: Exception | None = None
    if lacking and not downloads:
        fault = f"lacks {lacking}; put them there"
    else:
        try:
            with connect_timeout():
                return make()
        # The loaders raise whatever their parsers and the network meet.
        except Exception as error:
            cause = error
            # torchvision's own advice is for its callers; ours follows.
            reason = first_line(error).partition(" You can use download=True")[0]
            fault = f"cannot be read ({reason}); put its files there again"
            if lacking:
                fault = f"lacks {lacking}, and the download failed ({reason}); put them there"
    raise DataError(
        f"{dataset}: {folder} {fault}, or name folder:NAME, which reads any folder of images "
        f"under {folder.parent}"
    ) from cause


def flowers102(root: Path) -> tuple[Pictures, Labels]:
    """Oxford's 102 flowers: training, validation and test split in this order, 8,189 together.

    Raises:
        DataError: if the files are neither under `root` nor to be downloaded, or are broken.
    """
    from torchvision.datasets import Flowers102

    splits = _load(
        lambda: [Flowers102(root, split=part, download=True) for part in ("train", "val", "test")],
        "flowers102",
        root / "flowers-102",
        {
            "jpg (102flowers.tgz unpacked)": ["jpg"],
            "imagelabels.mat": ["imagelabels.mat"],
            "setid.mat": ["setid.mat"],
        },
        downloads=True,
    )
    files = [file for split in splits for file in split._image_files]
    labels = [label for split in splits for label in split._labels]
    return of_files(files), np.asarray(labels, np.int64)


def celeba(root: Path) -> tuple[Pictures, None]:
    """CelebA's training split, 162,770 aligned faces of 178 x 218 pixels.

    Raises:
        DataError: if the files are not under `root`, or are broken.
    """
    from torchvision.datasets import CelebA

    folder = root / "celeba"
    needs = {f"{CELEBA_IMAGES} ({CELEBA_IMAGES}.zip unpacked)": [CELEBA_IMAGES]}
    for name in (
        "list_eval_partition.txt", "list_attr_celeba.txt", "identity_CelebA.txt",
        "list_bbox_celeba.txt", "list_landmarks_align_celeba.txt",
    ):  # fmt: skip
        needs[name] = [name]
    data = _load(lambda: CelebA(root, split="train", download=False), "celeba", folder, needs)
    return of_files([folder / CELEBA_IMAGES / name for name in data.filename]), None


def imagenet(root: Path) -> tuple[Pictures, Labels]:
    """ImageNet's training split of 2012, 1,281,167 photographs, sorted by class.

    Where `train` is not unpacked yet, torchvision does so beside the archive.

    Raises:
        DataError: if the files are not under `root`, or are broken.
    """
    from torchvision.datasets import ImageNet

    folder = root / "imagenet"
    devkit, archive = "ILSVRC2012_devkit_t12.tar.gz", "ILSVRC2012_img_train.tar"
    needs = {devkit: [devkit, "meta.bin"], archive: [archive, "train"]}
    data = _load(lambda: ImageNet(folder, split="train"), "imagenet", folder, needs)
    files = [file for file, _ in data.samples]
    return of_files(files), np.asarray(data.targets, np.int64)


def lsun_bedroom(root: Path) -> tuple[Pictures, None]:
    """LSUN's bedrooms, training split, 3,033,042 photographs of 256 pixels on the short side.

    Raises:
        DataError: if the package lmdb or the files are not there, or the files are broken.
    """
    root = root.resolve()  # the working folder changes below
    if importlib.util.find_spec("lmdb") is None:
        raise DataError(
            "lsun_bedroom needs the package lmdb: pip install lmdb, or name folder:NAME, which "
            f"reads any folder of images under {root}"
        )
    from torchvision.datasets import LSUN

    folder = root / f"{LSUN_CLASS}_lmdb"
    needs = {f"data.mdb ({LSUN_CLASS}_lmdb.zip unpacked)": ["data.mdb"]}
    # torchvision keeps a list of keys in the working folder, under a name that other roots share.
    with tempfile.TemporaryDirectory() as empty, contextlib.chdir(empty):
        data = _load(lambda: LSUN(str(root), classes=[LSUN_CLASS]), "lsun_bedroom", folder, needs)
    pictures = Pictures(
        len(data),
        name=lambda index: f"{folder}, image {index}",
        open=lambda index: data[index][0],
        close=data.dbs[0].env.close,  # lmdb refuses to open one that this process holds open
    )
    return pictures, None

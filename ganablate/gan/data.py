"""The images of a trial, made once and shared: a memory-mapped array in a cache.

Every data set is a folder of the cache, `images.npy`, `labels.npy` if it has labels, and
`card.json`. It is built under another name and renamed, so that a kill at any moment leaves
either nothing or all of it; a file lock lets the first process build while the others wait.
"""

import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

import numpy as np
import numpy.typing as npt
from filelock import FileLock
from PIL import Image

from ganablate.atomic_write import write_text
from ganablate.catalog import DATASETS, FOLDER_PREFIX
from ganablate.config import derive_seed
from ganablate.gan.datasets import DataError, Labels, Pixels, image_files, read_image

__all__ = ["DataError", "MaterialisedData", "materialise", "training_subset"]

FOLDER_CHANNELS = 3
_LAYOUT = 1  # of the cache; an older one is built anew


@dataclass(frozen=True)
class MaterialisedData:
    """One data set at one image size.

    Attributes:
        images: uint8 [n, size, size, channels], a read-only memory map.
        labels: int64 [n], or None where there are none.
        fingerprint: sha256 of the images' shape and bytes, 64 hex digits; labels are not in it.
        path: of the array, for other processes to map.
    """

    images: Pixels
    labels: Labels | None
    fingerprint: str
    path: Path


@dataclass(frozen=True)
class _Source:
    """Where the images come from, before they are read."""

    identity: str
    """Changes whenever the cache must be built anew."""
    folder: Path | None
    root: Path


def materialise(
    dataset: str,
    image_size: int,
    *,
    data_root: Path | None,
    cache: Path,
    channels: int | None = None,
) -> MaterialisedData:
    """Map a data set, after reading, resizing and caching it if that is still to be done.

    Images are resized (Pillow's bilinear, which averages where it shrinks) only where the set's
    own size differs. A folder's images get their short side resized and the centre cut out. The
    order is that of the files: mnist_5k is sorted by class.

    A cache whose files are cut short is built anew, as is a folder's where a file was added,
    removed, changed in size or touched. Flipped bits inside a file are not looked for.

    Args:
        dataset: a key of `catalog.DATASETS`, or "folder:NAME" for the images under DATA_ROOT/NAME.
        image_size: height and width wanted, in pixels.
        data_root: folder that holds torchvision's folders and those of "folder:NAME"; None for
            `downloads` beside the cache.
        cache: folder to keep the arrays in.
        channels: of a folder's images: 1 for grey, 3 for colour (if None); others have their own.

    Raises:
        DataError: one line saying what is missing or broken and what to do.
    """
    root = data_root if data_root is not None else cache.parent / "downloads"
    source = _source(dataset, root)
    grey = "-grey" if source.folder is not None and channels == 1 else ""
    place = cache / f"{quote(dataset, safe='')}-{image_size}{grey}"
    found = _open(place, source.identity)
    if found is not None:
        return found
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(cache / f"{place.name}.lock"):
        found = _open(place, source.identity)  # another process may have built it meanwhile
        if found is None:
            _build(place, dataset, (image_size, channels or FOLDER_CHANNELS), source)
            found = _open(place, source.identity)
    if found is None:
        raise DataError(f"{place} changed while it was written; is its folder in use elsewhere?")
    return found


def training_subset(n_images: int, train_images: int | None) -> npt.NDArray[np.int64] | None:
    """The indices of the images to train on, or None for all.

    They are the first of one fixed shuffle, the same in every trial: fixed, so that arms and
    replicates train on the same images and a smaller subset lies inside a larger one; a shuffle,
    because the first so many of a file sorted by class (mnist_5k) would be one or two classes.

    Returns:
        int64 [train_images], in the order of the shuffle.
    """
    if train_images is None or train_images >= n_images:
        return None
    random = np.random.Generator(np.random.PCG64(derive_seed("train_images")))
    return random.permutation(n_images)[:train_images]


def _source(dataset: str, root: Path) -> _Source:
    if dataset in DATASETS:
        return _Source(identity=DATASETS[dataset].data_id, folder=None, root=root)
    if not dataset.startswith(FOLDER_PREFIX):
        raise DataError(f"no data set {dataset!r}; there are {', '.join(DATASETS)}, folder:NAME")
    name = PurePosixPath(dataset.removeprefix(FOLDER_PREFIX))
    # Read by its letters: a link that the user put into the data root may lead anywhere.
    if name.is_absolute() or ".." in name.parts or not name.parts:
        raise DataError(f"{dataset!r} must name a folder inside the data root")
    folder = root / name
    return _Source(identity=_listing(folder), folder=folder, root=root)


def _listing(folder: Path) -> str:
    """Digest of the folder's place and of each image's path, size and time of change."""
    digest = hashlib.sha256(str(folder.resolve()).encode())
    for file in image_files(folder):
        status = file.stat()
        line = f"\n{file.relative_to(folder).as_posix()}\t{status.st_size}\t{status.st_mtime_ns}"
        digest.update(line.encode(errors="surrogateescape"))
    return f"listing-{digest.hexdigest()}"


def _build(place: Path, dataset: str, form: tuple[int, int], source: _Source) -> None:
    """Write the data set's folder; `form` is size and channels; the caller holds the lock."""
    image_size, channels = form
    partial = place.with_name(f".{place.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)  # of a process that was killed
    partial.mkdir()
    try:
        if source.folder is not None:
            labels, fingerprint, shape = _write_folder(partial, source.folder, image_size, channels)
        else:
            labels, fingerprint, shape = _write_known(partial, dataset, image_size, source.root)
        if labels is not None:
            _write_array(partial / "labels.npy", labels.shape, np.int64, labels)
        card = {
            "layout": _LAYOUT, "data_id": source.identity, "n": shape[0], "shape": list(shape),
            "labels": labels is not None, "fingerprint": fingerprint,
        }  # fmt: skip
        write_text(partial / "card.json", json.dumps(card, indent=2) + "\n")
        shutil.rmtree(place, ignore_errors=True)
        partial.rename(place)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


_Written = tuple[Labels | None, str, tuple[int, ...]]


def _write_known(target: Path, dataset: str, image_size: int, root: Path) -> _Written:
    line = DATASETS[dataset]
    images, labels = line.load()(root)
    expected = (line.images, line.image_size, line.image_size, line.channels)
    if images.shape != expected:
        raise DataError(
            f"{dataset} under {root} has the shape {images.shape}, not {expected}: "
            "remove its files there, so that they are fetched again"
        )
    shape = (line.images, image_size, image_size, line.channels)
    resized = images if image_size == line.image_size else _resized(images, image_size)
    return labels, _write_images(target, shape, resized), shape


def _write_folder(target: Path, folder: Path, image_size: int, channels: int) -> _Written:
    files = image_files(folder)
    shape = (len(files), image_size, image_size, channels)
    images = (read_image(file, image_size, channels) for file in files)
    return None, _write_images(target, shape, images), shape


def _resized(images: Pixels, size: int) -> Iterator[Pixels]:
    for image in images:
        picture = Image.fromarray(image.squeeze(-1) if image.shape[2] == 1 else image)
        picture = picture.resize((size, size), Image.Resampling.BILINEAR)
        yield np.asarray(picture, np.uint8).reshape(size, size, image.shape[2])


def _write_images(target: Path, shape: tuple[int, ...], images: Iterable[Pixels]) -> str:
    return _write_array(target / "images.npy", shape, np.uint8, images)


def _write_array(
    path: Path, shape: tuple[int, ...], dtype: type[np.generic], rows: Iterable[Any]
) -> str:
    """Write row by row, never all in memory; return the digest of shape and bytes."""
    array = np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)
    digest = hashlib.sha256(repr(shape).encode())
    for index, row in enumerate(rows):
        array[index] = row
        digest.update(array[index].tobytes())
    array.flush()
    return digest.hexdigest()


def _open(place: Path, identity: str) -> MaterialisedData | None:
    """The cached set, or None where it is absent, incomplete, or of another source."""
    path = place / "images.npy"
    try:
        card = json.loads((place / "card.json").read_text(encoding="utf-8"))
        if card["layout"] != _LAYOUT or card["data_id"] != identity:
            return None
        images = np.load(path, mmap_mode="r", allow_pickle=False)
        labels = np.load(place / "labels.npy", allow_pickle=False) if card["labels"] else None
        if not _is_whole(path, images, card["shape"]):
            return None
        if labels is not None and labels.shape != images.shape[:1]:
            return None
        return MaterialisedData(images, labels, card["fingerprint"], path)
    except (OSError, ValueError, KeyError, TypeError, EOFError):
        return None


def _is_whole(path: Path, images: np.memmap[Any, Any], shape: list[int]) -> bool:
    size = images.offset + images.nbytes
    return list(images.shape) == shape and images.dtype == np.uint8 and path.stat().st_size == size

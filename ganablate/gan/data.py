"""The images of a trial, made once and shared: a memory-mapped array in a cache.

Every data set is a folder of the cache, `images.npy`, `labels.npy` if it has labels, and
`card.json`. It is built under another name and renamed, so that a kill at any moment leaves
either nothing or all of it; a file lock lets the first process build while the others wait.
"""

import hashlib
import json
import os
import shutil
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, Literal
from urllib.parse import quote

import numpy as np
import numpy.typing as npt
from filelock import FileLock
from PIL import Image

from ganablate.catalog import DATASETS, FOLDER_PREFIX, DataKey, Dataset, OwnValue, channels_of
from ganablate.config import derive_seed
from ganablate.files import read_json, write_text
from ganablate.gan.pictures import DataError as DataError
from ganablate.gan.pictures import Form, Labels, Pictures, Pixels, image_files, of_files
from ganablate.study.plugins import place_in_plugin

Split = Literal["train", "test"]
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
    """Where the images come from, before they are read.

    `folder` is that of a "folder:NAME"; `identity` changes whenever the cache must be built anew.
    `own` are the values of the settings that the data set declares.
    """

    dataset: str
    split: Split
    root: Path
    folder: Path | None
    identity: str
    own: Mapping[str, OwnValue]


def downloads_beside(cache: Path) -> Path:
    """Where files are found or downloaded to, unless a data root is given."""
    return cache.parent / "downloads"


def known_fingerprints(keys: Iterable[DataKey], cache: Path) -> dict[DataKey, str]:
    """The fingerprints of those data sets that were read before, as they were then.

    A folder that was changed since is noticed when it is read again.
    """
    fingerprints = {}
    for key in keys:
        form = Form(key.image_size, channels_of(key.dataset, key.channels), key.crop)
        card = read_json(cache / _folder_name(key.dataset, form, key.own) / "card.json") or {}
        if isinstance(card.get("fingerprint"), str):
            fingerprints[key] = card["fingerprint"]
    return fingerprints


def _folder_name(
    dataset: str, form: Form, own: tuple[tuple[str, OwnValue], ...], split: Split = "train"
) -> str:
    """The name of a cached folder; read from its end, no two sets share one."""
    grey = "-grey" if dataset not in DATASETS and form.channels == 1 else ""
    crop = f"-crop{form.crop}" if form.crop is not None else ""
    values = json.dumps(sorted(own)).encode()
    settings = f"-own{hashlib.sha256(values).hexdigest()[:12]}" if own else ""
    test = "-test" if split == "test" else ""
    return f"{quote(dataset, safe='')}-{form.size}{grey}{crop}{settings}{test}"


def materialise(  # noqa: PLR0913 - each decides which images there are
    dataset: str,
    image_size: int,
    *,
    data_root: Path | None,
    cache: Path,
    channels: int | None = None,
    crop: int | None = None,
    own: tuple[tuple[str, OwnValue], ...] = (),
    split: Split = "train",
) -> MaterialisedData:
    """Map a data set, after reading, resizing and caching it if that is still to be done.

    Images are resized (Pillow's bilinear, which averages where it shrinks) only where their own
    size differs: the short side becomes `image_size`, and the centre is cut out. With a crop a
    centred square is cut out of the original before. The order is that of the files: mnist_5k
    is sorted by class.

    A cache whose files are cut short is built anew, as is a folder's where a file was added,
    removed, changed in size or touched. Flipped bits inside a file are not looked for.

    Args:
        dataset: a key of `catalog.DATASETS`, or "folder:NAME" for the images under DATA_ROOT/NAME.
        image_size: height and width wanted, in pixels.
        data_root: folder that holds torchvision's folders and those of "folder:NAME"; None for
            `downloads` beside the cache.
        cache: folder to keep the arrays in.
        channels: of a folder's images: 1 for grey, 3 for colour (if None); others have their own.
        crop: side of the square cut out of every original, in its pixels; None: no such cut.
        own: names and values of the settings that the data set declares.
        split: "test" for the labelled images that probes are tested on; few data sets have them.

    Raises:
        DataError: one line saying what is missing or broken and what to do.
    """
    root = data_root if data_root is not None else downloads_beside(cache)
    source = replace(_source(dataset, root, split), own=dict(own))
    form = Form(image_size, channels_of(dataset, channels), crop)
    place = cache / _folder_name(dataset, form, own, split)
    data = _open(place, source.identity)
    if data is not None:
        return data
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(cache / f"{place.name}.lock"):
        data = _open(place, source.identity)  # another process may have built it meanwhile
        if data is None:
            _build(place, source, form)
            data = _open(place, source.identity)
    if data is None:
        raise DataError(f"{place} changed while it was written; is its folder in use elsewhere?")
    return data


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


def _source(dataset: str, root: Path, split: Split) -> _Source:
    if split == "test" and (dataset not in DATASETS or DATASETS[dataset].test is None):
        tested = ", ".join(name for name, line in DATASETS.items() if line.test is not None)
        raise DataError(f"{dataset} has no labelled test split; there is one of {tested}")
    if dataset in DATASETS:
        entry = DATASETS[dataset]
        # The bytes of a data set of a plug-in are what its reader makes of the files.
        identity = entry.data_id if entry.digest is None else f"{entry.data_id}-{entry.digest}"
        return _Source(dataset, split, root, folder=None, identity=identity, own={})
    if not dataset.startswith(FOLDER_PREFIX):
        raise DataError(f"no data set {dataset!r}; there are {', '.join(DATASETS)}, folder:NAME")
    # Read by its letters: a link that the user put into the data root may lead anywhere.
    name = PurePosixPath(dataset.removeprefix(FOLDER_PREFIX))
    if name.is_absolute() or ".." in name.parts or not name.parts:
        raise DataError(f"{dataset!r} must name a folder inside the data root")
    folder = root / name
    # Each image's path, size and time of change tell whether the folder is as it was.
    digest = hashlib.sha256(str(folder.resolve()).encode())
    for file in image_files(folder):
        status = file.stat()
        line = f"\n{file.relative_to(folder).as_posix()}\t{status.st_size}\t{status.st_mtime_ns}"
        digest.update(line.encode(errors="surrogateescape"))
    identity = f"upright-listing-{digest.hexdigest()}"  # "listing-" were not turned upright
    return _Source(dataset, split, root, folder=folder, identity=identity, own={})


def _build(place: Path, source: _Source, form: Form) -> None:
    """Write the data set's folder; the caller holds the lock."""
    partial = place.with_name(f".{place.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)  # of a process that was killed
    partial.mkdir()
    try:
        count, images, labels = _read(source, form)
        shape = (count, form.size, form.size, form.channels)
        fingerprint = _write_array(partial / "images.npy", shape, np.uint8, images)
        if labels is not None:
            _write_array(partial / "labels.npy", labels.shape, np.int64, labels)
        card = {
            "layout": _LAYOUT, "data_id": source.identity, "n": count, "shape": list(shape),
            "labels": labels is not None, "fingerprint": fingerprint,
        }  # fmt: skip
        write_text(partial / "card.json", json.dumps(card, indent=2) + "\n")
        shutil.rmtree(place, ignore_errors=True)
        partial.rename(place)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _read(source: _Source, form: Form) -> tuple[int, Iterable[Pixels], Labels | None]:
    """How many images there are, each of them in its form, and the labels."""
    if source.folder is not None:
        pictures = of_files(image_files(source.folder), upright=True)
        return pictures.count, pictures.in_form(form), None
    name, entry = source.dataset, DATASETS[source.dataset]
    reader = entry
    if source.split == "test" and entry.test is not None:
        reader = replace(entry, implementation=entry.test)
    images, labels = _load(reader, name, source)
    count = images.count if isinstance(images, Pictures) else len(images)
    if labels is not None and labels.shape != (count,):
        given = f"labels of the shape {labels.shape} for {count:,} images"
        raise DataError(f"{name}: its reader gives {given}; one each is needed")
    if isinstance(images, Pictures):
        if count != entry.images:
            images.close()
            raise DataError(
                f"{name} under {source.root} has {count:,} images, not {entry.images:,}: put all "
                "of it there, or name folder:NAME, which reads any folder of images"
            )
        return count, images.in_form(form), labels
    if images.dtype != np.uint8:
        given = f"images of {images.dtype}; uint8, 0 to 255, is needed"
        raise DataError(f"{name}: its reader gives {given}")
    expected = (
        entry.images if source.split == "train" else count,
        entry.image_size, entry.image_size, entry.channels,
    )  # fmt: skip
    if images.shape != expected:
        raise DataError(
            f"{name} under {source.root} has the shape {images.shape}, not {expected}: "
            "remove its files there, so that they are fetched again"
        )
    if form.size == entry.image_size and form.crop is None:
        return count, images, labels
    rows = images.squeeze(-1) if entry.channels == 1 else images
    pictures = Pictures(
        count,
        name=lambda index: f"{name}, image {index}",
        open=lambda index: Image.fromarray(rows[index]),
    )
    return count, pictures.in_form(form), labels


def _load(reader: Dataset, name: str, source: _Source) -> Any:
    """What a data set's reader gives; one of a plug-in may draw, such as which images it takes."""
    if reader.digest is not None:
        import torch

        from ganablate.gan.seeding import seed_all

        seed_all(torch.device("cpu"), "reader", name, source.split)
    try:
        return reader.load()(source.root, **source.own)
    except SystemExit as error:
        place = place_in_plugin(traceback.extract_tb(error.__traceback__))
        raise DataError(f"{name}: its reader calls sys.exit({error.code}){place}") from error


def _write_array(
    path: Path, shape: tuple[int, ...], dtype: type[np.generic], rows: Iterable[Any]
) -> str:
    """Write row by row, never all in memory; return the digest of shape and bytes.

    Not through a memory map: where the disk is full, that ends the process with a bus error.
    """
    digest = hashlib.sha256(repr(shape).encode())
    header = {"descr": np.dtype(dtype).str, "fortran_order": False, "shape": shape}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for row in rows:
            content = np.asarray(row, dtype).tobytes()
            file.write(content)
            digest.update(content)
        file.flush()
        os.fsync(file.fileno())
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
        is_whole = (
            list(images.shape) == card["shape"]
            and images.dtype == np.uint8
            and path.stat().st_size == images.offset + images.nbytes
            and (labels is None or labels.shape == images.shape[:1])
        )
        return MaterialisedData(images, labels, card["fingerprint"], path) if is_whole else None
    except (OSError, ValueError, KeyError, TypeError, EOFError):
        return None

"""Files that a reader sees whole: written, then renamed; arrays; and disks that take nothing."""

import contextlib
import errno
import fcntl
import functools
import json
import logging
import os
import secrets
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

RECORDS = "records"
"""Folder under `runs`: what is known of reports and of MLflow on this machine, and can be lost."""
PUBLISHED = "published"
"""Folder under `results` that holds the published records, as committed or given to others."""
_log = logging.getLogger(__name__)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it is flushed to disk and renamed to it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not tempfile's, which nobody else may read: it is the user's umask that says who may, though
    # never everyone to write.
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}{path.suffix}")
    temporary.touch(0o664, exist_ok=False)
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def remove_unfinished(folder: Path, of: str = "*") -> None:
    """Remove what writes (of files with this name) below the folder left when they were killed.

    Nobody may write there now.
    """
    for left in folder.rglob(f".{of}.*"):
        if left.is_file():
            left.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Replace the file's content in one step."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Replace the file's content by one JSON object, in one step."""
    write_text(path, json.dumps(content, indent=1, allow_nan=False) + "\n")


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in the file; None where there is no file.

    A file that holds no object, cut short by a disk or changed by hand, counts as absent, and is
    told once.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (json.JSONDecodeError, UnicodeDecodeError, IsADirectoryError) as error:
        tell_unreadable(path, str(error))
        return None
    if isinstance(content, dict):
        return content
    tell_unreadable(path, "it does not hold an object")
    return None


@functools.cache
def tell_unreadable(path: Path, why: str) -> None:
    """Warn, once a process, that a damaged file counts as absent."""
    _log.warning("%s cannot be read (%s): taken as absent", path, why)


# Arrays

if TYPE_CHECKING:
    import numpy as np

# numpy is imported where arrays are read or written: `validate` and `--help` do neither.

_DAMAGED = (ValueError, EOFError, zipfile.BadZipFile)
"""Errors that numpy raises for a file that is cut short."""


def write_arrays(path: Path, content: "np.ndarray | Mapping[str, np.ndarray]") -> None:
    """Replace the file by an array (.npy), or by arrays with names (.npz, compressed)."""
    import numpy as np

    with replacing(path) as temporary, temporary.open("wb") as file:
        if isinstance(content, np.ndarray):
            np.save(file, content)
        else:
            named: dict[str, Any] = dict(content)
            np.savez_compressed(file, **named)


def read_arrays(path: Path) -> Any:
    """The array in a file (.npy), or the arrays by name (.npz); None where none can be read."""
    import numpy as np

    try:
        # Opened here: numpy leaves a file open that it cannot read.
        with path.open("rb") as file:
            stored = np.load(file, allow_pickle=False)
            return stored if isinstance(stored, np.ndarray) else dict(stored)
    except FileNotFoundError:
        return None
    except _DAMAGED as error:
        tell_unreadable(path, str(error))
        return None


# Disks that take nothing more

_FOR_EVERYONE = {
    errno.ENOSPC: "no space is left on its disk",
    errno.EDQUOT: "the quota on its disk is used up",
    errno.EROFS: "its file system is read-only",
}
_REFUSALS = {
    **_FOR_EVERYONE,
    errno.EACCES: "permission is denied",
    errno.EPERM: "permission is denied",
}


_MUCH = 2**20
"""Free bytes at which a write that fails for want of space lacks something else."""


def is_full(error: BaseException) -> bool:
    """Whether nothing at all can be stored: space, quota or a read-only file system."""
    return isinstance(error, OSError) and _errno(error) in _FOR_EVERYONE


def is_refusal(error: BaseException) -> bool:
    """Whether the file system refused a write: as `is_full`, or for want of permission."""
    return isinstance(error, OSError) and _errno(error) in _REFUSALS


def in_words(error: OSError, folder: Path) -> str:
    """One line: which file or else folder cannot be written, and why.

    Of a full disk it says how much is free by now: a write that failed has given back what it took.
    """
    place = error.filename if isinstance(error.filename, str) else str(folder)
    number = _errno(error)
    why = _REFUSALS.get(number, error.strerror or type(error).__name__)
    if number == errno.ENOSPC:
        with contextlib.suppress(OSError):
            nearest = _nearest(Path(place))
            free = shutil.disk_usage(nearest).free
            if free > _MUCH and free_inodes(nearest) == 0:
                why = "its disk takes no more files (its inodes are used up; remove some files)"
            else:
                why += f" ({free / 1e6:.1f} MB free)"
    return f"{place} cannot be written: {why}"


def free_inodes(folder: Path) -> int | None:
    """How many files can still be made on the disk of a folder; None where there is no limit."""
    disk = os.statvfs(folder)
    return disk.f_favail if disk.f_files else None


def _errno(error: OSError) -> int:
    # Where numpy writes to a file itself, it counts what was written and does not ask why.
    short = error.errno is None and "requested and" in str(error)
    return errno.ENOSPC if short else error.errno or 0


def obstacle(folder: Path) -> str | None:
    """Why nothing can be written to a folder that exists or is to be made; None if it can.

    It is tried with a file of 4 KiB without a name, at the nearest folder that is there.
    """
    try:
        place = _nearest(folder)
        if not place.is_dir():
            return f"{place} is a file; a folder is needed there"
        with tempfile.TemporaryFile(dir=place) as file:
            file.write(bytes(4096))
    except OSError as error:
        error.filename = None  # a random name inside the folder
        return in_words(error, folder)
    return None


def lock_obstacle(folder: Path) -> str | None:
    """Why files in a folder that exists or is to be made cannot be locked; None if they can."""
    try:
        with tempfile.TemporaryFile(dir=_nearest(folder)) as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL):
            return None  # whatever it is, it is not for want of locks
        return (
            f"{folder} is on a file system without locks ({error.strerror}), which keep two "
            "processes from working on one trial: work on a local disk, or mount it with locks "
            "(NFS without nolock, Lustre with flock)"
        )
    return None


def _nearest(folder: Path) -> Path:
    place = folder.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    return place

"""Disks that take nothing more: which errors say so, and what to tell a person."""

import errno
import shutil
import tempfile
from pathlib import Path

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


def is_full(error: BaseException) -> bool:
    """Whether nothing at all can be stored: space, quota or a read-only file system."""
    return isinstance(error, OSError) and _errno(error) in _FOR_EVERYONE


def is_refusal(error: BaseException) -> bool:
    """Whether the file system refused a write: as `is_full`, or for want of permission."""
    return isinstance(error, OSError) and _errno(error) in _REFUSALS


def in_words(error: OSError, folder: Path) -> str:
    """One line: which folder cannot be written, and why.

    Args:
        error: What writing raised.
        folder: Where, should the error not name a file itself.
    """
    place = error.filename if isinstance(error.filename, str) else str(folder)
    why = _REFUSALS.get(_errno(error), error.strerror or type(error).__name__)
    return f"{place} cannot be written: {why}{_free(Path(place), error)}"


def _errno(error: OSError) -> int:
    # Where numpy writes to a file itself, it counts what was written and does not ask why.
    short = error.errno is None and "requested and" in str(error)
    return errno.ENOSPC if short else error.errno or 0


def _free(folder: Path, error: OSError) -> str:
    """What is free by now: a write that failed has given back what it took."""
    if _errno(error) != errno.ENOSPC:
        return ""
    try:
        free = shutil.disk_usage(_nearest(folder)).free
    except OSError:
        return ""
    return f" ({free / 1e6:.1f} MB free)"


def amount(size: float) -> str:
    """A number of bytes for people: 12 MB, 3.4 GB."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6)):
        if size >= factor:
            return (
                f"{size / factor:.2g} {unit}"
                if size < 10 * factor
                else f"{size / factor:,.0f} {unit}"
            )
    return f"{size / 1e3:.0f} kB"


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


def _nearest(folder: Path) -> Path:
    place = folder.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    return place

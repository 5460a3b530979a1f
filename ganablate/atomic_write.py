"""Write, then rename: a reader sees the old file or the new one, never a part of either."""

import contextlib
import functools
import json
import logging
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

RECORDS = "records"
"""Folder under `runs`: what is known of reports and of MLflow on this machine, and can be lost."""
PUBLISHED = "published"
"""Folder under `results` that holds the published records, as committed or given to others."""
_log = logging.getLogger(__name__)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it is flushed to disk and renamed to it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o644)  # mkstemp makes it private; results are for everyone to read
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def remove_unfinished(folder: Path, of: str = "*") -> None:
    """Remove what writes below the folder left that a kill cut off; nobody may write there now.

    Args:
        folder: Where.
        of: The name of the file that was written; any.
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

"""The lock of whoever works on a trial. It is the kernel's: it goes with the process.

Hosts that do not share a file system are not protected against each other.
"""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout


class LockError(Exception):
    """A lock cannot be taken at all; the message names the file and the reason."""


class TrialLock:
    """The lock file at `path`; nothing is created before it is taken."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextlib.contextmanager
    def taken(self) -> Iterator[None]:
        """Hold it; waits as long as another process does.

        Raises:
            LockError: The file cannot be opened for writing.
        """
        lock = self._acquire(-1)
        try:
            yield
        finally:
            lock.release()

    @contextlib.contextmanager
    def taken_if_free(self) -> Iterator[bool]:
        """Hold it, or go on at once with False where another process does.

        Raises:
            LockError: The file cannot be opened for writing.
        """
        try:
            lock = self._acquire(0)
        except Timeout:
            yield False
            return
        try:
            yield True
        finally:
            lock.release()

    def is_taken(self) -> bool:
        """Whether some process holds it at this moment; a file that cannot be opened is free."""
        try:
            handle = os.open(self._path, os.O_RDONLY)
        except OSError:
            return False
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(handle)
        return False

    def _acquire(self, timeout: float) -> BaseFileLock:
        lock = FileLock(self._path, timeout=timeout)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except Timeout:
            raise
        except OSError as error:
            raise LockError(
                f"{self._path} cannot be opened for writing ({error.strerror}): a trial is worked "
                "on only under its lock; make the folder writable"
            ) from error
        return lock

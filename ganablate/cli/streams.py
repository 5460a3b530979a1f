"""Standard output and error that outlast the terminal, the pipe or the disk behind them.

A sweep may run for days; that nobody can read its lines any more is no reason for it to end.
"""

import errno
import io
import sys
from typing import Any

_READER_GONE = (errno.EPIPE, errno.EIO)
"""Nobody wants to read on: `| head`, or a terminal that was closed."""


class _LastingFile(io.FileIO):
    """A file descriptor; what can no longer be written to it is dropped.

    Attributes:
        lost: The error with which the first byte was dropped.
    """

    lost: OSError | None = None

    def write(self, content: Any, /) -> int:
        try:
            return super().write(content)
        except OSError as error:
            self.lost = self.lost or error
            return memoryview(content).nbytes


_files: list[_LastingFile] = []


def make_lasting() -> None:
    """Put such files behind sys.stdout and sys.stderr; other encodings show ? for ±."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if not isinstance(stream, io.TextIOWrapper):
            continue  # a notebook's or a test's
        stream.flush()
        file = _LastingFile(stream.fileno(), "w", closefd=False)
        _files.append(file)
        lasting = io.TextIOWrapper(
            io.BufferedWriter(file), encoding=stream.encoding, errors="replace",
            line_buffering=stream.line_buffering, write_through=stream.write_through,
        )  # fmt: skip
        setattr(sys, name, lasting)


def lost_output() -> OSError | None:
    """Why something that was to be read is not there, such as a full disk; None: all is."""
    errors = (file.lost for file in _files)
    return next((error for error in errors if error and error.errno not in _READER_GONE), None)

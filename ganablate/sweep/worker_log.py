"""What the parts of a trial print, and where one stands that does not move, in the trial's folder.

Ray's workers have no terminal: what they print would be lost.
"""

import contextlib
import io
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path

from ganablate.files import write_text
from ganablate.study.plugins import place_in_plugin

OUTPUT, STANDSTILL = "output.log", "standstill.txt"
"""Files of a trial's folder: what was printed, and where it stands, with the whole stack below."""
STANDSTILL_SECONDS = 300.0
"""Without progress for so long a trial is said not to move; measuring may take minutes."""
_MOST_BYTES = 2**20
"""Kept of what a trial prints: a line each step would fill the disk."""


class _Output(io.TextIOBase):
    """Appends to a file, which is made with the first character."""

    encoding = "utf-8"

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, text: str, /) -> int:
        with contextlib.suppress(OSError):  # a full disk fails where something matters
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8", errors="replace") as file:
                if file.tell() < _MOST_BYTES:
                    file.write(text)
        return len(text)


@contextlib.contextmanager
def output_kept(folder: Path, standstill_after: float) -> Iterator[None]:
    """Keep what is printed, and note where this thread is if it is not over after so long."""
    over = threading.Event()
    thread = threading.get_ident()
    noting = threading.Thread(
        target=_note_place, args=(over, thread, folder / STANDSTILL, standstill_after), daemon=True
    )
    noting.start()
    output = _Output(folder / OUTPUT)
    try:
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
            yield
    finally:
        over.set()
        noting.join()
        (folder / STANDSTILL).unlink(missing_ok=True)


def _note_place(over: threading.Event, thread: int, path: Path, seconds: float) -> None:
    while not over.wait(seconds):
        stack = traceback.extract_stack(sys._current_frames()[thread])
        here = f", at {Path(stack[-1].filename).name}:{stack[-1].lineno}"
        with contextlib.suppress(OSError):
            text = "".join(traceback.format_list(stack))
            write_text(path, f"{place_in_plugin(stack) or here}\n{text}")


def place_of_standstill(folder: Path) -> str:
    """`, at my_losses.py:12 in margin`; empty where that is not known."""
    with contextlib.suppress(OSError, IndexError):
        return (folder / STANDSTILL).read_text(encoding="utf-8").splitlines()[0]
    return ""

"""Why an attempt failed, and what follows from it for the sweep.

Whatever was raised in a worker is turned into text there: an exception need not pickle, and its
frames would hold on to the memory of the networks.
"""

import gc
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ganablate import disk
from ganablate.ledger import one_line

Kind = Literal["memory", "disk", "other"]
"""memory: the trial is tried again alone. disk: no trial could be stored, the sweep stops."""


@dataclass(frozen=True)
class Failure:
    """Why an attempt failed: its kind, one line for a person, and the traceback, may be empty."""

    kind: Kind
    message: str
    traceback: str = ""


class AttemptError(Exception):
    """An attempt failed. Its only argument is a `Failure`, so it always pickles."""


def failure_of(error: BaseException, trials_root: Path) -> Failure:
    """What an error means.

    Args:
        error: As it was raised.
        trials_root: Where trials are stored: what a full disk is told of.
    """
    text = "".join(traceback.format_exception(error))
    if _is_memory(error):
        return Failure("memory", f"out of memory ({one_line(error)})", text)
    if isinstance(error, OSError) and disk.is_full(error):
        return Failure("disk", disk.in_words(error, trials_root), text)
    return Failure("other", one_line(error), text)


def _is_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError):
        return True
    torch = sys.modules.get("torch")  # where it is not imported, the error is none of its
    if torch is None:
        return False
    on_cpu = isinstance(error, RuntimeError) and "DefaultCPUAllocator" in str(error)
    return on_cpu or isinstance(error, torch.cuda.OutOfMemoryError)


def release_memory() -> None:
    """Give back what a failed attempt leaves behind: others may share the device."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()

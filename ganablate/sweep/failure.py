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

from ganablate import files
from ganablate.trials.folder import one_line

Kind = Literal["memory", "disk", "other"]
"""memory: the trial is tried again alone. disk: no trial could be stored, the sweep stops."""

_WITHOUT_MEMORY = (
    "DefaultCPUAllocator",  # torch on the CPU
    "error: out of memory",  # a call of CUDA that is not of torch's own allocator
    "STATUS_ALLOC_FAILED",  # cuBLAS, cuSOLVER, cuDNN before 9
    "ALLOCATION_FAILED",  # cuDNN from 9 on
)
"""Parts of the messages of a RuntimeError that means out of memory."""


@dataclass(frozen=True)
class Failure:
    """Why an attempt failed: its kind, one line for a person, and the traceback, may be empty."""

    kind: Kind
    message: str
    traceback: str = ""


class AttemptError(Exception):
    """An attempt failed. Its only argument is a `Failure`, so it always pickles."""


def failure_of(error: BaseException, trials_root: Path) -> Failure:
    """What an error means; a full disk is reported with the folder of trials."""
    text = "".join(traceback.format_exception(error))
    if _is_memory(error):
        return Failure("memory", f"out of memory ({one_line(error)})", text)
    if isinstance(error, OSError) and files.is_full(error):
        return Failure("disk", files.in_words(error, trials_root), text)
    return Failure("other", one_line(error), text)


def _is_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError):
        return True
    if isinstance(error, RuntimeError) and any(mark in str(error) for mark in _WITHOUT_MEMORY):
        return True
    torch = sys.modules.get("torch")  # where it is not imported, the error is none of its
    return torch is not None and isinstance(error, torch.cuda.OutOfMemoryError)


def release_memory() -> None:
    """Give back what a failed attempt leaves behind: others may share the device."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.cuda.empty_cache()


def release_gpu_memory() -> None:
    """Give back a GPU's memory after an attempt that went well; without a GPU it costs nothing.

    A process keeps what its largest attempt has reserved, whoever else needs it.
    """
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        release_memory()

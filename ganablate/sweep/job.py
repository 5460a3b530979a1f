"""What a worker is given, what runs in it, and what it hands back: progress, or a failure.

What crosses the boundary of a process is frozen and picklable; nothing here imports torch or ray.
"""

import gc
import importlib
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from ganablate import files
from ganablate.study.plan import Trial
from ganablate.study.plugins import Loaded, place_in_plugin
from ganablate.trials.folder import one_line
from ganablate.trials.needs import Measurements
from ganablate.trials.weights import Keep

DEFAULT_ATTEMPT = "ganablate.sweep.attempt:start"

_WITHOUT_MEMORY = (
    "DefaultCPUAllocator",  # torch on the CPU
    "error: out of memory",  # a call of CUDA that is not of torch's own allocator
    "STATUS_ALLOC_FAILED",  # cuBLAS, cuSOLVER, cuDNN before 9
    "ALLOCATION_FAILED",  # cuDNN from 9 on
)
"""Parts of the messages of a RuntimeError that means out of memory."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One trial, and how this sweep executes it. Only `trial` says what the result will be.

    Attributes:
        wanted: What is to be measured, and when.
        trials_root: Holds one folder a trial.
        cache: Holds the materialised data sets and the features of real images.
        data_root: Where data sets are found or downloaded to; None: the default place.
        device: The device to compute on; a trial that names one overrides it.
        precision: The resolved precision; a trial that names one overrides it.
        threads: Threads of the worker, at least 1.
        checkpoint_seconds: The longest an attempt trains between two checkpoints.
        keep: Which networks stay once the trial is complete.
        study: For which study, at which budget, the trial is run; kept as the trial's origin.
        plugins: What the worker must have loaded to have the same parts.
    """

    trial: Trial
    wanted: Measurements
    trials_root: Path
    cache: Path
    data_root: Path | None
    device: Literal["cpu", "cuda"]
    precision: Literal["fp32", "bf16"]
    threads: int
    checkpoint_seconds: float
    keep: Keep = "weights"
    study: str = ""
    budget: str = ""
    plugins: Loaded = ()

    @property
    def origin(self) -> dict[str, Any]:
        """Who trains the trial: kept when it is complete, for others that use it."""
        arm, replicate = self.trial.arm, self.trial.replicate
        return {"study": self.study, "budget": self.budget, "arm": arm, "replicate": replicate}


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far an attempt has come.

    Attributes:
        iteration: Iterations done, of `total`.
        images_seen: Real images shown to the discriminator so far.
        from_iteration: Where the attempt began: what was restored from a checkpoint.
        losses: The latest value of each recorded loss.
        done: The trial is complete: evaluated, and its folder says so.
        outcome: diverged, saturated, collapsed or ok once `done` and assessed, else None.
        blocks: The block.json files written since the last progress.
    """

    trial_id: str
    iteration: int
    total: int
    images_seen: int
    from_iteration: int = 0
    losses: Mapping[str, float] = field(default_factory=dict)
    done: bool = False
    outcome: str | None = None
    blocks: tuple[Path, ...] = ()


class Attempt(Protocol):
    """One execution of a trial, in the process that created it."""

    def advance(self) -> Progress:
        """Train for a few seconds, or to the end: evaluated and complete.

        Raises:
            Exception: Whatever went wrong; the trial's folder keeps the traceback.
        """
        ...

    def pause(self) -> Progress:
        """Write a checkpoint of what was trained since the last one.

        Raises:
            Exception: It could not be written; the last one stays.
        """
        ...

    def close(self) -> None:
        """Let go of the trial's lock and memory; the last checkpoint stays. Never raises."""
        ...


def load_factory(dotted: str) -> Callable[[Job], Attempt]:
    """Import the function that begins attempts, named "module:function".

    Raises:
        ValueError: `dotted` is not of that form.
    """
    module, colon, name = dotted.partition(":")
    if not (module and colon and name):
        raise ValueError(f"an attempt is named module:function, not {dotted!r}")
    factory: Callable[[Job], Attempt] = getattr(importlib.import_module(module), name)
    return factory


@dataclass(frozen=True)
class Failure:
    """Why an attempt failed: its kind, one line for a person, and the traceback, may be empty.

    It is text, made in the worker: an exception need not pickle, and its frames would hold on to
    the memory of the networks. Out of "memory", the trial is tried again alone; without "disk", no
    trial could be stored, and the sweep stops.
    """

    kind: Literal["memory", "disk", "other"]
    message: str
    traceback: str = ""


class AttemptError(Exception):
    """An attempt failed. Its only argument is a `Failure`, so it always pickles."""


def is_fault(error: BaseException) -> bool:
    """Whether an attempt failed: also by a part that calls sys.exit or raises KeyboardInterrupt.

    Ray ends a worker by a SystemExit of its own, which is none.
    """
    by_ray = hasattr(error, "ray_terminate_msg")
    return isinstance(error, Exception | SystemExit | KeyboardInterrupt) and not by_ray


def failure_of(error: BaseException, trials_root: Path) -> Failure:
    """What an error means, with the line of the plug-in that it comes from.

    A full disk is reported with the folder of trials.
    """
    text = "".join(traceback.format_exception(error))
    if _is_memory(error):
        return Failure("memory", f"out of memory ({one_line(error)})", text)
    if isinstance(error, OSError) and files.is_full(error):
        return Failure("disk", files.in_words(error, trials_root), text)
    return Failure("other", message_of(error), text)


def message_of(error: BaseException) -> str:
    """`SystemExit: 3, at my_losses.py:12 in margin`, the place only of a plug-in."""
    return one_line(error) + place_in_plugin(traceback.extract_tb(error.__traceback__))


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

"""What a worker is given, what it hands back, and what runs in between.

Everything here crosses a process boundary: it is frozen, picklable, and imports neither torch
nor ray.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from ganablate.study.plan import Trial
from ganablate.study.plugins import Loaded
from ganablate.trials.needs import Measurements
from ganablate.trials.weights import Keep

DEFAULT_ATTEMPT = "ganablate.sweep.attempt:start"


@dataclass(frozen=True, kw_only=True)
class Job:
    """One trial, and how this sweep executes it. Only `trial` says what the result will be.

    Attributes:
        trial: The trial.
        wanted: What is to be measured, and when.
        trials_root: Holds one folder a trial.
        cache: Holds the materialised data sets and the features of real images.
        data_root: Where data sets are found or downloaded to; None: the default place.
        device: The device to compute on; a trial that names one overrides it.
        precision: The resolved precision; a trial that names one overrides it.
        threads: Threads of the worker, at least 1.
        checkpoint_seconds: The longest an attempt trains between two checkpoints.
        keep: Which networks stay once the trial is complete.
        study: For which study the trial is run; it is kept as the trial's origin.
        budget: Of that study.
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
        trial_id: Of the trial.
        iteration: Iterations done.
        total: Iterations of the whole trial.
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

    def close(self) -> None:
        """Let go of the trial's lock and memory; the last checkpoint stays. Never raises."""
        ...


AttemptFactory = Callable[[Job], Attempt]


def load_factory(dotted: str) -> AttemptFactory:
    """Import the factory named "module:function".

    Raises:
        ValueError: `dotted` is not of that form.
    """
    module, colon, name = dotted.partition(":")
    if not (module and colon and name):
        raise ValueError(f"an attempt is named module:function, not {dotted!r}")
    factory: Any = getattr(importlib.import_module(module), name)
    return factory  # type: ignore[no-any-return]

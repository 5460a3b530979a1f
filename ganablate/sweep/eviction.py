"""Workers that Ray's memory monitor ends because the memory of their node is nearly full.

Ray tells it by an error that Tune does not expect: Tune would end the whole sweep. Here it becomes
the death of that one worker, which Tune does not try again by itself, beside the same others.
"""

import importlib
from typing import Any

from ray.air.execution._internal import RayActorManager
from ray.exceptions import OutOfMemoryError, RayActorError
from ray.tune.execution import tune_controller
from ray.tune.execution.tune_controller import TuneController


class EvictedError(RayActorError):
    """The memory of a node was nearly full, and Ray ended a worker there."""


def _as_death(error: Exception) -> Exception:
    return EvictedError() if isinstance(error, OutOfMemoryError) else error


class _ActorManager(RayActorManager):
    """Takes the end of a worker for what it is."""

    def _actor_start_failed(self, tracked_actor: Any, exception: Exception) -> None:
        super()._actor_start_failed(tracked_actor, _as_death(exception))

    def _actor_task_failed(self, tracked_actor_task: Any, exception: Exception) -> None:
        super()._actor_task_failed(tracked_actor_task, _as_death(exception))


class _Controller(TuneController):
    """Leaves a trial whose worker was ended to the sweep, which runs it alone."""

    def _process_trial_failure(self, trial: Any, exception: Any) -> None:
        if isinstance(exception, EvictedError):
            trial.max_failures = 0
        super()._process_trial_failure(trial, exception)


def expect_evictions() -> None:
    """Have Tune use these from now on; it makes its own by these names."""
    vars(tune_controller)["RayActorManager"] = _ActorManager
    vars(importlib.import_module("ray.tune.tune"))["TuneController"] = _Controller

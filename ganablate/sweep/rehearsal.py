"""A rehearsal: a few seconds of training and one measuring, to see what a kind of work costs.

Rehearsals run in this process, one after another, each alone with the threads of one trial. The
trials' folders are not touched.
"""

import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from ganablate.config import MOST_ITERATIONS
from ganablate.sweep.estimate import ArmCost, Cost, Costs
from ganablate.sweep.job import Job
from ganablate.sweep.machine import resolve_precision
from ganablate.trials.folder import one_line
from ganablate.trials.needs import Measurements

SECONDS = 3.0
"""Of training that is timed, at least, after half as many that are not."""
_SAFE_RATE = 1e-9
"""Learning rate of the training that is timed: it costs what any does, and does not diverge."""
_FEW = 2
"""Iterations of the trial that is opened, measured and stored to see what that takes."""


def rehearse_all(arms: Mapping[str, ArmCost], costs: Costs, warn: Callable[[str], None]) -> None:
    """Rehearse each kind of work of unknown cost once, and keep what it costs."""
    rehearsed = set()
    for name, arm in arms.items():
        if arm.cost is None and arm.work not in rehearsed:
            rehearsed.add(arm.work)
            try:
                costs.keep(arm.work, rehearse(arm, costs))
            except Exception as error:
                warn(f"{name} cannot be rehearsed: {one_line(error)}")


def rehearse(arm: ArmCost, costs: Costs) -> Cost:
    """Rehearse one kind of work.

    Raises:
        Exception: Whatever the trial would meet in its first seconds, or at its end.
    """
    profile = costs.profile
    config = arm.trial.config.model_copy(update={"epochs": None, "iterations": _FEW})
    with tempfile.TemporaryDirectory(prefix="ganablate-rehearsal-") as folder:
        job = Job(
            trial=replace(arm.trial, config=config),
            wanted=Measurements(arm.wanted.measured),
            trials_root=Path(folder) / "warm",
            cache=costs.runs.resolve() / "data",
            data_root=profile.data_root.resolve() if profile.data_root else None,
            device=costs.device,
            precision=resolve_precision(profile.precision, costs.device),
            threads=profile.threads,
            checkpoint_seconds=1e9,
        )
        _short_trial(job)  # imports, and features of real images, come once
        around = _short_trial(replace(job, trials_root=Path(folder) / "timed"))
        iteration = _iteration(job)
    return Cost(iteration=iteration, around=max(around - _FEW * iteration, 0.0))


def _short_trial(job: Job) -> float:
    """Seconds of a trial from its claim to its end."""
    from ganablate.sweep.attempt import start

    began = time.perf_counter()
    attempt = start(job)
    try:
        while not attempt.advance().done:
            pass
    finally:
        attempt.close()
    return time.perf_counter() - began


def _iteration(job: Job) -> float:
    """Seconds of one iteration of a training that is under way."""
    from ganablate.gan.trainer import Trainer
    from ganablate.sweep.measure import data_of

    config = job.trial.config
    rates = {name: _SAFE_RATE for name in ("g_lr", "d_lr") if getattr(config, name) is not None}
    endless = config.model_copy(update={"iterations": MOST_ITERATIONS, "early_end": None, **rates})
    device, precision = config.device or job.device, config.precision or job.precision
    trainer = Trainer(endless, data_of(job).images, device=device, precision=precision)
    count, seconds = 1, 0.0
    while seconds < SECONDS:
        began = time.perf_counter()
        trainer.train(trainer.iteration + count)
        seconds = time.perf_counter() - began
        if trainer.done:
            raise RuntimeError(f"it diverges within {trainer.iteration} iterations")
        count *= 2
    return 2 * seconds / count

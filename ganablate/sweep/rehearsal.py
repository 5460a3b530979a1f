"""A rehearsal: a few seconds of an arm's training and one measuring, to see what they cost.

As many rehearsals run at a time as trials will, each in a process of its own, since trials that run
side by side slow each other down. The trials' folders are not touched.
"""

import math
import multiprocessing
import os
import signal
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ganablate.config import MOST_ITERATIONS
from ganablate.study.plan import Trial
from ganablate.study.plugins import Loaded, load_same
from ganablate.sweep.costs import Conditions, Cost
from ganablate.sweep.job import Job
from ganablate.sweep.machine import environment, resolve_precision, worker_environment
from ganablate.trials.folder import one_line
from ganablate.trials.needs import DataKey, Measurements, data_key

if TYPE_CHECKING:
    from multiprocessing.sharedctypes import Synchronized

SECONDS = 6.0
"""Of training that is timed, about; slow networks take `WINDOWS` iterations, however long."""
WINDOWS = 6
"""Stretches of training that are timed, one by one."""
NICENESS = 15
"""That of Ray's workers, unless RAY_worker_niceness says otherwise: other work goes first."""
_ENDLESS = {"epochs": None, "iterations": MOST_ITERATIONS, "early_end": None}
_SAFE_RATE = 1e-9
"""Learning rate of the training that is timed: it costs what any does, and does not diverge."""
_FEW = 2
"""Iterations of the trial that is opened, measured and stored to see what that takes."""


@dataclass(frozen=True, kw_only=True)
class Rehearsed:
    """What a rehearsal is of. `cache` and `data_root` are those of a `Job`."""

    trial: Trial
    wanted: Measurements
    conditions: Conditions
    cache: Path
    data_root: Path | None
    plugins: Loaded = ()

    def job(self, folder: Path) -> Job:
        """The trial as a job whose folders are elsewhere."""
        here = self.conditions
        return Job(
            trial=self.trial,
            wanted=self.wanted,
            trials_root=folder,
            cache=self.cache,
            data_root=self.data_root,
            device=here.device,
            precision=resolve_precision(here.precision, here.device),
            threads=here.threads,
            checkpoint_seconds=1e9,
            plugins=self.plugins,
        )


def rehearse_all(
    asked: Mapping[str, Rehearsed], *, slots: int, told: Callable[[str, str | None], None]
) -> dict[str, Cost]:
    """Rehearse each, so many at a time; `told` hears the key of each that is over, and its fault.

    Fewer than there are slots are rehearsed several times, so that none has the machine to itself.

    Returns:
        What was found, by key; without those that failed.
    """
    if not asked:
        return {}
    times = math.ceil(slots / len(asked))
    heard: dict[str, list[Cost | str]] = {key: [] for key in asked}
    conditions = next(iter(asked.values())).conditions
    spawn = multiprocessing.get_context("spawn")  # a forked torch hangs
    with environment(worker_environment(conditions.threads)):
        pool = ProcessPoolExecutor(
            min(slots, times * len(asked)), spawn,
            initializer=_begin, initargs=(spawn.Value("i"), conditions.gpus),
        )  # fmt: skip
        try:
            all_times = [key for key in asked for _ in range(times)]
            keys = {pool.submit(rehearse, asked[key]): key for key in all_times}
            for future in as_completed(keys):
                found = heard[keys[future]]
                found.append(_outcome(future))
                if len(found) == times:
                    told(keys[future], next((one for one in found if isinstance(one, str)), None))
        finally:
            processes = list((pool._processes or {}).values())
            pool.shutdown(wait=False, cancel_futures=True)
            for process in processes:  # after Ctrl-C some are in the midst of theirs
                process.terminate()
    costs = {key: [c for c in found if isinstance(c, Cost)] for key, found in heard.items()}
    return {key: _mean(found) for key, found in costs.items() if len(found) == times}


def _outcome(future: "Future[Cost]") -> Cost | str:
    """What a rehearsal found, or why it failed."""
    try:
        return future.result()
    except BrokenProcessPool:
        return "its process was killed, or ran out of memory"
    except Exception as error:
        return one_line(error)


def _mean(costs: Sequence[Cost]) -> Cost:
    """One cost of several rehearsals of the same."""
    iteration = statistics.fmean(cost.iteration for cost in costs)
    return Cost(
        iteration=iteration,
        around=statistics.fmean(cost.around for cost in costs),
        measuring=statistics.fmean(cost.measuring for cost in costs),
        ratios=tuple(r * cost.iteration / iteration for cost in costs for r in cost.ratios),
    )


def _begin(begun: "Synchronized[int]", gpus: int) -> None:
    """In each process: as nice as Ray's workers are; Ctrl-C is the driver's to hear.

    The processes take the GPUs in turn.
    """
    os.nice(NICENESS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with begun.get_lock():
        number, begun.value = begun.value, begun.value + 1
    if gpus:
        named = os.environ.get("CUDA_VISIBLE_DEVICES")
        cards = named.split(",")[:gpus] if named else [str(card) for card in range(gpus)]
        os.environ["CUDA_VISIBLE_DEVICES"] = cards[number % len(cards)]


def rehearse(asked: Rehearsed) -> Cost:
    """Rehearse in this process.

    Raises:
        Exception: Whatever the trial would meet in its first seconds, or at its end.
    """
    load_same(asked.plugins)
    with tempfile.TemporaryDirectory(prefix="ganablate-rehearsal-") as folder:
        job = asked.job(Path(folder))
        if (seen := (data_key(job.trial), job.wanted)) not in _warm:
            _around(job)
            _warm.add(seen)
        iteration, ratios = _training(job)
        around, measuring = _around(job)
    return Cost(
        iteration=iteration,
        around=max(around - _FEW * iteration, 0.0),
        measuring=measuring,
        ratios=ratios,
    )


_warm: set[tuple[DataKey, Measurements]] = set()
"""What this process has seen once and will not have to do again: imports, real images' features."""


def _training(job: Job) -> tuple[float, tuple[float, ...]]:
    """Seconds of an iteration, and each stretch of training over that."""
    from ganablate.gan.trainer import Trainer
    from ganablate.sweep.measure import data_of

    config = job.trial.config
    rates = {name: _SAFE_RATE for name in ("g_lr", "d_lr") if getattr(config, name) is not None}
    endless = config.model_copy(update=_ENDLESS | rates)
    device = endless.device or job.device
    precision = endless.precision or job.precision
    trainer = Trainer(endless, data_of(job).images, device=device, precision=precision)
    trainer.train(1)  # libraries choose their kernels at the first
    each: list[float] = []
    count = 1
    while len(each) < WINDOWS:
        began = time.perf_counter()
        trainer.train(trainer.iteration + count)
        took = time.perf_counter() - began
        if trainer.done:
            raise RuntimeError(f"it diverges within {trainer.iteration} iterations")
        if took < SECONDS / WINDOWS / 2:
            count *= 2  # too short a stretch to tell much
        else:
            each.append(took / count)
    mean = statistics.fmean(each)
    return mean, tuple(one / mean for one in each)


def _around(job: Job) -> tuple[float, float]:
    """Seconds of a trial of `_FEW` iterations from its claim to its end; those of a measuring."""
    from ganablate.sweep.attempt import TrialAttempt
    from ganablate.sweep.measure import measure_during

    short = job.trial.config.model_copy(update={"epochs": None, "iterations": _FEW})
    trial = replace(job.trial, config=short)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(dir=job.trials_root.parent) as folder:
        only = replace(
            job, trial=trial, trials_root=Path(folder), wanted=Measurements(job.wanted.measured)
        )
        attempt = TrialAttempt(only)
        try:
            attempt.open()
            while not attempt.advance().done:
                pass
            took = time.perf_counter() - began
            measuring = 0.0
            names = sorted({name for _, measured in job.wanted.curves for name in measured})
            if names:
                began = time.perf_counter()
                measure_during(names, only, attempt.trainer, attempt.data)
                measuring = time.perf_counter() - began
        finally:
            attempt.close()
    return took, measuring

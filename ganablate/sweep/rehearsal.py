"""A rehearsal: a few seconds of an arm's training and one measuring, to see what they cost.

As many rehearsals run at a time as trials will, each in a process of its own, since trials that run
side by side slow each other down. The trials' folders are not touched.
"""

import contextlib
import functools
import multiprocessing
import os
import signal
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from pathlib import Path

from ganablate.config import MOST_ITERATIONS
from ganablate.ledger import one_line
from ganablate.plugins import Loaded, load_same
from ganablate.study.plan import Trial
from ganablate.sweep.costs import Conditions, Cost
from ganablate.sweep.job import Job
from ganablate.sweep.machine import resolve_precision, worker_environment
from ganablate.work import Wanted, data_key

SECONDS = 6.0
"""Of training that is timed, about; slow networks take `WINDOWS` iterations, however long."""
WINDOWS = 6
"""Stretches of training that are timed, one by one."""
NICENESS = 15
"""That of Ray's workers, unless RAY_worker_niceness says otherwise: other work goes first."""
_FEW = 2
"""Iterations of the trial that is opened, measured and stored to see what that takes."""


@dataclass(frozen=True, kw_only=True)
class Rehearsed:
    """What a rehearsal is of. `cache` and `data_root` are those of a `Job`."""

    trial: Trial
    wanted: Wanted
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

    Returns:
        What was found, by key; without those that failed.
    """
    found: dict[str, Cost] = {}
    threads = max((one.conditions.threads for one in asked.values()), default=1)
    spawn = multiprocessing.get_context("spawn")  # a forked torch hangs
    with _environment(worker_environment(threads)):
        pool = ProcessPoolExecutor(min(slots, len(asked)) or 1, spawn, initializer=_begin)
        try:
            keys = {pool.submit(rehearse, one): key for key, one in asked.items()}
            for future in as_completed(keys):
                try:
                    found[keys[future]] = future.result()
                except BrokenProcessPool:
                    told(keys[future], "its process was killed, or ran out of memory")
                except Exception as error:
                    told(keys[future], one_line(error))
                else:
                    told(keys[future], None)
        finally:
            processes = list((pool._processes or {}).values())
            pool.shutdown(wait=False, cancel_futures=True)
            for process in processes:  # after Ctrl-C some are in the midst of theirs
                process.terminate()
    return found


@contextlib.contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _begin() -> None:
    """In each process: as nice as Ray's workers are; Ctrl-C is the driver's to hear."""
    os.nice(NICENESS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def rehearse(asked: Rehearsed) -> Cost:
    """Rehearse in this process.

    Raises:
        Exception: Whatever the trial would meet in its first seconds, or at its end.
    """
    load_same(asked.plugins)
    with tempfile.TemporaryDirectory(prefix="ganablate-rehearsal-") as folder:
        job = asked.job(Path(folder))
        _warm_up(data_key(job.trial), job.wanted, _Unhashed(job))
        iteration, ratios = _training(job)
        around, measuring = _around(job)
    return Cost(
        iteration=iteration,
        around=max(around - _FEW * iteration, 0.0),
        measuring=measuring,
        ratios=ratios,
    )


class _Unhashed:
    """Carries a job past a cache: it is no part of the key."""

    def __init__(self, job: Job) -> None:
        self.job = job

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Unhashed)

    def __hash__(self) -> int:
        return 0


@functools.cache
def _warm_up(images: object, wanted: Wanted, carried: _Unhashed) -> None:
    """What a process does once and then never again: imports, features of the real images."""
    del images, wanted
    _around(carried.job)


def _training(job: Job) -> tuple[float, tuple[float, ...]]:
    """Seconds of an iteration, and each stretch of training over that."""
    from ganablate.gan.trainer import Trainer
    from ganablate.sweep.measure import data_of

    endless = job.trial.config.model_copy(update={"epochs": None, "iterations": MOST_ITERATIONS})
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
            job, trial=trial, trials_root=Path(folder), wanted=Wanted(job.wanted.measured)
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

"""Attempts of search trials that train nothing; workers import them by name."""

import math
import os
import signal
import time

from ganablate.sweep.job import Job, Progress
from tests.support.fake_attempts import NoOpAttempt

QUARTERS = 4


def fid_of(job: Job) -> float:
    """Lowest, 1, at a learning rate of 1e-3; the arm without norm is a hundred times as bad."""
    config = job.trial.config
    fid = 1 + abs(math.log10(config.g_lr) + 3)
    return 100 * fid if config.g_norm == "none" else fid


class Rated(NoOpAttempt):
    """Gets the number that its learning rate has, after a moment. Notes under `attempts/`."""

    def advance(self) -> Progress:
        self.note()
        time.sleep(0.15)
        done = super().advance()
        self.folder.add_metrics(self.job.wanted.measured, {"fid": fid_of(self.job)}, {"fid": "p"})
        return done

    def note(self) -> int:
        """Which attempt at this trial it is, from 1."""
        notes = self.job.trials_root.parent / "attempts"
        notes.mkdir(parents=True, exist_ok=True)
        number = len(list(notes.glob(f"{self.job.trial.trial_id}.*"))) + 1
        (notes / f"{self.job.trial.trial_id}.{number}").touch()
        return number


def rated(job: Job) -> Rated:
    return Rated(job)


class _Faulty(Rated):
    """Number 1 of the baseline always raises, number 2 of the other arm is killed once."""

    def note(self) -> int:
        number = super().note()
        normless = self.job.trial.config.g_norm == "none"
        if not normless and self.job.trial.replicate == 1:
            raise ValueError("the optimizer is upside down")
        if normless and self.job.trial.replicate == 2 and number == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return number


def faulty(job: Job) -> _Faulty:
    return _Faulty(job)


class _Hungry(Rated):
    """Number 0 of the baseline runs out of memory, then raises, then is well."""

    def note(self) -> int:
        number = super().note()
        if self.job.trial.config.g_norm != "none" and self.job.trial.replicate == 0:
            if number == 1:
                raise MemoryError
            if number == 2:
                raise ValueError("the optimizer is upside down")
        return number


def hungry(job: Job) -> _Hungry:
    return _Hungry(job)


class _InQuarters(Rated):
    """Is measured after each quarter of its training, as ASHA needs it."""

    def __init__(self, job: Job) -> None:
        super().__init__(job)
        self.quarter = 0

    def advance(self) -> Progress:
        self.quarter += 1
        if self.quarter == QUARTERS:
            return super().advance()
        self.folder.open(self.job.trial)
        fid = fid_of(self.job) * (QUARTERS + 1 - self.quarter)
        total = 10 * QUARTERS
        self.folder.write_evaluation(
            10 * self.quarter, {"evaluated": ["fid"], "numbers": {"fid": fid}}
        )
        return self.progress(iteration=10 * self.quarter, total=total)


def in_quarters(job: Job) -> _InQuarters:
    return _InQuarters(job)

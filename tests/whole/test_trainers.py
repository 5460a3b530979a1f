"""Trainers of somebody's own in real sweeps: killed in mid-training, and not otherwise for it."""

import contextlib
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.paths import ROOT
from tests.support.real_project import command, ganablate, write_project

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("default"),  # MLflow's own warnings are none of ours
]
LENGTH = 1_500
TINY: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "vae": ({"g_width": 4}, {"kl_weight": [4.0]}),
    "diffaugment": ({"g_width": 2, "d_width": 2}, {"cutout": [False]}),
}


def project(folder: Path, name: str) -> tuple[str, ...]:
    """A project with the example's study, cut to its baseline and one arm; how to run it."""
    study = yaml.safe_load((ROOT / "examples" / f"{name}.yaml").read_text())
    tiny, arm = TINY[name]
    base = {**study["base"], **tiny, "iterations": LENGTH, "precision": "fp32"}
    del base["epochs"]
    for section in ("ablate", "remove", "remove_also", "budgets"):
        study.pop(section, None)
    write_project(folder, {**study, "base": base, "ablate": arm, "replicates": 1})
    return "run", "studies/small.yaml", "--plugin", str(ROOT / "examples" / f"{name}.py")


def kill_in_mid_training(folder: Path, line: tuple[str, ...]) -> None:
    driver = subprocess.Popen(
        command(*line), cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 120
    try:
        while not list(folder.glob("runs/trials/*/checkpoints/at-*/state.pt")):
            assert driver.poll() is None, "the sweep ended before it could be killed"
            assert time.monotonic() < deadline, "waited in vain"
            time.sleep(0.02)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(driver.pid, 9)
        driver.wait()


@pytest.mark.parametrize("name", TINY)
def test_a_killed_sweep_of_an_example_ends_as_an_uninterrupted_one(
    tmp_path: Path, name: str
) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    line = project(whole, name)
    done = ganablate(whole, *line)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"--plugin {line[-1]}" in done.stdout  # of the next commands
    kill_in_mid_training(cut, project(cut, name))
    done = ganablate(cut, *line)
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(cut.glob("runs/trials/*/attempts/0002.json"))
    files = [
        path.relative_to(whole)
        for pattern in ("weights.safetensors", "losses.npz", "metrics.json", "samples.npy")
        for path in whole.glob(f"runs/trials/*/{pattern}")
    ]
    assert len(files) == 8
    for path in files:
        assert (whole / path).read_bytes() == (cut / path).read_bytes(), path
    results = whole / "results" / name / "full"
    assert (results / "trials.csv").read_bytes() == (
        cut / "results" / name / "full" / "trials.csv"
    ).read_bytes()
    head = (results / "table.md").read_text().splitlines()[0]
    assert "FID" in head
    assert "Recall" in head

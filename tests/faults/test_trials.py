"""Trials that crash, are killed or run out of memory, in real Ray sweeps."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from ganablate.sweep.events import Summary
from ganablate.sweep.machine import Machine
from ganablate.sweep.profile import Profile
from ganablate.tracking import NoTracker
from ganablate.trials.folder import TrialFolder
from ganablate.trials.needs import state_of
from tests.support.sweep_cases import Diary, plan

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("default"),  # Ray's own warnings are none of ours
]


def sweep(runs: Path, arms: list[str], replicates: int = 1, retries: int = 2) -> tuple[Any, ...]:
    """Run it; returns the plan, the summary and the diary."""
    from ganablate.sweep.runner import run_sweep

    diary = Diary()
    made = plan(arms, replicates=replicates)
    summary: Summary = run_sweep(
        [made],
        Profile(retries=retries, concurrency=2),
        observer=diary,
        tracker=NoTracker(),
        runs=runs,
        attempt="tests.support.fake_attempts:faulty",
    )
    return made, summary, diary


def notes(runs: Path, arm: str) -> list[dict[str, Any]]:
    """What the attempts of an arm noted; an empty note is of a worker that was killed."""
    found = [path.read_text() for path in sorted((runs / "attempts").glob(f"{arm}-*"))]
    return [json.loads(text) if text else {} for text in found]


def test_a_worker_that_is_killed_again_and_again_costs_only_its_own_trial(tmp_path: Path) -> None:
    made, summary, diary = sweep(tmp_path, ["killed x2", "baseline", "killed x3"])
    assert (summary.complete, summary.failed, summary.interrupted) == (2, 1, False)
    (failed,) = summary.failures
    assert (failed.arm, failed.replicate) == ("killed x3", 0)
    assert failed.message == "the worker process died: killed, out of memory, or by os._exit"
    assert failed.traceback is None  # nobody was left to write one
    assert [line[2:] for line in diary.of("failed") if line[0] == "killed x2"] == [
        (1, failed.message, True), (2, failed.message, True),
    ]  # fmt: skip
    states = {t.arm: state_of(t, tmp_path / "trials") for t in made.trials}
    assert states == {"killed x2": "complete", "baseline": "complete", "killed x3": "failed"}
    _, again, _ = sweep(tmp_path, ["killed x2", "baseline", "killed x3"])
    assert (again.complete, again.failed, again.reused) == (1, 0, 2)


def test_out_of_memory_is_tried_again_alone_on_the_cpu(tmp_path: Path) -> None:
    """A real MemoryError. The two that met it do not run beside each other the second time."""
    made, summary, diary = sweep(tmp_path, ["memory x1", "baseline"], replicates=2)
    assert (summary.complete, summary.failed) == (4, 0)
    found = [line for line in diary.of("failed") if line[0] == "memory x1"]
    assert sorted(line[1:] for line in found) == [
        (replicate, 1, "out of memory (MemoryError); alone, after the others", True)
        for replicate in (0, 1)
    ]
    hungry = notes(tmp_path, "memory x1")
    first, second = hungry[0::2], hungry[1::2]
    assert [note["share"]["CPU"] for note in first] == [1.0, 1.0]
    assert [note["share"]["CPU"] for note in second] == [2.0, 2.0]  # both cores of the sweep
    (a_began, a_ended), (b_began, _) = sorted((n["began"], n["ended"]) for n in second)
    assert b_began > a_ended > a_began
    assert {n["seed"] for n in first} == {n["seed"] for n in second}  # the same trials
    assert all(n["ended"] < a_began for n in notes(tmp_path, "baseline"))
    assert all(TrialFolder(tmp_path / "trials", t.trial_id).failure is None for t in made.trials)


def test_out_of_memory_on_a_gpu_is_tried_again_with_the_whole_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ray counts a GPU that this machine need not have: what is asked for is what is tested."""
    shared = Machine(device="cpu", precision="fp32", slots=2, threads=1, gpus=1, gpu_share=0.5)
    monkeypatch.setattr("ganablate.sweep.runner.resolve", lambda *_, **__: shared)
    arms = ["gpu memory x1", "baseline", "gpu memory x3"]
    made, summary, diary = sweep(tmp_path, arms)
    assert (summary.complete, summary.failed) == (2, 1)
    shares = {arm: [n["share"]["GPU"] for n in notes(tmp_path, arm)] for arm in arms}
    assert shares == {
        "gpu memory x1": [0.5, 1.0], "baseline": [0.5], "gpu memory x3": [0.5, 1.0, 1.0],
    }  # fmt: skip
    reason = "out of memory (OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.)"
    told = [line[2:] for line in diary.of("failed") if line[0] == "gpu memory x3"]
    assert told == [
        (1, f"{reason}; alone, after the others", True),
        (2, f"{reason}, even alone", True),
        (3, f"{reason}, even alone", False),
    ]
    (failed,) = summary.failures
    assert (failed.arm, failed.message) == ("gpu memory x3", reason)
    text = (failed.traceback or tmp_path).read_text()
    assert text.startswith("Traceback")
    assert "_run_out_of_gpu_memory" in text
    alone = [n for arm in arms for n in notes(tmp_path, arm) if n["share"]["GPU"] == 1.0]
    spans = sorted((n["began"], n["ended"]) for n in alone)
    assert all(ended < began for (_, ended), (began, _) in pairwise(spans))
    assert state_of(made.trials[2], tmp_path / "trials") == "failed"

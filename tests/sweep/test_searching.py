"""Searches on a real Ray: the same with any slots, resumed after kill -9."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from ganablate.study.expand import expand
from ganablate.study.load import load_study
from ganablate.study.plan import Plan
from ganablate.study.search.arm_search import SearchTrial
from ganablate.study.search.records import read_record
from ganablate.sweep.events import Summary
from ganablate.sweep.profile import Profile
from ganablate.tracking import NoTracker
from tests.support.paths import ROOT
from tests.support.sweep_cases import Diary

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("default"),  # Ray's own warnings are none of ours
]
TEXT = """\
study: t
base: {dataset: mnist_5k, network: dcgan, epochs: 2}
ablate: {norm: [none]}
search: {lr: {log_uniform: [1e-5, 1e-1]}}
search_trials: 10
primary: fid
metrics: [fid, d_loss]
"""


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    path = tmp_path / "t.yaml"
    path.write_text(TEXT)
    return expand(load_study(path))


def search(plan: Plan, runs: Path, slots: int = 2) -> Summary:
    from ganablate.sweep.search import run_search

    return run_search(
        plan,
        Profile(concurrency=slots),
        observer=Diary(),
        tracker=NoTracker(),
        runs=runs,
        attempt="tests.support.search_attempts:rated",
    )


def ended(plan: Plan, runs: Path) -> list[tuple[SearchTrial, ...] | None]:
    assert plan.search is not None
    return [read_record(runs, arm.search_id) for arm in plan.search.arms.values()]


def attempts(runs: Path) -> Counter[str]:
    """Trial id -> how often it was begun."""
    return Counter(path.stem for path in (runs / "attempts").iterdir())


def test_one_slot_and_two_find_the_same_and_a_second_call_starts_no_ray(
    plan: Plan, tmp_path: Path
) -> None:
    two = search(plan, tmp_path / "two")
    one = search(plan, tmp_path / "one", slots=1)
    assert (two.complete, two.failed, two.reused, two.interrupted) == (20, 0, 0, False)
    assert replace(one, wall_seconds=0) == replace(two, wall_seconds=0)
    found = ended(plan, tmp_path / "two")
    assert [len(trials or ()) for trials in found] == [10, 10]
    assert ended(plan, tmp_path / "one") == found
    notes = [path.read_text() for path in (tmp_path / "two" / "attempts").iterdir()]
    assert len(set(notes)) == 10, "two workers each of five rounds"
    began = time.monotonic()
    again = search(plan, tmp_path / "two")
    assert (again.complete, again.reused) == (0, 20)
    assert time.monotonic() - began < 3, "nothing to do needs no Ray"
    assert set(attempts(tmp_path / "two").values()) == {1}


def test_a_search_whose_driver_is_killed_goes_on_and_repeats_nothing(
    plan: Plan, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tests.support.run_search_of_a_study",
            str(runs),
            tmp_path / "t.yaml",
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 120
    while len(list(runs.glob("trials/*/complete.json"))) < 5:
        assert time.monotonic() < deadline
        assert process.poll() is None, "the search ended before it could be killed"
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    time.sleep(2.5)  # workers end a moment after their driver
    complete = {path.parent.name for path in runs.glob("trials/*/complete.json")}
    assert 5 <= len(complete) < 20
    before = attempts(runs)
    assert plan.search is not None
    arms = {
        name: replace(arm, ended=read_record(runs, arm.search_id) or ())
        for name, arm in plan.search.arms.items()
    }
    resumed = replace(plan, search=replace(plan.search, arms=arms))
    summary = search(resumed, runs)
    assert summary.complete + summary.reused == 20
    now = attempts(runs)
    assert {name: now[name] for name in complete} == {name: before[name] for name in complete}
    search(plan, tmp_path / "whole")
    assert ended(plan, runs) == ended(plan, tmp_path / "whole")

"""Searches on a real Ray: the same however they run, resumed after kill -9, ASHA inside arms."""

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
from ganablate.study.search.found import ArmSearch, SearchRecord
from ganablate.study.search.proposals import propose
from ganablate.study.search.records import read_record
from ganablate.sweep.events import Summary
from ganablate.sweep.profile import Profile
from ganablate.tracking import NoTracker
from ganablate.trials.folder import TrialFolder
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


def planned(tmp_path: Path, text: str = TEXT) -> Plan:
    path = tmp_path / "t.yaml"
    path.write_text(text)
    return expand(load_study(path))


def searches(plan: Plan) -> list[ArmSearch]:
    assert plan.search is not None
    return list(plan.search.arms.values())


def search(plan: Plan, runs: Path, attempt: str = "rated", **profile: int) -> tuple[Summary, Diary]:
    from ganablate.sweep.search.run import run_search

    diary = Diary()
    summary = run_search(
        plan,
        Profile(**{"concurrency": 2, "retries": 1, **profile}),  # type: ignore[arg-type]
        observer=diary,
        tracker=NoTracker(),
        runs=runs,
        attempt=f"tests.support.search_attempts:{attempt}",
    )
    return summary, diary


def records(plan: Plan, runs: Path) -> list[SearchRecord]:
    found = [read_record(runs, one.search_id) for one in searches(plan)]
    assert all(found)
    return [one for one in found if one is not None]


def attempts(runs: Path) -> Counter[str]:
    """Trial id -> how often it was begun."""
    return Counter(path.stem for path in (runs / "attempts").iterdir())


def test_one_slot_and_two_find_the_same_and_a_second_call_starts_nothing(tmp_path: Path) -> None:
    plan = planned(tmp_path)
    two, diary = search(plan, tmp_path / "two")
    one, _ = search(plan, tmp_path / "one", concurrency=1)
    assert (two.complete, two.failed, two.reused, two.interrupted) == (20, 0, 0, False)
    assert replace(one, wall_seconds=0) == replace(two, wall_seconds=0)
    found = records(plan, tmp_path / "two")
    assert records(plan, tmp_path / "one") == found
    assert diary.of("started") == [(20, 0)]
    assert len(diary.of("completed")) == 20
    assert set(attempts(tmp_path / "two").values()) == {1}
    for arm, record in zip(searches(plan), found, strict=True):
        assert [trial.number for trial in record.trials] == list(range(10))
        for trial in record.trials:
            # What Ray ran is what is proposed without Ray, and measured as the attempts say.
            assert trial.values == propose(arm, trial.number, record.trials[: trial.number])
            folder = TrialFolder(tmp_path / "two" / "trials", trial.trial_id)
            assert trial.value == folder.metrics()["numbers"]["fid"]
    began = time.monotonic()
    again, _ = search(plan, tmp_path / "two")
    assert (again.complete, again.reused) == (0, 20)
    assert time.monotonic() - began < 3, "nothing to do needs no Ray"
    assert set(attempts(tmp_path / "two").values()) == {1}


def test_a_lost_record_is_made_again_from_the_ledger(tmp_path: Path) -> None:
    plan, runs = planned(tmp_path), tmp_path / "runs"
    search(plan, runs)
    found = records(plan, runs)
    for path in (runs / "searches").iterdir():
        path.unlink()
    search(plan, runs)
    assert records(plan, runs) == found
    assert set(attempts(runs).values()) == {1}


def test_a_trial_that_fails_stops_its_arm_alone_and_the_next_call_tries_it_again(
    tmp_path: Path,
) -> None:
    plan, runs = planned(tmp_path), tmp_path / "runs"
    summary, diary = search(plan, runs, "faulty")
    assert (summary.complete, summary.failed) == (11, 1)
    assert not summary.interrupted
    assert summary.failures[0].message == "ValueError: the optimizer is upside down"
    retried = {(arm, number) for arm, number, _, _, again in diary.of("failed") if again}
    assert retried == {("baseline", 1), ("norm=none", 2)}
    first, second = (read_record(runs, one.search_id) for one in searches(plan))
    assert first is not None
    assert second is not None
    assert [trial.number for trial in first.trials] == [0]
    assert len(second.trials) == 10
    before = attempts(runs)
    summary, _ = search(resumed(plan, runs), runs)
    assert (summary.complete, summary.failed, summary.reused) == (9, 0, 11)
    now = attempts(runs)
    assert sum(now.values()) == sum(before.values()) + 9
    search(plan, tmp_path / "whole")
    assert records(plan, runs) == records(plan, tmp_path / "whole")


def test_a_trial_that_fails_once_more_in_the_round_for_itself_is_not_waited_for(
    tmp_path: Path,
) -> None:
    """Tune retries nothing after the first round: it ends the trial, whose retries are not over."""
    summary, diary = search(planned(tmp_path), tmp_path / "runs", "hungry", retries=2)
    assert (summary.complete, summary.failed) == (20, 0)
    assert diary.of("failed") == [
        ("baseline", 0, 1, "out of memory (MemoryError); alone, after the others", True),
        ("baseline", 0, 2, "ValueError: the optimizer is upside down", True),
    ]


def resumed(plan: Plan, runs: Path) -> Plan:
    """The plan as the next process has it: with what is known of its searches."""
    assert plan.search is not None
    arms = {
        name: replace(one, record=read_record(runs, one.search_id))
        for name, one in plan.search.arms.items()
    }
    return replace(plan, search=replace(plan.search, arms=arms))


def test_a_search_whose_driver_is_killed_goes_on_and_repeats_nothing(tmp_path: Path) -> None:
    plan, runs = planned(tmp_path), tmp_path / "runs"
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
    summary, _ = search(resumed(plan, runs), runs)
    assert summary.complete + summary.reused == 20
    now = attempts(runs)
    assert {name: now[name] for name in complete} == {name: before[name] for name in complete}
    search(plan, tmp_path / "whole")
    assert records(plan, runs) == records(plan, tmp_path / "whole")


def test_asha_compares_inside_arms_alone(tmp_path: Path) -> None:
    """Every trial of the second arm is worse than all of the first, and half of it goes on."""
    plan, runs = planned(tmp_path, TEXT + "search_asha: true\n"), tmp_path / "runs"
    summary, _ = search(plan, runs, "in_quarters")
    assert (summary.complete, summary.failed) == (20, 0)
    for record in records(plan, runs):
        states = Counter(trial.state for trial in record.trials)
        assert states["stopped"] >= 2
        assert states["complete"] >= 2
        best = record.best("min")
        assert best is not None
        whole = [trial for trial in record.trials if trial.state == "complete"]
        assert best.value == min(trial.value for trial in whole if trial.value is not None)
        for trial in record.trials:
            if trial.state == "stopped":
                assert trial.looks
                assert trial.looks[-1][0] in (1, 2)
                assert trial.value == trial.looks[-1][1]
                folder = TrialFolder(runs / "trials", trial.trial_id)
                assert folder.complete is None
                assert not folder.states()
    again, _ = search(resumed(plan, runs), runs, "in_quarters")
    assert (again.complete, again.reused) == (0, 20), "what was stopped stays so"

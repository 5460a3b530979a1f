"""How the rounds of a search follow each other, with a Tune that follows a script."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ganablate.study.expand import expand
from ganablate.study.load import load_study
from ganablate.study.plan import Plan
from ganablate.study.search.arm_search import SearchTrial
from ganablate.study.search.records import read_record
from ganablate.study.search.rounds import propose
from ganablate.sweep import runner
from ganablate.sweep.events import Summary
from ganablate.sweep.job import Failure, Job
from ganablate.sweep.profile import Profile
from ganablate.sweep.ray_session import SweepInterruptedError
from ganablate.sweep.runner import Session
from ganablate.sweep.search import run_search
from ganablate.sweep.trainable import FAILURE, INDEX, PROGRESS
from ganablate.sweep.tune_callback import Relay
from ganablate.tracking import NoTracker
from ganablate.trials.folder import TrialFolder
from tests.support.search_attempts import Rated
from tests.support.searches import TWO_ARMS, searches_of, with_ended
from tests.support.sweep_cases import Diary

Who = tuple[str, int]
"""Arm and number of a search trial."""
GAVE_UP = "Ray Tune gave the trial up"
FIRST = [("baseline", 0), ("norm=none", 0), ("baseline", 1), ("norm=none", 1)]
SECOND = [("baseline", 2), ("norm=none", 2), ("baseline", 3), ("norm=none", 3)]


class ScriptedTune:
    """Ends attempts as `fates` says, first in first out; all others complete.

    Fates are "error": Tune ends the trial itself, whatever retries are left; "memory" and "disk":
    the attempt fails for want of it; "signal": someone stops the sweep. In the calls that are
    `broken` it does nothing.
    """

    def __init__(
        self, fates: Mapping[Who, Sequence[str]] | None = None, broken: Sequence[int] = ()
    ) -> None:
        self.calls: list[tuple[bool, list[Who]]] = []
        self._fates = {who: list(each) for who, each in (fates or {}).items()}
        self._broken = broken

    def run(
        self,
        trainable: tuple[list[Job], Mapping[str, float]],
        indices: Sequence[int],
        *,
        callbacks: Sequence[Relay],
        **_: object,
    ) -> str:
        """Stands in for `runner._run_tune`."""
        jobs, share = trainable
        begun: list[Who] = []
        self.calls.append((share["CPU"] > 1, begun))
        assert len(self.calls) < 10, "calls without end"
        if len(self.calls) not in self._broken:
            for index in indices:
                begun.append((jobs[index].trial.arm, jobs[index].trial.replicate))
                self._end(callbacks[0], index, jobs[index])
        return GAVE_UP

    def _end(self, relay: Relay, index: int, job: Job) -> None:
        trial = SimpleNamespace(config={INDEX: index}, pickled_error_file="nowhere")
        fates = self._fates.get((job.trial.arm, job.trial.replicate))
        fate = fates.pop(0) if fates else ""
        if fate == "error":
            relay.on_trial_error(0, [], trial)
        elif fate == "signal":
            raise SweepInterruptedError
        elif fate:
            failure = Failure(fate, f"no {fate}")  # type: ignore[arg-type]
            relay.on_trial_result(0, [], trial, {FAILURE: failure, "done": True})
        else:
            progress = Rated(job).advance()
            relay.on_trial_result(0, [], trial, {PROGRESS: progress, "done": True})


class Bench:
    """A study with two arms that searches four trials each, in rounds of two, and its folder."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.runs = folder / "runs"
        path = folder / "t.yaml"
        path.write_text(TWO_ARMS)
        self._study = load_study(path)
        self.plan = expand(self._study)
        self._patch = monkeypatch

        def session(profile: Profile, machine: Any, *_: object) -> Any:
            return contextlib.nullcontext(Session(profile, machine, folder))

        monkeypatch.setattr(runner, "session_on", session)
        monkeypatch.setattr(runner.tune, "with_parameters", lambda _, **given: given["jobs"])
        monkeypatch.setattr(runner.tune, "with_resources", lambda jobs, share: (jobs, share))

    def search(self, script: ScriptedTune, plan: Plan | None = None, retries: int = 1) -> Summary:
        self._patch.setattr(runner, "_run_tune", script.run)
        self.diary = Diary()
        return run_search(
            plan or self.plan, Profile(retries=retries, concurrency=2), observer=self.diary,
            tracker=NoTracker(), runs=self.runs,
        )  # fmt: skip

    @property
    def failed(self) -> list[tuple[Any, ...]]:
        return self.diary.of("failed")

    def ended(self) -> dict[str, tuple[SearchTrial, ...]]:
        """What is on record of each arm."""
        records = {
            arm: read_record(self.runs, search.search_id)
            for arm, search in searches_of(self.plan).items()
        }
        return {arm: ended for arm, ended in records.items() if ended is not None}

    def counts(self) -> dict[str, int]:
        """How many trials of each arm are on record."""
        return {arm: len(ended) for arm, ended in self.ended().items()}

    def next_plan(self) -> Plan:
        """The plan as the next process has it: with what is on record."""
        return expand(with_ended(self._study, self.ended()))


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(tmp_path, monkeypatch)


def test_the_arms_go_side_by_side_round_by_round(bench: Bench) -> None:
    script = ScriptedTune()
    summary = bench.search(script)
    assert script.calls == [(False, FIRST), (False, SECOND)]
    assert replace(summary, wall_seconds=0) == Summary(
        complete=8, failed=0, reused=0, interrupted=False, wall_seconds=0
    )
    assert bench.diary.of("started") == [(8, 0)]
    assert bench.diary.of("finished") == [(summary,)]
    for arm, search in searches_of(bench.plan).items():
        ended = bench.ended()[arm]
        whole = replace(search, ended=ended)
        for number, trial in enumerate(ended):
            folder = TrialFolder(bench.runs / "trials", trial.trial_id)
            assert (trial.number, trial.values) == (number, propose(whole, number))
            assert trial.value == folder.metrics()["numbers"]["fid"]
            assert "d_loss" not in folder.metrics()["evaluated"], "the primary metric alone"
            assert trial.iterations == (folder.complete or {})["iterations"]


@pytest.mark.parametrize("lost", [False, True])
def test_a_second_call_starts_nothing_even_where_the_record_is_lost(
    bench: Bench, lost: bool
) -> None:
    bench.search(ScriptedTune())
    ended = bench.ended()
    plan = bench.next_plan()
    if lost:
        plan = bench.plan
        for path in (bench.runs / "searches").iterdir():
            path.unlink()
    script = ScriptedTune()
    summary = bench.search(script, plan)
    assert script.calls == []
    assert (summary.complete, summary.reused) == (0, 8)
    assert bench.ended() == ended


@pytest.mark.parametrize("stopped_by", ["signal", "disk"])
def test_what_was_stopped_goes_on_and_ends_as_if_it_had_not_been(
    bench: Bench, stopped_by: str
) -> None:
    summary = bench.search(ScriptedTune({("norm=none", 2): [stopped_by]}), retries=0)
    assert summary.interrupted == (stopped_by == "signal")
    assert summary.stopped == ("no disk" if stopped_by == "disk" else "")
    assert tuple(bench.counts().values()) in ((3, 2), (4, 3))
    script = ScriptedTune()
    summary = bench.search(script, bench.next_plan())
    assert summary.complete + summary.reused == 8
    assert len(script.calls) == 1
    resumed = bench.ended()
    bench.runs = bench.runs.with_name("again")
    bench.search(ScriptedTune())
    assert bench.ended() == resumed


def test_a_trial_that_fails_stops_its_arm_alone_and_the_next_call_tries_it_again(
    bench: Bench,
) -> None:
    script = ScriptedTune({("baseline", 1): ["error"] * 2})
    summary = bench.search(script)
    assert (summary.complete, summary.failed, summary.interrupted) == (5, 1, False)
    assert [call for _, call in script.calls] == [
        FIRST, [("baseline", 1)], [("norm=none", 2), ("norm=none", 3)]
    ]  # fmt: skip
    assert [(failure.arm, failure.replicate) for failure in summary.failures] == [("baseline", 1)]
    assert bench.counts() == {"baseline": 1, "norm=none": 4}
    script = ScriptedTune()
    summary = bench.search(script, bench.next_plan())
    assert (summary.complete, summary.failed, summary.reused) == (3, 0, 5)
    assert [call for _, call in script.calls] == [
        [("baseline", 1)], [("baseline", 2), ("baseline", 3)]
    ]  # fmt: skip


def test_a_trial_that_tune_ended_with_retries_left_is_tried_again_in_its_round(
    bench: Bench,
) -> None:
    script = ScriptedTune({("baseline", 0): ["error"]})
    summary = bench.search(script)
    assert (summary.complete, summary.failed) == (8, 0)
    assert [(*line[:3], line[4]) for line in bench.failed] == [("baseline", 0, 1, True)]
    assert script.calls == [(False, FIRST), (False, [("baseline", 0)]), (False, SECOND)]


def test_what_ran_out_of_memory_is_alone_in_its_call_after_the_others(bench: Bench) -> None:
    script = ScriptedTune({("baseline", 0): ["memory"], ("norm=none", 1): ["memory", "memory"]})
    summary = bench.search(script)
    assert (summary.complete, summary.failed) == (5, 1)
    assert [line[:3] for line in bench.failed] == [
        ("baseline", 0, 1), ("norm=none", 1, 1), ("norm=none", 1, 2)
    ]  # fmt: skip
    alone = (True, [("baseline", 0), ("norm=none", 1)])
    assert script.calls == [(False, FIRST), alone, (False, [("baseline", 2), ("baseline", 3)])]
    bench.runs = bench.runs.with_name("others")
    script = ScriptedTune({("baseline", 0): ["memory"], ("norm=none", 1): ["error"]})
    assert bench.search(script).failed == 0
    calls = [(False, [("norm=none", 1)]), (True, [("baseline", 0)]), (False, SECOND)]
    assert script.calls[1:] == calls


def test_a_trial_may_fail_in_another_way_when_it_is_alone(bench: Bench) -> None:
    """Tune retries nothing after its first call: it ends the trial, whose retries are not over."""
    summary = bench.search(ScriptedTune({("baseline", 0): ["memory", "error"]}), retries=2)
    assert (summary.complete, summary.failed) == (8, 0)
    assert [(line[2], line[4]) for line in bench.failed] == [(1, True), (2, True)]


def test_calls_in_which_nothing_moves_use_up_the_retries(bench: Bench) -> None:
    summary = bench.search(ScriptedTune(broken=[1]))
    assert (summary.complete, summary.failed) == (8, 0)
    assert [line[3:] for line in bench.failed] == [(GAVE_UP, True)] * 4
    bench.runs = bench.runs.with_name("broken")
    summary = bench.search(ScriptedTune(broken=range(10)))
    assert (summary.complete, summary.failed) == (0, 4)
    assert {failure.message for failure in summary.failures} == {GAVE_UP}
    assert len(bench.failed) == 8

"""How rounds of Tune follow each other in a search, with a Tune that does as it is told."""

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ray.tune.search import Searcher

from ganablate.study.expand import expand
from ganablate.study.load import load_study
from ganablate.sweep.events import Summary
from ganablate.sweep.failure import Failure
from ganablate.sweep.profile import Profile
from ganablate.sweep.search import run as searching
from ganablate.sweep.search.callback import SearchRelay
from ganablate.sweep.supply import Session
from ganablate.sweep.trainable import FAILURE, PROGRESS
from ganablate.tracking import NoTracker
from tests.support.fake_attempts import NoOpAttempt
from tests.support.sweep_cases import Diary

TEXT = """\
study: t
base: {dataset: mnist_5k, network: dcgan, epochs: 2}
ablate: {norm: [none]}
search: {lr: {log_uniform: [1e-5, 1e-1]}}
search_trials: 4
primary: fid
metrics: [fid]
"""
Who = tuple[str, int]
"""Arm and number of a search trial."""
GAVE_UP = "Ray Tune gave the trial up"


class ToldTune:
    """Ends attempts as `fates` says, first in first out, all others complete; two run at a time.

    Fates are "memory", and "error": Tune ends the trial itself, whatever retries are left. In the
    rounds that are `broken` it does nothing.
    """

    def __init__(
        self, fates: Mapping[Who, Sequence[str]] | None = None, broken: Sequence[int] = ()
    ) -> None:
        self.rounds: list[tuple[bool, list[Who]]] = []
        self._fates = {who: list(each) for who, each in (fates or {}).items()}
        self._broken = broken

    def run_round(
        self, trainable: Any, relay: SearchRelay, *_: object, alone: bool, **given: Any
    ) -> str:
        """Stands in for `tune_round.run_round`."""
        began: list[Who] = []
        self.rounds.append((alone, began))
        assert len(self.rounds) < 10, "rounds without end"
        if len(self.rounds) in self._broken:
            return GAVE_UP
        running, finished = [], False
        while running or not finished:
            while not finished and len(running) < (1 if alone else 2):
                config = given["search_alg"].suggest("")
                finished = config == Searcher.FINISHED or len(began) == given["num_samples"]
                assert config is not None or running, "waits, and nothing runs"
                if config is None or finished:
                    break
                job = trainable["search"].of(config)
                began.append((job.trial.arm, job.trial.replicate))
                running.append((config, job))
            if running:
                self._end(relay, *running.pop(0))
        return GAVE_UP

    def _end(self, relay: SearchRelay, config: dict[str, Any], job: Any) -> None:
        trial = SimpleNamespace(config=config, pickled_error_file="nowhere")
        fates = self._fates.get((job.trial.arm, job.trial.replicate))
        fate = fates.pop(0) if fates else ""
        if fate == "error":
            relay.on_trial_error(0, [], trial)
        elif fate == "memory":
            lack = {FAILURE: Failure("memory", "out of memory"), "done": True}
            relay.on_trial_result(0, [], trial, lack)
        else:
            done = {PROGRESS: NoOpAttempt(job).advance(), "done": True}
            relay.on_trial_result(0, [], trial, done)


def search(
    folder: Path, told: ToldTune, monkeypatch: pytest.MonkeyPatch
) -> tuple[Summary, list[tuple[Any, ...]]]:
    """How the search of two arms went, four trials each in rounds of two, and what failed."""
    path = folder / "t.yaml"
    path.write_text(TEXT)
    monkeypatch.setattr(searching, "run_round", told.run_round)
    session = contextlib.nullcontext(Session(folder))
    monkeypatch.setattr(searching, "session_on", lambda *_: session)
    monkeypatch.setattr(searching.tune, "with_parameters", lambda _, **parameters: parameters)
    diary = Diary()
    summary = searching.run_search(
        expand(load_study(path)), Profile(retries=1), observer=diary, tracker=NoTracker(),
        runs=folder / "runs",
    )  # fmt: skip
    return summary, diary.of("failed")


def each(arm: str, *numbers: int) -> list[Who]:
    return [(arm, number) for number in numbers]


def test_nobody_waits_for_a_trial_that_tune_ended_with_retries_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = ToldTune({("baseline", 0): ["error"]})
    summary, failed = search(tmp_path, told, monkeypatch)
    assert (summary.complete, summary.failed) == (8, 0)
    assert [(*line[:3], line[4]) for line in failed] == [("baseline", 0, 1, True)]
    (first, together), (second, again) = told.rounds
    assert sorted(together) == each("baseline", 0, 1) + each("norm=none", 0, 1, 2, 3)
    assert again == each("baseline", 0, 2, 3), "the second half waits for the first"
    assert not first
    assert not second


def test_what_ran_out_of_memory_is_alone_in_its_round_and_no_other_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = ToldTune({("baseline", 0): ["memory"], ("norm=none", 1): ["memory", "memory"]})
    summary, failed = search(tmp_path, told, monkeypatch)
    assert (summary.complete, summary.failed) == (5, 1)
    assert [line[:3] for line in failed] == [
        ("baseline", 0, 1), ("norm=none", 1, 1), ("norm=none", 1, 2)
    ]  # fmt: skip
    assert told.rounds[1:] == [
        (True, [("baseline", 0), ("norm=none", 1)]),
        (False, each("baseline", 2, 3)),
    ]
    assert not told.rounds[0][0]


def test_others_are_tried_again_before_those_that_are_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = ToldTune({("baseline", 0): ["memory"], ("norm=none", 1): ["error"]})
    summary, _ = search(tmp_path, told, monkeypatch)
    assert (summary.complete, summary.failed) == (8, 0)
    assert told.rounds[1:] == [
        (False, each("norm=none", 1, 2, 3)),
        (True, each("baseline", 0)),
        (False, each("baseline", 2, 3)),
    ]


def test_rounds_in_which_nothing_moves_use_up_the_retries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = ToldTune(broken=range(10))
    summary, failed = search(tmp_path, told, monkeypatch)
    assert (summary.complete, summary.failed) == (0, 4)
    assert {failure.message for failure in summary.failures} == {GAVE_UP}
    assert len(failed) == 8


def test_after_a_round_in_which_nothing_moved_the_search_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = ToldTune(broken=[1])
    summary, failed = search(tmp_path, told, monkeypatch)
    assert (summary.complete, summary.failed) == (8, 0)
    assert failed == [("baseline", 0, 1, GAVE_UP, True)]

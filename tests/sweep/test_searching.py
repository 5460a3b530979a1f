"""A search on a real Ray: the same with any slots, and nothing is run again."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from ganablate.study.expand import expand
from ganablate.study.load import load_study
from ganablate.study.search.records import read_record
from ganablate.sweep.events import Summary
from ganablate.sweep.profile import Profile
from ganablate.tracking import NoTracker
from tests.support.searches import TWO_ARMS, searches_of
from tests.support.sweep_cases import Diary

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("default"),  # Ray's own warnings are none of ours
]


def test_one_slot_and_two_find_the_same_and_a_second_call_starts_no_ray(tmp_path: Path) -> None:
    from ganablate.sweep.search import run_search

    path = tmp_path / "t.yaml"
    path.write_text(TWO_ARMS.replace("search_trials: 4", "search_trials: 10"))
    plan = expand(load_study(path))

    def search(name: str, slots: int) -> Summary:
        return run_search(
            plan, Profile(concurrency=slots), observer=Diary(), tracker=NoTracker(),
            runs=tmp_path / name, attempt="tests.support.search_attempts:rated",
        )  # fmt: skip

    two, one = search("two", 2), search("one", 1)
    assert (two.complete, two.failed, two.reused, two.interrupted) == (20, 0, 0, False)
    assert replace(one, wall_seconds=0) == replace(two, wall_seconds=0)
    ids = [arm.search_id for arm in searches_of(plan).values()]
    ended = [read_record(tmp_path / "two", search_id) for search_id in ids]
    assert [len(trials or ()) for trials in ended] == [10, 10]
    assert [read_record(tmp_path / "one", search_id) for search_id in ids] == ended
    notes = list((tmp_path / "two" / "attempts").iterdir())
    assert len({note.read_text() for note in notes}) == 10, "two workers each of five rounds"
    began = time.monotonic()
    again = search("two", 2)
    assert (again.complete, again.reused) == (0, 20)
    assert time.monotonic() - began < 3, "nothing to do needs no Ray"
    assert len({note.stem for note in notes}) == len(notes) == 20, "each trial was begun once"
    assert len(list((tmp_path / "two" / "attempts").iterdir())) == 20

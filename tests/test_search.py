"""Searching without training: what is proposed, whose turn it is, and what is kept."""

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ganablate.report.table.render import markdown_section
from ganablate.report.table.sections import search_section
from ganablate.study.expand import expand
from ganablate.study.load import load_study
from ganablate.study.reading.errors import StudyError
from ganablate.study.schema import Study
from ganablate.study.search.found import ArmSearch, SearchRecord, SearchTrial
from ganablate.study.search.proposals import propose, round_start
from ganablate.study.search.queue import Board
from ganablate.study.search.records import SEARCH_CSV, read_record, recall, search_csv, write_record
from ganablate.study.search.trials import searched_plan, trial_of
from ganablate.study.search.wording import as_json, search_lines, seconds_left

TEXT = """\
study: t
base: {dataset: mnist_5k, network: dcgan, epochs: 2}
ablate: {norm: [none], penalty: [r1]}
search:
  penalty_weight: {uniform: [0, 10]}
  lr: {log_uniform: [1e-4, 1e-1]}
  g_width: {int: [8, 64]}
  beta1: {choice: [0.0, 0.5]}
  grad_clip: {choice: [none, 1]}
search_trials: 10
primary: fid
metrics: [fid]
"""


@pytest.fixture
def study(tmp_path: Path) -> Study:
    path = tmp_path / "t.yaml"
    path.write_text(TEXT)
    return load_study(path)


@pytest.fixture
def searches(study: Study) -> list[ArmSearch]:
    plan = expand(study)
    assert plan.search is not None
    return list(plan.search.arms.values())


def bowl(values: dict[str, object]) -> float:
    """Least, 1, at a learning rate of 1e-3 and a width of 40."""
    rate, width = values["lr"], values["g_width"]
    assert isinstance(rate, float)
    assert isinstance(width, int)
    return 1 + abs(math.log10(rate) + 3) + abs(width - 40) / 60


def run(
    searches: list[ArmSearch],
    *,
    slots: int = 3,
    seed: int = 0,
    stop_after: int | None = None,
    value: Callable[[dict[str, object]], float | None] = bowl,
) -> list[SearchRecord]:
    """Search with so many slots, whose trials end in a random order."""
    order = random.Random(seed)
    kept: dict[str, SearchRecord] = {}
    board = Board(searches, lambda record: kept.__setitem__(record.search_id, record))
    running = []
    ended = 0
    while board.left and ended != stop_after:
        while len(running) < slots and (turn := board.next()) is not None:
            running.append(turn)
        assert running, "nothing to run, and something left"
        turn = running.pop(order.randrange(len(running)))
        name = trial_of(searches[turn.arm], turn).trial_id
        trial = SearchTrial(turn.number, name, turn.values, "complete", value(turn.values))
        board.end(turn, trial)
        ended += 1
    for arm in range(len(searches)):
        assert kept.get(searches[arm].search_id, board.record(arm)) == board.record(arm)
    return [board.record(arm) for arm in range(len(searches))]


@pytest.mark.parametrize(
    ("trials", "starts"),
    [(2, [0, 0]), (5, [0, 0, 2, 2, 4]), (10, [0, 0, 2, 2, 4, 4, 6, 6, 8, 8])],
)
def test_rounds_are_fifths_of_two_at_least(trials: int, starts: list[int]) -> None:
    assert [round_start(number, trials) for number in range(trials)] == starts


def test_a_search_is_the_same_with_any_slots_in_any_order(searches: list[ArmSearch]) -> None:
    one, many = run(searches, slots=1), run(searches, slots=7, seed=3)
    assert one == many
    assert [len(record.trials) for record in one] == [10, 10, 10]


def test_a_search_that_was_cut_off_ends_as_one_that_was_not(searches: list[ArmSearch]) -> None:
    whole = run(searches)
    part = run(searches, seed=5, stop_after=11)
    resumed = [replace(one, record=known) for one, known in zip(searches, part, strict=True)]
    assert run(resumed, seed=9) == whole


def test_arms_go_side_by_side(searches: list[ArmSearch]) -> None:
    board = Board(searches, lambda record: None)
    turns = [board.next() for _ in range(6)]
    assert [(turn.number, turn.arm) for turn in turns if turn] == [
        (0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)
    ]  # fmt: skip
    assert board.next() is None, "the second round waits for the first"
    assert board.waiting


def test_nobody_waits_for_what_was_given_up_and_it_can_be_taken_back(
    searches: list[ArmSearch],
) -> None:
    board = Board(searches[:1], lambda record: None)
    first, second = board.next(), board.next()
    assert first is not None
    assert second is not None
    board.end(second, SearchTrial(1, "b", second.values, "complete", 1.0))
    board.give_up(first)
    assert not board.waiting
    assert board.next() is None, "the round that it was in has not ended"
    board.take_back()
    assert board.next() == first


def test_first_rounds_are_the_same_points_in_every_arm(searches: list[ArmSearch]) -> None:
    firsts = [propose(search, 1, ()) for search in searches]
    assert {one["lr"] for one in firsts} == {firsts[0]["lr"]}
    assert propose(searches[0], 0, ())["lr"] != firsts[0]["lr"]


def test_proposals_lie_in_their_spaces_in_few_digits(searches: list[ArmSearch]) -> None:
    (penalised,) = (one for one in searches if one.arm == "penalty=r1")
    values = [trial.values for record in run([penalised]) for trial in record.trials]
    assert {frozenset(one) for one in values} == {
        frozenset({"lr", "penalty_weight", "g_width", "beta1", "grad_clip"})
    }
    for one in values:
        assert 1e-4 <= one["lr"] <= 1e-1
        assert one["lr"] == float(f"{one['lr']:.4g}")
        assert 0 <= one["penalty_weight"] <= 10
        assert 8 <= one["g_width"] <= 64
        assert one["beta1"] in (0.0, 0.5)
        assert one["grad_clip"] in (None, 1.0)
    # In logs: uniform in logs from 1e-4 to 1e-1 is below 1e-2 in two thirds of the cases.
    logs = [propose(replace(penalised, seed=n), 0, ())["lr"] for n in range(60)]
    assert 28 <= sum(rate < 1e-2 for rate in logs) <= 52


def test_later_rounds_look_where_it_was_good(searches: list[ArmSearch]) -> None:
    """Against as many random points: the median best of five searches of twenty trials."""

    def best(search: ArmSearch, trials: Iterator[SearchTrial]) -> float:
        return min(trial.value for trial in trials if trial.value is not None)

    guided, blind = [], []
    for seed in range(5):
        search = replace(searches[0], trials=20, seed=seed)
        (record,) = run([search])
        guided.append(best(search, iter(record.trials)))
        blind.append(min(bowl(propose(replace(search, seed=seed + 100), n, ())) for n in range(20)))
    assert sorted(guided)[2] < sorted(blind)[2]


def test_what_diverged_is_avoided_and_can_be_all_there_is(searches: list[ArmSearch]) -> None:
    def diverges(values: dict[str, object]) -> float | None:
        return None if bowl(values) > 1.5 else bowl(values)

    search = replace(searches[0], trials=20)
    (record,) = run([search], value=diverges)
    late = [trial.value for trial in record.trials[10:]]
    early = [trial.value for trial in record.trials[:10]]
    assert sum(value is None for value in late) < sum(value is None for value in early)
    (lost,) = run([search], value=lambda _: None)
    assert lost.best("min") == lost.trials[0]


def test_a_stopped_trial_is_told_with_what_was_seen_of_it(searches: list[ArmSearch]) -> None:
    values = propose(searches[0], 0, ())
    seen = [(1, 9.0), (2, 8.0)]
    told = [
        SearchTrial(0, "a", values, "stopped", 8.0, looks=tuple(seen)),
        SearchTrial(1, "b", propose(searches[0], 1, ()), "complete", 2.0),
    ]
    found = propose(searches[0], 2, told)
    assert set(found) == set(searches[0].spaces)
    swapped = [replace(told[0], state="complete", value=1.0), told[1]]
    assert propose(searches[0], 2, swapped) != found


def filled(study: Study) -> Study:
    """The study with its searches done."""
    plan = expand(study)
    assert plan.search is not None
    for record in run(list(plan.search.arms.values())):
        study.searches[record.search_id] = record
    return study


def again(study: Study, tmp_path: Path) -> Study:
    return load_study(tmp_path / "t.yaml")


def test_a_record_is_read_as_it_was_written(searches: list[ArmSearch], tmp_path: Path) -> None:
    (record,) = run(searches[:1], stop_after=3)
    looked = replace(record.trials[0], looks=((1, 2.5), (2, 2.25)), state="stopped", value=None)
    record = replace(record, trials=(looked, *record.trials[1:]))
    write_record(tmp_path, record)
    assert read_record(tmp_path, record.search_id) == record
    assert read_record(tmp_path, "other") is None


def test_a_damaged_record_counts_as_absent(searches: list[ArmSearch], tmp_path: Path) -> None:
    folder = tmp_path / "searches"
    folder.mkdir()
    for name, text in (("cut", '{"trials": [{"num'), ("other", '{"trials": [{"number": 1}]}')):
        (folder / f"{name}.json").write_text(text)
        assert read_record(tmp_path, name) is None


def test_a_fresh_clone_has_what_was_found_from_the_results(study: Study, tmp_path: Path) -> None:
    plan = expand(filled(study))
    results = tmp_path / "results"
    folder = results / "t" / "full"
    folder.mkdir(parents=True)
    text = search_csv(plan)
    assert text is not None
    (folder / SEARCH_CSV).write_text(text)
    clone = again(study, tmp_path)
    recall(clone, tmp_path / "runs", results)
    assert expand(clone) == plan
    assert search_csv(expand(clone)) == text
    assert len(text.splitlines()) == 31
    assert sum(",true," in line for line in text.splitlines()) == 3


def test_an_edited_space_leaves_out_the_committed_search(study: Study, tmp_path: Path) -> None:
    text = search_csv(expand(filled(study)))
    assert text is not None
    folder = tmp_path / "results" / "t" / "full"
    folder.mkdir(parents=True)
    (folder / SEARCH_CSV).write_text(text)
    (tmp_path / "t.yaml").write_text(TEXT.replace("[0, 10]", "[0, 20]"))
    edited = again(study, tmp_path)
    recall(edited, tmp_path / "runs", tmp_path / "results")
    found = expand(edited).search
    assert found is not None
    assert found.open == ("penalty=r1",), "the other arms do not search penalty_weight"


def test_a_committed_search_with_rows_missing_is_none(study: Study, tmp_path: Path) -> None:
    text = search_csv(expand(filled(study)))
    assert text is not None
    folder = tmp_path / "results" / "t" / "full"
    folder.mkdir(parents=True)
    lines = text.splitlines(keepends=True)
    (folder / SEARCH_CSV).write_text("".join(lines[:5] + lines[6:]))
    clone = again(study, tmp_path)
    recall(clone, tmp_path / "runs", tmp_path / "results")
    found = expand(clone).search
    assert found is not None
    assert found.open == ("baseline",)


@pytest.mark.parametrize(("old", "new"), [(",complete,", ",maybe,"), (",0,", ",none,")])
def test_a_damaged_row_is_told_with_its_line(
    study: Study, tmp_path: Path, old: str, new: str
) -> None:
    text = search_csv(expand(filled(study)))
    assert text is not None
    folder = tmp_path / "results" / "t" / "full"
    folder.mkdir(parents=True)
    (folder / SEARCH_CSV).write_text(text.replace(old, new, 1))
    with pytest.raises(StudyError, match=r"search\.csv:2: not a row of a search"):
        recall(again(study, tmp_path), tmp_path / "runs", tmp_path / "results")


def test_what_runs_here_goes_before_what_was_committed(study: Study, tmp_path: Path) -> None:
    plan = expand(filled(study))
    assert plan.search is not None
    folder = tmp_path / "results" / "t" / "full"
    folder.mkdir(parents=True)
    text = search_csv(plan)
    assert text is not None
    (folder / SEARCH_CSV).write_text(text)
    first = plan.search.arms["baseline"].record
    assert first is not None
    mine = replace(first, trials=tuple(replace(t, value=7.0 - t.number) for t in first.trials))
    for known, chosen in ((mine, 9), (replace(mine, trials=mine.trials[:4]), None)):
        write_record(tmp_path / "runs", known)
        clone = again(study, tmp_path)
        recall(clone, tmp_path / "runs", tmp_path / "results")
        search = expand(clone).search
        assert search is not None
        found = search.arms["baseline"].found
        assert found is not None
        assert found.number == (chosen if chosen is not None else first.best("min").number)  # type: ignore[union-attr]


def test_search_trials_are_a_plan_of_their_own_measured_by_the_primary_alone(
    study: Study,
) -> None:
    plan = expand(filled(study))
    searched = searched_plan(plan)
    assert searched is not None
    assert searched.budget == "full search"
    assert searched.measured == ("fid",)
    assert len({trial.trial_id for trial in searched.trials}) == 30
    assert plan.search is not None
    told = [t.trial_id for arm in plan.search.arms.values() for t in arm.told]
    assert [trial.trial_id for trial in searched.trials] == told


def test_a_search_costs_its_share_of_a_replicate(study: Study, tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(TEXT + "search_length: 50%\n")
    plan = expand(again(study, tmp_path))
    each = {"baseline": 10.0, "norm=none": 20.0, "penalty=r1": 30.0}
    assert seconds_left(plan, each) == pytest.approx(10 * (5 + 10 + 15))
    assert seconds_left(plan, {"baseline": 10.0}) is None
    assert seconds_left(expand(filled(study)), each) is None


def test_what_is_found_is_said_with_its_price(study: Study) -> None:
    before = search_lines(expand(study))
    assert before[1:] == [
        f"  {name:10}  0 of 10 trials have ended"
        for name in ("baseline", "norm=none", "penalty=r1")
    ]
    plan = expand(filled(study))
    assert plan.search is not None
    found = plan.search.arms["norm=none"].found
    assert found is not None
    assert "10 trials an arm, each as long as the arm's own, by fid (lower is better)" in before[0]
    assert f"lr {found.values['lr']}" in search_lines(plan)[2]
    section = markdown_section(search_section(plan.search))
    (row,) = (line for line in section.splitlines() if line.startswith("| norm=none"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[1:3] == ["—", str(found.values["lr"])]
    assert cells[-1] == "10 trials"
    assert "it is no estimate of the arm" in " ".join(section.split())
    said = as_json(plan.search)
    assert said is not None
    assert said["arms"][1]["found"] == found.values

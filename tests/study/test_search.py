"""Searching without training: what is proposed round by round, and what is kept."""

import math
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ganablate.report.table.render import markdown_section
from ganablate.report.table.sections import search_section
from ganablate.study.expand import expand
from ganablate.study.load import load_study
from ganablate.study.reading.errors import StudyError
from ganablate.study.schema import Study
from ganablate.study.search.arm_search import ArmSearch, SearchTrial
from ganablate.study.search.records import (
    SEARCH_CSV,
    read_record,
    search_csv,
    with_recorded_searches,
    write_record,
)
from ganablate.study.search.rounds import next_round, propose, searched_plan, trial_of
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
    search: ArmSearch,
    *,
    seed: int = 0,
    stop_after: int | None = None,
    value: Callable[[dict[str, object]], float | None] = bowl,
) -> ArmSearch:
    """Search one arm, the trials of a round ending in a random order."""
    order = random.Random(seed)
    while (numbers := next_round(search)) and len(search.ended) != stop_after:
        for number in order.sample(numbers, len(numbers)):
            if len(search.ended) != stop_after:
                values = propose(search, number)
                name = trial_of(search, number, values).trial_id
                search = search.with_trial(SearchTrial(number, name, values, value(values)))
    return search


@pytest.mark.parametrize(
    ("trials", "rounds"),
    [
        (2, [[0, 1]]),
        (5, [[0, 1], [2, 3], [4]]),
        (10, [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]]),
        (11, [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10]]),
    ],
)
def test_rounds_are_fifths_of_two_at_least(
    searches: list[ArmSearch], trials: int, rounds: list[list[int]]
) -> None:
    search = replace(searches[0], trials=trials)
    for numbers in rounds:
        assert next_round(search) == numbers
        for number in numbers:
            search = search.with_trial(SearchTrial(number, "a", {}, 1.0))
    assert next_round(search) == []


def test_what_is_proposed_does_not_depend_on_the_order_in_which_trials_end(
    searches: list[ArmSearch],
) -> None:
    whole = [run(search) for search in searches]
    assert [run(search, seed=3) for search in searches] == whole
    assert [len(search.ended) for search in whole] == [10, 10, 10]
    for search in whole:
        assert [trial.values for trial in search.ended] == [propose(search, n) for n in range(10)]


@pytest.mark.parametrize("ended", [1, 2, 5, 9])
def test_a_search_that_was_cut_off_ends_as_one_that_was_not(
    searches: list[ArmSearch], ended: int
) -> None:
    part = run(searches[0], seed=5, stop_after=ended)
    assert len(part.ended) == ended
    assert run(part, seed=9) == run(searches[0])


def test_a_round_waits_for_all_of_the_one_before(searches: list[ArmSearch]) -> None:
    search = searches[0].with_trial(SearchTrial(1, "b", propose(searches[0], 1), 1.0))
    assert next_round(search) == [0]


def test_first_rounds_are_the_same_points_in_every_arm(searches: list[ArmSearch]) -> None:
    rates = [propose(search, 1)["lr"] for search in searches]
    assert set(rates) == {rates[0]}
    assert propose(searches[0], 0)["lr"] != rates[0]


def test_proposals_lie_in_their_spaces_in_few_digits(searches: list[ArmSearch]) -> None:
    (penalised,) = (search for search in searches if search.arm == "penalty=r1")
    for values in (trial.values for trial in run(penalised).ended):
        assert set(values) == {"lr", "penalty_weight", "g_width", "beta1", "grad_clip"}
        assert 1e-4 <= values["lr"] <= 1e-1
        assert values["lr"] == float(f"{values['lr']:.4g}")
        assert 0 <= values["penalty_weight"] <= 10
        assert 8 <= values["g_width"] <= 64
        assert values["beta1"] in (0.0, 0.5)
        assert values["grad_clip"] in (None, 1.0)
    # In logs: uniform in logs from 1e-4 to 1e-1 is below 1e-2 in two thirds of the cases.
    logs = [propose(replace(penalised, seed=n), 0)["lr"] for n in range(60)]
    assert 28 <= sum(rate < 1e-2 for rate in logs) <= 52


def test_later_rounds_look_where_it_was_good(searches: list[ArmSearch]) -> None:
    """Against as many random points: the median best of five searches of twenty trials."""
    guided, blind = [], []
    for seed in range(5):
        search = replace(searches[0], trials=20, seed=seed)
        guided.append(min(trial.value or 99 for trial in run(search).ended))
        blind.append(min(bowl(propose(replace(search, seed=seed + 100), n)) for n in range(20)))
    assert sorted(guided)[2] < sorted(blind)[2]


def test_what_diverged_is_avoided_and_can_be_all_there_is(searches: list[ArmSearch]) -> None:
    def diverges(values: dict[str, object]) -> float | None:
        return None if bowl(values) > 1.5 else bowl(values)

    search = replace(searches[0], trials=20)
    lost = [trial.value is None for trial in run(search, value=diverges).ended]
    assert sum(lost[10:]) < sum(lost[:10])
    all_lost = run(search, value=lambda _: None)
    assert all_lost.best == all_lost.ended[0]


def filled(study: Study) -> Study:
    """The study with its searches done."""
    plan = expand(study)
    assert plan.search is not None
    searches = plan.search.arms.values()
    return study.with_searches({search.search_id: run(search).ended for search in searches})


def again(study: Study, tmp_path: Path) -> Study:
    return load_study(tmp_path / "t.yaml")


def test_a_record_is_read_as_it_was_written(searches: list[ArmSearch], tmp_path: Path) -> None:
    search = run(searches[0], stop_after=3)
    search = search.with_trial(replace(search.ended[1], value=None, outcome="diverged"))
    write_record(tmp_path, search)
    assert read_record(tmp_path, search.search_id) == search.ended
    assert read_record(tmp_path, "another") is None


def test_a_record_of_a_former_version_is_read(searches: list[ArmSearch], tmp_path: Path) -> None:
    search = run(searches[0], stop_after=1)
    write_record(tmp_path, search)
    path = tmp_path / "searches" / f"{search.search_id}.json"
    path.write_text(path.read_text().replace('"number"', '"looks": [], "state": "", "number"'))
    assert "looks" in path.read_text()
    assert read_record(tmp_path, search.search_id) == search.ended


def test_a_damaged_record_counts_as_absent(searches: list[ArmSearch], tmp_path: Path) -> None:
    folder = tmp_path / "searches"
    folder.mkdir()
    for name, text in (("cut", '{"trials": [{"num'), ("lacking", '{"trials": [{"number": 1}]}')):
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
    clone = with_recorded_searches(again(study, tmp_path), tmp_path / "runs", results)
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
    edited = with_recorded_searches(again(study, tmp_path), tmp_path / "runs", tmp_path / "results")
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
    clone = with_recorded_searches(again(study, tmp_path), tmp_path / "runs", tmp_path / "results")
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
        with_recorded_searches(again(study, tmp_path), tmp_path / "runs", tmp_path / "results")


def test_what_runs_here_goes_before_what_was_committed(study: Study, tmp_path: Path) -> None:
    plan = expand(filled(study))
    assert plan.search is not None
    folder = tmp_path / "results" / "t" / "full"
    folder.mkdir(parents=True)
    text = search_csv(plan)
    assert text is not None
    (folder / SEARCH_CSV).write_text(text)
    searched = plan.search.arms["baseline"]
    assert searched.best is not None
    trials = tuple(replace(trial, value=7.0 - trial.number) for trial in searched.ended)
    for ended, chosen in ((trials, 9), (trials[:4], searched.best.number)):
        write_record(tmp_path / "runs", replace(searched, ended=ended))
        clone = with_recorded_searches(
            again(study, tmp_path), tmp_path / "runs", tmp_path / "results"
        )
        search = expand(clone).search
        assert search is not None
        found = search.arms["baseline"].best
        assert found is not None
        assert found.number == chosen


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
    ended = [t.trial_id for arm in plan.search.arms.values() for t in arm.ended]
    assert [trial.trial_id for trial in searched.trials] == ended


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
    found = plan.search.arms["norm=none"].best
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

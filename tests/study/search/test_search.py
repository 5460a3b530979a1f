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
from ganablate.study.plan import Plan
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
from tests.support.searches import searches_of, with_ended

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
def study(write: Callable[[str], Path]) -> Study:
    return load_study(write(TEXT))


@pytest.fixture
def searches(study: Study) -> list[ArmSearch]:
    return list(searches_of(expand(study)).values())


@pytest.fixture
def searched(study: Study) -> Study:
    """The study with its searches done."""
    searches = searches_of(expand(study))
    return with_ended(study, {arm: run(search).ended for arm, search in searches.items()})


class Record:
    """A folder with results of the study: `search.csv` at the budget full, and `runs/`."""

    def __init__(self, root: Path, searched: Study) -> None:
        self.runs, self._results = root / "runs", root / "results"
        self.text = search_csv(expand(searched)) or ""
        self.path = self._results / "t" / "full" / SEARCH_CSV
        self.path.parent.mkdir(parents=True)
        self.path.write_text(self.text)

    def plan(self, study: Study) -> Plan:
        """The plan of a fresh clone of the study."""
        return expand(with_recorded_searches(study, self.runs, self._results))


@pytest.fixture
def record(tmp_path: Path, searched: Study) -> Record:
    return Record(tmp_path, searched)


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
        for position, number in enumerate(reversed(numbers)):
            assert next_round(search) == numbers[: len(numbers) - position]
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
    for ended in (1, 2, 5, 9):
        part = run(searches[0], seed=5, stop_after=ended)
        assert len(part.ended) == ended
        assert run(part, seed=9) == whole[0], "cut off, it ends as one that was not"


def test_proposals_lie_in_their_spaces_in_few_digits(searches: list[ArmSearch]) -> None:
    rates = [[propose(search, number)["lr"] for search in searches] for number in (0, 1)]
    assert [len(set(of_arms)) for of_arms in rates] == [1, 1], "the same in every arm"
    assert rates[0] != rates[1]
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


def test_a_record_is_read_as_it_or_a_former_version_wrote_it(
    searches: list[ArmSearch], tmp_path: Path
) -> None:
    search = run(searches[0], stop_after=3)
    search = search.with_trial(replace(search.ended[1], value=None, outcome="diverged"))
    write_record(tmp_path, search)
    assert read_record(tmp_path, search.search_id) == search.ended
    path = tmp_path / "searches" / f"{search.search_id}.json"
    path.write_text(path.read_text().replace('"number"', '"looks": [], "state": "", "number"'))
    assert read_record(tmp_path, search.search_id) == search.ended
    assert read_record(tmp_path, "another") is None
    for damaged in ('{"trials": [{"num', '{"trials": [{"number": 1}]}'):
        path.write_text(damaged)
        assert read_record(tmp_path, search.search_id) is None


def test_a_fresh_clone_has_the_best_values_from_the_results(
    study: Study, searched: Study, record: Record
) -> None:
    plan = record.plan(study)
    assert plan == expand(searched)
    assert search_csv(plan) == record.text
    assert len(record.text.splitlines()) == 31
    assert sum(",true," in line for line in record.text.splitlines()) == 3


def test_committed_searches_that_lack_rows_or_are_of_another_space_are_left_out(
    study: Study, record: Record, write: Callable[[str], Path]
) -> None:
    edited = record.plan(load_study(write(TEXT.replace("[0, 10]", "[0, 20]"))))
    assert edited.search is not None
    assert edited.search.open == ("penalty=r1",), "the other arms do not search penalty_weight"
    lines = record.text.splitlines(keepends=True)
    record.path.write_text("".join(lines[:5] + lines[6:]))
    lacking = record.plan(study)
    assert lacking.search is not None
    assert lacking.search.open == ("baseline",)


@pytest.mark.parametrize(("old", "new"), [(",complete,", ",maybe,"), (",0,", ",none,")])
def test_a_damaged_row_is_told_with_its_line(
    study: Study, record: Record, old: str, new: str
) -> None:
    record.path.write_text(record.text.replace(old, new, 1))
    with pytest.raises(StudyError, match=r"search\.csv:2: not a row of a search"):
        record.plan(study)


def test_what_runs_here_goes_before_what_was_committed(study: Study, record: Record) -> None:
    search = searches_of(record.plan(study))["baseline"]
    assert search.best is not None
    trials = tuple(replace(trial, value=7.0 - trial.number) for trial in search.ended)
    for ended, chosen in ((trials, 9), (trials[:4], search.best.number)):
        write_record(record.runs, replace(search, ended=ended))
        best = searches_of(record.plan(study))["baseline"].best
        assert best is not None
        assert best.number == chosen


def test_search_trials_are_a_plan_of_their_own_measured_by_the_primary_alone(
    searched: Study,
) -> None:
    plan = expand(searched)
    of_search = searched_plan(plan)
    assert of_search is not None
    assert (of_search.budget, of_search.measured) == ("full search", ("fid",))
    ended = [t.trial_id for search in searches_of(plan).values() for t in search.ended]
    assert [trial.trial_id for trial in of_search.trials] == ended
    assert len(set(ended)) == 30


def test_a_search_costs_its_share_of_a_replicate(
    searched: Study, write: Callable[[str], Path]
) -> None:
    plan = expand(load_study(write(TEXT + "search_length: 50%\n")))
    each = {"baseline": 10.0, "norm=none": 20.0, "penalty=r1": 30.0}
    assert seconds_left(plan, each) == pytest.approx(10 * (5 + 10 + 15))
    assert seconds_left(plan, {"baseline": 10.0}) is None
    assert seconds_left(expand(searched), each) is None


def test_the_best_values_are_said_with_their_price(study: Study, searched: Study) -> None:
    before = search_lines(expand(study))
    assert before[1:] == [
        f"  {name:10}  0 of 10 trials have ended"
        for name in ("baseline", "norm=none", "penalty=r1")
    ]
    assert "10 trials an arm, each as long as the arm's own, by fid (lower is better)" in before[0]
    plan = expand(searched)
    assert plan.search is not None
    best = plan.search.arms["norm=none"].best
    assert best is not None
    assert f"lr {best.values['lr']}" in search_lines(plan)[2]
    section = markdown_section(search_section(plan.search))
    (row,) = (line for line in section.splitlines() if line.startswith("| norm=none"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[1:3] == ["—", str(best.values["lr"])]
    assert cells[-1] == "10 trials"
    assert "it is no estimate of the arm" in " ".join(section.split())
    assert as_json(plan.search)["arms"][1]["found"] == best.values

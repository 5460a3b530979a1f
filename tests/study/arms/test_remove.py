"""`remove` leaves components of the full model out: one at a time, all but one, and all."""

from collections.abc import Callable

from ganablate.study.expand import expand
from ganablate.study.schema import Study

Load = Callable[..., Study]
THREE = "remove: {beta1: 0.0, batch_norm: {norm: none}, init: torch}\n"
WITHOUT = ["without-beta1", "without-batch_norm", "without-init"]
ONLY = ["only-beta1", "only-batch_norm", "only-init"]


def test_each_component_is_left_out_and_the_trials_are_those_of_the_settings(load: Load) -> None:
    plan = expand(load(THREE + "replicates: 2\nnull_arm: true\n"))
    assert [arm.name for arm in plan.arms] == ["baseline", *WITHOUT, "null"]
    assert {arm.compare_to for arm in plan.arms[1:]} == {"baseline"}
    alike = expand(load("ablate: {beta1: [0], norm: [none], init: [torch]}\nreplicates: 2\n"))
    assert [t.trial_id for t in plan.trials if t.arm != "null"] == [
        trial.trial_id for trial in alike.trials
    ]
    assert plan.components == {
        "beta1": ("without-beta1",), "batch_norm": ("without-batch_norm",),
        "init": ("without-init",),
    }  # fmt: skip


def test_each_one_alone_and_none_of_them(load: Load) -> None:
    plan = expand(load(THREE + "remove_also: [all, all_but_one]\n"))
    assert [arm.name for arm in plan.arms] == ["baseline", *WITHOUT, *ONLY, "without-all"]
    changes = {arm.name: dict(arm.changes) for arm in plan.arms}
    norm = {"g_norm": "none", "d_norm": "none"}
    assert changes["only-beta1"] == {**norm, "init": "torch"}
    assert changes["without-all"] == {**norm, "g_beta1": 0.0, "d_beta1": 0.0, "init": "torch"}
    assert set(plan.components["init"]) == {
        "without-init", "only-beta1", "only-batch_norm", "without-all",
    }  # fmt: skip


def test_other_arms_lack_a_component_where_their_settings_say_so(load: Load) -> None:
    more = "ablate: {beta1: [0.9]}\narms: {bare: {norm: none, init: torch, lr: 1}}\n"
    plan = expand(load(THREE + more))
    assert plan.components["beta1"] == ("without-beta1",)
    assert plan.components["batch_norm"] == ("without-batch_norm", "bare")


def test_a_budget_restates_what_it_sets_and_exclude_leaves_arms_out(load: Load) -> None:
    budget = "budgets: {b: {beta1: 0.2, remove.beta1: 0.1, replicates: 1}}\n"
    study = load(THREE + budget + "exclude: [{init: torch, because: x}]\nreplicates: 3\n")
    plan = expand(study, "b")
    assert [arm.name for arm in plan.arms] == ["baseline", *WITHOUT[:2]]
    assert plan.arms[1].changes == {"g_beta1": 0.1, "d_beta1": 0.1}
    assert plan.excluded == (("without-init", "x"),)
    assert plan.components["init"] == ()


def test_beside_a_cross_the_full_model_is_the_baseline(load: Load) -> None:
    plan = expand(load("remove: {init: torch}\ncross: {beta1: [0.1, 0.2], lr: [1e-3]}\n"))
    assert [arm.name for arm in plan.arms[:2]] == ["baseline", "without-init"]
    assert len(plan.arms) == 4


def test_a_component_may_be_a_setting_that_is_searched_by_no_arm(load: Load) -> None:
    plan = expand(load(THREE + "search: {lr: {log_uniform: [1e-4, 1e-2]}}\n"))
    assert plan.search is not None
    assert set(plan.search.arms) == {"baseline", *WITHOUT}

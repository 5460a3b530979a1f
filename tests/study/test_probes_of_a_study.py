"""`probes:` of a study: names, columns, and what a probe needs of the arms."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ganablate.study.expand import expand
from ganablate.study.load import load_study
from ganablate.study.reading.errors import StudyError
from ganablate.study.schema import Study

HEAD = "study: t\nbase: {dataset: mnist_5k, network: dcgan, epochs: 2}\nmetrics: [fid]\n"


def test_probes_are_in_the_plan_and_in_no_trial_id(load: Callable[[str], Study]) -> None:
    plain, probed = expand(load("seed: 3\n")), expand(load("seed: 3\nprobes: [walk, svm]\n"))
    assert probed.probes == ("walk", "svm")
    assert probed.measured == ("fid", "d_loss", "walk", "svm")
    assert [t.trial_id for t in probed.trials] == [t.trial_id for t in plain.trials]
    assert plain.measured == plain.metrics
    added = [name for name in probed.columns if name not in plain.columns]
    assert added == [
        "walk_largest_step", "svm_test_accuracy", "svm_train_accuracy", "svm_dimensions",
    ]  # fmt: skip


def test_primary_claims_and_published_numbers_may_name_their_columns(
    write: Callable[[str], Path],
) -> None:
    study = load_study(
        write(
            HEAD + "primary: svm_test_accuracy\nprobes: [svm]\nablate: {d_width: [16]}\n"
            "published: [{arm: baseline, metric: svm_test_accuracy, value: 0.6527, protocol: p, "
            "source: R2}]\n"
            "claims:\n  - {id: a, says: b, compare: {arm: d_width=16, metric: svm_test_accuracy, "
            "is: worse}}\n"
        )
    )
    assert study.probes == ("svm",)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("probes: [wolk]\nprimary: fid\n", 4, ['"wolk" is not a probe; did you mean walk']),
        ("probes: [walk, walk]\nprimary: fid\n", 4, ["probes: walk is given twice"]),
        ("probes: svm\nprimary: fid\n", 4, ['"svm" is given; a list is needed: [svm]']),
        ("primary: svm_test_accuracy\n", 4, ["add svm to `probes`"]),
        (
            "primary: fid\nprobes: [walk, svm]\nablate: {network: [mlp]}\n",
            5,
            ["svm needs convolutions in the discriminator, and mlp has none", "another network"],
        ),
        (
            "primary: fid\nprobes: [svm]\nfolders: {f: {data_id: a, channels: 1, images: 900}}\n"
            "arms: {a: {dataset: 'folder:f', image_size: 28}}\n",
            5,
            ["svm needs labels, and folder:f has none", "another data set"],
        ),
    ],
)
def test_what_is_wrong_is_said_at_its_line(
    write: Callable[[str], Path], text: str, line: int, words: list[str]
) -> None:
    with pytest.raises(StudyError) as caught:
        load_study(write(HEAD + text))
    (problem,) = caught.value.problems
    said = str(problem)
    assert f"line {line}" in said or f":{line}:" in said or f":{line}" in said
    for word in words:
        assert word in said

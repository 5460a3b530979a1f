"""What is wrong is said at its line, with what was given and what is allowed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ganablate.study.arms.configs import Configs
from ganablate.study.arms.resolve import Resolution
from ganablate.study.load import load_study
from ganablate.study.reading.errors import StudyError
from ganablate.study.reading.wording import unknown
from tests.support.study_text import HEAD
from tests.support.trial_config import config_for
from tests.support.wrong_studies import WRONG, Wrong


def problems(path: Path) -> list[str]:
    with pytest.raises(StudyError) as caught:
        load_study(path)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_says_place_given_and_allowed(wrong: Wrong, write: Callable[[str], Path]) -> None:
    path = write(wrong.text)
    found = problems(path)
    at = [problem for problem in found if problem.startswith(f"{path}:{wrong.line}: ")]
    assert any(all(word in problem for word in wrong.words) for problem in at), found
    assert wrong.several or len(found) == 1, found


@pytest.mark.parametrize("word", ["on", "off", "yes", "no", "No"])
def test_a_switch_word_is_no_misspelled_none(word: str) -> None:
    assert unknown("allowed", word, ["none", "batch"]).endswith("allowed; allowed: none, batch")


def test_settings_that_do_not_fit_are_named_plainly() -> None:
    with pytest.raises(ValueError, match=r"^dataset: Field required"):
        Configs().of(Resolution({}, {}, (), None))
    settings = {**config_for("dcgan").model_dump(exclude={"seed"}, exclude_none=True), "epochs": 1}
    with pytest.raises(ValueError, match=r"^exactly one of epochs and iterations is needed$"):
        Configs().of(Resolution(settings, {}, (), None))


def test_the_same_words_at_the_same_line_come_once(write: Callable[[str], Path]) -> None:
    text = "ablate: {optimizer: [sgdd, sgdd]}\nexclude: [{lr: [x, x], because: y}]\n"
    messages = problems(write(HEAD + text))
    assert len(messages) == len(set(messages)) == 2


def test_base_must_give_what_has_no_default(write: Callable[[str], Path]) -> None:
    text = HEAD.replace("{dataset: mnist_5k, network: dcgan, epochs: 2}", "{lr: 1e-3}")
    found = problems(write(text))
    assert [":2: base gives no" in problem for problem in found] == [True] * 3
    assert "dataset" in found[0]
    assert "network" in found[1]
    assert "length" in found[2]


def test_one_typo_in_base_is_one_problem(write: Callable[[str], Path]) -> None:
    text = HEAD.replace("dataset: mnist_5k", "dataset: mnist_5, optimizer: sg, momentum: 0")
    found = problems(write(text + "ablate: {batch_size: [64]}\n"))
    assert len(found) == 2
    assert "did you mean mnist_5k" in found[0]
    assert "did you mean sgd" in found[1]


def test_all_problems_at_once_in_line_order(write: Callable[[str], Path]) -> None:
    text = HEAD.replace(", d_loss]", "]") + (
        "ablate: {lr: [1, x], lrr: [2]}\n"
        "replicates: 0\n"
        "budgets: {s: {epoch: 1}}\n"
        "claims:\n"
        "  - {id: a, says: b, compare: {arm: batch_size=3, is: worse}}\n"
        "  - {id: b, says: b, compare: {arm: lr=x, is: worse}}\n"
        "  - {id: c, says: b, compare: {arm: lr=1, is: worse, bye: 2}}\n"
        "  - {id: d, says: b, compare: {arm: lr=2, is: worse}}\n"
        "  - {id: e, says: b, compare: {some: [baseline, lr=3], to: lr=1, is: worse}}\n"
    )
    lines = [int(problem.split(":")[1]) for problem in problems(write(text))]
    # The claim on line 10 names an arm whose own mistake is on line 5: not a second problem.
    assert lines == [5, 5, 6, 7, 9, 11, 12, 13]

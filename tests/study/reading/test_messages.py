"""Messages that send a person the right way, each printed once."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ganablate.study.arms.resolve import Configs, Resolution
from ganablate.study.load import load_study
from ganablate.study.reading.errors import StudyError
from ganablate.study.reading.wording import unknown
from ganablate.study.schema import Study

Load = Callable[[str], Study]


def messages(load: Load, text: str) -> list[str]:
    with pytest.raises(StudyError) as caught:
        load(text)
    return [problem.message for problem in caught.value.problems]


@pytest.mark.parametrize("word", ["on", "off", "yes", "no", "No"])
def test_a_switch_word_is_no_misspelled_none(word: str) -> None:
    assert unknown("allowed", word, ["none", "batch"]).endswith("allowed; allowed: none, batch")


def test_a_missing_space_is_named(write: Callable[[str], Path]) -> None:
    text = "study: t\nbase: {dataset:mnist_5k, network: dcgan}\nprimary: fid\nmetrics: [fid]\n"
    with pytest.raises(StudyError, match="a space is needed after the colon"):
        load_study(write(text))


def test_a_network_for_any_size_says_so(load: Load) -> None:
    found = messages(
        load,
        "folders: {f: {data_id: x, channels: 1, images: 900}}\n"
        "arms: {a: {dataset: 'folder:f', network: mlp}}\n",
    )
    assert found[-1].endswith("the network mlp can be built for: any size")


def test_the_same_words_at_the_same_line_come_once(load: Load) -> None:
    text = "ablate: {optimizer: [sgdd, sgdd]}\nexclude: [{lr: [x, x], because: y}]\n"
    found = messages(load, text)
    assert len(found) == len(set(found)) == 2


def test_settings_that_do_not_fit_are_said_plainly() -> None:
    with pytest.raises(ValueError, match=r"^dataset: Input should be"):
        Configs().config(Resolution({}, (), None), 0)
    fitting: dict[str, object] = {
        "dataset": "mnist_5k", "image_size": 28, "pixel_range": "unit", "network": "dcgan",
        "latent_dim": 2, "latent": "normal", "g_width": 1, "d_width": 1, "g_activation": "relu",
        "d_activation": "relu", "g_output": "tanh", "g_norm": "none", "d_norm": "none",
        "d_dropout": 0.0, "init": "torch", "criterion": "bce", "g_optimizer": "adam",
        "d_optimizer": "adam", "g_lr": 1.0, "d_lr": 1.0, "batch_size": 2,
        "d_steps": 1, "g_steps": 1, "epochs": 1, "iterations": 1,
    }  # fmt: skip
    with pytest.raises(ValueError, match=r"^exactly one of epochs and iterations is needed$"):
        Configs().config(Resolution(fitting, (), None), 0)

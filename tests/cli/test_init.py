"""`init`: every answer gives a study that loads; wrong answers are told; no file is lost."""

import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from ganablate.catalog import CRITERIA, DATASETS, NETWORKS, SETTINGS
from ganablate.cli.init import factors_of
from ganablate.study.editor.json_schema import study_schema
from ganablate.study.editor.starter import NO_USUAL_LEVELS, Answers, new_study
from ganablate.study.expand import expand
from ganablate.study.load import load_study
from tests.support.command import everything_under, invoke

SCHEMA = Draft202012Validator(study_schema())
OF_OTHER_PARTS = {
    f"{net}{name}" for net in ("", "g_", "d_") for name in ("momentum", "alpha", "rho")
} | {"penalty_weight"}
"""Factors that adam, or a base without a penalty, has not."""


def written(ablate: dict[str, tuple[Any, ...]], *answers: Any, **more: Any) -> dict[str, Any]:
    """The values of a new study, which loads, expands at every budget and suits the schema."""
    text, study = new_study(Answers("s", ablate, *answers, **more))
    assert study.budget_names == ("full", "smoke")
    for budget in study.budget_names:
        arms = expand(study, budget).arms
        assert {arm.name.partition("=")[0] for arm in arms[1:]} == set(ablate), budget
    values: dict[str, Any] = yaml.safe_load(text)
    assert SCHEMA.is_valid(values)
    return values


@pytest.mark.slow
@pytest.mark.parametrize("dataset", [*DATASETS, "folder:faces"])
def test_every_data_set_and_network_make_a_study(dataset: str) -> None:
    for network in NETWORKS:
        for channels in (1, 3) if dataset == "folder:faces" else (3,):
            values = written({"criterion": ()}, dataset, network, images=900, channels=channels)
            assert values["base"]["dataset"] == dataset


@pytest.mark.slow
@pytest.mark.parametrize("network", NETWORKS)
def test_every_factor_makes_a_study(network: str) -> None:
    fitting = []
    for factor in SETTINGS:
        try:
            new_study(Answers("s", {factor: ()}, "mnist", network))
        except ValueError:
            continue
        fitting.append(factor)
    lacking = set(SETTINGS) - set(fitting) - set(NO_USUAL_LEVELS) - OF_OTHER_PARTS
    assert lacking <= {"hidden_layers", "resampling", "ends"}
    # A form for both nets and one for a single net may come to the same arm.
    of_one_net = [name for name in fitting if name[:2] in ("g_", "d_")]
    for group in (of_one_net, [name for name in fitting if name not in of_one_net]):
        written(dict.fromkeys(group, ()), "mnist", network)


@pytest.mark.parametrize("images", [2, 3, 50, 70])
def test_few_images_make_small_batches(images: int) -> None:
    values = written({"criterion": ()}, "folder:faces", images=images)
    assert 2 * values["base"]["batch_size"] <= max(images, 4)
    assert values["folders"]["faces"]["images"] == images


def test_named_levels_stay_and_smoke_has_its_own_amount_of_work() -> None:
    values = written({"criterion": tuple(name for name in CRITERIA if name != "bce")})
    assert len(values["ablate"]["criterion"]) == len(CRITERIA) - 1
    levels = {"lr": (1e-4, 0.00012345678, 1e-5), "epochs": (5, 20), "batch_size": (512,)}
    text, study = new_study(Answers("s", levels))
    assert study.ablate == {name: list(given) for name, given in levels.items()}
    assert "  lr: 0.001\n" in text
    smoke = yaml.safe_load(text)["budgets"]["smoke"]
    assert smoke == {
        "epochs": 1, "train_images": 512, "replicates": 1, "ablate.epochs": [2, 3],
    }  # fmt: skip


def test_smoke_needs_no_files() -> None:
    for dataset, stand_in in (("mnist", "mnist_5k"), ("celeba", "photo_patches")):
        values = written({"criterion": ()}, dataset)
        assert values["base"]["train_images"] == 5_000
        assert values["budgets"]["smoke"]["dataset"] == stand_in
    assert "dataset" not in written({"criterion": ()})["budgets"]["smoke"]


def test_reads_factors_and_levels() -> None:
    assert factors_of("norm, lr=1e-4,1e-3,criterion") == {
        "norm": (), "lr": (1e-4, 1e-3), "criterion": (),
    }  # fmt: skip
    assert factors_of("real_labels=0.9,0.7..1") == {"real_labels": (0.9, "0.7..1")}
    for wrong in ("", ",", "3", "norm,batch", "lrr=1"):
        with pytest.raises(ValueError, match=r"to ablate|not a setting"):
            factors_of(wrong)


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_without_a_terminal_the_usual_study_is_written(empty: Path) -> None:
    code, out, err = invoke("init")
    assert (code, err) == (0, "")
    assert "5 arms x 3 replicates = 15 trials at the budget full" in out
    assert "ganablate run studies/my_study.yaml --budget smoke" in out
    assert everything_under(empty) == {
        "studies", "studies/my_study.yaml", "studies/study.schema.json",
    }  # fmt: skip
    text = (empty / "studies" / "my_study.yaml").read_text(encoding="utf-8")
    assert text.startswith("# yaml-language-server: $schema=study.schema.json\n")
    assert load_study(empty / "studies" / "my_study.yaml").claims[0].kind == "compare"
    assert invoke("validate", "studies/my_study.yaml")[0] == 0


def test_options_are_the_answers(empty: Path) -> None:
    code, _, _ = invoke(
        "init", "faces", "--dataset", "folder:faces", "--images", "50", "--channels", "1",
        "--network", "conv28", "--ablate", "norm", "--ablate", "lr=1e-4",
    )  # fmt: skip
    assert code == 0
    study = load_study(empty / "studies" / "faces.yaml")
    assert (study.folders["faces"].images, study.folders["faces"].channels) == (50, 1)
    assert study.base["network"] == "conv28"
    assert study.ablate == {"norm": ["batch", "spectral"], "lr": [1e-4]}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--dataset", "mnits"], "did you mean mnist?"),
        (["--dataset", "folder:"], "is not a data set"),
        (["--network", "dcgann"], "did you mean dcgan?"),
        (["--dataset", "folder:a b"], "is not a data set"),
        (["--dataset", "folder:faces"], "--images N is needed"),
        (["--channels", "2"], '"2" is not a number of channels; allowed: 1, 3'),
        (["--ablate", "criterion=lsgan"], '"lsgan" is not a criterion'),
        (["--ablate", "dropout"], "did you mean d_dropout?"),
        (["--ablate", "hidden_layers"], "the network dcgan has no hidden_layers"),
        (["--ablate", "lr=1e-3"], "is the baseline's own value"),
        (["--ablate", "lr=fast"], '"fast" is given; a number is needed'),
        (["--ablate", "image_size"], "no usual levels; name them: image_size=LEVEL,LEVEL"),
        (["Big"], "lower-case letters"),
        (["studies/mine.yaml"], "ganablate init mine"),
    ],
)
def test_wrong_answers_are_told_and_nothing_is_written(
    empty: Path, arguments: list[str], message: str
) -> None:
    code, out, err = invoke("init", *arguments)
    assert (code, out) == (2, "")
    assert message in " ".join(err.split())
    assert everything_under(empty) == set()


def test_no_file_is_overwritten(empty: Path) -> None:
    studies = empty / "studies"
    studies.mkdir()
    for name in ("my_study.yaml", "my_study_2.yaml", "study.schema.json"):
        (studies / name).write_text("mine")
    code, _, err = invoke("init")
    assert code == 2
    assert "is there already and stays as it is" in err
    assert "ganablate init my_study_3" in err
    assert invoke("init", "my_study_3")[0] == 0
    mine = ("my_study.yaml", "my_study_2.yaml", "study.schema.json")
    assert [(studies / name).read_text() for name in mine] == ["mine"] * 3


def test_at_a_terminal_it_asks_and_asks_again(empty: Path) -> None:
    """A real pseudo-terminal: a wrong answer, its correction, and the usual ones by return."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "ganablate", "init", "--network", "mlp"]
    with subprocess.Popen(command, cwd=empty, stdin=theirs, stdout=theirs, stderr=theirs) as asked:
        os.close(theirs)
        answers = ["asked", "mnits", "fashion_mnist", "norm,latent_dim=20"]
        os.write(ours, "".join(f"{answer}\n" for answer in answers).encode())
        said = read_all(ours)
        assert asked.wait(timeout=60) == 0, said
    os.close(ours)
    assert "did you mean mnist?" in said
    assert "etwork" not in said
    study = load_study(empty / "studies" / "asked.yaml")
    assert study.base["dataset"] == "fashion_mnist"
    assert study.base["network"] == "mlp"
    assert study.ablate == {"norm": ["batch", "spectral"], "latent_dim": [20]}


def read_all(terminal: int) -> str:
    """What is written to the other end, until it is closed (which reads as an error on Linux)."""
    parts = []
    while True:
        try:
            part = os.read(terminal, 4096)
        except OSError:
            break
        if not part:
            break
        parts.append(part)
    return b"".join(parts).decode()

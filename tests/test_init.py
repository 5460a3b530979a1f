"""`init`: every answer gives a study that loads; wrong answers are told; no file is lost."""

import itertools
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from PIL import Image

from ganablate.catalog import CRITERIA, DATASETS, NETWORKS, SETTINGS
from ganablate.cli.init import factors_of
from ganablate.study.editor.json_schema import study_schema
from ganablate.study.editor.starter import NO_USUAL_LEVELS, Answers, study_of
from ganablate.study.editor.starter_text import render
from ganablate.study.expand import expand
from ganablate.study.load import load_study
from tests.test_cli import everything_under, invoke

SCHEMA = Draft202012Validator(study_schema())
OF_OTHER_PARTS = {
    f"{net}{name}" for net in ("", "g_", "d_") for name in ("momentum", "alpha", "rho")
} | {"penalty_weight"}
"""Factors that adam, or a base without a penalty, has not."""


def fitting(**answers: Any) -> list[str]:
    """The factors that `init` has levels for."""
    found = []
    for factor in SETTINGS:
        try:
            study_of(Answers("s", ablate={factor: ()}, **answers))
        except ValueError:
            continue
        found.append(factor)
    return found


def loads(folder: Path, answers: Answers) -> dict[str, Any]:
    """The answers as a file, which must load, expand at every budget and suit the schema."""
    path = folder / f"{answers.name}.yaml"
    path.write_text(render(study_of(answers)), encoding="utf-8")
    study = load_study(path)
    assert study.budget_names == ("full", "smoke", "cpu")
    for budget in study.budget_names:
        arms = expand(study, budget).arms
        assert {arm.name.partition("=")[0] for arm in arms[1:]} == set(answers.ablate), budget
    values: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert SCHEMA.is_valid(values)
    return values


@pytest.mark.slow
@pytest.mark.parametrize("dataset", [*DATASETS, "folder:faces"])
def test_every_data_set_and_network_make_a_study(dataset: str, tmp_path: Path) -> None:
    for network in NETWORKS:
        for channels in (1, 3) if dataset == "folder:faces" else (3,):
            answers = Answers("s", dataset, network, images=900, channels=channels)
            assert loads(tmp_path, answers)["base"]["dataset"] == dataset


@pytest.mark.slow
@pytest.mark.parametrize("network", NETWORKS)
def test_every_factor_makes_a_study(network: str, tmp_path: Path) -> None:
    factors = fitting(dataset="mnist", network=network)
    lacking = set(SETTINGS) - set(factors) - set(NO_USUAL_LEVELS) - OF_OTHER_PARTS
    assert lacking <= {"hidden_layers", "resampling", "ends", "image_size"}
    # A form for both nets and one for a single net may come to the same arm.
    of_one_net = [name for name in factors if name[:2] in ("g_", "d_")]
    of_both = [name for name in factors if name not in of_one_net]
    for group in (of_one_net, of_both):
        loads(tmp_path, Answers("s", "mnist", network, ablate=dict.fromkeys(group, ())))


@pytest.mark.parametrize("images", [2, 3, 50, 70])
def test_few_images_make_small_batches(images: int, tmp_path: Path) -> None:
    few = loads(tmp_path, Answers("s", "folder:faces", images=images))
    assert few["base"]["batch_size"] <= images


@pytest.mark.slow
@pytest.mark.parametrize(
    ("criterion", "network"), [*itertools.product(CRITERIA, ("mlp", "conv32"))]
)
def test_every_criterion_makes_a_study(criterion: str, network: str, tmp_path: Path) -> None:
    loads(tmp_path, Answers("s", dataset="cifar10", network=network, criterion=criterion))
    if criterion == "wasserstein":
        alone = Answers("s", criterion=criterion, ablate={"latent_dim": ()})
        assert loads(tmp_path, alone)["budgets"]["cpu"]["d_weight_clip"] == 0.03


def test_named_levels_stay_where_they_fit(tmp_path: Path) -> None:
    levels = {"lr": (1e-4, 1e-3), "epochs": (10, 20)}
    values = loads(tmp_path, Answers("s", ablate=levels))
    assert values["ablate"] == {"lr": [1e-4, 1e-3], "epochs": [10, 20]}
    assert values["budgets"]["cpu"]["ablate.lr"] == [1e-4]  # 1e-3 is the baseline's own there
    assert values["budgets"]["smoke"]["ablate.epochs"] == [2, 3]  # not 20 epochs of a smoke run
    assert "ablate.lr" not in values["budgets"]["smoke"]


def test_named_levels_keep_all_their_digits(tmp_path: Path) -> None:
    levels = {"lr": (0.00012345678, 1e-5), "g_ema": (0.9999999,)}
    loads(tmp_path, Answers("s", ablate=levels))
    study = load_study(tmp_path / "s.yaml")
    assert study.ablate == {"lr": [0.00012345678, 1e-5], "g_ema": [0.9999999]}
    text = (tmp_path / "s.yaml").read_text(encoding="utf-8")
    assert "  lr: 0.0002 " in text
    assert "  beta1: 0.5 " in text


def test_budgets_on_a_laptop_need_no_files_where_there_is_a_part_of_the_set() -> None:
    budgets = study_of(Answers("s", dataset="mnist"))["budgets"]
    assert (budgets["smoke"]["dataset"], budgets["cpu"]["dataset"]) == ("mnist_5k", "mnist_5k")
    budgets = study_of(Answers("s", dataset="celeba"))["budgets"]
    assert budgets["smoke"]["dataset"] == "photo_patches"
    assert "dataset" not in budgets["cpu"]  # no other set stands in for it
    assert budgets["cpu"]["train_images"] == 5_000


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
    assert "5 arms x 3 replicates = 15 trials at the budget cpu" in out
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
        "--network", "conv28", "--criterion", "hinge", "--ablate", "norm", "--ablate", "lr=1e-3",
        "--replicates", "5", "--epochs", "7", "--asks", 'Is it "so": yes?',
    )  # fmt: skip
    assert code == 0
    study = load_study(empty / "studies" / "faces.yaml")
    assert study.asks == 'Is it "so": yes?'
    assert study.folders["faces"].images == 50
    assert (study.replicates, study.base["epochs"], study.base["criterion"]) == (5, 7, "hinge")
    assert list(study.ablate) == ["norm", "lr"]


def test_images_of_a_folder_are_counted_where_it_is(empty: Path) -> None:
    folder = empty / "pictures" / "faces"
    folder.mkdir(parents=True)
    for number in range(90):
        Image.new("L", (8, 8)).save(folder / f"{number}.png")
    given = ("--dataset", "folder:faces", "--data-root", "pictures")
    assert invoke("init", *given, "--yes")[0] == 0
    assert load_study(empty / "studies" / "my_study.yaml").folders["faces"].images == 90
    code, _, err = invoke("init", "other", "--dataset", "folder:none", "--data-root", "pictures")
    assert code == 2
    assert "--images N is needed" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--dataset", "mnits"], "did you mean mnist?"),
        (["--dataset", "folder:"], "is not a data set"),
        (["--network", "dcgann"], "did you mean dcgan?"),
        (["--criterion", "lsgan"], "allowed: bce"),
        (["--ablate", "dropout"], "did you mean d_dropout?"),
        (["--ablate", "hidden_layers"], "the network dcgan has no hidden_layers"),
        (["--ablate", "lr=2e-4"], "is the baseline's own value"),
        (["--ablate", "lr=fast"], '"fast" is given; a number is needed'),
        (["--replicates", "0"], "--replicates"),
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
    command = [sys.executable, "-m", "ganablate", "init", "--criterion", "hinge"]
    with subprocess.Popen(command, cwd=empty, stdin=theirs, stdout=theirs, stderr=theirs) as asked:
        os.close(theirs)
        answers = ["asked", "mnits", "fashion_mnist", "mlp", "norm,latent_dim=20", "2", ""]
        os.write(ours, "".join(f"{answer}\n" for answer in answers).encode())
        said = read_all(ours)
        assert asked.wait(timeout=60) == 0, said
    os.close(ours)
    assert "did you mean mnist?" in said
    assert "Criterion" not in said
    study = load_study(empty / "studies" / "asked.yaml")
    assert study.base["dataset"] == "fashion_mnist"
    assert study.base["criterion"] == "hinge"
    assert study.ablate == {"norm": ["batch", "spectral"], "latent_dim": [20]}
    assert (study.replicates, study.base["epochs"]) == (2, 50)


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

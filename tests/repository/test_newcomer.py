"""Mistakes that a newcomer makes, each through the command line: what is said is enough to go on.

A message names what was given, and the next step: the right name, the right command, or the file
and line to look at.
"""

import socket
from pathlib import Path

import pytest

from tests.support.command import GOOD, everything_under, invoke

UNREACHABLE = "http://127.0.0.1:9"
"""The port of `discard`: nothing listens there, so that a download fails at once."""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two studies."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "tiny.yaml").write_text(GOOD)
    (tmp_path / "studies" / "large.yaml").write_text(GOOD.replace("tiny", "large"))
    return tmp_path


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(*arguments: str) -> str:
    """What is said of a call that is refused, on one line."""
    code, out, err = invoke(*arguments)
    assert (code, out) == (2, ""), err
    return " ".join(err.split())


@pytest.mark.parametrize(
    ("command", "given"),
    [
        ("run", "studies/tinny.yaml"), ("run", "studies/tiny"), ("run", "tiny"),
        ("run", "tiny.yaml"), ("run", "studies/Tiny.yml"),
        *((command, "tiny") for command in ("validate", "plan", "status", "report")),
    ],
)  # fmt: skip
def test_1_a_misspelt_path_or_the_name_of_a_study(command: str, given: str, project: Path) -> None:
    said = refused(command, given)
    assert said == f"{given}: there is no such file; did you mean studies/tiny.yaml?"


def test_1_a_path_that_is_like_no_other_lists_what_there_is(project: Path) -> None:
    assert refused("run", "studies/gan.yaml").endswith(
        "there are: studies/large.yaml, studies/tiny.yaml"
    )
    assert "give a file of it: studies/NAME.yaml" in refused("run", "studies")


@pytest.mark.parametrize("arguments", [["run"], ["run", "studies/tiny.yaml"], ["run", "tiny"]])
def test_2_an_empty_folder(arguments: list[str], empty: Path) -> None:
    assert "ganablate init" in refused(*arguments)
    assert "ganablate init" in refused("report")
    assert everything_under(empty) == set()


def test_3_no_study_is_named(project: Path) -> None:
    said = refused("run")
    assert "Missing argument 'STUDY'" in said
    assert "Such as studies/large.yaml" in said


@pytest.mark.parametrize(
    ("arguments", "next_step"),
    [
        (["runn", "studies/tiny.yaml"], "Did you mean 'run'"),
        (["run", "studies/tiny.yaml", "--budgt", "smoke"], "--budget"),
        (["--budget", "smoke", "run", "studies/tiny.yaml"], "ganablate run --budget"),
        (["run", "studies/tiny.yaml", "--budget"], "--budget"),
    ],
)
def test_4_a_wrong_command_or_option(arguments: list[str], next_step: str, project: Path) -> None:
    assert next_step in refused(*arguments)


def test_5_a_wrong_budget(project: Path) -> None:
    for given in ("Smoke", "--smoke"):
        assert "did you mean smoke?" in refused("run", "studies/tiny.yaml", "--budget", given)


def test_6_a_wrong_arm(project: Path) -> None:
    assert "did you mean latent_dim=16?" in refused(
        "run", "studies/tiny.yaml", "--arm", "latent_dim=15"
    )
    assert "criterion=mse" in refused("plan", "studies/tiny.yaml", "--arm", "mse")
    assert "baseline, latent_dim=4" in refused("plan", "studies/tiny.yaml", "--arm", "dropout")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("study: a\nbase:\n  dataset:mnist_5k\n", "a space is needed after the colon"),
        (GOOD.replace("epochs: 1", "epoch: 1"), ':2: base: "epoch" is not a setting; did you mean'),
        (GOOD.replace("primary: fid", "primary: FID"), "did you mean fid?"),
        (GOOD.replace("study: tiny", "study: My Study"), "lower-case letters"),
    ],
)
def test_7_a_slip_in_the_yaml(text: str, said: str, project: Path) -> None:
    (project / "studies" / "mine.yaml").write_text(text)
    found = refused("validate", "studies/mine.yaml")
    assert found.startswith("studies/mine.yaml:")
    assert said in found


def test_8_no_internet_and_a_data_set_that_must_be_downloaded(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, UNREACHABLE)
    study = GOOD.replace("mnist_5k", "mnist").replace(
        "{train_images: 256}", "{dataset: mnist_5k, train_images: 256}"
    )
    (project / "studies" / "mnist.yaml").write_text(study.replace("tiny", "digits"))
    said = refused("run", "studies/mnist.yaml")
    assert "MNIST is neither under runs/downloads/MNIST nor could it be downloaded" in said
    assert "put the four idx files" in said
    assert said.endswith("digits needs no files with --budget smoke")
    assert not (project / "runs" / "trials").exists()


def test_9_looking_before_anything_ran(project: Path) -> None:
    code, out, _ = invoke("status", "studies/tiny.yaml")
    assert (code, "pending" in out) == (0, True)
    assert "no trial is complete" in refused("evaluate", "studies/tiny.yaml", "--metric", "kid")


def test_10_the_port_of_the_ui_is_taken(project: Path) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        assert f"ganablate ui --port {port + 1}" in refused("ui", "--port", str(port))


def test_11_a_wrong_profile(project: Path) -> None:
    (project / "sweeps").mkdir()
    (project / "sweeps" / "one-gpu.yaml").write_text("device: gpu\n")
    said = refused("run", "studies/tiny.yaml", "--sweep", "sweeps/onegpu.yaml")
    assert "did you mean sweeps/one-gpu.yaml?" in said
    said = refused("run", "studies/tiny.yaml", "--sweep", "sweeps/one-gpu.yaml")
    assert said.startswith("sweeps/one-gpu.yaml:1: ")
    assert "'cuda'" in said

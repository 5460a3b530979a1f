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


def refused(*arguments: str) -> str:
    """What is said of a call that is refused, on one line."""
    code, out, err = invoke(*arguments)
    assert (code, out) == (2, ""), err
    return " ".join(err.split())


DID_YOU_MEAN = "there is no such file; did you mean studies/tiny.yaml?"
RUN = "run studies/tiny.yaml"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        # a misspelt path, or the name of a study
        ("run studies/tinny.yaml", f"studies/tinny.yaml: {DID_YOU_MEAN}"),
        ("run studies/tiny", f"studies/tiny: {DID_YOU_MEAN}"),
        ("run tiny.yaml", f"tiny.yaml: {DID_YOU_MEAN}"),
        ("run studies/Tiny.yml", f"studies/Tiny.yml: {DID_YOU_MEAN}"),
        *((f"{command} tiny", f"tiny: {DID_YOU_MEAN}")
          for command in ("run", "validate", "plan", "status", "report")),
        ("run studies/gan.yaml", "there are: studies/large.yaml, studies/tiny.yaml"),
        ("run studies", "give a file of it: studies/NAME.yaml"),
        ("run", "Missing argument 'STUDY'"),
        ("run", "Such as studies/large.yaml"),
        # a wrong command, option, budget or arm
        ("runn studies/tiny.yaml", "Did you mean 'run'"),
        (f"{RUN} --budgt smoke", "--budget"),
        ("--budget smoke run studies/tiny.yaml", "ganablate run --budget"),
        (f"{RUN} --budget", "--budget"),
        (f"{RUN} --budget Smoke", "did you mean smoke?"),
        (f"{RUN} --budget --smoke", "did you mean smoke?"),
        (f"{RUN} --arm latent_dim=15", "did you mean latent_dim=16?"),
        ("plan studies/tiny.yaml --arm mse", "criterion=mse"),
        ("plan studies/tiny.yaml --arm dropout", "baseline, latent_dim=4"),
        # a wrong sweep file
        (f"{RUN} --sweep sweeps/onegpu.yaml", "did you mean sweeps/one-gpu.yaml?"),
        (f"{RUN} --sweep sweeps/one-gpu.yaml", "sweeps/one-gpu.yaml:1: "),
        (f"{RUN} --sweep sweeps/one-gpu.yaml", "'cuda'"),
        # looking before anything ran
        ("evaluate studies/tiny.yaml --metric kid", "no trial is complete"),
    ],
)  # fmt: skip
def test_a_wrong_call_is_told_with_the_next_step(arguments: str, words: str, project: Path) -> None:
    (project / "sweeps").mkdir()
    (project / "sweeps" / "one-gpu.yaml").write_text("device: gpu\n")
    assert words in refused(*arguments.split())


@pytest.mark.parametrize("arguments", ["run", "run studies/tiny.yaml", "run tiny", "report"])
def test_in_an_empty_folder_init_is_the_next_step(
    arguments: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "ganablate init" in refused(*arguments.split())
    assert everything_under(tmp_path) == set()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("study: a\nbase:\n  dataset:mnist_5k\n", "a space is needed after the colon"),
        (GOOD.replace("epochs: 1", "epoch: 1"), ':2: base: "epoch" is not a setting; did you mean'),
        (GOOD.replace("primary: fid", "primary: FID"), "did you mean fid?"),
        (GOOD.replace("study: tiny", "study: My Study"), "lower-case letters"),
    ],
)
def test_a_slip_in_the_yaml_is_told_with_its_line(text: str, words: str, project: Path) -> None:
    (project / "studies" / "mine.yaml").write_text(text)
    message = refused("validate", "studies/mine.yaml")
    assert message.startswith("studies/mine.yaml:")
    assert words in message


def test_no_internet_and_a_data_set_that_must_be_downloaded(
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


def test_the_status_before_anything_ran(project: Path) -> None:
    code, out, _ = invoke("status", "studies/tiny.yaml")
    assert (code, "pending" in out) == (0, True)


def test_the_port_of_the_ui_is_taken(project: Path) -> None:
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        assert f"ganablate ui --port {port + 1}" in refused("ui", "--port", str(port))

"""What a sweep proposes to type next: commands that there are, for what was found."""

import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from ganablate.cli import app
from ganablate.cli.run import options_on_line, print_next
from ganablate.report.files import ReportFiles
from ganablate.report.table.summary import Sentence
from ganablate.report.table.verdict_style import UNDECIDED, WORSE
from ganablate.study.expand import expand
from ganablate.study.load import load_study
from tests.support.command import GOOD


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "tiny.yaml").write_text(GOOD)
    return Path("studies/tiny.yaml")


def proposed(
    path: Path, capsys: pytest.CaptureFixture[str], code: int = 0, budget: str = "full", **more: Any
) -> list[str]:
    study = load_study(path)
    files = ReportFiles(Path("results/tiny"), (), (), **more)
    print_next([path], [study], [(expand(study, budget), files)], code)
    lines = capsys.readouterr().out.splitlines()
    assert [line[:6] for line in lines] == ["next: ", *["      "] * len(lines)][: len(lines)]
    assert all(len(line) <= 80 for line in lines)
    commands = [line[6:].partition("#")[0].strip() for line in lines]
    group: Any = get_command(app)
    for command in commands:
        word, name, *arguments = shlex.split(command)
        assert word == "ganablate"
        group.get_command(None, name).make_context(name, arguments)  # raises for a wrong option
    return commands


@pytest.mark.parametrize(
    ("code", "commands"),
    [
        (0, ["ganablate show latent_dim=4 studies/tiny.yaml --open",
             "ganablate compare baseline latent_dim=4 studies/tiny.yaml"]),
        (1, ["ganablate status studies/tiny.yaml",
             "ganablate run studies/tiny.yaml --retry-failed"]),
        (130, []),
    ],
    ids=["complete", "a trial failed", "interrupted"],
)  # fmt: skip
def test_what_follows_a_sweep(
    path: Path, capsys: pytest.CaptureFixture[str], code: int, commands: list[str]
) -> None:
    assert proposed(path, capsys, code) == commands


def test_what_was_given_is_proposed_again_and_paths_are_quoted(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = Path("my parts.py")
    own.write_text("")
    again = options_on_line([str(own)], Path("s w.yaml"), Path("/d"), "sqlite:///x.db")
    assert again == (
        " --plugin 'my parts.py' --sweep 's w.yaml' --data-root /d --tracking-uri sqlite:///x.db"
    )
    assert "hunter2" not in options_on_line(None, tracking_uri="postgresql://me:hunter2@h/x")
    assert options_on_line(None) == ""
    other = path.rename(path.with_name("it's tiny.yaml"))
    study = load_study(other)
    files = ReportFiles(Path("results/tiny"), (), ())
    reports = [(expand(study, "full"), files)]
    shown = options_on_line([str(own)])
    for code, options in ((0, shown), (1, again)):
        print_next([other], [study], reports, code, shown=shown, again=again)
        lines = capsys.readouterr().out.splitlines()
        words = [shlex.split(line[6:], comments=True) for line in lines]
        assert all(str(other) in each for each in words)
        assert any(line.count(options) for line in lines)
        assert all("my parts.py" in each for each in words)


def test_what_is_undecided_takes_more_replicates(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    undecided = Sentence("One arm is undecided.", "latent_dim=4.", UNDECIDED, "verdict")
    command = "ganablate run studies/tiny.yaml --until-decided"
    assert command in proposed(path, capsys, sentences=(undecided,))
    decided = Sentence("One arm is worse.", "latent_dim=4.", WORSE, "verdict")
    assert command not in proposed(path, capsys, sentences=(decided,))


def test_a_smoke_run_leads_to_the_study_itself(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = proposed(path, capsys, budget="smoke")
    assert found[-1] == "ganablate run studies/tiny.yaml"
    assert all("--budget smoke" in command for command in found[:-1])

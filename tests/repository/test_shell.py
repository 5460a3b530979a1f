"""The command line as a shell sees it: help, completion, exit codes, and what is imported."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ganablate.cli import COMMANDS, app, function_of
from tests.support.command import GOOD, invoke

HEAVY = {"torch", "torchvision", "ray", "mlflow", "pandas", "scipy", "seaborn", "numpy"}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "tiny.yaml").write_text(GOOD)
    (tmp_path / "notes.yaml").write_text("")
    return tmp_path


def completed(line: str) -> list[str]:
    """What bash is offered at the end of the line."""
    words = line.split(" ")
    environment = {
        "_GANABLATE_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
    }
    result = CliRunner().invoke(app, [], env=environment, prog_name="ganablate")
    return result.stdout.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("ganablate va", ["validate"]),
        ("ganablate run --budg", ["--budget"]),
        ("ganablate run ", ["notes.yaml", "studies/tiny.yaml"]),
        ("ganablate validate studies/t", ["studies/tiny.yaml"]),
        ("ganablate evaluate st", ["studies/tiny.yaml"]),
        ("ganablate run studies/tiny.yaml --budget ", ["full", "smoke"]),
        ("ganablate run --budget s", []),
        ("ganablate status studies/tiny.yaml --budget s", ["smoke"]),
        ("ganablate plan studies/tiny.yaml --arm lat", ["latent_dim=4", "latent_dim=16"]),
        ("ganablate plan studies/none.yaml --arm lat", []),
        ("ganablate plan notes.yaml --budget s", []),
    ],
)
def test_the_shell_completes(line: str, offered: list[str], project: Path) -> None:
    assert completed(line) == offered


@pytest.mark.parametrize("name", COMMANDS)
def test_every_help_has_the_summary_and_an_example(name: str) -> None:
    code, out, _ = invoke(name, "--help")
    said = " ".join(out.split())
    assert code == 0
    assert f"Example: ganablate {name} {COMMANDS[name].example}" in said
    assert COMMANDS[name].summary in said
    first = " ".join((function_of(name).__doc__ or "").split())
    assert first.startswith(COMMANDS[name].summary), "the docstring opens with the summary"


def test_the_help_lists_every_command_and_the_exit_codes() -> None:
    code, out, _ = invoke("--help")
    lines = [line.split() for line in out.splitlines()]
    assert code == 0
    assert [words[0] for words in lines if words and words[0] in COMMANDS] == list(COMMANDS)
    codes = [words[0] for words in lines if words and words[0].isdecimal()]
    assert codes == ["0", "1", "2", "3", "75", "130"]


def test_python_runs_the_package() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ganablate", "validate", "nowhere.yaml"],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (done.returncode, "no such file" in done.stderr) == (2, True)


def imported_by(folder: Path, *arguments: str) -> set[str]:
    """The modules that a command imports, in a process of its own."""
    script = (
        "import json, sys\n"
        "from ganablate.cli import app\n"
        f"try: app({list(arguments)!r})\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        "print(json.dumps(sorted(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder, capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    modules: list[str] = json.loads(done.stdout.splitlines()[-1])
    return set(modules)


def test_the_help_imports_no_command(project: Path) -> None:
    modules = imported_by(project, "--help")
    assert modules.isdisjoint(HEAVY | {"pydantic", "yaml", "ganablate.study.schema"})
    assert not {f"ganablate.cli.{line.target.partition(':')[0]}" for line in COMMANDS.values()} & (
        modules
    )


@pytest.mark.parametrize("arguments", [["validate", "studies/tiny.yaml"], ["init"], ["schema"]])
def test_light_commands_import_nothing_heavy(arguments: list[str], project: Path) -> None:
    study = project / "studies" / "tiny.yaml"
    study.write_text(study.read_text().replace("replicates: 2", "replicates: 5"))
    assert imported_by(project, *arguments).isdisjoint(HEAVY)


def test_only_numpy_and_scipy_are_imported_to_warn_of_few_replicates(project: Path) -> None:
    assert imported_by(project, "validate", "studies/tiny.yaml") & HEAVY == {"numpy", "scipy"}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("--version", 0), ("validate studies/tiny.yaml", 0), ("plan studies/tiny.yaml", 0),
        ("status studies/tiny.yaml", 0), ("schema", 0), ("validate none.yaml", 2), ("nothing", 2),
    ],
)  # fmt: skip
def test_only_wrong_input_ends_with_2(line: str, expected: int, project: Path) -> None:
    code, out, _ = invoke(*line.split())
    assert code == expected
    assert line != "--version" or out.startswith("ganablate ")

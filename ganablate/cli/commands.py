"""The table of commands; a command's module is imported when it is called or asked for help."""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import typer
import typer.main
from rich.text import Text
from typer.core import TyperGroup

from ganablate import files
from ganablate.cli.console import FAILED, err, refuse
from ganablate.project.folders import HERE, FolderError, WrongInputError
from ganablate.study.reading.errors import StudyError


class Command(NamedTuple):
    """One line of the table."""

    target: str
    """Who does it, as "module:function" under `ganablate.cli`."""
    example: str
    """Arguments for the example in its help."""
    summary: str
    """What it does: the first sentence of its help, which `ganablate --help` shows."""


COMMANDS: dict[str, Command] = {
    "init": Command("init:init", "my_study --ablate criterion,latent_dim",
        "Write a first study, commented and checked, after a few questions."),
    "doctor": Command("doctor:doctor", "--json",
        "Check Python, packages, GPU, disks, folders, data and weights: a line each."),
    "validate": Command("plan:validate", "studies/*.yaml",
        "Check study files and print every mistake with its place."),
    "plan": Command("plan:show_plan", "studies/mnist_ablation.yaml --budget full",
        "List the arms and trials of a study, and what is complete already."),
    "run": Command("run:run", "studies/mnist_ablation.yaml --budget smoke",
        "Run every trial that is not complete yet, then write the report."),
    "evaluate": Command(
        "evaluate:evaluate", "studies/mnist_ablation.yaml --metric density_coverage",
        "Add metrics or probes to complete trials from their kept weights, without training."),
    "status": Command("plan:status", "studies/mnist_ablation.yaml --json",
        "Say how many trials of each arm are complete, running, failed, stale or pending."),
    "report": Command("report:report", "studies/mnist_ablation.yaml --budget cpu",
        "Rebuild tables and figures without training, from this machine's trials."),
    "publish": Command("report:publish", "studies/mnist_ablation.yaml --budget cpu",
        "Copy a study's local record whole to results/published/, which documents quote."),
    "show": Command("show:show", "batch_size=32 studies/mnist_ablation.yaml",
        "Print one arm or one trial: settings, outcome and why, metrics, curves, files."),
    "compare": Command("show:compare", "baseline batch_size=32 studies/mnist_ablation.yaml",
        "Put two arms, or two trials, of a study side by side: settings, metrics, effect, curves."),
    "prune": Command("housekeeping:prune", "studies/*.yaml --keep generator --dry-run",
        "Free disk space: weights by --keep, and what interrupted writes left behind."),
    "track": Command("housekeeping:track", "studies/*.yaml",
        "Rebuild MLflow from the trial folders: after its database was lost, "
        "or for another store."),
    "list": Command("list:list_parts", "criteria optimizers",
        "List criteria, networks, metrics and the rest, with their sources and settings."),
    "ui": Command("housekeeping:ui", "--port 5001",
        "Open the MLflow UI on the trials of this folder, at http://127.0.0.1:PORT."),
    "schema": Command("init:schema", "> studies/study.schema.json",
        "Print the JSON schema of study files, for editors with a YAML language server."),
}  # fmt: skip
"""Name -> the command, in the order of `--help`."""


ANYWHERE = ("--quiet", "--no-color")
"""Options of every command."""


def function_of(name: str) -> Callable[..., None]:
    """The function of a command, with `--plugin` where it reads studies."""
    from ganablate.cli.options import with_plugins

    module, _, function = COMMANDS[name].target.partition(":")
    return with_plugins(getattr(importlib.import_module(f"ganablate.cli.{module}"), function))


def _built(name: str) -> Any:
    """The command as typer makes it of its function."""
    single = typer.Typer(
        add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
    )
    epilog = f"Example: ganablate {name} {COMMANDS[name].example}"
    single.command(name, epilog=epilog)(function_of(name))
    return typer.main.get_command(single)


class _Built(dict[str, Any]):
    """Name -> command; built when it is taken."""

    def __missing__(self, name: str) -> Any:
        if name not in COMMANDS:
            raise KeyError(name)
        self[name] = _built(name)
        return self[name]

    def keys(self) -> Any:
        """Of all commands, built or not."""
        return COMMANDS.keys()


def _study_to_name() -> str:
    files_here = HERE.study_files
    return (
        f"Such as {files_here[0]}" if files_here else "There is none here: ganablate init my_study"
    )


class LazyCommands(TyperGroup):
    """The group of all commands, none of which is imported for the help of the group."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = _Built()

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Let the options of `ANYWHERE` stand behind the command too.

        If another option stands before the command, the message says where it belongs.
        """
        before = args[: args.index("--")] if "--" in args else args
        first = [word for word in before if word in ANYWHERE]
        rest = [word for word in before if word not in ANYWHERE]
        try:
            return super().parse_args(ctx, [*first, *rest, *args[len(before) :]])
        except Exception as error:
            option = getattr(error, "option_name", None)
            if option is not None:
                error.message += f"; a command's options stand behind it: ganablate run {option}"  # type: ignore[attr-defined]
            raise

    def invoke(self, ctx: Any) -> Any:
        """Turn wrong input, wherever it is noticed, into lines and exit code 2.

        A disk that takes nothing is a line as well, and exit code 1: what was there stays. If no
        study is named, the message names one.
        """
        try:
            return super().invoke(ctx)
        except StudyError as error:
            refuse(error.problems)
        except WrongInputError as error:
            refuse(error.lines)
        except FolderError as error:
            refuse(str(error).splitlines())
        except OSError as error:
            if not files.is_refusal(error):
                raise
            line = f"{files.in_words(error, Path())}; what was there stays; run it again after that"
            err.print(Text(line, style="red"), soft_wrap=True)
            raise typer.Exit(FAILED) from None
        except Exception as error:
            param = getattr(error, "param", None)
            if getattr(param, "name", None) in ("studies", "study") and not error.message:  # type: ignore[attr-defined]
                error.message = _study_to_name()  # type: ignore[attr-defined]
            raise

    def list_commands(self, ctx: Any) -> list[str]:
        """Their names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of that name; None: there is none."""
        return self.commands[cmd_name] if cmd_name in COMMANDS else None

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write a line a command."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line.summary) for name, line in COMMANDS.items()])

"""The command line: the only place that decides what is printed, and the exit codes.

A command's module is imported when it is called or asked for help, and nothing that it does not
need, so that `--help`, `validate` and `plan` answer at once.
"""

import functools
import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
import typer.main
from rich.text import Text
from typer.core import TyperGroup

from ganablate import files
from ganablate.cli.console import FAILED, INTERRUPTED, err, refuse, set_style
from ganablate.cli.library_log import log_libraries
from ganablate.cli.streams import lost_output, make_lasting
from ganablate.project.folders import HERE, FolderError, WrongInputError
from ganablate.study.reading.errors import StudyError
from ganablate.version import __version__


class Command(NamedTuple):
    """One line of the table: a command, with the parts of its help that need no import.

    Attributes:
        target: Its function, as "module:function" under `ganablate.cli`.
        example: Arguments for the example in its help.
        summary: The first sentence of its help, which `ganablate --help` shows.
    """

    target: str
    example: str
    summary: str


COMMANDS: dict[str, Command] = {
    "init": Command("init:init", "my_study --ablate criterion,latent_dim",
        "Write a first study, commented and checked, after a few questions."),
    "doctor": Command("housekeeping:doctor", "--json",
        "Check Python, packages, GPU, disks, folders, data and weights: a line each."),
    "validate": Command("plan:validate", "studies/*.yaml",
        "Check study files and print every mistake with its place."),
    "plan": Command("plan:plan", "studies/mnist_ablation.yaml --budget full",
        "List the arms and trials of a study, and what is complete already."),
    "preregister": Command("preregister:preregister", "studies/mnist_ablation.yaml --budget cpu",
        "Write down what a study asks before it runs, as a row of results/looks.csv."),
    "run": Command("run:run", "studies/mnist_ablation.yaml --budget smoke",
        "Run every trial that is not complete yet, then write the report."),
    "evaluate": Command(
        "run:evaluate", "studies/mnist_ablation.yaml --metric density_coverage",
        "Add metrics or probes to complete trials from their kept weights, without training."),
    "status": Command("plan:status", "studies/mnist_ablation.yaml --json",
        "Say how many trials of each arm are complete, running, failed, stale or pending."),
    "report": Command("report:report", "studies/mnist_ablation.yaml --budget cpu",
        "Rebuild tables and figures without training, from this machine's trials."),
    "publish": Command("report:publish", "studies/mnist_ablation.yaml --budget cpu",
        "Copy a study's local record whole to results/published/, which documents quote."),
    "show": Command("report:show", "batch_size=32 studies/mnist_ablation.yaml",
        "Print one arm or one trial: settings, outcome and why, metrics, curves, files."),
    "compare": Command("report:compare", "baseline batch_size=32 studies/mnist_ablation.yaml",
        "Put two arms, or two trials, of a study side by side: settings, metrics, effect, curves."),
    "prune": Command("housekeeping:prune", "studies/*.yaml --keep generator --dry-run",
        "Free disk space: weights by --keep, and what interrupted writes left behind."),
    "track": Command("housekeeping:track", "studies/*.yaml",
        "Rebuild MLflow from the trial folders: after its database was lost, "
        "or for another store."),
    "list": Command("parts:list_parts", "criteria optimizers",
        "List criteria, networks, metrics and the rest, with their sources and settings."),
    "ui": Command("housekeeping:ui", "--port 5001",
        "Open the MLflow UI on the trials of this folder, at http://127.0.0.1:PORT."),
    "schema": Command("init:schema", "> studies/study.schema.json",
        "Print the JSON schema of study files, for editors with a YAML language server."),
}  # fmt: skip
"""Name -> the command, in the order of `--help`."""
_ANYWHERE = ("--quiet", "--no-color")
"""Options that may stand before the command and behind it."""
_USE_LIBRARIES = ("run", "evaluate", "track")
"""Commands that have Ray, MLflow and Pillow at work."""
_EXIT_CODES = """\b
Exit codes:
  0    done: every trial is complete (a diverged trial is: a finding)
  1    some trial failed, or a check of `doctor`
  2    the input is wrong, and nothing was started
  3    what `compare --assert` asks for is not shown
  75   the time of `run --for` is up; the same command goes on from the last checkpoints
  130  interrupted; the same command goes on from the last checkpoints

\b
Begin with: ganablate doctor, ganablate init my_study
"""


def function_of(name: str) -> Callable[..., None]:
    """The function of a command."""
    module, _, function = COMMANDS[name].target.partition(":")
    imported = importlib.import_module(f"ganablate.cli.{module}")
    return getattr(imported, function)  # type: ignore[no-any-return]


@functools.cache
def _built(name: str) -> Any:
    """The command as typer makes it of its function."""
    single = typer.Typer(
        add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
    )
    epilog = f"Example: ganablate {name} {COMMANDS[name].example}"
    single.command(name, epilog=epilog)(function_of(name))
    return typer.main.get_command(single)


class _Commands(TyperGroup):
    """The group of all commands, none of which is imported for the help of the group."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = dict.fromkeys(COMMANDS)  # type: ignore[assignment]  # for their names

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Let the options of `_ANYWHERE` stand behind the command too.

        If another option stands before the command, the message says where it belongs.
        """
        before = args[: args.index("--")] if "--" in args else args
        first = [word for word in before if word in _ANYWHERE]
        rest = [word for word in before if word not in _ANYWHERE]
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
        except (WrongInputError, FolderError) as error:
            refuse(str(error).splitlines())
        except KeyboardInterrupt:
            line = "interrupted; run the same command again to go on"
            err.print(Text(line, style="yellow"), soft_wrap=True)
            raise typer.Exit(INTERRUPTED) from None
        except OSError as error:
            if not files.is_refusal(error):
                raise
            line = f"{files.in_words(error, Path())}; what was there stays; run it again after that"
            err.print(Text(line, style="red"), soft_wrap=True)
            raise typer.Exit(FAILED) from None
        except Exception as error:
            parameter = getattr(getattr(error, "param", None), "name", None)
            if parameter in ("studies", "study") and not error.message:  # type: ignore[attr-defined]
                example = next((f"Such as {path}" for path in HERE.study_files), None)
                error.message = example or "There is none here: ganablate init my_study"  # type: ignore[attr-defined]
            raise

    def list_commands(self, ctx: Any) -> list[str]:
        """Their names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of that name; None: there is none."""
        return _built(cmd_name) if cmd_name in COMMANDS else None

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write a line a command."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line.summary) for name, line in COMMANDS.items()])


app = typer.Typer(
    cls=_Commands, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ganablate {__version__}")
        raise typer.Exit


Quiet = Annotated[
    bool, typer.Option("--quiet", help="Only warnings, errors and --json; anywhere on the line.")
]
NoColour = Annotated[
    bool, typer.Option("--no-color", help="As $NO_COLOR does; anywhere on the line.")
]
Version = Annotated[
    bool, typer.Option("--version", callback=_print_version, is_eager=True, help="And exit.")
]


@app.callback(epilog=_EXIT_CODES)
def _ganablate(quiet: Quiet = False, no_color: NoColour = False, version: Version = False) -> None:
    """GAN ablation studies: a YAML study in, an honest table out."""
    set_style(quiet=quiet, colour=not no_color)


def main() -> None:
    """Entry point of the console script."""
    make_lasting()
    if sys.flags.optimize > 1:
        sys.exit("Python runs without docstrings (-OO, PYTHONOPTIMIZE=2), which libraries need")
    if any(word in _USE_LIBRARIES for word in sys.argv[1:]):
        log_libraries(HERE.runs)
    try:
        app()
    except SystemExit as end:
        sys.stdout.flush()
        if (error := lost_output()) is None:
            raise
        sys.stderr.write(f"some of what was to be printed is lost: {error.strerror}\n")
        sys.exit(end.code or FAILED)

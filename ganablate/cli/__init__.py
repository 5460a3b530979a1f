"""The command line: the only place that decides what is printed, and the exit codes.

Nothing is imported that the command at hand does not need, so that `--help`, `validate` and `plan`
answer at once.
"""

import io
import sys
from typing import Annotated

import typer

from ganablate.cli.commands import COMMANDS, LazyCommands
from ganablate.cli.console import speak
from ganablate.version import __version__

__all__ = ["COMMANDS", "app", "main"]

_EXIT_CODES = """\b
Exit codes:
  0    done: every trial is complete (a diverged trial is: a finding)
  1    some trial failed, or a check of `doctor`
  2    the input is wrong, and nothing was started
  130  interrupted; the same command goes on from the last checkpoints

\b
Begin with: ganablate doctor, ganablate init my_study
"""

app = typer.Typer(
    cls=LazyCommands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
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


@app.callback(epilog=_EXIT_CODES)
def _ganablate(
    quiet: Quiet = False,
    no_color: NoColour = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="And exit.")
    ] = False,
) -> None:
    """GAN ablation studies: a YAML study in, an honest table out."""
    speak(quiet=quiet, colour=not no_color)


def main() -> None:
    """Entry point of the console script."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal of another encoding shows ? for ±; it must not end a sweep.
            stream.reconfigure(errors="replace")
    app()

"""The command line: the only place that decides what is printed, and the exit codes.

Nothing is imported that the command at hand does not need, so that `--help`, `validate` and `plan`
answer at once.
"""

from typing import Annotated

import typer

import ganablate
from ganablate.cli.commands import COMMANDS, LazyCommands

__all__ = ["COMMANDS", "app", "main"]

_EXIT_CODES = """\b
Exit codes:
  0    done: every trial is complete (a diverged trial is: a finding)
  1    some trial failed, or a check of `doctor`
  2    the input is wrong, and nothing was started
  130  interrupted, nothing lost

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
        typer.echo(f"ganablate {ganablate.__version__}")
        raise typer.Exit


@app.callback(epilog=_EXIT_CODES)
def _ganablate(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="And exit.")
    ] = False,
) -> None:
    """GAN ablation studies: a YAML study in, an honest table out."""


def main() -> None:
    """Entry point of the console script."""
    app()

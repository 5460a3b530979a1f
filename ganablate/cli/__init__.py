"""The command line: the only place that decides what is printed, and the exit codes.

0: every trial is complete (a diverged trial is: a finding). 1: some trial failed. 2: the input is
wrong, and nothing was started. 130: interrupted, nothing lost.

Heavy libraries are imported by the commands that need them, so `--help`, `validate` and `plan`
answer at once.
"""

from collections.abc import Callable

import typer

from ganablate.cli.browsing import ui
from ganablate.cli.console import Commands
from ganablate.cli.evaluation import evaluate
from ganablate.cli.execution import run
from ganablate.cli.inspection import show_plan, status, validate
from ganablate.cli.reporting import report

app = typer.Typer(
    cls=Commands,
    help="GAN ablation studies: a YAML study in, an honest table out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


COMMANDS: dict[str, tuple[Callable[..., None], str]] = {
    "validate": (validate, "studies/*.yaml"),
    "plan": (show_plan, "studies/mnist_ablation.yaml --budget full"),
    "run": (run, "studies/mnist_ablation.yaml --budget smoke"),
    "evaluate": (evaluate, "studies/mnist_ablation.yaml --metric density_coverage"),
    "status": (status, "studies/mnist_ablation.yaml --json"),
    "report": (report, "studies/mnist_ablation.yaml --budget cpu"),
    "ui": (ui, "--port 5001"),
}
"""Name -> what it does, and arguments for its example, in the order of `--help`."""

for _name, (_command, _arguments) in COMMANDS.items():
    app.command(_name, epilog=f"Example: ganablate {_name} {_arguments}")(_command)


def main() -> None:
    """Entry point of the console script."""
    app()

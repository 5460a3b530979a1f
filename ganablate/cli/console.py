"""What every command prints with, the folders it works in, and the exit codes."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import typer
from rich.console import Console
from rich.text import Text
from typer.core import TyperGroup

from ganablate.study.errors import Problem, StudyError

RUNS = Path("runs")
TRIALS = RUNS / "trials"
RESULTS = Path("results")
STUDIES = Path("studies")
FAILED = 1
WRONG_INPUT = 2
INTERRUPTED = 130

out = Console()
err = Console(stderr=True)


class Commands(TyperGroup):
    """The group of all commands."""

    def invoke(self, ctx: Any) -> Any:
        """Turn wrong input, wherever it is noticed, into lines and exit code 2."""
        try:
            return super().invoke(ctx)
        except StudyError as error:
            refuse(error.problems)


def refuse(problems: Sequence[Problem | str]) -> NoReturn:
    """Print what is wrong with the input, a line each, and leave with exit code 2."""
    for problem in problems:
        err.print(Text(str(problem)), soft_wrap=True)
    raise typer.Exit(WRONG_INPUT)


def print_plain(text: str) -> None:
    """Print as it is: long lines whole, for pipes and for speed."""
    out.file.write(f"{text}\n")


def print_json(content: object) -> None:
    """Print for machines."""
    print_plain(json.dumps(content, indent=1))

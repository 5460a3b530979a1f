"""What every command prints with, the folders it works in, and the exit codes."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import typer
from rich.console import Console
from rich.text import Text
from typer.core import TyperGroup

from ganablate import files
from ganablate.files import PUBLISHED
from ganablate.study.reading.errors import Problem, StudyError, one_line

RUNS = Path("runs")
TRIALS = RUNS / "trials"
RESULTS = Path("results")
PUBLISHED_RECORDS = RESULTS / PUBLISHED
STUDIES = Path("studies")
FAILED = 1
WRONG_INPUT = 2
INTERRUPTED = 130
_MOST_PROBLEMS = 100
"""Printed of one input: a list of a hundred thousand wrong levels is one slip."""

out = Console()
err = Console(stderr=True)


class Commands(TyperGroup):
    """The group of all commands."""

    def invoke(self, ctx: Any) -> Any:
        """Turn wrong input, wherever it is noticed, into lines and exit code 2.

        A disk that takes nothing is a line as well, and exit code 1: what was there stays.
        """
        try:
            return super().invoke(ctx)
        except StudyError as error:
            refuse(error.problems)
        except OSError as error:
            if not files.is_refusal(error):
                raise
            line = f"{files.in_words(error, Path())}; what was there stays; run it again after that"
            err.print(Text(line, style="red"), soft_wrap=True)
            raise typer.Exit(FAILED) from None


def refuse(problems: Sequence[Problem | str]) -> NoReturn:
    """Print what is wrong with the input, a line each, and leave with exit code 2."""
    for problem in problems[:_MOST_PROBLEMS]:
        err.print(Text(one_line(str(problem))), soft_wrap=True)
    if len(problems) > _MOST_PROBLEMS:
        err.print(f"and {len(problems) - _MOST_PROBLEMS:,} problems more", highlight=False)
    raise typer.Exit(WRONG_INPUT)


def speak(*, quiet: bool, colour: bool) -> None:
    """Decide how everything is printed from now on: --quiet, --no-color and $NO_COLOR."""
    out.quiet = quiet
    for console in (out, err):
        console.no_color = not colour or bool(os.environ.get("NO_COLOR"))


def print_plain(text: str) -> None:
    """Print as it is: long lines whole, for pipes and for speed."""
    if not out.quiet:
        out.file.write(f"{text}\n")


def print_json(content: object) -> None:
    """Print for machines; whoever asks for it wants it, quiet or not."""
    out.file.write(f"{json.dumps(content, indent=1)}\n")

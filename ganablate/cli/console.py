"""What every command prints with, and the exit codes."""

import json
import os
from collections.abc import Sequence
from typing import NoReturn

import typer
from rich.console import Console
from rich.text import Text

from ganablate.project.output import Output
from ganablate.study.reading.errors import Problem, one_line

FAILED = 1
WRONG_INPUT = 2
NOT_SHOWN = 3
OUT_OF_TIME = 75
"""EX_TEMPFAIL of sysexits.h: not all is done, and the same command goes on."""
INTERRUPTED = 130
_MOST_PROBLEMS = 100
"""Printed of one input: a list of a hundred thousand wrong levels is one slip."""

out = Console()
err = Console(stderr=True)
output = Output(out, err)


def refuse(problems: Sequence[Problem | str]) -> NoReturn:
    """Print what is wrong with the input, a line each, and leave with exit code 2."""
    for problem in problems[:_MOST_PROBLEMS]:
        err.print(Text(one_line(str(problem))), soft_wrap=True)
    if len(problems) > _MOST_PROBLEMS:
        err.print(f"and {len(problems) - _MOST_PROBLEMS:,} problems more", highlight=False)
    raise typer.Exit(WRONG_INPUT)


def set_style(*, quiet: bool, colour: bool) -> None:
    """Decide how everything is printed from now on: --quiet, --no-color and $NO_COLOR."""
    out.quiet = quiet
    for console in (out, err):
        console.no_color = not colour or bool(os.environ.get("NO_COLOR"))


def print_plain(*lines: str) -> None:
    """Print lines as they are: long ones whole, for pipes and for speed."""
    if not out.quiet:
        out.file.writelines(f"{line}\n" for line in lines)


def print_json(content: object) -> None:
    """Print for machines; whoever asks for it wants it, quiet or not."""
    out.file.write(f"{json.dumps(content, indent=1, allow_nan=False)}\n")

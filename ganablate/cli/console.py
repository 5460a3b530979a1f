"""What every command prints with, and the exit codes."""

import contextlib
import json
import os
from collections.abc import Iterator, Sequence
from typing import NoReturn

import typer
from rich.console import Console
from rich.text import Text

from ganablate.project.output import Output
from ganablate.study.reading.errors import Problem, one_line

FAILED = 1
WRONG_INPUT = 2
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


@contextlib.contextmanager
def refusing_lacks() -> Iterator[None]:
    """Turn data or resources that this machine lacks into lines and exit code 2."""
    from ganablate.gan.pictures import DataError
    from ganablate.sweep.machine import MachineError

    try:
        yield
    except (DataError, MachineError) as error:
        refuse(str(error).splitlines())


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

"""Runs that another program trained, read from a csv file: `arm`, `replicate`, and numbers."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from ganablate.report.frames.outside import OutsideRun, OutsideRunsError
from ganablate.study.reading.errors import one_line
from ganablate.study.reading.wording import listed, show, unknown
from ganablate.text import counted

_NEEDED = ("arm", "replicate")
Lines = Sequence[tuple[int, list[str]]]
"""Rows with the lines that they stand in."""


def read_runs(path: Path) -> tuple[list[OutsideRun], list[str]]:
    """Read runs from a csv file.

    An empty cell is a missing number. A column without any number is left out.

    Returns:
        The runs in the order of the file, and lines that a person should see.

    Raises:
        OutsideRunsError: With every mistake of the file, a line each.
    """
    (first, header), *rows = _lines(path)
    header = [one_line(name) for name in header]
    if problems := [f"{path}:{first}: {fault}" for fault in _faults_of_header(header)]:
        raise OutsideRunsError(problems)
    numbers = [name for name in header if name not in _NEEDED]
    kept = [name for name in numbers if _has_number(rows, header.index(name))]
    texts = [name for name in numbers if name not in kept]
    left_out = f"{path}: {listed(texts)}: left out, since no cell of it is a number"
    return _runs(path, header, rows, kept), [left_out] if texts else []


def _lines(path: Path) -> Lines:
    """The rows that are not empty, the header first."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            lines = [(reader.line_num, row) for row in reader if any(map(str.strip, row))]
    except FileNotFoundError:
        raise OutsideRunsError([f"{path}: there is no such file"]) from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise OutsideRunsError([f"{path} cannot be read as a csv file: {error}"]) from None
    if len(lines) < 2:
        has = "has no row below its header" if lines else "is empty"
        needs = "arm, replicate and a column for each number"
        raise OutsideRunsError([f"{path} {has}; it needs a header ({needs}) and a row a run"])
    return lines


def _runs(path: Path, header: Sequence[str], rows: Lines, kept: Sequence[str]) -> list[OutsideRun]:
    """Every row as a run, with the numbers of the columns that are `kept`."""
    runs, problems, seen = list[OutsideRun](), list[str](), dict[tuple[str, int], int]()
    for line, cells in rows:
        named = dict(zip(header, map(one_line, cells), strict=False))
        run, faults = _run(f"{path.name}:{line}", named, kept)
        if len(cells) != len(header):
            faults = [f"{counted(len(cells), 'cell')}, where the header has {len(header)}"]
        elif run is not None and (other := seen.setdefault((run.arm, run.replicate), line)) != line:
            faults = [f"replicate {run.replicate} of the arm {run.arm} stands in line {other} too"]
        problems += [f"{path}:{line}: {fault}" for fault in faults]
        runs += [] if run is None else [run]
    if problems:
        raise OutsideRunsError(problems)
    return runs


def _faults_of_header(header: Sequence[str]) -> Iterator[str]:
    for name in _NEEDED:
        if name not in header:
            yield f"{unknown('a column there', name, header)}; it is needed"
    for name in dict.fromkeys(header):
        if not name:
            yield "a column has no name"
        elif header.count(name) > 1:
            yield f"the column {show(name)} is there {header.count(name)} times"
    if set(header) <= {*_NEEDED, ""}:
        yield "there is no column with numbers beside arm and replicate"


def _has_number(rows: Lines, place: int) -> bool:
    return any(_is_number(cells[place]) for _, cells in rows if place < len(cells))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _run(
    place: str, cells: Mapping[str, str], columns: Sequence[str]
) -> tuple[OutsideRun | None, list[str]]:
    """A row as a run, or what is wrong with it."""
    arm, replicate = cells.get("arm", ""), cells.get("replicate", "")
    faults = [] if arm else ["the arm has no name"]
    if not replicate.isdecimal():
        faults.append(f"replicate is {show(replicate)}; a whole number from 0 on is needed")
    texts = {name: cells.get(name, "") for name in columns}
    faults += [
        f"{name} is {show(text)}, not a number; leave the cell empty where it is missing"
        for name, text in texts.items()
        if text and not _is_number(text)
    ]
    if faults:
        return None, faults
    values = {name: float(text) if text else None for name, text in texts.items()}
    return OutsideRun(place, arm, int(replicate), values), []

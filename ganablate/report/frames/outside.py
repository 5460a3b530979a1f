"""Runs that another program trained, as arms and trials of a report; where they come from is alike.

What is not known of them is missing: by which protocol the numbers were measured, what became of a
training, how long it was.
"""

import csv
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from ganablate.catalog import METRICS, PROBES, Column, Direction, metric_columns, probe_columns
from ganablate.report.frames.trials import frame_of
from ganablate.study.plan import BASELINE, PublishedNumber
from ganablate.study.reach import Reach
from ganablate.study.reading.errors import one_line
from ganablate.study.reading.wording import listed, show, unknown
from ganablate.text import counted

_NEEDED = ("arm", "replicate")
_FIRST_CHOICE = ("fid", "kid")
"""Columns that are the primary one where none is named, if they are there."""


class OutsideRunsError(ValueError):
    """The runs cannot be used; a line for each reason."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__("\n".join(one_line(line) for line in lines))


@dataclass(frozen=True)
class OutsideRun:
    """A run: its numbers by the names that they have there, None where one is missing.

    `state` is complete, failed or pending.
    """

    id: str
    arm: str
    replicate: int
    numbers: Mapping[str, float | None]
    state: str = "complete"


@dataclass(frozen=True)
class OutsideArm:
    """An arm of which the name is known, and what it is compared with."""

    name: str
    compare_to: str | None
    null: bool = False


@dataclass(frozen=True)
class OutsideTrial:
    """One run of an arm."""

    trial_id: str
    arm: str
    replicate: int


@dataclass(frozen=True)
class OutsideDesign:
    """What is asked of the runs; a `Design` that has nothing of what only a study has."""

    study: str
    primaries: tuple[str, ...]
    arms: tuple[OutsideArm, ...]
    trials: tuple[OutsideTrial, ...]
    columns: Mapping[str, Column]
    budget: None = None
    asks: None = None
    metrics: tuple[str, ...] = ()
    probes: tuple[str, ...] = ()
    published: tuple[PublishedNumber, ...] = ()
    substitutes: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    reach: Mapping[str, Reach] = field(default_factory=dict)
    components: Mapping[str, Collection[str]] = field(default_factory=dict)
    may_end_early: bool = False

    @property
    def primary(self) -> str:
        """The first of the primaries."""
        return self.primaries[0]

    @property
    def shown_columns(self) -> Mapping[str, Column]:
        """All: none is a detail."""
        return self.columns


@dataclass(frozen=True)
class Asked:
    """What a person says of the runs: names as they are in the runs, any case.

    `baselines` should be one; none: the arm called baseline. Without `primaries`: fid, else kid,
    else the first column with a direction. `lower` and `higher` say which way is better where the
    name of a column does not.
    """

    baselines: Sequence[str] = ()
    primaries: Sequence[str] = ()
    lower: Sequence[str] = ()
    higher: Sequence[str] = ()


# --- a csv file ---


def read_runs(path: Path) -> tuple[list[OutsideRun], list[str]]:
    """Read runs from a csv file: `arm`, `replicate`, and a column for each number.

    An empty cell is a missing number, and so is one that is not finite. A column without any
    number is left out.

    Returns:
        The runs in the order of the file, and lines that a person should see.

    Raises:
        OutsideRunsError: With every mistake of the file, a line each.
    """
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
    (first, header), *rows = lines
    header = [name.strip() for name in header]
    if problems := list(_faults_of_header(header)):
        raise OutsideRunsError([f"{path}:{first}: {problem}" for problem in problems])
    numbers = [name for name in header if name not in _NEEDED]
    texts = [name for name in numbers if not _has_number(rows, header.index(name))]
    kept = [name for name in numbers if name not in texts]
    runs, problems, seen = [], list[str](), dict[tuple[str, int], int]()
    for line, cells in rows:
        named = dict(zip(header, map(str.strip, cells), strict=False))
        run, faults = _run(f"{path.name}:{line}", named, kept)
        if len(cells) != len(header):
            faults = [f"{counted(len(cells), 'cell')}, where the header has {len(header)}"]
        elif run is not None and seen.setdefault((run.arm, run.replicate), line) != line:
            other = seen[run.arm, run.replicate]
            faults = [f"replicate {run.replicate} of the arm {run.arm} stands in line {other} too"]
        problems += [f"{path}:{line}: {fault}" for fault in faults]
        runs += [] if run is None else [run]
    if problems:
        raise OutsideRunsError(problems)
    left_out = [f"{path}: {listed(texts)}: left out, since no cell of it is a number"]
    return runs, left_out if texts else []


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


def _has_number(rows: Sequence[tuple[int, list[str]]], place: int) -> bool:
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


# --- what is asked of runs ---


def outside_trials(
    name: str, runs: Sequence[OutsideRun], asked: Asked
) -> tuple[OutsideDesign, pd.DataFrame, list[str]]:
    """The runs as arms and trials, the baseline first.

    Returns:
        What is asked; the trials in order of arms as `trials_frame` gives them; and lines that a
        person should see.

    Raises:
        OutsideRunsError: What is asked does not fit the runs, a line for each reason.
    """
    names = list(dict.fromkeys(run.arm for run in runs))
    given = list(dict.fromkeys(key for run in runs for key in run.numbers))
    problems: list[str] = []
    baseline = _baseline(asked.baselines, names, problems)
    columns = _columns(given, asked, problems)
    primaries = _primaries(columns, asked, problems)
    if problems or baseline is None:
        raise OutsideRunsError(problems)
    names.sort(key=lambda arm: arm != baseline)
    arms = tuple(OutsideArm(arm, None if arm == baseline else baseline) for arm in names)
    ordered = sorted(runs, key=lambda run: (names.index(run.arm), run.replicate))
    trials = tuple(OutsideTrial(run.id, run.arm, run.replicate) for run in ordered)
    keys = {shown: key for key, (shown, _) in columns.items()}
    shown_columns = {key: column for key, (_, column) in columns.items()}
    design = OutsideDesign(name, primaries, arms, trials, shown_columns)
    rows = [_row(run, keys) for run in ordered]
    frame = frame_of(rows, design)
    lost = {
        key: sum(not math.isfinite(run.numbers.get(shown) or 0.0) for run in runs)
        for shown, key in keys.items()
    }
    notices = [
        f"{key}: {counted(n, 'number')} not finite, so missing; a training that diverged is not "
        "ranked as the worst here"
        for key, n in lost.items()
        if n
    ]
    return design, frame, notices


def _row(run: OutsideRun, keys: Mapping[str, str]) -> dict[str, Any]:
    numbers = {
        keys[name]: value
        for name, value in run.numbers.items()
        if value is not None and math.isfinite(value) and run.state == "complete"
    }
    facts = {"trial_id": run.id, "arm": run.arm, "replicate": run.replicate, "state": run.state}
    return facts | numbers


def _baseline(given: Sequence[str], names: Sequence[str], problems: list[str]) -> str | None:
    if len(given) > 1:
        problems.append(f"--baseline: {listed(list(given))} are {len(given)}; name one")
        return None
    name = given[0] if given else BASELINE
    if name in names:
        return name
    if given:
        problems.append(f"--baseline: {unknown('an arm there', name, names)}")
    else:
        which = listed([*names])
        problems.append(f"--baseline: which arm are the others compared with? There are: {which}")
    return None


def _columns(
    given: Sequence[str], asked: Asked, problems: list[str]
) -> dict[str, tuple[str, Column]]:
    """Key of a column -> its name in the runs, and what it is.

    A column called as one of the catalog, by its name or title, is that one.
    """
    known = {**metric_columns(list(METRICS)), **probe_columns(list(PROBES))}
    called = {column.title.casefold(): key for key, column in known.items()}
    called |= {key.casefold(): key for key in known}
    better: dict[str, Direction] = {}
    for option, names, direction in (
        ("--lower", asked.lower, "min"),
        ("--higher", asked.higher, "max"),
    ):
        for name in names:
            if name not in given:
                problems.append(f"{option}: {unknown('a column there', name, given)}")
            elif name in better:
                problems.append(f"{option}: {show(name)} cannot be better both ways")
            else:
                better[name] = "min" if direction == "min" else "max"
    columns: dict[str, tuple[str, Column]] = {}
    for name in given:
        key = called.get(name.casefold(), name)
        if key in columns:
            problems.append(f"{show(columns[key][0])} and {show(name)} are both {known[key].title}")
            continue
        usual = known.get(key)
        direction = better.get(name, "none" if usual is None else usual.direction)
        unit, title = ("a unit of its own", name) if usual is None else (usual.unit, usual.title)
        scale = "difference" if usual is None else usual.scale
        columns[key] = name, Column(direction=direction, unit=unit, title=title, scale=scale)
    return columns


def _primaries(
    columns: Mapping[str, tuple[str, Column]], asked: Asked, problems: list[str]
) -> tuple[str, ...]:
    named = {name: key for key, (shown, _) in columns.items() for name in (shown, key)}
    wrong = [name for name in asked.primaries if name not in named]
    problems += [f"--primary: {unknown('a column there', name, named)}" for name in wrong]
    if asked.primaries:
        return tuple(dict.fromkeys(named[name] for name in asked.primaries if name in named))
    directed = [key for key, (_, column) in columns.items() if column.direction != "none"]
    chosen = next((key for key in (*_FIRST_CHOICE, *directed) if key in columns), None)
    if chosen is None:
        shown = listed([name for name, _ in columns.values()])
        problems.append(f"--lower or --higher: of no column is known which way is better: {shown}")
    return () if chosen is None else (chosen,)

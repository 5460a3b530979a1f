"""Runs that another program trained, as arms and trials of a report; where they come from is alike.

What is not known of them is missing: by which protocol the numbers were measured, what became of a
training, how long it was.
"""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
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
    shown = {key: column for key, (_, column) in columns.items()}
    design = OutsideDesign(name, primaries, arms, trials, shown)
    keys = {there: key for key, (there, _) in columns.items()}
    frame = frame_of([_row(run, keys) for run in ordered], design)
    return design, frame, list(_lost(runs, keys))


def _lost(runs: Sequence[OutsideRun], keys: Mapping[str, str]) -> Iterator[str]:
    """A line for each column with numbers that are not finite."""
    for there, key in keys.items():
        n = sum(not math.isfinite(run.numbers.get(there) or 0.0) for run in runs)
        if n:
            yield (
                f"{key}: {counted(n, 'number')} not finite, so missing; a training that diverged "
                "is not ranked as the worst here"
            )


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
    named = {name: key for key, (there, _) in columns.items() for name in (there, key)}
    for name in asked.primaries:
        if name not in named:
            problems.append(f"--primary: {unknown('a column there', name, named)}")
    if asked.primaries:
        return tuple(dict.fromkeys(named.get(name, name) for name in asked.primaries))
    directed = [key for key, (_, column) in columns.items() if column.direction != "none"]
    chosen = [key for key in (*_FIRST_CHOICE, *directed) if key in columns][:1]
    if not chosen:
        names = listed([name for name, _ in columns.values()])
        problems.append(f"--lower or --higher: of no column is known which way is better: {names}")
    return tuple(chosen)

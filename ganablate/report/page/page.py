"""`report.html`: everything that is known of a study at a budget, on one page without a network."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from ganablate.report.analysis import Analysis
from ganablate.report.frames.provenance import (
    provenance_lines,
    read_provenance,
    settings_lines,
    trial_seconds,
)
from ganablate.report.page.pictures import Picture, pictures
from ganablate.report.page.tables import (
    OutcomeRow,
    arm_tables,
    claims_table,
    outcome_rows,
    trials_table,
)
from ganablate.report.table.captions import coverage, execution, protocols, settings_line
from ganablate.report.table.render import Table
from ganablate.report.table.summary import Sentence
from ganablate.report.table.tables import reference_arm
from ganablate.report.table.verdict_style import VerdictKind, verdict_kind
from ganablate.study.plan import BASELINE, Plan
from ganablate.text import counted, duration
from ganablate.trials.outcome import FAILURES

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Tile:
    """A number to be seen at first sight."""

    value: str
    label: str
    kind: VerdictKind | None = None


@dataclass(frozen=True)
class Page:
    """What the template shows, in its order."""

    study: str
    budget: str
    asks: str | None
    facts: tuple[str, ...]
    tiles: tuple[Tile, ...]
    summary: tuple[Sentence, ...]
    tables: tuple[Table, ...]
    coverage: str
    notes: tuple[str, ...]
    sections: tuple[Table, ...]
    pictures: tuple[Picture, ...]
    outcomes: tuple[OutcomeRow, ...]
    claims: Table | None
    protocol: tuple[str, ...]
    provenance: tuple[tuple[str, str], ...]
    reference: str
    settings: tuple[tuple[str, str], ...]
    trials: Table


def write_page(
    analysis: Analysis, sentences: Sequence[Sentence], sections: Sequence[Table], folder: Path
) -> str:
    """The page as HTML, with the pictures and the provenance that `folder` holds now.

    Args:
        analysis: What it shows.
        sentences: Its summary.
        sections: What stands below the table of arms.
        folder: Of the report.
    """
    plan, trials = analysis.plan, analysis.trials
    facts = read_provenance(folder / "provenance.json")
    seconds = trial_seconds(facts)
    protocol = [settings_line(plan), *protocols(trials, plan), execution(trials)]
    page = Page(
        study=plan.study,
        budget=plan.budget,
        asks=plan.asks,
        facts=_facts(analysis, seconds),
        tiles=_tiles(analysis),
        summary=tuple(sentences),
        tables=tuple(arm_tables(analysis)),
        coverage=coverage(trials, plan),
        notes=tuple(analysis.notes),
        sections=tuple(sections),
        pictures=tuple(pictures(plan, trials, folder / "figures")),
        outcomes=tuple(outcome_rows(analysis.table, plan)),
        claims=claims_table(analysis.claims, analysis.alpha),
        protocol=tuple(line for line in protocol if line),
        provenance=tuple(provenance_lines(facts)),
        reference=_reference(plan),
        settings=tuple(settings_lines(facts)),
        trials=trials_table(trials, plan, seconds),
    )
    return _template().render(page=page)


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("ganablate.report"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    environment.filters["pieces"] = _pieces
    environment.filters["raised"] = _raised
    return environment.get_template("report.html")


def _pieces(name: str) -> list[str]:
    """A name at the joints where it may be broken."""
    return [piece for piece in re.split(r"(?<=[,_=+;:/-])", name) if piece]


def _raised(text: str) -> str:
    """Powers of ten as they are set in a text: `10^-4` with a raised exponent."""
    return re.sub(r"(?<=10)\^(-?\d+)", lambda power: power[1].translate(_RAISED), text)


def _facts(analysis: Analysis, seconds: Mapping[str, float]) -> tuple[str, ...]:
    plan, complete = analysis.plan, int((analysis.trials["state"] == "complete").sum())
    facts = [
        f"budget {plan.budget}",
        counted(len(plan.arms), "arm"),
        f"{complete:,} of {len(plan.trials):,} trials complete",
    ]
    facts += [f"{duration(sum(seconds.values()))} of training"] if seconds else []
    return tuple(facts)


_TILES = {"fails": "failing", "open": "undecided", "none": "not tested"}
"""Kind of verdict -> how a tile calls it, where it is not by its name."""
_ORDER = ("better", "worse", "fails", "changed", "equivalent", "open", "none")


def _tiles(analysis: Analysis) -> tuple[Tile, ...]:
    """How many arms got each kind of verdict, and how many claims were decided."""
    table, tiles = analysis.table, []
    if "verdict" in table:
        kinds = [verdict_kind(str(verdict)) for verdict in table["verdict"].dropna()]
        for kind in sorted(set(kinds), key=lambda kind: _ORDER.index(kind.name)):
            noun = "arm" if kinds.count(kind) == 1 else "arms"
            label = f"{noun} {_TILES.get(kind.name, kind.name)}"
            tiles.append(Tile(str(kinds.count(kind)), label, kind))
    failures = sum(int(table[f"n_{name}"].fillna(0).sum()) for name in FAILURES)
    if failures:
        tiles.append(Tile(str(failures), "trials not ok" if failures > 1 else "trial not ok"))
    verdicts = [verdict_kind(judgement.verdict).name for judgement in analysis.claims]
    if verdicts:
        decided = verdicts.count("better") + verdicts.count("worse")
        tiles.append(Tile(f"{decided} of {len(verdicts)}", "claims decided"))
    return tuple(tiles)


def _reference(plan: Plan) -> str:
    name = reference_arm(plan).name
    return f"the {name}" if name == BASELINE else f"the arm {name}"

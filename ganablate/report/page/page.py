"""`report.html`: everything that is known of a study at a budget, on one page without a network."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from ganablate.report.claims.judgement import Judgement
from ganablate.report.frames.provenance import read_provenance
from ganablate.report.page.pictures import Picture, pictures
from ganablate.report.page.run_facts import provenance_lines, settings_lines, trial_seconds
from ganablate.report.page.tables import (
    DataTable,
    OutcomeRow,
    arm_tables,
    claims_table,
    outcome_rows,
    text_table,
    trials_table,
)
from ganablate.report.stats.cross import cross_effects
from ganablate.report.stats.replication import Replication
from ganablate.report.stats.statistics import ALPHA
from ganablate.report.table.captions import coverage, execution, protocols, settings_line
from ganablate.report.table.cross_wording import cross_columns, cross_notes
from ganablate.report.table.replication_section import TITLE as REPLICATION
from ganablate.report.table.replication_section import replication_columns, replication_notes
from ganablate.report.table.search_wording import TITLE, search_columns, search_notes
from ganablate.report.table.summary import Sentence
from ganablate.report.table.tables import marked_arms, reference_arm
from ganablate.report.table.verdict_style import VerdictKind, verdict_kind
from ganablate.study.plan import BASELINE, Plan
from ganablate.text import counted, duration
from ganablate.trials.outcome import FAILURES

_CROSS = "Main effects and interactions"


@dataclass(frozen=True)
class Findings:
    """What a page is made of: frames as `trials_frame` and `arm_table` give them."""

    trials: pd.DataFrame
    table: pd.DataFrame
    notes: Sequence[str]
    judgements: Sequence[Judgement] = ()
    alpha: float = ALPHA
    sentences: Sequence[Sentence] = ()
    replication: Replication | None = None


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
    tables: tuple[DataTable, ...]
    coverage: str
    notes: tuple[str, ...]
    replication: DataTable | None
    replication_notes: tuple[str, ...]
    cross: DataTable | None
    cross_notes: tuple[str, ...]
    search: DataTable | None
    search_notes: tuple[str, ...]
    pictures: tuple[Picture, ...]
    outcomes: tuple[OutcomeRow, ...]
    claims: DataTable | None
    protocol: tuple[str, ...]
    provenance: tuple[tuple[str, str], ...]
    reference: str
    settings: tuple[tuple[str, str], ...]
    trials: DataTable


def write_page(plan: Plan, findings: Findings, folder: Path) -> str:
    """The page as HTML, with the pictures and the provenance that `folder` holds now."""
    return _template().render(page=view(plan, findings, folder))


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("ganablate.report"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    environment.filters["pieces"] = _pieces
    return environment.get_template("report.html")


def _pieces(name: str) -> list[str]:
    """A name at the joints where it may be broken."""
    return [piece for piece in re.split(r"(?<=[,_=+;:/-])", name) if piece]


def view(plan: Plan, findings: Findings, folder: Path) -> Page:
    """Everything on the page, without a word of HTML."""
    trials, table = findings.trials, findings.table
    facts = read_provenance(folder / "provenance.json")
    seconds = trial_seconds(facts)
    protocol = [settings_line(plan), *protocols(trials, plan), execution(trials)]
    cross = cross_effects(trials, plan, marked_arms(table, plan.primary), alpha=findings.alpha)
    search, again = plan.search, findings.replication
    return Page(
        study=plan.study,
        budget=plan.budget,
        asks=plan.asks,
        facts=_facts(plan, trials, seconds),
        tiles=_tiles(table, plan, findings.judgements),
        summary=tuple(findings.sentences),
        tables=tuple(arm_tables(table, plan)),
        coverage=coverage(trials, plan),
        notes=tuple(findings.notes),
        replication=None if again is None else _replication(again),
        replication_notes=() if again is None else tuple(replication_notes(again)),
        cross=None if cross is None else text_table("cross", _CROSS, cross_columns(cross)),
        cross_notes=() if cross is None else tuple(cross_notes(cross, plan)),
        search=None if search is None else text_table("search", TITLE, search_columns(search)),
        search_notes=() if search is None else tuple(search_notes(search)),
        pictures=tuple(pictures(plan, trials, folder / "figures")),
        outcomes=tuple(outcome_rows(table, plan)),
        claims=claims_table(findings.judgements, findings.alpha),
        protocol=tuple(line for line in protocol if line),
        provenance=tuple(provenance_lines(facts)),
        reference=_reference(plan),
        settings=tuple(settings_lines(facts)),
        trials=trials_table(trials, plan, seconds),
    )


def _replication(found: Replication) -> DataTable:
    return text_table("replication", REPLICATION, replication_columns(found))


def _facts(plan: Plan, trials: pd.DataFrame, seconds: Mapping[str, float]) -> tuple[str, ...]:
    complete = int((trials["state"] == "complete").sum())
    known = [
        f"budget {plan.budget}",
        counted(len(plan.arms), "arm"),
        f"{complete:,} of {len(plan.trials):,} trials complete",
        f"{duration(sum(seconds.values()))} of training" if seconds else None,
    ]
    return tuple(fact for fact in known if fact)


def _tiles(table: pd.DataFrame, plan: Plan, judgements: Sequence[Judgement]) -> tuple[Tile, ...]:
    """How many arms got each kind of verdict, and how many claims were decided."""
    tiles = []
    if "verdict" in table:
        kinds = [verdict_kind(str(verdict)) for verdict in table["verdict"].dropna()]
        names = {"fails": "failing", "open": "undecided", "none": "not tested"}
        for kind in dict.fromkeys(sorted(kinds, key=lambda kind: _ORDER.index(kind.name))):
            n = kinds.count(kind)
            noun = "arm" if n == 1 else "arms"
            tiles.append(Tile(str(n), f"{noun} {names.get(kind.name, kind.name)}", kind))
    lost = sum(int(table[f"n_{name}"].fillna(0).sum()) for name in FAILURES)
    if lost:
        tiles.append(Tile(str(lost), "trials not ok" if lost > 1 else "trial not ok"))
    decided = [one for one in judgements if verdict_kind(one.verdict).name in ("better", "worse")]
    if judgements:
        tiles.append(Tile(f"{len(decided)} of {len(judgements)}", "claims decided"))
    return tuple(tiles)


_ORDER = ("better", "worse", "fails", "changed", "equivalent", "open", "none")


def _reference(plan: Plan) -> str:
    name = reference_arm(plan).name
    return f"the {name}" if name == BASELINE else f"the arm {name}"

"""`report.html`: everything that is known of a study at a budget, on one page without a network."""

import base64
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from PIL import Image

from ganablate.catalog import CLASSES, PROBES
from ganablate.report.claims.judgement import Judgement
from ganablate.report.claims.table import firm_text, verdict_text
from ganablate.report.design import Design
from ganablate.report.figures.style import read_caption
from ganablate.report.findings import Findings
from ganablate.report.frames.looks import complete_replicates
from ganablate.report.frames.provenance import (
    provenance_lines,
    read_provenance,
    settings_lines,
    trial_seconds,
)
from ganablate.report.frames.trials import early_text
from ganablate.report.table.captions import coverage, execution, protocols
from ganablate.report.table.cells import MISSING
from ganablate.report.table.render import Cell, Column, Table, text_column, without_empty_rows
from ganablate.report.table.summary import Sentence
from ganablate.report.table.tables import (
    ALL_OUTCOMES,
    COMPONENT,
    PUBLISHED,
    arm_title,
    arms_in_order,
    baseline_arm,
    effect_key,
    measured_columns,
    primary_columns,
    reference_arm,
    reference_protocol,
)
from ganablate.report.table.verdict_style import SAME, UNDECIDED, UNTESTED, verdict_kind
from ganablate.study.plan import Plan
from ganablate.text import counted, duration, low_to_high, percent

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def write_page(
    analysis: Findings, sentences: Sequence[Sentence], sections: Sequence[Table], folder: Path
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
    classes = class_rows(trials, plan)
    protocol = list(filter(None, [*protocols(trials, plan), execution(trials)]))
    elsewhere = {f"{x.lead} {x.text}".strip() for x in sentences} | {coverage(trials, plan)}
    page = {
        "study": plan.study,
        "budget": plan.budget,
        "of_study": isinstance(plan, Plan),
        "asks": plan.asks,
        "facts": _facts(analysis, seconds),
        "summary": _groups(sentences),
        "tables": _arm_tables(analysis),
        "notes": [note for note in analysis.notes if note not in (*elsewhere, *protocol)],
        "sections": sections,
        "pictures": _pictures(analysis, folder / "figures"),
        "outcomes": _outcome_rows(analysis.table, plan) if isinstance(plan, Plan) else [],
        "classes": classes,
        "even_share": 1 / CLASSES,
        "full_share": max([2 / CLASSES, *(max(row.shares) for row in classes)]),
        "claims": _claims_table(analysis.claims, analysis.alpha),
        "protocol": protocol,
        "provenance": provenance_lines(facts),
        "references": bool(analysis.references.rows),
        "reference": arm_title(reference_arm(plan).name),
        "settings": settings_lines(facts),
        "trials": trials_table(trials, plan, seconds),
    }
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


# --- first sight ---

_GROUPS = {
    "Found": ("not working", "verdict", "baseline", "noise", "outcomes", "claims", "replication"),
    "How sure": ("unfinished", "limits", "working"),
    "About what": ("data",),
    "Seen before": ("question",),
}
"""What a reader asks -> topics of the sentences that say it, in order."""


def _groups(sentences: Sequence[Sentence]) -> dict[str, list[Sentence]]:
    """The summary by what a reader asks."""
    groups = {
        title: [x for topic in topics for x in sentences if x.topic == topic]
        for title, topics in _GROUPS.items()
    }
    return {title: group for title, group in groups.items() if group}


def _facts(analysis: Findings, seconds: Mapping[str, float]) -> list[str]:
    plan, complete = analysis.plan, int((analysis.trials["state"] == "complete").sum())
    facts = [f"budget {plan.budget}"] if plan.budget else []
    facts += [
        counted(len(plan.arms), "arm"),
        f"{complete:,} of {counted(len(plan.trials), 'trial')} complete",
    ]
    facts += [f"{duration(sum(seconds.values()))} of training"] if seconds else []
    return facts


# --- tables that are no section of `table.md` ---


@dataclass(frozen=True)
class OutcomeRow:
    """An arm's outcomes: (outcome, count) of its complete trials, and what became of the others."""

    arm: str
    counts: list[tuple[str, int]]
    complete: int
    others: str
    pinned: bool


def _titles(analysis: Findings) -> str:
    """The primary metrics with numbers, as a title names them."""
    plan, measured = analysis.plan, measured_columns(analysis.table, analysis.plan)
    return " and ".join(plan.columns[x].title for x in primary_columns(plan) if x in measured)


def _arm_tables(analysis: Findings) -> list[Table]:
    """What the study asks, then every other column."""
    plan, primaries = analysis.plan, primary_columns(analysis.plan)
    by_key = {column.key: column for column in analysis.columns}
    taken = {"arm", *(COMPONENT + name for name in plan.components)}
    first = [column for column in analysis.columns if column.key in taken]
    for name in primaries:
        keys = [name, *(effect_key(plan, name, key) for key in ("effect", "effect_p", "verdict"))]
        first += _of_primary(*map(by_key.get, keys))
        taken |= {*keys}
    leading = ["compared_to", "n_ok", "n_complete", *(name + PUBLISHED for name in primaries)]
    first += [by_key[key] for key in leading if key in by_key]
    taken |= {*leading}
    others = [column for column in analysis.columns if column.key not in taken]
    # The baseline is the first row of the table of arms.
    pinned = None if baseline_arm(plan) is None else 0
    tables = [Table("arms", f"Arms by {_titles(analysis) or 'outcomes'}", first, pinned=pinned)]
    if others:
        title = "Everything else that was measured"
        shown = without_empty_rows([by_key["arm"], *others])
        tables.append(Table("measures", title, shown, pinned=pinned))
    return tables


def _of_primary(
    numbers: Column | None, effect: Column | None, p: Column | None, verdict: Column | None
) -> Iterator[Column]:
    """The numbers of a metric, and effect, p and verdict as one column.

    So those of two metrics stand side by side.
    """
    if numbers is not None:
        yield numbers
    if effect is None:
        return
    cells = []
    for place, cell in enumerate(effect.cells):
        said = Cell("") if verdict is None else verdict.cells[place]
        number = "" if p is None else p.cells[place].text
        holm = f"p {number}" if number not in ("", MISSING) else ""
        word, _, exact = said.text.replace(MISSING, "").partition(", exact ")
        facts = [exact and f"exact {exact}", holm]
        if said.kind in (None, SAME, UNDECIDED, UNTESTED):  # a p that decides nothing
            shown = Cell(", ".join(filter(None, [cell.text, *facts])))
            shown = replace(shown, text=word, end=shown.text, kind=said.kind) if word else shown
        else:
            shown = Cell(", ".join(filter(None, [word, *facts])), cell.text, said.kind)
        cells.append(replace(shown, sort=cell.sort))
    title = effect.title if p is None else f"{effect.title}, {p.title}"
    yield replace(effect, title=title.replace(" %", "\N{NO-BREAK SPACE}%"), cells=cells)


def _outcome_rows(table: pd.DataFrame, plan: Design) -> list[OutcomeRow]:
    """Every arm's outcomes; arms without a complete trial have none."""
    baseline = baseline_arm(plan)
    rows = []
    for _, row in table.iterrows():
        counts = [(name.replace("_", " "), int(row[f"n_{name}"])) for name in ALL_OUTCOMES]
        complete, failed = int(row["n_complete"]), int(row["n_failed"])
        pending = int(row["n_planned"]) - complete - failed
        others = [f"{failed} failed to run"] if failed else []
        others += [f"{pending} not yet complete"] if pending else []
        pinned = baseline is not None and row["arm"] == baseline.name
        present = [(name, count) for name, count in counts if count]
        rows.append(OutcomeRow(str(row["arm"]), present, complete, ", ".join(others), pinned))
    return rows


@dataclass(frozen=True)
class ClassRow:
    """An arm's mean share of each class over `n` replicates; `largest` names the largest one."""

    arm: str
    shares: list[float]
    n: int
    largest: int
    pinned: bool


def class_rows(trials: pd.DataFrame, plan: Design) -> list[ClassRow]:
    """The shares of the classes of each arm that has them, in the order of the table."""
    columns = [f"class_share_{label}" for label in range(CLASSES)]
    if not set(columns) <= plan.columns.keys():
        return []
    rows, baseline = [], baseline_arm(plan)
    for arm in arms_in_order(plan):
        shares = trials.loc[trials["arm"] == arm.name, columns].dropna()
        means = [float(mean) for mean in shares.mean()]
        if len(shares):
            largest, pinned = means.index(max(means)), arm is baseline
            rows.append(ClassRow(arm.name, means, len(shares), largest, pinned))
    return rows


def _claims_table(judgements: Sequence[Judgement], alpha: float) -> Table | None:
    """What the source said, and what became of it at that level; None: it claims nothing."""
    if not judgements:
        return None
    says = [Cell(j.says, ", ".join(j.arms), sort=j.says) for j in judgements]
    verdicts = [
        Cell(
            verdict_text(j.verdict, j.reach, j.reach_of),
            firm_text(j.margins) if j.margins else "",
            kind=verdict_kind(j.verdict),
            sort=j.verdict,
        )
        for j in judgements
    ]
    numbers = [Cell(j.numbers or MISSING, j.because or "", sort=j.numbers) for j in judgements]
    columns = [
        text_column("Claim", [judgement.id for judgement in judgements], left=True),
        Column("What is claimed", says, left=True),
        text_column(
            "Tested by", [judgement.tested_by or None for judgement in judgements], left=True
        ),
        Column("Verdict", verdicts, left=True),
        Column("Numbers", numbers, left=True),
        text_column("n", [judgement.n or None for judgement in judgements], left=True),
    ]
    title = f"Judged at the budget {judgements[0].budget}, at a level of {percent(alpha)}"
    return Table("claims", title, columns)


def trials_table(trials: pd.DataFrame, plan: Design, seconds: Mapping[str, float]) -> Table:
    """Every trial, by the id that its folder and its MLflow run have.

    Args:
        trials: As `trials_frame` gives it.
        plan: The plan that they are of.
        seconds: trial_id -> wall seconds, where known.
    """
    early = [early_text(row) for _, row in trials.iterrows()]
    columns = [
        _texts("Arm", trials["arm"]),
        replace(_texts("Replicate", trials["replicate"]), left=False, numeric=True),
        _texts("State", trials["state"]),
        _texts("Outcome", trials["outcome"], early),
        _numbers("Seconds", map(seconds.get, trials["trial_id"])),
        _texts("Trial", trials["trial_id"]),
    ]
    columns[4:4] = [
        _numbers(plan.columns[name].title, trials[name]) for name in primary_columns(plan)
    ]
    shown = [column for column in columns if any(cell.text != MISSING for cell in column.cells)]
    if not isinstance(plan, Plan):
        return Table("trials", "Every run", shown)
    return Table("trials", "Every trial of the plan", columns)


def _texts(title: str, values: pd.Series, ends: Iterable[str] | None = None) -> Column:
    ends = [""] * len(values) if ends is None else ends
    cells = [
        Cell(MISSING, end) if pd.isna(value) else Cell(str(value), end, sort=str(value))
        for value, end in zip(values, ends, strict=True)
    ]
    return Column(title, cells, left=True)


def _numbers(title: str, values: Iterable[float | None]) -> Column:
    cells = []
    for value in values:
        if value is None or pd.isna(value):
            cells.append(Cell(MISSING))
        else:
            text = f"{value:.4g}" if abs(value) < 1000 else f"{value:,.0f}"
            cells.append(Cell(text, sort=repr(float(value))))
    return Column(title, cells, numeric=True)


# --- pictures ---


@dataclass(frozen=True)
class Picture:
    """A figure: its `name`, that in a menu, what it shows, and its data as `source`.

    `width` and `height` are pixels of what is shown of it. `stamp` holds n, budget and network of
    the features.
    """

    name: str
    short: str
    title: str
    alt: str
    source: str
    caption: str
    stamp: str
    width: int
    height: int


def _kinds_of_picture(analysis: Findings) -> list[tuple[str, str, str, str]]:
    """Name, that in a menu, title and text of every picture that there may be, in order."""
    plan, primary = analysis.plan, _titles(analysis) or "the primary metric"
    first = plan.columns[plan.primary].title if plan.primary in plan.columns else primary
    kinds = [
        (
            "forest", "Effects", f"What each arm changes in {primary}",
            f"Forest plot: the effect of each arm on {primary} with its interval and its verdict; "
            "the numbers stand in the table of arms",
        ),
        (
            "primary", "Replicates", f"{primary} of every replicate",
            f"Dot plot: {primary} of every replicate of each arm; the means stand in the table",
        ),
        (
            "losses", "Losses", "Losses",
            "Line charts, one for each arm: the losses of discriminator and generator over the "
            "images seen, the mean of the replicates within their range",
        ),
        (
            "loss_pairs", "Fluctuation", "How much the losses fluctuate",
            "Line charts, one for each arm: the losses of one replicate within the spread of "
            "their steps",
        ),
        (
            "over_time", "Over time", f"{first} during training",
            f"Line chart: {first} over the images seen, a line for each arm",
        ),
        ("samples", "Samples", "Samples", "Generated images, a row for each arm"),
    ]  # fmt: skip
    for name in plan.probes:
        for shows in PROBES[name].pictures.values():
            kinds.append((name, name.capitalize(), f"Probe: {name}", f"{shows}, for each arm"))
    return kinds


_OF_PRIMARY = ("forest", "primary", "over_time", "samples")
"""Pictures that show values of primary metrics."""


def _pictures(analysis: Findings, figures: Path) -> list[Picture]:
    """The pictures that the folder `figures` holds, in the page's order."""
    pictures = []
    for kind in _kinds_of_picture(analysis):
        path = figures / f"{kind[0]}.png"
        # The forest shows every replicate too.
        if path.exists() and not (kind[0] == "primary" and (figures / "forest.png").exists()):
            pictures.append(_picture(kind, analysis.plan, analysis.trials, path))
    return pictures


def _picture(
    kind: tuple[str, str, str, str], plan: Design, trials: pd.DataFrame, path: Path
) -> Picture:
    content = path.read_bytes()
    with Image.open(io.BytesIO(content)) as image:
        words, (width, height) = read_caption(image), image.size
    shown = primary_columns(plan) if kind[0] in _OF_PRIMARY else ()
    caption = ""
    if words is not None:
        # A picture's own caption is cut off where the page can set it in text; what holds for the
        # whole page is said once.
        caption, height = words.text, round(height * words.above)
        repeated = (coverage(trials, plan), *protocols(trials, plan, only=shown), execution(trials))
        for line in filter(None, repeated):
            caption = caption.replace(line, "").strip()
    n = low_to_high(complete_replicates(trials, plan).values())
    stamps = (reference_protocol(trials, plan, name) for name in shown)
    networks = dict.fromkeys(stamp.partition(",")[0] for stamp in stamps if stamp)
    budget = [f"budget {plan.budget}"] if plan.budget else []
    stamp = ", ".join([f"n = {n} an arm", *budget, *networks])
    source = "data:image/png;base64," + base64.b64encode(content).decode("ascii")
    return Picture(*kind, source, caption, f"({stamp}.)", width, height)

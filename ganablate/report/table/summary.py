"""What a study found, in a few sentences made from its verdicts, and what limits them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import pandas as pd

from ganablate.report.claims.judgement import Judgement
from ganablate.report.claims.sentences import ARITHMETIC, CLASSES, SMALLER, counts_of_sentences
from ganablate.report.design import Design
from ganablate.report.stats.comparison import MARGIN
from ganablate.report.stats.effects import EQUIVALENT, FAILS, ONE, OPEN
from ganablate.report.stats.working import NOT_WORKING, Working
from ganablate.report.table.cells import effect_text, mean_text
from ganablate.report.table.reference_rows import working_note
from ganablate.report.table.tables import (
    baseline_arm,
    judged_columns,
    of_primary,
    primary_columns,
)
from ganablate.report.table.verdict_style import VerdictKind, verdict_kind
from ganablate.study.plan import BASELINE, FULL, Plan
from ganablate.text import counted, low_to_high, percent
from ganablate.trials.outcome import FAILURES

_MOST_NAMES = 8
"""Arms that a sentence names; it says how many more there are."""
UNDECIDED = "Undecided"
"""How the sentence about arms without a verdict begins."""
_DIRECTIONS = {"min": "; lower is better", "max": "; higher is better", "none": ""}
_LEADS = {
    "better": "Better than {arm}{of}",
    "worse": "Worse than {arm}{of}",
    "lower": "Lower than {arm}{of}",
    "higher": "Higher than {arm}{of}",
    f"worse ({FAILS})": "Failing{of}",
    FAILS: "Failing{of}",
    EQUIVALENT: f"Equivalent to {{arm}}{{of}} within a factor of {MARGIN:g}",
    OPEN: UNDECIDED + "{of} at this n",
    NOT_WORKING: "Not judged{of}, since the baseline does not work",
    ONE: "One replicate{of}, so not tested",
}
"""How the sentence on a verdict begins, the clear verdicts first: against which arm, in what."""
_ENDINGS = {
    f"worse ({FAILS})": " Every replicate failed.",
    FAILS: " Every replicate failed.",
    OPEN: " That is not evidence of no effect.",
}

_PREFIXES = {SMALLER: "in smaller trainings ", ARITHMETIC: "by arithmetic "}


@dataclass(frozen=True)
class Sentence:
    """A finding: `lead` says it in short, `text` goes on, `topic` is what it is about.

    `kind` is that of its verdict, if any.
    """

    lead: str
    text: str
    kind: VerdictKind | None = None
    topic: str = ""


def summary(
    table: pd.DataFrame,
    plan: Design,
    judgements: Sequence[Judgement] = (),
    working: Mapping[str, Working] | None = None,
) -> list[Sentence]:
    """What to know before the table is read.

    Args:
        table: As `arm_table` gives it.
        plan: The plan that it is of.
        judgements: What became of the study's claims.
        working: Whether the arms work that others are compared with.
    """
    sentences = [
        *_baseline(table, plan),
        *_working(working or {}),
        *(x for name in judged_columns(table, plan) for x in _verdicts(table, plan, name)),
        *_noise(table, plan),
        *(_outcomes(table) if isinstance(plan, Plan) else ()),
        *_claims(judgements),
    ]
    if pairs := sorted(set(plan.substitutes.values())):
        swaps = "; ".join(f"{here} stands in for {source}" for source, here in pairs)
        text = f"At this budget {swaps}: claims about the latter alone are left open."
        sentences.append(Sentence("Other data.", text, topic="data"))
    sentences += _limits(table, plan)
    planned, complete = int(table["n_planned"].sum()), int(table["n_complete"].sum())
    if complete < planned:
        text = f"{complete} of {counted(planned, 'trial')} are complete."
        sentences.append(Sentence("Not finished.", text, topic="unfinished"))
    return sentences


def _listed(parts: Sequence[str]) -> str:
    more = len(parts) - _MOST_NAMES
    return ", ".join(parts[:_MOST_NAMES]) + (f", and {more} more" if more > 0 else "")


def _rows(table: pd.DataFrame) -> list[pd.Series]:
    return [row for _, row in table.iterrows()]


def _baseline(table: pd.DataFrame, plan: Design) -> Iterator[Sentence]:
    """What the baseline has in the primary metrics, or that there is none."""
    columns, baseline = primary_columns(plan), baseline_arm(plan)
    if not columns:
        return
    titles = " and ".join(plan.columns[name].title for name in columns)
    better = _better(columns, plan)
    if baseline is None:
        lead, text = "No baseline.", f"The arms stand side by side, by their {titles}{better}."
        yield Sentence(lead, text, topic="baseline")
        return
    row = table[table["arm"] == baseline.name].iloc[0]
    name = "Baseline" if baseline.name == BASELINE else f"Baseline, the arm {baseline.name}"
    measured = [column for column in columns if row[column + "_n"]]
    if not measured:
        text = f"{row['n_complete']} of {row['n_planned']} trials complete."
        yield Sentence(f"{name}: no {titles}.", text, topic="baseline")
        return
    numbers = [f"{plan.columns[column].title} {mean_text(row, column)}" for column in measured]
    counts = [int(row[column + "_n"]) for column in measured]
    better = _better(measured, plan)
    text = f"(mean ± standard deviation, n = {low_to_high(counts)}{better})."
    if max(counts) == 1:
        text = f"(one trial, so without a spread{better})."
    yield Sentence(f"{name}: {', '.join(numbers)}", text, topic="baseline")


def _working(working: Mapping[str, Working]) -> Iterator[Sentence]:
    """A sentence for each arm compared with that does not work, or of which that is not known."""
    for name, state in working.items():
        lead, _, text = working_note(name, state).partition(": ")
        if state.works is None:
            yield Sentence(f"{lead}:", text, topic="working")
        elif not state.works:
            yield Sentence(f"{lead}:", text, verdict_kind(f"worse ({FAILS})"), "not working")


def _better(columns: Sequence[str], plan: Design) -> str:
    """`; lower is better`; of several metrics `; lower FID and higher Recall are better`."""
    if len(columns) == 1:
        return _DIRECTIONS[plan.columns[columns[0]].direction]
    words = {"min": "lower", "max": "higher"}
    parts = [
        f"{words[column.direction]} {column.title}"
        for column in (plan.columns[name] for name in columns)
        if column.direction in words
    ]
    return f"; {' and '.join(parts)} {'are' if len(parts) > 1 else 'is'} better" if parts else ""


def _verdicts(table: pd.DataFrame, plan: Design, column: str) -> Iterator[Sentence]:
    """One sentence for each verdict that was given in a primary metric, the clear ones first.

    Beside another such metric each sentence says which one it is about.
    """
    title = plan.columns[column].title if len(judged_columns(table, plan)) > 1 else None
    table = of_primary(table, plan, column)
    compared = table[table["compared_to"].notna()]
    null = [arm.name for arm in plan.arms if arm.null]
    judged = compared[compared["verdict"].notna() & ~compared["arm"].isin(null)]
    names = [arm.name for arm in plan.arms if arm.compare_to is not None and not arm.null]
    total = counted(len(names), "arm")
    references = [str(name) for name in compared["compared_to"].unique()]
    reference = references[0] if len(references) == 1 else None
    ranks = {verdict: place for place, verdict in enumerate(_LEADS)}
    verdicts = sorted(map(str, judged["verdict"].unique()))
    for verdict in sorted(verdicts, key=lambda verdict: ranks.get(verdict, len(ranks))):
        rows = sorted(_rows(judged[judged["verdict"] == verdict]), key=_strength, reverse=True)
        effects = _listed([_with_effect(row, elsewhere=reference is None) for row in rows])
        yield Sentence(
            f"{_lead(verdict, reference, title)}: {len(rows)} of {total}.",
            f"{effects}.{_ENDINGS.get(verdict, '')}",
            verdict_kind(verdict),
            "verdict",
        )
    if others := [name for name in names if name not in set(judged["arm"])]:
        text = f"{_listed(others)}: no number yet, or one of another protocol or criterion."
        lead = f"Not compared{_of(title)}: {len(others)} of {total}."
        yield Sentence(lead, text, verdict_kind(""), "verdict")


def _noise(table: pd.DataFrame, plan: Design) -> Iterator[Sentence]:
    null = [arm.name for arm in plan.arms if arm.null]
    rows = _rows(table[table["arm"].isin(null)])
    columns = judged_columns(table, plan)
    if not columns or not rows:
        return
    several = len(columns) > 1
    parts = []
    for column in columns:
        effects = _listed(
            [
                _with_effect(row)
                for row in _rows(of_primary(table, plan, column))
                if row["arm"] in null
            ]
        )
        parts.append(f"{plan.columns[column].title} of {effects}" if several else effects)
    text = f"An arm that changes nothing but the seeds: {'; '.join(parts)}."
    yield Sentence("Noise.", text, topic="noise")


def _of(title: str | None) -> str:
    return "" if title is None else f" in {title}"


def _lead(verdict: str, reference: str | None, title: str | None) -> str:
    """The verdict, against which arm, where it is the same for all, and in which metric."""
    lead = _LEADS.get(verdict, verdict.capitalize() + "{of}")
    if reference is None:
        lead = lead.replace(" than {arm}", "").replace(" to {arm}", "")
    arm = f"the {reference}" if reference == BASELINE else reference
    return lead.format(arm=arm, of=_of(title))


def _strength(row: pd.Series) -> float:
    if pd.isna(row["effect"]):
        return float("inf")
    effect = float(row["effect"])
    return max(effect, 1 / effect) if row["effect_scale"] == "ratio" else abs(effect)


def _with_effect(row: pd.Series, *, elsewhere: bool = False) -> str:
    name = f"{row['arm']} against {row['compared_to']}" if elsewhere else str(row["arm"])
    fails = not pd.isna(row["effect_fails_p"]) and FAILS not in str(row["verdict"])
    facts = [effect_text(row), "all fail" if fails else None]
    text = ", ".join(filter(None, facts))
    return f"{name} ({text})" if text else name


def _outcomes(table: pd.DataFrame) -> Iterator[Sentence]:
    complete = int(table["n_complete"].sum())
    if not complete:
        return
    counts = {name: table[f"n_{name}"].fillna(0).astype(int) for name in ("ok", *FAILURES)}
    parts = []
    for name in FAILURES:
        rates = [
            f"{row['arm']} {n}/{row['n_complete']}"
            for row, n in zip(_rows(table), counts[name], strict=True)
            if n
        ]
        if rates:
            parts.append(f"{counts[name].sum()} {name} ({_listed(rates)})")
    unknown = complete - sum(int(numbers.sum()) for numbers in counts.values())
    trials, ok = counted(complete, "complete trial"), int(counts["ok"].sum())
    if unknown == complete:
        text = "no trial diverged; whether they failed otherwise is unknown."
    elif not unknown and not parts:
        text = f"all {trials} ended ok."
    else:
        first = [f"{ok} of {trials} ok"] if ok else []
        last = [f"{unknown} not assessed"] if unknown else []
        text = f"{'; '.join([*first, *parts, *last])}."
    yield Sentence("Outcomes:", text, topic="outcomes")


def _claims(judgements: Sequence[Judgement]) -> Iterator[Sentence]:
    """How many sentences of the source have each verdict."""
    if not judgements:
        return
    counts = counts_of_sentences((judgement.says, judgement.verdict) for judgement in judgements)
    parts = []
    for name, verdicts in CLASSES.items():
        present = [f"{counts[name][x]} {x}" for x in verdicts if counts[name][x]]
        if present:
            parts.append(_PREFIXES.get(name, "") + ", ".join(present))
    budget = judgements[0].budget
    at = "" if budget == FULL else f", at the budget {budget}"
    sentences = counted(len({judgement.says for judgement in judgements}), "sentence")
    yield Sentence(f"{sentences} of the source{at}:", f"{'; '.join(parts)}.", topic="claims")


def _limits(table: pd.DataFrame, plan: Design) -> Iterator[Sentence]:
    """How far this can be trusted: n, what the intervals resolve, and the budget."""
    counts = [int(count) for count in table["n_complete"] if count]
    if not counts:
        return
    text = f"n = {low_to_high(counts)} an arm"
    columns = judged_columns(table, plan)
    for column in columns:
        view = of_primary(table, plan, column)
        ratios = view[(view["effect_scale"] == "ratio").fillna(False) & (view["effect_low"] > 0)]
        # The factor from the middle of each interval of ratios to its ends.
        reaches = (ratios["effect_high"] / ratios["effect_low"]).dropna() ** 0.5
        if len(reaches):
            level = percent(float(view["effect_level"].dropna().iloc[0]))
            of = f" of {plan.columns[column].title}" if len(columns) > 1 else ""
            text += (
                f"; the {level} intervals{of} typically reach a factor of {median(reaches):.2f} to "
                "either side, so smaller effects mostly stay undecided"
            )
    if plan.budget not in (None, FULL):
        text += (
            f". Budget {plan.budget}: a reduced form of the study; what holds here need not hold "
            "at its full size"
        )
    yield Sentence("How far to trust this.", f"{text}.", topic="limits")

"""What a study found, in a few sentences made from its verdicts, and what limits them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import pandas as pd

from ganablate.report.claims.judgement import VERDICTS, Judgement
from ganablate.report.stats.comparison import MARGIN
from ganablate.report.stats.effects import EQUIVALENT, FAILS, ONE, OPEN
from ganablate.report.stats.working import NOT_WORKING, Working
from ganablate.report.table.cells import effect_text, mean_text
from ganablate.report.table.reference_rows import working_note
from ganablate.report.table.tables import baseline_arm, primary_column
from ganablate.report.table.verdict_style import VerdictKind, verdict_kind
from ganablate.study.plan import BASELINE, FULL, Plan
from ganablate.text import counted, low_to_high, percent
from ganablate.trials.outcome import FAILURES

_MOST_NAMES = 8
"""Arms that a sentence names; it says how many more there are."""
UNDECIDED = "Undecided at this n"
"""How the sentence about arms without a verdict begins."""
_DIRECTIONS = {"min": "; lower is better", "max": "; higher is better", "none": ""}
_LEADS = {
    "better": "Better than {}",
    "worse": "Worse than {}",
    "lower": "Lower than {}",
    "higher": "Higher than {}",
    f"worse ({FAILS})": "Failing",
    FAILS: "Failing",
    EQUIVALENT: f"Equivalent to {{}} within a factor of {MARGIN:g}",
    OPEN: UNDECIDED,
    NOT_WORKING: "Not judged, since the baseline does not work",
    ONE: "One replicate, so not tested",
}
"""How the sentence on a verdict begins, the clear verdicts first; {} is the arm compared with."""
_ENDINGS = {
    f"worse ({FAILS})": " Every replicate failed.",
    FAILS: " Every replicate failed.",
    OPEN: " That is not evidence of no effect.",
}


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
    plan: Plan,
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
        *_verdicts(table, plan),
        *_noise(table, plan),
        *_outcomes(table),
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


def _baseline(table: pd.DataFrame, plan: Plan) -> Iterator[Sentence]:
    column, baseline = primary_column(plan), baseline_arm(plan)
    if column is None:
        return
    title = plan.columns[column].title
    better = _DIRECTIONS[plan.columns[column].direction]
    if baseline is None:
        lead, text = "No baseline.", f"The arms stand side by side, by their {title}{better}."
    else:
        row = table[table["arm"] == baseline.name].iloc[0]
        name = "Baseline" if baseline.name == BASELINE else f"Baseline, the arm {baseline.name}"
        n = int(row[column + "_n"])
        lead = f"{name}: {title} {mean_text(row, column)}"
        if n > 1:
            text = f"(mean ± standard deviation, n = {n}{better})."
        elif n == 1:
            text = f"(one trial, so without a spread{better})."
        else:
            lead = f"{name}: no {title}."
            text = f"{row['n_complete']} of {row['n_planned']} trials complete."
    yield Sentence(lead, text, topic="baseline")


def _working(working: Mapping[str, Working]) -> Iterator[Sentence]:
    """A sentence for each arm compared with that does not work, or of which that is not known."""
    for name, state in working.items():
        lead, _, text = working_note(name, state).partition(": ")
        if state.works is None:
            yield Sentence(f"{lead}:", text, topic="working")
        elif not state.works:
            yield Sentence(f"{lead}:", text, verdict_kind(f"worse ({FAILS})"), "not working")


def _verdicts(table: pd.DataFrame, plan: Plan) -> Iterator[Sentence]:
    """One sentence for each verdict that was given, the clear ones first."""
    if "verdict" not in table:
        return
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
            f"{_lead(verdict, reference)}: {len(rows)} of {total}.",
            f"{effects}.{_ENDINGS.get(verdict, '')}",
            verdict_kind(verdict),
            "verdict",
        )
    if others := [name for name in names if name not in set(judged["arm"])]:
        text = f"{_listed(others)}: no number yet, or one of another protocol or criterion."
        lead = f"Not compared: {len(others)} of {total}."
        yield Sentence(lead, text, verdict_kind(""), "verdict")


def _noise(table: pd.DataFrame, plan: Plan) -> Iterator[Sentence]:
    null = [arm.name for arm in plan.arms if arm.null]
    rows = _rows(table[table["arm"].isin(null)])
    if "effect" in table and rows:
        text = _listed([_with_effect(row) for row in rows])
        text = f"An arm that changes nothing but the seeds: {text}."
        yield Sentence("Noise.", text, topic="noise")


def _lead(verdict: str, reference: str | None) -> str:
    """The verdict, and against which arm, where it is the same for all."""
    lead = _LEADS.get(verdict, verdict.capitalize())
    if reference is None:
        return lead.replace(" than {}", "").replace(" to {}", "")
    return lead.format(f"the {reference}" if reference == BASELINE else reference)


def _strength(row: pd.Series) -> float:
    if pd.isna(row["effect"]):
        return float("inf")
    effect = float(row["effect"])
    return max(effect, 1 / effect) if row["effect_scale"] == "ratio" else abs(effect)


def _with_effect(row: pd.Series, *, elsewhere: bool = False) -> str:
    name = f"{row['arm']} against {row['compared_to']}" if elsewhere else str(row["arm"])
    text = effect_text(row)
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
    if not judgements:
        return
    verdicts = [judgement.verdict for judgement in judgements]
    counts = "; ".join(f"{verdicts.count(v)} {v}" for v in VERDICTS if v in verdicts)
    budget = judgements[0].budget
    at = "" if budget == FULL else f", at the budget {budget}"
    lead = f"{counted(len(judgements), 'claim')} of the source{at}:"
    yield Sentence(lead, f"{counts}.", topic="claims")


def _limits(table: pd.DataFrame, plan: Plan) -> Iterator[Sentence]:
    """How far this can be trusted: n, what the intervals resolve, and the budget."""
    counts = [int(count) for count in table["n_complete"] if count]
    if not counts:
        return
    text = f"n = {low_to_high(counts)} an arm"
    if "effect_low" in table:
        ratios = table[(table["effect_scale"] == "ratio").fillna(False) & (table["effect_low"] > 0)]
        # The factor from the middle of each interval of ratios to its ends.
        reaches = (ratios["effect_high"] / ratios["effect_low"]).dropna() ** 0.5
        if len(reaches):
            level = percent(float(table["effect_level"].dropna().iloc[0]))
            text += (
                f"; the {level} intervals typically reach a factor of {median(reaches):.2f} to "
                "either side, so smaller effects mostly stay undecided"
            )
    if plan.budget != FULL:
        text += (
            f". Budget {plan.budget}: a reduced form of the study; what holds here need not hold "
            "at its full size"
        )
    yield Sentence("How far to trust this.", f"{text}.", topic="limits")

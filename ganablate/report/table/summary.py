"""What a study found, in a few sentences made from its verdicts, and what limits them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import median

import pandas as pd

from ganablate.report.claims.judgement import VERDICTS, Judgement
from ganablate.report.stats.comparison import MARGIN
from ganablate.report.stats.effects import EQUIVALENT, FAILS, ONE, OPEN
from ganablate.report.table.captions import primary_column
from ganablate.report.table.columns import cell_text
from ganablate.report.table.effect_wording import effect_text
from ganablate.report.table.tables import baseline_arm
from ganablate.report.table.verdict_style import VerdictKind, verdict_kind
from ganablate.study.plan import BASELINE, FULL, Plan
from ganablate.text import counted, percent
from ganablate.trials.outcome import FAILURES

_MOST_NAMES = 8
"""Arms that a sentence names; it says how many more there are."""
UNDECIDED = "Undecided at this n"
"""How the sentence about arms without a verdict begins."""
_DIRECTIONS = {"min": "; lower is better", "max": "; higher is better", "none": ""}


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
    table: pd.DataFrame, plan: Plan, judgements: Sequence[Judgement] = ()
) -> list[Sentence]:
    """What to know before the table is read.

    Args:
        table: As `arm_table` gives it.
        plan: The plan that it is of.
        judgements: What became of the study's claims.
    """
    found: list[tuple[str, Sentence | None]] = [
        ("baseline", _baseline(table, plan)),
        *(("verdict", one) for one in _verdicts(table, plan)),
        ("noise", _noise(table, plan)),
        ("outcomes", _outcomes(table)),
        ("claims", _claims(judgements)),
        ("data", _substitutes(plan)),
        ("limits", _limits(table, plan)),
        ("unfinished", _pending(table)),
    ]
    return [replace(sentence, topic=topic) for topic, sentence in found if sentence is not None]


def _listed(parts: Sequence[str]) -> str:
    shown = list(parts[:_MOST_NAMES])
    more = len(parts) - len(shown)
    return ", ".join(shown) + (f", and {more} more" if more else "")


def _rows(table: pd.DataFrame) -> list[pd.Series]:
    return [row for _, row in table.iterrows()]


def _baseline(table: pd.DataFrame, plan: Plan) -> Sentence | None:
    column, baseline = primary_column(plan), baseline_arm(plan)
    if column is None:
        return None
    title = plan.columns[column].title
    better = _DIRECTIONS[plan.columns[column].direction]
    if baseline is None:
        return Sentence("No baseline.", f"The arms stand side by side, by their {title}{better}.")
    row = table[table["arm"] == baseline.name].iloc[0]
    name = "Baseline" if baseline.name == BASELINE else f"Baseline, the arm {baseline.name}"
    if pd.isna(row[column]):
        return Sentence(
            f"{name}: no {title}.", f"{row['n_complete']} of {row['n_planned']} trials complete."
        )
    n = int(row[column + "_n"])
    spread = "mean ± standard deviation" if n > 1 else "one trial, so without a spread"
    over = f", n = {n}" if n > 1 else ""
    return Sentence(f"{name}: {title} {cell_text(row, column)}", f"({spread}{over}{better}).")


def _verdicts(table: pd.DataFrame, plan: Plan) -> list[Sentence]:
    """One sentence for each verdict that was given, the clear ones first."""
    if "verdict" not in table:
        return []
    compared = table[table["compared_to"].notna()]
    null = {arm.name for arm in plan.arms if arm.null}
    judged = compared[compared["verdict"].notna() & ~compared["arm"].isin(null)]
    total = sum(arm.compare_to is not None and not arm.null for arm in plan.arms)
    others = {str(name) for name in compared["compared_to"]}
    other = next(iter(others)) if len(others) == 1 else None
    sentences = []
    for verdict in sorted({str(one) for one in judged["verdict"]}, key=_rank):
        rows = _strongest_first(judged[judged["verdict"] == verdict])
        lead = f"{_lead(verdict, other)}: {len(rows)} of {counted(total, 'arm')}."
        names = _listed([_with_effect(row, elsewhere=other is None) for row in rows])
        text = f"{names}.{_ENDINGS.get(verdict, '')}"
        sentences.append(Sentence(lead, text, verdict_kind(verdict)))
    unjudged = [
        arm.name
        for arm in plan.arms
        if arm.compare_to is not None and not arm.null and arm.name not in set(judged["arm"])
    ]
    if unjudged:
        text = f"{_listed(unjudged)}: no number yet, or one of another protocol or criterion."
        lead = f"Not compared: {len(unjudged)} of {counted(total, 'arm')}."
        sentences.append(Sentence(lead, text, verdict_kind("")))
    return sentences


_LEADS = {
    "better": "Better",
    "worse": "Worse",
    "lower": "Lower",
    "higher": "Higher",
    f"worse ({FAILS})": "Failing",
    FAILS: "Failing",
    EQUIVALENT: "Equivalent",
    OPEN: UNDECIDED,
    ONE: "One replicate, so not tested",
}
_ENDINGS = {
    f"worse ({FAILS})": " Every replicate failed.",
    FAILS: " Every replicate failed.",
    OPEN: " That is not evidence of no effect.",
}


def _lead(verdict: str, other: str | None) -> str:
    """The verdict, and against which arm, where it is the same for all."""
    lead = _LEADS.get(verdict, verdict.capitalize())
    name = f"the {other}" if other == BASELINE else other
    if name is not None and verdict in ("better", "worse", "lower", "higher"):
        lead += f" than {name}"
    if verdict == EQUIVALENT:
        lead += f"{f' to {name}' if name else ''} within a factor of {MARGIN:g}"
    return lead


def _rank(verdict: str) -> tuple[int, str]:
    order = list(_LEADS)
    return (order.index(verdict) if verdict in order else len(order), verdict)


def _strongest_first(rows: pd.DataFrame) -> list[pd.Series]:
    def strength(row: pd.Series) -> float:
        if pd.isna(row["effect"]):
            return float("inf")
        effect = float(row["effect"])
        ratio = row["effect_scale"] == "ratio"
        return max(effect, 1 / effect) if ratio else abs(effect)

    return sorted(_rows(rows), key=strength, reverse=True)


def _with_effect(row: pd.Series, *, elsewhere: bool = False) -> str:
    name = f"{row['arm']} against {row['compared_to']}" if elsewhere else str(row["arm"])
    text = effect_text(row)
    return f"{name} ({text})" if text else name


def _noise(table: pd.DataFrame, plan: Plan) -> Sentence | None:
    null = [arm.name for arm in plan.arms if arm.null]
    rows = _rows(table[table["arm"].isin(null)])
    if "effect" not in table or not rows:
        return None
    text = _listed([_with_effect(row) for row in rows])
    return Sentence("Noise.", f"An arm that changes nothing but the seeds: {text}.")


def _outcomes(table: pd.DataFrame) -> Sentence | None:
    complete = int(table["n_complete"].sum())
    if not complete:
        return None
    parts = []
    for name in FAILURES:
        rows = [row for row in _rows(table) if pd.notna(row[f"n_{name}"]) and row[f"n_{name}"]]
        if rows:
            of = _listed([f"{row['arm']} {row[f'n_{name}']}/{row['n_complete']}" for row in rows])
            parts.append(f"{sum(int(row[f'n_{name}']) for row in rows)} {name} ({of})")
    ok = int(table["n_ok"].fillna(0).sum())
    unknown = complete - ok - sum(int(table[f"n_{name}"].fillna(0).sum()) for name in FAILURES)
    if unknown == complete:
        return Sentence("Outcomes:", "no trial diverged; whether they failed otherwise is unknown.")
    if unknown:
        parts.append(f"{unknown} not assessed")
    if not parts:
        return Sentence("Outcomes:", f"all {counted(complete, 'complete trial')} ended ok.")
    said = f"{ok} of {counted(complete, 'complete trial')} ok; " if ok else ""
    return Sentence("Outcomes:", f"{said}{'; '.join(parts)}.")


def _claims(judgements: Sequence[Judgement]) -> Sentence | None:
    if not judgements:
        return None
    counts = {verdict: sum(one.verdict == verdict for one in judgements) for verdict in VERDICTS}
    said = "; ".join(f"{n} {verdict}" for verdict, n in counts.items() if n)
    budget = judgements[0].budget
    at = "" if budget == FULL else f", at the budget {budget}"
    return Sentence(f"{counted(len(judgements), 'claim')} of the source{at}:", f"{said}.")


def _substitutes(plan: Plan) -> Sentence | None:
    pairs = sorted(set(plan.substitutes.values()))
    if not pairs:
        return None
    said = "; ".join(f"{here} stands in for {there}" for there, here in pairs)
    return Sentence(
        "Other data.", f"At this budget {said}: claims about the latter alone are left open."
    )


def _limits(table: pd.DataFrame, plan: Plan) -> Sentence | None:
    """How far this can be trusted: n, what the intervals resolve, and the budget."""
    n = _span(int(count) for count in table["n_complete"] if count)
    if n is None:
        return None
    parts = [f"n = {n} an arm"]
    factors = [
        float((row["effect_high"] / row["effect_low"]) ** 0.5)
        for row in _rows(table)
        if "effect_low" in table and _has_ratios(row)
    ]
    if factors:
        level = percent(float(table["effect_level"].dropna().iloc[0]))
        parts[0] += (
            f"; the {level} intervals typically reach a factor of {median(factors):.2f} to either "
            "side, so smaller effects mostly stay undecided"
        )
    if plan.budget != FULL:
        parts.append(
            f"Budget {plan.budget}: a reduced form of the study; what holds here need not hold at "
            "its full size"
        )
    return Sentence("How far to trust this.", ". ".join(parts) + ".")


def _has_ratios(row: pd.Series) -> bool:
    ends = (row["effect_low"], row["effect_high"])
    known = pd.notna(row["effect_scale"]) and row["effect_scale"] == "ratio"
    return bool(known and not any(pd.isna(end) for end in ends) and ends[0] > 0)


def _span(counts: Iterable[int]) -> str | None:
    known = sorted(counts)
    if not known:
        return None
    return f"{known[0]}" if known[0] == known[-1] else f"{known[0]} to {known[-1]}"


def _pending(table: pd.DataFrame) -> Sentence | None:
    planned, complete = int(table["n_planned"].sum()), int(table["n_complete"].sum())
    if complete == planned:
        return None
    return Sentence("Not finished.", f"{complete} of {counted(planned, 'trial')} are complete.")

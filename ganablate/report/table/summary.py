"""What a study found, in a few sentences made from its verdicts, and what limits them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

import pandas as pd

from ganablate.report.claims.judgement import VERDICTS, Judgement
from ganablate.report.stats.comparison import MARGIN
from ganablate.report.stats.effects import EQUIVALENT, FAILS, ONE, OPEN
from ganablate.report.table.cells import effect_text, mean_text
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
"""How the sentence on a verdict begins, the clear verdicts first."""
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
    table: pd.DataFrame, plan: Plan, judgements: Sequence[Judgement] = ()
) -> list[Sentence]:
    """What to know before the table is read.

    Args:
        table: As `arm_table` gives it.
        plan: The plan that it is of.
        judgements: What became of the study's claims.
    """
    topics: list[tuple[str, Sentence | None]] = [
        ("baseline", _baseline(table, plan)),
        *(("verdict", sentence) for sentence in _verdicts(table, plan)),
        ("noise", _noise(table, plan)),
        ("outcomes", _outcomes(table)),
        ("claims", _claims(judgements)),
        ("data", _substitutes(plan)),
        ("limits", _limits(table, plan)),
        ("unfinished", _pending(table)),
    ]
    return [replace(sentence, topic=topic) for topic, sentence in topics if sentence is not None]


def _listed(parts: Sequence[str]) -> str:
    more = len(parts) - _MOST_NAMES
    return ", ".join(parts[:_MOST_NAMES]) + (f", and {more} more" if more > 0 else "")


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
    return Sentence(f"{name}: {title} {mean_text(row, column)}", f"({spread}{over}{better}).")


def _verdicts(table: pd.DataFrame, plan: Plan) -> list[Sentence]:
    """One sentence for each verdict that was given, the clear ones first."""
    if "verdict" not in table:
        return []
    compared = table[table["compared_to"].notna()]
    null = {arm.name for arm in plan.arms if arm.null}
    judged = compared[compared["verdict"].notna() & ~compared["arm"].isin(null)]
    total = sum(arm.compare_to is not None and not arm.null for arm in plan.arms)
    references = [str(name) for name in compared["compared_to"].unique()]
    other = references[0] if len(references) == 1 else None
    sentences = []
    for verdict in sorted(map(str, judged["verdict"].unique()), key=_rank):
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
    counts = {name: int(table[f"n_{name}"].fillna(0).sum()) for name in ("ok", *FAILURES)}
    parts = [
        f"{counts[name]} {name} ({_listed(_rates(table, name))})"
        for name in FAILURES
        if counts[name]
    ]
    unknown = complete - sum(counts.values())
    if unknown == complete:
        return Sentence("Outcomes:", "no trial diverged; whether they failed otherwise is unknown.")
    if unknown:
        parts.append(f"{unknown} not assessed")
    trials = counted(complete, "complete trial")
    if not parts:
        return Sentence("Outcomes:", f"all {trials} ended ok.")
    ok = f"{counts['ok']} of {trials} ok; " if counts["ok"] else ""
    return Sentence("Outcomes:", f"{ok}{'; '.join(parts)}.")


def _rates(table: pd.DataFrame, outcome: str) -> list[str]:
    """`lr=0.1 2/5` of each arm with this outcome."""
    arms = table[table[f"n_{outcome}"].fillna(0) > 0]
    return [f"{row['arm']} {row[f'n_{outcome}']}/{row['n_complete']}" for row in _rows(arms)]


def _claims(judgements: Sequence[Judgement]) -> Sentence | None:
    if not judgements:
        return None
    verdicts = [judgement.verdict for judgement in judgements]
    counts = "; ".join(f"{verdicts.count(v)} {v}" for v in VERDICTS if v in verdicts)
    budget = judgements[0].budget
    at = "" if budget == FULL else f", at the budget {budget}"
    return Sentence(f"{counted(len(judgements), 'claim')} of the source{at}:", f"{counts}.")


def _substitutes(plan: Plan) -> Sentence | None:
    pairs = sorted(set(plan.substitutes.values()))
    if not pairs:
        return None
    swaps = "; ".join(f"{here} stands in for {there}" for there, here in pairs)
    return Sentence(
        "Other data.", f"At this budget {swaps}: claims about the latter alone are left open."
    )


def _limits(table: pd.DataFrame, plan: Plan) -> Sentence | None:
    """How far this can be trusted: n, what the intervals resolve, and the budget."""
    counts = [int(count) for count in table["n_complete"] if count]
    if not counts:
        return None
    parts = [f"n = {low_to_high(counts)} an arm"]
    reaches = _reaches(table)
    if reaches:
        level = percent(float(table["effect_level"].dropna().iloc[0]))
        parts[0] += (
            f"; the {level} intervals typically reach a factor of {median(reaches):.2f} to either "
            "side, so smaller effects mostly stay undecided"
        )
    if plan.budget != FULL:
        parts.append(
            f"Budget {plan.budget}: a reduced form of the study; what holds here need not hold at "
            "its full size"
        )
    return Sentence("How far to trust this.", ". ".join(parts) + ".")


def _reaches(table: pd.DataFrame) -> list[float]:
    """The factor from the middle of each interval of ratios to its ends."""
    if "effect_low" not in table:
        return []
    ratios = table[(table["effect_scale"] == "ratio").fillna(False) & (table["effect_low"] > 0)]
    return [
        float(reach) for reach in (ratios["effect_high"] / ratios["effect_low"]).dropna() ** 0.5
    ]


def _pending(table: pd.DataFrame) -> Sentence | None:
    planned, complete = int(table["n_planned"].sum()), int(table["n_complete"].sum())
    if complete == planned:
        return None
    return Sentence("Not finished.", f"{complete} of {counted(planned, 'trial')} are complete.")

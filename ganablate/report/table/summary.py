"""What a study found, in a few sentences made from its verdicts, and what limits them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import pandas as pd

from ganablate.report.claims.judgement import Judgement
from ganablate.report.claims.reach import WORDS, fraction, least_reach
from ganablate.report.claims.sentences import ARITHMETIC, CLASSES, SMALLER, counts_of_sentences
from ganablate.report.design import Design
from ganablate.report.stats.comparison import MARGIN
from ganablate.report.stats.effects import EQUIVALENT, FAILS, ONE, OPEN
from ganablate.report.stats.working import NOT_WORKING, Working
from ganablate.report.table.captions import UNKNOWN, settings_line
from ganablate.report.table.cells import effect_text
from ganablate.report.table.reference_rows import working_note
from ganablate.report.table.tables import (
    arm_title,
    baseline_arm,
    judged_columns,
    of_primary,
    primary_columns,
)
from ganablate.report.table.verdict_style import VerdictKind, verdict_kind
from ganablate.study.plan import FULL, Plan
from ganablate.text import counted, low_to_high, percent
from ganablate.trials.outcome import FAILURES

_MOST_NAMES = 8
"""Arms that a sentence names; it says how many more there are."""
_LEADS = {
    "better": "{arms} better than {arm}{of}.",
    "worse": "{arms} worse than {arm}{of}.",
    "lower": "{arms} lower than {arm}{of}.",
    "higher": "{arms} higher than {arm}{of}.",
    f"worse ({FAILS})": "{arms} failing{of}: every replicate failed.",
    FAILS: "{arms} failing{of}: every replicate failed.",
    EQUIVALENT: f"{{arms}} equivalent to {{arm}}{{of}}, within a factor of {MARGIN:g}.",
    OPEN: "{arms} undecided{of} at this n, which is not evidence of no effect.",
    NOT_WORKING: "{arms} without a verdict{of}.",
    ONE: "{arms} not tested{of}, with one replicate.",
}
"""The sentence on a verdict, the clear verdicts first: how many arms, against which, in what."""
_ENDINGS = {SMALLER: " in smaller trainings", ARITHMETIC: " by arithmetic"}


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
        *(x for name in judged_columns(table, plan) for x in _verdicts(table, plan, name)),
        *_noise(table, plan),
        *(_outcomes(table) if isinstance(plan, Plan) else ()),
        *_claims(judgements),
        *_working(working or {}),
        *_limits(table, plan),
        *(_about_study(plan) if isinstance(plan, Plan) else [Sentence("", UNKNOWN, topic="data")]),
    ]
    planned, complete = int(table["n_planned"].sum()), int(table["n_complete"].sum())
    if complete < planned:
        text = f"{complete} of {counted(planned, 'trial')} are complete."
        sentences.append(Sentence("Not finished:", text, topic="unfinished"))
    return sentences


def _about_study(plan: Plan) -> Iterator[Sentence]:
    """What was trained, and how it differs from the study at full size."""
    yield Sentence("", settings_line(plan), topic="data")
    if plan.budget != FULL:
        least = least_reach(plan, [arm.name for arm in plan.arms])
        share = f"{fraction(least.least)} of the {WORDS[least.least_of]} of the study at full size"
        share = share if least.least < 1 else "another form of the study than full"
        text = f"The budget {plan.budget} has {share}: what holds here need not hold there."
        yield Sentence("", text, topic="data")
    if pairs := sorted(set(plan.substitutes.values())):
        swaps = "; ".join(f"{here} stands in for {source}" for source, here in pairs)
        text = f"{swaps}, so claims about the latter alone are left open."
        yield Sentence("Other data:", text, topic="data")


def _listed(parts: Sequence[str]) -> str:
    more = len(parts) - _MOST_NAMES
    return ", ".join(parts[:_MOST_NAMES]) + (f", and {more} more" if more > 0 else "")


def _rows(table: pd.DataFrame) -> list[pd.Series]:
    return [row for _, row in table.iterrows()]


def _baseline(table: pd.DataFrame, plan: Design) -> Iterator[Sentence]:
    """That there is no baseline, or that it has no number yet."""
    columns, baseline = primary_columns(plan), baseline_arm(plan)
    if not columns:
        return
    titles = " and ".join(plan.columns[name].title for name in columns)
    if baseline is None:
        yield Sentence(
            "No baseline:", f"the arms stand side by side, by {titles}.", None, "verdict"
        )
        return
    row = table[table["arm"] == baseline.name].iloc[0]
    if not any(row[column + "_n"] for column in columns):
        planned = counted(int(row["n_planned"]), "trial")
        text = f"{row['n_complete']} of {planned} of {arm_title(baseline.name)} complete."
        yield Sentence(f"No {titles} to compare with:", text, topic="baseline")


def _working(working: Mapping[str, Working]) -> Iterator[Sentence]:
    """A sentence for each arm compared with: whether it works."""
    for name, state in working.items():
        lead, _, text = working_note(name, state).partition(": ")
        fails = state.works is False
        kind = verdict_kind(f"worse ({FAILS})") if fails else None
        yield Sentence(f"{lead}:", text, kind, "not working" if fails else "working")


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
    references = [str(name) for name in compared["compared_to"].unique()]
    reference = references[0] if len(references) == 1 else None
    ranks = {verdict: place for place, verdict in enumerate(_LEADS)}
    verdicts = sorted(map(str, judged["verdict"].unique()))
    for verdict in sorted(verdicts, key=lambda verdict: ranks.get(verdict, len(ranks))):
        rows = sorted(_rows(judged[judged["verdict"] == verdict]), key=_strength, reverse=True)
        effects = _listed([_with_effect(row, elsewhere=reference is None) for row in rows])
        yield Sentence(
            _lead(verdict, _share(len(rows), len(names)), reference, title),
            # Effects that tell poor generators apart are left to the table.
            "" if verdict == NOT_WORKING else f"{effects}.",
            verdict_kind(verdict),
            "verdict",
        )
    others = [name for name in names if name not in set(judged["arm"])]
    yield from _not_compared(others, len(names), title)


def _not_compared(names: Sequence[str], total: int, title: str | None) -> Iterator[Sentence]:
    if names:
        text = f"{_listed(names)}: no number yet, or one of another protocol or criterion."
        lead = f"{_share(len(names), total)} not compared{_of(title)}."
        yield Sentence(lead, text, verdict_kind(""), "verdict")


def _share(count: int, total: int) -> str:
    """`All 3 arms are`, `1 of 3 arms is`: with the verb."""
    verb = "is" if count == 1 else "are"
    return f"{'All' if 1 < count == total else f'{count} of'} {counted(total, 'arm')} {verb}"


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


def _lead(verdict: str, arms: str, reference: str | None, title: str | None) -> str:
    """The verdict, against which arm, where it is the same for all, and in which metric."""
    lead = _LEADS.get(verdict, f"{{arms}} {verdict}{{of}}.")
    other = "what each is compared with" if reference is None else arm_title(reference)
    return lead.format(arms=arms, arm=other, of=_of(title))


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
        text = f"all {trials} are ok."
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
            parts.append(", ".join(present) + _ENDINGS.get(name, ""))
    sentences = counted(len({judgement.says for judgement in judgements}), "claimed sentence")
    yield Sentence(f"{sentences}:", f"{'; '.join(parts)}.", topic="claims")


def _limits(table: pd.DataFrame, plan: Design) -> Iterator[Sentence]:
    """How sure the findings are: n, what the intervals resolve in each primary, and the level."""
    counts = [int(count) for count in table["n_complete"] if count]
    if not counts:
        return
    columns, reaches, level = judged_columns(table, plan), [], None
    for column in columns:
        view = of_primary(table, plan, column).dropna(subset=["effect_low", "effect_high"])
        if not len(view):
            continue
        level = percent(float(view["effect_level"].iloc[0]))
        of = f" in {plan.columns[column].title}" if len(columns) > 1 else ""
        if view["effect_scale"].iloc[0] == "ratio":
            # The factor from the middle of each interval to its ends.
            factors = view.loc[view["effect_low"] > 0, ["effect_low", "effect_high"]]
            factor = median((factors["effect_high"] / factors["effect_low"]) ** 0.5)
            reaches.append(f"a factor of {factor:.2f}{of}")
        else:
            half = median((view["effect_high"] - view["effect_low"]) / 2)
            reaches.append(f"{half:.2g}{of}")
    text = f"{counted(max(counts), 'replicate')} an arm"
    if min(counts) < max(counts):
        text = f"{low_to_high(counts)} replicates an arm"
    if reaches:
        text += f"; {level} intervals typically reach {' and '.join(reaches)} to either side"
    yield Sentence("", f"{text}.", topic="limits")

"""What a report says as plain values, for programs: numbers, effects, verdicts, notes.

Whatever is missing is None: neither NaN nor an infinity is in it, so that it is valid JSON.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from ganablate.report.findings import Findings
from ganablate.report.frames.trials import PROTOCOL
from ganablate.report.stats.comparison import finite
from ganablate.report.stats.effects import StudyEffects
from ganablate.report.table.tables import ALL_OUTCOMES, primary_columns


@dataclass(frozen=True)
class Number:
    """What an arm's replicates measured: `n` of them, whose `sd` is missing where n is 1.

    `protocol` is how it was measured; that of several ones names each.
    """

    mean: float | None
    sd: float | None
    n: int
    protocol: str | None


@dataclass(frozen=True)
class JudgedEffect:
    """An effect with its interval at `level`, on the scale "ratio" or "difference".

    `p` and `equivalence_p` are corrected by Holm's method, `fails_p` is Fisher's exact one. `size`
    is in standard deviations. `verdict` is missing where the arm gets none.
    """

    effect: float | None
    low: float | None
    high: float | None
    level: float
    scale: str
    size: float | None
    p: float | None
    equivalence_p: float | None
    fails_p: float | None
    verdict: str | None


def number_of(analysis: Findings, arm: str, column: str) -> Number:
    """An arm's number in a column."""
    row, trials = analysis.row(arm), analysis.trials
    mean, sd = (None if pd.isna(row[key]) else finite(row[key]) for key in (column, f"{column}_sd"))
    stamps = None
    if column + PROTOCOL in trials:
        of_arm = trials[(trials["arm"] == arm) & (trials["state"] == "complete")]
        stamps = "; or ".join(sorted(set(map(str, of_arm[column + PROTOCOL].dropna()))))
    return Number(mean, sd, int(row[f"{column}_n"]), stamps or None)


def judged_effect(effects: StudyEffects | None, arm: str) -> JudgedEffect | None:
    """An arm's effect; None: it is compared with nothing."""
    if effects is None or arm not in effects.by_arm:
        return None
    effect = effects.by_arm[arm]
    return JudgedEffect(
        effect.estimate, effect.low, effect.high, round(1 - effects.alpha, 12), effects.scale,
        effect.size, effect.p, effect.equivalence_p, effect.fails_p, effect.verdict,
    )  # fmt: skip


def reach_facts(analysis: Findings, arm: str) -> dict[str, float] | None:
    """The shares of the training at `full` that an arm has; None: of all of it, or not known."""
    reach = analysis.plan.reach.get(arm)
    return None if reach is None else asdict(reach)


def report_facts(analysis: Findings) -> dict[str, Any]:
    """A report: every arm with its numbers and effects in the primary metrics, and all notes."""
    plan, primaries = analysis.plan, primary_columns(analysis.plan)
    states = analysis.trials["state"].value_counts()
    return {
        "study": plan.study,
        "budget": plan.budget,
        "asks": plan.asks,
        "level": round(1 - analysis.alpha, 12),
        "primaries": [
            {"metric": name, "title": column.title, "unit": column.unit}
            | {"direction": column.direction}
            for name, column in ((name, plan.columns[name]) for name in primaries)
        ],
        "trials": {"planned": len(plan.trials)}
        | {state: int(states.get(state, 0)) for state in ("complete", "failed")},
        "works": {name: asdict(working) for name, working in analysis.working.items()},
        "arms": [_arm(analysis, str(name), primaries) for name in analysis.table["arm"]],
        "summary": [f"{sentence.lead} {sentence.text}".strip() for sentence in analysis.summary],
        "notes": [*analysis.head, *analysis.notes, *analysis.notices],
    }


def _arm(analysis: Findings, name: str, primaries: tuple[str, ...]) -> Mapping[str, Any]:
    row, effects = analysis.row(name), {key: analysis.effects_on(key) for key in primaries}
    judged = {key: judged_effect(of_column, name) for key, of_column in effects.items()}
    arm = next(arm for arm in analysis.plan.arms if arm.name == name)
    return {
        "arm": name,
        "compared_to": arm.compare_to,
        **{key: int(row[key]) for key in ("n_planned", "n_complete", "n_failed")},
        "outcomes": {outcome: int(row[f"n_{outcome}"]) for outcome in ALL_OUTCOMES},
        "reach": reach_facts(analysis, name),
        "metrics": {
            key: asdict(number_of(analysis, name, key))
            | {"mark": None if pd.isna(row[f"{key}_mark"]) else str(row[f"{key}_mark"])}
            | {"against": None if effect is None else asdict(effect)}
            for key, effect in judged.items()
        },
    }

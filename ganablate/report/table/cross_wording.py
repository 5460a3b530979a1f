"""Main effects and interactions as a reader sees them: a section below the table of arms."""

import math

import pandas as pd

from ganablate.report.stats.cross import CrossEffect, CrossEffects, cross_effects, cross_table
from ganablate.report.stats.statistics import ALPHA
from ganablate.report.table.captions import MISSING, heading
from ganablate.report.table.columns import TextColumn
from ganablate.report.table.effect_wording import effect_text, p_text, significant
from ganablate.report.table.render import markdown_section
from ganablate.report.table.tables import marked_arms
from ganablate.study.plan import Plan
from ganablate.text import counted, percent


def _change(row: pd.Series) -> str:
    text = f"{row['factor']} {row['against']} to {row['level']}"
    if pd.isna(row["by_factor"]):
        return text
    return f"{text}, at {row['by_factor']} {row['by_level']} instead of {row['by_against']}"


def cross_columns(effects: CrossEffects) -> list[TextColumn]:
    """The columns of the section."""
    rows = [row for _, row in cross_table(effects).iterrows()]
    return [
        TextColumn("Change", [_change(row) for row in rows], left=True),
        TextColumn("Kind", [str(row["kind"]) for row in rows], left=True),
        TextColumn(
            f"Effect [{percent(1 - effects.alpha)}]", [effect_text(row) or MISSING for row in rows]
        ),
        TextColumn("p (Holm)", [p_text(row["effect_p"]) or MISSING for row in rows]),
    ]


def cross_notes(effects: CrossEffects, plan: Plan) -> list[str]:
    """How they were estimated, and where one factor at a time would mislead: one a paragraph."""
    title = plan.columns[effects.column].title
    mean = "geometric mean" if effects.scale == "ratio" else "mean"
    over, difference = ("over", "ratio") if effects.scale == "ratio" else ("less", "difference")
    text = (
        f"Main effect: {mean} {title} at a level {over} that at the level compared with, over all "
        f"levels of the other factors with equal weights. Interaction: {difference} of two such "
        "effects, at two levels of another factor."
    )
    families = (("main effect", effects.main), ("interaction", effects.interactions))
    counts = [(kind, sum(one.p is not None for one in found)) for kind, found in families]
    tested = [counted(count, kind) for kind, count in counts if count]
    if tested:
        text += (
            " Each interval is for itself alone (Welch-Satterthwaite). p (Holm): two-sided, "
            f"corrected over the {', apart from them over the '.join(tested)} tested."
        )
    lines = [text, *_warnings(effects, title)]
    if sum(len(levels) > 1 for levels in _factors(plan)) > 2:
        lines.append("Interactions of three factors are not estimated.")
    return lines + _missing(effects) + _shared(plan)


def _factors(plan: Plan) -> list[tuple[str, ...]]:
    return [] if plan.cross is None else list(plan.cross.factors.values())


def _warnings(effects: CrossEffects, title: str) -> list[str]:
    """One for each pair of factors with an interaction shown: its largest."""
    largest: dict[tuple[str, ...], CrossEffect] = {}
    for one in sorted(effects.shown, key=lambda one: _distance(one, effects)):
        largest[one.factors] = one
    if largest:
        return [_warning(one, effects, title) for one in largest.values()]
    if any(one.p is not None for one in effects.interactions):
        return ["No interaction is shown at this n; that does not show that there is none."]
    return []


def _distance(one: CrossEffect, effects: CrossEffects) -> float:
    assert one.estimate is not None
    return abs(math.log(one.estimate) if effects.scale == "ratio" else one.estimate)


def _warning(one: CrossEffect, effects: CrossEffects, title: str) -> str:
    assert one.at is not None
    factor, by = one.factors
    here, there = one.at
    if effects.scale == "ratio":
        verb, (first, second) = f"multiplies {title} by", (significant(x) for x in (here, there))
    else:
        verb, (first, second) = f"changes {title} by", (f"{x:+.3g}" for x in (here, there))
    return (
        f"Changing {factor} from {one.against[0]} to {one.levels[0]} {verb} {first} at "
        f"{by}={one.against[1]} and by {second} at {by}={one.levels[1]}: {factor} matters "
        f"differently at different {by}, and one factor at a time would mislead."
    )


def _missing(effects: CrossEffects) -> list[str]:
    gone = sum(bool(one.lacking) for one in (*effects.main, *effects.interactions))
    if not gone:
        return []
    cells = "; ".join(f"{name} ({why})" for name, why in effects.lacking.items())
    return [f"{MISSING}: needs a cell without a mean and a spread. Those are: {cells}."]


def _shared(plan: Plan) -> list[str]:
    cells = [] if plan.cross is None else list(plan.cross.cells.values())
    if len(set(cells)) == len(cells):
        return []
    return ["Cells that come to the same trials count in each of their places."]


def cross_section(
    trials: pd.DataFrame, table: pd.DataFrame, plan: Plan, *, alpha: float = ALPHA
) -> str:
    """The section in markdown; empty where the study crosses nothing."""
    effects = cross_effects(trials, plan, marked_arms(table, plan.primary), alpha=alpha)
    if effects is None:
        return ""
    title = f"Main effects and interactions: {heading(plan.columns[effects.column])}"
    return markdown_section(title, cross_columns(effects), cross_notes(effects, plan))

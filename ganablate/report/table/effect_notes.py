"""How effects were estimated and tested, and what the null arms show: notes below the table."""

from collections.abc import Iterator, Sequence

from ganablate.report.design import Design
from ganablate.report.stats.comparison import MARGIN
from ganablate.report.stats.effects import EQUIVALENT, FAILS, OPEN, StudyEffects
from ganablate.report.table.cells import estimate_text, p_text
from ganablate.report.table.tables import arm_title
from ganablate.text import counted, percent


def effect_notes(columns: Sequence[StudyEffects], plan: Design) -> list[str]:
    """How effects that are judged together were estimated and tested: one sentence a paragraph.

    They are those on each primary metric; without any there is nothing to say.
    """
    shown = [effects for effects in columns if effects.by_arm]
    if not shown:
        return []
    text = " ".join(_estimate(effects, plan, alone=len(shown) == 1) for effects in shown)
    arms = [effect for effects in shown for effect in effects.by_arm.values()]
    if all(effect.p_alone is None and effect.low is None for effect in arms):
        return [text + " No arm has two replicates to test."]
    lines = [f"{text} {_intervals(shown, plan)}", *_verdicts(shown)]
    if any(effect.fails_p is not None for effect in arms):
        lines.append(
            "All fail: every replicate diverged, saturated or collapsed, and none of the arm "
            f"compared with. It is a verdict, {FAILS}, where Fisher's exact p is at most "
            f"{percent(shown[0].alpha)}; that p is not corrected."
        )
    return [*lines, *_noise(shown, plan)]


def _estimate(effects: StudyEffects, plan: Design, *, alone: bool) -> str:
    """What the effects on a column are."""
    title = plan.columns[effects.column].title
    references = {effect.compared_to for effect in effects.by_arm.values()}
    other = arm_title(references.pop()) if len(references) == 1 else "the arm it is compared with"
    name = "Effect" if alone else f"Effect on {title}"
    if effects.scale == "ratio":
        return f"{name}: geometric mean of an arm's {title} over that of {other}."
    return f"{name}: mean {title} of an arm less that of {other}."


def _intervals(columns: Sequence[StudyEffects], plan: Design) -> str:
    """Of which kind they are, and how alike replicates of compared arms were."""
    level, alone = percent(1 - columns[0].alpha), len(columns) == 1
    scales = {effects.scale for effects in columns}
    logs = "" if "ratio" not in scales else " on logs" if len(scales) == 1 else ", ratios on logs"
    text = (
        f"Its {level} interval (Welch's{logs}) is for each arm alone. Replicates are unpaired"
        if alone
        else f"{level} intervals (Welch's{logs}) are for each arm and metric alone. Replicates are "
        "unpaired"
    )
    parts = []
    for effects in columns:
        correlation = effects.correlation
        if correlation is None:
            continue
        of = "" if alone else f" in {plan.columns[effects.column].title}"
        part = f"by {correlation.mean:.2f}{of} (± {correlation.error:.2f} if unrelated)"
        if correlation.clearly_positive:
            part += ", clearly: the intervals are wider than they need to be"
        parts.append(part)
    if parts:
        text += f"; those of two compared arms correlate {', '.join(parts)}"
    return text + "."


def _verdicts(columns: Sequence[StudyEffects]) -> Iterator[str]:
    verdicts = {effect.verdict for effects in columns for effect in effects.by_arm.values()}
    tests = f"the {counted(columns[0].tested, 'arm')} tested"
    if len(columns) > 1:
        tests = f"the {columns[0].tests} tests, of {len(columns)} metrics in every arm"
    level = percent(columns[0].alpha)
    text = (
        f"p (Holm): two-sided, corrected over {tests}; verdicts come from it, at {level}, not from "
        "the intervals."
    )
    if EQUIVALENT in verdicts:
        text += (
            f" Equivalent: within a factor of {MARGIN:g} by two one-sided tests, corrected alike."
        )
    if OPEN in verdicts:
        text += " Cannot tell: not at this n."
    if any(effects.tested for effects in columns):
        yield text
    for effects in columns:
        compared = {*effects.by_arm, *(effect.compared_to for effect in effects.by_arm.values())}
        if any(effects.replicates[name].diverged for name in compared):
            ranked = "; p is of ranks, exact, a diverged one worst."
            yield (
                "Where a replicate has diverged, on either side, there is no mean effect"
                + (" and no p." if effects.direction == "none" else ranked)
            )
            return


def _noise(columns: Sequence[StudyEffects], plan: Design) -> Iterator[str]:
    """What the null arms show in each metric."""
    for name in dict.fromkeys(name for effects in columns for name in effects.null):
        parts = []
        for effects in columns:
            effect = effects.by_arm.get(name)
            if effect is None:
                continue
            estimate = estimate_text([effect.estimate, effect.low, effect.high], effects.scale)
            alone = p_text(effect.p_alone)
            numbers = [estimate, alone and f"p {alone} by itself"]
            of = [] if len(columns) == 1 else [plan.columns[effects.column].title]
            parts.append(" ".join([*of, ", ".join(filter(None, numbers))]).strip())
        if parts:
            text = f"The arm {name} changes only the seeds"
            text += f" ({'; '.join(parts)})" if any(parts) else ""
            yield f"{text}: one look at the noise, outside the correction, without a verdict."

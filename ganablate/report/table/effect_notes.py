"""How effects were estimated and tested: the notes on them below the table of arms."""

from collections.abc import Iterator, Sequence

from ganablate.report.design import Design
from ganablate.report.stats.comparison import MARGIN
from ganablate.report.stats.effects import EQUIVALENT, FAILS, StudyEffects
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
    text = _estimate(shown, plan)
    arms = [effect for effects in shown for effect in effects.by_arm.values()]
    if all(effect.p_alone is None and effect.low is None for effect in arms):
        return [text + " No arm has two replicates to test."]
    lines = [f"{text} {_intervals(shown, plan)}", *_verdicts(shown)]
    if any(effect.fails_p is not None for effect in arms):
        lines.append(
            "All fail: every replicate diverged, saturated or collapsed, and none of the arm "
            f"compared with. It is a verdict, {FAILS}, where Fisher's exact p, uncorrected, is at "
            f"most {percent(shown[0].alpha)}."
        )
    return [*lines, *_noise(shown, plan)]


def _estimate(columns: Sequence[StudyEffects], plan: Design) -> str:
    """What the effects are."""
    references = {effect.compared_to for x in columns for effect in x.by_arm.values()}
    other = arm_title(references.pop()) if len(references) == 1 else "the arm compared with"
    kinds = {"ratio": "the ratio of geometric means", "difference": "the difference of means"}
    parts = [f"of {plan.columns[x.column].title} {kinds[x.scale]}" for x in columns]
    return f"Effects are against {other}: {', '.join(parts)}."


def _intervals(columns: Sequence[StudyEffects], plan: Design) -> str:
    """Of which kind they are, and how alike replicates of compared arms were."""
    level, alone = percent(1 - columns[0].alpha), len(columns) == 1
    scales = {effects.scale for effects in columns}
    logs = "" if "ratio" not in scales else " on logs" if len(scales) == 1 else ", ratios on logs"
    text = f"Intervals are Welch's at {level}{logs}, each for itself."
    parts = []
    for effects in columns:
        correlation = effects.correlation
        if correlation is None:
            continue
        of = "" if alone else f" in {plan.columns[effects.column].title}"
        part = f"{correlation.mean:.2f}{of} (± {correlation.error:.2f} if unrelated)"
        if correlation.clearly_positive:
            part += ", so that the intervals are wider than they need to be"
        parts.append(part)
    if parts:
        text += f" Replicates are unpaired; those of compared arms correlate by {', '.join(parts)}."
    return text


def level_note(columns: Sequence[StudyEffects]) -> str:
    """At which level verdicts are, and over how many tests they are corrected."""
    tests = counted(columns[0].tests, "test")
    of = f" ({counted(columns[0].tested, 'arm')} in {len(columns)} metrics)" * (len(columns) > 1)
    return f"Verdicts are at {percent(columns[0].alpha)} after Holm's correction over {tests}{of}."


def _verdicts(columns: Sequence[StudyEffects]) -> Iterator[str]:
    verdicts = {effect.verdict for effects in columns for effect in effects.by_arm.values()}
    if any(effects.tested for effects in columns):
        text = level_note(columns) + " p is two-sided; verdicts go by it, not by the intervals."
        if EQUIVALENT in verdicts:
            text += f" Equivalent is shown by two one-sided tests against a factor of {MARGIN:g}."
        yield text
    for effects in columns:
        compared = {*effects.by_arm, *(effect.compared_to for effect in effects.by_arm.values())}
        if any(effects.replicates[name].diverged for name in compared):
            ranked = "; p is exact, of ranks, a diverged one worst."
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
            yield f"{text}: it shows the noise, outside the correction and without a verdict."

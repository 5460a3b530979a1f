"""Effects as a reader sees them: the cells of the table, and the sentences below it."""

from collections.abc import Sequence
from decimal import Decimal

import pandas as pd

from ganablate.catalog import Scale
from ganablate.report.stats.comparison import MARGIN
from ganablate.report.stats.effects import FAILS, OPEN, StudyEffects, effect_columns
from ganablate.study.plan import BASELINE, Plan
from ganablate.text import percent

_DIGITS = 3
"""Significant digits of a ratio and of its interval."""


def significant(value: float, digits: int = _DIGITS) -> str:
    """`1.34`, `0.0871`, `12.0`, `6442`: at least so many digits; from 1e6, under 1e-4 a power."""
    exact = Decimal(repr(value))
    if not exact:
        return "0"
    rounded = Decimal(f"{exact:.{digits - 1}e}")
    order = rounded.adjusted()
    if -5 < order < 6:
        return f"{exact:.{max(0, digits - 1 - order)}f}"
    return f"{rounded.scaleb(-order):.{digits - 1}f}×10^{order}"  # noqa: RUF001 - a product


def _decimals(value: float, half: float) -> str:
    """A difference at the decimals that give half of its interval two digits."""
    order = Decimal(repr(half)).adjusted() if half else Decimal(repr(value)).adjusted() - 2
    places = 1 - order
    if not -4 < places < 7:
        return significant(value)
    text = f"{round(value, places):.{max(0, places)}f}"
    return text[1:] if float(text) == 0 and text.startswith("-") else text


def effect_text(row: pd.Series) -> str | None:
    """The effect of a row of the table of arms with its interval; None: missing."""
    if pd.isna(row["effect"]):
        return None
    ends = [row["effect"], row["effect_low"], row["effect_high"]]
    return estimate_text([float(end) for end in ends if not pd.isna(end)], row["effect_scale"])


def estimate_text(known: Sequence[float], scale: Scale) -> str:
    """A ratio as `×1.34 [1.12, 1.60]`, a difference as `+0.012 [-0.003, 0.027]`.

    Args:
        known: The estimate, and both ends of its interval if it has one.
        scale: Of all of them.
    """  # noqa: RUF002 - a product
    if scale == "ratio":
        texts = ["×" + significant(known[0]), *map(significant, known[1:])]  # noqa: RUF001
    else:
        half = (known[2] - known[1]) / 2 if len(known) == 3 else 0.0
        texts = [_decimals(end, half) for end in known]
        texts[0] = texts[0] if texts[0].startswith("-") else f"+{texts[0]}"
    return texts[0] if len(texts) == 1 else f"{texts[0]} [{texts[1]}, {texts[2]}]"


def p_text(p: float | None) -> str | None:
    """`<0.001`, `0.034`, `0.45`; None: missing."""
    if p is None or pd.isna(p):
        return None
    return "<0.001" if p < 0.001 else f"{p:.{3 if p < 0.1 else 2}f}"


def verdict_text(row: pd.Series) -> str | None:
    """The verdict, short enough for a table; failures with their exact p; None: missing."""
    if pd.isna(row["verdict"]):
        return None
    if not pd.isna(row["effect_fails_p"]):
        return f"{row['verdict']}, exact p {p_text(row['effect_fails_p'])}"
    return "cannot tell" if row["verdict"] == OPEN else str(row["verdict"])


def compared_elsewhere(plan: Plan) -> bool:
    """Whether arms are compared with different ones, so that each must say with which."""
    return len({arm.compare_to for arm in plan.arms if arm.compare_to is not None}) > 1


def effect_notes(effects: StudyEffects, plan: Plan) -> list[str]:
    """How the effects were estimated and tested: plain sentences, one a paragraph."""
    found = effects.by_arm.values()
    if not found:
        return []
    if not any(one.p_alone is not None or one.low is not None for one in found):
        return [_what(effects, plan) + " No arm has two replicates to test."]
    lines = [_what(effects, plan) + _interval(effects), *_verdicts(effects), *_failures(effects)]
    return lines + _noise(effects)


def _what(effects: StudyEffects, plan: Plan) -> str:
    title = plan.columns[effects.column].title
    others = {one.compared_to for one in effects.by_arm.values()}
    other = "the arm it is compared with"
    if len(others) == 1:
        name = next(iter(others))
        other = f"the {name}" if name == BASELINE else f"the arm {name}"
    if effects.scale == "ratio":
        return f"Effect: geometric mean of an arm's {title} over that of {other}."
    return f"Effect: mean {title} of an arm less that of {other}."


def _interval(effects: StudyEffects) -> str:
    logs = " on logs" if effects.scale == "ratio" else ""
    text = (
        f" Its {percent(1 - effects.alpha)} interval (Welch's{logs}; with five arms or more, low "
        "variances raised towards the common one) is for each arm alone. Replicates are unpaired"
    )
    alike = effects.correlation
    if alike is None:
        return text + "."
    text += f"; those of two compared arms correlate by {alike.mean:.2f} (± {alike.error:.2f} if "
    if alike.clearly_positive:
        return text + "unrelated), clearly: the intervals are wider than they need to be."
    return text + "unrelated)."


def _verdicts(effects: StudyEffects) -> list[str]:
    given = {one.verdict for one in effects.by_arm.values()}
    tests = f"{effects.tested} arm{'' if effects.tested == 1 else 's'}"
    text = (
        f"p (Holm): two-sided, corrected over the {tests} tested; verdicts come from it, at "
        f"{percent(effects.alpha)}, not from the intervals."
    )
    if "equivalent" in given:
        text += (
            f" Equivalent: within a factor of {MARGIN:g} by two one-sided tests, corrected alike."
        )
    if OPEN in given:
        text += " Cannot tell: not at this n."
    lines = [text] if effects.tested else []
    compared = {*effects.by_arm, *(one.compared_to for one in effects.by_arm.values())}
    if any(effects.replicates[name].diverged for name in compared):
        ranked = "; p is of ranks, exact, a diverged one worst."
        lines.append(
            "Where a replicate has diverged, on either side, there is no mean effect"
            + (" and no p." if effects.direction == "none" else ranked)
        )
    return lines


def _failures(effects: StudyEffects) -> list[str]:
    if all(one.fails_p is None for one in effects.by_arm.values()):
        return []
    return [
        f"{FAILS.capitalize()}: every replicate diverged, saturated or collapsed, and none of the "
        "arm compared with; a verdict by rule, with Fisher's exact p, not corrected."
    ]


def _noise(effects: StudyEffects) -> list[str]:
    lines = []
    for name in effects.null:
        if name not in effects.by_arm:
            continue
        text = f"The arm {name} changes only the seeds"
        shown = effect_text(effect_columns(effects, [name]).iloc[0])
        alone = p_text(effects.by_arm[name].p_alone)
        numbers = [shown, alone and f"p {alone} by itself"]
        said = ", ".join(part for part in numbers if part)
        text += f" ({said})" if said else ""
        lines.append(f"{text}: one look at the noise, outside the correction, without a verdict.")
    return lines

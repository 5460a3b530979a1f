"""Numbers, effects and verdicts as the cells of a table show them."""

import math
from collections.abc import Sequence
from decimal import Decimal

import pandas as pd

from ganablate.catalog import Column, Scale
from ganablate.report.stats.effects import FAILS, OPEN

MISSING = "—"
MARKS = {"protocol": "†", "criterion": "‡"}
WITH, LACKS = "✓", "–"  # noqa: RUF001 - a dash
"""Whether an arm has a component that the study removes."""
ARROWS = {"min": "↓", "max": "↑", "none": ""}
_RATIO_DIGITS = 3
_LONE_DIGITS = 4
"""Significant digits of a number without a spread."""


def heading(column: Column) -> str:
    """The title of a column with the arrow of its direction."""
    return f"{column.title} {ARROWS[column.direction]}".rstrip()


# --- a number with its spread ---


def _fixed(value: Decimal, decimals: int) -> str:
    """Round half to even at so many decimals; negative ones are tens, hundreds, ..."""
    # Adding 0 makes -0.00 positive.
    return f"{value.quantize(Decimal(1).scaleb(-decimals)) + 0:f}"


def _rounded(mean: float, sd: float) -> tuple[str, str | None, int | None]:
    """Round a finite mean to the decimals of its sd, and that to two significant digits.

    Without a spread (sd is NaN, or 0) the mean has at most four significant digits. Numbers under
    1e-3 or from 1e6 on get a power of ten.

    Returns:
        The mean, the sd or None, and the exponent of the power of ten or None.
    """
    center = Decimal(repr(float(mean)))
    spread = Decimal(0 if math.isnan(sd) else repr(float(sd)))
    largest, exponent = max(abs(center), spread), None
    if largest and not Decimal("1e-3") <= largest < Decimal("1e6"):
        exponent = largest.adjusted()
        center, spread = center.scaleb(-exponent), spread.scaleb(-exponent)
    if spread:
        two_digits = spread.quantize(Decimal(1).scaleb(spread.adjusted() - 1))
        decimals = 1 - two_digits.adjusted()  # 0.0996 becomes 0.10, not 0.100
        return _fixed(center, decimals), _fixed(spread, decimals), exponent
    order = center.adjusted() if center else 0
    needed = -int(center.normalize().as_tuple().exponent)
    text = _fixed(center, max(0, min(_LONE_DIGITS - 1 - order, needed)))
    return text, None if math.isnan(sd) else "0", exponent


def spread_text(mean: float, sd: float) -> str:
    """A mean with its standard deviation, as `179 ± 11` or `(1.2 ± 0.3)×10^-4`; sd may be NaN."""  # noqa: RUF002 - a product
    text, spread, exponent = _rounded(mean, sd)
    if spread is not None:
        text = f"{text} ± {spread}" if exponent is None else f"({text} ± {spread})"
    return text if exponent is None else f"{text}×10^{exponent}"  # noqa: RUF001 - a product


def lone_text(value: float) -> str:
    """A number of a single trial, as `21.30` or `2e-9`; a dash where it is missing."""
    if math.isnan(value):
        return MISSING
    text, _, exponent = _rounded(value, math.nan)
    return text if exponent is None else f"{text}e{exponent}"


def mean_text(row: pd.Series, column: str) -> str:
    """An arm's mean and spread in a column, as `179 ± 11`; a dash where it has no number."""
    return MISSING if pd.isna(row[column]) else spread_text(row[column], row[column + "_sd"])


def published_text(value: float) -> str:
    """A published value as a table shows it: its digits, with a power of ten where it needs one."""
    mantissa, _, exponent = f"{value:.10g}".partition("e")
    return f"{mantissa}×10^{int(exponent)}" if exponent else mantissa  # noqa: RUF001 - a product


# --- an effect, its p and its verdict ---


def significant(value: float) -> str:
    """`1.34`, `0.0871`, `12.0`, `6442`: three digits or more; from 1e6, under 1e-4 a power."""
    exact = Decimal(repr(value))
    if not exact:
        return "0"
    rounded = Decimal(f"{exact:.{_RATIO_DIGITS - 1}e}")
    order = rounded.adjusted()
    if -5 < order < 6:
        return f"{exact:.{max(0, _RATIO_DIGITS - 1 - order)}f}"
    return f"{rounded.scaleb(-order):.{_RATIO_DIGITS - 1}f}×10^{order}"  # noqa: RUF001 - a product


def _difference_text(value: float, half: float) -> str:
    """A difference at the decimals that give half of its interval two digits."""
    order = Decimal(repr(half)).adjusted() if half else Decimal(repr(value)).adjusted() - 2
    places = 1 - order
    if not -4 < places < 7:
        return significant(value)
    text = f"{round(value, places):.{max(0, places)}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def estimate_text(ends: Sequence[float | None], scale: Scale) -> str | None:
    """A ratio as `×1.34 [1.12, 1.60]`, a difference as `+0.012 [-0.003, 0.027]`; None: missing.

    Args:
        ends: The estimate, and both ends of its interval; None or NaN where missing.
        scale: Of all of them.
    """  # noqa: RUF002 - a product
    numbers = [float(end) for end in ends if end is not None and not pd.isna(end)]
    if not numbers:
        return None
    if scale == "ratio":
        estimate, *interval = map(significant, numbers)
        estimate = f"×{estimate}"  # noqa: RUF001 - a product
    else:
        half = (numbers[2] - numbers[1]) / 2 if len(numbers) == 3 else 0.0
        estimate, *interval = (_difference_text(number, half) for number in numbers)
        estimate = estimate if estimate.startswith("-") else f"+{estimate}"
    return f"{estimate} [{', '.join(interval)}]" if interval else estimate


def effect_text(row: pd.Series) -> str | None:
    """The effect of a row of the table of arms with its interval; None: missing."""
    if pd.isna(row["effect"]):
        return None
    return estimate_text(
        [row["effect"], row["effect_low"], row["effect_high"]], row["effect_scale"]
    )


def p_text(p: float | None) -> str | None:
    """`<0.001`, `0.034`, `0.45`; None: missing."""
    if p is None or pd.isna(p):
        return None
    return "<0.001" if p < 0.001 else f"{p:.{3 if p < 0.1 else 2}f}"


def p_equals(p: float | None) -> str | None:
    """`p < 0.001`, `p = 0.034`; None: missing."""
    text = p_text(p)
    return text and f"p {text.replace('<', '< ') if text.startswith('<') else f'= {text}'}"


def verdict_text(row: pd.Series) -> str | None:
    """The verdict, short enough for a table; of an arm that only fails with the exact p of that.

    None: missing.
    """
    if pd.isna(row["verdict"]):
        return None
    verdict = "cannot tell" if row["verdict"] == OPEN else str(row["verdict"])
    if pd.isna(row["effect_fails_p"]):
        return verdict
    rate = "" if FAILS in verdict else ": all fail"
    return f"{verdict}{rate}, exact p {p_text(row['effect_fails_p'])}"

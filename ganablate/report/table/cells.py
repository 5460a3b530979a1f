"""Numbers, effects and verdicts as the cells of a table show them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import pandas as pd

from ganablate.catalog import Column, Scale
from ganablate.report.stats.effects import OPEN

MISSING = "—"
MARKS = {"protocol": "†", "criterion": "‡"}
ARROWS = {"min": "↓", "max": "↑", "none": ""}
_DIGITS = 3
"""Significant digits of a ratio and of its interval."""
_LONE_DIGITS = 4
"""Significant digits of a number without a spread."""


def heading(column: Column) -> str:
    """The title of a column with the arrow of its direction."""
    return f"{column.title} {ARROWS[column.direction]}".rstrip()


# --- a number with its spread ---


@dataclass(frozen=True)
class Rounded:
    """A mean, its standard deviation where there is one, and a power of ten where one is needed.

    The value is `(mean ± sd) * 10**exponent`.
    """

    mean: str
    sd: str | None
    exponent: int | None


def _order(value: Decimal) -> int:
    """The exponent of the leading digit; 0 for zero."""
    return value.adjusted() if value else 0


def _fixed(value: Decimal, decimals: int) -> str:
    """Rounded half to even at so many decimals; negative: at tens, hundreds, ..."""
    rounded = value.quantize(Decimal(1).scaleb(-decimals))
    return f"{rounded + 0:f}" if rounded else f"{abs(rounded):f}"


def round_to_spread(mean: float, sd: float) -> Rounded:
    """Round a finite mean to the decimals of its sd, and that to two significant digits.

    Without a spread (sd is NaN, or 0) the mean has at most four significant digits.
    Numbers under 1e-3 or from 1e6 on get a power of ten.
    """
    exact_mean = Decimal(repr(float(mean)))
    exact_sd = None if math.isnan(sd) else Decimal(repr(float(sd)))
    largest = max(abs(exact_mean), exact_sd or Decimal(0))
    exponent = None
    if largest and not Decimal("1e-3") <= largest < Decimal("1e6"):
        exponent = _order(largest)
        exact_mean = exact_mean.scaleb(-exponent)
        exact_sd = None if exact_sd is None else exact_sd.scaleb(-exponent)
    if not exact_sd:
        last = exact_mean.normalize().as_tuple().exponent
        assert isinstance(last, int)  # the mean is finite
        decimals = max(0, min(_LONE_DIGITS - 1 - _order(exact_mean), -last))
        return Rounded(_fixed(exact_mean, decimals), None if exact_sd is None else "0", exponent)
    decimals = 1 - _order(exact_sd)
    two_digits = exact_sd.quantize(Decimal(1).scaleb(-decimals))
    decimals = 1 - _order(two_digits)  # 0.0996 becomes 0.10, not 0.100
    return Rounded(_fixed(exact_mean, decimals), _fixed(exact_sd, decimals), exponent)


def spread_text(mean: float, sd: float) -> str:
    """A mean with its standard deviation, as `179 ± 11` or `(1.2 ± 0.3)×10^-4`; sd may be NaN."""  # noqa: RUF002 - a product
    value = round_to_spread(mean, sd)
    text = value.mean if value.sd is None else f"{value.mean} ± {value.sd}"
    if value.exponent is None:
        return text
    inner = text if value.sd is None else f"({text})"
    return f"{inner}×10^{value.exponent}"  # noqa: RUF001 - a product


def lone_text(value: float) -> str:
    """A number of a single trial, as `21.30` or `2e-9`; a dash where it is missing."""
    if math.isnan(value):
        return MISSING
    rounded = round_to_spread(value, math.nan)
    return rounded.mean if rounded.exponent is None else f"{rounded.mean}e{rounded.exponent}"


def mean_text(row: pd.Series, column: str) -> str:
    """An arm's mean and spread in a column, as `179 ± 11`; a dash where it has no number."""
    if pd.isna(row[column]):
        return MISSING
    return spread_text(row[column], row[column + "_sd"])


def published_text(value: float) -> str:
    """A published value as a table shows it: its digits, with a power of ten where it needs one."""
    mantissa, _, exponent = f"{value:.10g}".partition("e")
    return f"{mantissa}×10^{int(exponent)}" if exponent else mantissa  # noqa: RUF001 - a product


# --- an effect, its p and its verdict ---


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
        texts = ["×" + significant(numbers[0]), *map(significant, numbers[1:])]  # noqa: RUF001
    else:
        half = (numbers[2] - numbers[1]) / 2 if len(numbers) == 3 else 0.0
        texts = [_decimals(end, half) for end in numbers]
        texts[0] = texts[0] if texts[0].startswith("-") else f"+{texts[0]}"
    return texts[0] if len(texts) == 1 else f"{texts[0]} [{texts[1]}, {texts[2]}]"


def effect_text(row: pd.Series) -> str | None:
    """The effect of a row of the table of arms with its interval; None: missing."""
    if pd.isna(row["effect"]):
        return None
    ends = [row["effect"], row["effect_low"], row["effect_high"]]
    return estimate_text(ends, row["effect_scale"])


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

"""Numbers as a reader needs them: no more digits than the spread over replicates supports."""

import math
from dataclasses import dataclass
from decimal import Decimal

_LONE_DIGITS = 4
"""Significant digits of a number without a spread."""


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
        own = exact_mean.normalize().as_tuple().exponent
        assert isinstance(own, int)  # the mean is finite
        decimals = max(0, min(_LONE_DIGITS - 1 - _order(exact_mean), -own))
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

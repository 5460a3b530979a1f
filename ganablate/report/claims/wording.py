"""Numbers of a judgement as a reader sees them: short plain parts of a sentence."""

from collections.abc import Sequence

import pandas as pd

from ganablate.report.claims.hypothesis import Meant, Tested
from ganablate.report.stats.effects import MARGIN
from ganablate.report.table.cells import effect_text, p_text
from ganablate.study.reading.fields import Margin
from ganablate.text import counted

_MOST_NAMES = 4
"""Longer lists are counted."""


def effect(estimate: float | None, low: float | None, high: float | None, scale: str) -> str | None:
    """A ratio as `x1.34 [1.12, 1.60]`, a difference as `+0.012 [-0.003, 0.027]`; None: missing."""
    row = {"effect": estimate, "effect_low": low, "effect_high": high, "effect_scale": scale}
    return effect_text(pd.Series(row, dtype=object))


def tested(
    found: Tested | None, meant: Meant, margin: Margin | str | None, alpha: float
) -> str | None:
    """`p 0.003`, `p 0.40 for beyond 1.25x`, `p 0.02 for within 1.25x`; None: no test.

    Of a claimed difference that lies on the other side of its margin: `p 0.004 for short of 1.25x`.
    """
    p, within = found.decisive(meant, alpha) if found is not None else (None, False)
    text = p_text(p)
    if text is None:
        return None
    if margin is None and not within:
        return f"p {text}"
    if within:
        place = "within"
    elif meant.side == "equivalent":
        place = "outside"
    else:
        place = "beyond" if found is not None and found.toward else "short of"
    return f"p {text} for {place} {margin or f'{MARGIN:g}x'}"


def percent(share: float) -> str:
    """A share as `55 %`."""
    return f"{100 * share:.0f} %"


def names(given: Sequence[str]) -> str:
    """`a, b and c`; more than four are cut short: `a, b, c and 5 more`."""
    shown = list(given)
    if len(shown) > _MOST_NAMES:
        kept = shown[: _MOST_NAMES - 1]
        return f"{', '.join(kept)} and {len(shown) - len(kept)} more"
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def left_out(trials: int) -> str | None:
    """Why a verdict rests on fewer: complete trials that lack a number; None: there are none."""
    return f"{counted(trials, 'complete trial')} without these numbers" if trials else None


def trials(counts: Sequence[int], per_arm: str = " an arm") -> str:
    """`5 trials an arm`, `3 to 5 trials an arm`; `5 trials` of one arm with `per_arm` empty."""
    low, high = min(counts, default=0), max(counts, default=0)
    number = f"{low}" if low == high else f"{low} to {high}"
    return f"{number} trial{'' if number == '1' else 's'}{per_arm}"

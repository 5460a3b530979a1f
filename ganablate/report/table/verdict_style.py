"""Verdicts in few kinds, each with a sign and a colour that hold in every picture and table."""

from dataclasses import dataclass

from ganablate.report.claims.judgement import (
    CONTRADICTED,
    DOES_NOT_HOLD,
    HOLDS,
    OPPOSITE,
    SEEN,
    SUPPORTED,
)
from ganablate.report.stats.effects import EQUIVALENT, FAILS, ONE, OPEN


@dataclass(frozen=True)
class VerdictKind:
    """How a verdict is shown: `sign` in text, `marker` (matplotlib's) and `colour` in pictures.

    `name` is a word of letters. No kind is told by its colour alone: signs differ, and the verdict
    itself stands beside them. Colours are dark enough for text on white (4.5 to 1), and of the
    palette by Okabe and Ito that colour-blind readers can tell apart.
    """

    name: str
    sign: str
    marker: str
    colour: str


BETTER = VerdictKind("better", "●", "o", "#00639c")
WORSE = VerdictKind("worse", "■", "s", "#b04a00")
FAILING = VerdictKind("fails", "✕", "X", "#8f1d1d")
SAME = VerdictKind("equivalent", "◆", "D", "#00704f")
CHANGED = VerdictKind("changed", "▲", "^", "#7a3b78")
UNDECIDED = VerdictKind("open", "○", "o", "#5c5c5c")
UNTESTED = VerdictKind("none", "–", "o", "#6b6b6b")  # noqa: RUF001 - a dash
AGREES, DIFFERS, EQUAL = "agrees", "differs", "the same numbers"
"""Verdicts on the replication of an arm, beside "cannot tell" and "one replicate"."""
KINDS = (BETTER, WORSE, FAILING, SAME, CHANGED, UNDECIDED, UNTESTED)

_BY_VERDICT = {
    "better": BETTER,
    "worse": WORSE,
    f"worse ({FAILS})": FAILING,
    FAILS: FAILING,
    EQUIVALENT: SAME,
    "lower": CHANGED,
    "higher": CHANGED,
    OPEN: UNDECIDED,
    ONE: UNTESTED,
    AGREES: SAME,
    EQUAL: SAME,
    DIFFERS: CHANGED,
    "cannot tell": UNDECIDED,
    SUPPORTED: BETTER,
    CONTRADICTED: WORSE,
    HOLDS: BETTER,
    DOES_NOT_HOLD: WORSE,
    # Of a smaller training: no verdict on the report, so neither's colour.
    SEEN: CHANGED,
    OPPOSITE: CHANGED,
}


def verdict_kind(verdict: str) -> VerdictKind:
    """The kind of a verdict on an arm or on a claim; those that decide nothing are `UNTESTED`."""
    return _BY_VERDICT.get(verdict, UNTESTED)

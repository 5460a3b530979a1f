"""A verdict on one claim, with the numbers it rests on."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ganablate.text import counted, joined

SUPPORTED = "supported"
CONTRADICTED = "contradicted"
CANNOT_TELL = "cannot tell at this n"
SEEN = "seen"
OPPOSITE = "opposite seen"
OPEN = "open"
HOLDS = "holds"
DOES_NOT_HOLD = "does not hold"
UNCLEAR = "unclear"
MISPRINT = "misprint"
NOT_COMPARABLE = "not comparable"
NONE_STATED = "none stated"
NOT_TESTED = "not tested here"
SHOWN = "shown, not judged"
OF_THE_REPORT = (SUPPORTED, CONTRADICTED, CANNOT_TELL)
"""Of trainings that come near the report's: verdicts on its statement."""
OF_SMALLER = (SEEN, OPPOSITE, OPEN)
"""The same of smaller trainings, in that order: they are no verdicts on the report."""
OF_ARITHMETIC = (HOLDS, DOES_NOT_HOLD, UNCLEAR, MISPRINT)
"""Of a report's own numbers: nothing of ours enters."""
NOT_JUDGED = (NOT_COMPARABLE, NONE_STATED, NOT_TESTED, SHOWN)
VERDICTS = (*OF_THE_REPORT, *OF_SMALLER, *OF_ARITHMETIC, *NOT_JUDGED)
"""Every verdict there is, in the order in which they are counted."""
UNDECIDED = (CANNOT_TELL, OPEN)
"""Verdicts that more replicates may turn into others."""
NO_SPREAD = "one trial has no spread to judge by"
_MOST_NAMES = 4
"""Longer lists are counted."""


@dataclass(frozen=True)
class Judgement:
    """What became of one claim.

    `numbers` is a plain sentence with what was measured. `because` says why the verdict is this,
    or why it may differ from the report; None: nothing to add. `n` is in words ("5 and 5 trials").
    `against` are the arms that those of the claim are compared with. `estimate`, `low`, `high` and
    `p` are those of the test that decided: a ratio or a difference with its interval, a share with
    its limits, a correlation; None: there is none. `reach` is the least share of the report's
    training that the arms here have, `reach_of` says of what; None: no training of ours is judged.
    `margins` are those at which the verdict would be the same; empty: it has none.
    What names the claim, its reach and the budget come from `judge_claims`; the judge of a kind
    leaves them empty.
    """

    verdict: str
    numbers: str = ""
    arms: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    because: str | None = None
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    n: str = ""
    id: str = field(default="", kw_only=True)
    says: str = field(default="", kw_only=True)
    tested_by: str = field(default="", kw_only=True)
    kind: str = field(default="", kw_only=True)
    budget: str = field(default="", kw_only=True)
    reach: float | None = field(default=None, kw_only=True)
    reach_of: str = field(default="", kw_only=True)
    margins: str = field(default="", kw_only=True)


def undecided(arms: Sequence[str], because: str, against: Sequence[str] = ()) -> Judgement:
    """Of a claim without numbers to judge it by."""
    return Judgement(CANNOT_TELL, arms=tuple(arms), against=tuple(against), because=because)


def listed(arms: Sequence[str]) -> str:
    """`a, b and c`; more than four are cut short: `a, b, c and 5 more`."""
    if len(arms) > _MOST_NAMES:
        return joined(arms, most=_MOST_NAMES - 1)
    *first, last = arms
    return f"{', '.join(first)} and {last}" if first else last


def left_out(trials: int) -> str | None:
    """Why a verdict rests on fewer: complete trials that lack a number; None: there are none."""
    return f"{counted(trials, 'complete trial')} without these numbers" if trials else None


def trials_an_arm(counts: Sequence[int]) -> str:
    """`5 trials an arm`, `3 to 5 trials an arm`."""
    low, high = min(counts, default=0), max(counts, default=0)
    return f"{counted(low, 'trial') if low == high else f'{low} to {high} trials'} an arm"

"""A verdict on one claim, with the numbers it rests on."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ganablate.text import counted, joined

SUPPORTED = "supported"
CONTRADICTED = "contradicted"
CANNOT_TELL = "cannot tell at this n"
NOT_WORKING = "cannot tell: the baseline does not work"
NOT_COMPARABLE = "not comparable"
MISPRINT = "misprint"
NONE_STATED = "none stated"
NOT_TESTED = "not tested here"
SHOWN = "shown, not judged"
VERDICTS = (
    SUPPORTED,
    CONTRADICTED,
    CANNOT_TELL,
    NOT_WORKING,
    NOT_COMPARABLE,
    MISPRINT,
    NONE_STATED,
    NOT_TESTED,
    SHOWN,
)
"""Every verdict there is, in the order in which they are counted."""
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
    its limits, a correlation; None: there is none. What names the claim, and the budget, comes from
    `judge_claims`; the judge of a kind leaves it empty.
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
    kind: str = field(default="", kw_only=True)
    budget: str = field(default="", kw_only=True)


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

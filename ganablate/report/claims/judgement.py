"""A verdict on one claim, with the numbers it rests on."""

from collections.abc import Sequence
from dataclasses import dataclass

SUPPORTED = "supported"
CONTRADICTED = "contradicted"
CANNOT_TELL = "cannot tell at this n"
NOT_COMPARABLE = "not comparable"
MISPRINT = "misprint"
NONE_STATED = "none stated"
NOT_TESTED = "not tested here"
SHOWN = "shown, not judged"
VERDICTS = (
    SUPPORTED,
    CONTRADICTED,
    CANNOT_TELL,
    NOT_COMPARABLE,
    MISPRINT,
    NONE_STATED,
    NOT_TESTED,
    SHOWN,
)
"""Every verdict there is, in the order in which they are counted."""


@dataclass(frozen=True)
class Judgement:
    """What became of one claim.

    `numbers` is a plain sentence with what was measured. `because` says why the verdict is this,
    or why it may differ from the report; None: nothing to add. `n` is in words ("5 and 5 trials").
    `estimate`, `low`, `high` and `p` are those of the test that decided: a ratio or a difference
    with its interval, a share with its limits, a correlation; None: there is none.
    """

    id: str
    says: str
    kind: str
    verdict: str
    budget: str
    arms: tuple[str, ...]
    numbers: str
    because: str | None = None
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    n: str = ""


def joint(verdicts: Sequence[str]) -> str:
    """The verdict on all of several: supported by each, contradicted by one."""
    if set(verdicts) == {SUPPORTED}:
        return SUPPORTED
    return next((one for one in (CONTRADICTED, NOT_COMPARABLE) if one in verdicts), CANNOT_TELL)


def deciding(verdicts: Sequence[str], ps: Sequence[float | None]) -> int:
    """Which of several their joint verdict hangs on: clearest contradiction, weakest support."""
    verdict = joint(verdicts)
    alike = [i for i, one in enumerate(verdicts) if one == verdict]
    known = [i for i in alike if ps[i] is not None] or alike
    sign = -1 if verdict == CONTRADICTED else 1
    return max(known, key=lambda i: sign * (ps[i] or 0.0))

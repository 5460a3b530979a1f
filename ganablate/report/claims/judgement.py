"""A verdict on one claim, with the numbers it rests on."""

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

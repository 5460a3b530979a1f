"""Claims about a report's own numbers, by decimal arithmetic: nothing of ours enters."""

import operator
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from ganablate.report.claims.evidence import Evidence
from ganablate.report.claims.judgement import (
    CONTRADICTED,
    MISPRINT,
    SUPPORTED,
    Judgement,
    undecided,
)
from ganablate.report.table.cells import published_text
from ganablate.study.claims.claims import Arithmetic
from ganablate.study.plan import PublishedNumber
from ganablate.text import counted

_COMPARE = {
    "above": operator.gt, "below": operator.lt, "at_least": operator.ge, "at_most": operator.le,
}  # fmt: skip
Row = tuple[str, Decimal, Decimal]
"""An arm ("" of a sum), and the two numbers."""


def judge_arithmetic(evidence: Evidence, statement: Arithmetic) -> Judgement:
    """Whether it holds in every published row that has both numbers, or of the sum."""
    if statement.sum:
        total = sum((_exact(number) for number in statement.sum), Decimal(0))
        rows = [("", total, Decimal(statement.than))]
    else:
        rows = list(_rows(evidence.plan.published, statement))
    if not rows:
        return undecided((), "the report's numbers are of arms that this budget does not have")
    broken = [row for row in rows if not _holds(row[1], row[2], statement)]
    verdict = SUPPORTED
    if broken:
        verdict = MISPRINT if statement.otherwise == "misprint" else CONTRADICTED
    n = "" if statement.sum else counted(len(rows), "row")
    return Judgement(verdict, _sentence(rows, broken, statement), n=n)


def _rows(published: Iterable[PublishedNumber], statement: Arithmetic) -> Iterator[Row]:
    """Each arm's two numbers; `than` may be a number itself."""
    by_arm: dict[str, dict[str, Decimal]] = {}
    for printed in published:
        by_arm.setdefault(printed.arm, {})[printed.name] = _exact(printed.value)
    names = {name for numbers in by_arm.values() for name in numbers}
    for arm, numbers in by_arm.items():
        if statement.published not in numbers:
            continue
        if statement.than in numbers:
            yield arm, numbers[statement.published], numbers[statement.than]
        elif statement.than not in names:
            yield arm, numbers[statement.published], Decimal(statement.than)


def _exact(number: float) -> Decimal:
    """The number as it was written: the shortest decimal that reads as the same float."""
    return Decimal(repr(number))


def _holds(number: Decimal, than: Decimal, statement: Arithmetic) -> bool:
    compare, within = _COMPARE.get(statement.expected), statement.within
    if compare is not None:
        return bool(compare(number, than))
    if within is None:
        return number == than
    amount = _exact(within.amount)
    if within.unit == "absolute":
        return abs(number - than) <= amount
    return number > 0 and than > 0 and max(number, than) <= amount * min(number, than)


def _sentence(rows: Sequence[Row], broken: Sequence[Row], statement: Arithmetic) -> str:
    words = "equal to" if statement.expected == "equal" else statement.expected.replace("_", " ")
    _, number, than = rows[0]
    if statement.sum:
        within = f" within {statement.within}" if statement.within else ""
        return f"They add up to {_text(number)}; claimed: {words} {_text(than)}{within}"
    if len(rows) == 1:
        return f"{statement.published}: {_text(number)}; {statement.than}: {_text(than)}"
    held = f"{len(rows) - len(broken)} of {len(rows)} rows"
    text = f"{statement.published} {words} {statement.than} in {held}"
    if not broken:
        return text
    names = ", ".join(arm for arm, _, _ in broken)
    if len(broken) == 1:
        names += f" ({_text(broken[0][1])} and {_text(broken[0][2])})"
    return f"{text}; not in {len(broken)}: {names}"


def _text(number: Decimal) -> str:
    whole = number == number.to_integral_value() and abs(number) < 10**12
    return f"{int(number):,}" if whole else published_text(float(number))

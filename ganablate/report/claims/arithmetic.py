"""Claims about a report's own numbers, by decimal arithmetic: nothing of ours enters."""

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
from ganablate.study.reading.fields import Margin
from ganablate.text import counted

_WORDS = {
    "above": "above", "below": "below", "at_least": "at least", "at_most": "at most",
    "equal": "equal to",
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
    match statement.expected:
        case "above":
            return number > than
        case "below":
            return number < than
        case "at_least":
            return number >= than
        case "at_most":
            return number <= than
    return _equal(number, than, statement.within)


def _equal(number: Decimal, than: Decimal, within: Margin | None) -> bool:
    if within is None:
        return number == than
    amount = _exact(within.amount)
    if within.unit == "absolute":
        return abs(number - than) <= amount
    return number > 0 and than > 0 and max(number, than) <= amount * min(number, than)


def _sentence(rows: Sequence[Row], broken: Sequence[Row], statement: Arithmetic) -> str:
    words = _WORDS[statement.expected]
    _, number, than = rows[0]
    if statement.sum:
        within = f" within {statement.within}" if statement.within else ""
        return f"They add up to {_text(number)}; claimed: {words} {_text(than)}{within}"
    if len(rows) == 1:
        return f"{statement.published}: {_text(number)}; {statement.than}: {_text(than)}"
    held = f"{len(rows) - len(broken)} of {len(rows)} rows"
    text = f"{statement.published} {words} {statement.than} in {held}"
    return f"{text}; not in {len(broken)}: {_named(broken)}" if broken else text


def _text(number: Decimal) -> str:
    whole = number == number.to_integral_value() and abs(number) < 10**12
    return f"{int(number):,}" if whole else published_text(float(number))


def _named(rows: Sequence[Row]) -> str:
    if len(rows) > 1:
        return ", ".join(arm for arm, _, _ in rows)
    arm, number, than = rows[0]
    return f"{arm} ({_text(number)} and {_text(than)})"

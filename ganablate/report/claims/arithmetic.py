"""Claims about a report's own numbers, by decimal arithmetic: nothing of ours enters."""

from collections.abc import Iterator
from decimal import Decimal

from ganablate.report.claims.finding import Evidence, Finding, nothing
from ganablate.report.claims.judgement import CONTRADICTED, MISPRINT, SUPPORTED
from ganablate.report.table.cells import published_text
from ganablate.study.claims.claims import Arithmetic
from ganablate.study.reading.fields import Margin

_WORDS = {
    "above": "above", "below": "below", "at_least": "at least", "at_most": "at most",
    "equal": "equal to",
}  # fmt: skip
Row = tuple[str, Decimal, Decimal]
"""An arm ("" of a sum), and the two numbers."""


def judge_arithmetic(evidence: Evidence, statement: Arithmetic) -> Finding:
    """Whether it holds in every published row that has both numbers, or of the sum."""
    rows = list(_rows(evidence, statement))
    if not rows:
        return nothing((), "the report's numbers are of arms that this budget does not have")
    broken = [row for row in rows if not _holds(row[1], row[2], statement)]
    words = _WORDS[statement.expected]
    within = f" within {statement.within}" if statement.within else ""
    if statement.sum:
        _, total, than = rows[0]
        text = f"They add up to {_text(total)}; claimed: {words} {_text(than)}{within}"
    elif len(rows) == 1:
        _, one, other = rows[0]
        text = f"{statement.published}: {_text(one)}; {statement.than}: {_text(other)}"
    else:
        held = f"{len(rows) - len(broken)} of {len(rows)} rows"
        text = f"{statement.published} {words} {statement.than} in {held}"
        if broken:
            text += f"; not in {len(broken)}: {_named(broken)}"
    failed = MISPRINT if statement.otherwise == "misprint" else CONTRADICTED
    n = f"{len(rows)} row{'s' if len(rows) > 1 else ''}" if not statement.sum else ""
    return Finding(failed if broken else SUPPORTED, text, n=n)


def _rows(evidence: Evidence, statement: Arithmetic) -> Iterator[Row]:
    if statement.sum:
        yield "", sum((_exact(one) for one in statement.sum), Decimal(0)), Decimal(statement.than)
        return
    values: dict[str, dict[str, Decimal]] = {}
    for one in evidence.plan.published:
        values.setdefault(one.arm, {})[one.name] = _exact(one.value)
    for arm, own in values.items():
        if statement.published in own:
            other = own.get(statement.than)
            if other is None and statement.than not in {n for v in values.values() for n in v}:
                other = Decimal(statement.than)
            if other is not None:
                yield arm, own[str(statement.published)], other


def _exact(number: float) -> Decimal:
    """The number as it was written: the shortest decimal that reads as the same float."""
    return Decimal(repr(number))


def _holds(one: Decimal, other: Decimal, statement: Arithmetic) -> bool:
    match statement.expected:
        case "above":
            return one > other
        case "below":
            return one < other
        case "at_least":
            return one >= other
        case "at_most":
            return one <= other
    return _equal(one, other, statement.within)


def _equal(one: Decimal, other: Decimal, within: Margin | None) -> bool:
    if within is None:
        return one == other
    amount = _exact(within.amount)
    if within.unit == "absolute":
        return abs(one - other) <= amount
    return one > 0 and other > 0 and max(one, other) <= amount * min(one, other)


def _text(number: Decimal) -> str:
    whole = number == number.to_integral_value() and abs(number) < 10**12
    return f"{int(number):,}" if whole else published_text(float(number))


def _named(rows: list[Row]) -> str:
    if len(rows) > 1:
        return ", ".join(arm for arm, _, _ in rows)
    arm, one, other = rows[0]
    return f"{arm} ({_text(one)} and {_text(other)})"

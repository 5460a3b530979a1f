"""Claims counted by the sentence of a report that they read, not one by one.

A sentence may be tested in several ways: "less spread in both G and D loss" is a claim on either
loss. Counted as two, a page would show more than the report said. Claims of one report with the
same words are readings of one sentence, which has their verdict if they agree.
"""

from collections import Counter
from collections.abc import Iterable

from ganablate.report.claims.judgement import (
    NOT_JUDGED,
    OF_ARITHMETIC,
    OF_SMALLER,
    OF_THE_REPORT,
)

NOT_RUN = "not run"
"""Of a claim whose study has no results yet."""
DIFFER = "readings differ"
"""Of a sentence whose readings have different verdicts of one class."""
TRAININGS = "Judged by trainings of at least half the report's size"
SMALLER = "Seen in smaller trainings: no verdicts on the report"
ARITHMETIC = "Arithmetic on the report's own numbers"
OTHERS = "Not judged"
CLASSES: dict[str, tuple[str, ...]] = {
    TRAININGS: (*OF_THE_REPORT, DIFFER),
    SMALLER: (*OF_SMALLER, DIFFER),
    OTHERS: (*NOT_JUDGED, NOT_RUN),
    ARITHMETIC: (*OF_ARITHMETIC, DIFFER),
}
"""Class of verdicts -> the verdicts, in the order in which they are counted."""


def counts_of_sentences(claims: Iterable[tuple[str, str]]) -> dict[str, Counter[str]]:
    """Class -> verdict -> how many sentences have it.

    `claims` are (sentence, verdict). A sentence counts once for what was trained: in the first
    class of `CLASSES` that a reading of it is in. What is arithmetic on the report's own numbers
    counts apart, so a sentence that is read both ways is in two classes.
    """
    readings: dict[str, list[str]] = {}
    for sentence, verdict in claims:
        readings.setdefault(sentence, []).append(verdict)
    counts: dict[str, Counter[str]] = {name: Counter() for name in CLASSES}
    for verdicts in readings.values():
        trained = [verdict for verdict in verdicts if verdict not in OF_ARITHMETIC]
        judged = _joint(trained, OF_THE_REPORT)
        seen = _joint(trained, OF_SMALLER)
        if judged is not None:
            counts[TRAININGS][judged] += 1
        elif seen is not None:
            counts[SMALLER][seen] += 1
        elif trained:
            counts[OTHERS][min(trained, key=CLASSES[OTHERS].index)] += 1
        arithmetic = _joint(verdicts, OF_ARITHMETIC)
        if arithmetic is not None:
            counts[ARITHMETIC][arithmetic] += 1
    return counts


def _joint(verdicts: Iterable[str], those: tuple[str, ...]) -> str | None:
    """The verdict of the readings that have one of those; None: no reading has."""
    given = {verdict for verdict in verdicts if verdict in those}
    if not given:
        return None
    return given.pop() if len(given) == 1 else DIFFER

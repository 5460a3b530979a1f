"""The replication of a published record as a reader sees it: a table, its notes, and a sentence."""

import math

from ganablate.report.stats.comparison import MARGIN
from ganablate.report.stats.effects import OPEN
from ganablate.report.stats.replicates import Replicates
from ganablate.report.stats.replication import (
    CANNOT_TELL,
    OTHER_PROTOCOL,
    OTHER_SETTINGS,
    Replication,
)
from ganablate.report.table.captions import MISSING
from ganablate.report.table.columns import TextColumn
from ganablate.report.table.effect_wording import estimate_text, p_text
from ganablate.report.table.rounding import spread_text
from ganablate.report.table.summary import Sentence
from ganablate.report.table.verdict_style import AGREES, DIFFERS, EQUAL, verdict_kind
from ganablate.text import counted, percent

TITLE = "Replication of the published record"


def replication_columns(found: Replication) -> list[TextColumn]:
    """The table of both records: an arm a row."""
    arms = found.arms
    ends = [(one.effect.estimate, one.effect.low, one.effect.high) for one in arms]
    known = [[end for end in three if end is not None] for three in ends]
    effects = [estimate_text(three, found.scale) if three else MISSING for three in known]
    ratio = "Ratio" if found.scale == "ratio" else "Difference"
    columns = [
        TextColumn("Arm", [one.arm for one in arms], left=True),
        TextColumn(f"{found.title}, published", [_cell(one.published) for one in arms]),
        TextColumn(f"{found.title}, here", [_cell(one.local) for one in arms]),
        TextColumn(f"{ratio} [{percent(1 - found.alpha)}]", effects),
        TextColumn(
            "Replication", [one.verdict or MISSING for one in arms], left=True, key="verdict"
        ),
        TextColumn("p (Holm)", [p_text(one.effect.p) or MISSING for one in arms]),
    ]
    if found.arm_verdicts:
        for title, verdicts in (
            ("Verdict, published", [one.published_verdict for one in arms]),
            ("Verdict, here", [one.local_verdict for one in arms]),
        ):
            columns.append(TextColumn(title, [_short(text) for text in verdicts], left=True))
    return columns


def _short(verdict: str | None) -> str:
    if verdict is None:
        return MISSING
    return "cannot tell" if verdict == OPEN else verdict


def _cell(one: Replicates) -> str:
    """`121.2 ± 6.5 (3)`: mean, standard deviation, and how many replicates have a number."""
    numbers = one.on("difference")
    lost = f", {one.diverged} diverged" if one.diverged else ""
    if not len(numbers):
        return lost.removeprefix(", ") or MISSING
    sd = float(numbers.std(ddof=1)) if len(numbers) > 1 else math.nan
    return f"{spread_text(float(numbers.mean()), sd)} ({len(numbers)}{lost})"


def replication_notes(found: Replication) -> list[str]:
    """How the records were compared, and in what they differ: a sentence a paragraph."""
    what = "geometric mean here over the published one"
    if found.scale == "difference":
        what = "mean here less the published one"
    text = (
        f"Published: {found.published_at.as_posix()}/. Mean ± standard deviation (replicates). The "
        f"effect is the {what}, with Welch's {percent(1 - found.alpha)} interval; p is two-sided, "
        f"corrected by Holm over the arms."
    )
    if found.scale == "ratio":
        text += (
            f" An arm agrees if it is shown to lie within a factor of {MARGIN:g} of the published "
            "one (two one-sided tests, corrected alike), and differs if it is shown to differ."
        )
    else:
        text += " A difference has no margin of its own, so no arm can be shown to agree."
    seeds = "Both records have the same seeds: equal initial weights and order of images."
    facts = "; ".join(f"{name}: {a} published, {b} here" for name, (a, b) in found.facts.items())
    return [text, f"{seeds} They were trained with another {facts}." if facts else seeds]


def replication_sentence(found: Replication) -> Sentence:
    """How many arms replicate, and how many of their verdicts came out the same."""
    beside = found.count(OTHER_PROTOCOL, OTHER_SETTINGS)
    judged = sum(one.verdict is not None for one in found.arms) - beside
    agreeing = found.count(AGREES, EQUAL)
    kind = AGREES if agreeing == judged else CANNOT_TELL
    kind = DIFFERS if found.count(DIFFERS) else kind
    text = (
        f"agreement within a factor of {MARGIN:g} is shown for {agreeing} of "
        f"{counted(judged, 'arm')}, a difference for {found.count(DIFFERS)}"
    )
    if found.equal:
        text = (
            f"the trainings are the published ones again, their numbers equal in "
            f"{counted(judged, 'arm')}"
        )
    elif found.scale == "difference":
        text = f"a difference is shown for {found.count(DIFFERS)} of {counted(judged, 'arm')}"
    text += f"; {counted(beside, 'arm')} cannot be compared" if beside else ""
    if pairs := found.arm_verdicts:
        same = sum(theirs == ours for theirs, ours in pairs)
        text += f"; {same} of {counted(len(pairs), 'verdict')} on arms came out the same"
    return Sentence(f"{TITLE}:", f"{text}.", verdict_kind(kind), "replication")

"""What stands below the table of arms: crossed factors, searches, and a replication.

Each is a table with its notes, as `table.md` and the page show it.
"""

import math
from collections.abc import Iterator

from ganablate.report.stats.comparison import MARGIN
from ganablate.report.stats.cross import CrossEffect, CrossEffects
from ganablate.report.stats.effects import OPEN
from ganablate.report.stats.replicates import Replicates
from ganablate.report.stats.replication import (
    CANNOT_TELL,
    OTHER_PROTOCOL,
    OTHER_SETTINGS,
    Replication,
)
from ganablate.report.table.cells import (
    MISSING,
    estimate_text,
    heading,
    p_text,
    significant,
    spread_text,
)
from ganablate.report.table.render import Table, text_column
from ganablate.report.table.summary import Sentence
from ganablate.report.table.tables import verdict_column
from ganablate.report.table.verdict_style import AGREES, DIFFERS, EQUAL, verdict_kind
from ganablate.study.arms.settings import text_of
from ganablate.study.plan import Plan
from ganablate.study.search.arm_search import ArmSearch, Search
from ganablate.study.search.wording import ended_text, how
from ganablate.text import counted, joined, percent

_REPLICATION = "Replication of the published record"
_MOST_PLACES = 4
"""Combinations of levels that a cell names; it says how many more there are."""

# --- crossed factors ---


def cross_section(effects: CrossEffects, plan: Plan) -> Table:
    """Main effects and interactions."""
    changes = [*effects.main, *effects.interactions]
    estimates = [estimate_text([x.estimate, x.low, x.high], effects.scale) for x in changes]
    columns = [
        text_column("Change", map(_change, changes), left=True),
        text_column(
            "Kind",
            ["interaction" if len(x.factors) > 1 else "main effect" for x in changes],
            left=True,
        ),
        text_column(f"Effect [{percent(1 - effects.alpha)}]", estimates),
        text_column("p (Holm)", [p_text(change.p) for change in changes]),
    ]
    if any(change.partial for change in changes):
        columns.append(text_column("Averaged over", map(_places, changes), left=True))
    title = f"Main effects and interactions: {heading(plan.columns[effects.column])}"
    name = "factors" if effects.column == plan.primary else f"factors-{effects.column}"
    return Table(name, title, columns, cross_notes(effects, plan))


def _change(effect: CrossEffect) -> str:
    text = f"{effect.factors[0]} {effect.against[0]} to {effect.levels[0]}"
    if len(effect.factors) == 1:
        return text
    return f"{text}, at {effect.factors[1]} {effect.levels[1]} instead of {effect.against[1]}"


def _places(effect: CrossEffect) -> str | None:
    """`all 3`, `2 of 3: batch_size=32, batch_size=64`: combinations of the other factors' levels.

    None: at none of them are all its cells there.
    """
    if not effect.places:
        return None
    if not effect.partial:
        return "its four cells" if effect.of == 1 else f"all {effect.of}"
    places = joined(effect.places, most=_MOST_PLACES)
    return f"{len(effect.places)} of {effect.of}: {places}"


def cross_notes(effects: CrossEffects, plan: Plan) -> list[str]:
    """How they were estimated, and where one factor at a time would mislead: one a paragraph."""
    title = plan.columns[effects.column].title
    if effects.scale == "ratio":
        mean, over, difference = "geometric mean", "over", "ratio"
    else:
        mean, over, difference = "mean", "less", "difference"
    text = (
        f"Main effect: {mean} {title} at a level {over} that at the level compared with, over the "
        f"levels of the other factors with equal weights. Interaction: {difference} of two such "
        "effects, at two levels of another factor."
    )
    tested = [
        counted(count, kind)
        for kind, family in (("main effect", effects.main), ("interaction", effects.interactions))
        if (count := sum(effect.p is not None for effect in family))
    ]
    if tested:
        text += (
            " Each interval is for itself alone (Welch-Satterthwaite). p (Holm): two-sided, "
            f"corrected over the {', apart from them over the '.join(tested)} tested"
            + (f", in each of {effects.metrics} metrics." if effects.metrics > 1 else ".")
        )
    lines = [text, *_warnings(effects, title)]
    factors = {} if plan.cross is None else plan.cross.factors
    cells = [] if plan.cross is None else list(plan.cross.cells.values())
    if sum(len(levels) > 1 for levels in factors.values()) > 2:
        lines.append("Interactions of three factors are not estimated.")
    if any(effect.partial for effect in (*effects.main, *effects.interactions)):
        lacking = "; ".join(f"{name} ({why})" for name, why in effects.lacking.items())
        lines.append(
            f"Cells without a mean and a spread: {lacking}. An effect is averaged, with equal "
            "weights, over those combinations of the other factors' levels at which none of its "
            f"cells is among them; {MISSING}: there is none. Effects averaged over different "
            "combinations answer different questions where factors interact."
        )
    if len(set(cells)) < len(cells):
        lines.append("Cells that come to the same trials count in each of their places.")
    return lines


def _warnings(effects: CrossEffects, title: str) -> Iterator[str]:
    """One for each pair of factors with an interaction shown: its largest."""

    def size(effect: CrossEffect) -> float:
        assert effect.estimate is not None
        return abs(math.log(effect.estimate) if effects.scale == "ratio" else effect.estimate)

    largest = {effect.factors: effect for effect in sorted(effects.shown, key=size)}
    for (factor, by), effect in largest.items():
        assert effect.at is not None
        if effects.scale == "ratio":
            verb, (first, second) = "multiplies", map(significant, effect.at)
        else:
            verb, (first, second) = "changes", (f"{x:+.3g}" for x in effect.at)
        yield (
            f"Changing {factor} from {effect.against[0]} to {effect.levels[0]} {verb} {title} by "
            f"{first} at {by}={effect.against[1]} and by {second} at {by}={effect.levels[1]}: "
            f"{factor} matters differently at different {by}, and one factor at a time would "
            "mislead."
        )
    if not largest and any(effect.p is not None for effect in effects.interactions):
        yield "No interaction is shown at this n; that does not show that there is none."


# --- searches inside the arms ---


def search_section(search: Search) -> Table:
    """What was searched inside each arm, and what came of it."""

    def value(name: str, arm: ArmSearch) -> str | None:
        return text_of(name, arm.best.values[name]) if arm.best and name in arm.spaces else None

    arms = list(search.arms.values())
    best = [None if arm.best is None else arm.best.value for arm in arms]
    columns = [
        text_column("Arm", [arm.arm for arm in arms], left=True),
        *(text_column(name, [value(name, arm) for arm in arms]) for name in search.spaces),
        text_column(
            f"{search.column}, best of search",
            [None if number is None else significant(number) for number in best],
        ),
        text_column("Search trials", map(ended_text, arms), left=True),
    ]
    notes = [
        f"Searched inside each arm before its replicates: {how(search)}. The replicates were "
        "trained with the values found, on seeds that no search trial had; they alone are in the "
        "table of arms.",
        f"The best {search.column} of a search is the luckiest of several, on the search's own "
        "seeds and length: it is no estimate of the arm. What an arm comes to depends on how much "
        "it was searched (Lucic et al. 2018, arXiv 1711.10337); here all had as many trials.",
    ]
    edges = [
        f"{arm.arm} ({name} {text_of(name, arm.best.values[name])})"
        for arm in arms
        for name, space in arm.spaces.items()
        if arm.best is not None and space.near_edge(arm.best.values[name])
    ]
    if edges:
        notes.append(f"At the edge of its space, so the best may lie outside: {', '.join(edges)}.")
    if search.open:
        notes.append(f"Not searched to its end yet: {', '.join(search.open)}.")
    return Table("search", "Found by the search inside each arm", columns, notes)


# --- the published record beside this machine's ---


def replication_section(replication: Replication) -> Table:
    """Both records, an arm a row: the numbers, how they compare, and the verdicts."""
    arms, scale = replication.arms, replication.scale
    effects = [arm.effect for arm in arms]
    comparison = "Ratio" if scale == "ratio" else "Difference"
    columns = [
        text_column("Arm", [arm.arm for arm in arms], left=True),
        text_column(f"{replication.title}, published", [_numbers(arm.published) for arm in arms]),
        text_column(f"{replication.title}, here", [_numbers(arm.local) for arm in arms]),
        text_column(
            f"{comparison} [{percent(1 - replication.alpha)}]",
            [estimate_text([e.estimate, e.low, e.high], scale) for e in effects],
        ),
        verdict_column("Replication", [(arm.verdict, arm.verdict) for arm in arms]),
        text_column("p (Holm)", [p_text(effect.p) for effect in effects]),
    ]
    if replication.arm_verdicts:
        verdicts = {
            "published": [arm.published_verdict for arm in arms],
            "here": [arm.local_verdict for arm in arms],
        }
        for place, texts in verdicts.items():
            short = ["cannot tell" if text == OPEN else text for text in texts]
            columns.append(text_column(f"Verdict, {place}", short, left=True))
    return Table("replication", _REPLICATION, columns, replication_notes(replication))


def _numbers(replicates: Replicates) -> str | None:
    """`121.2 ± 6.5 (3)`: mean, standard deviation, and how many replicates have a number."""
    numbers = replicates.on("difference")
    diverged = f"{replicates.diverged} diverged" if replicates.diverged else None
    if not len(numbers):
        return diverged
    sd = float(numbers.std(ddof=1)) if len(numbers) > 1 else math.nan
    counts = ", ".join(filter(None, [str(len(numbers)), diverged]))
    return f"{spread_text(float(numbers.mean()), sd)} ({counts})"


def replication_notes(replication: Replication) -> list[str]:
    """How the records were compared, and in what they differ."""
    if replication.scale == "ratio":
        effect = "The ratio is the geometric mean here over the published one"
        agrees = (
            f"An arm agrees if it is shown to lie within a factor of {MARGIN:g} of the published "
            "one (two one-sided tests, corrected in the same way), and differs if it is shown to "
            "differ."
        )
    else:
        effect = "The difference is the mean here less the published one"
        agrees = "A difference has no margin of its own, so no arm can be shown to agree."
    text = (
        f"The records are compared by {replication.title}; the published one is "
        f"{replication.published_at.as_posix()}/. Cells are mean ± standard deviation "
        f"(replicates). {effect}, with Welch's {percent(1 - replication.alpha)} interval; p is "
        f"two-sided, with Holm's correction over the arms. {agrees}"
    )
    seeds = "Both records have the same seeds: equal initial weights and order of images."
    facts = "; ".join(
        f"{name}: {published} published, {here} here"
        for name, (published, here) in replication.facts.items()
    )
    return [text, f"{seeds} They were trained with another {facts}." if facts else seeds]


def replication_sentence(replication: Replication) -> Sentence:
    """How many arms replicate, and how many of their verdicts came out the same."""
    incomparable = replication.count(OTHER_PROTOCOL, OTHER_SETTINGS)
    judged = sum(arm.verdict is not None for arm in replication.arms) - incomparable
    agreeing, differing = replication.count(AGREES, EQUAL), replication.count(DIFFERS)
    arms = counted(judged, "arm")
    if replication.equal:
        text = f"the trainings are the published ones again, with equal numbers in {arms}"
    elif not judged:
        text = "the published record was measured or trained otherwise"
    elif replication.scale == "ratio":
        text = (
            f"agreement within a factor of {MARGIN:g} is shown for {agreeing} of {arms}, "
            f"a difference for {differing}"
        )
    else:
        text = f"a difference is shown for {differing} of {arms}"
    if incomparable:
        text += f"; {counted(incomparable, 'arm')} cannot be compared"
    if judged and (pairs := replication.arm_verdicts):
        same = sum(published == here for published, here in pairs)
        text += f"; {same} of {counted(len(pairs), 'verdict')} on arms came out the same"
    if differing:
        verdict = DIFFERS
    elif agreeing == judged > 0:
        verdict = AGREES
    else:
        verdict = CANNOT_TELL
    return Sentence(
        f"{_REPLICATION}, by {replication.title}:", f"{text}.", verdict_kind(verdict), "replication"
    )

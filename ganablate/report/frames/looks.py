"""Looks: every time that results were seen, with how many replicates and at which level.

Looks are declared before the first of them (`run --until-decided`), or made by hand: a report after
more replicates were added. Their levels are told in `ganablate.report.stats.sequential`. A table is
of the last look: at its level, with its replicates.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

import pandas as pd

from ganablate.report.design import Design
from ganablate.report.frames.question import Question, question
from ganablate.report.stats.effects import ONE, OPEN, StudyEffects
from ganablate.report.stats.sequential import added_level
from ganablate.report.stats.statistics import ALPHA
from ganablate.report.stats.working import NOT_WORKING
from ganablate.study.plan import Plan
from ganablate.text import percent

Kind = Literal["preregistered", "by hand", "adaptive", "seen"]
"""`seen`: a report without more replicates than before; it asks something else, or elsewhere."""
_SPENDING: tuple[Kind, ...] = ("by hand", "adaptive")
"""Kinds of looks that spend of the level."""


@dataclass(frozen=True)
class Look:
    """A row of `looks.csv`: results were seen, or, if it is preregistered, are to be.

    `declared` are the replicates at each look of its schedule, none by hand; `replicates` the
    complete ones of each arm, or the planned ones where it is preregistered. `decided` are the arms
    with a verdict, `set_aside` those that will hardly get one, `goes_on` those that get more
    replicates before the next look. `asked` is the question, under the names of study and budget;
    `date` is that in UTC, as 2026-11-29.
    """

    kind: Kind
    declared: tuple[int, ...]
    replicates: Mapping[str, int]
    level: float
    study: str
    budget: str
    asked: Question
    date: str
    decided: tuple[str, ...] = ()
    set_aside: tuple[str, ...] = ()
    goes_on: tuple[str, ...] = ()

    @property
    def most(self) -> int:
        """Replicates of the arm with the most."""
        return max(self.replicates.values())

    @property
    def name(self) -> str:
        """Study and budget in a sentence."""
        return f"study {self.study} at the budget {self.budget}"


def look_at(
    plan: Plan,
    kind: Kind,
    replicates: Mapping[str, int],
    level: float,
    declared: Sequence[int] = (),
) -> Look:
    """A look of now at a plan's trials, without a verdict yet."""
    date = datetime.now(UTC).strftime("%Y-%m-%d")
    return Look(
        kind, tuple(declared), replicates, level, plan.study, plan.budget, question(plan), date
    )


def spending(looks: Sequence[Look]) -> tuple[Look, ...]:
    """Those of the looks that spend of the level: declared, or with more replicates than before.

    One replicate can show nothing.
    """
    most: dict[str, int] = {}
    chosen = []
    for look in looks:
        grown = any(count > most.get(name, 1) for name, count in look.replicates.items())
        if look.kind == "adaptive" or (look.kind == "by hand" and grown):
            chosen.append(look)
        if look.kind in _SPENDING:
            most |= {name: max(n, most.get(name, 1)) for name, n in look.replicates.items()}
    return tuple(chosen)


def level_of(looks: Sequence[Look]) -> float:
    """The level of verdicts at the last look; ALPHA before any."""
    return looks[-1].level if looks else ALPHA


def schedules(looks: Sequence[Look]) -> int:
    """How many schedules were declared, a look by hand being one of its own."""
    by_hand = sum(look.kind == "by hand" for look in looks)
    return by_hand + len({look.declared for look in looks if look.kind == "adaptive"})


def bound(looks: Sequence[Look]) -> float:
    """The chance, at most, of a wrong verdict at any of the looks or those declared with them."""
    return sum(map(added_level, range(schedules(looks))))


def is_whole(trials: pd.DataFrame) -> bool:
    """Whether every trial is complete; before that a report is no look yet."""
    return bool((trials["state"] == "complete").all())


def complete_replicates(trials: pd.DataFrame, plan: Design) -> dict[str, int]:
    """How many replicates of each arm are complete, in the plan's order."""
    counts = trials.loc[trials["state"] == "complete", "arm"].value_counts()
    return {arm.name: int(counts.get(arm.name, 0)) for arm in plan.arms}


def with_look_by_hand(looks: Sequence[Look], trials: pd.DataFrame, plan: Plan) -> tuple[Look, ...]:
    """The looks, and one more if an arm has more replicates than at all of them.

    `looks` spend of the level. Nothing can be tested before an arm has two replicates, so that is
    no look; arms that no look was at are none either, unless it is the first.
    """
    now = complete_replicates(trials, plan)
    if looks:
        before = {name: max(look.replicates.get(name, 0) for look in looks) for name in now}
        grown = any(0 < before[name] < count for name, count in now.items())
    else:
        grown = any(count > 1 for count in now.values())
    if not grown:
        return tuple(looks)
    return (*looks, look_at(plan, "by hand", now, added_level(schedules(looks))))


def decided_arms(judged: Iterable[StudyEffects]) -> tuple[str, ...]:
    """The arms that have a verdict in each primary metric, in the order of the plan."""
    columns = list(judged)
    names = dict.fromkeys(name for effects in columns for name in effects.by_arm)
    verdicts = {
        name: [effects.by_arm[name].verdict for effects in columns if name in effects.by_arm]
        for name in names
    }
    undecided = {OPEN, ONE, NOT_WORKING, None}
    return tuple(name for name, given in verdicts.items() if undecided.isdisjoint(given))


def with_decided(look: Look, judged: Iterable[StudyEffects]) -> Look:
    """The look with what was decided at it."""
    return replace(look, decided=decided_arms(judged))


def look_notes(looks: Sequence[Look]) -> list[str]:
    """What a reader of the table must know about the looks; nothing where there was only one."""
    if not looks or (len(looks) == 1 and looks[0].kind == "by hand"):
        return []
    last = looks[-1]
    text = "Look 1. "
    if len(looks) > 1:
        text = f"Look {len(looks)}: these trials were looked at before with fewer replicates. "
    rule = "halves it each time that replicates are added by hand, "
    if last.kind == "adaptive":
        rule = (
            f"was declared before (looks at {', '.join(map(str, last.declared))} replicates, fewer "
            "where an arm is decided or hardly will be), "
        )
    late = f"; {percent(ALPHA)} would have needed a schedule before the first look"
    return [
        f"{text}Its verdicts and intervals are at a level of {percent(last.level)}, by a rule that "
        f"{rule}so that a wrong verdict at any look has a chance of {percent(bound(looks))} at "
        f"most{late if schedules(looks) > 1 else ''}."
    ]

"""`looks.csv`: every time that a study was judged, with how many replicates and at which level.

A row is a look. Looks are declared before the first of them (`run --until-decided`), or made by
hand: a report after more replicates were added. Their levels are told in
`ganablate.report.stats.sequential`. A table is of the last look: at its level, with its replicates.
"""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

import pandas as pd

from ganablate.report.stats.effects import ONE, OPEN, StudyEffects
from ganablate.report.stats.sequential import added_level
from ganablate.report.stats.statistics import ALPHA
from ganablate.report.stats.working import NOT_WORKING
from ganablate.study.expand import expand
from ganablate.study.plan import Plan
from ganablate.study.schema import Study
from ganablate.text import percent

LOOKS = "looks.csv"
Kind = Literal["by hand", "adaptive"]
_COLUMNS = (
    "look", "kind", "declared", "replicates", "level", "spent", "decided", "set_aside", "goes_on",
    "reference",
)  # fmt: skip
_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True)
class Look:
    """One look at a study.

    `declared` are the replicates at each look of its schedule, none by hand; `replicates` the
    complete ones of each arm. `decided` are the arms with a verdict, `set_aside` those that will
    hardly get one, `goes_on` those that get more replicates before the next look. `reference` is
    the first trial of the first arm: looks at other trials do not count.
    """

    kind: Kind
    declared: tuple[int, ...]
    replicates: Mapping[str, int]
    level: float
    decided: tuple[str, ...]
    reference: str
    set_aside: tuple[str, ...] = ()
    goes_on: tuple[str, ...] = ()

    @property
    def most(self) -> int:
        """Replicates of the arm with the most."""
        return max(self.replicates.values())


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


def complete_replicates(trials: pd.DataFrame, plan: Plan) -> dict[str, int]:
    """How many replicates of each arm are complete, in the plan's order."""
    counts = trials.loc[trials["state"] == "complete", "arm"].value_counts()
    return {arm.name: int(counts.get(arm.name, 0)) for arm in plan.arms}


def reference_trial(plan: Plan) -> str:
    """What `Look.reference` is for this plan."""
    return plan.trials[0].trial_id


def with_look_by_hand(looks: Sequence[Look], trials: pd.DataFrame, plan: Plan) -> tuple[Look, ...]:
    """The looks, and one more if an arm has more replicates than at the last of them.

    It has no `decided` arms yet. Nothing can be tested before an arm has two replicates, so that is
    no look; arms that the study did not have at the last look are none either.
    """
    now = complete_replicates(trials, plan)
    before = looks[-1].replicates if looks else dict.fromkeys(now, 1)
    if not any(now[name] > before.get(name, count) for name, count in now.items()):
        return tuple(looks)
    level = added_level(schedules(looks))
    return (*looks, Look("by hand", (), now, level, (), reference_trial(plan)))


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


def with_decided(looks: Sequence[Look], judged: Iterable[StudyEffects]) -> tuple[Look, ...]:
    """The looks with what was decided at the last one."""
    return (*looks[:-1], replace(looks[-1], decided=decided_arms(judged)))


def look_notes(looks: Sequence[Look]) -> list[str]:
    """What a reader of the table must know about the looks; nothing where there was only one."""
    if not looks or (len(looks) == 1 and looks[0].kind == "by hand"):
        return []
    last = looks[-1]
    text = "Look 1. "
    if len(looks) > 1:
        text = f"Look {len(looks)}: this table was looked at before with fewer replicates. "
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


def looks_csv(looks: Sequence[Look]) -> str:
    """The looks as text; lists and replicates as JSON, since names of arms hold commas."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    spent = 0.0
    for number, look in enumerate(looks, start=1):
        spent += look.level
        given = (dict(look.replicates), look.decided, look.set_aside, look.goes_on)
        replicates, *arms = (_JSON.encode(value) for value in given)
        declared = " ".join(map(str, look.declared))
        row = [number, look.kind, declared, replicates, repr(look.level), repr(round(spent, 9))]
        writer.writerow([*row, *arms, look.reference])
    return text.getvalue()


def read_looks(path: Path, plan: Plan) -> tuple[Look, ...]:
    """The looks at this plan's trials, oldest first; none where there is no file.

    Raises:
        ValueError: the file is not as `looks_csv` writes it.
    """
    if not path.exists():
        return ()
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    try:
        looks = [_look(row) for row in rows]
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: not a table of looks: {error!r}") from error
    return tuple(look for look in looks if look.reference == reference_trial(plan))


def _look(row: Mapping[str, Any]) -> Look:
    if row["kind"] not in get_args(Kind):
        raise ValueError(f'kind is "{row["kind"]}"; "by hand" or "adaptive" is allowed')
    level = float(row["level"])
    if not 0 < level <= ALPHA:
        raise ValueError(f"level is {level}; more than 0 and at most {ALPHA} is allowed")
    return Look(
        kind=row["kind"],
        declared=tuple(map(int, row["declared"].split())),
        replicates={str(name): int(n) for name, n in json.loads(row["replicates"]).items()},
        level=level,
        reference=row["reference"],
        **{name: tuple(json.loads(row[name])) for name in ("decided", "set_aside", "goes_on")},
    )


def looked_plan(study: Study, budget: str | None, results: Path) -> tuple[Plan, tuple[Look, ...]]:
    """The plan of a study's table, and its looks: no arm with fewer replicates than were seen.

    Without a `budget` it is the study's default one; `results` is the folder of results.

    Raises:
        StudyError: the study has no such budget.
        ValueError: its `looks.csv` cannot be read as one.
    """
    plan = expand(study, budget)
    looks = read_looks(results / plan.study / plan.budget / LOOKS, plan)
    if looks and looks[-1].most > plan.replicates:
        seen = {name: max(n, plan.replicates) for name, n in looks[-1].replicates.items()}
        plan = expand(study, plan.budget, replicates=seen)
    return plan, looks

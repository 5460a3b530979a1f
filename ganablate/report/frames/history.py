"""What was seen before of a plan's trials, and what of its question was changed since."""

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from ganablate.report.frames.look_file import looks_path, read_looks
from ganablate.report.frames.looks import (
    Look,
    complete_replicates,
    level_of,
    look_at,
    spending,
)
from ganablate.report.frames.provenance import read_provenance
from ganablate.report.frames.question import (
    Question,
    changes,
    in_short,
    primary_names,
    question,
    question_hash,
    question_text,
)
from ganablate.study.expand import expand
from ganablate.study.plan import Plan
from ganablate.study.schema import Study
from ganablate.text import counted, joined

_ENOUGH = 2
"""Arms in common that make one comparison: with a baseline alone, two studies share none."""
_SHORT = 12
"""Hex digits of a hash in a sentence."""
_MOST_NAMES = 3


@dataclass(frozen=True)
class Past:
    """A look, with the number of arms of the plan whose trials it was at.

    With 0 it was at other trainings: of the same study, or of the same settings. `is_whole` where
    one of plan and look has all arms of the other, or both have one name: then its question is to
    be the plan's. `line` is the hash of its row.
    """

    look: Look
    arms: int
    is_whole: bool
    line: str


@dataclass(frozen=True)
class History:
    """Looks that concern a plan, oldest first; arms have their names in the plan.

    `breaks` are sentences on what is amiss in `looks.csv`, `lost` is the hash of a row that the
    record remembers and that is not there: empty where there is none.
    """

    past: tuple[Past, ...] = ()
    breaks: tuple[str, ...] = ()
    lost: str = ""

    @property
    def same(self) -> tuple[Past, ...]:
        """Those at the plan's own trials."""
        return tuple(past for past in self.past if past.arms)

    @property
    def looks(self) -> tuple[Look, ...]:
        """The looks at the plan's own trials that spend of the level."""
        return spending([past.look for past in self.same])


def read_history(plan: Plan, folder: Path) -> History:
    """The looks that concern a plan, of the record in `folder`, local or published.

    Raises:
        ValueError: its `looks.csv` cannot be read as one.
    """
    file = read_looks(looks_path(folder))
    remembered = read_provenance(folder / "provenance.json").get("looks") or {}
    lost = str(remembered.get("last", ""))
    breaks = list(file.breaks)
    if lost in ("", *file.hashes):
        lost = ""
    else:
        count = counted(int(remembered.get("rows", 1)), "row")
        breaks.append(f"looks.csv had {count} when this was written, and the last of them is gone")
    if not file.looks:
        return History((), tuple(breaks), lost)
    asked = question(plan)
    past = (
        _past(look, line, asked, plan) for look, line in zip(file.looks, file.hashes, strict=True)
    )
    return History(tuple(each for each in past if each is not None), tuple(breaks), lost)


def _past(look: Look, line: str, asked: Question, plan: Plan) -> Past | None:
    """How a look concerns the plan with this question; None: it does not."""
    here = {arm["trial"]: name for name, arm in asked["arms"].items()}
    there = look.asked["arms"]
    names = {name: here[arm["trial"]] for name, arm in there.items() if arm["trial"] in here}
    is_named = look.name == _name(plan)
    if len(names) >= min(_ENOUGH, len(here), len(there)):
        is_whole = is_named or len(names) in (len(here), len(there))
        return Past(_in_names(look, names), len(names), is_whole, line)
    if is_named or _same_settings(asked, look.asked) >= min(_ENOUGH, len(here), len(there)):
        return Past(look, 0, is_whole=True, line=line)
    return None


def _in_names(look: Look, names: Mapping[str, str]) -> Look:
    """The look at those of its arms that the plan has, under the plan's names."""

    def here(arms: Sequence[str]) -> tuple[str, ...]:
        return tuple(names[name] for name in arms if name in names)

    return replace(
        look,
        replicates={names[name]: n for name, n in look.replicates.items() if name in names},
        decided=here(look.decided),
        set_aside=here(look.set_aside),
        goes_on=here(look.goes_on),
    )


def _same_settings(first: Question, second: Question) -> int:
    """How many arms have the same settings, the seed apart."""
    if first["base"] != second["base"]:
        return 0
    texts = (
        Counter(question_text(arm["changes"]) for arm in asked["arms"].values())
        for asked in (first, second)
    )
    one, other = texts
    return (one & other).total()


def looked_plan(study: Study, budget: str | None, results: Path) -> tuple[Plan, tuple[Look, ...]]:
    """The plan of a study's table, and its looks: no arm with fewer replicates than were seen.

    Without a `budget` it is the study's default one; `results` is the folder of results.

    Raises:
        StudyError: the study has no such budget.
        ValueError: `looks.csv` cannot be read as one.
    """
    plan = expand(study, budget)
    history = read_history(plan, results / plan.study / plan.budget)
    seen = {arm.name: 0 for arm in plan.arms}
    for look in history.looks:
        seen |= {name: max(n, seen[name]) for name, n in look.replicates.items()}
    planned = Counter(trial.arm for trial in plan.trials)
    if any(seen[name] > count for name, count in planned.items()):
        most = {name: max(seen[name], count) for name, count in planned.items()}
        plan = expand(study, plan.budget, replicates=most)
    return plan, history.looks


def remembered(history: History) -> dict[str, Any]:
    """What a record remembers of the looks at it: how many rows, the last, and its question."""
    if not history.same:
        return {}
    rows = {"rows": len(history.same), "last": history.same[-1].line}
    origin = _origin(history)
    if origin is None:
        return rows
    return {**rows, "since": origin.date, "sha256": question_hash(origin.asked)}


def rows_of(plan: Plan, folder: Path) -> tuple[Look, ...]:
    """The rows that concern a plan, of the record in `folder`, as the file has them.

    Raises:
        ValueError: its `looks.csv` cannot be read as one.
    """
    file = read_looks(looks_path(folder))
    lines = {past.line for past in read_history(plan, folder).past}
    pairs = zip(file.looks, file.hashes, strict=True)
    return tuple(look for look, line in pairs if line in lines)


def next_look(
    history: History, looks: Sequence[Look], trials: pd.DataFrame, plan: Plan
) -> Look | None:
    """The row that a report of these trials adds; None where it is nothing new.

    Args:
        history: Of the plan.
        looks: Its looks, with one by hand at the end if replicates were added.
        trials: As `trials_frame` gives it, all complete.
        plan: What is reported.
    """
    if len(looks) > len(history.looks):
        return looks[-1]
    own = [past.look for past in history.same if past.look.name == _name(plan)]
    if own and own[-1].kind != "preregistered" and own[-1].asked == question(plan):
        return None
    return look_at(plan, "seen", complete_replicates(trials, plan), level_of(looks))


# --- in words ---


def _origin(history: History) -> Look | None:
    """The question that later ones are held to: preregistered, else that of the first look."""
    before: Look | None = None
    for look in (past.look for past in history.same if past.is_whole):
        if look.kind != "preregistered":
            return before or look
        before = look
    return before


def remarks(history: History, plan: Plan) -> list[tuple[str, str]]:
    """What a reader must know of what was seen before: pairs of a beginning and the rest."""
    origin, now = _origin(history), question(plan)
    is_seen = any(past.look.kind != "preregistered" for past in history.same)
    pairs = []
    if origin is not None and origin.kind == "preregistered":
        text = f"on {origin.date}, before results were seen (sha256 {_short(origin.asked)})."
        pairs.append(("Preregistered", text))
    if origin is not None and (text := _changed(history, origin, plan, now)):
        when = "results were seen" if is_seen else "it was preregistered"
        pairs.append((f"Changed after {when}", text))
    if text := " ".join(_elsewhere(history, plan)):
        pairs.append(("Seen elsewhere.", text))
    if pair := _other_trainings(history, now):
        pairs.append(pair)
    if history.breaks:
        text = "; ".join(dict.fromkeys(history.breaks))
        pairs.append(("Looks were edited:", f"{text}. What was seen before is not known."))
    return pairs


def _short(asked: Question) -> str:
    return question_hash(asked)[:_SHORT]


def _changed(history: History, origin: Look, plan: Plan, now: Question) -> str:
    """What of the question was changed since the first look, and how often it was changed."""
    phrases = changes(origin.asked, now)
    if origin.kind == "preregistered":
        phrases += _other_counts(origin, history)
    since = itertools.dropwhile(lambda past: past.look is not origin, history.same)
    own = {_short(past.look.asked) for past in since if past.look.name == _name(plan)}
    between = len(own - {_short(origin.asked), _short(now)})
    if not phrases and not between:
        return ""
    text = f"(first on {origin.date}): {in_short(phrases) or 'nothing that is left'}."
    if between:
        text += f" In between it was asked in {counted(between, 'other way')} (looks.csv)."
    return text


def _other_counts(origin: Look, history: History) -> list[str]:
    """Where the first look had other replicates than were preregistered."""
    seen = next((p.look for p in history.same if p.look.kind in ("by hand", "seen")), None)
    if seen is None:
        return []
    planned = {n for name, n in origin.replicates.items() if name in seen.replicates}
    counts = {n for name, n in seen.replicates.items() if name in origin.replicates}
    texts = ["/".join(map(str, sorted(numbers))) for numbers in (planned, counts)]
    return [f"the replicates were {texts[0]}, now {texts[1]}"] if planned != counts else []


def _name(plan: Plan) -> str:
    return f"study {plan.study} at the budget {plan.budget}"


def _elsewhere(history: History, plan: Plan) -> Iterator[str]:
    """Where else the same trials were reported."""
    first: dict[str, Past] = {}
    for past in history.same:
        if past.look.name != _name(plan) and past.look.kind != "preregistered":
            first.setdefault(past.look.name, past)
    shown = list(first.items())[:_MOST_NAMES]
    for name, past in shown:
        share = f"{past.arms} of these {len(plan.arms)} arms"
        what = "The same trials" if past.arms == len(plan.arms) else share
        primary = primary_names(past.look.asked)
        by = "" if primary == primary_names(question(plan)) else f", by {primary}"
        yield f"{what} were reported as {name} on {past.look.date}{by}."
    if len(first) > len(shown):
        yield f"So they were under {counted(len(first) - len(shown), 'more name')}."


def _other_trainings(history: History, now: Question) -> tuple[str, str] | None:
    """What was seen of the same study, or of the same settings, with other trainings."""
    others = [p.look for p in history.past if not p.arms and p.look.kind != "preregistered"]
    if not others:
        return None
    first = others[0]
    phrases = changes(first.asked, now)
    name = f", as {first.name}" if len({look.name for look in others}) > 1 else ""
    seeds = dict.fromkeys(str(look.asked["seed"]) for look in others)
    seen = (
        f"({counted(len(others), 'report')} with {'seeds' if len(seeds) > 1 else 'seed'} "
        f"{joined(list(seeds))}, first on {first.date}{name})"
    )
    if phrases:
        return "Changed after other trainings were seen", f"{seen}: {in_short(phrases)}."
    return "Other trainings were seen before", f"{seen}, by another version of the training."

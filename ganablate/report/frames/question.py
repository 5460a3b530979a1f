"""The question that a plan asks of its trials: what is written down when results are first seen.

It holds what verdicts depend on and the trials do not: the primary metrics with their directions,
the arms with what they change and what each is compared with, which point of the training is shown,
what every claim states, margin and level. Names of study and budget, words of claims and the number
of replicates are not in it.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from ganablate.catalog import METRICS, metric_columns
from ganablate.report.stats.comparison import MARGIN
from ganablate.report.stats.statistics import ALPHA
from ganablate.report.table.tables import reference_arm
from ganablate.study.arms.settings import text_of
from ganablate.study.claims.claims import Claim
from ganablate.study.plan import Plan
from ganablate.study.reading.fields import Margin, Position
from ganablate.text import counted, joined, percent

Question = Mapping[str, Any]
"""As `question` gives it, or as `looks.csv` has it: plain values of JSON."""
_JSON = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False, default=list
)
_PLAIN = {
    "seed": "seed",
    "extractor": "extractor",
    "evaluations": "evaluations",
    "margin": "margin of equivalence",
    "level": "level",
}
"""Parts of a question that are single values -> how a sentence calls them."""
_NAMING = ("arm", "arms", "to", "before", "compare_to")
"""Keys whose values are names of arms."""
_KEYS = {
    "by": "margin", "within": "margin", "is": "statement", "to": "partner",
    "otherwise": "verdict where it does not hold",
}  # fmt: skip
"""Keys of claims that a sentence calls otherwise."""
_MOST = 8
"""Changes that a sentence names."""
_MOST_NAMES = 5


def question(plan: Plan) -> dict[str, Any]:
    """The question of a plan. It needs an arm, and no result."""
    firsts = first_trials(plan)
    return json_values(
        {
            "primary": [[name, _direction(plan, name)] for name in plan.primaries],
            "margin": f"{MARGIN:g}x",
            "level": ALPHA,
            "seed": plan.seed,
            "extractor": plan.extractor,
            "evaluations": plan.evaluations,
            "points": {
                name: point.kind if point.k == 1 else f"{point.kind} {point.k}"
                for name, point in plan.points.items()
            },
            "base": reference_arm(plan).config.model_dump(
                mode="json", exclude_none=True, exclude={"seed"}
            ),
            "arms": {
                arm.name: {
                    "changes": dict(arm.changes),
                    "compare_to": arm.compare_to,
                    "trial": firsts.get(arm.name),
                }
                for arm in plan.arms
            },
            "claims": {claim.id: _stated(claim) for claim in plan.claims},
        }
    )


def _direction(plan: Plan, column: str) -> str:
    return plan.columns[column].direction if column in plan.columns else "none"


def _stated(claim: Claim) -> dict[str, Any]:
    """What a claim states, as its study may write it, without its words."""
    return {key: _plain(getattr(claim, key)) for key in ("budget", "data", claim.kind)}


def _plain(value: Any) -> Any:
    """A part of a claim as values of JSON: `1.25x` and `50%` as text, no key at its default."""
    if isinstance(value, Margin | Position):
        return str(value)
    if not isinstance(value, BaseModel):
        return value
    fields = type(value).model_fields.items()
    return {
        info.alias or name: _plain(getattr(value, name))
        for name, info in fields
        if getattr(value, name) != info.get_default(call_default_factory=True)
    }


def first_trials(plan: Plan) -> dict[str, str]:
    """Arm -> the id of its first trial, from which its settings and seed give all the others."""
    return {trial.arm: trial.trial_id for trial in plan.trials if trial.replicate == 0}


def json_values(content: Mapping[str, Any]) -> dict[str, Any]:
    """The content as it is read again from its text."""
    return dict(json.loads(question_text(content)))


def question_text(asked: Question) -> str:
    """The question as one line of JSON, the same for equal questions."""
    return _JSON.encode(dict(asked))


def question_hash(asked: Question) -> str:
    """The sha256 of the question's text, as 64 hex digits."""
    return hashlib.sha256(question_text(asked).encode()).hexdigest()


# --- how two questions differ, in words ---


def changes(before: Question, now: Question) -> list[str]:
    """What became other, a phrase each; none where both ask the same of the same trials.

    An arm that was given another name is the same arm.
    """
    old = _renamed(before, now)
    return [
        *_primary(old, now),
        *(
            _change(words, key, old[key], now[key])
            for key, words in _PLAIN.items()
            if old[key] != now[key]
        ),
        *_entries("point of {}", old["points"], now["points"], "last"),
        *_entries("{} of the baseline", old["base"], now["base"], "none"),
        *_arms(old["arms"], now["arms"]),
        *_claims(old["claims"], now["claims"]),
    ]


def in_short(phrases: list[str]) -> str:
    """The phrases in one line; of very many the first."""
    more = len(phrases) - _MOST
    shown = "; ".join(phrases[:_MOST])
    return f"{shown}; and {counted(more, 'change')} more, in looks.csv" if more > 0 else shown


def _renamed(before: Question, now: Question) -> Question:
    """The earlier question with today's names of the arms that have the same trials."""
    names = {arm["trial"]: name for name, arm in now["arms"].items()}
    new = {name: names.get(arm["trial"], name) for name, arm in before["arms"].items()}
    if all(name == now_called for name, now_called in new.items()):
        return before
    arms = {new[name]: _with_names(arm, new) for name, arm in before["arms"].items()}
    return {**before, "arms": arms, "claims": _with_names(before["claims"], new)}


def _with_names(entry: Any, new: Mapping[str, str]) -> Any:
    """A copy in which the names of arms are those of `new`."""
    if not isinstance(entry, Mapping):
        return entry
    copy: dict[str, Any] = {}
    for key, value in entry.items():
        if key in _NAMING and isinstance(value, str):
            copy[key] = new.get(value, value)
        elif key in _NAMING and isinstance(value, list):
            copy[key] = [new.get(name, name) for name in value]
        else:
            copy[key] = _with_names(value, new)
    return copy


def primary_names(asked: Question) -> str:
    """The primary metrics of a question, in order: `FID and Recall`."""
    columns = metric_columns(list(METRICS))
    names = [name for name, _ in asked["primary"]]
    return " and ".join(columns[name].title if name in columns else name for name in names)


def _primary(before: Question, now: Question) -> Iterator[str]:
    if primary_names(before) != primary_names(now):
        yield f"the primary metric {primary_names(before)} became {primary_names(now)}"
    directions = dict(before["primary"])
    for name, direction in now["primary"]:
        if directions.get(name, direction) != direction:
            yield _change(f"direction of {name}", "direction", directions[name], direction)


def _change(words: str, key: str, before: Any, now: Any) -> str:
    return f"{words} was {_value(key, before)}, now {_value(key, now)}"


def _value(key: str, value: Any) -> str:
    if value is None:
        return "none"
    if key == "level":
        return percent(value)
    if isinstance(value, list):
        return ", ".join(str(part) for part in value) or "none"
    return text_of(key, value)


def _entries(
    words: str, before: Mapping[str, Any], now: Mapping[str, Any], absent: str
) -> Iterator[str]:
    """A phrase for each name whose value differs; one side may lack it."""
    for name in dict.fromkeys([*before, *now]):
        old, new = (
            _value(name, values[name]) if name in values else absent for values in (before, now)
        )
        if old != new:
            yield f"{words.format(name)} was {old}, now {new}"


def _added_and_taken_out(
    noun: str, before: Mapping[str, Any], now: Mapping[str, Any]
) -> Iterator[str]:
    for names, done in (
        ([name for name in before if name not in now], "taken out"),
        ([name for name in now if name not in before], "added"),
    ):
        if names:
            verb = "was" if len(names) == 1 else "were"
            yield f"{counted(len(names), noun)} {verb} {done} ({joined(names, _MOST_NAMES)})"


def _arms(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    yield from _added_and_taken_out("arm", before, now)
    for name in now:
        if name in before:
            yield from _entries(
                f"{{}} of {name}", before[name]["changes"], now[name]["changes"], "the baseline's"
            )
            old, new = before[name]["compare_to"], now[name]["compare_to"]
            if old != new:
                yield _change(f"what {name} is compared with", "compare_to", old, new)


def _claims(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    yield from _added_and_taken_out("claim", before, now)
    for name in now:
        if name in before:
            old, new = _leaves(before[name]), _leaves(now[name])
            if old["kind"] != new["kind"]:
                yield _change(f"the kind of {name}", "kind", old["kind"], new["kind"])
            else:
                yield from _entries(f"the {{}} of {name}", old, new, "not stated")


def _leaves(stated: Mapping[str, Any]) -> dict[str, Any]:
    """Every value of a claim by its key, and as `kind` the keys that hold them."""
    leaves: dict[str, Any] = {}
    for key, value in stated.items():
        if isinstance(value, Mapping):
            inner = _leaves(value)
            leaves |= {**inner, "kind": f"{key} {inner.get('kind', '')}".strip()}
        else:
            leaves[_KEYS.get(key, key)] = value
    return leaves

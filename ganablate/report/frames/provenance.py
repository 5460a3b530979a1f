"""`provenance.json`: when, where and with what each trial ran, and what the csv files held.

Kept apart from the tables, so that two machines with equal numbers write equal tables. It has the
sha256 of the files with numbers, so that a number changed by hand is noticed.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ganablate.catalog import METRICS, OF_SETTINGS, PROBES, Part, plugin_digests
from ganablate.files import read_json, write_text
from ganablate.report.table.tables import reference_arm
from ganablate.study.plan import Plan
from ganablate.text import counted, duration
from ganablate.trials.folder import TrialFolder
from ganablate.trials.needs import state_of

WITH_NUMBERS = ("trials.csv", "curves.csv")
"""The files whose numbers everything else is calculated from."""
_FACTS = ("device", "precision", "threads", "processor", "torch", "ganablate", "host")


def _distinct(records: Iterable[Mapping[str, Any]], name: str) -> list[str]:
    """Every value of a fact, as text and sorted."""
    return sorted({str(record[name]) for record in records if record.get(name) is not None})


def _attempts(trials: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [attempt for trial in trials.values() for attempt in trial.get("attempts", [])]


def plugins_of(plan: Plan) -> dict[str, str]:
    """Part -> file and digest of its source, for parts of a plan from plug-ins."""
    lines: dict[str, Part] = {name: METRICS[name] for name in plan.metrics}
    lines |= {name: PROBES[name] for name in plan.probes}
    for arm in plan.arms:
        settings = arm.config.model_dump(include=set(OF_SETTINGS), exclude_none=True)
        for setting in plugin_digests(settings):
            lines[settings[setting]] = OF_SETTINGS[setting][settings[setting]]
    return {name: f"{line.plugin}@{line.digest}" for name, line in lines.items() if line.digest}


def provenance(plan: Plan, trials_root: Path, earlier: dict[str, Any]) -> dict[str, Any] | None:
    """What the local trial folders know, joined with what `earlier` says of other trials.

    It has every setting of the arm that the others are compared to, and what each arm changes.
    Seeds differ by replicate: they stand with the trials.

    Returns:
        None where no folder of the plan's complete trials is here: keep what there is.
    """
    local: dict[str, Any] = {}
    for trial in plan.trials:
        if state_of(trial, trials_root) == "complete":
            folder = TrialFolder(trials_root, trial.trial_id)
            facts = folder.complete or {}
            kept = {key: facts[key] for key in ("finished_ms", "data_fingerprint") if key in facts}
            local[trial.trial_id] = {**kept, "attempts": folder.attempts()}
    if not local:
        return None
    old = earlier.get("trials", {})
    joined = {**(old if isinstance(old, dict) else {}), **local}
    trials = {
        trial.trial_id: {
            **joined[trial.trial_id],
            "arm": trial.arm,
            "replicate": trial.replicate,
            "seed": trial.config.seed,
        }
        for trial in plan.trials
        if trial.trial_id in joined
    }
    attempts, plugins, reference = _attempts(trials), plugins_of(plan), reference_arm(plan)
    seen = {fact: values for fact in _FACTS if (values := _distinct(attempts, fact))}
    return {
        "study": plan.study,
        "budget": plan.budget,
        "execution": _note(seen),
        "seen": seen,
        "wall_seconds": round(sum(map(_wall_seconds, attempts)), 3),
        "settings": {
            "of": reference.name,
            "full": reference.config.model_dump(mode="json", exclude_none=True, exclude={"seed"}),
            "changes": {arm.name: dict(arm.changes) for arm in plan.arms},
        },
        **({"plugins": plugins} if plugins else {}),
        "trials": trials,
    }


def _note(seen: dict[str, list[str]]) -> str:
    mixed = [fact for fact in ("device", "precision") if len(seen.get(fact, [])) > 1]
    if not mixed:
        return "one device and one precision"
    parts = [f"{fact}: {', '.join(seen[fact])}" for fact in mixed]
    return f"trials differ in what they ran with ({'; '.join(parts)}); trials.csv names each"


def _wall_seconds(attempt: Mapping[str, Any]) -> float:
    return float(attempt.get("wall_seconds") or 0)


def read_provenance(path: Path) -> dict[str, Any]:
    """The file's content; empty where there is no such file or it holds no object."""
    return read_json(path) or {}


def write_provenance(path: Path, facts: Mapping[str, Any]) -> None:
    """Write the facts, in one step."""
    write_text(path, json.dumps(facts, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


# --- whether the files with numbers are as they were written ---


def text_hash(text: str) -> str:
    """The sha256 of a text, as 64 hex digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def kept_hashes(folder: Path, facts: Mapping[str, Any]) -> dict[str, str | None]:
    """The files with numbers that are not as `facts` say that they were written.

    Returns:
        Name -> the sha256 that it had when it was written; None: that is not known.
    """
    hashes = facts.get("sha256") or {}
    kept = {}
    for name in WITH_NUMBERS:
        if (folder / name).exists():
            text = (folder / name).read_text(encoding="utf-8")
            if hashes.get(name) != text_hash(text):
                kept[name] = hashes.get(name)
    return kept


def edit_remarks(kept: Mapping[str, str | None]) -> list[tuple[str, str]]:
    """What a reader must know of such files: pairs of a beginning and the rest."""
    edited = [name for name, digest in kept.items() if digest]
    unsure = [name for name, digest in kept.items() if not digest]
    pairs = []
    if edited:
        text = f"{' and '.join(edited)} changed since it was written: see provenance.json."
        pairs.append(("Numbers were edited:", text))
    if unsure:
        text = f"provenance.json has no sha256 of {' and '.join(unsure)}."
        pairs.append(("Whether numbers were edited is not known:", text))
    return pairs


# --- as a reader sees it ---


def trial_seconds(facts: Mapping[str, Any]) -> dict[str, float]:
    """Wall seconds of each trial over its attempts."""
    trials = facts.get("trials", {})
    return {name: sum(map(_wall_seconds, trial["attempts"])) for name, trial in trials.items()}


def provenance_lines(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The facts of provenance.json: with what, where and when the trials ran."""
    if not facts:
        return []
    trials, seconds = facts.get("trials", {}), trial_seconds(facts)
    attempts = _attempts(trials)
    resumed = len(attempts) - len(seconds)
    digests = _distinct(trials.values(), "data_fingerprint")
    plugins = facts.get("plugins", {})
    lines = {
        **{name: ", ".join(map(str, values)) for name, values in facts.get("seen", {}).items()},
        "python": ", ".join(_distinct(attempts, "python")),
        "trained": _days(attempts),
        "wall time": f"{duration(sum(seconds.values()))} over {counted(len(seconds), 'trial')}",
        "resumed": counted(resumed, "time") if resumed > 0 else "",
        "data, sha256": ", ".join(digest[:16] for digest in digests),
        "plug-ins": ", ".join(f"{part} of {source}" for part, source in plugins.items()),
        "question, sha256": _question_line(facts.get("looks") or {}),
    }
    return [(name, text) for name, text in lines.items() if text]


def _question_line(looks: Mapping[str, Any]) -> str:
    """Since when the question is written down, and its hash; empty where it is not."""
    return f"{looks['sha256'][:16]}, since {looks['since']}" if "since" in looks else ""


def _days(attempts: Iterable[Mapping[str, Any]]) -> str:
    """The first and the last day of training; empty where none is known."""
    keys = ("started_ms", "ended_ms")
    times = [attempt[key] for attempt in attempts for key in keys if attempt.get(key)]
    if not times:
        return ""
    first, last = (
        datetime.fromtimestamp(time / 1000, UTC).strftime("%Y-%m-%d")
        for time in (min(times), max(times))
    )
    return f"{first} (UTC)" if first == last else f"{first} to {last} (UTC)"


def settings_lines(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Every setting of the arm that the others are compared to."""
    settings = facts.get("settings", {}).get("full", {})
    return [(str(name), str(value)) for name, value in settings.items()]

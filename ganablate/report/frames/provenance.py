"""`provenance.json`: when, where and with what each trial ran.

Kept apart from the tables, so that two machines with equal numbers write equal tables.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ganablate.catalog import METRICS, OF_SETTINGS, PROBES, Part, plugin_digests
from ganablate.report.table.tables import reference_arm
from ganablate.study.plan import Plan
from ganablate.text import duration
from ganablate.trials.folder import TrialFolder
from ganablate.trials.needs import state_of

_FACTS = ("device", "precision", "threads", "processor", "torch", "ganablate", "host")


def _trial(folder: TrialFolder) -> dict[str, Any]:
    complete = folder.complete or {}
    kept: dict[str, Any] = {
        key: complete[key] for key in ("finished_ms", "data_fingerprint") if key in complete
    }
    return {**kept, "attempts": folder.attempts()}


def _seen(trials: dict[str, Any]) -> dict[str, list[str]]:
    """Every value of each fact over all attempts: more than one is a mix."""
    attempts = [attempt for trial in trials.values() for attempt in trial.get("attempts", [])]
    seen = {fact: _distinct(attempts, fact) for fact in _FACTS}
    return {fact: values for fact, values in seen.items() if values}


def _distinct(records: Iterable[Mapping[str, Any]], name: str) -> list[str]:
    """Every value of a fact, as text and sorted."""
    return sorted({str(record[name]) for record in records if record.get(name) is not None})


def _note(seen: dict[str, list[str]]) -> str:
    mixed = [fact for fact in ("device", "precision") if len(seen.get(fact, [])) > 1]
    if not mixed:
        return "one device and one precision"
    parts = [f"{fact}: {', '.join(seen[fact])}" for fact in mixed]
    return f"trials differ in what they ran with ({'; '.join(parts)}); trials.csv names each"


def _settings(plan: Plan) -> dict[str, Any]:
    """Every setting of the arm that the others are compared to, and what each arm changes.

    Seeds differ by replicate: they stand with the trials.
    """
    reference = reference_arm(plan)
    return {
        "of": reference.name,
        "full": reference.config.model_dump(mode="json", exclude_none=True, exclude={"seed"}),
        "changes": {arm.name: dict(arm.changes) for arm in plan.arms},
    }


def plugins_of(plan: Plan) -> dict[str, str]:
    """Part -> file and digest of its source, for parts of a plan from plug-ins."""
    lines: dict[str, Part] = {name: METRICS[name] for name in plan.metrics}
    lines |= {name: PROBES[name] for name in plan.probes}
    for arm in plan.arms:
        settings = arm.config.model_dump(include=set(OF_SETTINGS))
        for setting in plugin_digests(settings):
            lines[settings[setting]] = OF_SETTINGS[setting][settings[setting]]
    return {name: f"{line.plugin}@{line.digest}" for name, line in lines.items() if line.digest}


def provenance(plan: Plan, trials_root: Path, earlier: dict[str, Any]) -> dict[str, Any] | None:
    """What the local trial folders know, joined with what `earlier` says of other trials.

    Returns:
        None where no folder of the plan's complete trials is here: keep what there is.
    """
    local: dict[str, Any] = {}
    for trial in plan.trials:
        if state_of(trial, trials_root) == "complete":
            local[trial.trial_id] = _trial(TrialFolder(trials_root, trial.trial_id))
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
    seen = _seen(trials)
    wall = sum(
        float(attempt.get("wall_seconds") or 0.0)
        for trial in trials.values()
        for attempt in trial.get("attempts", [])
    )
    plugins = plugins_of(plan)
    return {
        "study": plan.study,
        "budget": plan.budget,
        "execution": _note(seen),
        "seen": seen,
        "wall_seconds": round(wall, 3),
        "settings": _settings(plan),
        **({"plugins": plugins} if plugins else {}),
        "trials": trials,
    }


def read_provenance(path: Path) -> dict[str, Any]:
    """The file's content; empty where there is no such file or it holds no object."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError, UnicodeDecodeError):
        return {}
    return content if isinstance(content, dict) else {}


# --- as a reader sees it ---


def trial_seconds(facts: Mapping[str, Any]) -> dict[str, float]:
    """Wall seconds of each trial over its attempts."""
    return {
        str(name): sum(float(attempt.get("wall_seconds") or 0) for attempt in trial["attempts"])
        for name, trial in facts.get("trials", {}).items()
    }


def provenance_lines(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The facts of provenance.json: with what, where and when the trials ran."""
    if not facts:
        return []
    trials = list(facts.get("trials", {}).values())
    attempts = [attempt for trial in trials for attempt in trial["attempts"]]
    seconds = trial_seconds(facts)
    resumed = len(attempts) - len(seconds)
    plugins = facts.get("plugins", {})
    lines = {
        **{name: ", ".join(map(str, values)) for name, values in facts.get("seen", {}).items()},
        "python": ", ".join(_distinct(attempts, "python")),
        "trained": _days(attempts),
        "wall time": f"{duration(sum(seconds.values()))} over {len(seconds):,} trials",
        "resumed": f"{resumed} times" if resumed > 0 else "",
        "data, sha256": ", ".join(print_[:16] for print_ in _distinct(trials, "data_fingerprint")),
        "plug-ins": ", ".join(f"{part} of {source}" for part, source in plugins.items()),
    }
    return [(name, text) for name, text in lines.items() if text]


def _days(attempts: Iterable[Mapping[str, Any]]) -> str:
    """The first and the last day of training; empty where none is known."""
    times = [a[key] for a in attempts for key in ("started_ms", "ended_ms") if a.get(key)]
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

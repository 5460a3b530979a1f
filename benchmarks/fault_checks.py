"""What must hold of a sweep however often it was killed: nothing lost, nothing twice, all equal."""

import contextlib
import hashlib
import json
import sqlite3
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ganablate.tracking.trial_copy import final_points, points_of
from ganablate.trials.folder import TrialFolder

OF_TIMES = {"provenance.json", "report.html"}
"""Results that hold times and attempts; every other file is compared byte for byte."""
Values = Counter[tuple[str, int, float]]
"""How often MLflow has each key, step and value of a run."""


def newest_attempt(folder: Path) -> dict[str, Any]:
    """What the newest attempt of a trial says of itself; empty without one."""
    paths = sorted(folder.glob("attempts/[0-9]*.json"))
    with contextlib.suppress(OSError, json.JSONDecodeError):
        if paths:
            facts: dict[str, Any] = json.loads(paths[-1].read_text())
            return facts
    return {}


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    except FileNotFoundError:
        return "absent"


def trial_folders(trials: Path) -> list[Path]:
    """The folders of trials, those put aside included."""
    return sorted(path for path in trials.glob("[0-9a-f]*") if path.is_dir())


@dataclass
class Witness:
    """Looks at trial folders while the sweep goes on, and remembers what was complete."""

    trials: Path
    complete: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def look(self) -> None:
        """Note what is complete now; what was complete before must not have changed."""
        for path in self.trials.glob("*/complete.json"):
            name = path.parent.name
            if name not in self.complete:
                with contextlib.suppress(FileNotFoundError):
                    weights = _digest(path.parent / "weights.safetensors")
                    self.complete[name] = path.read_bytes(), weights

    def lost(self) -> list[str]:
        """What was complete and is not, or is another trial now."""
        found = []
        for name, (facts, weights) in self.complete.items():
            path = self.trials / name / "complete.json"
            if not path.exists() or path.read_bytes() != facts:
                found.append(f"trial {name}: complete.json changed after completion")
            if weights == "absent" or _digest(path.parent / "weights.safetensors") != weights:
                found.append(f"trial {name}: its weights changed after completion")
        return found


def missing(trials: Path, expected: Path) -> list[str]:
    """Trials of the undisturbed sweep that are not complete here."""
    return [
        f"trial {path.name} is not complete"
        for path in trial_folders(expected)
        if not (trials / path.name / "complete.json").exists()
    ]


def doubled(trials: Path) -> list[str]:
    """Iterations that were trained again after a checkpoint or after completion had them."""
    found = []
    for path in trial_folders(trials):
        if ".stale-" in path.name:
            found.append(f"{path.name}: a trial was put aside and trained again")
            continue
        folder = TrialFolder(trials, path.name)
        complete = folder.complete or {}
        reached, ends = 0, 0
        for attempt in folder.attempts():
            number = attempt["attempt"]
            if attempt["started_ms"] > complete.get("finished_ms", float("inf")):
                found.append(f"trial {path.name}: attempt {number} began after completion")
            began = attempt.get("from_iteration")
            if began is not None and began < reached:
                found.append(f"trial {path.name}: attempt {number} went back to {began}")
            until = attempt.get("until_iteration", began or 0)
            ends += (began or 0) < until == complete.get("iterations")
            reached = max(reached, until)
        if ends > 1:
            found.append(f"trial {path.name} was trained to its end {ends} times")
    return found


def other_trials(trials: Path, expected: Path) -> list[str]:
    """Trials whose weights, losses, images or numbers are not those of the undisturbed sweep."""
    names = ("weights.safetensors", "losses.npz", "samples.npy", "metrics.json", "animation.gif")
    found = [
        f"trial {path.name}: {name} is other than undisturbed"
        for path in trial_folders(expected)
        for name in names
        if _digest(trials / path.name / name) != _digest(path / name)
    ]
    for path in trial_folders(trials):
        hidden = [left.name for left in path.rglob(".*") if left.is_file()]
        found += [f"trial {path.name}: {name} is left of a write cut off" for name in hidden]
    return found


def other_results(results: Path, expected: Path) -> list[str]:
    """Files of the report that differ from those of the undisturbed sweep."""
    names = {
        str(path.relative_to(root)) for root in (results, expected) for path in root.rglob("*.*")
        if path.is_file() and path.name not in OF_TIMES
    }  # fmt: skip
    return [
        f"results: {name} is other than undisturbed"
        for name in sorted(names)
        if _digest(results / name) != _digest(expected / name)
    ]


def wrong_copy(database: Path, trials: Path, study: str) -> list[str]:
    """What MLflow's copy lacks, has twice, or has otherwise than the trial folders."""
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as copy:
        tags: dict[str, dict[str, str]] = {}
        for run, key, value in copy.execute("select run_uuid, key, value from tags"):
            tags.setdefault(run, {})[key] = value
        status = dict(copy.execute("select run_uuid, status from runs"))
        rows: dict[str, Values] = {}
        for run, *value in copy.execute("select run_uuid, key, step, value from metrics"):
            rows.setdefault(run, Counter())[tuple(value)] += 1
    found = []
    runs: dict[str, list[str]] = {}
    for run, known in tags.items():
        if known.get("ganablate.kind") == "trial" and known.get("ganablate.study") == study:
            runs.setdefault(known["ganablate.trial_id"], []).append(run)
    plans = [run for run, known in tags.items() if known.get("ganablate.kind") == "plan"]
    if len(plans) != 1:
        found.append(f"MLflow: {len(plans)} parent runs")
    for path in trial_folders(trials):
        own = runs.pop(path.name, [])
        if len(own) != 1:
            found.append(f"MLflow: {len(own)} runs of trial {path.name}")
            continue
        if status[own[0]] != "FINISHED":
            found.append(f"MLflow: trial {path.name} is {status[own[0]]}")
        found += _wrong_points(TrialFolder(trials, path.name), rows.get(own[0], Counter()))
    found += [f"MLflow: a run of the unknown trial {name}" for name in runs]
    return found


def _wrong_points(folder: TrialFolder, stored: Values) -> list[str]:
    points = [p for block in folder.blocks() for p in points_of(block)] + final_points(folder)
    expected = Counter((p.key, p.step, p.value) for p in points)
    places = Counter((key, step) for key, step, _ in stored.elements())
    found = []
    if most := [place for place, count in places.items() if count > 1]:
        found.append(f"MLflow: trial {folder.trial_id}: {len(most)} values twice, as {most[0]}")
    lacking, strange = expected - stored, stored - expected
    if lacking or strange:
        some = next(iter(lacking or strange))
        found.append(
            f"MLflow: trial {folder.trial_id}: {lacking.total()} values lacking, "
            f"{strange.total()} of its own, as {some}"
        )
    return found

"""The state of a sweep, read from the trial folders: what another terminal can know.

A trial writes its losses down with each checkpoint, so this is up to half a minute behind
(`checkpoint_seconds` of the profile).
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ganablate.files import read_json
from ganablate.study.plan import Plan, Trial
from ganablate.sweep.screen.overview import LOSSES, Overview, Running
from ganablate.sweep.screen.watch import MOST_JUDGED, PlannedTrials, outcome_counts, title_of
from ganablate.trials.folder import TrialFolder
from ganablate.trials.needs import TrialStatus

_LATEST = 20
"""Complete trials whose durations are averaged."""


def overview_of(plan: Plan, statuses: Mapping[str, TrialStatus], trials_root: Path) -> Overview:
    """The state of a plan's trials, of these statuses by trial id."""
    by_state: dict[str, list[str]] = {}
    for trial_id, status in statuses.items():
        by_state.setdefault(status.state, []).append(trial_id)
    complete = by_state.get("complete", [])
    trials = [trial for trial in plan.trials if statuses[trial.trial_id].state == "running"]
    running = [running_of(trial, plan, trials_root) for trial in trials]
    planned = PlannedTrials([plan], trials_root)
    judged = complete if len(complete) <= MOST_JUDGED else []
    waiting = len(by_state.get("pending", [])) + len(by_state.get("stale", []))
    left = None
    if running:
        work = waiting + sum(1 - trial.share for trial in running)
        seconds = [
            *_durations(complete, trials_root),
            *_expected_durations(zip(trials, running, strict=True), trials_root),
        ]
        left = work * sum(seconds) / len(seconds) / len(running) if seconds else None
    return Overview(
        title=title_of([plan]),
        total=len(statuses),
        done=len(complete),
        failed=len(by_state.get("failed", [])),
        running=running,
        outcomes=outcome_counts(planned.outcome(trial_id) for trial_id in judged),
        seconds_left=left,
    )


def running_of(trial: Trial, plan: Plan, trials_root: Path) -> Running:
    """How far a trial is, as its checkpoints say; it need not be running."""
    total = trial.config.total_iterations(plan.images_of(trial.config.dataset))
    iteration = 0
    curves: dict[str, list[tuple[float, float]]] = {}
    for path in TrialFolder(trials_root, trial.trial_id).blocks():
        block = read_json(path) or {}
        iteration = max(iteration, int(block.get("iteration", 0)))
        for key in LOSSES.keys() & block.get("points", {}).keys():
            points = ((step / max(total, 1), value) for step, value, _ in block["points"][key])
            curves.setdefault(key, []).extend(points)
    return Running(
        arm=trial.arm,
        replicate=trial.replicate,
        iteration=iteration,
        total=total,
        epochs=trial.config.epochs,
        losses={key: points[-1][1] for key, points in curves.items() if points},
        curves=curves,
    )


def _durations(complete: Iterable[str], trials_root: Path) -> Iterator[float]:
    """Seconds of the trials that became complete last, each with all its attempts."""
    ended: list[tuple[float, str]] = []
    for trial_id in complete:
        path = trials_root / trial_id / "complete.json"
        if path.exists():
            ended.append((path.stat().st_mtime, trial_id))
    for _, trial_id in sorted(ended)[-_LATEST:]:
        attempts = TrialFolder(trials_root, trial_id).attempts()
        if seconds := sum(_number(attempt, "wall_seconds") for attempt in attempts):
            yield seconds


def _expected_durations(
    trials: Iterable[tuple[Trial, Running]], trials_root: Path
) -> Iterator[float]:
    """Seconds that running trials would take from beginning to end, at their speed so far."""
    for trial, running in trials:
        attempts = TrialFolder(trials_root, trial.trial_id).attempts()
        last = attempts[-1] if attempts else {}
        done = _number(last, "until_iteration") - _number(last, "from_iteration")
        if done > 0:
            yield _number(last, "wall_seconds") * running.total / done


def _number(attempt: Mapping[str, Any], fact: str) -> float:
    value = attempt.get(fact)
    return float(value) if isinstance(value, int | float) else 0.0

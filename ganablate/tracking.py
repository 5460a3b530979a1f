"""MLflow as a copy of the ledger: the only module that imports mlflow.

The trial folders are the truth. What is sent carries the timestamps stored there, and MLflow
keeps one row for each key, step, value and timestamp, so sending again changes nothing and the
copy can be rebuilt at any time. MLflow never stops a sweep: what goes wrong here is a warning.
"""

import json
import logging
import math
import os
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from filelock import FileLock

from ganablate.ledger import TrialFolder
from ganablate.study.plan import Trial

URI_VARIABLE = "MLFLOW_TRACKING_URI"
TRIES = 3
"""Tries of one update before it is given up with a warning."""
_PER_CALL = 1000
_LONGEST_TAG = 5000
_DATABASE = "mlflow.db"
_ARTIFACTS = "mlartifacts"
_LOCK = "mlflow.lock"

Warn = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class TrackedTrial:
    """A trial where it stands in a study: what one MLflow run is about."""

    study: str
    budget: str
    trial: Trial
    trials_root: Path

    @property
    def folder(self) -> TrialFolder:
        """Where the truth about the trial is."""
        return TrialFolder(self.trials_root, self.trial.trial_id)

    @property
    def key(self) -> tuple[str, str, str]:
        """Study, budget and trial id: names the run."""
        return self.study, self.budget, self.trial.trial_id


class Tracker(Protocol):
    """Keeps a copy of what happens. Methods return at once and do not raise."""

    def started(self, tracked: TrackedTrial) -> None:
        """An attempt begins; also called for a trial that was begun before."""

    def blocks(self, tracked: TrackedTrial, blocks: Iterable[Path]) -> None:
        """These block.json files are new."""

    def completed(self, tracked: TrackedTrial) -> None:
        """The trial is complete: in this sweep, or already before it."""

    def failed(self, tracked: TrackedTrial, message: str) -> None:
        """The last attempt failed."""

    def close(self) -> None:
        """Wait until everything is stored; trials still running are marked as interrupted."""


# --- what a trial's copy consists of ---


@dataclass(frozen=True)
class Point:
    """One value of a metric. `step` counts generator updates, `timestamp_ms` from 1970."""

    key: str
    value: float
    step: int
    timestamp_ms: int


def points_of(block: Path) -> list[Point]:
    """The finite values of a block.json."""
    content = json.loads(block.read_text(encoding="utf-8"))
    return [
        Point(key, float(value), int(step), int(stamp))
        for key, points in content["points"].items()
        for step, value, stamp in points
        if value is not None and math.isfinite(value)
    ]


def final_points(folder: TrialFolder) -> list[Point]:
    """The finite measured numbers of a complete trial, at its last step."""
    facts = folder.complete or {}
    step, stamp = int(facts.get("iterations", 0)), int(facts.get("finished_ms", 0))
    return [
        Point(column, float(number), step, stamp)
        for column, number in folder.metrics()["numbers"].items()
        if number is not None and math.isfinite(number)
    ]


def final_tags(folder: TrialFolder) -> dict[str, str]:
    """Outcome, counts, protocols, and the numbers that are not finite, as MLflow tags."""
    facts = folder.complete or {}
    measured = folder.metrics()
    tags = {f"ganablate.{key}": str(value) for key, value in facts.items() if value is not None}
    tags |= {f"ganablate.protocol.{key}": text for key, text in measured["protocols"].items()}
    for column, number in measured["numbers"].items():
        if number is None or not math.isfinite(number):
            tags[f"ganablate.not_finite.{column}"] = str(number)
    return tags


def identity_tags(tracked: TrackedTrial, state: str) -> dict[str, str]:
    """What names a trial's run."""
    return {
        "ganablate.trial_id": tracked.trial.trial_id,
        "ganablate.arm": tracked.trial.arm,
        "ganablate.replicate": str(tracked.trial.replicate),
        "ganablate.budget": tracked.budget,
        "ganablate.study": tracked.study,
        "ganablate.state": state,
    }


def settings_of(trial: Trial) -> dict[str, str]:
    """The trial's settings as flat MLflow parameters."""
    settings = trial.config.model_dump(exclude_none=True)
    return {**{key: str(value) for key, value in settings.items()}, "data_id": trial.data_id}


def artifacts_of(folder: TrialFolder) -> Iterator[tuple[Path, str | None]]:
    """Files worth a look, each with the folder it goes to."""
    for name in ("trial.json", "metrics.json", "losses.png", "samples.gif"):
        if (folder.path / name).is_file():
            yield folder.path / name, None
    for path in sorted((folder.path / "samples").glob("*.png")):
        yield path, "samples"


# --- trackers ---


class NoTracker:
    """Keeps nothing."""

    def started(self, tracked: TrackedTrial) -> None:
        """Keep nothing."""

    def blocks(self, tracked: TrackedTrial, blocks: Iterable[Path]) -> None:
        """Keep nothing."""

    def completed(self, tracked: TrackedTrial) -> None:
        """Keep nothing."""

    def failed(self, tracked: TrackedTrial, message: str) -> None:
        """Keep nothing."""

    def close(self) -> None:
        """Keep nothing."""


@dataclass
class _Run:
    """What is known of an MLflow run, so that it need not be asked for again."""

    run_id: str
    finished: str = ""
    columns: set[str] = field(default_factory=set)
    sent: set[Path] = field(default_factory=set)
    status: str = ""
    """As this process last set it; empty: not touched, perhaps another driver's."""


class MlflowStore:
    """Writes to MLflow, one call after the other. Raises whatever MLflow raises."""

    def __init__(self, uri: str, runs: Path) -> None:
        """Connect, creating or migrating the database; two processes do it one after the other.

        Args:
            uri: Of the tracking store.
            runs: Folder of the lock and, unless a server keeps them, of the artifacts.
        """
        runs.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(runs / _LOCK)
        self._artifacts = None if _is_server(uri) else (runs.resolve() / _ARTIFACTS).as_uri()
        self._experiments: dict[str, str] = {}
        self._parents: dict[tuple[str, str], str] = {}
        self._runs: dict[tuple[str, str, str], _Run] = {}
        with self._lock:
            self._mlflow = _import_mlflow()
            self._client = self._mlflow.MlflowClient(tracking_uri=uri)
            self._client.search_experiments(max_results=1)

    def start(self, tracked: TrackedTrial) -> None:
        """Find or create the trial's run and bring it up to the blocks that are there."""
        run = self._run(tracked)
        self._set(run, tracked, "RUNNING", "running")
        self.send(tracked, tracked.folder.blocks())

    def send(self, tracked: TrackedTrial, blocks: Iterable[Path]) -> None:
        """Send the blocks that this process has not sent yet."""
        run = self._run(tracked)
        new = [block for block in blocks if block not in run.sent]
        self._log(run, [point for block in new for point in points_of(block)], {})
        run.sent.update(new)

    def complete(self, tracked: TrackedTrial) -> None:
        """Send all there is to a complete trial, unless MLflow has it already."""
        run, folder = self._run(tracked), tracked.folder
        finals, tags = final_points(folder), final_tags(folder)
        columns = {point.key for point in finals}
        if run.finished == tags.get("ganablate.finished_ms") and columns <= run.columns:
            return
        new = [block for block in folder.blocks() if block not in run.sent]
        points = [point for block in new for point in points_of(block)]
        self._log(run, [*points, *finals], {**identity_tags(tracked, "complete"), **tags})
        for path, where in artifacts_of(folder):
            self._client.log_artifact(run.run_id, str(path), where)
        self._client.set_terminated(run.run_id, "FINISHED")
        run.sent.update(new)
        run.status, run.finished, run.columns = "FINISHED", tags["ganablate.finished_ms"], columns

    def fail(self, tracked: TrackedTrial, message: str) -> None:
        """Mark the trial's run as failed."""
        run = self._run(tracked)
        self._log(run, [], {"ganablate.failure": message[:_LONGEST_TAG]})
        self._set(run, tracked, "FAILED", "failed")

    def finish(self) -> None:
        """Mark what still runs as interrupted, and each parent by its children of this process."""
        for run in self._runs.values():
            if run.status == "RUNNING":
                self._client.set_tag(run.run_id, "ganablate.state", "pending")
                self._client.set_terminated(run.run_id, "KILLED")
                run.status = "KILLED"
        for group, parent in self._parents.items():
            statuses = {run.status for key, run in self._runs.items() if key[:2] == group}
            worst = next((s for s in ("KILLED", "FAILED") if s in statuses), "FINISHED")
            self._client.set_terminated(parent, worst)

    def _set(self, run: _Run, tracked: TrackedTrial, status: str, state: str) -> None:
        if run.status != status:
            self._log(run, [], identity_tags(tracked, state))
            self._client.update_run(run.run_id, status=status)
            run.status = status

    def _log(self, run: _Run, points: list[Point], tags: dict[str, str]) -> None:
        entities = self._mlflow.entities
        metrics = [entities.Metric(p.key, p.value, p.timestamp_ms, p.step) for p in points]
        batch = [entities.RunTag(key, value[:_LONGEST_TAG]) for key, value in tags.items()]
        for start in range(0, len(metrics), _PER_CALL):
            self._client.log_batch(run.run_id, metrics=metrics[start : start + _PER_CALL])
        if batch:
            self._client.log_batch(run.run_id, tags=batch)

    def _run(self, tracked: TrackedTrial) -> _Run:
        self._parent(tracked.study, tracked.budget)
        if tracked.key not in self._runs:
            with self._lock:  # another driver may create the same run at this moment
                found = self._search(tracked.study, _trial_filter(tracked))
                self._runs[tracked.key] = found[0][1] if found else self._create(tracked)
        return self._runs[tracked.key]

    def _create(self, tracked: TrackedTrial) -> _Run:
        parent = self._parent(tracked.study, tracked.budget)
        tags = {**identity_tags(tracked, "running"), **_kind("trial"), "mlflow.parentRunId": parent}
        created = self._client.create_run(
            self._experiments[tracked.study],
            tags=tags,
            run_name=f"{tracked.trial.arm} / {tracked.trial.replicate}",
        )
        run = _Run(created.info.run_id, status="RUNNING")
        params = [self._mlflow.entities.Param(*item) for item in settings_of(tracked.trial).items()]
        self._client.log_batch(run.run_id, params=params)
        return run

    def _parent(self, study: str, budget: str) -> str:
        group = (study, budget)
        if group not in self._parents:
            with self._lock:
                self._open_experiment(study)
                found = self._search(study, f"{_budget_filter(budget)} and {_kind_filter('plan')}")
                tags = {"ganablate.study": study, "ganablate.budget": budget, **_kind("plan")}
                self._parents[group] = (
                    found[0][1].run_id
                    if found
                    else self._client.create_run(
                        self._experiments[study], tags=tags, run_name=budget
                    ).info.run_id
                )
            self._client.update_run(self._parents[group], status="RUNNING")
            known = self._search(study, f"{_budget_filter(budget)} and {_kind_filter('trial')}")
            self._runs |= {(study, budget, trial_id): run for trial_id, run in known}
        return self._parents[group]

    def _open_experiment(self, study: str) -> None:
        if study in self._experiments:
            return
        experiment = self._client.get_experiment_by_name(study)
        if experiment is None:
            identifier = self._client.create_experiment(study, self._artifacts)
        else:
            if experiment.lifecycle_stage == "deleted":
                self._client.restore_experiment(experiment.experiment_id)
            identifier = experiment.experiment_id
        self._experiments[study] = identifier

    def _search(self, study: str, condition: str) -> list[tuple[str, _Run]]:
        """Trial ids and runs, the oldest first."""
        found: list[tuple[str, _Run]] = []
        token: str | None = None
        while True:
            page = self._client.search_runs(
                [self._experiments[study]],
                condition,
                order_by=["attributes.start_time ASC"],
                page_token=token,
            )
            for run in page:
                tags = run.data.tags
                known = _Run(run.info.run_id)
                if tags.get("ganablate.state") == "complete":
                    known.finished = tags.get("ganablate.finished_ms", "")
                    known.columns = set(run.data.metrics)
                found.append((tags.get("ganablate.trial_id", ""), known))
            token = page.token
            if not token:
                return found


class MlflowTracker:
    """Sends from a thread of its own, so that training never waits for MLflow."""

    def __init__(self, uri: str, runs: Path, warn: Warn) -> None:
        """Start the thread; connecting happens in it.

        Args:
            uri: As `resolve_uri` gives it.
            runs: The folder of runs.
            warn: Called from the thread when something could not be stored.
        """
        self._uri = uri
        self._runs = runs
        self._warn = warn
        self._queue: queue.Queue[Callable[[MlflowStore], None] | None] = queue.Queue()
        self._thread = threading.Thread(target=self._work, name="tracker", daemon=True)
        self._thread.start()

    def started(self, tracked: TrackedTrial) -> None:
        """See `Tracker`."""
        self._queue.put(lambda store: store.start(tracked))

    def blocks(self, tracked: TrackedTrial, blocks: Iterable[Path]) -> None:
        """See `Tracker`."""
        paths = tuple(blocks)
        self._queue.put(lambda store: store.send(tracked, paths))

    def completed(self, tracked: TrackedTrial) -> None:
        """See `Tracker`."""
        self._queue.put(lambda store: store.complete(tracked))

    def failed(self, tracked: TrackedTrial, message: str) -> None:
        """See `Tracker`."""
        self._queue.put(lambda store: store.fail(tracked, message))

    def close(self) -> None:
        """See `Tracker`. Closing twice does nothing more."""
        if self._thread.is_alive():
            self._queue.put(lambda store: store.finish())
            self._queue.put(None)
            self._thread.join()

    def _work(self) -> None:
        lost = 0
        reasons: set[str] = set()
        try:
            store = MlflowStore(self._uri, self._runs)
        except Exception as error:
            self._warn(f"MLflow cannot be used, the sweep goes on without it: {_short(error)}")
            while self._queue.get() is not None:
                pass
            return
        while (action := self._queue.get()) is not None:
            failure = _try(action, store)
            if failure is not None:
                lost += 1
                reason = _short(failure)
                if reason not in reasons:
                    reasons.add(reason)
                    self._warn(f"MLflow did not take something, the trial folder has it: {reason}")
        if lost > len(reasons):
            self._warn(f"MLflow lacks {lost} updates; the next run sends them again")


def _try(action: Callable[[MlflowStore], None], store: MlflowStore) -> Exception | None:
    for attempt in range(TRIES):
        try:
            action(store)
        except Exception as error:
            if attempt == TRIES - 1:
                return error
            time.sleep(0.2 * 4**attempt)  # a locked database is free again soon
        else:
            return None
    return None


def _short(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0][:200]}" if text else type(error).__name__


def _kind(kind: str) -> dict[str, str]:
    return {"ganablate.kind": kind}


def _kind_filter(kind: str) -> str:
    return f"tags.`ganablate.kind` = '{kind}'"


def _budget_filter(budget: str) -> str:
    return f"tags.`ganablate.budget` = '{budget}'"


def _trial_filter(tracked: TrackedTrial) -> str:
    trial_id = f"tags.`ganablate.trial_id` = '{tracked.trial.trial_id}'"
    return f"{_budget_filter(tracked.budget)} and {trial_id}"


def _is_server(uri: str) -> bool:
    return uri.startswith(("http://", "https://", "databricks"))


def _import_mlflow() -> Any:
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("DO_NOT_TRACK", "true")
    import mlflow

    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
    return mlflow


def resolve_uri(runs: Path, *, argument: str | None = None, profile: str | None = None) -> str:
    """The tracking store: the argument, else $MLFLOW_TRACKING_URI, else the profile's, else SQLite.

    Args:
        runs: The folder of runs, where the default database is.
        argument: From the command line.
        profile: From the profile.
    """
    default = f"sqlite:///{runs.resolve() / _DATABASE}"
    return argument or os.environ.get(URI_VARIABLE) or profile or default


def ui_command(uri: str, *, port: int = 5000, host: str = "127.0.0.1") -> list[str]:
    """The command that shows `uri` in a browser; run it with `ui_environment`.

    Raises:
        ValueError: The store is a server already.
    """
    if _is_server(uri):
        raise ValueError(f"{uri} is a server already: open it in a browser")
    command = [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", uri]
    return [*command, "--host", host, "--port", str(port), "--workers", "1"]


def ui_environment() -> dict[str, str]:
    """Variables for `ui_command`: without job execution it takes 0.5 GB instead of 1.2 GB."""
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
    return {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", **quiet, **os.environ}

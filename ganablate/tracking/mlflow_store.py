"""Writes to MLflow, call by call."""

import logging
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock

from ganablate.tracking.database import (
    artifacts_of_project,
    check_sqlite,
    do_not_wait_for_disk,
    keep_artifacts_here,
)
from ganablate.tracking.location import (
    DATABASE,
    STORE_LOCK,
    TELEMETRY_OFF,
    is_server,
    own_database,
)
from ganablate.tracking.owner import OWNER, owner_of
from ganablate.tracking.trial_copy import (
    BEGUN,
    Point,
    TrackedTrial,
    artifacts_of,
    completed_as,
    final_points,
    final_tags,
    identity_tags,
    points_of,
    settings_of,
)
from ganablate.trials.folder import TrialFolder

LONGEST_TAG = 5000
KIND = "ganablate.kind"
"""Tag: whether a run is about a trial or a plan."""
TRAINING = {"mlflow.experimentKind": "custom_model_development"}
"""Tag of an experiment: MLflow shows its runs, not the traces of a language model."""
_PER_CALL = 800
"""Metric values a call; MLflow takes 1,000 in all, with parameters and tags."""
_ENVIRONMENT = {
    **TELEMETRY_OFF,
    # A server that is away is noticed after seconds, not after MLflow's quarter of an hour.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    # Two lines on the terminal for every run that ends, where the store is a server.
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


def import_mlflow() -> Any:
    """Import mlflow, quiet and without telemetry."""
    for variable, value in _ENVIRONMENT.items():
        os.environ.setdefault(variable, value)
    import mlflow  # noqa: TID251 - the one place

    for name in ("mlflow", "alembic", "urllib3"):  # urllib3 logs each server that is away
        logging.getLogger(name).setLevel(logging.ERROR)
        logging.getLogger(name).handlers.clear()  # MLflow's own writes to the terminal
        logging.getLogger(name).propagate = True
    return mlflow


def filter_of(**tags: str) -> str:
    """A search condition: the runs with these tags of ours."""
    return " and ".join(f"tags.`ganablate.{name}` = '{value}'" for name, value in tags.items())


@dataclass
class _Run:
    """What is known of an MLflow run, so that MLflow need not be asked again."""

    run_id: str
    begun: str = ""  # when the training began that it shows, if that was kept
    completed_as: tuple[str, str] = ("", "")
    """What it says of a complete trial; see `completed_as`."""
    params: dict[str, str] = field(default_factory=dict)
    """Still to be sent; they go with the first call that sends anything."""
    sent: set[Path] = field(default_factory=set)
    status: str = ""
    """As this process last set it; empty: not touched, perhaps another driver's."""


class MlflowStore:
    """Writes to MLflow, one call after the other. Raises whatever MLflow raises."""

    def __init__(self, uri: str, runs: Path) -> None:
        """Connect, creating or migrating the database; two processes do it one after the other.

        The folder of runs has the lock and, unless a server keeps them, the artifacts. Other
        projects may send to the same store, also trials of the same study: theirs are left alone.

        Raises:
            StoreError: The database is broken, or cannot be opened at all.
        """
        runs.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(runs / STORE_LOCK)
        self._artifacts = None if is_server(uri) else artifacts_of_project(runs)
        self._trials_root = runs / "trials"
        self._is_own = own_database(uri, runs) is not None
        self._experiments: dict[str, str] = {}
        self._parents: dict[tuple[str, str], str] = {}
        self._runs: dict[tuple[str, str, str], _Run] = {}
        if self._is_own and not (runs / DATABASE).exists():
            (runs / DATABASE).touch(0o664)  # SQLite itself would let the user's group only read it
        check_sqlite(uri)
        with self._lock:
            self._owner = owner_of(runs)
            keep_artifacts_here(uri, runs)
            self._mlflow = import_mlflow()
            do_not_wait_for_disk(uri, runs)
            self.client: Any = self._mlflow.MlflowClient(tracking_uri=uri)
            self.client.search_experiments(max_results=1)

    def start(self, tracked: TrackedTrial) -> None:
        """Find or create the trial's run and send the blocks that its folder has."""
        run = self._current(tracked)
        run.params = settings_of(tracked.trial)  # again, should the last driver have died early
        self._set_status(run, tracked, "RUNNING", "running")
        self.send(tracked, tracked.folder.blocks())

    def send(self, tracked: TrackedTrial, blocks: Iterable[Path]) -> None:
        """Send the blocks that this process has not sent yet."""
        run, begun = self._current(tracked), tracked.folder.begun
        new = [block for block in blocks if block not in run.sent]
        tags = {BEGUN: begun} if begun and not run.begun else {}
        self._log(run, [point for block in new for point in points_of(block)], tags)
        run.begun = run.begun or begun
        run.sent.update(new)

    def complete(self, tracked: TrackedTrial, *, again: bool = False) -> None:
        """Send everything of a complete trial, unless MLflow has it already; or `again`."""
        run, folder = self._current(tracked), tracked.folder
        end = completed_as(folder)
        if run.completed_as == end and not again:
            return
        new = [block for block in folder.blocks() if block not in run.sent]
        points = [point for block in new for point in points_of(block)]
        for path, where in artifacts_of(folder):
            self.client.log_artifact(run.run_id, str(path), where)
        self.client.set_terminated(run.run_id, "FINISHED", int(end[0]))
        # Last, since these tags say that everything has arrived.
        tags = {**self._tags(tracked, "complete"), **final_tags(tracked)}
        self._log(run, [*points, *final_points(folder)], tags, tags_last=True)
        run.sent.update(new)
        run.status, run.completed_as = "FINISHED", end

    def fail(self, tracked: TrackedTrial, message: str) -> None:
        """Mark the trial's run as failed, with the traceback and what was trained until then."""
        self.send(tracked, tracked.folder.blocks())
        run = self._current(tracked)
        if tracked.folder.traceback.is_file():
            self.client.log_artifact(run.run_id, str(tracked.folder.traceback))
        self._log(run, [], {"ganablate.failure": message[:LONGEST_TAG]})
        self._set_status(run, tracked, "FAILED", "failed")

    def answers(self) -> bool:
        """Whether the store takes anything: a tag that it has already is written again."""
        parent = next(iter(self._parents.values()), None)
        try:
            if parent is not None:
                self.client.set_tag(parent, KIND, "plan")
        except Exception:
            return False
        return parent is not None

    def finish(self) -> None:
        """Mark what still runs as interrupted, and each parent by its children of this process."""
        for run in self._runs.values():
            if run.status == "RUNNING":
                self.client.set_tag(run.run_id, "ganablate.state", "pending")
                self.client.set_terminated(run.run_id, "KILLED")
                run.status = "KILLED"
        for group, parent in self._parents.items():
            statuses = {run.status for key, run in self._runs.items() if key[:2] == group}
            worst = next((s for s in ("KILLED", "FAILED") if s in statuses), "FINISHED")
            self.client.set_terminated(parent, worst)

    def _set_status(self, run: _Run, tracked: TrackedTrial, status: str, state: str) -> None:
        if run.status != status:
            self._log(run, [], self._tags(tracked, state))
            self.client.update_run(run.run_id, status=status)
            run.status = status

    def _tags(self, tracked: TrackedTrial, state: str) -> dict[str, str]:
        return {**identity_tags(tracked, state), OWNER: self._owner}

    def _log(
        self, run: _Run, points: list[Point], tags: Mapping[str, str], *, tags_last: bool = False
    ) -> None:
        """Send points, tags, and what is still to be sent of the parameters.

        The tags go with the first call, or with the last one, in which MLflow writes points first.
        """
        entities = self._mlflow.entities
        metrics = [entities.Metric(p.key, p.value, p.timestamp_ms, p.step) for p in points]
        starts = range(0, len(metrics), _PER_CALL) or range(1)
        tagged = starts[-1] if tags_last else 0
        for start in starts:
            batch = tags if start == tagged else {}
            self.client.log_batch(
                run.run_id,
                metrics=metrics[start : start + _PER_CALL],
                params=[entities.Param(key, value) for key, value in run.params.items()],
                tags=[entities.RunTag(key, value[:LONGEST_TAG]) for key, value in batch.items()],
            )
            run.params = {}

    def _current(self, tracked: TrackedTrial) -> _Run:
        """The trial's run; a new one where it shows another training than the folder has.

        Points of both trainings in one run would be two curves under one name.
        """
        run, begun = self._run(tracked), tracked.folder.begun
        facts, finished = tracked.folder.complete, run.completed_as[0]
        same = not (run.begun and begun) or run.begun == begun
        if same and (not finished or (facts and str(facts["finished_ms"]) == finished)):
            return run
        self.client.set_tag(run.run_id, "ganablate.state", "stale")
        if not finished:
            self.client.set_terminated(run.run_id, "KILLED")
        self._runs[tracked.key] = self._create(tracked)
        return self._runs[tracked.key]

    def _run(self, tracked: TrackedTrial) -> _Run:
        self._parent(tracked.study, tracked.budget)
        if tracked.key not in self._runs:
            condition = filter_of(budget=tracked.budget, trial_id=tracked.trial.trial_id)
            with self._lock:  # another driver may create the same run at this moment
                runs = self._search(tracked.study, condition)
                self._runs[tracked.key] = runs[0][1] if runs else self._create(tracked)
        return self._runs[tracked.key]

    def _create(self, tracked: TrackedTrial) -> _Run:
        parent = self._parent(tracked.study, tracked.budget)
        tags = {**self._tags(tracked, "running"), KIND: "trial", "mlflow.parentRunId": parent}
        begun = tracked.folder.begun
        created = self.client.create_run(
            self._experiments[tracked.study],
            start_time=int(begun) if begun else None,
            tags=tags,
            run_name=f"{tracked.trial.arm} / {tracked.trial.replicate}",
        )
        return _Run(created.info.run_id, params=settings_of(tracked.trial), status="RUNNING")

    def _parent(self, study: str, budget: str) -> str:
        """The run of a study at a budget; with it the runs of its trials become known."""
        group = (study, budget)
        if group not in self._parents:
            with self._lock:
                self._open_experiment(study)
                tags = {"ganablate.study": study, "ganablate.budget": budget, KIND: "plan"}
                parents = self._search(study, filter_of(budget=budget, kind="plan"))
                if parents:
                    self._parents[group] = parents[0][1].run_id
                    self.client.set_tag(self._parents[group], OWNER, self._owner)
                else:
                    created = self.client.create_run(
                        self._experiments[study], tags={**tags, OWNER: self._owner},
                        run_name=budget,
                    )  # fmt: skip
                    self._parents[group] = created.info.run_id
            self.client.update_run(self._parents[group], status="RUNNING")
            trials = self._search(study, filter_of(budget=budget, kind="trial"))
            self._runs |= {(study, budget, trial_id): run for trial_id, run in trials}
        return self._parents[group]

    def existing_parent(self, study: str, budget: str) -> tuple[Any, str] | None:
        """The experiment of a study, and its run at a budget; None where one of them is not there.

        Nothing is created.
        """
        _, experiment = self._experiment(study)
        if experiment is None or experiment.lifecycle_stage == "deleted":
            return None
        self._experiments[study] = experiment.experiment_id
        parents = self._search(study, filter_of(budget=budget, kind="plan"))
        return (experiment, parents[0][1].run_id) if parents else None

    def _open_experiment(self, study: str) -> None:
        if study in self._experiments:
            return
        name, experiment = self._experiment(study)
        if experiment is None:
            created = self.client.create_experiment(name, self._artifacts, TRAINING)
            self._experiments[study] = created
            return
        if experiment.lifecycle_stage == "deleted":
            self.client.restore_experiment(experiment.experiment_id)
        self._experiments[study] = experiment.experiment_id

    def _experiment(self, study: str) -> tuple[str, Any]:
        """The name of a study's experiment, and the experiment where there is one.

        It has the study's name, unless another project's experiment has it and keeps its artifacts
        in that project's folder.
        """
        experiment = self.client.get_experiment_by_name(study)
        if experiment is None or self._artifacts is None:
            return study, experiment
        location = experiment.artifact_location
        if location == self._artifacts or not location.startswith(("file:", "/")):
            return study, experiment
        name = f"{study} (project {self._owner})"
        return name, self.client.get_experiment_by_name(name)

    def _search(self, study: str, condition: str) -> list[tuple[str, _Run]]:
        """Trial ids and runs, the oldest first, without those of a training that was repeated.

        Those of other projects are left out.
        """
        runs: list[tuple[str, _Run]] = []
        token: str | None = None
        while True:
            page = self.client.search_runs(
                [self._experiments[study]], condition, order_by=["attributes.start_time ASC"],
                page_token=token,
            )  # fmt: skip
            for listed in page:
                tags = listed.data.tags
                if tags.get("ganablate.state") != "stale" and self._is_ours(tags):
                    run = _Run(listed.info.run_id, tags.get(BEGUN, ""), _completed_as(tags))
                    runs.append((tags.get("ganablate.trial_id", ""), run))
            token = page.token
            if not token:
                return runs

    def _is_ours(self, tags: Mapping[str, str]) -> bool:
        """Whether a run belongs to this project: all do that are in its own database.

        Runs of older versions do not say it. Theirs is a trial whose training here began at the
        same moment, and the first run of a study at a budget.
        """
        if self._is_own or tags.get(OWNER) == self._owner:
            return True
        if OWNER in tags:
            return False
        begun = TrialFolder(self._trials_root, tags.get("ganablate.trial_id", "-")).begun
        return tags.get(KIND) == "plan" or (begun != "" and tags.get(BEGUN) == begun)


def _completed_as(tags: Mapping[str, str]) -> tuple[str, str]:
    """What the tags of a run say of a complete trial, as `completed_as` does of a folder."""
    if tags.get("ganablate.state") != "complete":
        return "", ""
    # Older versions wrote no outcome: such a run is sent again.
    assessed = any(key.startswith("ganablate.outcome") for key in tags)
    evaluated = tags.get("ganablate.evaluated", "") if assessed else ""
    return tags.get("ganablate.finished_ms", ""), evaluated

"""MLflow in memory: as much of it as `ganablate.tracking` calls, so that its tests are fast."""

import contextlib
import re
import sqlite3
from collections import namedtuple
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

Metric = namedtuple("Metric", "key value timestamp step")
Text = namedtuple("Text", "key value")


class Page(list[Any]):
    """The only page of a search."""

    token = None


class InMemoryMlflow:
    """Stands for the module and for its client. It takes nothing of the trials in `refused`."""

    entities = SimpleNamespace(Metric=Metric, Param=Text, RunTag=Text)

    def __init__(self) -> None:
        self.experiments: dict[str, Any] = {}
        self.runs: dict[str, Any] = {}
        self.refused: set[str] = set()
        self.opened = 0
        self._ids = count()

    def MlflowClient(self, tracking_uri: str) -> "InMemoryMlflow":  # noqa: N802 - as MLflow's
        """Opened once more; a database that is new says when it was made."""
        self.opened += 1
        if tracking_uri.startswith("sqlite:///"):
            path = tracking_uri.removeprefix("sqlite:///")
            with contextlib.closing(sqlite3.connect(path)) as database:
                with contextlib.suppress(sqlite3.OperationalError):
                    database.execute("create table experiments (experiment_id, creation_time)")
                    database.execute("insert into experiments values (0, ?)", (self.opened,))
                database.commit()
        return self

    def search_experiments(self, max_results: int) -> list[Any]:
        return [*self.experiments.values()][:max_results]

    def get_experiment_by_name(self, name: str) -> Any:
        return self.experiments.get(name)

    def create_experiment(self, name: str, artifact_location: str, tags: dict[str, str]) -> str:
        self.experiments[name] = SimpleNamespace(
            experiment_id=name, lifecycle_stage="active", tags=tags,
            artifact_location=artifact_location, creation_time=0,
        )  # fmt: skip
        return name

    def create_run(
        self, experiment_id: str, tags: dict[str, str], run_name: str, start_time: int | None = None
    ) -> Any:
        if tags.get("ganablate.trial_id") in self.refused:
            raise OSError("postgresql://me:secret@host went away")
        run_id = f"{next(self._ids):032x}"
        info = SimpleNamespace(run_id=run_id, run_name=run_name, status="RUNNING", end_time=None,
                               start_time=start_time, experiment_id=experiment_id)  # fmt: skip
        data = SimpleNamespace(tags=dict(tags), params={}, metrics={})
        self.runs[run_id] = SimpleNamespace(info=info, data=data, rows=set(), artifacts=set())
        return self.runs[run_id]

    def search_runs(self, experiments: list[str], condition: str = "", **_: object) -> Page:
        wanted = re.findall(r"tags\.`([^`]+)` = '([^']*)'", condition)
        return Page(
            run
            for run in self.runs.values()
            if run.info.experiment_id in experiments and {*wanted} <= run.data.tags.items()
        )

    def update_run(self, run_id: str, status: str) -> None:
        self.runs[run_id].info.status = status

    def set_terminated(
        self, run_id: str, status: str = "FINISHED", end_time: int | None = None
    ) -> None:
        self.runs[run_id].info.status, self.runs[run_id].info.end_time = status, end_time

    def set_tag(self, run_id: str, key: str, value: str) -> None:
        self.runs[run_id].data.tags[key] = value

    def log_batch(
        self, run_id: str, metrics: list[Metric], params: list[Text], tags: list[Text]
    ) -> None:
        run = self.runs[run_id]
        assert len(metrics) + len(params) + len(tags) <= 1000
        assert all(run.data.params.get(key, value) == value for key, value in params)
        run.rows.update(metrics)  # one row for each key, value, timestamp and step
        run.data.metrics |= {metric.key: metric.value for metric in metrics}
        run.data.params |= dict(params)
        run.data.tags |= dict(tags)

    def log_artifact(self, run_id: str, path: str, where: str | None = None) -> None:
        name = Path(path).name
        self.runs[run_id].artifacts.add(f"{where}/{name}" if where else name)

    def get_metric_history(self, run_id: str, key: str) -> list[Metric]:
        return [row for row in self.runs[run_id].rows if row.key == key]

    def set_experiment_tag(self, name: str, key: str, value: str) -> None:
        self.experiments[name].tags[key] = value

    def list_artifacts(self, run_id: str, where: str | None) -> list[Any]:
        paths = self.runs[run_id].artifacts
        return [
            SimpleNamespace(path=path, is_dir=False)
            for path in paths
            if path.rpartition("/")[0] == (where or "")
        ]

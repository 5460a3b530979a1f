"""Runs of an MLflow experiment that another program filled: they are read, never written."""

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from ganablate.study.reading.wording import show, unknown
from ganablate.text import counted
from ganablate.tracking.location import URI_VARIABLE, sqlite_file, without_secrets
from ganablate.tracking.mlflow_store import import_mlflow

_PAGE = 1000
_KINDS = ("params", "tags")
_STATES = {"FINISHED": "complete", "FAILED": "failed", "KILLED": "failed"}
"""Status of a run -> what that of a trial is called; any other is pending."""
_INFINITE = 1.797e308
"""What MLflow's databases have for infinity."""


@dataclass(frozen=True)
class OtherRun:
    """A run, with the last value of each of its metrics; one that is not finite is infinite."""

    id: str
    arm: str
    state: str
    numbers: Mapping[str, float]


def other_runs(experiment: str, arm_from: str, uri: str | None) -> tuple[list[OtherRun], list[str]]:
    """The runs of an experiment in the order in which they began.

    Args:
        experiment: Its name.
        arm_from: `params.NAME` or `tags.NAME`: what says of which arm a run is.
        uri: Of the store; None: $MLFLOW_TRACKING_URI.

    Returns:
        The runs, and lines that a person should see.

    Raises:
        ValueError: There is no such store, experiment, param or tag.
    """
    kind, _, key = arm_from.partition(".")
    if kind not in _KINDS or not key:
        raise ValueError(f"--arm-from: {show(arm_from)} is neither params.NAME nor tags.NAME")
    store = uri or os.environ.get(URI_VARIABLE)
    if not store:
        raise ValueError(
            f"--tracking-uri: where is the experiment? Such as sqlite:///mlflow.db; or set "
            f"${URI_VARIABLE}"
        )
    _check_place(store)
    mlflow = import_mlflow()
    try:
        client = mlflow.MlflowClient(tracking_uri=store)
        runs = list(_pages(client, _experiment(client, experiment)))
    except mlflow.MlflowException as error:
        text = without_secrets(str(error).splitlines()[0])
        raise ValueError(f"--tracking-uri: {without_secrets(store)}: {text}") from None
    arms = [getattr(run.data, kind).get(key) for run in runs]
    if not any(arms):
        raise ValueError(f"--arm-from: {_unknown_key(runs, kind, key)}")
    named = [
        OtherRun(run.info.run_id, arm, _STATES.get(run.info.status, "pending"), _numbers(run))
        for run, arm in zip(runs, arms, strict=True)
        if arm
    ]
    lacking = len(runs) - len(named)
    notice = f"left out, since they have no {arm_from}: {counted(lacking, 'run')}"
    return named, [notice] if lacking else []


def _experiment(client: Any, name: str) -> str:
    """The id of an experiment."""
    found = client.get_experiment_by_name(name)
    if found is None:
        names = [each.name for each in client.search_experiments()]
        raise ValueError(f"--mlflow: {unknown('an experiment there', name, names)}")
    return str(found.experiment_id)


def _unknown_key(runs: Sequence[Any], kind: str, key: str) -> str:
    """That no run has this param or tag, and which there are."""
    keys = dict.fromkeys(name for run in runs for name in getattr(run.data, kind))
    shown = [name for name in keys if kind == "params" or not name.startswith("mlflow.")]
    return unknown(f"one of the {kind} of these {counted(len(runs), 'run')}", key, shown)


def _check_place(store: str) -> None:
    """See that a file or folder is there: MLflow would make an empty one where it is not."""
    place, parts = sqlite_file(store), urlsplit(store)
    if parts.scheme in ("", "file") and store != "databricks":
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")  # what earlier versions wrote
        place = Path(unquote(parts.path))
    if place is not None and not place.exists():
        raise ValueError(f"--tracking-uri: {place}: nothing is there")


def _pages(client: Any, experiment_id: str) -> Iterator[Any]:
    token = None
    while True:
        page = client.search_runs(
            [experiment_id], max_results=_PAGE, order_by=["attributes.start_time ASC"],
            page_token=token,
        )  # fmt: skip
        yield from page
        token = page.token
        if not token:
            return


def _numbers(run: Any) -> dict[str, float]:
    values = {name: float(value) for name, value in run.data.metrics.items()}
    return {k: math.inf if abs(value) >= _INFINITE else value for k, value in values.items()}

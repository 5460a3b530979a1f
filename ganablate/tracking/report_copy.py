"""A study's report beside its runs: artifacts and description of the parent run in MLflow."""

import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganablate.catalog import metric_columns, on_images, stored_name
from ganablate.study.plan import Plan
from ganablate.tracking.all_sent import is_sent, keep_sent
from ganablate.tracking.location import own_database, without_secrets
from ganablate.tracking.mlflow_store import LONGEST_TAG, TRAINING, MlflowStore, parent_filter
from ganablate.tracking.run_list import RUN_LIST, run_list
from ganablate.trials.folder import one_line

PATIENCE_SECONDS = 60.0
"""How long a report waits for MLflow; a server that hangs must not keep a command from ending."""
_LONGEST_REASON = 400
_SHOWN = ("report.html", "table.md", "table.csv", "figures/samples.png")
"""Files of a report; the page carries its figures itself."""


@dataclass(frozen=True, kw_only=True)
class StudyReport:
    """A report that was built.

    It lies in `folder` and found, in Markdown, what `said` says; None: whoever sends it does not
    know, so that the description stays, and it is sent even if MLflow has it. `columns` are numbers
    of a trial, as its folder names them, for the list of runs: the primary one first.
    """

    study: str
    budget: str
    folder: Path
    said: str | None
    columns: tuple[str, ...]


def report_of(plan: Plan, results_root: Path, said: str | None = None) -> StudyReport:
    """The report of a plan, where `results_root` has it."""
    return StudyReport(
        study=plan.study, budget=plan.budget, folder=results_root / plan.study / plan.budget,
        said=said, columns=_columns(plan),
    )  # fmt: skip


def send_reports(
    reports: Sequence[StudyReport], uri: str, runs: Path, warn: Callable[[str], None]
) -> int:
    """Put each report into its study's parent run, in place of the one that is there.

    Only where a store and a parent run are: on a fresh clone nothing is created. Our own database
    is not opened for what it has. It never raises, since the report itself is in `results/`.

    Args:
        reports: What to send.
        uri: Of the tracking store.
        runs: The folder of runs.
        warn: Told once if MLflow did not take them.

    Returns:
        How many were sent.
    """
    own = own_database(uri, runs)
    if own is not None and not own.exists():
        return 0  # nothing has made it yet
    digests = [(one, _digest(one)) for one in reports]
    new = [
        (one, digest)
        for one, digest in digests
        if one.said is None or not is_sent(uri, runs, _record(one), digest)
    ]
    if not new:
        return 0
    sent: list[StudyReport] = []
    failures: list[str] = []

    def work() -> None:
        try:
            store = MlflowStore(uri, runs)
            for report, digest in new:
                if _send(store.client, report):
                    sent.append(report)
                    keep_sent(uri, runs, _record(report), digest)
        except Exception as error:
            failures.append(one_line(error))

    thread = threading.Thread(target=work, name="report", daemon=True)
    thread.start()
    thread.join(PATIENCE_SECONDS)
    if thread.is_alive():
        failures.append(f"no answer in {PATIENCE_SECONDS:.0f} s")
    if failures:
        why = without_secrets(f"{uri}: {failures[0]}")[:_LONGEST_REASON]
        warn(f"MLflow did not take the report, results/ has it: {why}")
    return len(sent)


def _record(report: StudyReport) -> str:
    return f"report-in-mlflow-{report.study}-{report.budget}"


def _digest(report: StudyReport) -> str:
    found = hashlib.sha256(repr((report.said, report.columns)).encode())
    for path, _ in _files(report.folder):
        found.update(path.read_bytes())
    return found.hexdigest()


def _send(client: Any, report: StudyReport) -> bool:
    """Send one report; whether there is a run for it."""
    experiment = client.get_experiment_by_name(report.study)
    if experiment is None or experiment.lifecycle_stage == "deleted":
        return False
    number = experiment.experiment_id
    found = client.search_runs(
        [number], parent_filter(report.budget), max_results=1,
        order_by=["attributes.start_time ASC"],
    )  # fmt: skip
    if not found:
        return False
    for path, where in _files(report.folder):
        client.log_artifact(found[0].info.run_id, str(path), where)
    if report.said is not None:
        client.set_tag(found[0].info.run_id, "mlflow.note.content", _note(report.said))
    wanted = {**TRAINING, RUN_LIST: run_list(report.columns, since_ms=experiment.creation_time)}
    for key, value in wanted.items():
        if experiment.tags.get(key) != value:
            client.set_experiment_tag(number, key, value)
    return True


def _files(folder: Path) -> Iterator[tuple[Path, str | None]]:
    """What is sent, each with the folder it goes to."""
    for name in _SHOWN:
        if (folder / name).is_file():
            parent = Path(name).parent.as_posix()
            yield folder / name, None if parent == "." else parent


def _columns(plan: Plan) -> tuple[str, ...]:
    """The primary number, then the first one of each other metric, as trial folders name them."""
    on_features = metric_columns(on_images(plan.metrics)) if plan.extractor else {}
    firsts = [next(iter(metric_columns([metric]))) for metric in plan.metrics]
    names = dict.fromkeys((plan.primary, *firsts))
    return tuple(
        stored_name(name, plan.extractor if name in on_features else None) for name in names
    )


def _note(said: str) -> str:
    text = f"{said}\n\nThe whole report: `report.html` under Artifacts."
    return text if len(text) <= LONGEST_TAG else text[: LONGEST_TAG - 2] + " …"

"""A study's report beside its runs: artifacts, description and list of runs in MLflow."""

import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganablate.catalog import metric_columns, on_images, stored_name
from ganablate.study.plan import Plan
from ganablate.tracking.database import SentRecord
from ganablate.tracking.location import own_database, without_secrets
from ganablate.tracking.mlflow_store import LONGEST_TAG, TRAINING, MlflowStore
from ganablate.trials.folder import one_line

PATIENCE_SECONDS = 60.0
"""How long a report waits for MLflow; a server that hangs must not keep a command from ending."""
RUN_LIST = "mlflow.sharedViewState.trials"
"""Tag of an experiment: the view is under "Views", and at .../runs?viewStateShareKey=trials."""
_LONGEST_REASON = 400
_FILES = ("report.html", "table.md", "table.csv", "figures/samples.png")
"""Files of a report that are sent; the page carries its figures itself."""
_MOST_NUMBERS = 3


@dataclass(frozen=True, kw_only=True)
class StudyReport:
    """A report that was built and lies in a folder.

    `findings` are in Markdown; None: the sender does not know them, so that the description stays,
    and the report is sent even if MLflow has it. `columns` are numbers of a trial for the list of
    runs, the primary ones first, named as trial folders name them.
    """

    study: str
    budget: str
    folder: Path
    findings: str | None
    columns: tuple[str, ...]

    @property
    def record(self) -> str:
        """The name under which it is recorded as sent."""
        return f"report-in-mlflow-{self.study}-{self.budget}"

    def content(self) -> list[Any]:
        """Everything that is sent of it, as it is now."""
        digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path, _ in self.files()]
        return [self.findings, self.columns, digests]

    def files(self) -> Iterator[tuple[Path, str | None]]:
        """Its files that are sent, each with the artifact folder that it goes to."""
        for name in _FILES:
            if (self.folder / name).is_file():
                parent = Path(name).parent.as_posix()
                yield self.folder / name, None if parent == "." else parent


def report_of(plan: Plan, results_root: Path, findings: str | None = None) -> StudyReport:
    """The report of a plan, where `results_root` has it."""
    return StudyReport(
        study=plan.study, budget=plan.budget, folder=results_root / plan.study / plan.budget,
        findings=findings, columns=_columns(plan),
    )  # fmt: skip


def send_reports(
    reports: Sequence[StudyReport], uri: str, runs: Path, warn: Callable[[str], None]
) -> int:
    """Put each report into its study's parent run, in place of the one that is there.

    This is done only where a store and a parent run exist: on a fresh clone nothing is created.
    Our own database is not opened for reports that it has. Nothing is raised, since the report
    itself is in `results/`; `warn` is called once if MLflow did not take them.

    Returns:
        How many were sent.
    """
    database = own_database(uri, runs)
    if database is not None and not database.exists():
        return 0
    record = SentRecord(uri, runs)
    contents = ((report, report.content()) for report in reports)
    new = [
        pair
        for pair in contents
        if pair[0].findings is None or not record.has(pair[0].record, pair[1])
    ]
    if not new:
        return 0
    sent: list[StudyReport] = []
    failures: list[str] = []

    def work() -> None:
        try:
            store = MlflowStore(uri, runs)
            for report, content in new:
                if _send(store, report):
                    sent.append(report)
                    record.keep(report.record, content)
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


def _send(store: MlflowStore, report: StudyReport) -> bool:
    """Send one report; whether there is a run for it."""
    place = store.existing_parent(report.study, report.budget)
    if place is None:
        return False
    client, (experiment, run_id) = store.client, place
    for path, where in report.files():
        client.log_artifact(run_id, str(path), where)
    if report.findings is not None:
        note = f"{report.findings}\n\nThe whole report: `report.html` under Artifacts."
        if len(note) > LONGEST_TAG:
            note = note[: LONGEST_TAG - 2] + " …"
        client.set_tag(run_id, "mlflow.note.content", note)
    run_list = _run_list(report.columns, since_ms=experiment.creation_time)
    for key, value in {**TRAINING, RUN_LIST: run_list}.items():
        if experiment.tags.get(key) != value:
            client.set_experiment_tag(experiment.experiment_id, key, value)
    return True


def _columns(plan: Plan) -> tuple[str, ...]:
    """The primary numbers, then the first one of each metric, as trial folders name them."""
    on_features = metric_columns(on_images(plan.metrics)) if plan.extractor else {}
    firsts = [next(iter(metric_columns([metric]))) for metric in plan.metrics]
    names = dict.fromkeys((*plan.primaries, *firsts))
    return tuple(
        stored_name(name, plan.extractor if name in on_features else None) for name in names
    )


def _run_list(columns: Sequence[str], *, since_ms: int) -> str:
    """How MLflow lists a study's trials: a saved view, arm by arm, without the parent runs.

    It shows the first few of the columns, and is dated `since_ms`, in milliseconds since 1970. The
    form is what MLflow 3's own "Save view" writes; an older MLflow leaves the tag alone.
    """
    tags = ["tags.`ganablate.outcome`", "tags.`ganablate.budget`"]  # names have arm and replicate
    numbers = [f"metrics.`{name}`" for name in columns[:_MOST_NUMBERS]]
    state: dict[str, Any] = {
        "searchFilter": "tags.`ganablate.kind` = 'trial' and tags.`ganablate.state` != 'stale'",
        "orderByKey": "tags.`ganablate.arm`", "orderByAsc": True, "startTime": "ALL",
        "lifecycleFilter": "Active", "datasetsFilter": [], "modelVersionFilter": "All Runs",
        "selectedColumns": [*tags, *numbers], "columnOrder": [], "columnWidths": {},
        "runsHidden": [], "runsHiddenMode": "SHOW_ALL", "viewMaximized": False,
        "runListHidden": False, "isAccordionReordered": False, "useGroupedValuesInCharts": True,
        "hideEmptyCharts": True, "groupBy": None, "groupsExpanded": {},
    }  # fmt: skip
    view = {"name": "trials", "createdAt": since_ms, "updatedAt": since_ms}
    return json.dumps({**view, "state": json.dumps(state)})

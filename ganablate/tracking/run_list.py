"""How MLflow lists a study's trials: a saved view with their arms, outcomes and numbers.

The form is what MLflow 3's own "Save view" writes; an older MLflow leaves the tag alone.
"""

import json
from collections.abc import Sequence
from typing import Any

RUN_LIST = "mlflow.sharedViewState.trials"
"""Tag of an experiment: the view is under "Views", and at .../runs?viewStateShareKey=trials."""
_TAGS = ("outcome", "budget")  # a run's name has its arm and replicate
_MOST_NUMBERS = 3


def run_list(columns: Sequence[str], *, since_ms: int) -> str:
    """The view as a tag's value: one row a trial, arm by arm, without the parent runs.

    Args:
        columns: Numbers of a trial, the most important first; the first few are shown.
        since_ms: From when the view is, in milliseconds since 1970.
    """
    shown = [_key("tags", f"ganablate.{name}") for name in _TAGS]
    shown += [_key("metrics", name) for name in columns[:_MOST_NUMBERS]]
    state: dict[str, Any] = {
        "searchFilter": "tags.`ganablate.kind` = 'trial' and tags.`ganablate.state` != 'stale'",
        "orderByKey": _key("tags", "ganablate.arm"),
        "orderByAsc": True,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
        "selectedColumns": shown,
        "columnOrder": [],
        "columnWidths": {},
        "runsHidden": [],
        "runsHiddenMode": "SHOW_ALL",
        "viewMaximized": False,
        "runListHidden": False,
        "isAccordionReordered": False,
        "useGroupedValuesInCharts": True,
        "hideEmptyCharts": True,
        "groupBy": None,
        "groupsExpanded": {},
    }
    view = {"name": "trials", "createdAt": since_ms, "updatedAt": since_ms}
    return json.dumps({**view, "state": json.dumps(state)})


def _key(kind: str, name: str) -> str:
    return f"{kind}.`{name}`"

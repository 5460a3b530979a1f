"""`trials.csv`: one row a trial, in plan order. Everything a report states about trials is here.

A missing number is a missing cell, never 0. Only complete trials have numbers.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from ganablate.catalog import METRICS, metric_columns, probe_columns
from ganablate.config import TrialConfig
from ganablate.report.frames.curves import measured_points
from ganablate.report.frames.typed_csv import read_typed
from ganablate.study.plan import Plan, Trial
from ganablate.trials.folder import TrialFolder
from ganablate.trials.needs import state_of
from ganablate.trials.outcome import outcome_of
from ganablate.trials.saturation import PARTS

_TEXTS = ("trial_id", "arm", "state", "outcome", "outcome_because", "device", "precision")
_EARLY = ("ended_early_at", "planned_iterations")
"""Columns of a plan whose trials may end early: iterations done and meant, of those that did."""
_COUNTS = ("replicate", "images_seen", "g_updates", "d_updates", *_EARLY)
_FIRST = (
    "trial_id",
    "arm",
    "replicate",
    "state",
    "outcome",
    "outcome_because",
    "device",
    "precision",
    "images_seen",
    "g_updates",
    "d_updates",
)
_OF_TRAINING = " of the training"
PROTOCOL = "_protocol"
"""Ending of the columns that hold a number's protocol stamp."""


def protocol_columns(plan: Plan) -> tuple[str, ...]:
    """Columns measured with features, or by probes: only these carry a protocol stamp."""
    on_features = [name for name in plan.metrics if METRICS[name].needs == "features"]
    return (*metric_columns(on_features), *probe_columns(plan.probes))


def _columns(plan: Plan) -> list[str]:
    stamps = [column + PROTOCOL for column in protocol_columns(plan)]
    early = _EARLY if plan.may_end_early else ()
    return [*_FIRST, *early, *plan.columns, *stamps]


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    """Text and counts as nullable types, numbers as float64, whatever the frame held before."""
    types: dict[str, str] = {}
    for name in frame.columns:
        if name in _TEXTS or name.endswith(PROTOCOL):
            types[name] = "string"
        else:
            types[name] = "Int64" if name in _COUNTS else "float64"
    return frame.astype(types)


def _frame(rows: list[dict[str, Any]], plan: Plan) -> pd.DataFrame:
    return _typed(pd.DataFrame(rows, columns=_columns(plan), dtype=object))


def _execution(attempts: list[dict[str, Any]], fact: str) -> str | None:
    """What a trial ran with; a trial resumed on other hardware names both, joined by '+'."""
    values = sorted({str(attempt[fact]) for attempt in attempts if attempt.get(fact) is not None})
    return "+".join(values) or None


def _finite(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _row(trial: Trial, root: Path, plan: Plan) -> dict[str, Any]:
    state = str(state_of(trial, root))
    row: dict[str, Any] = {
        "trial_id": trial.trial_id,
        "arm": trial.arm,
        "replicate": trial.replicate,
        # A file outlives the moment in which a trial was running.
        "state": "pending" if state == "running" else state,
    }
    folder = TrialFolder(root, trial.trial_id)
    complete = folder.complete
    if state != "complete" or complete is None:
        return row
    attempts = folder.attempts()
    row["device"] = _execution(attempts, "device")
    row["precision"] = _execution(attempts, "precision")
    outcome = outcome_of(trial, folder, plan.measured)
    row["outcome"], row["outcome_because"] = outcome.kind, outcome.because
    for name in ("images_seen", "g_updates", "d_updates"):
        row[name] = complete.get(name)
    if complete.get("ended_early_at") is not None:
        row |= {name: complete.get(name) for name in _EARLY}
    end = folder.metrics()
    numbers: Mapping[str, Any] = plan.own(end["numbers"])
    protocols: Mapping[str, Any] = plan.own(end["protocols"])
    for column in plan.columns:
        row[column] = _finite(numbers.get(column))
    points = measured_points(folder, plan) if plan.points else []
    for column, point in plan.points.items():
        row[column] = point.of([_finite(measured.get(column)) for _, measured in points])
    for column in protocol_columns(plan):
        if row[column] is not None and protocols.get(column) is not None:
            stamp = protocols[column] + early_end_stamp(trial.config)
            row[column + PROTOCOL] = stamp + _of_points(plan, column)
    return row


def early_text(row: pd.Series) -> str:
    """Where a trial ended early, `ended early at 195 of 975 iterations`; empty if it did not."""
    at = row.get("ended_early_at")
    if at is None or pd.isna(at):
        return ""
    return f"ended early at {int(at):,} of {int(row['planned_iterations']):,} iterations"


def early_end_stamp(config: TrialConfig) -> str:
    """What is added to the stamps of a trial that may end early, whether it did or not."""
    if config.early_end is None:
        return ""
    return f", trained until saturated for {config.early_end} successive {PARTS}ths, or to the end"


def _of_points(plan: Plan, column: str) -> str:
    """The end of the column's stamps: which point they show, unless it is the last."""
    point = plan.points.get(column)
    return "" if point is None else f", {point.words(plan.evaluations)}{_OF_TRAINING}"


def _without_other_points(earlier: pd.DataFrame, plan: Plan) -> tuple[pd.DataFrame, list[str]]:
    """The earlier rows without numbers of another point than the plan's; and notices."""
    kept, notices = earlier.copy(), []
    for column in protocol_columns(plan):
        stamps = kept[column + PROTOCOL].fillna("")
        own = _of_points(plan, column)
        other = (stamps != "") & (
            ~stamps.str.endswith(own) if own else stamps.str.endswith(_OF_TRAINING)
        )
        kept.loc[other, [column, column + PROTOCOL]] = None
        if other.any():
            shown = own.removeprefix(", ") or "last point"
            notices.append(
                f"{int(other.sum())} earlier {column} left out: not the {shown}; "
                "only the trials' folders have that"
            )
    return kept, notices


def trials_frame(plan: Plan, trials_root: Path) -> pd.DataFrame:
    """One row for each trial of the plan, in its order, as the trial folders have it.

    Columns: trial_id, arm, replicate, state, outcome (missing where it is not assessed),
    outcome_because (why it is not ok, or not assessed), device, precision, images_seen, g_updates,
    d_updates, then the columns of the plan (float64, NaN where missing), then their protocol
    stamps. A running trial is written as pending.
    """
    return _frame([_row(trial, trials_root, plan) for trial in plan.trials], plan)


def trials_csv(trials: pd.DataFrame) -> str:
    """The frame as text. Floats are written so that reading them gives the same bits."""
    return trials.to_csv(index=False, na_rep="", lineterminator="\n")


def read_trials(path: Path) -> pd.DataFrame:
    """Read what `trials_csv` wrote.

    Raises:
        ValueError: the file has no column `trial_id`, `arm`, `replicate` or `state`, or a number
            that is none.
    """
    needed = ("trial_id", "arm", "replicate", "state")
    return read_typed(path, "trials", needed, _typed)


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): row[key] for key in row} for row in frame.to_dict("records")]


def with_earlier(
    here: pd.DataFrame, earlier: pd.DataFrame, plan: Plan
) -> tuple[pd.DataFrame, list[str]]:
    """The trials of the folders, completed by rows of trials whose folders are gone.

    A trial that is complete here has the row of its folder, whole; else an earlier complete row
    stays, whole. Numbers of two trainings are never joined in a row.

    Args:
        here: As `trials_frame` gives it.
        earlier: As `read_trials` gives it, of a record of the same study and budget.
        plan: The plan; trials that it does not have are left out.

    Returns:
        The frame, as `trials_frame` gives it, and notices: one for each kind of thing left out.
    """
    known = earlier.drop_duplicates("trial_id").reindex(columns=_columns(plan))
    known, notices = _without_other_points(known, plan)
    old = {str(row["trial_id"]): row for row in _records(known)}
    rows, apart = [], 0
    for row in _records(here):
        kept = old.get(row["trial_id"], row)
        if row["state"] == "complete" or (
            row["state"] != "pending" and kept["state"] != "complete"
        ):
            kept = row
        apart += kept is not row and row["state"] != "pending"
        # The plan names arms: a renamed arm keeps its trials.
        rows.append({**kept, "arm": row["arm"], "replicate": row["replicate"]})
    if apart:
        notices.append(
            f"{apart} trial(s) failed here or are stale since they were complete: "
            "the earlier numbers stay"
        )
    if gone := len(set(earlier["trial_id"]) - set(here["trial_id"])):
        notices.append(f"{gone} earlier row(s) left out: their trials are not in this plan")
    return _frame(rows, plan), notices


def planned_frame(plan: Plan) -> pd.DataFrame:
    """As `trials_frame` of a machine without any trial: every one is pending."""
    rows = [
        {
            "trial_id": trial.trial_id,
            "arm": trial.arm,
            "replicate": trial.replicate,
            "state": "pending",
        }
        for trial in plan.trials
    ]
    return _frame(rows, plan)

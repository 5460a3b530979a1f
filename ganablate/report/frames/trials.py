"""`trials.csv`: one row a trial, in plan order. Everything a report states about trials is here.

A missing number is a missing cell, never 0. Only complete trials have numbers.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from ganablate.catalog import METRICS, metric_columns, probe_columns
from ganablate.config import TrialConfig
from ganablate.report.design import Design
from ganablate.report.frames.curves import curves_of, measured_points, read_typed, trial_curves
from ganablate.study.arms.identity import former_ids, trial_id
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
    "trial_id", "arm", "replicate", "state", "outcome", "outcome_because", "device", "precision",
    "images_seen", "g_updates", "d_updates",
)  # fmt: skip
OF_TRAINING = " of the training"
PROTOCOL = "_protocol"
"""Ending of the columns that hold a number's protocol stamp."""


def protocol_columns(plan: Design) -> tuple[str, ...]:
    """Columns measured with features, or by probes: only these carry a protocol stamp."""
    on_features = [name for name in plan.metrics if METRICS[name].needs == "features"]
    return (*metric_columns(on_features), *probe_columns(plan.probes))


def columns_of(plan: Design) -> list[str]:
    """The columns of `trials.csv`, in their order."""
    stamps = [column + PROTOCOL for column in protocol_columns(plan)]
    early = _EARLY if plan.may_end_early else ()
    return [*_FIRST, *early, *plan.columns, *stamps]


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    """Text and counts as nullable types, numbers as float64, whatever the frame held before."""
    types = dict.fromkeys(frame.columns, "float64")
    for name in types:
        if name in _TEXTS or name.endswith(PROTOCOL):
            types[name] = "string"
        elif name in _COUNTS:
            types[name] = "Int64"
    return frame.astype(types)


def frame_of(rows: list[dict[str, Any]], plan: Design) -> pd.DataFrame:
    """Rows of trials as a frame, with the types of its columns."""
    return _typed(pd.DataFrame(rows, columns=columns_of(plan), dtype=object))


def _finite(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _used(attempts: list[dict[str, Any]], fact: str) -> str | None:
    """What a trial ran with; one that was resumed on other hardware names both."""
    values = {str(attempt[fact]) for attempt in attempts if attempt.get(fact) is not None}
    return "+".join(sorted(values)) or None


def _planned_row(trial: Trial, state: str = "pending") -> dict[str, Any]:
    """What is known of a trial without its folder."""
    return {
        "trial_id": trial.trial_id,
        "arm": trial.arm,
        "replicate": trial.replicate,
        # A file outlives the moment in which a trial was running.
        "state": "pending" if state == "running" else state,
    }


def _row(trial: Trial, folder: TrialFolder, plan: Plan) -> dict[str, Any]:
    """The row of a complete trial."""
    row, facts = _planned_row(trial, "complete"), folder.complete or {}
    attempts = folder.attempts()
    row |= {fact: _used(attempts, fact) for fact in ("device", "precision")}
    outcome = outcome_of(trial, folder, plan.measured)
    row |= {"outcome": outcome.kind, "outcome_because": outcome.because}
    row |= {name: facts.get(name) for name in ("images_seen", "g_updates", "d_updates")}
    if facts.get("ended_early_at") is not None:
        row |= {name: facts.get(name) for name in _EARLY}
    end = folder.metrics()
    numbers: Mapping[str, Any] = plan.by_column(end["numbers"])
    protocols: Mapping[str, Any] = plan.by_column(end["protocols"])
    row |= {column: _finite(numbers.get(column)) for column in plan.columns}
    points = measured_points(trial, folder, plan) if plan.points else []
    for column, point in plan.points.items():
        row[column] = point.of([_finite(measured.get(column)) for _, measured in points])
    for column in protocol_columns(plan):
        if row[column] is not None and protocols.get(column) is not None:
            stamp = protocols[column] + early_end_stamp(trial.config)
            row[column + PROTOCOL] = stamp + stamp_of_points(plan, column)
    return row


def early_text(row: pd.Series) -> str:
    """`ended early at 195 of 975 iterations`; empty where a trial did not."""
    at = row.get("ended_early_at")
    if at is None or pd.isna(at):
        return ""
    return f"ended early at {int(at):,} of {int(row['planned_iterations']):,} iterations"


def early_end_stamp(config: TrialConfig) -> str:
    """What is added to the stamps of a trial that may end early, whether it did or not."""
    if config.early_end is None:
        return ""
    return f", trained until saturated for {config.early_end} successive {PARTS}ths, or to the end"


def stamp_of_points(plan: Plan, column: str) -> str:
    """The end of the column's stamps: which point they show, unless it is the last."""
    point = plan.points.get(column)
    return "" if point is None else f", {point.words(plan.evaluations)}{OF_TRAINING}"


def trials_frame(plan: Plan, trials_root: Path) -> pd.DataFrame:
    """One row for each trial of the plan, in its order, as the trial folders have it.

    Columns: as `columns_of` gives them; `outcome` is missing where it is not assessed, and
    `outcome_because` says why it is not ok, or not assessed; numbers are float64, NaN where
    missing. A running trial is written as pending.
    """
    return local_frames(plan, trials_root)[0]


def curves_frame(plan: Plan, trials_root: Path) -> pd.DataFrame:
    """The curves of the complete trials in plan order, as `trial_curves` gives them."""
    return local_frames(plan, trials_root)[1]


def local_frames(plan: Plan, trials_root: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The trials as `trials_frame` gives them, and the curves of those that are complete."""
    rows, curves = [], list[pd.DataFrame]()
    for trial in plan.trials:
        state = str(state_of(trial, trials_root))
        if state != "complete":
            rows.append(_planned_row(trial, state))
            continue
        folder = TrialFolder(trials_root, trial.trial_id)
        rows.append(_row(trial, folder, plan))
        curves += trial_curves(trial, folder, plan)
    return frame_of(rows, plan), curves_of(curves)


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


def as_recorded(plan: Plan, folder: Path) -> Plan:
    """The plan with the ids that its trials have in the record in `folder`.

    They are others where the record's trials were trained by another version of the trainer's
    semantics. The plan itself comes back where they are not, or there is no record.
    """
    if not (folder / "trials.csv").exists():
        return plan
    recorded = set(read_trials(folder / "trials.csv")["trial_id"])
    if any(trial.trial_id in recorded for trial in plan.trials):
        return plan
    by_trial = [
        (trial_id(trial.config, trial.data_id), *former_ids(trial.config, trial.data_id))
        for trial in plan.trials
    ]
    for ids in zip(*by_trial, strict=True):
        if recorded.intersection(ids):
            pairs = zip(plan.trials, ids, strict=True)
            return replace(plan, trials=tuple(replace(trial, trial_id=id_) for trial, id_ in pairs))
    return plan


def planned_frame(plan: Plan) -> pd.DataFrame:
    """As `trials_frame` of a machine without any trial: every one is pending."""
    return frame_of([_planned_row(trial) for trial in plan.trials], plan)

"""MLflow as a copy of the trial folders: the only package that imports mlflow.

The trial folders are the truth. What is sent carries the timestamps stored there, and MLflow
keeps one row for each key, step, value and timestamp, so sending again changes nothing and the
copy can be rebuilt at any time. MLflow never stops a sweep: its errors become warnings.
"""

from ganablate.tracking.location import resolve_uri, ui_command, ui_environment
from ganablate.tracking.mlflow_tracker import MlflowTracker, rebuild
from ganablate.tracking.report_copy import report_of, send_reports
from ganablate.tracking.trial_copy import NoTracker, TrackedTrial, Tracker

__all__ = [
    "MlflowTracker",
    "NoTracker",
    "TrackedTrial",
    "Tracker",
    "rebuild",
    "report_of",
    "resolve_uri",
    "send_reports",
    "ui_command",
    "ui_environment",
]

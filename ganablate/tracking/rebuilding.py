"""MLflow's copy made again from the trial folders."""

from collections.abc import Callable, Sequence
from pathlib import Path

from ganablate.tracking.location import without_secrets
from ganablate.tracking.mlflow_store import MlflowStore
from ganablate.tracking.trial_copy import TrackedTrial
from ganablate.trials.folder import one_line
from ganablate.trials.needs import status_of

MOST_REFUSED = 5
"""Trials in a row that MLflow does not take, before it is given up."""


def rebuild(
    trials: Sequence[TrackedTrial], uri: str, runs: Path, warn: Callable[[str], None]
) -> int:
    """Send all that the folders of these trials hold, whatever MLflow has of it.

    What it has already stays as it is: every value is sent with the time that the folder keeps.
    Trials that were not begun have nothing to send; those of a running sweep are left to it.

    Args:
        trials: Where they stand in studies.
        uri: Of the tracking store.
        runs: The folder of runs.
        warn: Told of each trial that MLflow did not take.

    Returns:
        How many trials were sent.

    Raises:
        Exception: MLflow cannot be used at all.
    """
    store = MlflowStore(uri, runs)
    sent = in_a_row = 0
    for tracked in trials:
        try:
            sent += _send(store, tracked)
            in_a_row = 0
        except Exception as error:
            in_a_row += 1
            told = f"MLflow did not take trial {tracked.trial.trial_id}: {one_line(error)}"
            warn(without_secrets(told))
            if in_a_row == MOST_REFUSED:
                warn("MLflow is given up")
                return sent
    store.finish()
    return sent


def _send(store: MlflowStore, tracked: TrackedTrial) -> bool:
    """Send one trial; whether there was anything to send."""
    status = status_of(tracked.trial, tracked.trials_root)
    if status.state == "complete":
        store.complete(tracked, again=True)
    elif status.state == "failed":
        store.fail(tracked, status.failure)
    elif status.state == "pending" and tracked.folder.blocks():
        store.start(tracked)
    else:
        return False
    return True

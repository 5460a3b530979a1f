"""`curves.csv`: some points of every loss of every complete trial.

Few enough that the file can be committed: 55 trials give a quarter of a megabyte. MLflow has up to
1,000 points a loss and the accuracies of D; the trial folder has every step.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from ganablate.ledger import TrialFolder, state_of
from ganablate.study.plan import Plan

MOST_POINTS = 50
LOSSES = ("d/criterion", "d/penalty", "g/criterion")
_TYPES = {"trial_id": "string", "metric": "string", "images_seen": "int64", "value": "float64"}


def _picked(length: int) -> np.ndarray:
    """Evenly spaced indices, the first and the last among them."""
    return np.unique(np.linspace(0, length - 1, min(length, MOST_POINTS)).round().astype(np.int64))


def _shortest(value: np.float32) -> float:
    # The shortest text of a float32 takes half the bytes of its float64 form, without loss.
    return float(str(value)) if np.isfinite(value) else float("nan")


def _frame(pieces: list[pd.DataFrame]) -> pd.DataFrame:
    if not pieces:
        return pd.DataFrame(columns=list(_TYPES)).astype(_TYPES)
    return pd.concat(pieces, ignore_index=True).astype(_TYPES)


def curves_frame(plan: Plan, trials_root: Path) -> pd.DataFrame:
    """Tidy frame of trial_id, metric, images_seen, value: the complete trials in plan order.

    The step at index k of a loss was taken when (k + 1) * batch_size images had been seen. A
    point that is not finite keeps its row and has no value.
    """
    pieces = []
    for trial in plan.trials:
        if str(state_of(trial, trials_root)) != "complete":
            continue
        losses = TrialFolder(trials_root, trial.trial_id).losses()
        for key in (key for key in LOSSES if key in losses):
            steps = np.asarray(losses[key], dtype=np.float32)
            if steps.size == 0:
                continue
            picked = _picked(steps.size)
            columns = {
                "trial_id": trial.trial_id,
                "metric": key,
                "images_seen": (picked + 1) * trial.config.batch_size,
                "value": [_shortest(value) for value in steps[picked]],
            }
            pieces.append(pd.DataFrame(columns))
    return _frame(pieces)


def curves_csv(curves: pd.DataFrame) -> str:
    """The frame as text."""
    return curves.to_csv(index=False, na_rep="", lineterminator="\n")


def read_curves(path: Path) -> pd.DataFrame:
    """Read what `curves_csv` wrote.

    Raises:
        ValueError: a column is missing, or a number is none.
    """
    text = pd.read_csv(path, dtype="string", keep_default_na=False, na_values=[""])
    lacking = [name for name in _TYPES if name not in text]
    if lacking:
        raise ValueError(f"{path}: not a table of curves, the column {lacking[0]} is missing")
    try:
        return text[list(_TYPES)].astype(_TYPES)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def merge_curves(here: pd.DataFrame, committed: pd.DataFrame, trials: pd.DataFrame) -> pd.DataFrame:
    """Curves of the complete trials in the order of `trials`: from here, else as committed."""
    local = dict(list(here.groupby("trial_id", sort=False)))
    old = dict(list(committed.groupby("trial_id", sort=False)))
    complete = trials.loc[trials["state"] == "complete", "trial_id"]
    return _frame([local[i] if i in local else old[i] for i in complete if i in local or i in old])

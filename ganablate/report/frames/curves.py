"""`curves.csv`: what complete trials went through: losses, and images where a study says so.

Of every loss a training is cut into 50 equal blocks of consecutive steps (fewer where it has fewer
steps); each row is the mean of one block, in six significant digits, and the standard deviation of
its steps (`spread`, how much the loss fluctuates) in three. That is small enough for a repository:
55 trials give less than 300 KB. MLflow has up to 1,000 points a loss and the accuracies of D; the
trial folder has every step. Older files have no `spread`, and are written as they were. A metric
that was measured during training has a row for each point, the end included, without a spread.
"""

import itertools
import math
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ganablate.catalog import DATASETS, is_outdated, metric_columns, on_images, present_name
from ganablate.study.claims.curve_shapes import LOSS_CURVES
from ganablate.study.plan import Plan, Trial
from ganablate.trials.folder import TrialFolder
from ganablate.trials.needs import Measurements

BLOCKS = 50
_NEEDED = {"trial_id": "string", "metric": "string", "images_seen": "int64", "value": "float64"}
_TYPES = {**_NEEDED, "spread": "float64"}


def curves_of(pieces: list[pd.DataFrame]) -> pd.DataFrame:
    """One frame of the pieces, with the types of its columns."""
    if not pieces:
        return pd.DataFrame(columns=list(_TYPES)).astype(_TYPES)
    return pd.concat(pieces, ignore_index=True)[list(_TYPES)].astype(_TYPES)


def trial_curves(trial: Trial, folder: TrialFolder, plan: Plan) -> Iterator[pd.DataFrame]:
    """The curves of a complete trial, a frame each, with the columns of the file.

    `images_seen` is that at the end of a block. A block with a step that is not finite keeps its
    row and has no value; blocks that a diverged or early ended trial did not reach have no row.
    Where the plan measures images during training, the metrics follow the losses, in every digit.
    """
    losses, facts = folder.losses(), folder.complete or {}
    for key in LOSS_CURVES:
        steps = np.asarray(losses.get(key, ()))
        if steps.size:
            length = facts.get("planned_iterations") or _planned_steps(trial, facts, steps.size)
            ends, means, spreads = _blocks(steps, length)
            images = ends * trial.config.images_per_iteration
            rows = {"images_seen": images, "value": means, "spread": spreads}
            yield pd.DataFrame({"trial_id": trial.trial_id, "metric": key, **rows})
    if plan.evaluations > 1:
        points = measured_points(trial, folder, plan)
        for column in metric_columns(on_images(plan.metrics)):
            values = [(seen, numbers[column]) for seen, numbers in points if column in numbers]
            curve = pd.DataFrame(values, columns=["images_seen", "value"])
            if len(curve):
                yield curve.assign(trial_id=trial.trial_id, metric=column, spread=math.nan)


def _planned_steps(trial: Trial, facts: Mapping[str, Any], recorded: int) -> int:
    """Steps of the whole training, of an older trial, which does not say so itself.

    A diverged trial has fewer, and no more blocks for them. Of a folder of images the length is
    not known here: then it is what was recorded.
    """
    config = trial.config
    if facts.get("outcome") != "diverged":
        return recorded
    if config.dataset in DATASETS:
        return max(recorded, config.total_iterations(DATASETS[config.dataset].images))
    return max(recorded, config.iterations or 0)


def _blocks(steps: np.ndarray, length: int) -> tuple[np.ndarray, list[float], list[float]]:
    """Ends, means and deviations of the blocks of a training that the recorded steps reach.

    The mean has six significant digits, the deviation (of the steps there are, not of a sample)
    three; both are NaN where a step is not finite or was not made.
    """
    count = min(length, BLOCKS)
    edges = np.arange(count + 1) * length // count
    edges = edges[: int(np.searchsorted(edges, steps.size)) + 1]
    means, spreads = [], []
    for start, end in itertools.pairwise(edges):
        block = steps[start:end].astype(np.float64)
        whole = block.size == end - start and bool(np.isfinite(block).all())
        means.append(float(f"{block.mean():.6g}") if whole else math.nan)
        spreads.append(float(f"{block.std():.3g}") if whole else math.nan)
    return edges[1:], means, spreads


def measured_points(
    trial: Trial, folder: TrialFolder, plan: Plan
) -> list[tuple[int, Mapping[str, float]]]:
    """Images seen and numbers at each point of the plan, the end last; numbers may be missing.

    A trial that ended early has no points behind its end. A number of another protocol than the
    end's is missing: the end was measured again since.
    """
    facts, evaluations = folder.complete or {}, folder.evaluations()
    end_stamps = folder.metrics()["protocols"]
    wanted = Measurements(plan.measured, ((plan.evaluations, on_images(plan.measured)),))
    end = facts.get("ended_early_at") or math.inf
    points = []
    for iteration in wanted.stops(facts.get("planned_iterations", 0)):
        if iteration < end:
            content = evaluations.get(iteration, {"images_seen": -1, "numbers": {}})
            stamps = content.get("protocols")
            numbers = {
                name: number
                for name, number in content["numbers"].items()
                if _agrees(name, stamps, end_stamps, trial)
            }
            points.append((int(content["images_seen"]), plan.by_column(numbers)))
    last = plan.by_column(folder.metrics()["numbers"])
    return [*points, (int(facts.get("images_seen", 0)), last)]


def _agrees(
    name: str, stamps: Mapping[str, str] | None, end: Mapping[str, str], trial: Trial
) -> bool:
    """Whether a point has the protocol of the end. Older versions wrote none of the points'."""
    if stamps is None:
        return name not in end or is_outdated(end[name], trial.config.dataset)
    return stamps.get(name) == end.get(name)


def block_middles(curves: pd.DataFrame) -> pd.Series:
    """Images seen in the middle of each block of losses: rows say how many at its end."""
    ends = curves["images_seen"]
    starts = curves.groupby(["trial_id", "metric"])["images_seen"].shift(fill_value=0)
    return (starts + ends) / 2


def curves_csv(curves: pd.DataFrame) -> str:
    """The frame as text; without a spread where no block has one, as in older files."""
    if curves["spread"].isna().all():
        curves = curves.drop(columns="spread")
    return curves.to_csv(index=False, na_rep="", lineterminator="\n")


def read_curves(path: Path) -> pd.DataFrame:
    """Read what `curves_csv` wrote; raises ValueError as `read_typed` does."""

    def typed(text: pd.DataFrame) -> pd.DataFrame:
        curves = text.reindex(columns=list(_TYPES)).astype(_TYPES)
        return curves.assign(metric=curves["metric"].map(present_name).astype("string"))

    return read_typed(path, "curves", _NEEDED, typed)


def read_typed(
    path: Path, rows: str, needed: Collection[str], typed: Callable[[pd.DataFrame], pd.DataFrame]
) -> pd.DataFrame:
    """Read a csv file of this program as text, and give its columns the types of their writer.

    Only an empty cell is missing: an arm may be called "NA" or "None".

    Args:
        path: The file.
        rows: What they are, for the message: "trials", "curves".
        needed: Columns without which it is no such file.
        typed: Turns text cells into the frame wanted; raises ValueError for one that does not fit.

    Raises:
        ValueError: with the path: a column is missing, or a number is none.
    """
    text = pd.read_csv(path, dtype="string", keep_default_na=False, na_values=[""])
    text = text.rename(columns=present_name)
    lacking = [name for name in needed if name not in text]
    if lacking:
        raise ValueError(f"{path}: not a table of {rows}, the column {lacking[0]} is missing")
    try:
        return typed(text)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error

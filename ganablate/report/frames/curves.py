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
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ganablate.catalog import DATASETS, metric_columns, on_images
from ganablate.report.frames.typed_csv import read_typed
from ganablate.study.claims.curve_shapes import LOSS_CURVES
from ganablate.study.plan import Plan, Trial
from ganablate.trials.folder import TrialFolder
from ganablate.trials.needs import Measurements

BLOCKS = 50
_NEEDED = {"trial_id": "string", "metric": "string", "images_seen": "int64", "value": "float64"}
_TYPES = {**_NEEDED, "spread": "float64"}


def _planned(trial: Trial, recorded: int, *, diverged: bool) -> int:
    """Steps of the whole training, of a trial that does not say so itself (an older one).

    A diverged trial has fewer, and no more blocks for them.

    Of a folder of images the length is not known here: then it is what was recorded.
    """
    config = trial.config
    if not diverged or (config.iterations is None and config.dataset not in DATASETS):
        return recorded
    images = DATASETS[config.dataset].images if config.dataset in DATASETS else 0
    return max(recorded, config.total_iterations(images))


def blocks_of(steps: np.ndarray, length: int) -> tuple[np.ndarray, list[float], list[float]]:
    """Ends, means and standard deviations of the blocks that the recorded steps reach.

    Args:
        steps: One value a step.
        length: Steps of the whole training, at least as many as there are values.

    Returns:
        For each block the number of steps at its end, the float64 mean in six significant digits,
        and the deviation (of the steps there are, not of a sample) in three; NaN where a step is
        not finite or was not made.
    """
    count = min(length, BLOCKS)
    edges = np.arange(count + 1) * length // count
    edges = edges[: int(np.searchsorted(edges, steps.size)) + 1]
    means, spreads = [], []
    for start, end in itertools.pairwise(edges):
        block = steps[start:end].astype(np.float64)
        whole = block.size == end - start and bool(np.isfinite(block).all())
        means.append(float(f"{block.mean():.6g}") if whole else float("nan"))
        spreads.append(float(f"{block.std():.3g}") if whole else float("nan"))
    return edges[1:], means, spreads


def curves_of(pieces: list[pd.DataFrame]) -> pd.DataFrame:
    """One frame of the pieces, with the types of its columns."""
    if not pieces:
        return pd.DataFrame(columns=list(_TYPES)).astype(_TYPES)
    return pd.concat(pieces, ignore_index=True).astype(_TYPES)


def trial_curves(trial: Trial, folder: TrialFolder, plan: Plan) -> Iterator[pd.DataFrame]:
    """The curves of a complete trial, a frame each, with the columns of `_TYPES`.

    `images_seen` is that at the end of a block. A block with a step that is not finite keeps its
    row and has no value; blocks that a diverged or early ended trial did not reach have no row.
    Where the plan measures images during training, the metrics follow the losses.
    """
    losses, facts = folder.losses(), folder.complete or {}
    for key in (key for key in LOSS_CURVES if key in losses and len(losses[key])):
        steps = np.asarray(losses[key])
        length = facts.get("planned_iterations") or _planned(
            trial, steps.size, diverged=facts.get("outcome") == "diverged"
        )
        ends, means, spreads = blocks_of(steps, length)
        images = ends * trial.config.d_steps * trial.config.batch_size
        yield _curve(trial, key, images, means, spreads)
    if plan.evaluations > 1:
        yield from _measured(trial, folder, plan)


def _curve(
    trial: Trial,
    metric: str,
    images: Sequence[int] | np.ndarray,
    values: Sequence[float],
    spreads: Sequence[float] | float = math.nan,
) -> pd.DataFrame:
    """Rows of one curve."""
    return pd.DataFrame(
        {
            "trial_id": trial.trial_id,
            "metric": metric,
            "images_seen": images,
            "value": values,
            "spread": spreads,
        }
    )


def measured_points(folder: TrialFolder, plan: Plan) -> list[tuple[int, Mapping[str, float]]]:
    """Images seen and numbers at each point of the plan, the end last; numbers may be missing.

    A trial that ended early has no points behind its end.
    """
    facts = folder.complete or {}
    wanted = Measurements(plan.measured, ((plan.evaluations, on_images(plan.measured)),))
    evaluations = folder.evaluations()
    points = []
    ended = facts.get("ended_early_at") or math.inf
    for at in (at for at in wanted.stops(facts.get("planned_iterations", 0)) if at < ended):
        content = evaluations.get(at, {"images_seen": -1, "numbers": {}})
        points.append((int(content["images_seen"]), plan.by_column(content["numbers"])))
    return [
        *points,
        (int(facts.get("images_seen", 0)), plan.by_column(folder.metrics()["numbers"])),
    ]


def _measured(trial: Trial, folder: TrialFolder, plan: Plan) -> Iterator[pd.DataFrame]:
    """The metrics on images at the points of this plan, in every digit."""
    points = measured_points(folder, plan)
    names = on_images(plan.metrics)
    for column in metric_columns(names):
        measured = [(seen, numbers[column]) for seen, numbers in points if column in numbers]
        if measured:
            seen, values = zip(*measured, strict=True)
            yield _curve(trial, column, seen, values)


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
    """Read what `curves_csv` wrote.

    Raises:
        ValueError: a column is missing, or a number is none.
    """
    return read_typed(
        path, "curves", _NEEDED, lambda text: text.reindex(columns=list(_TYPES)).astype(_TYPES)
    )

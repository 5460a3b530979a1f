"""A block: the losses since the last checkpoint, thinned, as folders and trackers have them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ganablate.trials.folder import POINTS_PER_LOSS, now_ms


def block_of(
    losses: Mapping[str, np.ndarray], *, first: int, last: int, total: int, seconds: float
) -> dict[str, Any]:
    """What is kept beside a checkpoint: [step, value, timestamp_ms] by loss, step from 1.

    Which steps are kept depends on the length of the trial alone, so a resumed trial keeps the
    same ones. The clock is asked once: one that jumps meanwhile moves no step before another.

    Args:
        losses: Every step so far, float32 [last].
        first: Iterations at the checkpoint before; the block begins after them.
        last: Iterations done.
        total: Iterations of the whole trial.
        seconds: Since the checkpoint before, by a clock that does not jump.
    """
    stride = -(-total // POINTS_PER_LOSS)
    steps = [s for s in range(first + 1, last + 1) if s % stride == 0 or s == total]
    now, took, span = now_ms(), round(seconds * 1000), max(last - first, 1)
    points = {
        key: [
            [step, float(values[step - 1]), now - took * (last - step) // span]
            for step in steps
            if abs(float(values[step - 1])) < float("inf")
        ]
        for key, values in losses.items()
    }
    return {"iteration": last, "timestamp_ms": now, "points": points}

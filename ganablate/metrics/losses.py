"""Numbers from the recorded losses: over the steps given, which are the last fifth of training."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Losses = Mapping[str, npt.NDArray[np.floating[Any]]]
"""Key ("d/criterion", "g/criterion", "d/accuracy_real", ...) -> one value a step."""


def last_fifth(losses: Losses) -> dict[str, npt.NDArray[np.floating[Any]]]:
    """The steps after four fifths of those recorded, rounded up: at least one if there is one."""
    return {key: steps[4 * len(steps) // 5 :] for key, steps in losses.items()}


def is_finite(losses: Losses) -> bool:
    """Whether there are steps and every value of every key is a finite number."""
    return all(len(steps) > 0 and bool(np.isfinite(steps).all()) for steps in losses.values())


def _mean(steps: npt.NDArray[np.floating[Any]]) -> float:
    """In float64; NaN where a step is not finite or there is none."""
    return float(steps.astype(np.float64).mean()) if is_finite({"": steps}) else math.nan


def _summary(net: str, steps: npt.NDArray[np.floating[Any]]) -> dict[str, float]:
    """The columns of one net's loss, in float64; NaN where one is not defined."""
    lowest = spread = oscillation = math.nan
    if is_finite({"": steps}):
        wide = steps.astype(np.float64)
        lowest = float(wide.min())
        if len(wide) > 1:
            spread = float(wide.std(ddof=1))
            oscillation = float(np.abs(np.diff(wide)).mean())
    return {
        f"{net}_loss_mean": _mean(steps),
        f"{net}_loss_lowest": lowest,
        f"{net}_loss_spread": spread,
        f"{net}_loss_oscillation": oscillation,
    }


def d_loss(losses: Losses) -> dict[str, float]:
    """Discriminator criterion, penalty left out: four numbers over the steps given.

    Mean and lowest (R2, table 2); the spread, the sample standard deviation over steps (R1.1); the
    oscillation, the mean absolute difference of a step and the next (R4.8), which a slow drift
    leaves small. The last two are undefined (NaN) for one step. All are NaN, which a table shows as
    missing, where a step is not finite.
    """
    return _summary("d", losses["d/criterion"])


def g_loss(losses: Losses) -> dict[str, float]:
    """Generator criterion: mean, lowest, spread and oscillation, as `d_loss`."""
    return _summary("g", losses["g/criterion"])


def d_accuracy(losses: Losses) -> dict[str, float]:
    """Shares in [0, 1] of real and of generated images that D judges rightly, mean over steps.

    NaN, which a table shows as missing, where a step is not finite. Source: R0, section 3.4.
    """
    return {f"d_accuracy_{side}": _mean(losses[f"d/accuracy_{side}"]) for side in ("real", "fake")}

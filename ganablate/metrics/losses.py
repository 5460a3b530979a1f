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


def _mean_lowest_spread(steps: npt.NDArray[np.floating[Any]]) -> tuple[float, float, float]:
    """Mean, minimum, sample standard deviation, in float64; NaN where one is not defined."""
    if not is_finite({"": steps}):
        return math.nan, math.nan, math.nan
    wide = steps.astype(np.float64)
    spread = float(wide.std(ddof=1)) if len(wide) > 1 else math.nan
    return float(wide.mean()), float(wide.min()), spread


def d_loss(losses: Losses) -> dict[str, float]:
    """Discriminator criterion, penalty left out: mean, lowest and spread over the steps given.

    The spread is the sample standard deviation over steps, undefined (NaN) for one step. All are
    NaN, which a table shows as missing, where a step is not finite. Source: R2, table 2.
    """
    mean, lowest, spread = _mean_lowest_spread(losses["d/criterion"])
    return {"d_loss_mean": mean, "d_loss_lowest": lowest, "d_loss_spread": spread}


def g_loss(losses: Losses) -> dict[str, float]:
    """Generator criterion: mean, lowest and spread over the steps given, as `d_loss`."""
    mean, lowest, spread = _mean_lowest_spread(losses["g/criterion"])
    return {"g_loss_mean": mean, "g_loss_lowest": lowest, "g_loss_spread": spread}


def d_accuracy(losses: Losses) -> dict[str, float]:
    """Shares in [0, 1] of real and of generated images that D judges rightly, mean over steps.

    NaN, which a table shows as missing, where a step is not finite. Source: R0, section 3.4.
    """
    return {
        f"d_accuracy_{side}": _mean_lowest_spread(losses[f"d/accuracy_{side}"])[0]
        for side in ("real", "fake")
    }

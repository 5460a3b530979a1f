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


def d_loss(losses: Losses) -> dict[str, float]:
    """Discriminator criterion, penalty left out: four numbers over the steps given.

    Mean and lowest (R2, table 2); the spread, the sample standard deviation over steps (R1.1); the
    oscillation, the mean absolute difference of a step and the next (R4.8), which a slow drift
    leaves small. The last two are undefined (NaN) for one step. All are NaN, which a table shows as
    missing, where a step is not finite.
    """
    return _summary(losses, "d")


def g_loss(losses: Losses) -> dict[str, float]:
    """Generator criterion: mean, lowest, spread and oscillation, as `d_loss`."""
    return _summary(losses, "g")


def d_accuracy(losses: Losses) -> dict[str, float]:
    """Shares in [0, 1] of real and of generated images that D judges rightly, mean over steps.

    NaN, which a table shows as missing, where a step is not finite. Source: R0, section 3.4.
    """
    return {
        f"d_accuracy_{side}": _statistics(losses[f"d/accuracy_{side}"])["mean"]
        for side in ("real", "fake")
    }


def _summary(losses: Losses, net: str) -> dict[str, float]:
    statistics = _statistics(losses[f"{net}/criterion"])
    return {f"{net}_loss_{name}": value for name, value in statistics.items()}


def _statistics(steps: npt.NDArray[np.floating[Any]]) -> dict[str, float]:
    """In float64; NaN where a number is not defined, all NaN where a step is not finite."""
    numbers = dict.fromkeys(("mean", "lowest", "spread", "oscillation"), math.nan)
    if is_finite({"": steps}):
        wide = steps.astype(np.float64)
        numbers |= {"mean": float(wide.mean()), "lowest": float(wide.min())}
        if len(wide) > 1:
            numbers["spread"] = float(wide.std(ddof=1))
            numbers["oscillation"] = float(np.abs(np.diff(wide)).mean())
    return numbers

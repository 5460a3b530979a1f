"""Does an arm work at all, so that a difference from it says something of a working GAN?

A difference between two generators that draw nothing is real and repeatable, and tells which of
them is less poor. So no verdict about quality rests on an arm that does not work. It does not where

- half of its assessed trials or more have failed: diverged, saturated or collapsed; or
- its mean recall is at most 0.01, where recall is measured, as that of a collapsed trial; or
- its mean distance to the real images (FID, else KID) is not clearly below that of ten real images
  repeated: the upper end of its 95 % interval (Student's t, on logs for FID) reaches that line. Of
  a single trial the number itself decides.

Without the line, and with nothing else against it, whether it works is not known.
"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import t

from ganablate.catalog import TEN_IMAGES, metric_columns, on_images
from ganablate.report.design import Design
from ganablate.report.frames.references import References
from ganablate.report.frames.trials import PROTOCOL
from ganablate.report.stats.replicates import effect_scale, replicates_of
from ganablate.report.stats.statistics import ALPHA
from ganablate.study.plan import Arm, Plan
from ganablate.text import counted
from ganablate.trials.outcome import FAILURES, NO_VARIETY

NOT_WORKING = "no verdict"
"""In the place of a verdict where an effect rests on an arm that does not work."""
_DISTANCES = ("fid", "kid")
"""Columns that ten perfect images do badly in: others, as precision, they do perfectly in."""
_RECALL = "recall"


@dataclass(frozen=True)
class Working:
    """Whether an arm works, None: not known; and why, in words that follow on a colon."""

    works: bool | None
    because: str


def is_quality(plan: Design, column: str) -> bool:
    """Whether a column measures images and has a better and a worse."""
    columns = metric_columns(on_images(plan.metrics))
    return column in columns and columns[column].direction != "none"


def working_of(arm: Arm, complete: pd.DataFrame, plan: Plan, references: References) -> Working:
    """Whether an arm works, by its complete trials (rows as `trials_frame` gives them)."""
    failed = _failed(complete)
    if failed is not None:
        return Working(False, failed)
    if _RECALL in plan.columns and complete[_RECALL].notna().any():
        recall = float(complete[_RECALL].mean())
        if recall <= NO_VARIETY[_RECALL]:
            return Working(False, f"its recall is {recall:.2g}: next to no variety")
    column = next((name for name in _DISTANCES if name in plan.columns), None)
    if column is None:
        return Working(None, "the study measures neither FID nor KID")
    return _by_distance(arm, complete, plan, references, column)


def _failed(complete: pd.DataFrame) -> str | None:
    """Which failures half of the assessed trials or more came to; None: fewer did."""
    outcomes = [str(outcome) for outcome in complete["outcome"].dropna()]
    counts = {name: outcomes.count(name) for name in FAILURES}
    if not outcomes or 2 * sum(counts.values()) < len(outcomes):
        return None
    parts = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    return f"of {counted(len(outcomes), 'trial')}, {parts}"


def _by_distance(
    arm: Arm, complete: pd.DataFrame, plan: Plan, references: References, column: str
) -> Working:
    title = plan.columns[column].title
    replicates = replicates_of(complete, arm.name, column)
    stamps = set(map(str, complete[column + PROTOCOL].dropna()))
    if not replicates.numbers or len(stamps) != 1:
        why = "measured by several protocols" if len(stamps) > 1 else "not measured"
        return Working(None, f"its {title} is {why}")
    line = references.find(TEN_IMAGES, column, arm.config, stamps.pop())
    if line is None:
        return Working(None, f"the {title} of ten real images repeated was not measured")
    scale = effect_scale(column, [replicates])
    if scale == "ratio" and line.value <= 0:
        scale = "difference"
    values = replicates.on(scale)
    limit, reached = upper_limit(values), line.value
    if scale == "ratio":
        works, limit = limit < math.log(reached), math.exp(limit)
    else:
        works = limit < reached
    # The mean is that of the table; its limit is on the scale of effects.
    mean = float(replicates.on("difference").mean())
    up_to = f" (up to {limit:.3g} at 95 %)" if len(values) > 1 else ""
    because = f"{title} {mean:.3g}{up_to}, ten real images repeated {reached:.3g}"
    return Working(works, because)


def upper_limit(values: np.ndarray) -> float:
    """The upper end of the mean's two-sided 95 % interval by Student's t; of one value itself."""
    if len(values) < 2:
        return float(values.mean())
    error = float(values.std(ddof=1)) / math.sqrt(len(values))
    return float(values.mean()) + float(t.ppf(1 - ALPHA / 2, len(values) - 1)) * error

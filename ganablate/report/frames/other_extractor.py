"""Earlier numbers that another extractor measured than the plan's: they are never mixed in."""

import pandas as pd

from ganablate.catalog import NAMED_EXTRACTORS, metric_columns, on_images
from ganablate.report.frames.trials import PROTOCOL
from ganablate.study.plan import Plan


def _named(stamps: pd.Series) -> pd.Series:
    """The extractor of each stamp if it is one that studies name; empty for a data set's own."""
    names = stamps.str.partition("@")[0]
    return names.where(names.isin(list(NAMED_EXTRACTORS)), "")


def without_other_extractor(
    trials: pd.DataFrame, curves: pd.DataFrame, plan: Plan
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Earlier frames without what another extractor than the plan's measured; and notices.

    Args:
        trials: As `read_trials` gives it.
        curves: As `read_curves` gives it. Its rows have no stamp: they go by those of `trials`.
        plan: The plan.
    """
    trials, notices = trials.copy(), []
    meant = plan.extractor or ""
    shown = plan.extractor or "the data set's own extractor"
    for column in metric_columns(on_images(plan.metrics)):
        if column + PROTOCOL not in trials:
            continue
        stamps = trials[column + PROTOCOL]
        other = (stamps.notna() & (_named(stamps.fillna("")) != meant)).astype(bool)
        if not other.any():
            continue
        right = trials.loc[stamps.notna() & ~other, "trial_id"]
        curves = curves[(curves["metric"] != column) | curves["trial_id"].isin(right)]
        trials.loc[other, [column, column + PROTOCOL]] = None
        notices.append(
            f"{int(other.sum())} earlier {column} left out: not measured with {shown}; "
            "`ganablate run` does that"
        )
    return trials, curves, notices

"""What an earlier record says of trials whose folders are gone.

Numbers that were measured otherwise than the plan says are left out, never mixed in.
"""

from collections.abc import Collection
from typing import Any

import pandas as pd

from ganablate.catalog import NAMED_EXTRACTORS, is_outdated, metric_columns, on_images
from ganablate.report.frames.curves import curves_of
from ganablate.report.frames.trials import (
    OF_TRAINING,
    PROTOCOL,
    columns_of,
    frame_of,
    protocol_columns,
    stamp_of_points,
)
from ganablate.study.plan import Plan


def with_earlier(
    here: pd.DataFrame, earlier: pd.DataFrame, plan: Plan
) -> tuple[pd.DataFrame, list[str]]:
    """The trials of the folders, completed by rows of trials whose folders are gone.

    A trial that is complete here has the row of its folder, whole; else an earlier complete row
    stays, whole. Numbers of two trainings are never joined in a row.

    Args:
        here: As `trials_frame` gives it.
        earlier: As `read_trials` gives it, of a record of the same study and budget.
        plan: The plan; trials that it does not have are left out.

    Returns:
        The frame, as `trials_frame` gives it, and notices: one for each kind of thing left out.
    """
    written = earlier.drop_duplicates("trial_id").reindex(columns=columns_of(plan))
    notices = _remove_other_points(written, plan)
    old: dict[Any, dict[Any, Any]] = {row["trial_id"]: row for row in written.to_dict("records")}
    rows, kept_earlier = [], 0
    for row in here.to_dict("records"):
        kept = old.get(row["trial_id"], row)
        # A trial that was begun here gives way only to an earlier complete one.
        begun = row["state"] != "pending"
        if row["state"] == "complete" or (begun and kept["state"] != "complete"):
            kept = row
        kept_earlier += begun and kept is not row
        # The plan names arms: a renamed arm keeps its trials.
        rows.append({**kept, "arm": row["arm"], "replicate": row["replicate"]})
    if kept_earlier:
        notices.append(
            f"{kept_earlier} trial(s) failed here or are stale since they were complete: "
            "the earlier numbers stay"
        )
    if gone := len(set(earlier["trial_id"]) - set(here["trial_id"])):
        notices.append(f"{gone} earlier row(s) left out: their trials are not in this plan")
    return frame_of(rows, plan), notices


def _remove_other_points(earlier: pd.DataFrame, plan: Plan) -> list[str]:
    """Remove numbers of another point than the plan's from the earlier rows; returns notices."""
    notices = []
    for column in protocol_columns(plan):
        stamps = earlier[column + PROTOCOL].astype("string").fillna("")
        end = stamp_of_points(plan, column)
        right = stamps.str.endswith(end) if end else ~stamps.str.endswith(OF_TRAINING)
        other = (stamps != "") & ~right
        earlier.loc[other, [column, column + PROTOCOL]] = None
        if other.any():
            point = end.removeprefix(", ") or "last point"
            notices.append(
                f"{int(other.sum())} earlier {column} left out: not the {point}; "
                "only the trials' folders have that"
            )
    return notices


def with_earlier_curves(
    here: pd.DataFrame, earlier: pd.DataFrame, trials: pd.DataFrame, local: Collection[str]
) -> pd.DataFrame:
    """Curves of the complete trials, in their order: of each from where its row is.

    Args:
        here: As `local_frames` gives it.
        earlier: As `read_curves` gives it.
        trials: Rows as `with_earlier` joins them.
        local: Ids of the trials whose rows are of their folders.
    """
    of_folders = dict(list(here.groupby("trial_id", sort=False)))
    of_record = dict(list(earlier.groupby("trial_id", sort=False)))
    complete = trials.loc[trials["state"] == "complete", "trial_id"]
    sources = ((of_folders if id_ in local else of_record).get(id_) for id_ in complete)
    return curves_of([curves for curves in sources if curves is not None])


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
    name = plan.extractor or "the data set's own extractor"
    for column in metric_columns(on_images(plan.metrics)):
        if column + PROTOCOL not in trials:
            continue
        stamps = trials[column + PROTOCOL]
        # The extractor of a stamp counts if studies name it; a data set's own has no name.
        extractors = stamps.fillna("").str.partition("@")[0]
        extractors = extractors.where(extractors.isin(list(NAMED_EXTRACTORS)), "")
        other = (stamps.notna() & (extractors != (plan.extractor or ""))).astype(bool)
        if not other.any():
            continue
        right = trials.loc[stamps.notna() & ~other, "trial_id"]
        curves = curves[(curves["metric"] != column) | curves["trial_id"].isin(right)]
        trials.loc[other, [column, column + PROTOCOL]] = None
        notices.append(
            f"{int(other.sum())} earlier {column} left out: not measured with {name}; "
            "`ganablate run` does that"
        )
    return trials, curves, notices


def without_older_protocol(
    trials: pd.DataFrame, curves: pd.DataFrame, plan: Plan
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Frames whose columns do not mix today's protocols with older ones; and notices.

    A column of which no number has today's is as it is: a record of an older version.

    Args:
        trials: As `trials_frame` gives it.
        curves: As `read_curves` gives it. Its rows have no stamp: they go by those of `trials`.
        plan: The plan.
    """
    trials, notices = trials.copy(), []
    datasets = {arm.name: arm.config.dataset for arm in plan.arms}
    of_rows = trials["arm"].map(datasets)
    for column in protocol_columns(plan):
        stamps = trials[column + PROTOCOL]
        older = pd.Series(
            [
                pd.notna(stamp) and is_outdated(stamp, dataset)
                for stamp, dataset in zip(stamps, of_rows, strict=True)
            ],
            index=trials.index,
        )
        if not older.any() or not (stamps.notna() & ~older).any():
            continue
        curves = curves[
            (curves["metric"] != column) | ~curves["trial_id"].isin(trials.loc[older, "trial_id"])
        ]
        trials.loc[older, [column, column + PROTOCOL]] = None
        notices.append(
            f"{int(older.sum())} older {column} left out: measured with other weights or against "
            "another split; `ganablate run` measures them again where weights were kept, and "
            "`--force` trains the others again"
        )
    return trials, curves, notices

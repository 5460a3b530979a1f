"""One row an arm: what its complete replicates measured, and which cells cannot be compared."""

from collections.abc import Sequence

import pandas as pd

from ganablate.catalog import metric_columns
from ganablate.report.frames.trials import PROTOCOL, protocol_columns
from ganablate.report.stats.effects import (
    StudyEffects,
    compared_arms,
    effect_columns,
    null_arms,
    study_effects,
)
from ganablate.report.stats.loss_scale import loss_scale
from ganablate.report.stats.replicates import arm_replicates
from ganablate.report.stats.statistics import ALPHA
from ganablate.report.table.published import add_published
from ganablate.study.plan import BASELINE, Arm, Plan
from ganablate.trials.outcome import OUTCOMES

OF_OK = "_of_ok"
"""Ending of the primary's columns over the trials whose outcome is ok: `fid_of_ok`, `_sd`, `_n`."""
CRITERION_METRICS = ("d_loss", "g_loss")
"""Metrics on the scale of the criterion: two criteria make two scales."""


def baseline_arm(plan: Plan) -> Arm | None:
    """The arm that the others are compared to; None in a cross that compares with none."""
    compared = next((arm.compare_to for arm in plan.arms if arm.compare_to is not None), BASELINE)
    return next((arm for arm in plan.arms if arm.name == compared), None)


def reference_arm(plan: Plan) -> Arm:
    """The arm that cells are marked against: the baseline, else the first arm."""
    return baseline_arm(plan) or plan.arms[0]


def not_all_ok(trials: pd.DataFrame) -> bool:
    """Whether a trial was judged to be something else than ok."""
    return bool((trials["outcome"].dropna() != "ok").any())


def arms_in_order(plan: Plan) -> list[Arm]:
    """The baseline first, then as the plan has them."""
    first = reference_arm(plan)
    return [first, *(arm for arm in plan.arms if arm.name != first.name)]


def criterion_columns(plan: Plan) -> set[str]:
    """Columns on the scale of the criterion."""
    return set(metric_columns([name for name in plan.metrics if name in CRITERION_METRICS]))


def reference_protocols(trials: pd.DataFrame, plan: Plan) -> dict[str, str]:
    """The protocol of each feature column in the reference arm, else in the first arm with one."""
    name = reference_arm(plan).name
    found: dict[str, str] = {}
    for column in protocol_columns(plan):
        stamps = trials[["arm", column + PROTOCOL]].dropna()
        own = stamps[stamps["arm"] == name]
        chosen = own if len(own) else stamps
        if len(chosen):
            found[column] = str(chosen[column + PROTOCOL].iloc[0])
    return found


def _range(values: pd.Series) -> tuple[int | None, int | None]:
    known = values.dropna()
    return (int(known.min()), int(known.max())) if len(known) else (None, None)


def _numbers(own: pd.DataFrame, columns: Sequence[str]) -> dict[str, float | int | None]:
    row: dict[str, float | int | None] = {}
    for column in columns:
        # Sorted, so that the sum does not depend on the order of the rows.
        values = own[column].dropna().sort_values()
        row[column] = float(values.mean()) if len(values) else None
        row[column + "_sd"] = float(values.std(ddof=1)) if len(values) > 1 else None
        row[column + "_n"] = len(values)
    return row


def arm_table(trials: pd.DataFrame, plan: Plan, *, alpha: float = ALPHA) -> pd.DataFrame:
    """Summarise each arm's complete trials: one row an arm, the baseline first.

    Args:
        trials: As `trials_frame` gives it, rows in any order.
        plan: The plan that the trials are of.
        alpha: Level of the verdicts; intervals are at 1 - alpha.

    Returns:
        Columns: arm, n_complete, n_planned, n_failed, how many of the complete have each outcome
        (n_ok, ...) and how many none (n_not_assessed), where trials may end early how many did
        (n_ended_early), the range over replicates of images_seen,
        g_updates and d_updates, then for each column of the plan's metrics the mean under its own
        name, `_sd` (sample standard deviation, missing for n < 2), `_n` (replicates with that
        number) and `_mark`: "protocol" where it was measured unlike in the reference arm,
        "criterion" where the loss has another scale, else missing.
        Where a trial is not ok, the primary of those that are: `_of_ok`, `_of_ok_sd`, `_of_ok_n`.
        Where arms are compared, the columns of `effect_columns` about the primary. At the end
        `_published` for each column that the report printed.
    """
    columns = list(plan.columns)
    other_scale = criterion_columns(plan)
    protocols = reference_protocols(trials, plan)
    scale = loss_scale(reference_arm(plan).config)
    of_ok = plan.primary in columns and not_all_ok(trials)
    rows = []
    for arm in arms_in_order(plan):
        every = trials[trials["arm"] == arm.name]
        own = every[every["state"] == "complete"]
        row: dict[str, object] = {
            "arm": arm.name,
            "n_complete": len(own),
            "n_planned": sum(trial.arm == arm.name for trial in plan.trials),
            "n_failed": int((every["state"] == "failed").sum()),
        }
        row |= {f"n_{name}": int((own["outcome"] == name).sum()) for name in OUTCOMES}
        row["n_not_assessed"] = int(own["outcome"].isna().sum())
        if plan.may_end_early:
            row["n_ended_early"] = int(own["ended_early_at"].notna().sum())
        for name in ("images_seen", "g_updates", "d_updates"):
            row[f"{name}_min"], row[f"{name}_max"] = _range(own[name])
        row |= _numbers(own, columns)
        for column in columns:
            mark = None
            if column in other_scale and row[column] is not None:
                mark = "criterion" if loss_scale(arm.config) != scale else None
            elif column in protocols:
                stamps = own[column + PROTOCOL].dropna()
                mark = "protocol" if (stamps != protocols[column]).any() else None
            row[column + "_mark"] = mark
        if of_ok:
            good = own[own["outcome"] == "ok"].rename(columns={plan.primary: plan.primary + OF_OK})
            row |= _numbers(good, [plan.primary + OF_OK])
        rows.append(row)
    table = _typed(pd.DataFrame(rows, dtype=object), columns)
    effects = primary_effects(trials, table, plan, alpha=alpha)
    if effects is not None:
        table = table.join(effect_columns(effects, [str(name) for name in table["arm"]]))
    return add_published(table, plan)


def primary_effects(
    trials: pd.DataFrame, table: pd.DataFrame, plan: Plan, *, alpha: float = ALPHA
) -> StudyEffects | None:
    """Effects on the primary metric, judged at `alpha`; arms whose cell is marked have none."""
    return column_effects(trials, table, plan, plan.primary, alpha=alpha)


def column_effects(
    trials: pd.DataFrame, table: pd.DataFrame, plan: Plan, column: str, *, alpha: float = ALPHA
) -> StudyEffects | None:
    """As `primary_effects`, on any column; None where it is not measured or nothing is compared."""
    if column not in plan.columns:
        return None
    marked = marked_arms(table, column)
    names = [arm.name for arm in plan.arms if arm.name not in marked]
    return study_effects(
        arm_replicates(trials, names, column),
        compared_arms(plan.arms),
        column,
        plan.columns[column].direction,
        null=null_arms(plan.arms),
        alpha=alpha,
    )


def marked_arms(table: pd.DataFrame, column: str) -> list[str]:
    """Arms whose number of the column is of another protocol or criterion."""
    mark = column + "_mark"
    marked = table.loc[table[mark].notna(), "arm"] if mark in table else ()
    return [str(name) for name in marked]


def _typed(table: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    types = dict.fromkeys(table.columns, "Int64")
    types["arm"] = "string"
    types |= {name: "float64" for name in table.columns if name.endswith((OF_OK, OF_OK + "_sd"))}
    for column in columns:
        types |= {column: "float64", column + "_sd": "float64", column + "_mark": "string"}
    measured = [column + end for column in columns for end in ("", "_sd", "_n", "_mark")]
    of_ok = [name for name in table.columns if OF_OK in name]
    first = [name for name in table.columns if name not in {*measured, *of_ok}]
    return table.astype(types)[first + measured + of_ok]


def table_csv(table: pd.DataFrame) -> str:
    """The table for machines: every digit, missing cells empty."""
    return table.to_csv(index=False, na_rep="", lineterminator="\n")

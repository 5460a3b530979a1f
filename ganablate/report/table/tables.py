"""One row an arm: what its complete replicates measured, and which cells cannot be compared."""

from collections.abc import Sequence

import pandas as pd

from ganablate.catalog import metric_columns
from ganablate.report.frames.trials import PROTOCOL, protocol_columns
from ganablate.report.stats.effects import StudyEffects, effect_columns
from ganablate.report.stats.loss_scale import loss_scale
from ganablate.study.plan import BASELINE, Arm, Plan
from ganablate.trials.outcome import OUTCOMES

OF_OK = "_of_ok"
"""Ending of the primary's columns over the trials whose outcome is ok: `fid_of_ok`, `_sd`, `_n`."""
PUBLISHED = "_published"
"""Ending of a column with a report's own values: shown beside ours, never compared with them.

They were measured by another protocol, mostly once, and often on data that the report does not
name; so they have no mark, no effect and no verdict.
"""
CRITERION_METRICS = ("d_loss", "g_loss")
"""Metrics on the scale of the criterion: two criteria make two scales."""


def baseline_arm(plan: Plan) -> Arm | None:
    """The arm that the others are compared to; None in a cross that compares with none."""
    compared = next((arm.compare_to for arm in plan.arms if arm.compare_to is not None), BASELINE)
    return next((arm for arm in plan.arms if arm.name == compared), None)


def reference_arm(plan: Plan) -> Arm:
    """The arm that cells are marked against: the baseline, else the first arm."""
    return baseline_arm(plan) or plan.arms[0]


def primary_column(plan: Plan) -> str | None:
    """The column that the study ranks by; None where its metric is not measured."""
    return plan.primary if plan.primary in plan.columns else None


def compared_elsewhere(plan: Plan) -> bool:
    """Whether arms are compared with different ones, so that each must say with which."""
    return len({arm.compare_to for arm in plan.arms if arm.compare_to is not None}) > 1


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


def reference_protocol(trials: pd.DataFrame, plan: Plan, column: str) -> str | None:
    """The protocol of a column in the reference arm, else in the first arm with one."""
    if column not in protocol_columns(plan):
        return None
    stamps = trials[["arm", column + PROTOCOL]].dropna()
    of_reference = stamps[stamps["arm"] == reference_arm(plan).name]
    chosen = of_reference if len(of_reference) else stamps
    return str(chosen[column + PROTOCOL].iloc[0]) if len(chosen) else None


def marks_of(trials: pd.DataFrame, plan: Plan, column: str) -> dict[str, str]:
    """The arms whose number in a column cannot be compared with the reference arm's, and why.

    Returns:
        Arm -> "protocol" where it was measured by another one, "criterion" where its loss has
        another scale.
    """
    complete = trials[trials["state"] == "complete"]
    if column in criterion_columns(plan):
        scale = loss_scale(reference_arm(plan).config)
        measured = set(complete.loc[complete[column].notna(), "arm"])
        unlike = [arm.name for arm in plan.arms if loss_scale(arm.config) != scale]
        return {name: "criterion" for name in unlike if name in measured}
    usual = reference_protocol(trials, plan, column)
    if usual is None:
        return {}
    stamps = complete[["arm", column + PROTOCOL]].dropna()
    return dict.fromkeys(
        map(str, stamps.loc[stamps[column + PROTOCOL] != usual, "arm"]), "protocol"
    )


def _range(values: pd.Series) -> tuple[int | None, int | None]:
    present = values.dropna()
    return (int(present.min()), int(present.max())) if len(present) else (None, None)


def _numbers(numbers: pd.Series, name: str) -> dict[str, float | int | None]:
    """Mean, standard deviation and n of the numbers that are not missing."""
    # Sorted, so that the sum does not depend on the order of the rows.
    values = numbers.dropna().sort_values()
    return {
        name: float(values.mean()) if len(values) else None,
        f"{name}_sd": float(values.std(ddof=1)) if len(values) > 1 else None,
        f"{name}_n": len(values),
    }


def arm_table(
    trials: pd.DataFrame, plan: Plan, effects: StudyEffects | None = None
) -> pd.DataFrame:
    """Summarise each arm's complete trials: one row an arm, the baseline first.

    Args:
        trials: As `trials_frame` gives it, rows in any order.
        plan: The plan that the trials are of.
        effects: On the primary metric; None: no arm is compared with another.

    Returns:
        Columns: arm, n_complete, n_planned, n_failed, how many of the complete have each outcome
        (n_ok, ...) and how many none (n_not_assessed), where trials may end early how many did
        (n_ended_early), the range over replicates of images_seen,
        g_updates and d_updates, then for each column of the plan's metrics the mean under its own
        name, `_sd` (sample standard deviation, missing for n < 2), `_n` (replicates with that
        number) and `_mark`, as `marks_of` gives it, else missing.
        Where a trial is not ok, the primary of those that are: `_of_ok`, `_of_ok_sd`, `_of_ok_n`.
        Where arms are compared, the columns of `effect_columns` about the primary. At the end
        `_published` for each column that the report printed.
    """
    columns = list(plan.columns)
    marks = {column: marks_of(trials, plan, column) for column in columns}
    of_ok = plan.primary in columns and not_all_ok(trials)
    rows = []
    for arm in arms_in_order(plan):
        of_arm = trials[trials["arm"] == arm.name]
        complete = of_arm[of_arm["state"] == "complete"]
        row: dict[str, object] = {
            "arm": arm.name,
            "n_complete": len(complete),
            "n_planned": sum(trial.arm == arm.name for trial in plan.trials),
            "n_failed": int((of_arm["state"] == "failed").sum()),
            **_counts(complete, plan),
        }
        for column in columns:
            row |= _numbers(complete[column], column)
            row[f"{column}_mark"] = marks[column].get(arm.name)
        if of_ok:
            ok = complete["outcome"].eq("ok").fillna(False)
            row |= _numbers(complete.loc[ok, plan.primary], plan.primary + OF_OK)
        rows.append(row)
    table = _typed(pd.DataFrame(rows, dtype=object), [*columns, plan.primary + OF_OK])
    if effects is not None:
        table = table.join(effect_columns(effects, [str(name) for name in table["arm"]]))
    return _with_published(table, plan)


def _counts(complete: pd.DataFrame, plan: Plan) -> dict[str, object]:
    """Outcomes of an arm's complete trials, and how far they were trained."""
    row: dict[str, object] = {
        f"n_{name}": int((complete["outcome"] == name).sum()) for name in OUTCOMES
    }
    row["n_not_assessed"] = int(complete["outcome"].isna().sum())
    if plan.may_end_early:
        row["n_ended_early"] = int(complete["ended_early_at"].notna().sum())
    for name in ("images_seen", "g_updates", "d_updates"):
        row[f"{name}_min"], row[f"{name}_max"] = _range(complete[name])
    return row


def _with_published(table: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """The table with a column `<column>_published` for each that a report printed."""
    columns: dict[str, pd.Series] = {}
    for name in plan.columns:
        values = {number.arm: number.value for number in plan.published if number.metric == name}
        if values:
            columns[name + PUBLISHED] = table["arm"].map(values).astype("float64")
    return table.assign(**columns)


def _typed(table: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    types = {"arm": "string"}
    for column in columns:
        types |= {column: "float64", f"{column}_sd": "float64", f"{column}_mark": "string"}
    return table.astype({name: types.get(name, "Int64") for name in table.columns})


def table_csv(table: pd.DataFrame) -> str:
    """The table for machines: every digit, missing cells empty."""
    return table.to_csv(index=False, na_rep="", lineterminator="\n")

"""The table of arms: what each arm's complete replicates measured, as numbers and as text."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import pandas as pd

from ganablate.catalog import metric_columns
from ganablate.report.design import A, ComparedArm, Design, DesignOf
from ganablate.report.frames.trials import PROTOCOL, protocol_columns
from ganablate.report.stats.effects import OF_A_COLUMN, StudyEffects, effect_columns
from ganablate.report.stats.replicates import loss_scale
from ganablate.report.table.cells import (
    LACKS,
    MARKS,
    MISSING,
    WITH,
    effect_text,
    heading,
    mean_text,
    p_text,
    published_text,
    verdict_text,
)
from ganablate.report.table.render import Cell, Column
from ganablate.report.table.verdict_style import KINDS, verdict_kind
from ganablate.study.plan import BASELINE, Plan
from ganablate.text import percent
from ganablate.trials.outcome import OUTCOMES

OF_OK = "_of_ok"
"""Ending of a primary's columns over the trials whose outcome is ok: `fid_of_ok`, `_sd`, `_n`."""
PUBLISHED = "_published"
"""Ending of a column with a report's own values: shown beside ours, never compared with them.

They were measured by another protocol, mostly once, and often on data that the report does not
name; so they have no mark, no effect and no verdict.
"""
COMPONENT = "component "
"""Beginning of the key of a column that says which arms have a component; `table.csv` has none."""
ALL_OUTCOMES = (*OUTCOMES, "not_assessed")
_CRITERION_METRICS = ("d_loss", "g_loss")
"""Metrics on the scale of the criterion: two criteria make two scales."""

# --- what the table is of ---


def baseline_arm(plan: DesignOf[A]) -> A | None:
    """The arm that the others are compared to; None in a cross that compares with none."""
    compared = next((arm.compare_to for arm in plan.arms if arm.compare_to is not None), BASELINE)
    return next((arm for arm in plan.arms if arm.name == compared), None)


def reference_arm(plan: DesignOf[A]) -> A:
    """The arm that cells are marked against: the baseline, else the first arm."""
    return baseline_arm(plan) or plan.arms[0]


def arm_title(name: str) -> str:
    """An arm in a sentence: `the baseline`, `the arm lr=0.1`."""
    return f"the {name}" if name == BASELINE else f"the arm {name}"


def arms_in_order(plan: DesignOf[A]) -> list[A]:
    """The baseline first, then as the plan has them."""
    first = reference_arm(plan)
    return [first, *(arm for arm in plan.arms if arm.name != first.name)]


def primary_column(plan: Design) -> str | None:
    """The column that the study ranks by; None where its metric is not measured."""
    return plan.primary if plan.primary in plan.columns else None


def primary_columns(plan: Design) -> tuple[str, ...]:
    """The columns that verdicts are about, as far as their metrics are measured."""
    return tuple(name for name in plan.primaries if name in plan.columns)


def effect_key(plan: Design, column: str, name: str) -> str:
    """How the table of arms calls a column of effects: plainly for the first primary metric.

    Those on a further one have its name before theirs: `verdict`, `recall_verdict`.
    """
    return name if column == plan.primary else f"{column}_{name}"


def _keys(plan: Design, column: str) -> dict[str, str]:
    """The plain names of effects -> those that they have for a primary metric."""
    return {name: effect_key(plan, column, name) for name in OF_A_COLUMN}


def judged_columns(table: pd.DataFrame, plan: Design) -> tuple[str, ...]:
    """The primary metrics that the table has effects on."""
    return tuple(
        name for name in primary_columns(plan) if effect_key(plan, name, "verdict") in table
    )


def of_primary(table: pd.DataFrame, plan: Design, column: str) -> pd.DataFrame:
    """The table with the effects on one primary metric under plain names, without the others'."""
    effects = {key: name for name, key in _keys(plan, column).items()}
    every = {key for name in plan.primaries for key in _keys(plan, name).values()}
    others = [key for key in table if key in every - effects.keys()]
    return table.drop(columns=others).rename(columns=effects)


def measured_columns(table: pd.DataFrame, plan: Design) -> list[str]:
    """The shown columns of which some arm has a number; before a trial is complete all of them."""
    shown = list(plan.shown_columns)
    if not table["n_complete"].any():
        return shown
    return [name for name in shown if table[name].notna().any()]


def criterion_columns(plan: Design) -> set[str]:
    """Columns on the scale of the criterion."""
    return set(metric_columns([name for name in plan.metrics if name in _CRITERION_METRICS]))


def compared_elsewhere(plan: Design) -> bool:
    """Whether arms are compared with different ones, so that each must say with which."""
    return len({arm.compare_to for arm in plan.arms if arm.compare_to is not None}) > 1


def not_all_ok(trials: pd.DataFrame) -> bool:
    """Whether a trial was judged to be something else than ok."""
    return bool((trials["outcome"].dropna() != "ok").any())


def reference_protocol(trials: pd.DataFrame, plan: Design, column: str) -> str | None:
    """The protocol of a column in the reference arm, else in the first arm with one."""
    if column not in protocol_columns(plan):
        return None
    stamps = trials[["arm", column + PROTOCOL]].dropna()
    of_reference = stamps[stamps["arm"] == reference_arm(plan).name]
    chosen = of_reference if len(of_reference) else stamps
    return str(chosen[column + PROTOCOL].iloc[0]) if len(chosen) else None


def marks_of(trials: pd.DataFrame, plan: Design, column: str) -> dict[str, str]:
    """The arms whose number in a column cannot be compared with the reference arm's, and why.

    Returns:
        Arm -> "protocol" where it was measured by another one, "criterion" where its loss has
        another scale.
    """
    complete = trials[trials["state"] == "complete"]
    if isinstance(plan, Plan) and column in criterion_columns(plan):
        scale = loss_scale(reference_arm(plan).config)
        measured = set(complete.loc[complete[column].notna(), "arm"])
        others = [arm.name for arm in plan.arms if loss_scale(arm.config) != scale]
        return {name: "criterion" for name in others if name in measured}
    usual = reference_protocol(trials, plan, column)
    if usual is None:
        return {}
    stamps = complete[["arm", column + PROTOCOL]].dropna()
    return dict.fromkeys(
        map(str, stamps.loc[stamps[column + PROTOCOL] != usual, "arm"]), "protocol"
    )


# --- numbers ---


def _numbers(numbers: pd.Series, name: str) -> dict[str, float | int]:
    """Mean, standard deviation and n of the numbers that are not missing."""
    # Sorted, so that the sum does not depend on the order of the rows.
    values = numbers.dropna().sort_values()
    return {name: values.mean(), f"{name}_sd": values.std(ddof=1), f"{name}_n": len(values)}


def _typed(table: pd.DataFrame, columns: Iterable[str]) -> pd.DataFrame:
    """Text, floating-point numbers of these columns, and counts."""
    types = {"arm": "string"}
    for column in columns:
        types |= {column: "float64", f"{column}_sd": "float64", f"{column}_mark": "string"}
    return table.astype({name: types.get(name, "Int64") for name in table.columns})


def _counts(trials: pd.DataFrame, arm: ComparedArm, plan: Design) -> dict[str, object]:
    """How many trials an arm has, their outcomes, and how far they were trained."""
    complete = trials[trials["state"] == "complete"]
    row: dict[str, object] = {
        "arm": arm.name,
        "n_complete": len(complete),
        "n_planned": sum(trial.arm == arm.name for trial in plan.trials),
        "n_failed": int((trials["state"] == "failed").sum()),
    }
    row |= {f"n_{name}": int((complete["outcome"] == name).sum()) for name in OUTCOMES}
    row["n_not_assessed"] = int(complete["outcome"].isna().sum())
    if plan.may_end_early:
        row["n_ended_early"] = int(complete["ended_early_at"].notna().sum())
    for name in ("images_seen", "g_updates", "d_updates"):
        row |= {f"{name}_min": complete[name].min(), f"{name}_max": complete[name].max()}
    return row


def arm_table(
    trials: pd.DataFrame, plan: Design, judged: Mapping[str, StudyEffects] | None = None
) -> pd.DataFrame:
    """Summarise each arm's complete trials: one row an arm, the baseline first.

    Args:
        trials: As `trials_frame` gives it, rows in any order.
        plan: The plan that the trials are of.
        judged: Effects by primary metric; None or empty: no arm is compared with another.

    Returns:
        Columns: arm, n_complete, n_planned, n_failed, how many of the complete have each outcome
        (n_ok, ...) and how many none (n_not_assessed), where trials may end early how many did
        (n_ended_early), the range over replicates of images_seen,
        g_updates and d_updates, then for each column of the plan's metrics the mean under its own
        name, `_sd` (sample standard deviation, missing for n < 2), `_n` (replicates with that
        number) and `_mark`, as `marks_of` gives it, else missing.
        Where a trial is not ok, a primary of those that are: `_of_ok`, `_of_ok_sd`, `_of_ok_n`.
        Where arms are compared, the columns of `effect_columns` about each primary, as
        `effect_key` calls them. At the end `_published` for each column that the report printed.
    """
    columns = list(plan.columns)
    marks = {column: marks_of(trials, plan, column) for column in columns}
    of_ok = primary_columns(plan) if not_all_ok(trials) else ()
    rows = []
    for arm in arms_in_order(plan):
        of_arm = trials[trials["arm"] == arm.name]
        complete = of_arm[of_arm["state"] == "complete"]
        row = _counts(of_arm, arm, plan)
        for column in columns:
            row |= _numbers(complete[column], column)
            row[f"{column}_mark"] = marks[column].get(arm.name)
        ok = complete["outcome"].eq("ok").fillna(False)
        for column in of_ok:
            row |= _numbers(complete.loc[ok, column], column + OF_OK)
        rows.append(row)
    table = _typed(pd.DataFrame(rows, dtype=object), [*columns, *(name + OF_OK for name in of_ok)])
    for column, effects in (judged or {}).items():
        added = effect_columns(effects, [str(name) for name in table["arm"]])
        if "compared_to" in table:
            # An arm can have a number of another protocol in one metric alone.
            other = added.pop("compared_to")
            table["compared_to"] = table["compared_to"].fillna(other)
        table = table.join(added.rename(columns=_keys(plan, column)))
    for column in columns:
        values = {number.arm: number.value for number in plan.published if number.metric == column}
        if values:
            table[column + PUBLISHED] = table["arm"].map(values).astype("float64")
    return table


def table_csv(table: pd.DataFrame) -> str:
    """The table for machines: every digit, missing cells empty."""
    return table.to_csv(index=False, na_rep="", lineterminator="\n")


# --- text ---


def text_columns(table: pd.DataFrame, plan: Design) -> list[Column]:
    """Every column that a reader is shown, the arms' names first, rows as in `arm_table`.

    Once a trial is complete, a column without a number in any row is left out.
    """
    rows = [row for _, row in table.iterrows()]
    # Of other trainings no outcome is known.
    outcomes = [_outcome(row) if isinstance(plan, Plan) else None for row in rows]
    first = primary_columns(plan)
    others = [name for name in plan.shown_columns if name not in first]
    others.sort(key=lambda name: plan.columns[name].direction == "none")
    whole, progress = _progress(rows, has_outcomes=any(outcomes))
    # The primaries, their effects and what became of the trials stand first: what the study asks
    # must not hide in a later block. Then come the numbers that have a better and a worse.
    groups = _of_primaries(table, rows, outcomes, plan)
    groups.insert(len(groups) if judged_columns(table, plan) else 0, progress)
    groups += [_metric(rows, name, plan) + _published(rows, name, plan) for name in others]
    names = _column("Arm", rows, "arm", [str(row["arm"]) for row in rows])
    columns = [
        names,
        *_components(table, plan),
        *whole,
        *(column for group in groups for column in group),
    ]
    if not table["n_complete"].any():
        return columns
    return [x for x in columns if any(cell.text != MISSING for cell in x.cells)]


def _components(table: pd.DataFrame, plan: Design) -> list[Column]:
    """A column for each component that the study removes: which arms have it."""
    return [
        Column(
            name,
            [
                Cell(LACKS, sort="0") if arm in lacking else Cell(WITH, sort="1")
                for arm in table["arm"]
            ],
            numeric=True,
            center=True,
            key=COMPONENT + name,
        )
        for name, lacking in plan.components.items()
    ]


def _progress(rows: list[pd.Series], *, has_outcomes: bool) -> tuple[list[Column], list[Column]]:
    """How many trials are complete, if that stands first; and the updates, or both."""
    both = any(_range(row, "g_updates") != _range(row, "d_updates") for row in rows)
    title = "Updates G / D" if both else "Updates"
    updates = _column(title, rows, "g_updates_max", map(_updates, rows))
    texts = [f"{row['n_complete']} of {row['n_planned']}" for row in rows]
    complete = _column("Complete", rows, "n_complete", texts)
    # Rates of all replicates say by themselves that all are complete.
    if not has_outcomes:
        return [complete], [updates]
    if any(row["n_complete"] != row["n_planned"] for row in rows):
        return [], [complete, updates]
    return [], [updates]


def _of_primaries(
    table: pd.DataFrame, rows: list[pd.Series], outcomes: list[str | None], plan: Design
) -> list[list[Column]]:
    """The primary metrics with their effects, and the outcomes, in groups."""
    first = primary_columns(plan)
    effects = {name: _effects(table, name, plan) for name in first}
    # Of two primaries the verdicts stand side by side in the first block, the effects in the next.
    behind = 2 if len(judged_columns(table, plan)) > 1 else 0
    groups = [_metric(rows, name, plan) + effects[name][behind:] for name in first]
    if compared_elsewhere(plan) and "compared_to" in table:
        references = [None if pd.isna(row["compared_to"]) else row["compared_to"] for row in rows]
        groups.append([_column("Compared to", rows, "compared_to", references)])
    if any(outcomes):
        groups.append([replace(_column("Outcomes", rows, "n_ok", outcomes), left=True)])
    groups += [effects[name][:behind] for name in first]
    groups += [_of_ok(rows, name, plan) for name in first if name + OF_OK in table]
    return groups + [_published(rows, name, plan) for name in first]


def _column(
    title: str,
    rows: list[pd.Series],
    key: str,
    texts: Iterable[str | None],
    ends: Iterable[str] = (),
    *,
    strong: bool = False,
) -> Column:
    """A column that is sorted by the values of a column of the table; texts of words lie left."""
    ends = list(ends) or [""] * len(rows)
    values = ["" if pd.isna(row[key]) else str(row[key]) for row in rows]
    cells = [
        Cell(MISSING if text is None else text, end, sort=value)
        for text, end, value in zip(texts, ends, values, strict=True)
    ]
    words = key in ("arm", "compared_to")
    return Column(title, cells, left=words, strong=strong, numeric=not words, key=key)


def _metric(rows: list[pd.Series], name: str, plan: Design) -> list[Column]:
    """The numbers of a metric."""
    means, ends = [mean_text(row, name) for row in rows], [_end(row, name) for row in rows]
    title, strong = heading(plan.columns[name]), name in plan.primaries
    return [_column(title, rows, name, means, ends, strong=strong)]


def _of_ok(rows: list[pd.Series], name: str, plan: Design) -> list[Column]:
    """The numbers of a primary metric of the trials that are ok."""
    key = name + OF_OK
    means = [mean_text(row, key) for row in rows]
    ends = [f"({row[key + '_n']})" if row[key + "_n"] else "" for row in rows]
    return [_column(f"{plan.columns[name].title}, of those ok", rows, key, means, ends)]


def _published(rows: list[pd.Series], name: str, plan: Design) -> list[Column]:
    """A report's own numbers, where it has some."""
    key = name + PUBLISHED
    if key not in rows[0]:
        return []
    texts = [None if pd.isna(row[key]) else published_text(row[key]) for row in rows]
    return [_column(f"{plan.columns[name].title}, published", rows, key, texts)]


def _end(row: pd.Series, column: str) -> str:
    """The note behind a cell: n, where it is fewer replicates than the arm has, and a mark."""
    n, mark = row[column + "_n"], row[column + "_mark"]
    parts = [f"({n})"] if 0 < n < row["n_complete"] else []
    return " ".join(parts if pd.isna(mark) else [*parts, MARKS[str(mark)]])


def _outcome(row: pd.Series) -> str | None:
    """Rates of the complete trials, and how many trials failed; None where there are neither."""
    complete = row["n_complete"]
    if row["n_not_assessed"] == complete > 0:
        parts = ["not assessed"]
    else:
        counts = {name: row["n_" + name] for name in ALL_OUTCOMES}
        parts = [f"{n}/{complete} {name.replace('_', ' ')}" for name, n in counts.items() if n]
    parts += [f"{row['n_ended_early']} ended early"] if row.get("n_ended_early") else []
    parts += [f"{row['n_failed']} failed"] if row["n_failed"] else []
    return ", ".join(parts) or None


def _range(row: pd.Series, name: str) -> str:
    low, high = row[f"{name}_min"], row[f"{name}_max"]
    if pd.isna(low):
        return MISSING
    return f"{low:,}" if low == high else f"{low:,}–{high:,}"  # noqa: RUF001 - a range


def _updates(row: pd.Series) -> str:
    g_updates, d_updates = _range(row, "g_updates"), _range(row, "d_updates")
    return g_updates if g_updates == d_updates else f"{g_updates} / {d_updates}"


def _effects(table: pd.DataFrame, name: str, plan: Design) -> list[Column]:
    """What the arms change in a primary metric, with p and verdict; nothing where none is judged.

    Beside another primary metric the headings say which one they are of.
    """
    if name not in judged_columns(table, plan):
        return []
    rows = [row for _, row in of_primary(table, plan, name).iterrows()]
    levels = [row["effect_level"] for row in rows if not pd.isna(row["effect_level"])]
    of = f" on {plan.columns[name].title}" if len(judged_columns(table, plan)) > 1 else ""
    title = f"Effect{of} [{percent(levels[0])}]" if levels else f"Effect{of}"
    verdicts = [(row["verdict"], verdict_text(row)) for row in rows]
    columns = [
        _column(title, rows, "effect", map(effect_text, rows)),
        _column("p (Holm)", rows, "effect_p", [p_text(row["effect_p"]) for row in rows]),
        verdict_column(f"Verdict{of}", verdicts),
    ]
    return [replace(each, key=effect_key(plan, name, each.key or "")) for each in columns]


def verdict_column(title: str, verdicts: Iterable[tuple[object, str | None]]) -> Column:
    """Verdicts, and how each is put; they are sorted by their kinds."""
    cells = []
    for verdict, text in verdicts:
        kind = verdict_kind(str(verdict))
        cell = Cell(MISSING) if text is None else Cell(text, "", kind, str(KINDS.index(kind)))
        cells.append(cell)
    return Column(title, cells, left=True, numeric=True, key="verdict")

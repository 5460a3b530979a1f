"""Two arms, or two trials, of a study beside each other, as text."""

from collections.abc import Iterator, Sequence

import pandas as pd

from ganablate.report.frames.trials import PROTOCOL, protocol_columns
from ganablate.report.show.arm_or_trial import Shown, alone_text, outcome_of, protocol_lines
from ganablate.report.show.wording import (
    columns_in_order,
    curve_names,
    difference_rows,
    ends_text,
    mean_curves,
    number_text,
    section,
    shortened,
    wrapped,
)
from ganablate.report.stats.effects import effect_columns, null_arms, study_effects
from ganablate.report.stats.loss_scale import loss_scale
from ganablate.report.stats.replicates import arm_replicates
from ganablate.report.table.captions import MISSING, heading
from ganablate.report.table.effect_wording import effect_text, p_text, verdict_text
from ganablate.report.table.tables import criterion_columns
from ganablate.study.claims.curve_shapes import LOSS_CURVES
from ganablate.text import aligned, percent, sparkline


def pair_text(ours: Shown, theirs: Shown) -> str:
    """What two arms or trials differ in: settings, numbers with the effect, losses, files.

    Args:
        ours: The one named first: the effect is against it.
        theirs: The other; both are of one reading.
    """
    plan = ours.plan
    a, b = ours.found.name, theirs.found.name
    lines = [f"{a} and {b}, of {plan.study} at the budget {plan.budget}"]
    rows = difference_rows(theirs.trials[0].config, ours.trials[0].config)
    differ = aligned([["", a, b], *rows]) if rows else ["none but the seeds"]
    lines += section("settings that differ", differ)
    lines += section("outcomes", aligned([[a, _outcomes(ours)], [b, _outcomes(theirs)]]))
    lines += section("metrics", _metrics(ours, theirs))
    lines += section("over the training", _curves(ours, theirs))
    lines += section("files", _files(ours, theirs))
    return "\n".join(lines)


def _outcomes(shown: Shown) -> str:
    complete = shown.rows[shown.rows["state"] == "complete"]
    found = [outcome_of(row)[0] for _, row in complete.iterrows()]
    counts = ", ".join(f"{found.count(name)} {name}" for name in dict.fromkeys(found))
    return counts or "no trial is complete"


def _metrics(ours: Shown, theirs: Shown) -> Iterator[str]:
    plan = ours.plan
    arms = ours.found.replicate is None and theirs.found.replicate is None
    marks = _apart(ours, theirs)
    rows = [["", ours.found.name, theirs.found.name, *(["effect"] if arms else [])]]
    for column, known in columns_in_order(plan).items():
        cells = [heading(known), _cell(ours, column), _cell(theirs, column)]
        if arms:
            cells.append(marks.get(column) or _effect(ours, theirs, column))
        rows.append(cells)
    yield from aligned(rows)
    if arms:
        level = percent(1 - ours.reading.alpha)
        yield from wrapped(
            f"mean ± standard deviation (n); effect: {theirs.found.name} against "
            f"{ours.found.name}, a ratio (×) of geometric means or a difference of means, with its "  # noqa: RUF001
            f"{level} interval (Welch's, unpaired), each for itself: no correction and no verdict"
        )
        yield from wrapped(_verdict(ours, theirs))
    both = pd.concat([ours.rows, theirs.rows]).drop_duplicates("trial_id")
    yield from protocol_lines(both, plan)


def _cell(shown: Shown, column: str) -> str:
    """An arm's mean without the marks that compare it with the baseline; a trial's number."""
    if shown.found.replicate is not None:
        return alone_text(shown.rows.iloc[0][column])
    row = shown.row(shown.found.arm).copy()
    row[column + "_mark"] = pd.NA
    return number_text(row, column)


def _apart(ours: Shown, theirs: Shown) -> dict[str, str]:
    """Columns of which the two have numbers that cannot be set against each other, and why."""
    plan = ours.plan
    found: dict[str, str] = {}
    if loss_scale(ours.arm.config) != loss_scale(theirs.arm.config):
        found |= dict.fromkeys(criterion_columns(plan), "another criterion")
    for column in protocol_columns(plan):
        stamps = [
            set(shown.rows[column + PROTOCOL].dropna().astype(str)) for shown in (ours, theirs)
        ]
        if all(stamps) and stamps[0] != stamps[1]:
            found[column] = "another protocol"
    return found


def _effect(ours: Shown, theirs: Shown, column: str) -> str:
    """What the second changes against the first, whether or not the study compares them."""
    plan, reading, arm = ours.plan, ours.reading, theirs.found.arm
    effects = study_effects(
        arm_replicates(reading.trials, [arm.name for arm in plan.arms], column),
        {arm: ours.found.arm},
        column,
        plan.columns[column].direction,
        null=null_arms(plan.arms),
        alpha=reading.alpha,
    )
    if effects is None or arm not in effects.by_arm:
        return MISSING
    return effect_text(effect_columns(effects, [arm]).iloc[0]) or MISSING


def _verdict(ours: Shown, theirs: Shown) -> str:
    """What the study itself says of the two, if it compares them."""
    for arm, other in ((theirs, ours), (ours, theirs)):
        if arm.arm.compare_to != other.found.arm or arm.found.arm == other.found.arm:
            continue
        row = arm.row(arm.found.arm)
        if "verdict" not in row or (said := verdict_text(row)) is None:
            continue
        title = arm.plan.columns[arm.plan.primary].title
        p = p_text(row["effect_p"])
        judged = f"{said} (p, Holm: {p})" if p else said
        return f"the study's own verdict, by {title}, of {arm.found.arm}: {judged}"
    return ""


def _curves(ours: Shown, theirs: Shown) -> list[str]:
    """A line a loss and side; both on one scale where their criteria are the same."""
    sides = (ours, theirs)
    both = [mean_curves(one.reading.curves, one.trials, one.plan) for one in sides]
    alike = loss_scale(ours.arm.config) == loss_scale(theirs.arm.config)
    rows: list[Sequence[str]] = []
    for key, name in curve_names(ours.plan).items():
        points = [shortened(one[key]) if key in one else [] for one in both]
        for shown, one, own in zip((ours, theirs), both, points, strict=True):
            if key in one:
                together = alike or key not in LOSS_CURVES
                among = [value for side in points for value in side] if together else ()
                rows.append([name, shown.found.name, sparkline(own, among), ends_text(one[key])])
    lines = aligned(rows)
    if rows and not alike:
        lines.append("losses each on a scale of its own: the criteria differ")
    return lines


def _files(ours: Shown, theirs: Shown) -> Iterator[str]:
    if ours.page.exists():
        yield str(ours.page)
    for shown in (ours, theirs):
        folder = shown.folder(shown.trials[0]).path
        if folder.exists():
            yield f"{folder}/  {shown.found.arm} / {shown.trials[0].replicate}"

"""Two arms, or two trials, of a study beside each other, as text."""

from collections.abc import Iterator, Sequence

import pandas as pd

from ganablate.report.frames.trials import PROTOCOL, protocol_columns
from ganablate.report.show.arm_or_trial import Shown, outcome_of, protocol_lines
from ganablate.report.show.lines import (
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
from ganablate.report.stats.effects import null_arms, study_effects
from ganablate.report.stats.loss_scale import loss_scale
from ganablate.report.stats.replicates import arm_replicates
from ganablate.report.table.cells import (
    MISSING,
    estimate_text,
    heading,
    lone_text,
    p_text,
    verdict_text,
)
from ganablate.report.table.tables import criterion_columns
from ganablate.study.claims.curve_shapes import LOSS_CURVES
from ganablate.text import aligned, percent, sparkline


def pair_text(ours: Shown, theirs: Shown) -> str:
    """What two arms or trials differ in: settings, numbers with the effect, losses, files.

    Args:
        ours: The one named first: the effect is against it.
        theirs: The other; both are of one analysis.
    """
    plan = ours.plan
    a, b = ours.subject.name, theirs.subject.name
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
    outcomes = [outcome_of(row)[0] for _, row in complete.iterrows()]
    counts = ", ".join(f"{outcomes.count(name)} {name}" for name in dict.fromkeys(outcomes))
    return counts or "no trial is complete"


def _metrics(ours: Shown, theirs: Shown) -> Iterator[str]:
    plan = ours.plan
    arms = ours.subject.replicate is None and theirs.subject.replicate is None
    marks = _incomparable(ours, theirs)
    rows = [["", ours.subject.name, theirs.subject.name, *(["effect"] if arms else [])]]
    for name, column in columns_in_order(plan).items():
        cells = [heading(column), _cell(ours, name), _cell(theirs, name)]
        if arms:
            cells.append(marks.get(name) or _effect(ours, theirs, name))
        rows.append(cells)
    yield from aligned(rows)
    if arms:
        level = percent(1 - ours.analysis.alpha)
        yield from wrapped(
            f"mean ± standard deviation (n); effect: {theirs.subject.name} against "
            f"{ours.subject.name}, a ratio (×) of geometric means or a difference of means, with "  # noqa: RUF001
            f"its {level} interval (Welch's, unpaired), each for itself: no correction and no "
            "verdict"
        )
        yield from wrapped(_verdict(ours, theirs))
    both = pd.concat([ours.rows, theirs.rows]).drop_duplicates("trial_id")
    yield from protocol_lines(both, plan)


def _cell(shown: Shown, column: str) -> str:
    """An arm's mean without the marks that compare it with the baseline; a trial's number."""
    if shown.subject.replicate is not None:
        return lone_text(shown.rows.iloc[0][column])
    row = shown.analysis.row(shown.subject.arm).copy()
    row[column + "_mark"] = pd.NA
    return number_text(row, column)


def _incomparable(ours: Shown, theirs: Shown) -> dict[str, str]:
    """Columns of which the two have numbers that cannot be set against each other, and why."""
    plan = ours.plan
    why: dict[str, str] = {}
    if loss_scale(ours.arm.config) != loss_scale(theirs.arm.config):
        why |= dict.fromkeys(criterion_columns(plan), "another criterion")
    for column in protocol_columns(plan):
        stamps = [
            set(shown.rows[column + PROTOCOL].dropna().astype(str)) for shown in (ours, theirs)
        ]
        if all(stamps) and stamps[0] != stamps[1]:
            why[column] = "another protocol"
    return why


def _effect(ours: Shown, theirs: Shown, column: str) -> str:
    """What the second changes against the first, whether or not the study compares them."""
    plan, analysis, arm = ours.plan, ours.analysis, theirs.subject.arm
    effects = study_effects(
        arm_replicates(analysis.trials, [arm.name for arm in plan.arms], column),
        {arm: ours.subject.arm},
        column,
        plan.columns[column].direction,
        null=null_arms(plan.arms),
        alpha=analysis.alpha,
    )
    if effects is None or arm not in effects.by_arm:
        return MISSING
    effect = effects.by_arm[arm]
    return estimate_text([effect.estimate, effect.low, effect.high], effects.scale) or MISSING


def _verdict(ours: Shown, theirs: Shown) -> str:
    """What the study itself says of the two, if it compares them."""
    for arm, other in ((theirs, ours), (ours, theirs)):
        if arm.arm.compare_to != other.subject.arm or arm.subject.arm == other.subject.arm:
            continue
        row = arm.analysis.row(arm.subject.arm)
        if "verdict" not in row or (verdict := verdict_text(row)) is None:
            continue
        title = arm.plan.columns[arm.plan.primary].title
        p = p_text(row["effect_p"])
        judged = f"{verdict} (p, Holm: {p})" if p else verdict
        return f"the study's own verdict, by {title}, of {arm.subject.arm}: {judged}"
    return ""


def _curves(ours: Shown, theirs: Shown) -> list[str]:
    """A line a loss and side; both on one scale where their criteria are the same."""
    sides = (ours, theirs)
    both = [mean_curves(side.analysis.curves, side.trials, side.plan) for side in sides]
    alike = loss_scale(ours.arm.config) == loss_scale(theirs.arm.config)
    rows: list[Sequence[str]] = []
    for key, name in curve_names(ours.plan).items():
        lines = [shortened(curves[key]) if key in curves else [] for curves in both]
        together = alike or key not in LOSS_CURVES
        among = [value for line in lines for value in line] if together else ()
        for shown, curves, line in zip(sides, both, lines, strict=True):
            if key in curves:
                spark = sparkline(line, among)
                rows.append([name, shown.subject.name, spark, ends_text(curves[key])])
    text = aligned(rows)
    if rows and not alike:
        text.append("losses each on a scale of its own: the criteria differ")
    return text


def _files(ours: Shown, theirs: Shown) -> Iterator[str]:
    if ours.page.exists():
        yield str(ours.page)
    for shown in (ours, theirs):
        folder = shown.folder(shown.trials[0]).path
        if folder.exists():
            yield f"{folder}/  {shown.subject.arm} / {shown.trials[0].replicate}"

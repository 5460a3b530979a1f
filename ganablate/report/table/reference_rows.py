"""The two last rows of a table of arms: what real images score in the place of generated ones."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import pandas as pd

from ganablate.catalog import FLOOR, TEN_IMAGES, metric_columns, on_images
from ganablate.report.design import Design
from ganablate.report.frames.references import LINES, References
from ganablate.report.stats.working import Working
from ganablate.report.table.cells import MISSING, spread_text
from ganablate.report.table.render import Cell, Column
from ganablate.report.table.tables import arm_title, reference_arm, reference_protocol
from ganablate.study.plan import Plan
from ganablate.trials.references import Reference

LABELS = {FLOOR: "other real images", TEN_IMAGES: "ten images repeated"}
"""A line as a reader knows it."""


def lines_of(
    column: str, references: References, trials: pd.DataFrame, plan: Design
) -> dict[str, Reference]:
    """The lines of a column by the protocol and data of the reference arm, where known."""
    stamp = reference_protocol(trials, plan, column)
    if stamp is None or not isinstance(plan, Plan):
        return {}
    config = reference_arm(plan).config
    found = {line: references.find(line, column, config, stamp) for line in LINES}
    return {line: reference for line, reference in found.items() if reference is not None}


def with_reference_rows(
    columns: Sequence[Column], references: References, trials: pd.DataFrame, plan: Plan
) -> list[Column]:
    """The columns with a row more for each line that is known.

    Cells are in the columns of metrics on images; the page sorts them behind the arms.
    """
    lines = {
        name: lines_of(name, references, trials, plan)
        for name in metric_columns(on_images(plan.metrics))
    }
    rows = [line for line in LINES if any(line in found for found in lines.values())]
    return [_longer(column, rows, lines) for column in columns]


def _longer(
    column: Column, rows: Sequence[str], lines: Mapping[str, Mapping[str, Reference]]
) -> Column:
    def cell(line: str) -> Cell:
        if column.key == "arm":
            return Cell(LABELS[line])
        if column.key is None or column.key not in lines:
            return Cell("")
        found = lines[column.key].get(line)
        return Cell(MISSING if found is None else spread_text(found.value, float("nan")))

    return replace(column, cells=[*column.cells, *map(cell, rows)])


def reference_note(references: References, trials: pd.DataFrame, plan: Plan) -> Iterator[str]:
    """What the two rows are; nothing where there are none."""
    images: dict[str, set[str]] = {line: set() for line in LINES}
    for name in metric_columns(on_images(plan.metrics)):
        for line, found in lines_of(name, references, trials, plan).items():
            images[line].add(found.images)
    parts = [
        f"{LABELS[line]} ({'; '.join(sorted(images[line]))})" for line in LINES if images[line]
    ]
    if parts:
        title = arm_title(reference_arm(plan).name)
        yield f"The last rows are real images, measured as {title}'s: {' and '.join(parts)}."


def working_note(name: str, working: Working) -> str:
    """The first line of a table: whether the arm that others are compared with works."""
    title = arm_title(name)
    if working.works is None:
        return f"Whether {title} works is not known: {working.because}."
    begin = f"T{title[1:]}"
    if working.works:
        return f"{begin} works: {working.because}."
    return (
        f"{begin} does not work: {working.because}. So no verdict on the quality of images rests "
        "on it."
    )

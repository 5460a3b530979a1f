"""What `evaluate` measured: a line an arm, before the study's own table shows it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ganablate.catalog import METRICS, PROBES
from ganablate.report.frames.trials import trials_frame
from ganablate.report.table.captions import heading, protocols
from ganablate.report.table.columns import TextColumn, cell_text
from ganablate.report.table.tables import arm_table
from ganablate.study.plan import Plan


def evaluated(plan: Plan, names: Sequence[str], trials_root: Path) -> str:
    """Mean, standard deviation and n of each arm in the columns of these metrics and probes.

    Args:
        plan: Measures them.
        names: Keys of catalog.METRICS and catalog.PROBES.
        trials_root: Holds the trial folders.
    """
    shown = replace(
        plan,
        metrics=tuple(name for name in names if name in METRICS),
        probes=tuple(name for name in names if name in PROBES),
    )
    trials = trials_frame(plan, trials_root)
    rows = [row for _, row in arm_table(trials, plan).iterrows()]
    columns = [TextColumn("Arm", [str(row["arm"]) for row in rows], left=True)]
    for name, column in shown.columns.items():
        cells = [cell_text(row, name) for row in rows]
        columns.append(
            TextColumn(heading(column), cells, [f"({row[name + '_n']})" for row in rows])
        )
    note = "Mean ± sample standard deviation (n) over an arm's complete replicates."
    return "\n".join(["", *_aligned(columns), "", note, *protocols(trials, shown)])


def _aligned(columns: Sequence[TextColumn]) -> list[str]:
    every = [[column.title, *column.texts()] for column in columns]
    widths = [max(map(len, cells)) for cells in every]
    return [
        "  ".join(
            cell.ljust(width) if column.left else cell.rjust(width)
            for column, cell, width in zip(columns, row, widths, strict=True)
        ).rstrip()
        for row in zip(*every, strict=True)
    ]

"""One arm, or one trial, as text."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ganablate.report.analysis import Analysis
from ganablate.report.frames.trials import PROTOCOL, protocol_columns
from ganablate.report.show.find import Subject, arm_of
from ganablate.report.show.lines import (
    columns_in_order,
    curve_rows,
    difference_rows,
    mean_curves,
    means_of,
    number_text,
    section,
    settings_lines,
    wrapped,
)
from ganablate.report.table.cells import (
    MARKS,
    MISSING,
    estimate_text,
    heading,
    lone_text,
    p_text,
    verdict_text,
)
from ganablate.report.table.tables import reference_arm
from ganablate.study.plan import Arm, Plan, Trial
from ganablate.text import aligned, counted
from ganablate.trials.folder import TrialFolder
from ganablate.trials.needs import status_of

_LAST_GRIDS = 3
"""Sample grids of a trial whose paths are shown: those of its end."""


@dataclass(frozen=True)
class Shown:
    """What is shown, and where it comes from: an analysis and the roots of its folders.

    The root of published records is also a root of trials, since it holds none.
    """

    subject: Subject
    analysis: Analysis
    trials_root: Path
    results_root: Path

    @property
    def plan(self) -> Plan:
        """The study at its budget."""
        return self.analysis.plan

    @property
    def arm(self) -> Arm:
        """The arm, or that of the trial."""
        return arm_of(self.plan, self.subject.arm)

    @property
    def trials(self) -> list[Trial]:
        """The trials of the arm, or the trial alone."""
        return [
            trial
            for trial in self.plan.trials
            if trial.arm == self.subject.arm and self.subject.replicate in (None, trial.replicate)
        ]

    @property
    def rows(self) -> pd.DataFrame:
        """The rows of these trials in the frame of trials."""
        frame = self.analysis.trials
        return frame[frame["trial_id"].isin([trial.trial_id for trial in self.trials])]

    def folder(self, trial: Trial) -> TrialFolder:
        """A trial's folder."""
        return TrialFolder(self.trials_root, trial.trial_id)

    @property
    def page(self) -> Path:
        """The report's page; it need not be there."""
        return self.results_root / self.plan.study / self.plan.budget / "report.html"


def arm_text(shown: Shown) -> str:
    """An arm: what it changes, what became of its trials, what they measured, where they are."""
    plan, arm = shown.plan, shown.arm
    complete = shown.rows[shown.rows["state"] == "complete"]
    lines = [
        f"{arm.name}: an arm of {plan.study} at the budget {plan.budget}, "
        f"{len(complete)} of {len(shown.trials)} trials complete"
    ]
    if arm.compare_to is not None:
        other = arm_of(plan, arm.compare_to)
        rows = difference_rows(arm.config, other.config)
        changes = [[name, before, "->", now] for name, before, now in rows]
        what = "the seeds alone" if arm.null else f"changes against {other.name}"
        lines += section(what, aligned(changes))
    lines += section("settings", settings_lines(arm.config))
    lines += section("trials", _trials(shown))
    lines += section("metrics: mean ± standard deviation (n)", _metrics(shown))
    curves = mean_curves(shown.analysis.curves, shown.trials, plan)
    means = means_of(shown.analysis.curves, shown.trials, plan)
    lines += section(f"over the training, {means}", aligned(curve_rows(curves, plan)))
    lines += section("files", _arm_files(shown))
    return "\n".join(lines)


def _trials(shown: Shown) -> list[str]:
    primary = shown.plan.primary
    has = primary in shown.plan.columns
    title = shown.plan.columns[primary].title if has else ""
    rows = [["replicate", "trial", "state", "outcome", *([title] if has else []), ""]]
    for _, row in shown.rows.iterrows():
        number = [lone_text(row[primary])] if has else []
        outcome, because = outcome_of(row)
        why = because or _failure(shown, str(row["trial_id"]))
        rows.append([str(row["replicate"]), row["trial_id"], row["state"], outcome, *number, why])
    return aligned(rows, right=[0, 4] if has else [0])


def outcome_of(row: pd.Series) -> tuple[str, str]:
    """What became of a trial, and why; a dash where it is not complete."""
    if row["state"] != "complete":
        return MISSING, ""
    outcome = "not assessed" if pd.isna(row["outcome"]) else str(row["outcome"])
    return outcome, "" if pd.isna(row["outcome_because"]) else str(row["outcome_because"])


def _failure(shown: Shown, trial_id: str) -> str:
    failure = TrialFolder(shown.trials_root, trial_id).failure
    return "" if failure is None else str(failure.get("message", ""))


def _metrics(shown: Shown) -> Iterator[str]:
    """A row a column: the arm, what it is compared with, and the effect."""
    plan, arm, row = shown.plan, shown.arm, shown.analysis.row(shown.arm.name)
    if int(row["n_complete"]) == 0:
        return
    other = shown.analysis.row(arm.compare_to) if arm.compare_to is not None else None
    titles = [str(arm.name), *([str(arm.compare_to), "effect"] if other is not None else [])]
    rows = [["", *titles]]
    for name, column in columns_in_order(plan).items():
        cells = [heading(column), number_text(row, name)]
        if other is not None:
            cells += [number_text(other, name), _effect(shown, name)]
        rows.append(cells)
    yield from aligned(rows)
    yield from _below_metrics(shown, " ".join(cell for cells in rows for cell in cells))


def _effect(shown: Shown, column: str) -> str:
    """The effect with its interval; of the primary with its p and verdict."""
    arm, is_primary = shown.arm, column == shown.plan.primary
    effects = shown.analysis.effects if is_primary else shown.analysis.effects_on(column)
    if effects is None or arm.name not in effects.by_arm:
        return MISSING
    effect = effects.by_arm[arm.name]
    text = estimate_text([effect.estimate, effect.low, effect.high], effects.scale) or MISSING
    if not is_primary or arm.null:
        return text
    p = p_text(effect.p)
    parts = [text, f"p (Holm) {p}" if p else None, verdict_text(shown.analysis.row(arm.name))]
    return ", ".join(part for part in parts if part)


def _below_metrics(shown: Shown, cells: str) -> Iterator[str]:
    plan = shown.plan
    reference = reference_arm(plan).name
    if MARKS["criterion"] in cells:
        yield f"{MARKS['criterion']} another criterion than that of {reference}: another scale"
    if MARKS["protocol"] in cells:
        yield f"{MARKS['protocol']} another protocol than that of {reference}"
    if shown.arm.compare_to is not None:
        yield from wrapped(
            "effect: a ratio (×) or a difference (+, -) with its interval; only that of the "  # noqa: RUF001
            "primary metric is judged, corrected over the study's arms"
        )
    yield from protocol_lines(shown.rows, plan)


def protocol_lines(rows: pd.DataFrame, plan: Plan) -> Iterator[str]:
    """Each protocol of these trials, with the columns that were measured by it."""
    stamps: dict[str, list[str]] = {}
    for column in protocol_columns(plan):
        for stamp in rows[column + PROTOCOL].dropna().unique():
            stamps.setdefault(str(stamp), []).append(plan.columns[column].title)
    for stamp, titles in stamps.items():
        yield from wrapped(f"{', '.join(titles)}: {stamp}")


def _arm_files(shown: Shown) -> Iterator[str]:
    samples = shown.page.parent / "figures" / "samples.png"
    rows = [["page", str(shown.page)], ["samples", str(samples)]]
    yield from aligned([row for row in rows if Path(row[1]).exists()])
    for trial in shown.trials:
        folder = shown.folder(trial).path
        grids = sorted((folder / "samples").glob("*.png"))
        if folder.exists():
            yield f"{grids[-1] if grids else folder}"


def trial_text(shown: Shown) -> str:
    """A trial: what became of it and why, its settings, its numbers beside its arm's, its files."""
    plan, (trial,) = shown.plan, shown.trials
    row = shown.rows.iloc[0]
    lines = [
        f"{trial.trial_id}: replicate {trial.replicate} of the arm {trial.arm} of {plan.study} "
        f"at the budget {plan.budget}",
        *_what_became(shown, trial, row),
    ]
    settings = [*settings_lines(trial.config), f"seed={trial.config.seed}"]
    lines += section("settings", settings)
    lines += section("metrics", _numbers(shown, row))
    curves = mean_curves(shown.analysis.curves, [trial], plan)
    lines += section("over the training", aligned(curve_rows(curves, plan)))
    lines += section("files", _trial_files(shown.folder(trial)))
    return "\n".join(lines)


def _what_became(shown: Shown, trial: Trial, row: pd.Series) -> Iterator[str]:
    status = status_of(trial, shown.trials_root)
    state = str(row["state"]) if status.state == "pending" else status.state
    outcome, because = outcome_of(row)
    if state == "complete":
        yield f"{state}: {outcome}" + (f", {because}" if because else "")
    else:
        yield f"{state}: {status.failure}" if status.failure else state
    folder = shown.folder(trial)
    attempts = folder.attempts()
    seconds = sum(float(attempt.get("wall_seconds", 0.0)) for attempt in attempts)
    if attempts:
        facts = [str(row[name]) for name in ("device", "precision") if not pd.isna(row[name])]
        machine = f", on {' in '.join(facts)}" if facts else ""
        yield f"{counted(len(attempts), 'attempt')}, {seconds:,.0f} s{machine}"


def _numbers(shown: Shown, row: pd.Series) -> Iterator[str]:
    plan = shown.plan
    if row["state"] != "complete":
        return
    mean = shown.analysis.row(str(row["arm"]))
    rows = [["", "this trial", f"{row['arm']}: mean ± standard deviation (n)"]]
    rows += [
        [heading(column), lone_text(row[name]), number_text(mean, name)]
        for name, column in columns_in_order(plan).items()
    ]
    yield from aligned(rows)
    yield from protocol_lines(shown.rows, plan)


def _trial_files(folder: TrialFolder) -> Iterator[str]:
    if not folder.path.exists():
        return
    grids = sorted((folder.path / "samples").glob("*.png"))
    names = ["animation.gif", "samples.npy", "losses.npz", "weights.safetensors", "traceback.txt"]
    files = [*grids[-_LAST_GRIDS:], *(folder.path / name for name in names)]
    files += sorted((folder.path / "probes").glob("*.png"))
    yield f"{folder.path}/"
    yield from (str(path) for path in files if path.exists())

"""One arm, or one trial, as text."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ganablate.report.analysis import Reading
from ganablate.report.frames.trials import PROTOCOL, protocol_columns
from ganablate.report.show.find import Found, arm_of
from ganablate.report.show.wording import (
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
from ganablate.report.stats.effects import effect_columns
from ganablate.report.table.captions import MARKS, MISSING, heading
from ganablate.report.table.effect_wording import effect_text, p_text, verdict_text
from ganablate.report.table.rounding import round_to_spread
from ganablate.report.table.tables import column_effects, reference_arm
from ganablate.study.plan import Arm, Plan, Trial
from ganablate.text import aligned
from ganablate.trials.folder import TrialFolder
from ganablate.trials.needs import status_of

_LAST_GRIDS = 3
"""Sample grids of a trial whose paths are shown: those of its end."""


@dataclass(frozen=True)
class Shown:
    """What is shown, and where it comes from: a reading and the roots of its folders.

    The root of published records is also a root of trials, since it holds none.
    """

    found: Found
    reading: Reading
    trials_root: Path
    results_root: Path

    @property
    def plan(self) -> Plan:
        """The study at its budget."""
        return self.reading.plan

    @property
    def arm(self) -> Arm:
        """The arm, or that of the trial."""
        return arm_of(self.plan, self.found.arm)

    @property
    def trials(self) -> list[Trial]:
        """The trials of the arm, or the trial alone."""
        one = self.found.replicate
        own = (trial for trial in self.plan.trials if trial.arm == self.found.arm)
        return [trial for trial in own if one is None or trial.replicate == one]

    @property
    def rows(self) -> pd.DataFrame:
        """The rows of these trials in the frame of trials."""
        frame = self.reading.trials
        return frame[frame["trial_id"].isin([trial.trial_id for trial in self.trials])]

    def row(self, arm: str) -> pd.Series:
        """An arm's row in the table."""
        return self.reading.table[self.reading.table["arm"] == arm].iloc[0]

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
    curves = mean_curves(shown.reading.curves, shown.trials, plan)
    means = means_of(shown.reading.curves, shown.trials, plan)
    lines += section(f"over the training, {means}", aligned(curve_rows(curves, plan)))
    lines += section("files", _arm_files(shown))
    return "\n".join(lines)


def _trials(shown: Shown) -> list[str]:
    primary = shown.plan.primary
    has = primary in shown.plan.columns
    title = shown.plan.columns[primary].title if has else ""
    rows = [["replicate", "trial", "state", "outcome", *([title] if has else []), ""]]
    for _, row in shown.rows.iterrows():
        number = [alone_text(row[primary])] if has else []
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


def alone_text(value: float) -> str:
    """A number without a spread."""
    if math.isnan(value):
        return MISSING
    rounded = round_to_spread(value, math.nan)
    return rounded.mean if rounded.exponent is None else f"{rounded.mean}e{rounded.exponent}"


def _metrics(shown: Shown) -> Iterator[str]:
    """A row a column: the arm, what it is compared with, and the effect."""
    plan, arm, row = shown.plan, shown.arm, shown.row(shown.arm.name)
    if int(row["n_complete"]) == 0:
        return
    other = shown.row(arm.compare_to) if arm.compare_to is not None else None
    titles = [str(arm.name), *([str(arm.compare_to), "effect"] if other is not None else [])]
    rows = [["", *titles]]
    for column, known in columns_in_order(plan).items():
        cells = [heading(known), number_text(row, column)]
        if other is not None:
            cells += [number_text(other, column), _effect(shown, column)]
        rows.append(cells)
    yield from aligned(rows)
    yield from _below_metrics(shown, " ".join(cell for cells in rows for cell in cells))


def _effect(shown: Shown, column: str) -> str:
    """The effect with its interval; of the primary with its p and verdict."""
    plan, arm = shown.plan, shown.arm
    reading = shown.reading
    effects = column_effects(reading.trials, reading.table, plan, column, alpha=reading.alpha)
    if effects is None or arm.name not in effects.by_arm:
        return MISSING
    row = effect_columns(effects, [arm.name]).iloc[0]
    text = effect_text(row) or MISSING
    if column != plan.primary or arm.null:
        return text
    p, verdict = p_text(row["effect_p"]), verdict_text(row)
    said = [text, f"p (Holm) {p}" if p else None, verdict]
    return ", ".join(part for part in said if part)


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
    curves = mean_curves(shown.reading.curves, [trial], plan)
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
        times = "1 attempt" if len(attempts) == 1 else f"{len(attempts)} attempts"
        facts = [str(row[name]) for name in ("device", "precision") if not pd.isna(row[name])]
        ran = " in ".join(facts)
        yield f"{times}, {seconds:,.0f} s" + (f", on {ran}" if ran else "")


def _numbers(shown: Shown, row: pd.Series) -> Iterator[str]:
    plan = shown.plan
    if row["state"] != "complete":
        return
    mean = shown.row(str(row["arm"]))
    rows = [["", "this trial", f"{row['arm']}: mean ± standard deviation (n)"]]
    rows += [
        [heading(known), alone_text(row[column]), number_text(mean, column)]
        for column, known in columns_in_order(plan).items()
    ]
    yield from aligned(rows)
    yield from protocol_lines(shown.rows, plan)


def _trial_files(folder: TrialFolder) -> Iterator[str]:
    if not folder.path.exists():
        return
    grids = sorted((folder.path / "samples").glob("*.png"))
    names = ["animation.gif", "samples.npy", "losses.npz", "weights.safetensors", "traceback.txt"]
    found = [*grids[-_LAST_GRIDS:], *(folder.path / name for name in names)]
    pictures = sorted((folder.path / "probes").glob("*.png"))
    yield f"{folder.path}/"
    yield from (str(path) for path in [*found, *pictures] if path.exists())

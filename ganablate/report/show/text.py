"""One arm or trial as text, and two of them beside each other."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ganablate.catalog.settings import SHARED
from ganablate.config import TrialConfig
from ganablate.report.frames.trials import PROTOCOL, protocol_columns
from ganablate.report.show.selection import (
    Selection,
    curve_names,
    incomparable,
    means_of,
    outcome_of,
    same_loss_scale,
)
from ganablate.report.stats.effects import StudyEffects
from ganablate.report.table.cells import (
    MARKS,
    MISSING,
    estimate_text,
    heading,
    lone_text,
    mean_text,
    p_text,
    verdict_text,
)
from ganablate.report.table.tables import (
    judged_columns,
    of_primary,
    primary_columns,
    reference_arm,
)
from ganablate.study.arms.settings import text_of
from ganablate.study.claims.curve_shapes import LOSS_CURVES
from ganablate.study.plan import Plan, Trial
from ganablate.text import (
    aligned,
    binned,
    counted,
    percent,
    screen_width,
    shortened,
    sparkline,
    wrapped,
)
from ganablate.trials.folder import TrialFolder
from ganablate.trials.needs import status_of

_WIDTH = 100
"""Most characters of a line of text; tables may be wider."""
_INDENT = "  "
_SPARK = 40
"""Most characters of a curve."""
_BESIDE = 24
"""Characters of a narrow screen that are left beside a curve, or beside a name in a title."""
_LAST_GRIDS = 3
"""Sample grids of a trial whose paths are shown: those of its end."""


def _section(title: str, lines: Iterable[str]) -> list[str]:
    """A title with lines below it, and an empty line before; nothing without lines."""
    indented = [f"{_INDENT}{line}".rstrip() for line in lines]
    return ["", title, *indented] if indented else []


def _wrapped(text: str) -> list[str]:
    return wrapped(text, min(_WIDTH, screen_width()) - len(_INDENT))


def _table(rows: Sequence[Sequence[str]], right: Iterable[int] = ()) -> list[str]:
    return aligned(rows, right=right, width=screen_width() - len(_INDENT))


def _beside(most: int) -> int:
    """So many characters at most, of a narrow screen what is left beside others."""
    return max(min(most, screen_width() - _BESIDE), _BESIDE // 2)


# --- settings, numbers and curves ---


def _settings(config: TrialConfig) -> list[str]:
    """The settings of a trial without its seed; those that both nets have alike are one."""
    values = config.model_dump(exclude_none=True, exclude={"seed"})
    settings: dict[str, Any] = {}
    for name, value in values.items():
        both = name[2:]
        alike = both in SHARED and values.get(f"g_{both}") == values.get(f"d_{both}")
        settings[both if alike and name[:2] in ("g_", "d_") else name] = value
    return _wrapped("  ".join(f"{name}={text_of(name, value)}" for name, value in settings.items()))


def _differences(first: TrialConfig, second: TrialConfig) -> list[list[str]]:
    """Name and both values of each setting that differs; nothing of seeds."""
    before, after = (config.model_dump(exclude={"seed"}) for config in (first, second))
    return [
        [name, text_of(name, before.get(name)), text_of(name, after.get(name))]
        for name in {**before, **after}
        if before.get(name) != after.get(name)
    ]


def _mean(row: pd.Series, column: str, *, marked: bool = True) -> str:
    """An arm's mean, spread and how many replicates have it: `179 ± 11 (5)`, with its mark."""
    if pd.isna(row[column]):
        return MISSING
    mark = row[column + "_mark"] if marked else None
    end = "" if pd.isna(mark) else f" {MARKS[str(mark)]}"
    return f"{mean_text(row, column)} ({row[column + '_n']}){end}"


def _numbers(plan: Plan, titles: Sequence[str], cells: Callable[[str], list[str]]) -> list[str]:
    """A line a column of the plan, its primary ones first, with these cells."""
    names = sorted(plan.shown_columns, key=lambda name: name not in plan.primaries)
    rows = [[heading(plan.columns[name]), *cells(name)] for name in names]
    shown = [shortened(title, _beside(len(title))) for title in titles]
    return _table([["", *shown], *rows])


def _estimate(effects: StudyEffects | None, arm: str) -> str:
    if effects is None or arm not in effects.by_arm:
        return MISSING
    effect = effects.by_arm[arm]
    return estimate_text([effect.estimate, effect.low, effect.high], effects.scale) or MISSING


def _protocols(rows: pd.DataFrame, plan: Plan) -> Iterator[str]:
    """Each protocol of these trials, with the columns that were measured by it."""
    titles: dict[str, list[str]] = {}
    for column in (name for name in protocol_columns(plan) if name in plan.shown_columns):
        for stamp in rows[column + PROTOCOL].dropna().unique():
            titles.setdefault(str(stamp), []).append(plan.columns[column].title)
    for stamp, names in titles.items():
        yield from _wrapped(f"{', '.join(names)}: {stamp}")


def _spark_values(curve: pd.DataFrame) -> list[float | None]:
    """A curve as the values of equal parts of the training."""
    return binned(zip(curve.index, curve["mean"], strict=True), _beside(_SPARK))


def _ends(curve: pd.DataFrame) -> tuple[str, str]:
    """`1.08 -> 1.32` and `(from 0.277 to 1.35)`: first and last, lowest and highest."""
    values = curve["mean"]
    return (
        f"{values.iloc[0]:.3g} -> {values.iloc[-1]:.3g}",
        f"(from {values.min():.3g} to {values.max():.3g})",
    )


def _curves(selection: Selection) -> list[str]:
    """A line a curve: its name, its course, and where it begins and ends."""
    names = curve_names(selection.plan)
    return _table(
        [
            [names[name], sparkline(_spark_values(curve)), *_ends(curve)]
            for name, curve in selection.curves.items()
        ]
    )


# --- an arm ---


def arm_text(selection: Selection) -> str:
    """An arm: what it changes, what became of its trials, what they measured, where they are."""
    plan, arm = selection.plan, selection.arm
    lines = wrapped(
        f"{arm.name}: an arm of {plan.study} at the budget {plan.budget}, "
        f"{len(selection.complete)} of {counted(len(selection.trials), 'trial')} complete"
    )
    if arm.compare_to is not None:
        other = next(other for other in plan.arms if other.name == arm.compare_to)
        changes = _differences(other.config, arm.config)
        title = "the seeds alone" if arm.null else f"changes against {other.name}"
        lines += _section(title, _table([[name, *(old, "->", new)] for name, old, new in changes]))
    lines += _section("settings", _settings(arm.config))
    lines += _section("trials", _trials(selection))
    lines += _section("metrics: mean ± standard deviation (n)", _arm_metrics(selection))
    means = means_of(selection.curves.values())
    lines += _section(f"over the training, {means}", _curves(selection))
    lines += _section("files", _arm_files(selection))
    return "\n".join(lines)


def _trials(selection: Selection) -> list[str]:
    primaries = primary_columns(selection.plan)
    titles = [selection.plan.columns[name].title for name in primaries]
    rows = [["replicate", "trial", "state", "outcome", *titles, ""]]
    for _, row in selection.rows.iterrows():
        outcome, because = outcome_of(row)
        failure = TrialFolder(selection.trials_root, str(row["trial_id"])).failure or {}
        numbers = [lone_text(row[name]) for name in primaries]
        facts = [str(row["replicate"]), row["trial_id"], row["state"], outcome]
        rows.append([*facts, *numbers, because or str(failure.get("message", ""))])
    return _table(rows, right=[0, *range(4, 4 + len(primaries))])


def _arm_metrics(selection: Selection) -> Iterator[str]:
    """A row a column: the arm, what it is compared with, and the effect."""
    plan, arm, analysis = selection.plan, selection.arm, selection.analysis
    row = analysis.row(arm.name)
    if int(row["n_complete"]) == 0:
        return
    titles = [arm.name]
    if arm.compare_to is not None:
        titles += [arm.compare_to, "effect"]

    def cells(column: str) -> list[str]:
        if arm.compare_to is None:
            return [_mean(row, column)]
        other = analysis.row(arm.compare_to)
        return [_mean(row, column), _mean(other, column), _judged_effect(selection, column)]

    lines = _numbers(plan, titles, cells)
    yield from lines
    reference, text = reference_arm(plan).name, "".join(lines)
    if MARKS["criterion"] in text:
        yield f"{MARKS['criterion']} another criterion than that of {reference}: another scale"
    if MARKS["protocol"] in text:
        yield f"{MARKS['protocol']} another protocol than that of {reference}"
    if arm.compare_to is not None:
        yield from _wrapped(
            "effect: a ratio (×) or a difference (+, -) with its interval; only those on "  # noqa: RUF001
            "primary metrics are judged, corrected over the study's arms"
        )
    yield from _protocols(selection.rows, plan)


def _effect_row(selection: Selection, column: str) -> pd.Series:
    """The arm's row of the table, with its effect on this primary metric."""
    table = of_primary(selection.analysis.table, selection.plan, column)
    return table[table["arm"] == selection.arm.name].iloc[0]


def _judged_effect(selection: Selection, column: str) -> str:
    """The effect with its interval; of a primary metric with its p and verdict."""
    arm, analysis, plan = selection.arm, selection.analysis, selection.plan
    effects = analysis.effects_on(column)
    text = _estimate(effects, arm.name)
    unjudged = arm.null or column not in plan.primaries
    if unjudged or effects is None or arm.name not in effects.by_arm:
        return text
    p = p_text(effects.by_arm[arm.name].p)
    row = _effect_row(selection, column)
    parts = [text, f"p (Holm) {p}" if p else None, verdict_text(row)]
    return ", ".join(filter(None, parts))


def _arm_files(selection: Selection) -> Iterator[str]:
    samples = selection.page.parent / "figures" / "samples.png"
    files = {"page": selection.page, "samples": samples}
    yield from _table([[name, str(path)] for name, path in files.items() if path.exists()])
    for trial in selection.trials:
        folder = selection.folder(trial).path
        grids = sorted((folder / "samples").glob("*.png"))
        if folder.exists():
            yield f"{grids[-1] if grids else folder}"


# --- a trial ---


def trial_text(selection: Selection) -> str:
    """A trial: what became of it and why, its settings, its numbers beside its arm's, its files."""
    plan, (trial,) = selection.plan, selection.trials
    row, arm = selection.rows.iloc[0], selection.analysis.row(trial.arm)
    lines = [
        *wrapped(
            f"{trial.trial_id}: replicate {trial.replicate} of the arm {trial.arm} of {plan.study} "
            f"at the budget {plan.budget}"
        ),
        *_end_of_trial(selection, trial, row),
    ]
    lines += _section("settings", [*_settings(trial.config), f"seed={trial.config.seed}"])
    if row["state"] == "complete":
        titles = ["this trial", f"{trial.arm}: mean ± standard deviation (n)"]
        metrics = _numbers(plan, titles, lambda name: [lone_text(row[name]), _mean(arm, name)])
        lines += _section("metrics", [*metrics, *_protocols(selection.rows, plan)])
    lines += _section("over the training", _curves(selection))
    lines += _section("files", _trial_files(selection.folder(trial).path))
    return "\n".join(lines)


def _end_of_trial(selection: Selection, trial: Trial, row: pd.Series) -> Iterator[str]:
    """Its state and why, its attempts, their length, and on what they ran."""
    status = status_of(trial, selection.trials_root)
    state = str(row["state"]) if status.state == "pending" else status.state
    reason = status.failure
    if state == "complete":
        reason = ", ".join(filter(None, outcome_of(row)))
    yield f"{state}: {reason}" if reason else state
    attempts = selection.folder(trial).attempts()
    if attempts:
        seconds = sum(float(attempt.get("wall_seconds", 0.0)) for attempt in attempts)
        facts = [str(row[name]) for name in ("device", "precision") if not pd.isna(row[name])]
        machine = f", on {' in '.join(facts)}" if facts else ""
        yield f"{counted(len(attempts), 'attempt')}, {seconds:,.0f} s{machine}"


def _trial_files(folder: Path) -> Iterator[str]:
    if not folder.exists():
        return
    grids = sorted((folder / "samples").glob("*.png"))
    names = ["animation.gif", "samples.npy", "losses.npz", "weights.safetensors", "traceback.txt"]
    files = [*grids[-_LAST_GRIDS:], *(folder / name for name in names)]
    files += sorted((folder / "probes").glob("*.png"))
    yield f"{folder}/"
    yield from (str(path) for path in files if path.exists())


# --- two arms or trials ---


def pair_text(first: Selection, second: Selection) -> str:
    """What two arms or trials differ in: settings, numbers with the effect, losses, files.

    Args:
        first: The effect is against it.
        second: The other; both are of one analysis.
    """
    plan, sides = first.plan, (first, second)
    names = [first.name, second.name]
    lines = wrapped(f"{first.name} and {second.name}, of {plan.study} at the budget {plan.budget}")
    rows = _differences(first.trials[0].config, second.trials[0].config)
    differ = _table([["", *names], *rows]) if rows else ["none but the seeds"]
    lines += _section("settings that differ", differ)
    lines += _section("outcomes", _table([[side.name, _outcomes(side)] for side in sides]))
    lines += _section("metrics", _pair_metrics(first, second))
    lines += _section("over the training", _pair_curves(first, second))
    files = [str(first.page)] if first.page.exists() else []
    for side in sides:
        folder = side.folder(side.trials[0]).path
        if folder.exists():
            files.append(f"{folder}/  {side.subject.arm} / {side.trials[0].replicate}")
    return "\n".join([*lines, *_section("files", files)])


def _outcomes(selection: Selection) -> str:
    outcomes = [outcome_of(row)[0] for _, row in selection.complete.iterrows()]
    counts = ", ".join(f"{outcomes.count(name)} {name}" for name in dict.fromkeys(outcomes))
    return counts or "no trial is complete"


def _pair_metrics(first: Selection, second: Selection) -> Iterator[str]:
    plan, names = first.plan, [first.name, second.name]
    arms = first.is_arm and second.is_arm
    reasons = incomparable(first, second)

    def cells(column: str) -> list[str]:
        numbers = [_number(first, column), _number(second, column)]
        if not arms:
            return numbers
        return [*numbers, reasons.get(column) or _pair_effect(first, second, column)]

    yield from _numbers(plan, [*names, "effect"] if arms else names, cells)
    if arms:
        level = percent(1 - first.analysis.alpha)
        yield from _wrapped(
            f"mean ± standard deviation (n); effect: {second.name} against {first.name}, a ratio "
            "(×) of geometric means or a difference of means, with "  # noqa: RUF001
            f"its {level} interval (Welch's, unpaired), each for itself: no correction and no "
            "verdict"
        )
        for column in judged_columns(first.analysis.table, plan):
            yield from _wrapped(_verdict(first, second, column) or _verdict(second, first, column))
    yield from _protocols(pd.concat([first.rows, second.rows]).drop_duplicates("trial_id"), plan)


def _number(selection: Selection, column: str) -> str:
    """An arm's mean without the marks that compare it with the baseline; a trial's number."""
    if selection.is_arm:
        return _mean(selection.analysis.row(selection.subject.arm), column, marked=False)
    return lone_text(selection.rows.iloc[0][column])


def _pair_effect(first: Selection, second: Selection, column: str) -> str:
    """What the second changes against the first, whether or not the study compares them."""
    arm = second.subject.arm
    return _estimate(first.analysis.effects_of_pair(column, first.subject.arm, arm), arm)


def _verdict(reference: Selection, selection: Selection, column: str) -> str:
    """What the study itself says of a selected arm, if it compares it with the reference."""
    arm, plan = selection.arm, selection.plan
    if arm.compare_to != reference.arm.name or arm.name == reference.arm.name:
        return ""
    row = _effect_row(selection, column)
    verdict = verdict_text(row)
    if verdict is None:
        return ""
    p, title = p_text(row["effect_p"]), plan.columns[column].title
    judged = f"{verdict} (p, Holm: {p})" if p else verdict
    return f"the study's own verdict, by {title}, of {arm.name}: {judged}"


def _pair_curves(first: Selection, second: Selection) -> list[str]:
    """A line a loss and side; both on one scale where their criteria are the same."""
    sides = [(side.name, side.curves) for side in (first, second)]
    same_scale = same_loss_scale(first, second)
    rows: list[Sequence[str]] = []
    titles = curve_names(first.plan)
    longest = max(map(len, titles.values()), default=0)
    for key, title in titles.items():
        present = [(name, curves[key]) for name, curves in sides if key in curves]
        values = [value for _, curve in present for value in _spark_values(curve)]
        scale = values if same_scale or key not in LOSS_CURVES else ()
        for name, curve in present:
            rows.append(
                [
                    f"{title:{longest}}  {name}",
                    sparkline(_spark_values(curve), scale),
                    *_ends(curve),
                ]
            )
    text = _table(rows)
    if rows and not same_scale:
        text.append("losses each on a scale of its own: the criteria differ")
    return text

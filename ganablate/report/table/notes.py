"""The notes below the table of arms: plain sentences, one a paragraph."""

from collections.abc import Iterable, Iterator

import pandas as pd

from ganablate.report.stats.comparison import MARGIN
from ganablate.report.stats.effects import EQUIVALENT, FAILS, OPEN, StudyEffects
from ganablate.report.stats.loss_scale import loss_scale
from ganablate.report.table.captions import coverage, execution, protocols, settings_line
from ganablate.report.table.cells import MARKS, MISSING, estimate_text, p_text, published_text
from ganablate.report.table.tables import (
    criterion_columns,
    not_all_ok,
    primary_column,
    reference_arm,
)
from ganablate.study.plan import BASELINE, Plan, PublishedNumber
from ganablate.text import counted, low_to_high, percent
from ganablate.trials.outcome import FEW_CLASSES, FEW_MODES, classes_told, decides, measure_of_modes
from ganablate.trials.saturation import ONE_SIDED, PARTS

_IN_NATS = ("bce", "minimax")
_ABOUT_LOSSES = (
    "; spread is the standard deviation over those steps, oscillation the mean distance from one "
    "step to the next; penalty left out"
)
_BETTER = {"min": "lower is better", "max": "higher is better", "none": "no direction"}


def table_notes(
    trials: pd.DataFrame, table: pd.DataFrame, plan: Plan, effects: StudyEffects | None = None
) -> list[str]:
    """The caption of the table.

    Args:
        trials: As `trials_frame` gives it.
        table: As `arm_table` gives it.
        plan: The plan that they are of.
        effects: Those of the table.
    """
    columns = list(plan.columns)
    marks = {str(mark) for name in columns for mark in table[name + "_mark"].dropna()}
    spread = (
        "Mean ± sample standard deviation over an arm's complete replicates; "
        "a number without ±: n = 1."
    )
    if any((table[name + "_n"] < table["n_complete"]).any() for name in columns):
        spread += f" (k): over the k of them that have this number. {MISSING}: none has it."
    lines: list[str | None] = [coverage(trials, plan), settings_line(plan)]
    lines += [*_left_out(plan), spread]
    lines += [*_outcome_notes(trials, plan), _primary_line(plan)]
    lines += effect_notes(effects, plan) if effects is not None else []
    lines += [_units(plan), _window(plan)]
    lines += [*protocols(trials, plan), execution(trials)]
    if "criterion" in marks:
        reference = reference_arm(plan)
        lines.append(
            f"{MARKS['criterion']} another criterion than {loss_scale(reference.config)} of the "
            f"arm {reference.name}, or another clip: not on the same scale."
        )
    lines += _published_notes(plan)
    return [line for line in lines if line]


def _left_out(plan: Plan) -> list[str]:
    """One line for each reason."""
    by_reason: dict[str, list[str]] = {}
    for name, because in plan.excluded:
        by_reason.setdefault(because, []).append(name)
    return [f"Left out: {', '.join(names)} ({because})." for because, names in by_reason.items()]


def _primary_line(plan: Plan) -> str | None:
    """Which column is primary, its direction and unit."""
    name = primary_column(plan)
    if name is None:
        return None
    column = plan.columns[name]
    return f"Primary: {column.title} ({_BETTER[column.direction]}), in {column.unit}."


def _titles(columns: Iterable[str], plan: Plan) -> str:
    return "; ".join(plan.columns[name].title for name in columns)


def _units(plan: Plan) -> str | None:
    losses = criterion_columns(plan)
    used = {arm.config.criterion for arm in plan.arms}
    nats = " and ".join(name for name in _IN_NATS if name in used)
    unit = "units of the criterion" + (f" (nats for {nats})" if nats else "")
    parts = [f"losses: {unit}"] if losses else []
    by_unit: dict[str, list[str]] = {}
    for name, column in plan.columns.items():
        if name not in losses and name != primary_column(plan):
            by_unit.setdefault(column.unit, []).append(name)
    parts += [f"{unit}: {_titles(names, plan)}" for unit, names in by_unit.items()]
    return f"Units. {'. '.join(part[0].upper() + part[1:] for part in parts)}." if parts else None


def _window(plan: Plan) -> str | None:
    """Over which steps the losses and the accuracies were taken."""
    losses, accuracies = bool(criterion_columns(plan)), "d_accuracy" in plan.metrics
    named = [*(["losses"] if losses else []), *(["accuracies of D"] if accuracies else [])]
    if not named:
        return None
    text = f"{' and '.join(named)}: over every step of the last fifth of training"
    return f"{text[0].upper()}{text[1:]}{_ABOUT_LOSSES if losses else ''}."


# --- outcomes ---


def _outcome_notes(trials: pd.DataFrame, plan: Plan) -> list[str]:
    """The rules, as far as they apply to this study, and how many trials could not be judged."""
    complete = trials[trials["state"] == "complete"]
    if not len(complete):
        return []
    rules = ["Diverged: a loss or a weight is not finite", *_saturated(plan), *_collapsed(plan)]
    lines = [
        "Outcomes are rates of the complete trials, judged in this order. "
        f"{'; '.join(rules)}; else ok."
    ]
    lines += [*_not_assessed(complete), *_ended_early(complete, plan)]
    if not_all_ok(complete) and plan.primary in plan.columns:
        title = plan.columns[plan.primary].title
        lines.append(
            f"{title}, of those ok (k): over the k trials that are ok; what is compared is all."
        )
    return lines


def _ended_early(complete: pd.DataFrame, plan: Plan) -> Iterator[str]:
    """The rule, and for each arm how many of its trials ended by it and where."""
    successive = sorted({arm.config.early_end for arm in plan.arms if arm.config.early_end})
    if not successive:
        return
    numbers = " or ".join(str(number) for number in successive)
    yield (
        f"A training ends early once it is saturated, by the same rule, in each of {numbers} "
        f"successive {PARTS}ths of its length; its numbers are those of that moment."
    )
    early = complete[complete["ended_early_at"].notna()]
    arms = []
    for arm in plan.arms:
        of_arm = early[early["arm"] == arm.name]
        if len(of_arm):
            arms.append(f"{arm.name} {len(of_arm)} ({_at(of_arm)})")
    n = f"{len(early)} of {len(complete)} complete trials"
    yield f"Ended early: {n}{': ' if arms else ''}{'; '.join(arms)}."


def _at(early: pd.DataFrame) -> str:
    """`at 195 to 390 of 975 iterations`."""
    texts = []
    for planned, ends in early.groupby("planned_iterations")["ended_early_at"]:
        texts.append(f"at {low_to_high(map(int, ends))} of {planned:,} iterations")
    return ", ".join(texts)


def _saturated(plan: Plan) -> Iterator[str]:
    critics = sorted({arm.config.criterion for arm in plan.arms if not decides(arm.config)})
    if any(decides(arm.config) for arm in plan.arms):
        yield (
            "saturated: over the last fifth of training D decides alike about "
            f"{100 * ONE_SIDED:g} % or more of the real and of the generated images"
        )
    if critics:
        yield f"D of the criterion {' and '.join(critics)} decides nothing, and cannot saturate"


def _collapsed(plan: Plan) -> Iterator[str]:
    rules = []
    for arm in plan.arms:
        column = measure_of_modes(arm.config, plan.measured)
        if column == "modes":
            classes = classes_told(arm.config)
            few = int(FEW_CLASSES * (classes or 0))
            rules.append(f"{few} of {classes} classes covered or fewer")
        elif column is not None:
            rules.append(f"{plan.columns[column].title.lower()} at most {FEW_MODES[column]:g}")
    if rules:
        yield f"collapsed: {', or '.join(dict.fromkeys(rules))}"


def _not_assessed(complete: pd.DataFrame) -> Iterator[str]:
    reasons = complete.loc[complete["outcome"].isna(), "outcome_because"]
    if len(reasons):
        counts = reasons.fillna("judged by no rule when they were run").value_counts().sort_index()
        texts = "; ".join(f"{count} ({reason})" for reason, count in counts.items())
        yield f"Not assessed: {texts}."


# --- effects ---


def effect_notes(effects: StudyEffects, plan: Plan) -> list[str]:
    """How the effects were estimated and tested: plain sentences, one a paragraph."""
    by_arm = effects.by_arm.values()
    if not by_arm:
        return []
    if all(effect.p_alone is None and effect.low is None for effect in by_arm):
        return [_what(effects, plan) + " No arm has two replicates to test."]
    lines = [_what(effects, plan) + _interval(effects), *_verdicts(effects), *_failures(effects)]
    return lines + _noise(effects)


def _what(effects: StudyEffects, plan: Plan) -> str:
    title = plan.columns[effects.column].title
    references = {effect.compared_to for effect in effects.by_arm.values()}
    other = "the arm it is compared with"
    if len(references) == 1:
        (name,) = references
        other = f"the {name}" if name == BASELINE else f"the arm {name}"
    if effects.scale == "ratio":
        return f"Effect: geometric mean of an arm's {title} over that of {other}."
    return f"Effect: mean {title} of an arm less that of {other}."


def _interval(effects: StudyEffects) -> str:
    logs = " on logs" if effects.scale == "ratio" else ""
    text = (
        f" Its {percent(1 - effects.alpha)} interval (Welch's{logs}; with five arms or more, low "
        "variances raised towards the common one) is for each arm alone. Replicates are unpaired"
    )
    alike = effects.correlation
    if alike is None:
        return text + "."
    text += f"; those of two compared arms correlate by {alike.mean:.2f} (± {alike.error:.2f} if "
    if alike.clearly_positive:
        return text + "unrelated), clearly: the intervals are wider than they need to be."
    return text + "unrelated)."


def _verdicts(effects: StudyEffects) -> list[str]:
    verdicts = {effect.verdict for effect in effects.by_arm.values()}
    text = (
        f"p (Holm): two-sided, corrected over the {counted(effects.tested, 'arm')} tested; "
        f"verdicts come from it, at {percent(effects.alpha)}, not from the intervals."
    )
    if EQUIVALENT in verdicts:
        text += (
            f" Equivalent: within a factor of {MARGIN:g} by two one-sided tests, corrected alike."
        )
    if OPEN in verdicts:
        text += " Cannot tell: not at this n."
    lines = [text] if effects.tested else []
    compared = {*effects.by_arm, *(effect.compared_to for effect in effects.by_arm.values())}
    if any(effects.replicates[name].diverged for name in compared):
        ranked = "; p is of ranks, exact, a diverged one worst."
        lines.append(
            "Where a replicate has diverged, on either side, there is no mean effect"
            + (" and no p." if effects.direction == "none" else ranked)
        )
    return lines


def _failures(effects: StudyEffects) -> list[str]:
    if all(effect.fails_p is None for effect in effects.by_arm.values()):
        return []
    return [
        f"{FAILS.capitalize()}: every replicate diverged, saturated or collapsed, and none of the "
        "arm compared with; a verdict by rule, with Fisher's exact p, not corrected."
    ]


def _noise(effects: StudyEffects) -> list[str]:
    lines = []
    for name in effects.null:
        if name not in effects.by_arm:
            continue
        effect = effects.by_arm[name]
        estimate = estimate_text([effect.estimate, effect.low, effect.high], effects.scale)
        alone = p_text(effect.p_alone)
        numbers = ", ".join(filter(None, [estimate, alone and f"p {alone} by itself"]))
        text = f"The arm {name} changes only the seeds" + (f" ({numbers})" if numbers else "")
        lines.append(f"{text}: one look at the noise, outside the correction, without a verdict.")
    return lines


# --- published numbers ---


def _published_notes(plan: Plan) -> list[str]:
    """Where the published columns come from, and the published numbers that have no column."""
    lines: list[str] = []
    beside = [number for number in plan.published if number.metric in plan.columns]
    if beside:
        sources = "; ".join(dict.fromkeys(map(_source, beside)))
        lines.append(f"Published: as printed in {sources}. Not comparable with ours, not compared.")
    by_source: dict[str, list[str]] = {}
    for number in plan.published:
        if number.metric not in plan.columns:
            text = f"{number.name} {published_text(number.value)} ({number.arm})"
            by_source.setdefault(_source(number), []).append(text)
    lines += [f"Published in {source}: {'; '.join(texts)}." for source, texts in by_source.items()]
    return lines


def _source(number: PublishedNumber) -> str:
    return f"{number.source} ({number.protocol})"

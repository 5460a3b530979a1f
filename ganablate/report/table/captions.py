"""What must be known to read a number: n, budget, units, protocol, what ± is, what it ran on."""

from collections.abc import Iterable, Iterator

import pandas as pd

from ganablate.catalog import Column
from ganablate.config import TrialConfig
from ganablate.report.frames.trials import PROTOCOL, protocol_columns
from ganablate.report.stats.loss_scale import loss_scale
from ganablate.report.stats.statistics import ALPHA
from ganablate.report.table.effect_wording import effect_notes
from ganablate.report.table.outcome_notes import outcome_notes
from ganablate.report.table.published import published_notes
from ganablate.report.table.tables import (
    baseline_arm,
    criterion_columns,
    primary_effects,
    reference_arm,
    reference_protocols,
)
from ganablate.study.plan import BASELINE, Plan
from ganablate.text import counted

MISSING = "—"
MARKS = {"protocol": "†", "criterion": "‡"}
ARROWS = {"min": "↓", "max": "↑", "none": ""}
_IN_NATS = ("bce", "minimax")
_ABOUT_LOSSES = (
    "; spread is the standard deviation over those steps, oscillation the mean distance from one "
    "step to the next; penalty left out"
)
_BETTER = {"min": "lower is better", "max": "higher is better", "none": "no direction"}


def heading(column: Column) -> str:
    """The title of a column with the arrow of its direction."""
    return f"{column.title} {ARROWS[column.direction]}".rstrip()


def primary_column(plan: Plan) -> str | None:
    """The column that the study ranks by; None where its metric is not measured."""
    return plan.primary if plan.primary in plan.columns else None


def coverage(trials: pd.DataFrame, plan: Plan) -> str:
    """Study, budget, arms and how many of the trials there are."""
    complete = int((trials["state"] == "complete").sum())
    text = (
        f"Study {plan.study}, budget {plan.budget}: {counted(len(plan.arms), 'arm')}, "
        f"{complete:,} of {counted(len(plan.trials), 'trial')} complete"
    )
    failed = int((trials["state"] == "failed").sum())
    return f"{text}, {failed} failed." if failed else f"{text}."


def execution(trials: pd.DataFrame) -> str | None:
    """On what the complete trials ran, and that it is mixed if it is."""
    facts = trials.loc[trials["state"] == "complete", ["device", "precision"]].fillna("unknown")
    counts = (facts["device"] + " in " + facts["precision"]).value_counts()
    kinds = {str(kind): int(count) for kind, count in counts.items()}
    if not kinds:
        return None
    if len(kinds) == 1:
        return f"Run on {next(iter(kinds))}."
    named = "; ".join(f"{kind} ({counted(kinds[kind], 'trial')})" for kind in sorted(kinds))
    return f"This table mixes executions: {named}."


def behind(trials: pd.DataFrame, what: str) -> str:
    """That behind the end of a short trial `what` is over the others; empty if none was short."""
    complete = trials[trials["state"] == "complete"]
    early = "ended_early_at" in complete and complete["ended_early_at"].notna().any()
    diverged = (complete["outcome"] == "diverged").any()
    ends = [*(["an early end"] if early else []), *(["a divergence"] if diverged else [])]
    return f" Behind {' or '.join(ends)}, {what} over the others." if ends else ""


def _titles(columns: Iterable[str], plan: Plan) -> str:
    known = plan.columns
    return "; ".join(known[name].title for name in columns)


def protocols(
    trials: pd.DataFrame, plan: Plan, *, only: str | None = None, mark: str = MARKS["protocol"]
) -> list[str]:
    """One line for each protocol of the reference arm, and one that names all others.

    Args:
        trials: As `trials_frame` gives it.
        plan: The plan that the trials are of.
        only: Of this column; None: of all.
        mark: How the others are marked.
    """
    columns = [name for name in protocol_columns(plan) if only in (None, name)]
    by_stamp: dict[str, list[str]] = {}
    for column, stamp in reference_protocols(trials, plan).items():
        if column in columns:
            by_stamp.setdefault(stamp, []).append(column)
    lines = [f"{_titles(names, plan)}: {stamp}." for stamp, names in by_stamp.items()]
    others = {
        str(stamp) for column in columns for stamp in trials[column + PROTOCOL].dropna().unique()
    }
    apart = sorted(others - set(by_stamp))
    if apart:
        name = reference_arm(plan).name
        lines.append(f"{mark} another protocol than the arm {name}'s: {'; or '.join(apart)}.")
    return lines


def primary_line(plan: Plan) -> str | None:
    """Which column is primary, its direction and unit."""
    name = primary_column(plan)
    if name is None:
        return None
    column = plan.columns[name]
    return f"Primary: {column.title} ({_BETTER[column.direction]}), in {column.unit}."


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


def _optimizers(config: TrialConfig) -> str:
    g = f"{config.g_optimizer} lr {config.g_lr:g}"
    d = f"{config.d_optimizer} lr {config.d_lr:g}"
    return g if g == d else f"G {g}, D {d}"


def _beyond_the_usual(config: TrialConfig) -> Iterator[str]:
    """What few trials have; a reader would take it for absent."""
    if (config.d_steps, config.g_steps) != (1, 1):
        steps = f"{counted(config.d_steps, 'D step')} and {counted(config.g_steps, 'G step')}"
        yield f"{steps} an iteration"
    named = {
        "weights of D clipped to": config.d_weight_clip,
        "real labels": config.real_labels,
        "fake labels": config.fake_labels,
        "averaged G, decay": config.g_ema,
        "lr schedule": config.lr_schedule,
        "early end": config.early_end,
        "G gradients clipped to": config.g_grad_clip,
        "D gradients clipped to": config.d_grad_clip,
    }
    for words, value in named.items():
        if value is not None:
            yield f"{words} {value}"
    for net, norm in (("G", config.g_norm), ("D", config.d_norm)):
        if norm == "spectral":
            yield f"spectral norm in {net}"


def settings_line(plan: Plan) -> str:
    """What was trained: the settings of the arm that the others are compared to."""
    arm, config = reference_arm(plan), reference_arm(plan).config
    label = "First arm" if baseline_arm(plan) is None else "Baseline"
    images = f" ({config.train_images:,} images)" if config.train_images else ""
    penalty = f" with {config.penalty}" if config.penalty else ""
    weight = f" (weight {config.penalty_weight:g})" if config.penalty_weight is not None else ""
    if config.epochs is not None:
        length = counted(config.epochs, "epoch")
    else:
        length = counted(config.iterations or 0, "iteration")
    parts = [
        config.dataset + images,
        f"{config.network} (G {config.g_width}, D {config.d_width})",
        f"latent {config.latent_dim}",
        config.criterion + (penalty + weight if penalty else ""),
        _optimizers(config),
        f"batch {config.batch_size}",
        length,
        *_beyond_the_usual(config),
    ]
    name = "" if arm.name == BASELINE else f" {arm.name}"
    return f"{label}{name}: {', '.join(parts)}."


def _left_out(plan: Plan) -> list[str]:
    """One line for each reason."""
    by_reason: dict[str, list[str]] = {}
    for name, because in plan.excluded:
        by_reason.setdefault(because, []).append(name)
    return [f"Left out: {', '.join(names)} ({because})." for because, names in by_reason.items()]


def table_notes(
    trials: pd.DataFrame, table: pd.DataFrame, plan: Plan, *, alpha: float = ALPHA
) -> list[str]:
    """The caption of the table: plain sentences, one a paragraph. `alpha` is the table's."""
    columns = list(plan.columns)
    shown = {str(mark) for name in columns for mark in table[name + "_mark"].dropna()}
    reference = reference_arm(plan)
    spread = (
        "Mean ± sample standard deviation over an arm's complete replicates; "
        "a number without ±: n = 1."
    )
    if any((table[name + "_n"] < table["n_complete"]).any() for name in columns):
        spread += f" (k): over the k of them that have this number. {MISSING}: none has it."
    lines: list[str | None] = [coverage(trials, plan), settings_line(plan)]
    lines += [*_left_out(plan), spread]
    lines += [*outcome_notes(trials, plan), primary_line(plan)]
    effects = primary_effects(trials, table, plan, alpha=alpha)
    lines += effect_notes(effects, plan) if effects is not None else []
    lines += [_units(plan), _window(plan)]
    lines += [*protocols(trials, plan), execution(trials)]
    if "criterion" in shown:
        lines.append(
            f"{MARKS['criterion']} another criterion than {loss_scale(reference.config)} of the "
            f"arm {reference.name}, or another clip: not on the same scale."
        )
    lines += published_notes(plan)
    return [line for line in lines if line]

"""What a reader must know of every number: study, budget, n, protocol, and what it ran on."""

from collections.abc import Iterator

import pandas as pd

from ganablate.config import TrialConfig
from ganablate.report.frames.trials import PROTOCOL, protocol_columns
from ganablate.report.table.cells import MARKS
from ganablate.report.table.tables import baseline_arm, reference_arm, reference_protocol
from ganablate.study.plan import BASELINE, Plan
from ganablate.text import counted


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


def past_short_trials(trials: pd.DataFrame, what: str) -> str:
    """A sentence on where some trials are already over; empty where all have the whole length.

    Past the end of a trial that ended early or diverged, `what` is over the other trials.
    """
    complete = trials[trials["state"] == "complete"]
    early = "ended_early_at" in complete and complete["ended_early_at"].notna().any()
    diverged = (complete["outcome"] == "diverged").any()
    ends = [*(["an early end"] if early else []), *(["a divergence"] if diverged else [])]
    return f" Behind {' or '.join(ends)}, {what} over the others." if ends else ""


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
    for column in columns:
        stamp = reference_protocol(trials, plan, column)
        if stamp is not None:
            by_stamp.setdefault(stamp, []).append(plan.columns[column].title)
    lines = [f"{'; '.join(titles)}: {stamp}." for stamp, titles in by_stamp.items()]
    stamps = {
        str(stamp) for column in columns for stamp in trials[column + PROTOCOL].dropna().unique()
    }
    unlike = sorted(stamps - set(by_stamp))
    if unlike:
        name = reference_arm(plan).name
        lines.append(f"{mark} another protocol than the arm {name}'s: {'; or '.join(unlike)}.")
    return lines


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

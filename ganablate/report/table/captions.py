"""What a reader must know of the numbers: their study, budget, n, protocol, and how they came.

The sentences stand below the table of arms, and most of them below the pictures too.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping

import pandas as pd

from ganablate.config import TrialConfig
from ganablate.report.design import Design
from ganablate.report.frames.trials import PROTOCOL, protocol_columns
from ganablate.report.stats.effects import StudyEffects
from ganablate.report.stats.replicates import loss_scale
from ganablate.report.table.cells import (
    LACKS,
    MARKS,
    MISSING,
    WITH,
    published_text,
)
from ganablate.report.table.effect_notes import effect_notes
from ganablate.report.table.tables import (
    baseline_arm,
    criterion_columns,
    not_all_ok,
    primary_columns,
    reference_arm,
    reference_protocol,
)
from ganablate.study.advice import advice_lines
from ganablate.study.arms.settings import text_of
from ganablate.study.plan import BASELINE, WITHOUT, Plan, PublishedNumber
from ganablate.text import counted, low_to_high
from ganablate.trials.outcome import classes_told, decides, signs_of_collapse
from ganablate.trials.saturation import ONE_SIDED, PARTS

UNKNOWN = (
    "Trained elsewhere: by which protocol the numbers were measured, how long each training was "
    "and what became of it is not known here, nor whether the baseline works. Only the numbers "
    "are compared."
)
"""What a report says of runs of which it has the numbers alone."""
_IN_NATS = ("bce", "minimax")
_BETTER = {"min": "lower is better", "max": "higher is better", "none": "no direction"}


# --- what was trained, how far, and by which protocol it was measured ---


def coverage(trials: pd.DataFrame, plan: Design) -> str:
    """Study, budget, arms and how many of the trials there are."""
    states = trials["state"].value_counts()
    name = f"Study {plan.study}, budget {plan.budget}"
    text = (
        f"{name if plan.budget else plan.study}: {counted(len(plan.arms), 'arm')}, "
        f"{states.get('complete', 0):,} of {counted(len(plan.trials), 'trial')} complete"
    )
    failed = states.get("failed", 0)
    return f"{text}, {failed} failed." if failed else f"{text}."


def execution(trials: pd.DataFrame) -> str | None:
    """On what the complete trials ran, and that it is mixed if it is."""
    facts = trials.loc[trials["state"] == "complete", ["device", "precision"]]
    if facts.isna().all(axis=None):
        return None
    facts = facts.fillna("unknown")
    counts = (facts["device"] + " in " + facts["precision"]).value_counts()
    if not len(counts):
        return None
    if len(counts) == 1:
        return f"Run on {counts.index[0]}."
    kinds = "; ".join(f"{kind} ({counted(n, 'trial')})" for kind, n in sorted(counts.items()))
    return f"This table mixes executions: {kinds}."


def past_short_trials(trials: pd.DataFrame, what: str) -> str:
    """A sentence on where some trials are already over; empty where all have the whole length.

    Past the end of a trial that ended early or diverged, `what` is over the other trials.
    """
    complete = trials[trials["state"] == "complete"]
    ends = []
    if "ended_early_at" in complete and complete["ended_early_at"].notna().any():
        ends.append("an early end")
    if (complete["outcome"] == "diverged").any():
        ends.append("a divergence")
    return f" Behind {' or '.join(ends)}, {what} over the others." if ends else ""


def protocols(
    trials: pd.DataFrame,
    plan: Design,
    *,
    only: Collection[str] | None = None,
    mark: str = MARKS["protocol"],
) -> list[str]:
    """One line for each protocol of the reference arm, and one that names all others.

    Args:
        trials: As `trials_frame` gives it.
        plan: The plan that the trials are of.
        only: Of these columns; None: of all.
        mark: How the others are marked.
    """
    titles: dict[str, list[str]] = {}
    stamps: set[str] = set()
    shown = plan.shown_columns if only is None else only
    for column in protocol_columns(plan):
        if column not in shown:
            continue
        stamp = reference_protocol(trials, plan, column)
        if stamp is not None:
            titles.setdefault(stamp, []).append(plan.columns[column].title)
        stamps.update(map(str, trials[column + PROTOCOL].dropna()))
    lines = [f"{'; '.join(names)}: {stamp}." for stamp, names in titles.items()]
    if others := sorted(stamps - set(titles)):
        name = reference_arm(plan).name
        lines.append(f"{mark} another protocol than the arm {name}'s: {'; or '.join(others)}.")
    return lines


def _rare_settings(config: TrialConfig) -> Iterator[str]:
    """What few trials have; a reader would take it for absent."""
    if (config.d_steps, config.g_steps) != (1, 1):
        steps = f"{counted(config.d_steps, 'D step')} and {counted(config.g_steps, 'G step')}"
        yield f"{steps} an iteration"
    values = {
        "weights of D clipped to": config.d_weight_clip,
        "real labels": config.real_labels,
        "fake labels": config.fake_labels,
        "averaged G, decay": config.g_ema,
        "lr schedule": config.lr_schedule,
        "early end": config.early_end,
        "G gradients clipped to": config.g_grad_clip,
        "D gradients clipped to": config.d_grad_clip,
    }
    yield from (f"{words} {value}" for words, value in values.items() if value is not None)
    for net, norm in (("G", config.g_norm), ("D", config.d_norm)):
        if norm == "spectral":
            yield f"spectral norm in {net}"


def settings_line(plan: Plan) -> str:
    """What was trained: the settings of the arm that the others are compared to."""
    arm, config = reference_arm(plan), reference_arm(plan).config
    label = "First arm" if baseline_arm(plan) is None else "Baseline"
    images = f" ({config.train_images:,} images)" if config.train_images else ""
    penalty = f" with {config.penalty}" if config.penalty else ""
    if config.penalty and config.penalty_weight is not None:
        penalty += f" (weight {config.penalty_weight:g})"
    g_optimizer = f"{config.g_optimizer} lr {config.g_lr:g}"
    d_optimizer = f"{config.d_optimizer} lr {config.d_lr:g}"
    same = g_optimizer == d_optimizer
    if config.epochs is not None:
        length = counted(config.epochs, "epoch")
    else:
        length = counted(config.iterations or 0, "iteration")
    parts = [
        config.dataset + images,
        f"{config.network} (G {config.g_width}, D {config.d_width})",
        f"latent {config.latent_dim}",
        config.criterion + penalty,
        g_optimizer if same else f"G {g_optimizer}, D {d_optimizer}",
        f"batch {config.batch_size}",
        length,
        *_rare_settings(config),
    ]
    name = "" if arm.name == BASELINE else f" {arm.name}"
    return f"{label}{name}: {', '.join(parts)}."


# --- the notes below the table of arms ---


def table_notes(
    trials: pd.DataFrame,
    table: pd.DataFrame,
    plan: Plan,
    judged: Mapping[str, StudyEffects] | None = None,
) -> list[str]:
    """The notes below the table of arms: plain sentences, one a paragraph.

    Args:
        trials: As `trials_frame` gives it.
        table: As `arm_table` gives it.
        plan: The plan that they are of.
        judged: The effects of the table, by primary metric.
    """
    columns = list(plan.shown_columns)
    left_out = _grouped((because, name) for name, because in plan.excluded)
    lines = [coverage(trials, plan), settings_line(plan)]
    lines += [f"Left out: {', '.join(names)} ({because})." for because, names in left_out.items()]
    lines += _component_notes(plan)
    lines += [*advice_lines(plan), _spread(table, plan), *_outcome_notes(trials, plan)]
    lines += _primary(plan)
    lines += effect_notes(list((judged or {}).values()), plan)
    lines += [*_units(plan), *_last_steps(plan), *protocols(trials, plan)]
    ran_on = execution(trials)
    lines += [] if ran_on is None else [ran_on]
    if any((table[name + "_mark"] == "criterion").any() for name in columns):
        reference = reference_arm(plan)
        lines.append(
            f"{MARKS['criterion']} another criterion than {loss_scale(reference.config)} of the "
            f"arm {reference.name}, or another clip: not on the same scale."
        )
    return [*lines, *_published_notes(plan)]


def _component_notes(plan: Plan) -> Iterator[str]:
    """What the columns of components say, and what an arm without one has instead."""
    changes = {arm.name.removeprefix(WITHOUT): arm.changes for arm in plan.arms}
    texts = [
        f"{name} ({', '.join(f'{key} {text_of(key, to)}' for key, to in changes[name].items())})"
        for name in plan.components
        if name in changes
    ]
    if texts:
        yield f"{WITH}: the arm has the component; {LACKS}: it is without it: {'; '.join(texts)}."


def number_notes(
    trials: pd.DataFrame, table: pd.DataFrame, plan: Design, judged: Mapping[str, StudyEffects]
) -> list[str]:
    """Those of `table_notes` that say nothing of how the numbers came."""
    lines = [coverage(trials, plan), _spread(table, plan), *_primary(plan)]
    return [*lines, *effect_notes(list(judged.values()), plan), *_units(plan)]


def _spread(table: pd.DataFrame, plan: Design) -> str:
    text = (
        "Mean ± sample standard deviation over an arm's complete replicates; "
        "a number without ±: n = 1."
    )
    if any((table[name + "_n"] < table["n_complete"]).any() for name in plan.shown_columns):
        text += f" (k): over the k of them that have this number. {MISSING}: none has it."
    return text


def _primary(plan: Design) -> Iterator[str]:
    if primaries := [plan.columns[name] for name in primary_columns(plan)]:
        texts = [f"{x.title} ({_BETTER[x.direction]}), in {x.unit}" for x in primaries]
        yield f"Primary: {'; and '.join(texts)}."


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Lists of the second members by the first ones, in their order."""
    groups: dict[str, list[str]] = {}
    for key, text in pairs:
        groups.setdefault(key, []).append(text)
    return groups


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]


def _units(plan: Design) -> Iterator[str]:
    losses, primaries = criterion_columns(plan), primary_columns(plan)
    parts = []
    if losses and isinstance(plan, Plan):
        used = {arm.config.criterion for arm in plan.arms}
        nats = " and ".join(name for name in _IN_NATS if name in used)
        parts.append("losses: units of the criterion" + (f" (nats for {nats})" if nats else ""))
    titles = _grouped(
        (column.unit, column.title)
        for name, column in plan.shown_columns.items()
        if name not in losses and name not in primaries
    )
    parts += [f"{unit}: {'; '.join(names)}" for unit, names in titles.items()]
    if parts:
        yield f"Units. {'. '.join(map(_sentence, parts))}."


def _last_steps(plan: Plan) -> Iterator[str]:
    """Over which steps the losses and the accuracies were taken."""
    measures = ["losses"] if criterion_columns(plan) else []
    measures += ["accuracies of D"] if "d_accuracy" in plan.metrics else []
    text = f"{' and '.join(measures)}: over every step of the last fifth of training"
    if "losses" in measures:
        text += (
            "; spread is the standard deviation over those steps, oscillation the mean distance "
            "from one step to the next; penalty left out"
        )
    if measures:
        yield f"{_sentence(text)}."


def _published_notes(plan: Plan) -> list[str]:
    """Where the published columns come from, and the published numbers that have no column."""

    def source(number: PublishedNumber) -> str:
        return f"{number.source} ({number.protocol})"

    in_columns = [number for number in plan.published if number.metric in plan.columns]
    others = _grouped(
        (source(number), f"{number.name} {published_text(number.value)} ({number.arm})")
        for number in plan.published
        if number.metric not in plan.columns
    )
    lines = []
    if in_columns:
        sources = "; ".join(dict.fromkeys(map(source, in_columns)))
        lines.append(f"Published: as printed in {sources}. Not comparable with ours, not compared.")
    lines += [f"Published in {name}: {'; '.join(texts)}." for name, texts in others.items()]
    return lines


# --- outcomes ---


def _outcome_notes(trials: pd.DataFrame, plan: Plan) -> Iterator[str]:
    """The rules, as far as they apply to this study, and how many trials could not be judged."""
    complete = trials[trials["state"] == "complete"]
    if not len(complete):
        return
    rules = ["Diverged: a loss or a weight is not finite", *_saturated(plan)]
    rules += _collapsed(plan, complete)
    yield (
        "Outcomes are rates of the complete trials, judged in this order. "
        f"{'; '.join(rules)}; else ok."
    )
    reasons = complete.loc[complete["outcome"].isna(), "outcome_because"]
    if len(reasons):
        counts = reasons.fillna("judged by no rule when they were run").value_counts().sort_index()
        texts = "; ".join(f"{count} ({reason})" for reason, count in counts.items())
        yield f"Not assessed: {texts}."
    yield from _early_ends(complete, plan)
    if not_all_ok(complete) and primary_columns(plan):
        titles = " and ".join(plan.columns[name].title for name in primary_columns(plan))
        yield f"{titles}, of those ok (k): over the k trials that are ok; what is compared is all."


def _saturated(plan: Plan) -> Iterator[str]:
    critics = sorted({arm.config.criterion for arm in plan.arms if not decides(arm.config)})
    if any(decides(arm.config) for arm in plan.arms):
        yield (
            "saturated: over the last fifth of training D decides alike about "
            f"{100 * ONE_SIDED:g} % or more of the real and of the generated images"
        )
    if critics:
        yield f"D of the criterion {' and '.join(critics)} decides nothing, and cannot saturate"


def _collapsed(plan: Plan, complete: pd.DataFrame) -> Iterator[str]:
    """The signs of collapse that the trials have numbers for."""
    measured = {name for name in plan.columns if complete[name].notna().any()}
    rules = []
    for arm in plan.arms:
        for column, most in signs_of_collapse(arm.config, plan.measured).items():
            if column == "modes" and column in measured:
                rules.append(f"{most:g} of {classes_told(arm.config)} classes covered or fewer")
            elif column in measured:
                rules.append(f"{plan.columns[column].title.lower()} at most {most:g}")
    if rules:
        yield f"collapsed: {', or '.join(dict.fromkeys(rules))}"


def _early_ends(complete: pd.DataFrame, plan: Plan) -> Iterator[str]:
    """The rule, and for each arm how many of its trials ended by it and where."""
    successive = sorted({arm.config.early_end for arm in plan.arms if arm.config.early_end})
    if not successive:
        return
    yield (
        "A training ends early once it is saturated, by the same rule, in each of "
        f"{' or '.join(map(str, successive))} successive {PARTS}ths of its length; its numbers are "
        "those of that moment."
    )
    early = complete[complete["ended_early_at"].notna()]
    texts = []
    for arm in plan.arms:
        of_arm = early[early["arm"] == arm.name]
        places = ", ".join(
            f"at {low_to_high(map(int, ends))} of {planned:,} iterations"
            for planned, ends in of_arm.groupby("planned_iterations")["ended_early_at"]
        )
        if len(of_arm):
            texts.append(f"{arm.name} {len(of_arm)} ({places})")
    n = f"{len(early)} of {len(complete)} complete trials"
    yield f"Ended early: {n}{': ' if texts else ''}{'; '.join(texts)}."

"""What a reader must know of the numbers: their study, budget, n, protocol, and how they came.

The sentences stand below the table of arms, and most of them below the pictures too.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping

import pandas as pd

from ganablate.catalog import EXTRACTORS, trainer_of
from ganablate.config import TrialConfig
from ganablate.report.design import Design
from ganablate.report.frames.trials import PROTOCOL, protocol_columns
from ganablate.report.stats.effects import StudyEffects
from ganablate.report.stats.replicates import loss_scale
from ganablate.report.table.cells import LACKS, MARKS, MISSING, WITH, published_text
from ganablate.report.table.effect_notes import effect_notes
from ganablate.report.table.tables import (
    baseline_arm,
    criterion_columns,
    measured_columns,
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


def _rare_settings(config: TrialConfig) -> Iterator[tuple[str, str]]:
    """Setting and words of what few trials have; a reader would take it for absent."""
    if (config.d_steps, config.g_steps) != (1, 1):
        steps = f"{counted(config.d_steps, 'D step')} and {counted(config.g_steps, 'G step')}"
        yield "d_steps", f"{steps} an iteration"
        yield "g_steps", ""
    words = {
        "d_weight_clip": "weights of D clipped to",
        "real_labels": "real labels",
        "fake_labels": "fake labels",
        "g_ema": "averaged G, decay",
        "lr_schedule": "lr schedule",
        "early_end": "early end",
        "g_grad_clip": "G gradients clipped to",
        "d_grad_clip": "D gradients clipped to",
    }
    for name, text in words.items():
        if getattr(config, name) is not None:
            yield name, f"{text} {getattr(config, name)}"
    for net in ("g", "d"):
        if getattr(config, f"{net}_norm") == "spectral":
            yield f"{net}_norm", f"spectral norm in {net.upper()}"


def _nets(config: TrialConfig) -> Iterator[str]:
    """The nets of a GAN, and how they are trained."""
    weighted = [
        f"{getattr(config, setting)} (weight {weight:g})"
        for setting, weight in config.penalties.items()
    ]
    penalty = f" with {' and '.join(weighted)}" if weighted else ""
    g_optimizer = f"{config.g_optimizer} lr {config.g_lr:g}"
    d_optimizer = f"{config.d_optimizer} lr {config.d_lr:g}"
    yield f"{config.network} (G {config.g_width}, D {config.d_width})"
    yield f"latent {config.latent_dim}"
    yield config.criterion + penalty
    yield g_optimizer if g_optimizer == d_optimizer else f"G {g_optimizer}, D {d_optimizer}"


def _trainer(config: TrialConfig) -> Iterator[str]:
    """A trainer from outside, with the settings that it brings."""
    if config.trainer is not None:
        names = trainer_of(config).brings
        values = (f"{name} {text_of(name, getattr(config, name, None))}" for name in names)
        yield f"{config.trainer} ({', '.join(values)})" if names else config.trainer


def settings_line(plan: Plan) -> str:
    """What was trained: the settings of the arm that the others are compared to.

    Those that the study varies are always among them.
    """
    arm, config = reference_arm(plan), reference_arm(plan).config
    label = "First arm" if baseline_arm(plan) is None else "Baseline"
    images = f" ({config.train_images:,} images)" if config.train_images else ""
    if config.epochs is not None:
        length = counted(config.epochs, "epoch")
    else:
        length = counted(config.iterations or 0, "iteration")
    of_gan = trainer_of(config).settings is None
    nets = list(_nets(config)) if of_gan else []
    rare = dict(_rare_settings(config)) if of_gan else {}
    parts = [
        config.dataset + images,
        *_trainer(config),
        *nets[:1],
        *_varied_settings(plan, {*_TOLD, *rare, *trainer_of(config).brings}),
        *nets[1:],
        f"batch {config.batch_size}",
        length,
        *filter(None, rare.values()),
    ]
    name = "" if arm.name == BASELINE else f" {arm.name}"
    return f"{label}{name}: {', '.join(parts)}."


_TOLD = {
    "dataset", "train_images", "network", "g_width", "d_width", "latent_dim", "criterion",
    "penalty", "penalty_weight", "second_penalty", "second_penalty_weight", "g_optimizer",
    "d_optimizer", "g_lr", "d_lr", "batch_size", "epochs", "iterations",
}  # fmt: skip
"""Settings that the line of the baseline holds in any case."""


def _varied_settings(plan: Plan, told: Collection[str]) -> Iterator[str]:
    """The reference arm's values of what some arm changes; one where both nets have it alike."""
    values = reference_arm(plan).config.model_dump()
    names = dict.fromkeys(name for arm in plan.arms for name in arm.changes if name not in told)
    texts = {name: text_of(name, values.get(name)) for name in names}
    for name, text in texts.items():
        both, in_g, in_d = name[2:], texts.get(f"g_{name[2:]}"), texts.get(f"d_{name[2:]}")
        if name[:2] not in ("g_", "d_") or in_g is None or in_d is None:
            yield f"{name} {text}"
        elif name.startswith("g_"):
            yield f"{both} {text if in_d == text else f'{text} in G and {in_d} in D'}"


def features_note(trials: pd.DataFrame, plan: Plan) -> Iterator[str]:
    """In whose features distances are measured, where these are not Inception's."""
    names = [name for name in ("fid", "kid") if name in plan.shown_columns]
    stamps = [reference_protocol(trials, plan, name) for name in names]
    titles = " and ".join(plan.columns[name].title for name in names)
    extractor = next((stamp.partition("@")[0] for stamp in stamps if stamp), "")
    if extractor not in ("", "inception"):
        verb = "are" if len(names) > 1 else "is"
        shipped = "the shipped " if extractor in EXTRACTORS else ""
        yield (
            f"{titles} {verb} in features of {shipped}{extractor}: not comparable with "
            f"Inception {titles}."
        )


def not_measured_note(table: pd.DataFrame, plan: Plan) -> Iterator[str]:
    """That a primary metric has no number, and so no column."""
    measured = measured_columns(table, plan)
    for name in primary_columns(plan):
        if name not in measured:
            yield f"{plan.columns[name].title}, also primary, was not measured in these trials."


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
    columns = measured_columns(table, plan)
    left_out = _grouped((because, name) for name, because in plan.excluded)
    lines = [coverage(trials, plan), settings_line(plan)]
    lines += [f"Left out: {', '.join(names)} ({because})." for because, names in left_out.items()]
    lines += [*_component_notes(plan), *advice_lines(plan), _spread(table, plan)]
    lines += _outcome_notes(trials, columns, plan)
    lines += effect_notes(list((judged or {}).values()), plan)
    lines += [*_units(columns, plan), *_last_steps(columns, plan), *protocols(trials, plan)]
    ran_on = execution(trials)
    lines += [] if ran_on is None else [ran_on]
    if any((table[name + "_mark"] == "criterion").any() for name in columns):
        scale = loss_scale(reference_arm(plan).config)
        lines.append(
            f"{MARKS['criterion']} on another scale than {scale}, by another criterion or clip."
        )
    return [*lines, *_published_notes(plan)]


def number_notes(
    trials: pd.DataFrame, table: pd.DataFrame, plan: Design, judged: Mapping[str, StudyEffects]
) -> list[str]:
    """Those of `table_notes` that say nothing of how the numbers came."""
    lines = [coverage(trials, plan), _spread(table, plan)]
    lines += effect_notes(list(judged.values()), plan)
    return [*lines, *_units(measured_columns(table, plan), plan)]


def _spread(table: pd.DataFrame, plan: Design) -> str:
    columns = measured_columns(table, plan)
    text = "Mean ± sample standard deviation over an arm's complete replicates"
    if (table[[name + "_n" for name in columns]] == 1).any(axis=None):
        text += "; without ±: of one"
    if any((table[name + "_n"] < table["n_complete"]).any() for name in columns):
        text += f"; (k): of the k that have this number; {MISSING}: none has it"
    return f"{text}."


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


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Lists of the second members by the first ones, in their order."""
    groups: dict[str, list[str]] = {}
    for key, text in pairs:
        groups.setdefault(key, []).append(text)
    return groups


def _units(columns: Collection[str], plan: Design) -> Iterator[str]:
    losses = criterion_columns(plan)
    parts = []
    if isinstance(plan, Plan) and losses.intersection(columns):
        used = {arm.config.criterion for arm in plan.arms}
        nats = " and ".join(name for name in _IN_NATS if name in used)
        parts.append("losses: units of the criterion" + (f" (nats for {nats})" if nats else ""))
    titles = _grouped(
        (plan.columns[name].unit, plan.columns[name].title)
        for name in columns
        if name not in losses
    )
    parts += [f"{unit}: {'; '.join(names)}" for unit, names in titles.items()]
    if parts:
        yield f"Units. {'. '.join(f'{part[0].upper()}{part[1:]}' for part in parts)}."


def _last_steps(columns: Collection[str], plan: Plan) -> Iterator[str]:
    """Over which steps the losses and the accuracies were taken."""
    measures = ["losses"] if criterion_columns(plan).intersection(columns) else []
    measures += ["accuracies of D"] if "d_accuracy" in plan.metrics else []
    text = f"{' and '.join(measures)} are taken over every step of the last fifth of training"
    if "losses" in measures:
        text += (
            ", without the penalty; spread is their standard deviation, oscillation the mean "
            "distance from one step to the next"
        )
    if measures:
        yield f"{text[0].upper()}{text[1:]}."


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
        lines.append(f"Published: as printed in {sources}; not comparable with ours.")
    lines += [f"Published in {name}: {'; '.join(texts)}." for name, texts in others.items()]
    return lines


# --- outcomes ---


def _outcome_notes(trials: pd.DataFrame, columns: Collection[str], plan: Plan) -> Iterator[str]:
    """The rules, as far as they apply to this study, and how many trials could not be judged."""
    complete = trials[trials["state"] == "complete"]
    if not len(complete):
        return
    rules = ["diverged (a loss or a weight is not finite)", *_saturated(plan)]
    rules += _collapsed(plan, complete)
    yield f"A complete trial's outcome is the first of: {'; '.join(rules)}; else ok."
    reasons = complete.loc[complete["outcome"].isna(), "outcome_because"]
    if len(reasons):
        counts = reasons.fillna("judged by no rule when they were run").value_counts().sort_index()
        texts = "; ".join(f"{count} ({reason})" for reason, count in counts.items())
        yield f"Not assessed: {texts}."
    yield from _early_ends(complete, plan)
    primaries = [name for name in primary_columns(plan) if name in columns]
    if not_all_ok(complete) and primaries:
        titles = " and ".join(plan.columns[name].title for name in primaries)
        yield f"{titles}, of those ok (k): over the k trials that are ok; all are compared."


def _saturated(plan: Plan) -> Iterator[str]:
    configs = [arm.config for arm in plan.arms]
    critics = sorted({c.criterion for c in configs if c.criterion and not decides(c)})
    if any(map(decides, configs)):
        yield (
            "saturated (over the last fifth of training D decides alike about "
            f"{100 * ONE_SIDED:g} % or more of the real and of the generated images"
            + (f"; not of {' and '.join(critics)}, whose D decides nothing)" if critics else ")")
        )


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
        yield f"collapsed ({', or '.join(dict.fromkeys(rules))})"


def _early_ends(complete: pd.DataFrame, plan: Plan) -> Iterator[str]:
    """The rule, and for each arm how many of its trials ended by it and where."""
    successive = sorted({arm.config.early_end for arm in plan.arms if arm.config.early_end})
    if not successive:
        return
    yield (
        "A training ends early once it is saturated in each of "
        f"{' or '.join(map(str, successive))} successive {PARTS}ths of its length; its numbers are "
        "of that moment."
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
    n = f"{len(early)} of {counted(len(complete), 'complete trial')}"
    yield f"Ended early: {n}{': ' if texts else ''}{'; '.join(texts)}."

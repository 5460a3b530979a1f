"""What became of a complete trial: diverged, saturated, collapsed or ok, decided in that order.

- diverged: a loss or a weight is not finite; training stopped there.
- saturated: one net has won. Over the last fifth of training D decides one-sidedly about the real
  and about the generated images: it is right about nearly all of them, calls nearly all real or
  nearly all generated, or is wrong about nearly all. The gradient of a perfect discriminator
  vanishes, or is noise (Arjovsky and Bottou 2017, arXiv 1701.04862, theorems 2.4 and 2.6).
  The loss of G does not tell: its slope is as steep where D is right about everything.
  A trial that ended early (the setting `early_end`) is so by the parts of its training that ended
  it: the same rule, in each of them.
- collapsed: few modes at the end of training. Counted in classes where the data set has some that
  its extractor knows and the study measures `modes`; else by coverage, else by recall.
- ok: judged to be neither. What cannot be judged is not assessed: missing, never ok.

A trial is judged by its own recorded steps and by the metrics of the study at hand, so that the
same study and trial always give the same outcome, whatever else was measured.

The thresholds were set on 209 real trials of 120 to 6,000 steps. D's lower accuracy was at most
0.965 where there were digits, and at least 0.986 where the images were black. Coverage was 0.085
to 0.31 where 8 classes or more were there, at most 0.004 where the images were black, and 0.044
of 20 real digits repeated (5,000 images, shipped MNIST classifier). Coverage tells few images from
many, but half of the classes, perfectly drawn, have 0.5: that is why classes come first. Recall is
the weakest: rough images of many kinds came down to 0.005, so that only a recall of 0 counts, which
500 different digits repeated have too (Naeem et al. 2020, arXiv 2002.09797, section 2).
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ganablate.catalog import CRITERIA, DATASETS, EXTRACTORS, extractor_of, named_parts
from ganablate.config import TrialConfig
from ganablate.study.plan import Trial
from ganablate.trials.folder import TrialFolder
from ganablate.trials.saturation import (
    FEWEST_STEPS,
    accuracies,
    accuracies_text,
    one_sided,
    saturated_steps,
)

OutcomeKind = Literal["ok", "saturated", "collapsed", "diverged"]
FAILURES: tuple[OutcomeKind, ...] = ("saturated", "collapsed", "diverged")
"""Outcomes that are failures of the arm."""
OUTCOMES: tuple[OutcomeKind, ...] = ("ok", *FAILURES)

FEW_CLASSES = 0.5
"""Share of the data set's classes that are few modes, at most."""
FEW_MODES: Mapping[str, float] = {"coverage": 0.05, "sample_recall": 0.0}
"""Column -> what is few modes, at most, where classes cannot be counted; the first one counts."""
_MEASURES = {"coverage": "density_coverage", "sample_recall": "precision_recall"}


@dataclass(frozen=True)
class Outcome:
    """What became of a trial, None if that was not assessed, and why if it is not ok."""

    kind: OutcomeKind | None
    because: str | None = None


def outcome_of(trial: Trial, folder: TrialFolder, metrics: Collection[str]) -> Outcome:
    """The outcome of a complete trial, by its losses and by these metrics of the study alone."""
    facts = folder.complete or {}
    if facts.get("outcome") == "diverged":
        at = facts.get("diverged_at")
        return Outcome("diverged", None if at is None else f"not finite after {at:,} iterations")
    losses = folder.losses()
    by_losses = _ended_early(trial.config, losses, facts) or _decisions(trial.config, losses)
    if by_losses.kind != "ok":  # the order holds: what may be saturated is not called collapsed
        return by_losses
    return _modes(trial.config, folder.metrics()["numbers"], metrics)


def decides(config: TrialConfig) -> bool:
    """Whether the outputs of the trial's D are decisions, which can be one-sided."""
    return CRITERIA[config.criterion].decides


def _decisions(config: TrialConfig, losses: Mapping[str, np.ndarray]) -> Outcome:
    """Saturated, else ok as far as D's decisions go."""
    if not decides(config):
        return Outcome("ok")
    steps = len(losses.get("d/accuracy_real", ()))
    start = 4 * steps // 5
    if steps - start < FEWEST_STEPS:
        return Outcome(None, f"{steps - start} steps in the last fifth, {FEWEST_STEPS} are needed")
    accuracy = accuracies(losses, start)
    if not all(math.isfinite(share) for share in accuracy.values()):
        return Outcome(None, "D's decisions were not all recorded")
    if one_sided(accuracy) is None:
        return Outcome("ok")
    return Outcome("saturated", accuracies_text(accuracy))


def _ended_early(
    config: TrialConfig, losses: Mapping[str, np.ndarray], facts: Mapping[str, Any]
) -> Outcome | None:
    """Saturated by the steps that ended the training early; None where none did."""
    at, planned = facts.get("ended_early_at"), facts.get("planned_iterations")
    if at is None or planned is None or config.early_end is None:
        return None
    steps = saturated_steps(losses, planned, config.early_end)
    if steps is None:
        return None  # a file was changed by hand: judged as any other
    accuracy = accuracies(losses, steps.start, steps.stop)
    return Outcome(
        "saturated", f"{accuracies_text(accuracy)}; ended early at {at:,} of {planned:,} iterations"
    )


def classes_told(config: TrialConfig) -> int | None:
    """How many classes the trial's data set has, if its extractor tells these very classes."""
    extractor = extractor_of(config.dataset, config.channels)
    if extractor is None or config.dataset not in EXTRACTORS[extractor].tells:
        return None
    return DATASETS[config.dataset].classes


def measure_of_modes(config: TrialConfig, metrics: Collection[str]) -> str | None:
    """The column that tells whether there are few modes, of a study with these metrics."""
    if "modes" in metrics and classes_told(config) is not None:
        return "modes"
    return next((column for column in FEW_MODES if _MEASURES[column] in metrics), None)


def _modes(config: TrialConfig, numbers: Mapping[str, float], metrics: Collection[str]) -> Outcome:
    """Collapsed, else ok as far as the modes go."""
    column = measure_of_modes(config, metrics)
    if column is None:
        named = (named_parts(name) for name in metrics)
        other = sorted({e for metric, e in named if e is not None and metric in _MEASURES.values()})
        if other:
            features = " and ".join(other)
            return Outcome(None, f"no rule for few modes by features of {features} was checked")
        return Outcome(None, "the study does not measure how many modes there are")
    number = numbers.get(column)
    if number is None:
        return Outcome(None, f"{column} is missing")
    if column == "modes":
        classes = classes_told(config) or 0
        most, text = FEW_CLASSES * classes, f"{number:g} of {classes} classes"
    else:
        most, text = FEW_MODES[column], f"{column} {number:.2g}"
    return Outcome("collapsed", text) if number <= most else Outcome("ok")

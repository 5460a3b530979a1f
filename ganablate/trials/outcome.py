"""What became of a complete trial: diverged, saturated, collapsed or ok, decided in that order.

- diverged: a loss or a weight is not finite; training stopped there.
- saturated: one net has won. Over the last fifth of training D decides one-sidedly about the real
  and about the generated images: it is right about nearly all of them, calls nearly all real or
  nearly all generated, or is wrong about nearly all. The gradient of a perfect discriminator
  vanishes, or is noise (Arjovsky and Bottou 2017, arXiv 1701.04862, theorems 2.4 and 2.6).
  The loss of G does not tell: its slope is as steep where D is right about everything.
  A trial that ended early (the setting `early_end`) is so by the parts of its training that ended
  it: the same rule, in each of them.
- collapsed: the images hardly vary, or most classes are not there. A sign of either is enough,
  whatever the others say: recall or coverage near 0, or half of the classes or fewer.
- ok: both were looked at, and there is no such sign. What was not looked at is not assessed:
  missing, never ok. So a metric more can show that a trial is collapsed or let it be ok, but never
  turn collapsed into ok. Classes count where the data set has some that its extractor tells.

A trial is judged by its own recorded steps and by the metrics of the study at hand, so that the
same study and trial always give the same outcome, whatever else was measured.

Where the thresholds come from. D's decisions: in 209 real trials of 120 to 6,000 steps D's lower
accuracy was at most 0.965 where there were digits, and at least 0.986 where the images were
black. Coverage: each of m different images lies, on average, in the balls of the 5 real images
that it is a nearest neighbour of, whatever the features; so m images can cover about 5 m of n
real ones, and 0.05 of 5,000 stands for 50 different images. Ten, twenty and a hundred real
digits, again and again, have 0.02, 0.04 and 0.17 of 2,500. Recall: images that are repeated more
than three times have balls of no size, so it is 0 in any features. Of eight generators trained on
MNIST, four that draw every class had 0.03 to 0.59 by the shipped classifier's features, four that
draw 5 to 9 classes 0.000 (and a coverage of 0.03 to 0.075). Half of the classes, perfectly drawn,
have a recall of 0.33 and a coverage of 0.49: only counting tells them.
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ganablate.catalog import (
    CRITERIA,
    DATASETS,
    EXTRACTORS,
    extractor_of,
    named_parts,
    trainer_of,
)
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
"""Share of the data set's classes that is few, at most."""
NO_VARIETY: Mapping[str, float] = {"recall": 0.01, "coverage": 0.05}
"""Column -> what is no variety, at most: near 0."""
_MEASURES = {"recall": "precision_recall", "coverage": "density_coverage"}


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
    """Whether the trial has a D whose outputs are decisions, which can be one-sided."""
    if "d/accuracy_real" not in trainer_of(config).losses:
        return False
    return config.criterion is None or CRITERIA[config.criterion].decides


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


def signs_of_collapse(config: TrialConfig, metrics: Collection[str]) -> dict[str, float]:
    """Column -> the most that is a sign of collapse, of those that a study with these has."""
    signs = {column: most for column, most in NO_VARIETY.items() if _MEASURES[column] in metrics}
    classes = classes_told(config)
    if classes is not None and "modes" in metrics:
        signs["modes"] = FEW_CLASSES * classes
    return signs


def _modes(config: TrialConfig, numbers: Mapping[str, float], metrics: Collection[str]) -> Outcome:
    """Collapsed by any sign of it, ok without one where variety and classes were looked at."""
    classes = classes_told(config)
    signs = signs_of_collapse(config, metrics)
    shown = {column: numbers[column] for column in signs if column in numbers}
    if texts := [
        _sign(column, shown[column], classes) for column in shown if shown[column] <= signs[column]
    ]:
        return Outcome("collapsed", ", ".join(texts))
    if shown.keys().isdisjoint(NO_VARIETY):
        return Outcome(None, _why_unknown(signs, metrics))
    if classes is not None and "modes" not in shown:
        return Outcome(None, "classes are not counted; the metric modes does that")
    return Outcome("ok")


def _sign(column: str, number: float, classes: int | None) -> str:
    return f"{number:g} of {classes} classes" if column == "modes" else f"{column} {number:.2g}"


def _why_unknown(signs: Mapping[str, float], metrics: Collection[str]) -> str:
    """Why it is not known how much the images vary."""
    if missing := [column for column in NO_VARIETY if column in signs]:
        return f"{' and '.join(missing)} is missing"
    named = (named_parts(name) for name in metrics)
    other = sorted({e for metric, e in named if e is not None and metric in _MEASURES.values()})
    if other:
        return f"no rule for few modes by features of {' and '.join(other)} was checked"
    return "how much the images vary is not measured; the metric precision_recall does that"

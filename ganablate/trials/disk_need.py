"""About how much disk a plan needs: known before the first trial, and without torch."""

import functools
import importlib
from collections.abc import Callable, Collection
from dataclasses import dataclass

from ganablate.catalog import NETWORKS, OPTIMIZERS, channels_of, trainer_of
from ganablate.catalog.parts import GAN_LOSSES
from ganablate.config import TrialConfig
from ganablate.study.plan import Plan
from ganablate.text import bytes_text, counted
from ganablate.trials.folder import CHECKPOINTS_KEPT, POINTS_PER_LOSS
from ganablate.trials.weights import Keep

_FLOAT = 4
_MEANS = frozenset({"beta1", "beta2", "alpha", "rho", "momentum"})
"""Settings of optimizers that keep a mean of each weight's gradients, or of their squares."""
_PICTURES = 9.0
"""Bytes of a trial's pictures, and of MLflow's copies of them, over those of its 64 last samples,
which are kept without compression; measured on digits: 5 to 9, on noise up to 28."""
_BYTES_PER_POINT = 560
"""Bytes of a loss at one step: 60 in its block, 500 in MLflow's database, indices included."""
_REST = 50_000
"""Small files, and rows of MLflow that are no points of a loss."""


@dataclass(frozen=True)
class DiskNeed:
    """Bytes that a complete trial keeps, and that it needs in addition while it trains."""

    kept: float
    training: float


def disk_need_of(config: TrialConfig, images: int, keep: Keep) -> DiskNeed | None:
    """The need of one trial of so many images that keeps these networks.

    None: the catalog does not count the weights of its network, or of its trainer.
    """
    counts = NETWORKS[config.network].counts if trainer_of(config).settings is None else None
    if counts is None:
        return None
    channels = channels_of(config.dataset, config.channels)
    generator, discriminator = _function(counts)(config, channels)
    average = generator if config.g_ema is not None else 0
    iterations = config.total_iterations(images)
    recorded = len(GAN_LOSSES) + bool(config.penalties)
    losses = iterations * recorded * _FLOAT
    pictures = _PICTURES * 64 * channels * config.image_size**2
    points = min(iterations, POINTS_PER_LOSS) * recorded * _BYTES_PER_POINT
    weights = {"weights": generator + average + discriminator, "generator": generator + average}
    state = generator * _state_of(config.g_optimizer) + discriminator * _state_of(
        config.d_optimizer
    )
    return DiskNeed(
        kept=weights.get(keep, 0) * _FLOAT + losses + pictures + points + _REST,
        training=CHECKPOINTS_KEPT * ((state + average) * _FLOAT + losses),
    )


@functools.cache
def _function(place: str) -> Callable[[TrialConfig, int], tuple[int, int]]:
    """The function at "module:function"."""
    module, _, name = place.partition(":")
    function: Callable[[TrialConfig, int], tuple[int, int]]
    function = getattr(importlib.import_module(module), name)
    return function


def _state_of(optimizer: str) -> int:
    """Numbers that a checkpoint holds for each weight: itself, and the optimizer's means of it."""
    means = _MEANS.intersection(OPTIMIZERS[optimizer].settings)
    return 1 + max(len(means), 1)


def disk_need_text(plan: Plan, waiting: Collection[str], keep: Keep) -> str | None:
    """A line on the disk that the waiting trials (by id) need; None where there are none."""
    counts: dict[str, int] = {}
    for trial in plan.trials:
        counts[trial.arm] = counts.get(trial.arm, 0) + (trial.trial_id in waiting)
    kept = training = 0.0
    for arm in plan.arms:
        images = plan.images_of(arm.config.dataset)
        need = disk_need_of(arm.config, max(images, arm.config.batch_size), keep)
        if need is None:
            part = arm.config.network or arm.config.trainer
            return f"disk: not known, {part} does not say how many weights it has"
        if counts.get(arm.name):
            kept += need.kept * counts[arm.name]
            training = max(training, need.training)
    if not kept:
        return None
    trials = sum(counts.values())
    return (
        f"disk: about {bytes_text(kept)} for {counted(trials, 'trial')} "
        f"still to be trained, and up to {bytes_text(training)} more for each that trains at a time"
    )

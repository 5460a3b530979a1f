"""What a trial costs on this machine: known from complete trials of its arm, or from a rehearsal.

A rehearsal is a few seconds of an arm's training and one measuring. What it found is kept under
`runs/costs/`, one file for each kind of work and the conditions under which it was done. Nothing
here imports torch.
"""

import hashlib
import itertools
import json
import os
import platform
import statistics
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from ganablate.config import TrialConfig
from ganablate.files import read_json, write_json
from ganablate.study.arms.identity import SEMANTICS_VERSION, plugin_content
from ganablate.study.plan import Plan, Trial
from ganablate.sweep.machine import processor_name, resolve_precision, slots_of, usable_cores
from ganablate.sweep.profile import Profile
from ganablate.trials.folder import TrialFolder
from ganablate.trials.needs import Measurements
from ganablate.version import __version__

COSTS = "costs"
"""Folder under `runs`."""
ENOUGH = 12
"""Complete trials looked at for one kind of work: more would not make the figure better."""
_NUMBERS = frozenset({"seed", "init", "real_labels", "fake_labels", "penalty_weight"}) | {
    f"{net}_{name}"
    for net in ("g", "d")
    for name in ("lr", "beta1", "beta2", "alpha", "rho", "weight_decay")
}
"""Settings that change numbers and not the work that is done with them."""
_LENGTHS = frozenset({"epochs", "iterations", "train_images"})


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """Where and how trials are executed, as far as their seconds depend on it.

    Attributes:
        device: Where trials compute unless they name a device.
        precision: As the profile says it: "auto", "fp32" or "bf16".
        threads: Threads of a trial.
        slots: Trials at a time; they slow each other down.
        gpus: GPUs that they share, 0 without CUDA.
        host: Name of the machine.
        processor: What computes, in the words of its maker.
        version: Of this package and of the training.
    """

    device: Literal["cpu", "cuda"]
    precision: Literal["auto", "fp32", "bf16"]
    threads: int
    slots: int
    gpus: int
    host: str
    processor: str
    version: str


def conditions_of(profile: Profile, trials: int) -> Conditions:
    """Under which conditions this machine would run so many trials.

    Whether there are GPUs is asked of the driver's files, without torch: they may be more than
    torch can use.
    """
    cards = _cards() if profile.device != "cpu" else []
    return Conditions(
        device="cuda" if cards else "cpu",
        precision=profile.precision,
        threads=profile.threads,
        slots=slots_of(profile, gpus=len(cards), trials=trials),
        gpus=len(cards),
        host=platform.node(),
        processor=cards[0] if cards else f"{processor_name()}, {usable_cores()} cores",
        version=f"{__version__}-{SEMANTICS_VERSION}",
    )


def _cards() -> list[str]:
    """Model of each NVIDIA GPU that CUDA_VISIBLE_DEVICES leaves."""
    found = []
    for path in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information")):
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        models = (line.partition(":")[2].strip() for line in lines if line.startswith("Model"))
        found.append(next(models, "GPU"))
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return found
    named = itertools.takewhile(lambda card: card and not card.startswith("-"), visible.split(","))
    return found[: len(list(named))]  # CUDA stops at the first that it does not know


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Seconds of one kind of work.

    Attributes:
        iteration: Of one iteration.
        around: Of what a trial takes beside: opening, and measuring and storing at its end.
        measuring: Of each measuring during the training.
        ratios: Each single measurement over their mean: how much they differ.
        trials: Complete trials that it is known from; 0: from a rehearsal.
    """

    iteration: float
    around: float = 0.0
    measuring: float = 0.0
    ratios: tuple[float, ...] = ()
    trials: int = 0

    def seconds(self, iterations: int, measurings: int = 0) -> float:
        """Of a trial that has so many iterations still to go, and so many measurings among them."""
        return self.around + iterations * self.iteration + measurings * self.measuring


def work_of(trial: Trial, wanted: Measurements) -> str:
    """Names the work of a trial: trials that differ in length or in numbers alone have the same."""
    settings = trial.config.model_dump(exclude_none=True)
    settings = {k: v for k, v in settings.items() if k not in _NUMBERS | _LENGTHS}
    curves = sorted({name for _, names in wanted.curves for name in names})
    content = [settings, trial.data_id, sorted(wanted.measured), curves, plugin_content(settings)]
    return _digest(content)


def _digest(content: object) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Costs:
    """What is known of the costs of trials under some conditions, from the folder `runs`."""

    def __init__(self, runs: Path, conditions: Conditions) -> None:
        self.conditions = conditions
        self._runs = runs
        self._own = _digest(asdict(conditions))

    def know_nothing(self, plan: Plan, waiting: Collection[str]) -> bool:
        """Whether there is neither a complete trial of a plan nor any rehearsal: seen at once."""
        return len(waiting) >= len({trial.trial_id for trial in plan.trials}) and not any(
            (self._runs / COSTS).glob("*.json")
        )

    def path(self, work: str) -> Path:
        """Of the file for a kind of work."""
        return self._runs / COSTS / f"{work}-{self._own}.json"

    def rehearsed(self, work: str) -> Cost | None:
        """What a rehearsal found; None where there was none, or its file is damaged."""
        content = read_json(self.path(work)) or {}
        found = content.get("cost")
        if not isinstance(found, dict):
            return None
        try:
            return Cost(**{**found, "ratios": tuple(found["ratios"])})
        except (TypeError, KeyError):
            return None

    def keep(self, work: str, config: TrialConfig, cost: Cost) -> None:
        """Keep what a rehearsal found, with what it was of."""
        settings = config.model_dump(exclude_none=True)
        content = {
            "cost": asdict(cost),
            "settings": settings,
            "conditions": asdict(self.conditions),
        }
        write_json(self.path(work), content)

    def of_trials(self, trials: Iterable[Trial]) -> Cost | None:
        """What complete trials of the same work and length took, if any ran in these conditions."""
        found: list[tuple[float, int]] = []
        for trial in trials:
            seconds = self._seconds(trial)
            if seconds is not None:
                found.append(seconds)
            if len(found) == ENOUGH:
                break
        return _mean_cost(found)

    def _seconds(self, trial: Trial) -> tuple[float, int] | None:
        """Seconds of a complete trial, and the iterations that it was to have, or had."""
        folder = TrialFolder(self._runs / "trials", trial.trial_id)
        facts = folder.complete
        if facts is None or not facts.get("iterations"):
            return None
        attempts = folder.attempts()
        if not attempts or not all(self._fits(attempt, trial.config) for attempt in attempts):
            return None
        seconds = sum(float(attempt.get("wall_seconds", 0.0)) for attempt in attempts)
        iterations = int(facts.get("planned_iterations", facts["iterations"]))
        return (seconds, iterations) if seconds > 0 else None

    def _fits(self, attempt: Mapping[str, Any], config: TrialConfig) -> bool:
        here = self.conditions
        device = config.device or here.device
        precision = config.precision or here.precision
        if precision == "auto" and device == "cpu":
            precision = resolve_precision("auto", "cpu")
        return (
            attempt.get("host") == here.host
            and attempt.get("threads") == here.threads
            and attempt.get("device") == device
            and precision in ("auto", attempt.get("precision"))
            and attempt.get("ganablate") == __version__
        )


def _mean_cost(found: Sequence[tuple[float, int]]) -> Cost | None:
    """The cost of an iteration, all of a trial included: its length is theirs, and so its end."""
    if not found:
        return None
    middle = statistics.median(seconds for seconds, _ in found)
    iterations = statistics.median(count for _, count in found)
    ratios = tuple(seconds / middle for seconds, _ in found)
    return Cost(iteration=middle / iterations, ratios=ratios, trials=len(found))

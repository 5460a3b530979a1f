"""Where a sweep stands: what the live screen, the lines of a log file and `status` all show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ganablate.config import TrialConfig
from ganablate.text import duration

LOSSES = {"d/criterion": "D", "g/criterion": "G"}
"""The losses that are shown, and the net of each."""
NOT_ASSESSED = "not assessed"

Points = Sequence[tuple[float, float]]
"""Share of the training (0 to 1) and a value, in order."""


def loss_text(value: float) -> str:
    """Three decimals, or three digits where that is too long."""
    return f"{value:.3f}" if abs(value) < 1000 else f"{value:.3g}"


def describe_losses(losses: Mapping[str, float]) -> str:
    """The criteria of both nets: "D 1.312  G 0.804"; empty before the first step."""
    return "  ".join(
        f"{net} {loss_text(losses[key])}" for key, net in LOSSES.items() if key in losses
    )


def counts_text(outcomes: Mapping[str, int]) -> str:
    """`18 ok, 3 saturated`, in the order given; empty where nothing is complete."""
    return ", ".join(f"{count} {name}" for name, count in outcomes.items() if count)


@dataclass(frozen=True, kw_only=True)
class Running:
    """A trial that runs: how far it is, its last losses, and what they went through.

    `epochs` is the length of its training; None: it is given in iterations.
    """

    arm: str
    replicate: int
    iteration: int
    total: int
    epochs: int | None = None
    losses: Mapping[str, float] = field(default_factory=dict)
    curves: Mapping[str, Points] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Arm and replicate."""
        return f"{self.arm} / {self.replicate}"

    @property
    def share(self) -> float:
        """Of its training that is done, 0 to 1."""
        return min(self.iteration / max(self.total, 1), 1.0)

    @property
    def where(self) -> str:
        """`epoch 3 of 20`, the one it is in; or `iteration 40 of 100`, those that are done."""
        if self.epochs is None:
            return f"iteration {self.iteration:,} of {self.total:,}"
        done = self.iteration * self.epochs // max(self.total, 1)
        return f"epoch {min(done + 1, self.epochs)} of {self.epochs}"


def epochs_of(config: TrialConfig | None) -> int | None:
    """The length of a training in epochs, where its study says it so."""
    return None if config is None else config.epochs


@dataclass(frozen=True, kw_only=True)
class Overview:
    """The whole at one moment. `outcomes` are of complete trials, as far as they were judged.

    A trial that is `starting` has a worker, or is about to, and has not reported yet.
    """

    title: str
    total: int
    done: int
    failed: int
    running: Sequence[Running] = ()
    starting: int = 0
    outcomes: Mapping[str, int] = field(default_factory=dict)
    seconds_left: float | None = None

    @property
    def share(self) -> float:
        """Of all training that is done, 0 to 1; a trial that failed is over."""
        over = self.done + self.failed + sum(one.share for one in self.running)
        return min(over / max(self.total, 1), 1.0)

    @property
    def of_which(self) -> str:
        """`outcomes`, and of how many trials where not all that are complete were judged."""
        judged = sum(self.outcomes.values())
        return "outcomes" if judged == self.done else f"outcomes of {judged} of {self.done} done"

    def headline(self) -> str:
        """Trials done, running, starting, failed, and the time left, in one line."""
        parts = [f"{self.done} of {self.total} trials done"]
        counts = {"running": len(self.running), "starting": self.starting, "failed": self.failed}
        parts += [f"{count} {what}" for what, count in counts.items() if count]
        if self.seconds_left is not None and self.done + self.failed < self.total:
            parts.append(f"about {duration(self.seconds_left)} left")
        return ", ".join(parts)

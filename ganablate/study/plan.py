"""The ordered trials that a study expands to at a budget."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ganablate.catalog import Column, metric_columns, probe_columns
from ganablate.config import TrialConfig

BASELINE = "baseline"
"""Name of the arm without a change. A cross whose `baseline:` names a cell has none."""
FULL = "full"
"""Name of the budget that is the study itself, unchanged."""


@dataclass(frozen=True, slots=True)
class Arm:
    """The baseline with its changes.

    `changes` maps settings (with `g_`, `d_`) to this arm's values where they differ from the
    baseline's; None stands for "has no such setting". Without a baseline it holds the arm's
    factors. `compare_to` is the arm that the effect is measured against; None: nothing to compare
    with. `config` is replicate 0's.
    """

    name: str
    changes: Mapping[str, Any]
    compare_to: str | None
    config: TrialConfig


@dataclass(frozen=True, slots=True)
class Trial:
    """One replicate (0, 1, ...) of one arm: the unit of work. `data_id` names the data's bytes."""

    trial_id: str
    arm: str
    replicate: int
    config: TrialConfig
    data_id: str


@dataclass(frozen=True, slots=True)
class PublishedNumber:
    """A number that a report printed for an arm: a column of ours (`metric`), or something else.

    `name` is the column, or the words for what it is.
    """

    arm: str
    metric: str | None
    name: str
    value: float
    protocol: str
    source: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Arms in study order, the baseline first; trials in that order, replicates inside the arm.

    `primary` is a table column, `metrics` and `probes` are names of the catalog. `excluded` holds
    the arms that the study leaves out, each with the study's reason; `published` the report's
    numbers for arms of this budget. Images are measured after each of `evaluations` equal parts of
    the training, so 1 is at its end only. `folders` are the data sets `folder:NAME` of its trials,
    with the number of images that the study says they have.
    """

    study: str
    budget: str
    primary: str
    metrics: tuple[str, ...]
    arms: tuple[Arm, ...]
    trials: tuple[Trial, ...]
    excluded: tuple[tuple[str, str], ...]
    asks: str | None
    replicates: int
    probes: tuple[str, ...] = ()
    published: tuple[PublishedNumber, ...] = ()
    evaluations: int = 1
    folders: tuple[tuple[str, int], ...] = ()

    @property
    def measured(self) -> tuple[str, ...]:
        """Metrics, then probes: what a complete trial was measured with."""
        return (*self.metrics, *self.probes)

    @property
    def columns(self) -> dict[str, Column]:
        """The table columns of the metrics, then of the probes."""
        return {**metric_columns(self.metrics), **probe_columns(self.probes)}

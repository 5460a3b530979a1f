"""The ordered trials that a study expands to at a budget."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from ganablate.catalog import (
    DATASETS,
    Column,
    metric_columns,
    on_images,
    probe_columns,
    stored_name,
)
from ganablate.config import TrialConfig
from ganablate.study.claims.claims import Claim
from ganablate.study.points import Point
from ganablate.study.reach import Reach
from ganablate.study.search.arm_search import Search
from ganablate.text import counted

BASELINE = "baseline"
"""Name of the arm without a change. A cross whose `baseline:` names a cell has none."""
WITHOUT, ONLY = "without-", "only-"
"""Before a component's name: the arm that leaves it out, and the one that leaves out the others."""
NULL = "null"
"""Name of the arm that `null_arm: true` adds: the baseline with other seeds."""
T = TypeVar("T")
FULL = "full"
"""Name of the budget that is the study itself, unchanged."""


@dataclass(frozen=True, slots=True)
class Arm:
    """The baseline with its changes.

    `changes` maps settings (with `g_`, `d_`) to this arm's values where they differ from the
    baseline's; None stands for "has no such setting". Without a baseline it holds the arm's
    factors. `compare_to` is the arm that the effect is measured against; None: nothing to compare
    with. `config` is replicate 0's. `null` marks the arm that changes nothing but the seeds.
    """

    name: str
    changes: Mapping[str, Any]
    compare_to: str | None
    config: TrialConfig
    null: bool = False


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
class Cross:
    """Factors that vary against each other.

    `factors` holds the levels of each, first the one that the others are compared with: the
    baseline's, else the first one written. `cells` maps one level of each factor, in this order, to
    its arm. Cells that the plan does not have are not in it; cells of the same trials share an arm.
    """

    factors: Mapping[str, tuple[str, ...]]
    cells: Mapping[tuple[str, ...], str]


@dataclass(frozen=True, slots=True, repr=False)
class Plan:
    """Arms in study order, the baseline first; trials in that order, replicates inside the arm.

    `primaries` are table columns, `metrics` and `probes` are names of the catalog. `excluded` holds
    the arms that the study leaves out, each with the study's reason; `published` the report's
    numbers for arms of this budget. Images are measured after each of `evaluations` equal parts of
    the training, so 1 is at its end only. `folders` are the data sets `folder:NAME` of its trials,
    with the number of images that the study says they have. `claims` name arms as the plan does;
    an arm that this budget does not have keeps the study's spelling. `substitutes` are the arms
    whose data set is of another family than at the budget full: arm -> (there, here). `reach` says
    of each arm how near its training comes to that at the budget full, where the study has claims;
    an arm that is not in it is trained in full. `points` has the columns on images that show
    another point of the training than the last. `extractor` is what they are measured with where
    the study names one; None: each data set's own. `search` is what the study searches inside each
    arm: an arm in `search.open` has no trials to train yet, only their places, with ids that no
    trial has. `seed` is the study's. `components` maps what the study removes to the arms without
    it.
    """

    study: str
    budget: str
    primaries: tuple[str, ...]
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
    claims: tuple[Claim, ...] = ()
    substitutes: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    reach: Mapping[str, Reach] = field(default_factory=dict)
    cross: Cross | None = None
    points: Mapping[str, Point] = field(default_factory=dict)
    extractor: str | None = None
    search: Search | None = None
    seed: int = 0
    components: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __repr__(self) -> str:
        """One line: all of it is kilobytes."""
        size = f"{counted(len(self.arms), 'arm')}, {counted(len(self.trials), 'trial')}"
        return f"<Plan of {self.study} at the budget {self.budget}: {size}>"

    @property
    def primary(self) -> str:
        """The first of the primaries, by which arms are ranked and searched."""
        return self.primaries[0]

    def images_of(self, dataset: str) -> int:
        """Images of the training split of a data set of its trials.

        Raises:
            KeyError: No trial is trained on it.
        """
        return DATASETS[dataset].images if dataset in DATASETS else dict(self.folders)[dataset]

    @property
    def may_end_early(self) -> bool:
        """Whether trials of some arm may end before their whole length."""
        return any(arm.config.early_end is not None for arm in self.arms)

    @property
    def measured(self) -> tuple[str, ...]:
        """Metrics, then probes, as trial folders name them: what a trial is measured with."""
        on_named = on_images(self.metrics) if self.extractor else ()
        parts = (*self.metrics, *self.probes)
        return tuple(stored_name(p, self.extractor if p in on_named else None) for p in parts)

    def by_column(self, stored: Mapping[str, T]) -> dict[str, T]:
        """Of what a trial's folder has for each column, that of this plan's extractor, by column.

        Columns that are not measured on images are as they are.
        """
        on_named = metric_columns(on_images(self.metrics)) if self.extractor else {}
        keys = {c: stored_name(c, self.extractor if c in on_named else None) for c in self.columns}
        return {column: stored[key] for column, key in keys.items() if key in stored}

    @property
    def shown_columns(self) -> dict[str, Column]:
        """The columns that tables for people have: all but the details."""
        return {name: column for name, column in self.columns.items() if not column.detail}

    @property
    def columns(self) -> dict[str, Column]:
        """The columns of the metrics, then of the probes; a title says which point it shows."""
        columns = {**metric_columns(self.metrics), **probe_columns(self.probes)}
        for name in columns.keys() & self.points.keys():
            title = f"{columns[name].title}, {self.points[name].words(self.evaluations)}"
            columns[name] = replace(columns[name], title=title)
        return columns

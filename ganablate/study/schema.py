"""The study as a person writes it: one YAML, one question, one report.

Settings stay as they are written here; `expand` resolves them. Level values, names of arms and
columns are checked by `ganablate.study.check`, since that takes the whole study.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr, model_validator

from ganablate.catalog import NAMED_EXTRACTORS
from ganablate.study.claims import Claim
from ganablate.study.fields import Entry, Line, Name, Number, StudyName, Whole, gathered
from ganablate.study.plan import FULL
from ganablate.study.points import Point, point
from ganablate.study.wording import show, unknown

Settings = dict[str, Any]
Levels = list[Any]
MOST_REPLICATES = 1000
Evaluations = Annotated[Whole, Field(ge=1, le=1000)]
"""Equal parts of the training, after each of which images are measured; 1: at the end only."""
Replicates = Annotated[Whole, Field(ge=1, le=MOST_REPLICATES)]
OWN = "own"
"""Says that each data set's own extractor measures its images, as where no other is named."""
RESTATED = ("ablate", "cross", "arms")
"""Sections of a study whose entries a budget restates as `ablate.FACTOR`, `arms.NAME`."""


def _level_list(value: object) -> object:
    if isinstance(value, str | int | float):
        raise ValueError(f"{show(value)} is given; a list of levels is needed: [{value}]")
    return value


def _extractor(given: str) -> str:
    allowed = (OWN, *NAMED_EXTRACTORS)
    if given not in allowed:
        raise ValueError(unknown("an extractor that a study can name", given, allowed))
    return given


ExtractorName = Annotated[str, AfterValidator(_extractor)]
LevelList = Annotated[Levels, BeforeValidator(_level_list), Field(min_length=1)]


class NamedArm(Entry):
    """Changes under one name. Lists of equal length make it one arm for each position."""

    changes: Settings
    compare_to: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, given: object) -> object:
        return gathered(given, ("compare_to",), "changes")


class Exclude(Entry):
    """Arms that are left out: those with all of these settings at (one of) these levels."""

    because: Line
    settings: Settings

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, given: object) -> object:
        return gathered(given, ("because",), "settings")


class Budget(Entry):
    """A named amount of work: settings put on the base, replicates, and levels stated anew.

    `extractor` is here too, since weights that a machine may lack are part of what work takes.
    `settings` holds the keys without a dot, `restated` the others (`ablate.lr`, `arms.NAME`).
    """

    replicates: Replicates | None = None
    evaluations: Evaluations | None = None
    extractor: ExtractorName | None = None
    settings: Settings = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, given: object) -> object:
        return gathered(given, ("replicates", "evaluations", "extractor"), "settings")

    @property
    def restated(self) -> dict[str, Any]:
        """The keys with a dot."""
        return {key: value for key, value in self.settings.items() if "." in key}

    @property
    def base(self) -> Settings:
        """The keys without a dot."""
        return {key: value for key, value in self.settings.items() if "." not in key}


class Folder(Entry):
    """A folder of images, used as `dataset: folder:NAME`; the path is given at run time."""

    data_id: Line = Field(description="names the bytes: part of every trial id")
    channels: Literal[1, 3]
    images: Annotated[Whole, Field(ge=2, le=1_000_000_000)]


class Published(Entry):
    """One number of a report, shown beside ours and never compared.

    `metric` is a column of ours; `quantity` names something that we do not measure.
    """

    arm: str
    metric: str | None = None
    quantity: Line | None = None
    value: Number
    protocol: Line
    source: Line

    @model_validator(mode="after")
    def _has_one_name(self) -> Self:
        if (self.metric is None) == (self.quantity is None):
            raise ValueError("exactly one of metric (a column) and quantity (text) is needed")
        return self


class Study(Entry):
    """One question: what all arms share, what varies, how often, and what is measured.

    `ablate` varies one factor at a time, `cross` all its factors against each other, `arms` names
    sets of changes. `null_arm` adds the baseline once more with other seeds, as a look at the
    noise. `points` say which of several measurements of images a column shows, else the last;
    `extractor` with whose features images are measured, else with those of the data set's own.
    `budgets` restate the amount of work; `primary` is a column of `metrics` or `probes`.
    """

    name: StudyName = Field(alias="study")
    asks: Line | None = None
    base: Settings
    ablate: dict[str, LevelList] = Field(default_factory=dict)
    cross: dict[str, LevelList] = Field(default_factory=dict)
    baseline: str | None = None
    null_arm: Annotated[bool, Field(strict=True)] = False
    arms: dict[Name, NamedArm] = Field(default_factory=dict)
    exclude: tuple[Exclude, ...] = ()
    replicates: Replicates = 1
    evaluations: Evaluations = 1
    extractor: ExtractorName = OWN
    points: dict[str, Annotated[Point, BeforeValidator(point)]] = Field(default_factory=dict)
    seed: Annotated[Whole, Field(ge=0, lt=2**63)] = 0
    default_budget: str = FULL
    budgets: dict[Name, Budget] = Field(default_factory=dict)
    primary: str
    metrics: tuple[str, ...] = Field(min_length=1)
    probes: tuple[str, ...] = ()
    folders: dict[Name, Folder] = Field(default_factory=dict)
    published: tuple[Published, ...] = ()
    claims: tuple[Claim, ...] = ()

    _layouts: dict[str, Any] = PrivateAttr(default_factory=dict)
    """What `layout.lay_out` found for each budget: checking and expanding need the same."""

    @property
    def budget_names(self) -> tuple[str, ...]:
        """Every budget, the study's own first."""
        return (FULL, *self.budgets)

    def budget(self, name: str) -> Budget:
        """The budget of that name; the one called full changes nothing.

        Raises:
            KeyError: the study has no such budget.
        """
        return Budget() if name == FULL else self.budgets[name]

    def extractor_at(self, budget: str) -> str | None:
        """The key of NAMED_EXTRACTORS that measures at a budget; None: each data set's own."""
        name = self.budget(budget).extractor or self.extractor
        return None if name == OWN else name

    @property
    def layouts(self) -> dict[str, Any]:
        """A place to keep layouts, by budget; a study does not change."""
        return self._layouts

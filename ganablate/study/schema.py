"""The study as a person writes it: one YAML, one question, one report.

Settings stay as they are written here; `expand` resolves them. Level values, names of arms and
columns are checked by `ganablate.study.checks.check`, since that takes the whole study.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PrivateAttr

from ganablate.catalog import NAMED_EXTRACTORS
from ganablate.study.claims.claims import Claim
from ganablate.study.claims.curve_shapes import one_or_more
from ganablate.study.plan import FULL
from ganablate.study.points import Point, point
from ganablate.study.reading.fields import (
    BesideSettings,
    ColumnName,
    Entry,
    Line,
    Name,
    Number,
    Position,
    PositionText,
    StudyName,
    Whole,
    named_schema,
)
from ganablate.study.reading.wording import show, unknown
from ganablate.study.search.arm_search import SEARCH_TRIALS, SearchTrial

Settings = dict[str, Any]
Levels = list[Any]
MOST_REPLICATES = 1000
Evaluations = Annotated[Whole, Field(ge=1, le=1000)]
"""Equal parts of the training, after each of which images are measured; 1: at the end only."""
Replicates = Annotated[Whole, Field(ge=1, le=MOST_REPLICATES)]
OWN = "own"
"""Says that each data set's own extractor measures its images, as where no other is named."""
RESTATED = ("remove", "ablate", "cross", "arms")
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


def _length(given: Position) -> Position:
    if given.unit == "images" or (given.unit != "share" and given.amount != int(given.amount)):
        raise ValueError(f"{given} is given; such as 50%, 5 epochs or 300 iterations is needed")
    return given


SearchTrials = Annotated[Whole, Field(ge=2, le=1000)]
SearchLength = Annotated[PositionText, AfterValidator(_length)]
ExtractorName = Annotated[str, AfterValidator(_extractor), named_schema("extractor")]
LevelList = Annotated[Levels, BeforeValidator(_level_list), Field(min_length=1)]


class NamedArm(BesideSettings):
    """Changes under one name. Lists of equal length make it one arm for each position."""

    into: ClassVar[str] = "changes"
    changes: Settings
    compare_to: str | None = Field(None, description="an arm; else the baseline")


class Exclude(BesideSettings):
    """Arms that are left out: those with all of these settings at (one of) these levels."""

    because: Line = Field(description="why; `plan` and the report print it")
    settings: Settings


class Budget(BesideSettings):
    """A named amount of work: settings put on the base, replicates, and levels stated anew.

    `extractor` is here too, since weights that a machine may lack are part of what work takes.
    `settings` holds the keys without a dot, `restated` the others (`ablate.lr`, `arms.NAME`).
    """

    replicates: Replicates | None = None
    evaluations: Evaluations | None = None
    extractor: ExtractorName | None = None
    search_trials: SearchTrials | None = None
    search_length: SearchLength | None = None
    settings: Settings = Field(default_factory=dict)

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
    channels: Literal[1, 3] = Field(description="1: grey, 3: colour")
    images: Annotated[Whole, Field(ge=2, le=1_000_000_000)] = Field(description="files in it")


class Published(Entry):
    """One number of a report, shown beside ours and never compared.

    `metric` is a column of ours; `quantity` names something that we do not measure.
    """

    arm: str
    metric: ColumnName | None = Field(None, description="a column of ours")
    quantity: Line | None = Field(None, description="something that we do not measure")
    value: Number
    protocol: Line = Field(description="how it was measured, as far as the report says")
    source: Line = Field(description="where it stands")
    exactly_one: ClassVar[Mapping[tuple[str, ...], str]] = {
        ("metric", "quantity"): "a column, or text"
    }


class Study(Entry):
    """One question: what all arms share, what varies, how often, and what is measured.

    `remove` leaves one component out at a time: a setting's value without it, or a name with
    several settings; `remove_also` all but one, and all. `ablate` varies one factor at a time,
    `cross` all its factors against each other, `arms` names sets of changes. `null_arm` adds the
    baseline once more with other seeds, as a look at the noise. `search` tunes settings inside
    each arm, with `search_trials` of `search_length`.
    `points` say which of several measurements of images a column shows, else the last;
    `extractor` with whose features images are measured, else with those of the data set's own.
    `budgets` restate the amount of work; `primary` names columns of `metrics` or `probes`: verdicts
    are about each of them, ranking and searching go by the first.
    """

    name: StudyName = Field(alias="study", description="its folder under results/ is called so")
    asks: Line | None = Field(None, description="the question, in a sentence")
    base: Settings = Field(description="settings that all arms share")
    ablate: dict[str, LevelList] = Field(
        default_factory=dict, description="one change at a time: an arm for each level"
    )
    cross: dict[str, LevelList] = Field(
        default_factory=dict, description="an arm for each combination of levels"
    )
    remove: dict[Name, Any] = Field(
        default_factory=dict, description="components, each left out in an arm of its own"
    )
    remove_also: tuple[Literal["all_but_one", "all"], ...] = Field(
        (), description="further arms: with each component alone, and with none"
    )
    baseline: str | None = Field(None, description="the cell of a cross that others are held to")
    null_arm: Annotated[bool, Field(strict=True)] = Field(
        False, description="the baseline once more with other seeds: a look at the noise"
    )
    arms: dict[Name, NamedArm] = Field(
        default_factory=dict, description="several changes under one name"
    )
    exclude: tuple[Exclude, ...] = Field((), description="arms left out, and why")
    search: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="settings tuned inside each arm, before its replicates"
    )
    search_trials: SearchTrials | None = Field(
        None, description=f"trials of each arm's search, the same for all; else {SEARCH_TRIALS}"
    )
    search_length: SearchLength | None = Field(
        None, description="of a search trial: 50%, 5 epochs; else as long as the arm's trials"
    )
    replicates: Replicates = Field(1, description="trainings of each arm; arms share their seeds")
    evaluations: Evaluations = Field(
        1, description="times that images are measured in a training; 1: at its end only"
    )
    extractor: ExtractorName = Field(OWN, description="whose features images are measured with")
    points: dict[str, Annotated[Point, BeforeValidator(point), named_schema("Point")]] = Field(
        default_factory=dict, description="which evaluation a column shows; else the last"
    )
    seed: Annotated[Whole, Field(ge=0, lt=2**63)] = Field(
        0, description="other seeds for the same study"
    )
    default_budget: str = Field(FULL, description="used without --budget")
    budgets: dict[Name, Budget] = Field(
        default_factory=dict, description="named amounts of work; `full` is always there"
    )
    primaries: Annotated[
        tuple[ColumnName, ...], BeforeValidator(one_or_more), Field(min_length=1)
    ] = Field(
        alias="primary",
        description="what verdicts are about, such as [fid, recall]; the first one ranks",
    )
    metrics: tuple[str, ...] = Field(min_length=1, description="what is measured")
    probes: tuple[str, ...] = Field((), description="closer looks at a finished trial")
    folders: dict[Name, Folder] = Field(default_factory=dict, description="own images")
    published: tuple[Published, ...] = Field((), description="a report's numbers, beside ours")
    claims: tuple[Claim, ...] = Field((), description="sentences of a report, judged by numbers")

    _searches: dict[str, tuple[SearchTrial, ...]] = PrivateAttr(default_factory=dict)

    @property
    def primary(self) -> str:
        """The first of its primaries, by which arms are ranked and searched."""
        return self.primaries[0]

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
    def searches(self) -> Mapping[str, tuple[SearchTrial, ...]]:
        """The trials that have ended of the searches of its arms, by `search_id`."""
        return self._searches

    def with_searches(self, searches: Mapping[str, tuple[SearchTrial, ...]]) -> "Study":
        """A copy of the study that knows these search trials, and no others."""
        copy = self.model_copy()
        copy._searches = dict(searches)
        return copy

    def __hash__(self) -> int:
        """By identity: what is made of a study once is kept beside it."""
        return id(self)

"""Sentences of a report as testable statements: one model for each kind of claim.

A claim is {id, says} and one key that names its kind. The models hold what is claimed;
`ganablate.report` judges it.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Literal, Self, cast, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from ganablate.catalog.settings import bare_type
from ganablate.study.claims.curve_shapes import (
    CurveSpread,
    Names,
    Points,
    Reaches,
    Recovery,
    Settles,
    Shape,
    Share,
    Trend,
    WithMargin,
    one_or_more,
)
from ganablate.study.reading.fields import (
    ColumnName,
    CurveName,
    Entry,
    Line,
    MarginText,
    Name,
    Number,
    named_schema,
    one_key_of,
)

ALL = "all"
"""`arms: all` means every arm but the one it is compared with."""

Outcome = Literal["fails", "diverged", "saturated", "collapsed", "ok"]
"""`fails` is any of diverged, saturated and collapsed."""

_ARMS = ("arm", "arms")
_PRIMARY: Any = Field(
    None, description="a column; else the study's primary one, of several the first"
)
_TEXT_OR_NUMBER = WithJsonSchema({"type": ["string", "number"]})


def _keys_of(model: type[BaseModel], kinds: Any) -> tuple[str, ...]:
    """The keys of a model whose values are of one of these kinds."""
    fields = model.model_fields.items()
    return tuple(key for key, info in fields if bare_type(info.annotation)[0] in get_args(kinds))


class AboutArms(Entry):
    """A statement about `arm: NAME`, `arms: [NAME, ...]` or `arms: all`."""

    arm: str | None = None
    arms: Names = ()
    exactly_one: ClassVar[Mapping[tuple[str, ...], str]] = {_ARMS: "arms: all for every arm"}

    @model_validator(mode="after")
    def _names_all_alone(self) -> Self:
        if ALL in self.arms and len(self.arms) > 1:
            raise ValueError("arms: all stands alone")
        return self

    @property
    def named(self) -> tuple[str, ...]:
        """The arms as the study spells them; ("all",) for every arm."""
        return self.arms if self.arm is None else (self.arm,)


class Compare(AboutArms, WithMargin):
    """The arm against another at the end of training.

    `better` and `worse` follow the metric's direction; `lower`, `higher` and `different` are for
    metrics without one. `by` is the least difference meant, `within` the margin of equivalence
    (1.25x unless stated). With several arms on either side, the claim holds only if it holds for
    each pair; with `some` in the place of `arms`, if it holds for one of them.
    """

    some: Names = Field((), description="or several, of which one is enough")
    to: Names = Field((), description="the arms compared with; else the arm's own")
    metric: ColumnName | None = _PRIMARY
    expected: Literal["better", "worse", "lower", "higher", "different", "equivalent"] = Field(
        alias="is"
    )
    by: MarginText | None = None
    within: MarginText | None = None
    exactly_one: ClassVar[Mapping[tuple[str, ...], str]] = {(*_ARMS, "some"): "an arm, or several"}

    @property
    def named(self) -> tuple[str, ...]:
        """The arms as the study spells them; ("all",) for every arm."""
        return self.some or super().named


class OutcomeRate(AboutArms):
    """The share of an arm's trials that end with an outcome."""

    expected: Outcome = Field(alias="is")
    at_least: Share | None = None
    at_most: Share | None = None
    exactly_one: ClassVar[Mapping[tuple[str, ...], str]] = {
        **AboutArms.exactly_one, ("at_least", "at_most"): "a share from 0 to 1",
    }  # fmt: skip


class Relation(AboutArms):
    """One column against another of the same trial, in at least that share of the trials."""

    metric: ColumnName
    expected: Literal["above", "below"] = Field(alias="is")
    than: ColumnName
    by: MarginText | None = None
    at_least: Share = 1.0


class Curve(AboutArms):
    """A statement about the course of training. `metric` is a curve such as fid or d/criterion."""

    metric: CurveName
    points: Points | None = None
    trend: Trend | None = None
    recovery: Recovery | None = None
    spread: CurveSpread | None = None
    reaches: Reaches | None = None
    settles: Settles | None = None

    @property
    def shape(self) -> Shape:
        """The one shape that is claimed."""
        return cast(Shape, getattr(self, self.shape_name))

    @property
    def shape_name(self) -> str:
        """The key that names it: one of `CURVE_SHAPES`."""
        return next(name for name in CURVE_SHAPES if getattr(self, name) is not None)


CURVE_SHAPES = _keys_of(Curve, Shape)
Curve.exactly_one = {**AboutArms.exactly_one, CURVE_SHAPES: ""}


class Association(AboutArms):
    """Rank correlation of two columns over the trials or over the arms' means.

    Over the training, of two curves within each trial of `arm` or `arms`: a loss such as
    d/criterion, or a column measured on images. There `stronger` sets the size of the correlation
    against that of the arms of `to`.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"over": {"const": "training"}}, "required": ["over"]},
            "then": one_key_of(_ARMS),
            "else": {"not": {"anyOf": one_key_of((*_ARMS, "to"))["oneOf"]}},
        }
    )
    metric: CurveName
    along: CurveName = Field(alias="with")
    expected: Literal["positive", "negative", "weak", "stronger"] = Field(alias="is")
    to: Names = Field((), description="of stronger: the arms compared with")
    over: Literal["trials", "arms", "training"] = "trials"
    strength: Share = Field(0.5, description="least size of the correlation; largest for weak")
    exactly_one: ClassVar[Mapping[tuple[str, ...], str]] = {}

    @model_validator(mode="after")
    def _names_arms_for_training(self) -> Self:
        if self.over == "training" and (self.arm is None) == (not self.arms):
            raise ValueError("over: training needs exactly one of arm and arms")
        if self.over != "training" and (self.arm is not None or self.arms):
            raise ValueError(f"over: {self.over} takes every arm; arm and arms are for training")
        if (self.expected == "stronger") != bool(self.to):
            raise ValueError("stronger needs the arms of `to`, and `to` is for stronger")
        if self.to and self.over != "training":
            raise ValueError(f"over: {self.over} has one correlation; stronger is for training")
        return self


class Arithmetic(Entry):
    """A statement about published numbers alone, such as "the lowest lies below the mean".

    `published` and `than` name columns that every published row with both is checked in; `sum`
    adds given numbers up, and `than` is then a number. `otherwise` says what it means where it
    does not hold: a statement that the report's own numbers refute, a text that can be read in more
    than one way, or a slip of the pen.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"required": ["within"]},
            "then": {"properties": {"is": {"const": "equal"}}},
        }
    )
    published: str | None = None
    sum: tuple[Number, ...] = ()
    expected: Literal["above", "below", "at_least", "at_most", "equal"] = Field(alias="is")
    than: Annotated[str, BeforeValidator(str), _TEXT_OR_NUMBER]
    within: MarginText | None = Field(None, description="tolerance of equal")
    otherwise: Literal["does_not_hold", "unclear", "misprint"] = "does_not_hold"
    exactly_one: ClassVar[Mapping[tuple[str, ...], str]] = {
        ("published", "sum"): "a column, or numbers"
    }

    @model_validator(mode="after")
    def _has_a_margin_for_equal_only(self) -> Self:
        if self.within is not None and self.expected != "equal":
            raise ValueError("`within` is for equal")
        return self


class Visual(AboutArms):
    """A statement that only looking can judge: shown, not judged."""

    show: Literal["samples", "animation", "curves", "walk", "arithmetic", "filters"] = "samples"


class NoneStated(AboutArms):
    """The report tried it and says no result: our effect is shown, without a verdict."""

    metric: ColumnName | None = _PRIMARY


Statement = (
    Compare | OutcomeRate | Relation | Curve | Association | Arithmetic | Visual | NoneStated
)


class Claim(Entry):
    """A sentence of a report (`says`, in its words) and what it states.

    Claims with the same `says` are readings of one sentence, and count as one.
    """

    id: Name = Field(description="the report's row, such as R0.3")
    says: Line
    budget: str | None = Field(None, description="judged at this budget only; else at every one")
    data: Annotated[
        tuple[Annotated[str, named_schema("dataset")], ...], BeforeValidator(one_or_more)
    ] = Field((), description="data sets the report may mean, besides those at full")
    tested_by: Line | None = Field(None, description="what is measured, in words")
    perhaps: Line | None = Field(None, description="why our verdict may differ from the report")
    not_comparable: Line | None = Field(
        None, description="why our numbers cannot decide it: they are shown without a verdict"
    )
    compare: Compare | None = None
    outcome: OutcomeRate | None = None
    relation: Relation | None = None
    curve: Curve | None = None
    association: Association | None = None
    arithmetic: Arithmetic | None = None
    visual: Visual | None = None
    none_stated: NoneStated | None = None

    @property
    def kind(self) -> str:
        """The key that names the claim's kind: one of `KINDS`."""
        return next(kind for kind in KINDS if getattr(self, kind) is not None)

    @property
    def statement(self) -> Statement:
        """What is claimed."""
        return cast(Statement, getattr(self, self.kind))


KINDS = _keys_of(Claim, Statement)
Claim.exactly_one = {KINDS: "the kind of the claim"}


_NAMING = ("arm", "arms", "some", "to", "before")
"""Keys of statements and of shapes that name arms."""


def with_names(claim: Claim, rename: Callable[[str], str]) -> Claim:
    """The claim with `rename(name)` for each name of an arm in it; `all` stays."""
    return claim.model_copy(update={claim.kind: _renamed(claim.statement, rename)})


def _renamed(entry: BaseModel, rename: Callable[[str], str]) -> BaseModel:
    update: dict[str, Any] = {}
    for key, value in entry:
        if key in _NAMING and isinstance(value, str):
            update[key] = rename(value)
        elif key in _NAMING and isinstance(value, tuple):
            update[key] = tuple(name if name == ALL else rename(name) for name in value)
        elif key in CURVE_SHAPES and value is not None:
            update[key] = _renamed(value, rename)
    return entry.model_copy(update=update)

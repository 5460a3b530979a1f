"""What may be claimed of the course of training: one model for each shape of a curve."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from ganablate.study.reading.fields import Entry, MarginText, Number, PositionText

LOSS_CURVES = {"d/criterion": "D loss", "d/penalty": "D penalty", "g/criterion": "G loss"}
"""Losses that are recorded at every step -> their titles, in the order of `curves.csv`."""
Share = Annotated[Number, Field(ge=0, le=1)]


def one_or_more(value: object) -> object:
    """A single name as a list of one."""
    return [value] if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(one_or_more)]
"""One name, or a list of them."""


class WithMargin(Entry):
    """A difference takes `by`, the least one meant; an equivalence `within`, its margin."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"is": {"const": "equivalent"}}},
            "then": {"not": {"required": ["by"]}},
            "else": {"not": {"required": ["within"]}},
        }
    )

    @model_validator(mode="after")
    def _margin_fits(self) -> Self:
        expected, by, within = (getattr(self, key) for key in ("expected", "by", "within"))
        if expected == "equivalent" and by is not None:
            raise ValueError("`by` is for a difference; equivalent takes `within`")
        if expected != "equivalent" and within is not None:
            raise ValueError(f"`within` is for equivalent; {expected} takes `by`")
        return self


class Points(WithMargin):
    """The metric at one point of the training against another point of the same trials."""

    at: PositionText
    against: PositionText
    expected: Literal["better", "worse", "lower", "higher", "equivalent"] = Field(alias="is")
    by: MarginText | None = None
    within: MarginText | None = None


class Trend(Entry):
    """The metric rises, falls or stays over a part of the training."""

    expected: Literal["rising", "falling", "flat"] = Field(alias="is")
    start: PositionText | None = Field(None, alias="from")
    until: PositionText | None = None


class Recovery(Entry):
    """The metric gets worse by `drop` and later better again by `recover`."""

    drop: MarginText
    recover: MarginText | None = Field(None, description="to the level before if left out")
    at_least: Share = Field(0.5, description="of the trials")


class CurveSpread(WithMargin):
    """How much the curve fluctuates, against another arm's."""

    expected: Literal["lower", "higher", "equivalent"] = Field(alias="is")
    to: Names = ()
    by: MarginText | None = None
    within: MarginText | None = None
    start: PositionText | None = Field(None, alias="from")


class Reaches(Entry):
    """The curve gets to a level by a point of the training, or earlier than another arm."""

    level: Number
    until: PositionText | None = None
    before: str | None = Field(None, description="an arm")
    at_least: Share = Field(0.5, description="of the trials, with until")
    exactly_one: ClassVar[Mapping[tuple[str, ...], str]] = {
        ("until", "before"): "a point, or an arm"
    }


class Settles(Entry):
    """The curve settles earlier than another arm's, or than that of the arm's own reference.

    It has settled at the first block (or measured point) after which it stays within a band round
    its final level, the mean of its last fifth. The band is `within` of the curve's own range to
    each side, so curves of other scales can be set beside each other.
    """

    before: str | None = Field(None, description="an arm; else the arm's own")
    within: Annotated[Number, Field(gt=0, lt=1)] = 0.25


Shape = Points | Trend | Recovery | CurveSpread | Reaches | Settles

"""Kinds of values that the models of a study share: names, lines of text, margins, positions."""

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetJsonSchemaHandler,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import CoreSchema

from ganablate.files import PUBLISHED
from ganablate.study.reading.document import read_number
from ganablate.study.reading.wording import show

STUDY_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")
NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.+-]{0,62}[A-Za-z0-9_+-])?")
_DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
"""Names that Windows keeps for devices: no folder of results can be called so there."""
_UNITS = ("epochs", "iterations", "images")


def one_key_of(keys: Iterable[str]) -> dict[str, Any]:
    """JSON schema of a mapping that has just one of these keys."""
    return {"oneOf": [{"required": [key]} for key in keys]}


class Entry(BaseModel):
    """A mapping of a study: unknown keys are refused, and nothing changes afterwards."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)
    exactly_one: ClassVar[Mapping[tuple[str, ...], str]] = {}
    """Keys of which the mapping has exactly one -> what else there is to say of them."""

    @model_validator(mode="after")
    def _has_exactly_one(self) -> Self:
        for keys, more in self.exactly_one.items():
            given = [key for key in keys if getattr(self, key) not in (None, ())]
            if len(given) != 1:
                hint = f" ({more})" if more else ""
                wrong = f"{' and '.join(given)} are given" if given else "none is given"
                raise ValueError(f"exactly one of {', '.join(keys)} is needed{hint}; {wrong}")
        return self

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        schema = handler(core_schema)
        if cls.exactly_one:
            body = handler.resolve_ref_schema(schema)
            body["allOf"] = [one_key_of(keys) for keys in cls.exactly_one]
        return schema


def named_schema(name: str) -> WithJsonSchema:
    """Marks values that the JSON schema describes once, under a name."""
    return WithJsonSchema({"names": name})


def study_name(text: str) -> str:
    """The text, if a study may be called so.

    Raises:
        ValueError: it may not; the text says what a name is made of.
    """
    reason = ""
    if not STUDY_NAME.fullmatch(text):
        reason = (
            "a study's name has lower-case letters, digits, _ and -, starts with a letter and is "
            "at most 64 long"
        )
    elif text == PUBLISHED:
        reason = f"the folder results/{PUBLISHED}/ holds the published records of all studies"
    if reason:
        raise ValueError(f"{show(text)} is not allowed; {reason}")
    return _name(text)


def _name(text: str) -> str:
    reason = "Windows keeps this name for a device" if _DEVICE.fullmatch(text) else ""
    if not NAME.fullmatch(text):
        reason = (
            "a name has letters, digits, _ . + and -, starts with a letter or digit, does not end "
            "with a dot and is at most 64 long"
        )
    if reason:
        raise ValueError(f"{show(text)} is not allowed; {reason}")
    return text


def _line(text: str) -> str:
    line = " ".join(text.split())
    if not line:
        raise ValueError("the text is empty")
    if not line.isprintable():
        raise ValueError("the text holds characters that cannot be printed")
    return line


def _number(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError(f"a number is needed, not the truth value {show(value)}")
    if isinstance(value, str):
        number = read_number(value)
        if number is None:
            raise ValueError(f"{show(value)} is given; a number is needed")
        return number
    return value


def _pattern(of: re.Pattern[str]) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "pattern": f"^{of.pattern}$"})


StudyName = Annotated[str, AfterValidator(study_name), _pattern(STUDY_NAME)]
Name = Annotated[str, AfterValidator(_name), _pattern(NAME)]
ColumnName = Annotated[str, named_schema("column")]
CurveName = Annotated[str, named_schema("curve")]
"""Of a column measured on images, or of a loss."""
Line = Annotated[str, AfterValidator(_line)]
Number = Annotated[float, BeforeValidator(_number)]
Whole = Annotated[int, BeforeValidator(_number)]


class Margin(Entry):
    """How large a difference is meant: a ratio above 1, or an absolute amount of the metric."""

    amount: float
    unit: Literal["ratio", "absolute"]

    def __str__(self) -> str:
        return f"{self.amount:g}x" if self.unit == "ratio" else f"{self.amount:g}"


def _margin(value: object) -> object:
    """`1.25x` is a ratio, a plain number an absolute amount."""
    if isinstance(value, Margin):
        return value
    text = str(value).strip()
    usable = isinstance(value, str | int | float) and not isinstance(value, bool)
    number = read_number(text.removesuffix("x")) if usable else None
    ratio = text.endswith("x")
    if number is None:
        needed = "a ratio such as 1.25x or an amount is needed"
    elif ratio and number <= 1:
        needed = "a ratio above 1 is needed, such as 1.25x"
    elif number <= 0:
        needed = "an amount above 0 is needed"
    else:
        return Margin(amount=float(number), unit="ratio" if ratio else "absolute")
    raise ValueError(f"{show(value)} is given; {needed}")


MarginText = Annotated[Margin, BeforeValidator(_margin), named_schema("Margin")]


class Position(Entry):
    """A point of the training: so many epochs, iterations or images, or a share of it (0 to 1)."""

    amount: float
    unit: Literal["epochs", "iterations", "images", "share"]

    def __str__(self) -> str:
        if self.unit == "share":
            return f"{100 * self.amount:g}%"
        return f"{self.amount:g} {self.unit}"


def _position(value: object) -> object:
    """`20 epochs`, `5000 iterations`, `40000 images` or `50%` of the training."""
    if isinstance(value, Position):
        return value
    text = value.strip() if isinstance(value, str) else ""
    if text.endswith("%"):
        share = read_number(text[:-1].strip())
        if share is not None and 0 < share <= 100:
            return Position(amount=share / 100, unit="share")
    amount, _, unit = text.partition(" ")
    number = read_number(amount)
    unit = unit.strip()
    if number is not None and number > 0 and unit in _UNITS:
        return Position.model_validate({"amount": float(number), "unit": unit})
    raise ValueError(
        f"{show(value)} is given; a point of the training is needed, such as 20 epochs, "
        "5000 iterations, 40000 images or 50%"
    )


PositionText = Annotated[Position, BeforeValidator(_position), named_schema("Position")]


class BesideSettings(Entry):
    """A mapping that holds settings beside its own keys; the model keeps them apart."""

    into: ClassVar[str] = "settings"
    """The field that takes the settings."""

    @classmethod
    def own_keys(cls) -> tuple[str, ...]:
        """The keys that are no settings."""
        return tuple(name for name in cls.model_fields if name != cls.into)

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, given: object) -> object:
        if not isinstance(given, Mapping):
            return given
        keys = {key: given[key] for key in cls.own_keys() if key in given}
        return {**keys, cls.into: {key: given[key] for key in given if key not in keys}}

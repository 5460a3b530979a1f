"""Turns pydantic's errors into plain sentences: what was given, what is allowed."""

import types
import typing
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from ganablate.study.reading.errors import Fault, KeyPath, dotted
from ganablate.study.reading.wording import show, unknown

_NEEDED = {
    "string_type": "text is needed",
    "bool_type": "true or false is needed",
    "int_type": "a whole number is needed",
    "int_parsing": "a whole number is needed",
    "int_from_float": "a whole number is needed",
    "float_type": "a number is needed",
    "float_parsing": "a number is needed",
    "finite_number": "a finite number is needed",
    "list_type": "a list is needed",
    "tuple_type": "a list is needed",
    "dict_type": "a mapping (name: value) is needed",
    "model_type": "a mapping (name: value) is needed",
    "model_attributes_type": "a mapping (name: value) is needed",
    "too_short": "at least {min_length} is needed",
    "greater_than_equal": "at least {ge} is needed",
    "greater_than": "a number above {gt} is needed",
    "less_than_equal": "at most {le} is allowed",
    "less_than": "a number below {lt} is needed",
}


def fault_of(error: Mapping[str, Any], model: type[BaseModel], document: Any) -> Fault:
    """One error of `ValidationError.errors()` as a fault at its key in the document."""
    kind, given, context = error["type"], error["input"], error.get("ctx", {})
    path = _written(error["loc"], document)
    where = f"{dotted(path)}: " if path else ""
    if kind == "extra_forbidden":
        key = str(error["loc"][-1])
        around = dotted(path[:-1])
        place = f"a key of {around}" if around else "a key of a study"
        return Fault(path, f"{where}{unknown(place, key, _keys_at(model, error['loc'][:-1]))}")
    if kind == "missing":
        key = str(error["loc"][-1])
        return Fault(path, f"{where}the key {show(key)} is missing")
    if kind == "value_error":
        return Fault(path, where + str(context["error"]))
    if kind == "literal_error":
        allowed = [str(value) for value in _literals(model, error["loc"])]
        return Fault(path, where + unknown("allowed", given, allowed))
    if kind in _NEEDED:
        empty = "an empty list" if kind == "too_short" else show(given)
        needed = _NEEDED[kind].format(**context)
        if kind in ("list_type", "tuple_type") and isinstance(given, str | int | float):
            needed += f": [{given}]"
        if "mapping" in needed and isinstance(given, str) and ":" in given:
            needed += "; a space is needed after the colon"
        return Fault(path, f"{where}{empty} is given; {needed}")
    return Fault(path, f"{where}{show(given)} is not allowed; {error['msg']}")


def _written(loc: tuple[str | int, ...], document: Any) -> KeyPath:
    """The part of pydantic's location that stands in the document."""
    path: list[str | int] = []
    for part in loc:
        inside = isinstance(document, dict) and part in document
        if not inside and not (
            isinstance(document, list) and isinstance(part, int) and part < len(document)
        ):
            # Settings that a model keeps apart stand beside its own keys in the document.
            continue
        path.append(part)
        document = document[part]
    return tuple(path)


def _bare(annotation: Any) -> Any:
    while True:
        origin = typing.get_origin(annotation)
        if origin is typing.Annotated:
            annotation = typing.get_args(annotation)[0]
        elif origin in (typing.Union, types.UnionType):
            annotation = next(a for a in typing.get_args(annotation) if a is not type(None))
        else:
            return annotation


def _annotation_at(model: type[BaseModel], loc: tuple[str | int, ...]) -> Any:
    """The type that stands at a location of the model."""
    annotation: Any = model
    for part in loc:
        annotation = _bare(annotation)
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            fields = {info.alias or name: info for name, info in annotation.model_fields.items()}
            if part not in fields:
                return None
            annotation = fields[str(part)].annotation
        else:
            arguments = typing.get_args(annotation)
            annotation = arguments[-1] if arguments and arguments[-1] is not ... else arguments[0]
    return _bare(annotation)


def _keys_at(model: type[BaseModel], loc: tuple[str | int, ...]) -> list[str]:
    found = _annotation_at(model, loc)
    return [info.alias or name for name, info in found.model_fields.items()]


def _literals(model: type[BaseModel], loc: tuple[str | int, ...]) -> tuple[Any, ...]:
    return typing.get_args(_annotation_at(model, loc))

"""Turns pydantic's errors into plain sentences: what was given, what is allowed."""

import typing
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from ganablate.catalog.settings import bare_type
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
    "dataclass_type": "a ganablate.catalog.{class_name} is needed",
    "model_attributes_type": "a mapping (name: value) is needed",
    "too_short": "at least {min_length} is needed",
    "greater_than_equal": "at least {ge} is needed",
    "greater_than": "a number above {gt} is needed",
    "less_than_equal": "at most {le} is allowed",
    "less_than": "a number below {lt} is needed",
}


def fault_of(error: Mapping[str, Any], model: type[BaseModel], document: Any) -> Fault:
    """One error of `ValidationError.errors()` as a fault at its key in the document."""
    path = _written(error["loc"], document)
    where = f"{dotted(path)}: " if path else ""
    around = dotted(path[:-1]) if error["type"] == "extra_forbidden" else ""
    return Fault(path, where + sentence(error, model, around or "a study"))


def sentence(error: Mapping[str, Any], model: type, around: str) -> str:
    """What was given and what is allowed; `around` is what the key at fault would belong to."""
    kind, given, context = error["type"], error["input"], error.get("ctx", {})
    key = str(error["loc"][-1]) if error["loc"] else ""
    if kind in ("extra_forbidden", "unexpected_keyword_argument"):
        return unknown(f"a key of {around}", key, _fields(_type_at(model, error["loc"][:-1])))
    if kind == "missing":
        return f"the key {show(key)} is missing"
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error":
        allowed = typing.get_args(_type_at(model, error["loc"]))
        return unknown("allowed", given, map(str, allowed))
    if kind not in _NEEDED:
        return f"{show(given)} is not allowed; {error['msg']}"
    empty = "an empty list" if kind == "too_short" else show(given)
    needed = _NEEDED[kind].format(**context)
    if kind in ("list_type", "tuple_type") and isinstance(given, str | int | float):
        needed += f": [{given}]"
    if "mapping" in needed and isinstance(given, str) and ":" in given:
        needed += "; a space is needed after the colon"
    return f"{empty} is given; {needed}"


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


def _fields(model: Any) -> dict[str, Any]:
    """The keys of a model or a checked dataclass, and what each may be."""
    fields = getattr(model, "__pydantic_fields__", {})
    return {info.alias or name: info.annotation for name, info in fields.items()}


def _type_at(model: type, loc: tuple[str | int, ...]) -> Any:
    """The type that stands at a location of the model."""
    annotation: Any = model
    for part in loc:
        if fields := _fields(annotation):
            annotation = fields.get(str(part))
        else:
            *_, last = (kind for kind in typing.get_args(annotation) if kind is not ...)
            annotation = last
        annotation = bare_type(annotation)[0]
    return annotation

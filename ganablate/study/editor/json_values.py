"""JSON schemas of single values of a YAML file: settings, numbers, margins, catalog names."""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from ganablate.catalog import DATASETS, FOLDER_PREFIX, Part
from ganablate.config import TrialConfig
from ganablate.study.arms.settings import ABSENT, SETTINGS, TABLES
from ganablate.study.reading.document import NUMBER

Schema = dict[str, Any]

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_BOUNDS = {"ge": "minimum", "le": "maximum", "gt": "exclusiveMinimum", "lt": "exclusiveMaximum"}
_NUMBER = f"(?:{NUMBER.pattern})"
_LABELS = ("real_labels", "fake_labels")

MARGIN: Schema = {
    "type": ["number", "string"],
    "exclusiveMinimum": 0,
    "pattern": rf"^\s*\+?{_NUMBER}x?\s*$",
    "description": "a ratio such as 1.25x, or an amount of the metric",
}
POSITION: Schema = {
    "type": "string",
    "pattern": rf"^\s*({_NUMBER}\s*%|{_NUMBER} +(epochs|iterations|images))\s*$",
    "description": "a point of the training: 20 epochs, 5000 iterations, 40000 images or 50%",
}
POINT: Schema = {
    "anyOf": [
        {"enum": ["last", "lowest", "highest"]},
        {
            "type": "object",
            "properties": {"mean_of_last": {"type": "integer", "minimum": 2}},
            "required": ["mean_of_last"],
            "additionalProperties": False,
        },
    ]
}


def model_schema(model: type[BaseModel], title: str) -> Schema:
    """The JSON schema of a model whose values come from a YAML file as our loader reads it."""
    schema: Schema = _tidied(model.model_json_schema(schema_generator=_OfYaml))
    return {"$schema": _DRAFT, "title": title, **schema}


def one_of(table: Mapping[str, Part]) -> Schema:
    """A name of a table of the catalog; an editor shows what each is."""
    return {"enum": list(table), "enumDescriptions": [part.summary for part in table.values()]}


def dataset_name() -> Schema:
    """A data set of the catalog, or `folder:NAME`."""
    folder = {"type": "string", "pattern": f"^{FOLDER_PREFIX}."}
    return {"anyOf": [one_of(DATASETS), folder]}


def setting_values() -> dict[str, Schema]:
    """Setting -> the values that it takes in `base`, and each level of it as a factor."""
    fields = model_schema(TrialConfig, "")["properties"]
    return {name: _setting_value(name, fields) for name in SETTINGS}


def exactly_one(keys: Iterable[str]) -> list[Schema]:
    """Takes the place of `oneOf`: a mapping has just one of these keys."""
    return [{"required": [key]} for key in keys]


class _OfYaml(GenerateJsonSchema):
    """Knows what the checks before the models' own take: text that spells a number, one name."""

    def function_before_schema(self, schema: core_schema.BeforeValidatorFunctionSchema) -> Schema:
        inner = super().function_before_schema(schema)
        if inner.get("type") in ("number", "integer"):
            # 1_400_000 is a number to us and text to an editor that reads YAML 1.2.
            return {**inner, "type": [inner["type"], "string"], "pattern": f"^{_NUMBER}$"}
        if inner.get("type") == "array" and inner.get("items", {}).get("type") == "string":
            return {**inner, "type": ["array", "string"]}
        return inner


def _tidied(schema: Any) -> Any:
    """Without titles and nulls (an empty value is a mistake in a study), bounds by their name."""
    if isinstance(schema, list):
        return [_tidied(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    tidy: Schema = {}
    for key, value in schema.items():
        if key in ("properties", "$defs"):
            tidy[key] = {name: _tidied(part) for name, part in value.items()}
        elif key == "description":
            tidy[key] = " ".join(value.split())
        elif key == "default":
            tidy |= {} if value in (None, [], {}) else {key: value}
        elif key != "title":
            tidy[str(_BOUNDS.get(key, key))] = _tidied(value)
    options = [part for part in tidy.get("anyOf", ()) if part != {"type": "null"}]
    if len(options) == 1:
        del tidy["anyOf"]
        return {**options[0], **tidy}
    return {**tidy, "anyOf": options} if options else tidy


def _setting_value(name: str, fields: Mapping[str, Schema]) -> Schema:
    field, *others = SETTINGS[name].fields
    own = {key: value for key, value in fields[field].items() if key != "default"}
    description = own.pop("description", "")
    if others:
        description = f"{field} and {others[0]} at once"
    if name == "dataset":
        own = dataset_name()
    elif field in TABLES:
        own = one_of(TABLES[field][1])
    elif name in _LABELS:
        own = {
            "type": ["number", "string"],
            "minimum": 0,
            "maximum": 1,
            "pattern": rf"^{_NUMBER}(\.\.{_NUMBER})?$",
        }
    if name in ABSENT:
        own = {"anyOf": [own, {"const": ABSENT[name]}]}
    return {**own, "description": description}

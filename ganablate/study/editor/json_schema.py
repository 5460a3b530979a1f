"""The JSON schema of study files: with it an editor completes and checks them.

It is made of the models and the catalog, so that it knows every name, range and unit that they do.
It refuses nothing that `load_study` takes; what takes the whole study to see (an arm that a claim
names, levels that a budget must restate) passes here and is said by `ganablate validate`.
"""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from ganablate.catalog import (
    DATASETS,
    FOLDER_PREFIX,
    METRICS,
    NAMED_EXTRACTORS,
    PROBES,
    SETTINGS,
    TRAINERS,
    Part,
    Setting,
    metric_columns,
    probe_columns,
)
from ganablate.catalog.settings import BOUNDS, LENGTHS
from ganablate.study.claims.curve_shapes import LOSS_CURVES
from ganablate.study.reading.document import NUMBER
from ganablate.study.reading.fields import one_key_of
from ganablate.study.schema import OWN, Budget, Study
from ganablate.study.search.space import NOT_SEARCHED

STUDY_SCHEMA = "study.schema.json"
"""File name: it lies beside the studies, which name it in their first line."""
Schema = dict[str, Any]

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_SCALARS: tuple[Schema, ...] = tuple({"type": kind} for kind in ("number", "string", "boolean"))
_NUMBER = f"(?:{NUMBER.pattern})"
_VALUES: dict[str, Schema] = {
    "Margin": {
        "type": ["number", "string"],
        "exclusiveMinimum": 0,
        "pattern": rf"^\s*\+?{_NUMBER}x?\s*$",
        "description": "a ratio such as 1.25x, or an amount of the metric",
    },
    "Position": {
        "type": "string",
        "pattern": rf"^\s*({_NUMBER}\s*%|{_NUMBER} +(epochs|iterations|images))\s*$",
        "description": "a point of the training: 20 epochs, 5000 iterations, 40000 images or 50%",
    },
    "Point": {
        "anyOf": [
            {"enum": ["last", "lowest", "highest"]},
            {
                "type": "object",
                "properties": {"mean_of_last": {"type": "integer", "minimum": 2}},
                "required": ["mean_of_last"],
                "additionalProperties": False,
            },
        ]
    },
    "extractor": {"enum": [OWN, *NAMED_EXTRACTORS]},
}
"""Values that a check of our own reads; the models name them by `named_schema`."""


def schema_line(schema: str) -> str:
    """The line by which a YAML file names its schema to an editor."""
    return f"# yaml-language-server: $schema={schema}"


def model_schema(model: type[BaseModel], title: str) -> Schema:
    """The JSON schema of a model whose values come from a YAML file as our loader reads it."""
    schema: Schema = _tidied(model.model_json_schema(schema_generator=_OfYaml))
    return {"$schema": _DRAFT, "title": title, **schema}


def study_schema() -> Schema:
    """The JSON schema (draft 2020-12) of a study file."""
    schema = model_schema(Study, "A study of ganablate")
    parts, keys = schema["$defs"], schema["properties"]
    columns = {**metric_columns(list(METRICS)), **probe_columns(PROBES)}
    titles = [f"{column.title}, {column.unit}" for column in columns.values()]
    to = parts["NamedArm"]["properties"]["compare_to"]
    because = parts["Exclude"]["properties"]["because"]
    parts |= {_key(name): _setting(setting) for name, setting in SETTINGS.items()}
    parts |= _VALUES | {
        "column": {"enum": list(columns), "enumDescriptions": titles},
        "curve": {"enum": [*LOSS_CURVES, *columns]},
        "changes": _mapping(_each(_value_or_list)),
        "NamedArm": _mapping({"compare_to": to, **_each(_value_or_list)}),
        "Exclude": {
            **_mapping({"because": because, **_each(_value_or_list)}),
            "required": ["because"],
            "minProperties": 2,
        },
        "Budget": _budget(parts["Budget"]),
        "component": _mapping(_each(_value)),
    }
    keys["base"] |= _mapping(_each(_value))
    for section in ("ablate", "cross"):
        keys[section] |= {"properties": _each(_levels), "additionalProperties": False}
    # A component is called as the setting that leaves it out, or as one likes.
    component = {"$ref": "#/$defs/component"}
    own = {name: {"anyOf": [_value(name), component]} for name in SETTINGS}
    keys["remove"] |= {"properties": own, "additionalProperties": component}
    keys["search"] |= {"properties": _searched(""), "additionalProperties": False}
    keys["metrics"]["items"] = one_of(METRICS)
    keys["probes"]["items"] = one_of(PROBES)
    column = {"$ref": "#/$defs/column"}
    several = {"type": "array", "items": column, "minItems": 1, "uniqueItems": True}
    about = keys["primary"]["description"]
    keys["primary"] = {"anyOf": [column, several], "description": about}
    keys["points"]["propertyNames"] = {"enum": list(columns)}
    # What base must say, unless the factors of a full factorial do.
    paired = all(line.has_pair for line in TRAINERS.values())
    base = {"required": ["dataset", *(["network"] if paired else [])], **one_key_of(LENGTHS)}
    needed = {"if": {"not": {"required": ["cross"]}}, "then": {"properties": {"base": base}}}
    return schema | needed


# --- models ---


class _OfYaml(GenerateJsonSchema):
    """Knows what the checks before the models' own take: text that spells a number, one name."""

    def function_before_schema(self, schema: core_schema.BeforeValidatorFunctionSchema) -> Schema:
        inner = super().function_before_schema(schema)
        if inner.get("type") in ("number", "integer"):
            # 1_400_000 is a number to us and text to an editor that reads YAML 1.2.
            return {**inner, "type": [inner["type"], "string"], "pattern": f"^{_NUMBER}$"}
        items = inner.get("items", {})
        if inner.get("type") == "array" and ("names" in items or items.get("type") == "string"):
            return {**inner, "type": ["array", "string"]}
        return inner

    def dict_schema(self, schema: core_schema.DictSchema) -> Schema:
        inner = super().dict_schema(schema)
        for pattern, values in inner.pop("patternProperties", {}).items():
            inner |= {"additionalProperties": values, "propertyNames": {"pattern": pattern}}
        return inner


def _tidied(schema: Any) -> Any:
    """Without titles and nulls (an empty value is a mistake in a study), names as references."""
    if isinstance(schema, list):
        return [_tidied(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    tidy: Schema = {}
    for key, value in schema.items():
        tidy |= _tidied_key(key, value)
    options = [part for part in tidy.get("anyOf", ()) if part != {"type": "null"}]
    if len(options) == 1:
        del tidy["anyOf"]
        return {**options[0], **tidy}
    return {**tidy, "anyOf": options} if options else tidy


def _tidied_key(key: str, value: Any) -> Schema:
    match key:
        case "properties" | "$defs":
            return {key: {name: _tidied(part) for name, part in value.items()}}
        case "description":
            return {key: " ".join(value.split())}
        case "names":
            return {"$ref": f"#/$defs/{value}"}
        case "default":
            return {} if value in (None, [], {}) else {key: value}
        case "title":
            return {}
    return {BOUNDS.get(key, key): _tidied(value)}


# --- settings ---


def one_of(lines: Mapping[str, Part]) -> Schema:
    """A name of a table of the catalog; an editor shows what each is."""
    return {"enum": list(lines), "enumDescriptions": [part.summary for part in lines.values()]}


def _setting(setting: Setting) -> Schema:
    """The values that a setting takes in `base`, and each level of it as a factor."""
    if setting.number:
        kinds = ["integer" if setting.whole else "number", "string"]
        values = {"type": kinds, "pattern": f"^{_NUMBER}$", **setting.bounds}
    elif setting.kind == "truth":
        values = {"type": "boolean"}
    elif setting.kind == "labels":
        pattern = rf"^{_NUMBER}(\.\.{_NUMBER})?$"
        values = {"type": ["number", "string"], "pattern": pattern, **setting.bounds}
    elif setting.name == "dataset":
        folder = {"type": "string", "pattern": f"^{FOLDER_PREFIX}."}
        values = {"anyOf": [one_of(DATASETS), folder]}
    elif setting.table is not None:
        values = one_of(setting.table.lines)
    else:
        values = {"enum": list(setting.choices)}
    if setting.absent is not None and setting.absent not in setting.choices:
        values = {"anyOf": [values, {"const": setting.absent}]}
    return {**values, "description": setting.text}


def _value(setting: str) -> Schema:
    return {"$ref": f"#/$defs/{_key(setting)}"}


def _key(setting: str) -> str:
    """Of its definition; that of one which a part declares is called as nothing else is."""
    return f"own-{setting}" if SETTINGS[setting].own else setting


def _levels(setting: str) -> Schema:
    return {"type": "array", "items": _value(setting), "minItems": 1}


def _value_or_list(setting: str) -> Schema:
    return {"anyOf": [_value(setting), {"type": "array", "items": _value(setting)}]}


def _searched(prefix: str) -> dict[str, Schema]:
    """A space for each setting that can be searched: one kind, with its ends or its levels."""
    spaces = {}
    for name in SETTINGS:
        if name in NOT_SEARCHED:
            continue
        values = {"type": "array", "items": _value(name), "minItems": 2}
        kinds = {"choice": values}
        if SETTINGS[name].whole:
            kinds["int"] = {**values, "maxItems": 2}
        elif SETTINGS[name].number:
            kinds |= {kind: {**values, "maxItems": 2} for kind in ("uniform", "log_uniform")}
        spaces[f"{prefix}{name}"] = {
            "type": "object", "properties": kinds, "additionalProperties": False,
            "minProperties": 1, "maxProperties": 1,
        }  # fmt: skip
    return spaces


def _each(make: Callable[[str], Schema]) -> dict[str, Schema]:
    return {name: make(name) for name in SETTINGS}


def _mapping(properties: dict[str, Schema]) -> Schema:
    """Settings, among other keys; of epochs and iterations at most one."""
    return {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        "not": {"required": list(LENGTHS)},
    }


def _budget(schema: Schema) -> Schema:
    own = {name: schema["properties"][name] for name in Budget.own_keys()}
    restated = _searched("search.")
    for name in SETTINGS:
        restated[f"ablate.{name}"] = {"type": "array", "items": _value(name)}
        restated[f"cross.{name}"] = _levels(name)
    return {
        "description": schema["description"].partition(".")[0],
        **_mapping({**own, **_each(_value), **restated}),
        "patternProperties": {
            r"^arms\.": {"$ref": "#/$defs/changes"},
            r"^remove\.": {"anyOf": [{"$ref": "#/$defs/component"}, *_SCALARS]},
        },
    }

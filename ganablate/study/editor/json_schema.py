"""The JSON schema of study files: with it an editor completes and checks them.

It is made of the models and the catalog, so that it knows every name, range and unit that they do.
It refuses nothing that `load_study` takes; what takes the whole study to see (an arm that a claim
names, levels that a budget must restate) passes here and is said by `ganablate validate`.
"""

from collections.abc import Callable
from typing import Any

from ganablate.catalog import METRICS, NAMED_EXTRACTORS, PROBES, metric_columns, probe_columns
from ganablate.study.arms.settings import LENGTHS, SETTINGS
from ganablate.study.claims.claims import CURVE_SHAPES, KINDS
from ganablate.study.claims.curve_shapes import LOSS_CURVES
from ganablate.study.editor.json_values import (
    MARGIN,
    POINT,
    POSITION,
    Schema,
    dataset_name,
    exactly_one,
    model_schema,
    one_of,
    setting_values,
)
from ganablate.study.reading.fields import NAME, STUDY_NAME
from ganablate.study.schema import BUDGET_KEYS, OWN, Study
from ganablate.study.search.space import NOT_SEARCHED

STUDY_SCHEMA = "study.schema.json"
"""File name: it lies beside the studies, which name it in their first line."""

_ARMS = ("arm", "arms")
EXACTLY_ONE: dict[str, tuple[tuple[str, ...], ...]] = {
    "Claim": (KINDS,),
    "Compare": (_ARMS,),
    "OutcomeRate": (_ARMS, ("at_least", "at_most")),
    "Relation": (_ARMS,),
    "Curve": (_ARMS, CURVE_SHAPES),
    "Visual": (_ARMS,),
    "NoneStated": (_ARMS,),
    "Reaches": (("until", "before"),),
    "Arithmetic": (("published", "sum"),),
    "Published": (("metric", "quantity"),),
}
"""Keys of which a mapping has exactly one, by the name of its model."""

_WITH_MARGIN = ("Compare", "Points", "CurveSpread")
"""Models of `ganablate.study.claims.claims.curve_shapes.WithMargin`."""


def schema_line(schema: str) -> str:
    """The line by which a YAML file names its schema to an editor."""
    return f"# yaml-language-server: $schema={schema}"


def study_schema() -> Schema:
    """The JSON schema (draft 2020-12) of a study file."""
    schema = model_schema(Study, "A study of ganablate")
    parts, keys = schema["$defs"], schema["properties"]
    to = parts["NamedArm"]["properties"]["compare_to"]
    parts |= setting_values() | {
        "Margin": MARGIN,
        "Position": POSITION,
        "Point": POINT,
        "extractor": {"enum": [OWN, *NAMED_EXTRACTORS]},
        "changes": _mapping(_each(_value_or_list)),
        "NamedArm": _mapping({"compare_to": to, **_each(_value_or_list)}),
        "Exclude": _excluding(parts["Exclude"]),
        "Budget": _amount_of_work(parts["Budget"]),
    }
    keys["study"]["pattern"] = f"^{STUDY_NAME.pattern}$"
    keys["base"] |= _mapping(_each(_value))
    for section in ("ablate", "cross"):
        keys[section] |= {"properties": _each(_levels), "additionalProperties": False}
    keys["search"] |= {"properties": _searched(""), "additionalProperties": False}
    for section in ("arms", "budgets", "folders"):
        keys[section]["propertyNames"] = {"pattern": f"^{NAME.pattern}$"}
    keys["extractor"]["$ref"] = "#/$defs/extractor"
    _name_columns(keys, parts)
    _constrain(parts)
    return schema | _needed_in_base()


def _value(setting: str) -> Schema:
    return {"$ref": f"#/$defs/{setting}"}


def _levels(setting: str) -> Schema:
    return {"type": "array", "items": _value(setting), "minItems": 1}


def _value_or_list(setting: str) -> Schema:
    return {"anyOf": [_value(setting), {"type": "array", "items": _value(setting)}]}


def _searched(before: str) -> dict[str, Schema]:
    """A space for each setting that can be searched."""
    names = (name for name in SETTINGS if name not in NOT_SEARCHED)
    return {f"{before}{name}": _space(name) for name in names}


def _space(setting: str) -> Schema:
    """One kind of space with its list: the lowest and the highest, or the levels."""
    values = {"type": "array", "items": _value(setting), "minItems": 2}
    kinds = {"choice": values}
    if SETTINGS[setting].whole:
        kinds["int"] = {**values, "maxItems": 2}
    elif SETTINGS[setting].number:
        kinds |= {kind: {**values, "maxItems": 2} for kind in ("uniform", "log_uniform")}
    return {
        "type": "object", "properties": kinds, "additionalProperties": False,
        "minProperties": 1, "maxProperties": 1,
    }  # fmt: skip


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


def _needed_in_base() -> Schema:
    """What base must say, unless the factors of a full factorial do."""
    base = {"required": ["dataset", "network"], "oneOf": exactly_one(LENGTHS)}
    return {"if": {"not": {"required": ["cross"]}}, "then": {"properties": {"base": base}}}


def _excluding(own: Schema) -> Schema:
    because = own["properties"]["because"]
    settings = _mapping({"because": because, **_each(_value_or_list)})
    return {**settings, "required": ["because"], "minProperties": 2}


def _amount_of_work(own: Schema) -> Schema:
    kept = {name: own["properties"][name] for name in BUDGET_KEYS if name != "extractor"}
    restated = _searched("search.")
    for name in SETTINGS:
        restated[f"ablate.{name}"] = {"type": "array", "items": _value(name)}
        restated[f"cross.{name}"] = _levels(name)
    extractor = {"extractor": {"$ref": "#/$defs/extractor"}}
    return {
        "description": own["description"].partition(".")[0],
        **_mapping({**kept, **extractor, **_each(_value), **restated}),
        "patternProperties": {r"^arms\.": {"$ref": "#/$defs/changes"}},
    }


def _name_columns(keys: dict[str, Any], parts: dict[str, Any]) -> None:
    """Put the names of the catalog where a study names a metric, a column, a probe or a curve."""
    columns = {**metric_columns(list(METRICS)), **probe_columns(PROBES)}
    titles = [f"{column.title}, {column.unit}" for column in columns.values()]
    parts["column"] = {"enum": list(columns), "enumDescriptions": titles}
    parts["curve"] = {"enum": [*LOSS_CURVES, *columns]}
    keys["metrics"]["items"] = one_of(METRICS)
    keys["probes"]["items"] = one_of(PROBES)
    keys["points"]["propertyNames"] = {"enum": list(columns)}
    keys["primary"]["$ref"] = "#/$defs/column"
    for part, key in (
        ("Compare", "metric"), ("NoneStated", "metric"), ("Published", "metric"),
        ("Relation", "metric"), ("Relation", "than"),
    ):  # fmt: skip
        parts[part]["properties"][key]["$ref"] = "#/$defs/column"
    for part, key in (("Curve", "metric"), ("Association", "metric"), ("Association", "with")):
        parts[part]["properties"][key]["$ref"] = "#/$defs/curve"
    parts["Claim"]["properties"]["data"]["items"] = dataset_name()
    parts["Claim"]["properties"]["id"]["pattern"] = f"^{NAME.pattern}$"
    parts["Arithmetic"]["properties"]["than"]["type"] = ["string", "number"]


def _constrain(parts: dict[str, Any]) -> None:
    """What the models check of several keys together."""
    for name, groups in EXACTLY_ONE.items():
        parts[name]["allOf"] = [{"oneOf": exactly_one(keys)} for keys in groups]
    arms = exactly_one(_ARMS)
    parts["Association"] |= {
        "if": {"properties": {"over": {"const": "training"}}, "required": ["over"]},
        "then": {"oneOf": arms},
        "else": {"not": {"anyOf": arms}},
    }
    for name in _WITH_MARGIN:
        parts[name] |= {
            "if": {"properties": {"is": {"const": "equivalent"}}},
            "then": {"not": {"required": ["by"]}},
            "else": {"not": {"required": ["within"]}},
        }
    parts["Arithmetic"] |= {
        "if": {"required": ["within"]},
        "then": {"properties": {"is": {"const": "equal"}}},
    }

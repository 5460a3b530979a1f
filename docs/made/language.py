"""The tables of keys: of a study, of claims, of settings, of profiles; from the models."""

from collections.abc import Mapping
from typing import Any

from docs.made.markdown import code, table
from ganablate.catalog import SETTINGS
from ganablate.catalog.settings import SHARED
from ganablate.study.editor.json_schema import study_schema
from ganablate.sweep.profile import Profile

_WORDS = {
    "Margin": "`1.25x`, or an amount",
    "Position": "`20 epochs`, `5000 iterations`, `40000 images`, `50%`",
    "Point": "`last`, `lowest`, `highest`, `{mean_of_last: 3}`",
    "column": "a [column](metrics.md)",
    "curve": "a [column](metrics.md), or `d/criterion`, `d/penalty`, `g/criterion`",
    "changes": "settings",
}
"""How a part of the schema is said in a table."""
_KEYS = {
    "base": "[settings](settings.md)",
    "remove": "setting: its value without it; or name: settings",
    "ablate": "setting: list of levels",
    "cross": "setting: list of levels",
    "arms": "name: settings",
    "budgets": "name: settings",
    "folders": "name: mapping",
    "primary": "a [column](metrics.md), or a list of them",
    "metrics": "list of [metrics](metrics.md)",
    "probes": "list of [probes](metrics.md#probes)",
    "search": "setting: its space, such as `{log_uniform: [1e-4, 1e-2]}`",
    "search_length": "`50%`, `5 epochs`, `300 iterations`",
    "points": "column: `last`, `lowest`, `highest` or `{mean_of_last: 3}`",
    "data": "one or a list of [data sets](settings.md#data-sets)",
}
"""How the values of some keys of a study are said: their parts have tables of their own."""
_SAID = {
    "arm": "an arm, by its name",
    "arms": "or several; `all`: every arm but the one compared with",
    "is": "what is claimed",
    "by": "at least by so much",
    "within": "alike within so much",
    "to": "the arms compared with; else the arm's own",
    "metric": "what is looked at",
    "than": "what it is held to",
    "at_least": "share of the trials, 0 to 1",
    "at_most": "share of the trials, 0 to 1",
    "at": "at this point of the training",
    "against": "against this one",
    "from": "a point of the training; else its start",
    "until": "a point of the training; else its end",
    "drop": "by how much it gets worse",
    "level": "the value to get to",
    "with": "the other one",
    "over": "what the pairs of numbers are of",
    "sum": "numbers to add up",
    "published": "a column of `published`",
    "otherwise": "what it means where it does not hold",
    "show": "what to look at",
    "says": "the sentence, in the report's words",
    "value": "the number",
    "replicates": "as for the study, at this budget",
    "evaluations": "as for the study, at this budget",
    "extractor": "as for the study, at this budget",
    "search_trials": "as for the study, at this budget",
    "search_length": "as for the study, at this budget",
}
"""What a key is, where its model does not say: the same word means the same everywhere."""

CLAIM_PARTS = {
    "compare": "Compare",
    "outcome": "OutcomeRate",
    "relation": "Relation",
    "curve": "Curve",
    "points": "Points",
    "trend": "Trend",
    "recovery": "Recovery",
    "spread": "CurveSpread",
    "reaches": "Reaches",
    "settles": "Settles",
    "association": "Association",
    "arithmetic": "Arithmetic",
    "visual": "Visual",
    "none_stated": "NoneStated",
}
"""Kind of claim, or shape of a curve -> its part of the schema."""
_LEFT_OUT = {
    "dataset": "needed",
    "network": "needed",
    "epochs": "exactly one",
    "iterations": "exactly one",
    "image_size": "the data set's",
    "device": "the sweep's",
    "precision": "the sweep's",
}
"""What a setting is where neither a part nor a usual value says it."""


def bounds(node: Mapping[str, Any]) -> str:
    """The range of a number: "1 to 1000", "above 0", "0 or more, below 1"."""
    low, high = node.get("minimum"), node.get("maximum")
    over, under = node.get("exclusiveMinimum"), node.get("exclusiveMaximum")
    if low is not None and high is not None:
        return f"{low:,} to {high:,}"
    parts = [f"{low:,} or more"] if low is not None else []
    parts += [f"above {over:,}"] if over is not None else []
    parts += [f"at most {high:,}"] if high is not None else []
    if under is not None:
        parts.append("below 2⁶³" if under == 2**63 else f"below {under:,}")
    return ", ".join(parts)


def number(node: Mapping[str, Any]) -> str:
    """What a number, or a range of labels, may be."""
    if ".." in node.get("pattern", "").replace("\\", ""):
        return "`0.9`, `0.7..1`"
    kind = "whole number" if "integer" in node["type"] else "number"
    return f"{kind}, {bounds(node)}".rstrip(", ")


def value(node: Mapping[str, Any], parts: Mapping[str, Any]) -> str:
    """What a value may be, in words."""
    if "$ref" in node:
        name = node["$ref"].rpartition("/")[2]
        return _WORDS.get(name) or value(parts[name], parts)
    if "enum" in node or "const" in node:
        return code(node["enum"] if "enum" in node else [node["const"]])
    for key in ("anyOf", "oneOf"):
        if key in node:
            return ", ".join(value(part, parts) for part in node[key])
    kinds = node.get("type", "object")
    if "number" in kinds or "integer" in kinds:
        return number(node)
    if "array" in kinds:
        items = value(node["items"], parts) if node.get("items") else "levels"
        items = {"text": "names", "mapping": "mappings", "number": "numbers"}.get(items, items)
        return f"one or a list of {items}" if "string" in kinds else f"list of {items}"
    if "pattern" in node and node["pattern"].startswith("^folder:"):
        return "`folder:NAME`"
    return {"boolean": "`true`, `false`", "string": "text", "object": "mapping"}[kinds]


def keys(node: Mapping[str, Any], parts: Mapping[str, Any]) -> str:
    """The keys of a mapping: what each may be, and what it is left out."""
    rows = []
    for name, own in node["properties"].items():
        default = own.get("default")
        shown = str(default).lower() if isinstance(default, bool) else default
        left_out = "needed" if name in node.get("required", ()) else ""
        left_out = f"`{shown}`" if default is not None else left_out
        section = "$ref" not in own and own.get("type") != ["array", "string"]
        said = _KEYS.get(name) if section or name == "data" else None
        what = own.get("description") or _SAID.get(name) or f"below, under `{name}`"
        rows.append([f"`{name}`", said or value(own, parts), left_out, what])
    return table(["key", "what it may be", "left out", "what it is"], rows)


def study_keys() -> str:
    """Every key of a study."""
    schema = study_schema()
    return keys(schema, schema["$defs"])


def beside_settings() -> str:
    """The keys that stand beside settings, and those of folders and of published numbers."""
    parts = study_schema()["$defs"]
    found = []
    for where, name in (("arms", "NamedArm"), ("budgets", "Budget"), ("exclude", "Exclude")):
        part = parts[name]
        own = {key: node for key, node in part["properties"].items() if key not in SETTINGS}
        own = {key: node for key, node in own.items() if "." not in key}
        found.append(
            f"An entry of `{where}`, beside settings:\n{keys({**part, 'properties': own}, parts)}"
        )
    for where, name in (("folders", "Folder"), ("published", "Published")):
        found.append(f"An entry of `{where}`:\n{keys(parts[name], parts)}")
    return "\n" + "".join(found)


def claim_keys() -> str:
    """Every key of a claim, kind by kind."""
    parts = study_schema()["$defs"]
    found = [keys(parts["Claim"], parts)]
    for kind, name in CLAIM_PARTS.items():
        says = parts[name].get("description", "").rstrip(".")
        found.append(f"`{kind}`: {says}.\n{keys(parts[name], parts)}")
    return "".join(found)


def default_of(name: str) -> str:
    """What a setting is where a study does not give it."""
    setting = SETTINGS[name]
    if name in _LEFT_OUT:
        return _LEFT_OUT[name]
    for owner in ("criterion", "penalty", "optimizer", "network"):
        lines = SETTINGS[owner].table.lines.values()
        values = (line.brings.get(key) for line in lines for key in (setting.bare, *setting.fields))
        if any(value is not None for value in values):
            return f"the {owner}'s"
    return f"`{setting.usual or setting.absent}`"


def settings() -> str:
    """Every setting; the form for both nets and the two for one of them in one row."""
    parts = study_schema()["$defs"]
    rows = []
    for name in SETTINGS:
        both = name.partition("_")[2]
        if name in SHARED or (both in SHARED and name.startswith("d_")):
            continue
        shared = both in SHARED and name.startswith("g_")
        shown = [both, name, f"d_{both}"] if shared else [name]
        says = parts[name]["description"]
        if shared:
            says = says.replace("G's", "a net's").replace("of G", "of a net")
        allowed = value(parts[name], parts)
        rows.append([code(shown), allowed, default_of(shown[0]), says])
    return table(["setting", "values", "left out", "what it is"], rows)


def profile_keys() -> str:
    """The keys of a file of `sweeps/`."""
    rows = []
    for name, field in Profile.model_fields.items():
        default = "" if field.default is None else f"`{field.default}`"
        rows.append([f"`{name}`", default, field.description or ""])
    return table(["key", "left out", "what it is"], rows)

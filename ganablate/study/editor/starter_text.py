"""A new study as a person would write it: commented, short, with what else there is to say."""

from collections.abc import Iterable, Mapping
from typing import Any

from ganablate.catalog import SETTINGS
from ganablate.study.editor.json_schema import STUDY_SCHEMA, schema_line

_COLUMN = 32
"""Where comments stand."""
_NEEDS_QUOTES = ("#", ": ", '"', "'", "{", "[", "&", "*", "!", "|", ">", "%", "@", "`", "- ", "? ")

_MORE = """\
# Also: cross (every combination of levels), arms (several changes under one name), exclude, probes,
# points, published, null_arm. An editor that knows the schema above proposes them; each has an
# example in studies/README.md of the repository.
"""


def render(values: Mapping[str, Any]) -> str:
    """The file of a study that `starter.study_of` made."""
    budgets = values["budgets"]
    (claim,) = values["claims"]
    arms = 1 + sum(map(len, values["ablate"].values()))
    parts = [
        schema_line(STUDY_SCHEMA),
        f"# Asks: {values['asks']}",
        f"# Cost: {arms} arms x {values['replicates']} replicates. `smoke` is under a minute and "
        "learns nothing;",
        "# `cpu` takes minutes to an hour on 2 CPU cores; `full`, the study as it stands, wants a "
        "GPU.",
        "# Source: where the question comes from.",
        "",
        f"study: {values['study']}",
        f"asks: {_scalar(values['asks'])}",
        "",
        *_folders(values.get("folders", {})),
        *_block("base:", "settings that all arms share", values["base"], describe=True),
        "",
        *_block(
            "ablate:", "one change at a time against the base: an arm a level", values["ablate"]
        ),
        *_MORE.splitlines(),
        "",
        _line("replicates:", values["replicates"], "trainings of each arm; arms share seeds"),
        _line("default_budget:", values["default_budget"], "used without --budget"),
        _commented("budgets:", "put on the base; `full`, which changes nothing, is always there"),
        *_block("  smoke:", "does it run?", budgets["smoke"], indent=4),
        *_block("  cpu:", "does it learn? without a GPU", budgets["cpu"], indent=4),
        "",
        _line("primary:", values["primary"], "the column that effects and ranking are about"),
        _line("metrics:", values["metrics"], ""),
        "",
        _commented("claims:", "what you expect, written down before; the report judges it"),
        f"  - id: {claim['id']}",
        _line("    says:", claim["says"], ""),
        f"    compare: {_mapping(claim['compare'])}",
    ]
    return "\n".join(parts) + "\n"


def _folders(folders: Mapping[str, Any]) -> Iterable[str]:
    for name, facts in folders.items():
        yield _commented("folders:", "own images, under the data root (--data-root)")
        yield f"  {name}: {_mapping(facts)}"
        yield ""


def _block(
    head: str, comment: str, values: Mapping[str, Any], *, indent: int = 2, describe: bool = False
) -> Iterable[str]:
    yield _commented(head, comment)
    for key, value in values.items():
        about = _about(key) if describe else ""
        yield _line(f"{' ' * indent}{key}:", value, about)


def _about(setting: str) -> str:
    """What the setting is; of a form for both nets, that it is one."""
    fields = SETTINGS[setting].fields
    if len(fields) > 1:
        return f"{' and '.join(fields)}"
    return SETTINGS[setting].text


def _line(head: str, value: object, comment: str) -> str:
    return _commented(f"{head} {_scalar(value)}", comment)


def _commented(text: str, comment: str) -> str:
    return f"{text:{_COLUMN}} # {comment}".rstrip() if comment else text


def _mapping(values: Mapping[str, Any]) -> str:
    return "{" + ", ".join(f"{key}: {_scalar(value)}" for key, value in values.items()) + "}"


def _scalar(value: object) -> str:
    """As YAML has it: lists in brackets, numbers as Python reads them, text plain where it can."""
    if isinstance(value, list):
        return "[" + ", ".join(_scalar(item) for item in value) + "]"
    if not isinstance(value, str):
        return str(value).removesuffix(".0")
    plain = value[:1].isalnum() and not any(mark in value for mark in _NEEDS_QUOTES)
    if plain and not value.endswith(":"):
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'

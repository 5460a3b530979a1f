"""`list`: every part that a study can name, built in or brought by a plug-in."""

import textwrap
from collections.abc import Iterable
from typing import Annotated, Any

import typer

from ganablate import catalog
from ganablate.catalog import SETTINGS, TABLES, Part, Setting
from ganablate.catalog.settings import USUAL
from ganablate.cli.console import FAILED, print_json, print_plain, refuse
from ganablate.cli.options import AsJson, Plugins

Kinds = Annotated[
    list[str] | None,
    typer.Argument(help=f"Of: {', '.join(TABLES)}. Else all.", show_default=False),
]
Check = Annotated[
    bool, typer.Option("--check", help="Try the parts of plug-ins out, as the built-in ones are.")
]
_INDENT = "    "
_WIDTH = 100
_BETTER = {"min": "less is better, ", "max": "more is better, "}


def list_parts(
    kinds: Kinds = None, plugin: Plugins = None, check: Check = False, as_json: AsJson = False
) -> None:
    """List criteria, networks, metrics and the rest, with their sources and settings."""
    from ganablate.study.plugins import load_plugins
    from ganablate.study.reading.wording import unknown

    asked = list(dict.fromkeys(kinds or TABLES))
    wrong = [kind for kind in asked if kind not in TABLES]
    if wrong:
        refuse([unknown("a kind of part", kind, TABLES) for kind in wrong])
    loaded = load_plugins(plugin or [])
    if as_json:
        print_json(_parts_as_json(asked))
    elif check and not loaded:
        refuse(["no plug-in is loaded; name one with --plugin"])
    elif not check:
        print_plain(_parts_as_text(asked))
    if check:
        _check(asked)


def _check(kinds: list[str]) -> None:
    """Exercise every part of a plug-in; leaves with exit code 1 if one breaks its contract."""
    from ganablate.project.part_checks import broken

    failed = False
    for kind in kinds:
        for name, part in TABLES[kind].lines.items():
            if part.plugin is None:
                continue
            faults = broken(kind, name)
            failed = failed or bool(faults)
            print_plain(f"{kind} {name}: {'ok' if not faults else ''}".rstrip(" "))
            for fault in faults:
                print_plain(f"  {fault}")
    if failed:
        raise typer.Exit(FAILED)


def _settings_of(part: Part) -> list[tuple[str, Any, Setting]]:
    """Name, default and description of each setting that a part brings into a trial."""
    brought = {"lr": USUAL["g_lr"]} if isinstance(part, catalog.Optimizer) else {}
    return [
        (name, SETTINGS[name].same if default is None else default, SETTINGS[name])
        for name, default in {**brought, **part.brings}.items()
    ]


def _facts(part: Part) -> dict[str, Any]:
    """What else there is to know of a part."""
    match part:
        case catalog.Criterion():
            return {"real above": part.threshold} if part.decides else {}
        case catalog.Network():
            return {"image sizes": "any" if part.image_sizes is None else list(part.image_sizes)}
        case catalog.Dataset():
            return _facts_of_data(part)
        case catalog.Extractor():
            return {"size": part.image_size, "channels": part.channels, "tells": list(part.tells)}
        case catalog.NamedExtractor():
            return {"package": part.package, "weights": part.weights}
        case catalog.Metric():
            return {"needs": part.needs}
        case catalog.Probe():
            return {"needs": list(part.needs)} if part.needs else {}
    return {}


def _facts_of_data(part: catalog.Dataset) -> dict[str, Any]:
    facts = {
        "images": part.images,
        "size": part.image_size or "to be stated",
        "channels": part.channels,
        "classes": part.classes or "none",
        "extractor": part.extractor or "none",
        "needs": "nothing" if part.embedded else "its files, or a download",
    }
    return facts if part.part_of is None else {**facts, "part of": part.part_of}


def _parts_as_json(kinds: Iterable[str]) -> list[dict[str, Any]]:
    """Every part of these kinds, as plain values."""
    return [
        _part_as_json(kind, name, part)
        for kind in kinds
        for name, part in TABLES[kind].lines.items()
    ]


def _part_as_json(kind: str, name: str, part: Part) -> dict[str, Any]:
    entry = {
        "kind": kind,
        "name": name,
        "plugin": part.plugin,
        "digest": part.digest,
        "summary": part.summary,
        "source": part.source,
        "settings": {
            setting: {
                "default": default,
                **known.bounds,
                **({"choices": list(known.choices)} if known.choices else {}),
            }
            for setting, default, known in _settings_of(part)
        },
        "facts": _facts(part),
    }
    if isinstance(part, catalog.Metric | catalog.Probe):
        entry["columns"] = {
            name: {"direction": column.direction, "unit": column.unit, "title": column.title}
            for name, column in part.columns.items()
        }
    if isinstance(part, catalog.Probe):
        entry["pictures"] = dict(part.pictures)
    return entry


def _parts_as_text(kinds: Iterable[str]) -> str:
    """Every part of these kinds: its name and summary, its source, its settings and facts."""
    lines: list[str] = []
    for kind in kinds:
        table = TABLES[kind]
        lines += ["", f"{kind}: in a study, {table.written}"]
        width = max(map(len, table.lines), default=0)
        for name, part in table.lines.items():
            lines += _described(name, part, width)
    return "\n".join(lines[1:])


def _described(name: str, part: Part, width: int) -> list[str]:
    brought = "" if part.plugin is None else f"  (plug-in {part.plugin})"
    below = [part.source]
    settings = [
        f"{name} {'none' if default is None else default}{_allowed(setting)}"
        for name, default, setting in _settings_of(part)
    ]
    if settings:
        below.append(f"settings: {'; '.join(settings)}")
    facts = [f"{key} {_fact_text(value)}" for key, value in _facts(part).items()]
    if facts:
        below.append("; ".join(facts))
    if columns := getattr(part, "columns", {}):
        texts = (
            f"{name} ({_BETTER.get(column.direction, '')}{column.unit})"
            for name, column in columns.items()
        )
        below.append(f"columns: {', '.join(texts)}")
    if pictures := getattr(part, "pictures", {}):
        below.append(f"pictures: {', '.join(pictures)}")
    after = " " * (width + len(_INDENT))
    lines = [f"  {name:{width}}  {part.summary}{brought}"]
    for text in below:
        lines += textwrap.wrap(
            text, _WIDTH, initial_indent=after, subsequent_indent=after + _INDENT,
            break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip
    return lines


def _allowed(setting: Setting) -> str:
    """` in [0, 1)`, ` (none|batch|spectral)`; nothing where a table of its own lists the words."""
    if setting.literals:
        return f" ({'|'.join(setting.literals)})"
    bounds = setting.bounds
    if not bounds:
        return ""
    low = bounds.get("minimum", bounds.get("exclusiveMinimum"))
    high = bounds.get("maximum", bounds.get("exclusiveMaximum"))
    left = "(-inf" if low is None else f"{'[' if 'minimum' in bounds else '('}{low:g}"
    right = "inf)" if high is None else f"{high:g}{']' if 'maximum' in bounds else ')'}"
    return f" in {left}, {right}"


def _fact_text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return f"{value:,}" if isinstance(value, int) else str(value)

"""`list`: every part that a study can name, built in or brought by a plug-in."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from ganablate import catalog
from ganablate.catalog import SETTINGS, TABLES, Part, Setting
from ganablate.catalog.settings import USUAL
from ganablate.cli.console import FAILED, print_json, print_plain, refuse
from ganablate.cli.options import AsJson, Plugins
from ganablate.text import screen_width, wrapped

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
    from ganablate.study.plugins import loaded_plugins
    from ganablate.study.reading.wording import unknown

    chosen = list(dict.fromkeys(kinds or TABLES))
    wrong = [kind for kind in chosen if kind not in TABLES]
    if wrong:
        refuse([unknown("a kind of part", kind, TABLES) for kind in wrong])
    if as_json:
        print_json([_part_as_json(*line) for line in _parts(chosen)])
    elif check and not loaded_plugins():
        refuse(["no plug-in is loaded; name one with --plugin"])
    elif not check:
        print_plain("\n\n".join("\n".join(_kind_lines(kind)) for kind in chosen))
    if check:
        _check(chosen)


def _parts(kinds: list[str]) -> list[tuple[str, str, Part]]:
    return [(kind, name, part) for kind in kinds for name, part in TABLES[kind].lines.items()]


def _check(kinds: list[str]) -> None:
    """Try every part of a plug-in out; leaves with exit code 1 if one breaks its contract."""
    from ganablate.project.part_checks import broken
    from ganablate.project.unread import unread

    failed = False
    for kind, name, part in _parts(kinds):
        if part.plugin is None:
            continue
        faults = broken(kind, name)
        failed = failed or bool(faults)
        print_plain(f"{kind} {name}:" if faults else f"{kind} {name}: ok")
        if kind == "networks" and not faults and (ignored := unread(name)):
            print_plain(f"  it does not read {', '.join(ignored)}:")
            print_plain("  a study that varied one of these would compare equal nets")
        print_plain(*(f"  {fault}" for fault in faults))
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
        case catalog.Criterion(decides=True):
            return {"real above": part.threshold}
        case catalog.Network():
            return {"image sizes": "any" if part.image_sizes is None else list(part.image_sizes)}
        case catalog.Dataset():
            facts = {
                "images": part.images,
                "size": part.image_size or "to be stated",
                "channels": part.channels,
                "classes": part.classes or "none",
                "extractor": part.extractor or "none",
                "needs": "nothing" if part.embedded else "its files, or a download",
            }
            return facts if part.part_of is None else {**facts, "part of": part.part_of}
        case catalog.Extractor():
            return {"size": part.image_size, "channels": part.channels, "tells": list(part.tells)}
        case catalog.NamedExtractor():
            return {"package": part.package, "weights": part.weights}
        case catalog.Metric():
            return {"needs": part.needs}
        case catalog.Probe(needs=(_, *_)):
            return {"needs": list(part.needs)}
    return {}


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
                **description.bounds,
                **({"choices": list(description.choices)} if description.choices else {}),
            }
            for setting, default, description in _settings_of(part)
        },
        "facts": _facts(part),
        "advises_against": [
            {"what": advice.what, "because": advice.because, "source": advice.source}
            for advice in part.advises_against
        ],
    }
    if isinstance(part, catalog.Metric | catalog.Probe):
        entry["columns"] = {
            name: {"direction": column.direction, "unit": column.unit, "title": column.title}
            for name, column in part.columns.items()
        }
    if isinstance(part, catalog.Probe):
        entry["pictures"] = dict(part.pictures)
    return entry


def _kind_lines(kind: str) -> Iterator[str]:
    """Every part of a kind: its name and summary, its source, its settings and facts."""
    table = TABLES[kind]
    width = max(map(len, table.lines), default=0)
    room = min(_WIDTH, screen_width())
    after = " " * min(width + len(_INDENT), room // 4)
    yield from wrapped(f"{kind}: in a study, {table.written}")
    for name, part in table.lines.items():
        plugin = "" if part.plugin is None else f"  (plug-in {part.plugin})"
        yield from wrapped(f"  {name:{width}}  {part.summary}{plugin}", indent=after)
        for text in _details(part):
            yield from wrapped(after + text, room, after + _INDENT)


def _details(part: Part) -> Iterator[str]:
    from ganablate.study.arms.settings import text_of

    yield part.source
    settings = [
        f"{name} {text_of(name, default)}{_allowed(setting)}"
        for name, default, setting in _settings_of(part)
    ]
    if settings:
        yield f"settings: {'; '.join(settings)}"
    yield from (
        f"advises against {advice.what}: {advice.source}" for advice in part.advises_against
    )
    facts = [f"{key} {_fact_text(value)}" for key, value in _facts(part).items()]
    if facts:
        yield "; ".join(facts)
    if columns := getattr(part, "columns", {}):
        texts = (
            f"{name} ({_BETTER.get(column.direction, '')}{column.unit})"
            for name, column in columns.items()
        )
        yield f"columns: {', '.join(texts)}"
    if pictures := getattr(part, "pictures", {}):
        yield f"pictures: {', '.join(pictures)}"


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

"""Parts from outside: a module of the user's own adds lines to the tables of the catalog.

A plug-in defines tables of the same names and lines as `ganablate.catalog`, such as
`CRITERIA = {"my_loss": Criterion(...)}`. The user names it with `--plugin`, or installs a package
with an entry point of the group `ganablate.plugins`; nothing that a study or a sweep file says is
ever imported. From then on its parts are as any other, except that the text of its file is a part
of the name of every trial that uses them.
"""

import importlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from pathlib import Path
from traceback import FrameSummary
from typing import Any

from ganablate.catalog import PLUGIN_MEASURES, PLUGIN_TABLES, TABLES, Metric, Part, Probe
from ganablate.catalog.settings import take_in_own_settings
from ganablate.study.plugins.lines import FUNCTIONS, line_faults, name_faults, table_faults
from ganablate.study.plugins.source import (
    PluginError,
    Source,
    read_module,
    read_place,
    read_source,
    text_digest,
    text_of,
)
from ganablate.study.reading.errors import Problem, StudyError

__all__ = ["PluginError"]

GROUP = "ganablate.plugins"
"""The group of entry points. Each names a module; what stands behind a colon is not looked at."""

Loaded = tuple[tuple[str, str], ...]
"""Place and digest of every plug-in: what a worker needs to have the same parts."""


@dataclass(frozen=True)
class Plugin:
    """A plug-in whose parts are in the catalog."""

    source: Source
    parts: tuple[tuple[str, str], ...]
    """(table, name) of each part."""
    digest: str
    """Of all its parts' sources: 16 hex digits."""


_plugins: dict[str, Plugin] = {}  # by file
_BUILT_IN = {table: dict(TABLES[table].lines) for table in PLUGIN_TABLES}


def load_plugins(named: Sequence[str] = ()) -> tuple[Plugin, ...]:
    """Add the parts of these plug-ins, and of all installed ones, to the catalog.

    One that is loaded already is left as it is, or, if its file was edited since, loaded anew.

    Args:
        named: Module names or paths of .py files; see `read_source`.

    Returns:
        All that are loaded by now.

    Raises:
        StudyError: Something is wrong with some of them: everything at once, a line each. What is
            right is loaded.
    """
    problems: list[Problem] = []
    plugins: list[tuple[str, str, Callable[[str], Source]]]
    plugins = [(f"--plugin {name}", name, read_source) for name in named]
    for point in entry_points(group=GROUP):
        package = f" of {point.dist.name}" if point.dist is not None else ""
        plugins.append((f"plug-in {point.name}{package}", point.module, read_module))
    for place, name, read in plugins:
        try:
            messages = _add(read(name))
        except PluginError as error:
            messages = [str(error)]
        problems += (Problem(place, message) for message in messages)
    if problems:
        raise StudyError(list(dict.fromkeys(problems)))
    return tuple(_plugins.values())


def loaded_plugins() -> Loaded:
    """What is loaded, for `load_same` in another process."""
    return tuple((plugin.source.place, plugin.digest) for plugin in _plugins.values())


def place_in_plugin(stack: Iterable[FrameSummary]) -> str:
    """`, at my_losses.py:12 in margin`: a stack's last line in a plug-in; empty: there is none."""
    places = [
        f", at {Path(frame.filename).name}:{frame.lineno} in {frame.name}"
        for frame in stack
        if frame.filename in _plugins
    ]
    return places[-1] if places else ""


def load_same(loaded: Loaded) -> None:
    """Load the plug-ins of another process.

    Raises:
        PluginError: One of them cannot be loaded here, or its source is another one by now.
    """
    for place, digest in loaded:
        source = read_place(place)
        if problems := _add(source):
            raise PluginError(f"{place}: {'; '.join(problems)}")
        if _plugins[str(source.file)].digest != digest:
            raise PluginError(f"{place} was edited after the sweep began; run again")


def forget_plugins() -> None:
    """Take all parts of plug-ins out of the catalog."""
    for key in list(_plugins):
        _remove(key)


def _add(source: Source) -> list[str]:
    """Add a plug-in's lines to the catalog, or none of them; returns what is wrong with them."""
    key = str(source.file)
    plugin = _plugins.get(key)
    if plugin is not None and plugin.source.text == source.text:
        return []
    _remove(key)
    names = vars(source.module)
    problems = list(_undo_changes()) or list(table_faults(names))
    added: list[tuple[str, str]] = []
    for table in PLUGIN_TABLES:
        lines = names.get(table.upper())
        if not isinstance(lines, dict) or lines is TABLES[table].lines:
            continue
        for name, line in lines.items():
            faults = list(name_faults(table, name, line))
            problems += faults
            if not faults:
                TABLES[table].lines[name] = _marked(line, source)
                added.append((table, name))
    take_in_own_settings()
    digests = []
    for table, name in added:
        faults = list(line_faults(table, name))
        problems += faults
        if not faults:
            line = TABLES[table].lines[name]
            try:
                digests.append(_digest(line, source))
            except PluginError as error:
                problems.append(f"{table.upper()}[{name!r}]: {error}")
                continue
            TABLES[table].lines[name] = replace(line, digest=digests[-1])
            PLUGIN_MEASURES.update(dict.fromkeys(_measures(name, line), digests[-1][:8]))
    _plugins[key] = Plugin(source, tuple(added), text_digest(*digests))
    if problems:
        _remove(key)
    return problems


def _undo_changes() -> Iterator[str]:
    """Undo and tell what a module did to the catalog itself: it would be in no trial's name."""
    for table in PLUGIN_TABLES:
        lines, name_of_table = TABLES[table].lines, table.upper()
        added = {name: line for name, line in lines.items() if line.plugin and line.digest}
        right = {**_BUILT_IN[table], **added}
        for name in {**lines, **right}:
            if lines.get(name) != right.get(name):
                yield (
                    f"it changes {name} in the catalog's own {name_of_table}; "
                    f"define {name_of_table} = {{...}} anew"
                )
        lines.clear()
        lines.update(right)


def _marked(line: Part, source: Source) -> Part:
    """The line as the catalog has it: marked, and with its module spelled out."""
    changes: dict[str, Any] = {"plugin": source.shown}
    for field in FUNCTIONS:
        function = getattr(line, field, None)
        if function is not None and ":" not in function:
            changes[field] = f"{source.module.__name__}:{function}"
    return replace(line, **changes)


def _digest(line: Part, source: Source) -> str:
    """Of the text with the table, and of that with the function, where it is another's.

    ganablate's own modules are not in it: what they do is named by its version of the semantics.
    Nor is that of `counts`, which changes no trial.
    """
    texts = [source.text]
    for implementation in (line.implementation, getattr(line, "test", None)):
        name = (implementation or "").partition(":")[0]
        if name and name != source.module.__name__ and not name.startswith("ganablate."):
            texts.append(text_of(importlib.import_module(name)))
    return text_digest(*texts)


def _measures(name: str, line: Part) -> tuple[str, ...]:
    """The names under which numbers of a line are kept: its own, and its columns."""
    return (name, *line.columns) if isinstance(line, Metric | Probe) else ()


def _remove(key: str) -> None:
    plugin = _plugins.pop(key, None)
    for table, name in plugin.parts if plugin is not None else ():
        line = TABLES[table].lines.pop(name, None)
        if line is not None and line.digest:
            for measure in _measures(name, line):
                PLUGIN_MEASURES.pop(measure, None)
    take_in_own_settings()

"""Reads a YAML file into plain values and remembers the line of each.

PyYAML's own construction reads `1e-4` as text and `off` as false, and lets a repeated key pass.
Here only its parser is used: numbers are numbers as Python writes them, on/off/yes/no are text,
and whatever would hide a mistake (repeated keys, aliases, tags, empty values) is refused.
"""

import difflib
import math
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ganablate.study.reading.errors import Fault, KeyPath, Problem, StudyError, dotted, one_line
from ganablate.study.reading.wording import show
from ganablate.text import joined

_WHOLE = re.compile(r"[-+]?(0|[1-9][0-9]*(_[0-9]+)*)")
NUMBER = re.compile(r"[-+]?([0-9]+(_[0-9]+)*(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9_]+")
_NOT_FINITE = re.compile(r"[-+]?\.?(inf|infinity|nan)", re.IGNORECASE)
_MOST_BYTES = 1_000_000
"""Ten thousand named arms are half of that; reading it takes some seconds."""
_MOST_DIGITS = 300
_DEEPEST = 20

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass
class Document:
    """The values of a file, the line of each key path, and what the reading found wrong.

    `refused` are the paths whose value, or an item of it, was left out for that.
    """

    name: str
    values: dict[str, Any]
    lines: dict[KeyPath, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    refused: set[KeyPath] = field(default_factory=set)

    def line(self, path: KeyPath) -> int:
        """The line of the path, or of the nearest key around it; 1 for the whole file."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def problem(self, fault: Fault) -> Problem:
        """The fault with its place."""
        return Problem(f"{self.name}:{self.line(fault.path)}", one_line(fault.message))


def read_number(text: str) -> int | float | None:
    """The number that the text spells as YAML 1.2 or Python would, else None.

    Numbers with a leading zero are none: YAML 1.1 takes 010 for eight.
    """
    if len(text) > _MOST_DIGITS or _LEADING_ZERO.fullmatch(text):
        return None
    if _WHOLE.fullmatch(text):
        return int(text)
    if NUMBER.fullmatch(text):
        value = float(text)
        return value if math.isfinite(value) else None
    return None


def read_document(path: Path) -> Document:
    """Read a study file.

    Raises:
        StudyError: the file cannot be read as YAML at all. What is only wrong in places is in
            `Document.faults`, and the values around it are read.
    """
    name = str(path)
    text = _text_of(path, name)
    reader = _Reader(name)
    try:
        values = reader.read(yaml.parse(text, Loader=_LOADER))
    except yaml.YAMLError as error:
        found = [reader.document.problem(fault) for fault in reader.document.faults]
        raise StudyError([*found, _syntax_problem(error, name, text)]) from None
    if not isinstance(values, dict):
        given = "the file is empty" if values is None else f"{show(values)} is given"
        raise StudyError([Problem(f"{name}:1", f"a mapping (study: NAME, ...) is needed; {given}")])
    reader.document.values = values
    return reader.document


def _text_of(path: Path, name: str) -> str:
    try:
        data = _bytes_of(path, name)
    except FileNotFoundError:
        raise StudyError([Problem(name, _missing_file(path))]) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise StudyError([Problem(name, f"cannot be read: {reason}")]) from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        message = f"is not UTF-8 text (byte 0x{data[error.start]:02x}); save it as UTF-8"
        raise StudyError([Problem(f"{name}:{line}", message)]) from None


def _missing_file(path: Path) -> str:
    """Why `path` cannot be read, with the file that may be meant, or with those that there are.

    `my_study` and `my_study.yaml` are found in studies/ too.
    """
    folders = [path.parent]
    if path.parent == Path():
        folders += [Path("studies"), Path("sweeps")]
    files = [file for folder in folders for file in sorted(folder.glob("*.yaml"))]
    by_name = {file.stem: file for file in reversed(files)}
    near = difflib.get_close_matches(path.stem, by_name, n=1, cutoff=0.6)
    if near:
        return f"there is no such file; did you mean {by_name[near[0]]}?"
    if files:
        return f"there is no such file; there are: {joined(list(map(str, files)), 10)}"
    if not path.is_absolute() and not Path("studies").is_dir():
        return (
            "there is no such file, and no studies/ in this folder: go to that of the project, or "
            "begin one here: ganablate init my_study"
        )
    return "there is no such file"


def _bytes_of(path: Path, name: str) -> bytes:
    """The content of a regular file; a pipe or a device could keep the reader for ever."""
    facts = path.stat()
    if stat.S_ISDIR(facts.st_mode):
        raise StudyError([Problem(name, f"is a folder; give a file of it: {path}/NAME.yaml")])
    if not stat.S_ISREG(facts.st_mode):
        raise StudyError([Problem(name, "is a pipe or a device; give a file")])
    if facts.st_size > _MOST_BYTES:
        size = f"is {facts.st_size:,} bytes long; at most {_MOST_BYTES:,} are read"
        raise StudyError([Problem(name, size)])
    with path.open("rb") as file:
        return file.read(_MOST_BYTES)


def _syntax_problem(error: yaml.YAMLError, name: str, text: str) -> Problem:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        line = error.problem_mark.line
        written = text.splitlines()[line : line + 1]
        if written and "\t" in written[0][: len(written[0]) - len(written[0].lstrip()) + 1]:
            return Problem(f"{name}:{line + 1}", "a tab; YAML is indented with spaces")
        what = ", ".join(part for part in (error.context, error.problem) if part)
        return Problem(f"{name}:{line + 1}", one_line(f"is not valid YAML: {what}"))
    position = getattr(error, "position", None)
    line = text[:position].count("\n") if isinstance(position, int) else 0
    reason = getattr(error, "reason", None) or str(error).splitlines()[0]
    return Problem(f"{name}:{line + 1}", one_line(f"is not valid YAML: {reason}"))


class _Refused:
    """Stands for a value that was refused; its key is left out."""


_REFUSED = _Refused()


class _Reader:
    def __init__(self, name: str) -> None:
        self.document = Document(name, {})

    def read(self, events: Iterator[Any]) -> Any:
        value: Any = None
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._refuse((), event, "a second document (---); a file holds one study")
                    break
            elif isinstance(event, yaml.NodeEvent):
                value = self._value(event, events, ())
                value = None if value is _REFUSED else value
        return value

    def _refuse(self, path: KeyPath, event: Any, message: str) -> _Refused:
        here = (*path, f"?{len(self.document.faults)}")
        self.document.lines[here] = event.start_mark.line + 1
        self.document.faults.append(Fault(here, message))
        return _REFUSED

    def _value(self, event: Any, events: Iterator[Any], path: KeyPath) -> Any:
        if isinstance(event, yaml.AliasEvent):
            return self._refuse(path, event, f"alias *{event.anchor}; write the value out")
        if event.anchor is not None:
            self._refuse(path, event, f"anchor &{event.anchor}; aliases are not allowed in a study")
        if event.tag is not None:
            self._refuse(path, event, f"tag {event.tag}; a study holds plain values only")
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, path)
        if len(path) >= _DEEPEST:
            raise yaml.MarkedYAMLError(None, None, "nested too deeply", event.start_mark)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._list(events, path)
        return self._mapping(events, path)

    def _list(self, events: Iterator[Any], path: KeyPath) -> list[Any]:
        items: list[Any] = []
        for event in events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            here = (*path, len(items))
            self.document.lines[here] = event.start_mark.line + 1
            value = self._value(event, events, here)
            if value is _REFUSED:
                self.document.refused.add(path)
            else:
                items.append(value)
        return items

    def _mapping(self, events: Iterator[Any], path: KeyPath) -> dict[str, Any]:
        items: dict[str, Any] = {}
        for event in events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            key = self._key(event, events, path)
            value_event = next(events)
            first = key is not None and (*path, key) not in self.document.lines
            here = (
                (*path, key)
                if key is not None and first
                else (*path, f"?{len(self.document.lines)}")
            )
            if key is not None and first:
                self.document.lines[here] = event.start_mark.line + 1
            elif key is not None:
                line = self.document.lines[(*path, key)]
                message = f"the key {show(key)} is given twice, also on line {line}"
                self._refuse(path, event, message)
            value = self._value(value_event, events, here)
            if value is _REFUSED:
                self.document.refused.add(here)
            elif key is not None and first:
                items[key] = value
        return items

    def _key(self, event: Any, events: Iterator[Any], path: KeyPath) -> str | None:
        if not isinstance(event, yaml.ScalarEvent):
            self._value(event, events, (*path, "?"))
            self._refuse(path, event, "a key is text, not a list, mapping or alias")
            return None
        if event.value == "<<" and not event.style:
            self._refuse(path, event, "merge key <<; write the values out")
            return None
        if event.anchor is not None or event.tag is not None:
            self._refuse(path, event, "anchors, aliases and tags are not allowed in a study")
        return event.value

    def _scalar(self, event: Any, path: KeyPath) -> Any:
        text = event.value
        if event.style:
            return text
        if text in ("", "~", "null", "Null", "NULL"):
            key = dotted(path[-1:])
            what = f"{key} is empty" if key else "an empty value"
            advice = "a space is needed after the colon" if ":" in key else "give a value"
            return self._refuse(path, event, f"{what}; {advice} or leave it out")
        if text in ("true", "True", "TRUE", "false", "False", "FALSE"):
            return text.lower() == "true"
        number = read_number(text)
        if number is not None:
            return number
        spelled = NUMBER.fullmatch(text) and not _LEADING_ZERO.match(text)
        if spelled or _NOT_FINITE.fullmatch(text):
            return self._refuse(path, event, f"{show(text)} is not a finite number")
        return text

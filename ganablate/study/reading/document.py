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
    text = _text_of(path)
    reader = _Reader(name, yaml.parse(text, Loader=_LOADER))
    try:
        values = reader.read()
    except yaml.YAMLError as error:
        problems = [reader.document.problem(fault) for fault in reader.document.faults]
        line, message = _syntax_error(error, text)
        problems.append(Problem(f"{name}:{line + 1}", message))
        raise StudyError(problems) from None
    if not isinstance(values, dict):
        given = "the file is empty" if values is None else f"{show(values)} is given"
        raise StudyError([Problem(f"{name}:1", f"a mapping (study: NAME, ...) is needed; {given}")])
    reader.document.values = values
    return reader.document


def _text_of(path: Path) -> str:
    """The text of a regular file; a pipe or a device could keep the reader for ever."""
    place, data, message = str(path), b"", ""
    try:
        facts = path.stat()
        if stat.S_ISDIR(facts.st_mode):
            message = f"is a folder; give a file of it: {path}/NAME.yaml"
        elif not stat.S_ISREG(facts.st_mode):
            message = "is a pipe or a device; give a file"
        elif facts.st_size > _MOST_BYTES:
            message = f"is {facts.st_size:,} bytes long; at most {_MOST_BYTES:,} are read"
        else:
            with path.open("rb") as file:
                data = file.read(_MOST_BYTES)
            return data.decode("utf-8-sig")
    except FileNotFoundError:
        message = _missing_file(path)
    except UnicodeDecodeError as error:
        place += f":{data[: error.start].count(10) + 1}"
        message = f"is not UTF-8 text (byte 0x{data[error.start]:02x}); save it as UTF-8"
    except (OSError, ValueError) as error:
        message = f"cannot be read: {getattr(error, 'strerror', None) or error}"
    raise StudyError([Problem(place, message)])


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
    advice = ""
    if near:
        advice = f"; did you mean {by_name[near[0]]}?"
    elif files:
        advice = f"; there are: {joined(list(map(str, files)), 10)}"
    elif not path.is_absolute() and not Path("studies").is_dir():
        advice = (
            ", and no studies/ in this folder: go to that of the project, or begin one here: "
            "ganablate init my_study"
        )
    return f"there is no such file{advice}"


def _syntax_error(error: yaml.YAMLError, text: str) -> tuple[int, str]:
    """The line, from 0, at which the text is no YAML, and why."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        line = error.problem_mark.line
        written = "".join(text.splitlines()[line : line + 1])
        if "\t" in written[: len(written) - len(written.lstrip()) + 1]:
            return line, "a tab; YAML is indented with spaces"
        reason = ", ".join(part for part in (error.context, error.problem) if part)
    else:
        position = getattr(error, "position", None)
        line = text[:position].count("\n") if isinstance(position, int) else 0
        reason = getattr(error, "reason", None) or str(error).splitlines()[0]
    return line, f"is not valid YAML: {reason}"


_REFUSED: Any = object()
"""Stands for a value that was refused; its key is left out."""


class _Reader:
    def __init__(self, name: str, events: Iterator[Any]) -> None:
        self.document = Document(name, {})
        self.events = events

    def read(self) -> Any:
        value: Any = None
        documents = 0
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._refuse((), event, "a second document (---); a file holds one study")
                    break
            elif isinstance(event, yaml.NodeEvent):
                value = self._value(event, ())
        return None if value is _REFUSED else value

    def _refuse(self, path: KeyPath, event: Any, message: str) -> Any:
        place = (*path, f"?{len(self.document.faults)}")
        self.document.lines[place] = event.start_mark.line + 1
        self.document.faults.append(Fault(place, message))
        return _REFUSED

    def _value(self, event: Any, path: KeyPath) -> Any:
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
            return self._list(path)
        return self._mapping(path)

    def _list(self, path: KeyPath) -> list[Any]:
        items: list[Any] = []
        for event in self.events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            place = (*path, len(items))
            self.document.lines[place] = event.start_mark.line + 1
            value = self._value(event, place)
            if value is _REFUSED:
                self.document.refused.add(path)
            else:
                items.append(value)
        return items

    def _mapping(self, path: KeyPath) -> dict[str, Any]:
        items: dict[str, Any] = {}
        lines = self.document.lines
        for event in self.events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            key = self._key(event, path)
            if key is not None and (*path, key) in lines:
                message = f"the key {show(key)} is given twice, also on line {lines[*path, key]}"
                self._refuse(path, event, message)
                key = None
            place = (*path, f"?{len(lines)}" if key is None else key)
            if key is not None:
                lines[place] = event.start_mark.line + 1
            value = self._value(next(self.events), place)
            if value is _REFUSED:
                self.document.refused.add(place)
            elif key is not None:
                items[key] = value
        return items

    def _key(self, event: Any, path: KeyPath) -> str | None:
        if not isinstance(event, yaml.ScalarEvent):
            self._value(event, (*path, "?"))
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
        numeric = NUMBER.fullmatch(text) and not _LEADING_ZERO.match(text)
        if numeric or _NOT_FINITE.fullmatch(text):
            return self._refuse(path, event, f"{show(text)} is not a finite number")
        return text

"""Reads what varies: levels of a factor, cells of a cross, named and paired arms."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ganablate.catalog import SETTINGS
from ganablate.study.arms.settings import (
    LENGTH,
    Layer,
    axes,
    merged,
    read_layer,
    read_value,
    text_of,
    unknown_setting,
    value_layer,
)
from ganablate.study.plan import BASELINE
from ganablate.study.reading.errors import Fault, KeyPath, dotted
from ganablate.study.reading.wording import show


@dataclass(frozen=True, slots=True)
class Draft:
    """An arm before it is resolved. `path` is where the study writes it.

    `cell` holds the level of each factor of the cross, and marks it as one of its cells: the only
    arms that may fall together with another.
    """

    name: str
    path: KeyPath
    layer: Layer
    compare_to: str | None = None
    cell: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Level:
    """One level of a factor and its text in an arm's name."""

    text: str
    layer: Layer
    path: KeyPath


class LevelReader:
    """Collects faults and the names of arms that could not be read.

    `broken` keeps a claim about an arm with a mistake from being called unknown as well.
    """

    def __init__(self, folders: Sequence[str], faults: list[Fault], broken: set[str]) -> None:
        self.folders = folders
        self.faults = faults
        self.broken = broken

    def _refuse(self, path: KeyPath, message: str, *broken: str) -> None:
        self.faults.append(Fault(path, message))
        self.broken.update(broken)

    def levels(self, factor: str, given: object, path: KeyPath) -> list[Level]:
        """The levels of a factor; wrong and repeated ones are left out."""
        where = dotted(path)
        if factor not in SETTINGS:
            self._refuse(path, unknown_setting(factor, dotted(path[:-1])))
            return []
        if not isinstance(given, list):
            self._refuse(path, f"{where}: {show(given)} is given; a list is needed")
            return []
        levels: dict[str, Level] = {}
        for position, value in enumerate(given):
            here = (*path, position)
            try:
                resolved = read_value(factor, value, self.folders)
            except ValueError as error:
                self._refuse(here, f"{where}: {error}", f"{factor}={value}")
                continue
            text = f"{factor}={text_of(factor, resolved)}"
            if text in levels:
                self._refuse(here, f"{where}: {show(value)} is given twice; the level is {text}")
                continue
            levels[text] = Level(text, value_layer(factor, resolved, here), here)
        return list(levels.values())

    def ablation(self, factor: str, given: object, path: KeyPath) -> Iterator[Draft]:
        """One arm for each level."""
        for level in self.levels(factor, given, path):
            yield Draft(level.text, level.path, level.layer)

    def cross(self, factors: Mapping[str, tuple[object, KeyPath]]) -> Iterator[Draft]:
        """One arm for each combination of levels, the last factor running fastest."""
        for given, path in factors.values():
            if given == []:
                message = "a cross without a level of this factor has no arm"
                self._refuse(path, f"{dotted(path)}: {message}")
        if self._clash(list(factors)):
            return
        columns = [self.levels(name, given, path) for name, (given, path) in factors.items()]
        if not all(columns):
            return
        for cell in itertools.product(*columns):
            name = ",".join(level.text for level in cell)
            layer = merged([level.layer for level in cell])
            levels = tuple(level.text.partition("=")[2] for level in cell)
            yield Draft(name, ("cross",), layer, cell=levels)

    def _clash(self, factors: list[str]) -> bool:
        """Whether two factors set the same thing, so that a cell has room for one of them only."""
        clashes = False
        for first, second in itertools.combinations([f for f in factors if f in SETTINGS], 2):
            shared = [axis for axis in axes(first) if axis in axes(second)]
            if shared:
                what = " and ".join("the length" if axis == LENGTH else axis for axis in shared)
                message = f"cross: {first} and {second} both set {what}; keep one of these factors"
                self._refuse(("cross", second), message, first, second)
                clashes = True
        return clashes

    def named(
        self, name: str, changes: Mapping[str, Any], compare_to: str | None, path: KeyPath
    ) -> Iterator[Draft]:
        """The arm of that name, or one for each position where its values are lists."""
        lengths = {len(value) if isinstance(value, list) else None for value in changes.values()}
        where = dotted(path)
        if name in (BASELINE, "all"):
            self._refuse(path, f"{where}: the name {name} has a meaning already")
        elif "compare_to" in changes:
            message = f"{where}: compare_to stands at the arm itself, not in a budget"
            self._refuse((*path, "compare_to"), message, name)
        elif not changes:
            self._refuse(path, f"{where}: the arm changes nothing")
        elif len(lengths) > 1 or 0 in lengths:
            given = ", ".join(f"{key} {_length(value)}" for key, value in changes.items())
            needed = "a paired arm needs equally long lists for all its settings"
            self._refuse(path, f"{where}: {needed}; given: {given}", name)
        elif count := lengths.pop():
            for position in range(count):
                row = {key: values[position] for key, values in changes.items()}
                yield from self._paired(name, row, position, compare_to, path)
        elif layer := self._layer(name, changes, path):
            yield Draft(name, path, layer, compare_to)

    def _layer(self, name: str, changes: Mapping[str, Any], path: KeyPath) -> Layer | None:
        """The arm's changes, or None where one of them is wrong."""
        before = len(self.faults)
        layer = read_layer(changes, path, self.folders, self.faults)
        if len(self.faults) == before:
            return layer
        self.broken.add(name)
        return None

    def _paired(
        self, name: str, row: Mapping[str, Any], at: int, compare_to: str | None, path: KeyPath
    ) -> Iterator[Draft]:
        layer = self._layer(name, row, path)
        if layer is None:
            return
        paths = {field: (*where, at) for field, where in layer.paths.items()}
        parts = [f"{key}={text_of(key, read_value(key, row[key], self.folders))}" for key in row]
        located = Layer(layer.values, paths, layer.both)
        yield Draft(f"{name}:{','.join(parts)}", path, located, compare_to)


def _length(value: object) -> str:
    return f"{len(value)} values" if isinstance(value, list) else "one value"

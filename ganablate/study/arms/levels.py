"""Reads what a study varies and leaves out: levels, cells, named and paired arms, `exclude`."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ganablate.catalog import SETTINGS
from ganablate.study.arms.resolve import Resolution
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
from ganablate.study.plan import BASELINE, ONLY, WITHOUT
from ganablate.study.reading.errors import Fault, KeyPath, dotted
from ganablate.study.reading.wording import show
from ganablate.study.schema import Exclude


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
class Exclusion:
    """One entry of `exclude`: the levels of each field that it leaves out together."""

    index: int
    because: str
    wanted: Mapping[str, set[Any]]

    def matches(self, resolution: Resolution, given: Mapping[str, Any]) -> bool:
        """Whether it leaves out an arm; `given` is what the arm itself says.

        A setting that falls away when the arm is resolved (adam's momentum) still counts here.
        """
        for name, levels in self.wanted.items():
            value = resolution.get(name)
            values = [value, given.get(name, value)]
            if name == "train_images" and value is None and resolution.data is not None:
                values.append(resolution.data.images)
            if levels.isdisjoint(values):
                return False
        return True


_NO_LEVELS = Draft("", ("cross",), Layer({}, {}))


def _crossed(cells: Iterable[Draft], levels: Sequence[Draft]) -> Iterator[Draft]:
    """Each cell with each level of one more factor, which sets nothing that the others set."""
    column = [(level.name, level.name.partition("=")[2], level.layer) for level in levels]
    for cell in cells:
        before, given = f"{cell.name}," if cell.name else "", cell.layer
        both = given.both | column[0][2].both
        for name, text, own in column:
            layer = Layer({**given.values, **own.values}, {**given.paths, **own.paths}, both)
            yield Draft(before + name, cell.path, layer, cell=(*cell.cell, text))


class LevelReader:
    """Collects faults and the names of arms that could not be read.

    `broken` keeps a claim about an arm with a mistake from being called unknown as well.
    """

    def __init__(
        self,
        folders: Sequence[str],
        faults: list[Fault],
        broken: set[str],
        stranger: str | None,
    ) -> None:
        self.folders = folders
        self.stranger = stranger
        self.faults = faults
        self.broken = broken
        self.components: dict[str, Mapping[str, Any]] = {}
        """What is removed -> the fields that an arm without it has."""

    def _refuse(self, path: KeyPath, message: str, *broken: str) -> None:
        self.faults.append(Fault(path, message))
        self.broken.update(broken)

    def levels(self, factor: str, given: object, path: KeyPath) -> list[Draft]:
        """An arm for each level of a factor; wrong and repeated ones are left out."""
        where = dotted(path)
        if factor not in SETTINGS:
            self._refuse(path, unknown_setting(factor, dotted(path[:-1]), self.stranger))
            return []
        if not isinstance(given, list):
            self._refuse(path, f"{where}: {show(given)} is given; a list is needed")
            return []
        levels: dict[str, Draft] = {}
        for position, value in enumerate(given):
            place = (*path, position)
            try:
                resolved = read_value(factor, value, self.folders)
            except ValueError as error:
                self._refuse(place, f"{where}: {error}", f"{factor}={value}")
                continue
            name = f"{factor}={text_of(factor, resolved)}"
            if name in levels:
                self._refuse(place, f"{where}: {show(value)} is given twice; the level is {name}")
                continue
            levels[name] = Draft(name, place, value_layer(factor, resolved, place))
        return list(levels.values())

    def removed(
        self, given: Mapping[str, tuple[object, KeyPath]], also: Sequence[str]
    ) -> Iterator[Draft]:
        """An arm without each component; `also` with `all_but_one` left out, and with `all`."""
        layers: dict[str, Layer] = {}
        for name, (without, path) in given.items():
            layer = self._component(name, without, path)
            if layer is None:
                self.broken |= {WITHOUT + name, f"{WITHOUT}all", *(ONLY + other for other in given)}
                continue
            layers[name], self.components[name] = layer, layer.values
            yield Draft(WITHOUT + name, path, layer)
        path = ("remove_also",)
        for word, fewest in (("all", 2), ("all_but_one", 3)):
            if word in also and len(given) < fewest:
                count = f"{len(given)} given; {word} needs {fewest}"
                self._refuse(path, f"remove_also: components of `remove`: {count}")
        if len(layers) < len(given):
            return
        if "all_but_one" in also and len(given) > 2:
            for name in layers:
                others = merged(layer for other, layer in layers.items() if other != name)
                yield Draft(ONLY + name, path, others)
        if "all" in also and len(given) > 1:
            yield Draft(f"{WITHOUT}all", path, merged(layers.values()))

    def _component(self, name: str, without: object, path: KeyPath) -> Layer | None:
        """The settings of an arm without a component; None: there is a mistake in them."""
        before, where = len(self.faults), dotted(path)
        layer = None
        if name == "all":
            self._refuse(path, f"{where}: the name all has a meaning already")
        elif without == {}:
            self._refuse(path, f"{where}: no setting is given, so nothing is removed")
        elif isinstance(without, dict):
            layer = read_layer(without, path, self.folders, self.faults, self.stranger)
        else:
            layer = next((level.layer for level in self.levels(name, [without], path)), None)
        set_here = {axis for field in (layer.values if layer else ()) for axis in axes(field)}
        for other, fields in self.components.items():
            if shared := [axis for field in fields for axis in axes(field) if axis in set_here]:
                self._refuse(path, f"{where}: {other} sets {shared[0]} too; one component may")
        return layer if len(self.faults) == before else None

    def cross(self, factors: Mapping[str, tuple[object, KeyPath]]) -> Iterator[Draft]:
        """An arm for each combination of levels, the last factor running fastest."""
        for given, path in factors.values():
            if given == []:
                message = "a cross without a level of this factor has no arm"
                self._refuse(path, f"{dotted(path)}: {message}")
        if self._clash([factor for factor in factors if factor in SETTINGS]):
            return
        columns = [self.levels(name, given, path) for name, (given, path) in factors.items()]
        cells: Iterable[Draft] = [_NO_LEVELS] if all(columns) else []
        for column in columns:
            cells = _crossed(cells, column)
        yield from cells

    def _clash(self, factors: list[str]) -> bool:
        """Whether two factors set the same thing, so that a cell can have one of them only."""
        clashes = False
        for first, second in itertools.combinations(factors, 2):
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
                yield from self._arm(name, row, compare_to, path, position)
        else:
            yield from self._arm(name, changes, compare_to, path)

    def _arm(
        self,
        name: str,
        changes: Mapping[str, Any],
        compare_to: str | None,
        path: KeyPath,
        position: int | None = None,
    ) -> Iterator[Draft]:
        """The arm, at its position among paired ones; none where one of its changes is wrong."""
        before = len(self.faults)
        layer = read_layer(changes, path, self.folders, self.faults, self.stranger)
        if len(self.faults) > before:
            self.broken.add(name)
            return
        if position is not None:
            levels = {key: read_value(key, value, self.folders) for key, value in changes.items()}
            name += ":" + ",".join(f"{key}={text_of(key, level)}" for key, level in levels.items())
            paths = {field: (*place, position) for field, place in layer.paths.items()}
            layer = replace(layer, paths=paths)
        yield Draft(name, path, layer, compare_to)

    def exclusions(self, entries: Sequence[Exclude]) -> Iterator[Exclusion]:
        """The entries of `exclude` without a mistake."""
        for index, entry in enumerate(entries):
            before = len(self.faults)
            both: dict[str, set[Any]] = {}
            single: dict[str, set[Any]] = {}
            for name, given in entry.settings.items():
                levels = self._excluded(name, given, ("exclude", index, name))
                fields = SETTINGS[name].fields if name in SETTINGS else ()
                form = both if len(fields) > 1 else single
                form |= dict.fromkeys(fields if levels else (), levels)
            if not entry.settings:
                message = "exclude: no setting is given; name the factors and levels to leave out"
                self._refuse(("exclude", index), message)
            elif len(self.faults) == before:
                # As everywhere in a study: a `g_` or `d_` form wins over the form for both nets.
                yield Exclusion(index, entry.because, {**both, **single})

    def _excluded(self, name: str, given: object, path: KeyPath) -> set[Any]:
        if name not in SETTINGS:
            self._refuse(path, unknown_setting(name, "exclude", self.stranger))
            return set()
        levels = set()
        for value in given if isinstance(given, list) else [given]:
            try:
                levels.add(read_value(name, value, self.folders))
            except ValueError as error:
                self._refuse(path, f"{dotted(path)}: {error}")
        return levels


def _length(value: object) -> str:
    return f"{len(value)} values" if isinstance(value, list) else "one value"

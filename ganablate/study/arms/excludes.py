"""Arms that a study leaves out: reads `exclude` and matches it against arms."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ganablate.catalog import SETTINGS
from ganablate.study.arms.resolve import Resolution
from ganablate.study.arms.settings import read_value, unknown_setting
from ganablate.study.reading.errors import Fault, KeyPath, dotted
from ganablate.study.schema import Exclude


@dataclass(frozen=True, slots=True)
class Exclusion:
    """One entry of `exclude`: the levels of each field that it leaves out together."""

    index: int
    because: str
    wanted: Mapping[str, set[Any]]

    @property
    def path(self) -> KeyPath:
        """Where the study writes it."""
        return ("exclude", self.index)

    def matches(self, resolution: Resolution, given: Mapping[str, Any]) -> bool:
        """Whether it leaves out an arm; `given` is what the arm itself says.

        A setting that falls away when the arm is resolved (adam's momentum) still counts here.
        """
        return all(
            any(value in levels for value in _values(name, resolution, given))
            for name, levels in self.wanted.items()
        )


def _values(name: str, resolution: Resolution, given: Mapping[str, Any]) -> Iterator[Any]:
    value = resolution.values.get(name)
    yield value
    if name in given:
        yield given[name]
    if name == "train_images" and value is None and resolution.data is not None:
        yield resolution.data.images


def read_excludes(
    entries: Sequence[Exclude], folders: Sequence[str], faults: list[Fault]
) -> Iterator[Exclusion]:
    """The entries without a mistake; what is wrong is added to `faults`."""
    for index, entry in enumerate(entries):
        path: KeyPath = ("exclude", index)
        before = len(faults)
        both: dict[str, set[Any]] = {}
        own: dict[str, set[Any]] = {}
        for name, given in entry.settings.items():
            for field, value in _levels(name, given, (*path, name), folders, faults):
                form = both if len(SETTINGS[name].fields) > 1 else own
                form.setdefault(field, set()).add(value)
        if not entry.settings:
            message = "exclude: no setting is given; name the factors and levels to leave out"
            faults.append(Fault(path, message))
        elif len(faults) == before:
            # As everywhere in a study: a `g_` or `d_` form wins over the form for both nets.
            yield Exclusion(index, entry.because, {**both, **own})


def _levels(
    name: str, given: object, path: KeyPath, folders: Sequence[str], faults: list[Fault]
) -> Iterator[tuple[str, Any]]:
    if name not in SETTINGS:
        faults.append(Fault(path, unknown_setting(name, "exclude")))
        return
    for value in given if isinstance(given, list) else [given]:
        try:
            resolved = read_value(name, value, folders)
        except ValueError as error:
            faults.append(Fault(path, f"{dotted(path)}: {error}"))
            continue
        for field in SETTINGS[name].fields:
            yield field, resolved

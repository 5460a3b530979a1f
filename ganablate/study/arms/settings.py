"""Reads what a study gives for settings: single values, and one layer of them.

The forms of `SHARED`, such as `lr`, `optimizer`, `activation` and `norm`, set both nets; inside
the same mapping a `g_` or `d_` form overrides them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ganablate.catalog import FOLDER_PREFIX, SETTINGS, Setting
from ganablate.catalog.settings import LENGTHS
from ganablate.config import canonical_labels
from ganablate.study.reading.document import read_number
from ganablate.study.reading.errors import Fault, KeyPath, dotted
from ganablate.study.reading.wording import listed, show, unknown, unknown_part

LENGTH = "length"
"""What epochs and iterations both set."""
_BESIDE = {
    "budgets": ("replicates", "evaluations", "extractor", "search_trials", "search_length"),
    "arms": ("compare_to",),
    "exclude": ("because",),
}
"""Keys that may stand among the settings of a section."""
_BOUNDS = {
    "minimum": "of at least",
    "exclusiveMinimum": "above",
    "maximum": "of at most",
    "exclusiveMaximum": "below",
}


def axes(name: str) -> tuple[str, ...]:
    """What a setting sets: its fields, with one name for the two ways to give the length."""
    return tuple(LENGTH if field in LENGTHS else field for field in SETTINGS[name].fields)


def text_of(setting: str, value: object) -> str:
    """A resolved value as arm names show it: floats by repr, whole numbers plain, text as is."""
    if value is not None:
        return str(value).lower() if isinstance(value, bool) else str(value)
    return (SETTINGS[setting].absent if setting in SETTINGS else None) or "none"


def read_value(name: str, given: object, folders: Iterable[str] = ()) -> Any:
    """The resolved value of a setting. `folders` are the names that the study declares.

    Raises:
        ValueError: the value is not allowed; the text says what is.
    """
    setting = SETTINGS[name]
    if isinstance(given, str) and given == setting.absent:
        return None
    if setting.number:
        return _number(setting, given)
    if setting.kind == "truth":
        return _truth(given)
    if setting.kind == "labels":
        labels = canonical_labels(show(given) if isinstance(given, bool) else str(given))
        return None if labels == setting.same else labels
    return _word(setting, given, folders)


def _number(setting: Setting, given: object) -> int | float:
    noun = "a whole number" if setting.whole else "a number"
    value = read_number(given) if isinstance(given, str) else given
    if isinstance(value, bool) or not isinstance(value, int | float):
        or_word = f' or "{setting.absent}"' if setting.absent else ""
        raise ValueError(f"{show(given)} is given; {noun}{or_word} is needed")
    if setting.whole and value != int(value):
        raise ValueError(f"{show(given)} is given; {noun} is needed")
    if not all(within(value, bound, edge) for bound, edge in setting.bounds.items()):
        needed = f"{noun} {_range(setting.bounds)} is needed"
        raise ValueError(f"{show(given)} is not allowed; {needed}")
    # Adding zero makes -0.0 the same level as 0.0.
    return int(value) if setting.whole else float(value) + 0.0


def _range(bounds: Mapping[str, float]) -> str:
    """`from 0 to 4`, or in more words where an end may not be reached or there is only one."""
    if bounds.keys() == {"minimum", "maximum"}:
        return f"from {bounds['minimum']} to {bounds['maximum']}"
    return " and ".join(f"{_BOUNDS[bound]} {edge}" for bound, edge in bounds.items())


def _truth(given: object) -> bool:
    """A truth value; the names of arms spell it as text."""
    truths = {"true": True, "false": False}
    if isinstance(given, bool):
        return given
    if isinstance(given, str) and given in truths:
        return truths[given]
    raise ValueError(f"{show(given)} is given; true or false is needed")


def within(value: float, bound: str, edge: float) -> bool:
    """Whether a number keeps a bound, which is named as JSON schema does."""
    if value == edge:
        return not bound.startswith("exclusive")
    return value > edge if bound.lower().endswith("minimum") else value < edge


def _word(setting: Setting, given: object, folders: Iterable[str]) -> str:
    allowed = list(setting.choices)
    if setting.name == "dataset":
        allowed += [FOLDER_PREFIX + folder for folder in folders]
    if setting.absent and setting.absent not in allowed:
        allowed.append(setting.absent)
    if not isinstance(given, str):
        raise ValueError(f"{show(given)} is given; text is needed, one of: {listed(allowed)}")
    if given in allowed:
        return given
    if setting.table is None:
        raise ValueError(unknown("allowed", given, allowed))
    if setting.name == "dataset" and given.startswith(FOLDER_PREFIX):
        name = given.removeprefix(FOLDER_PREFIX) or "NAME"
        message = unknown(setting.table.noun, given, allowed)
        raise ValueError(f"{message}; declare {name} under `folders`")
    raise ValueError(unknown_part(setting.table.noun, given, allowed))


@dataclass(frozen=True, slots=True)
class Layer:
    """One mapping of settings, shared forms spelled out. Keys are fields of `TrialConfig`.

    `paths` tells where each was given, `both` which came from a form that sets both nets, and
    `unsure` which were given a wrong value, so that nothing should be concluded from them.
    """

    values: Mapping[str, Any]
    paths: Mapping[str, KeyPath]
    both: frozenset[str] = frozenset()
    unsure: frozenset[str] = frozenset()


def read_layer(
    given: Mapping[str, object],
    path: KeyPath,
    folders: Iterable[str],
    faults: list[Fault],
    stranger: str | None = None,
) -> Layer:
    """Check one mapping of settings; what is wrong is added to `faults` and left out.

    `stranger` is what `stranger_of` says of the mapping below.
    """
    stranger = stranger_of(given) or stranger
    if "epochs" in given and "iterations" in given:
        where = dotted(path) or "the study"
        message = f"{where} gives both epochs and iterations; exactly one sets the length"
        faults.append(Fault((*path, "iterations"), message))
    layers: list[Layer] = []
    unsure: set[str] = set()
    for name, value in given.items():
        place = (*path, name)
        if name not in SETTINGS:
            faults.append(Fault(place, unknown_setting(name, dotted(path), stranger)))
            continue
        try:
            layers.append(value_layer(name, read_value(name, value, folders), place))
        except ValueError as error:
            faults.append(Fault(place, f"{dotted(place)}: {error}"))
            unsure.update(SETTINGS[name].fields)
    return replace(merged(layers), unsure=frozenset(unsure))


def stranger_of(given: Mapping[str, object]) -> str | None:
    """The first part that is named and not in the catalog, such as "the network residual"."""
    for name, value in given.items():
        setting = SETTINGS.get(name)
        if setting is None or setting.table is None or name == "dataset":
            continue
        if isinstance(value, str) and value not in (*setting.choices, setting.absent):
            return f"the {setting.bare} {value}"
    return None


def unknown_setting(name: str, where: str, stranger: str | None = None) -> str:
    """The message for a name that is no setting; `where` is the dotted key around it.

    Where the study names a part that nobody brought, the setting may be one that it declares.
    """
    if name == "seed":
        return f"{where}: seed is not a setting of a trial; give `seed:` to the study as a whole"
    if stranger is not None:
        advice = f"if {stranger} declares it, name its plug-in with --plugin"
        return f"{where}: {show(name)} is not a setting; {advice}"
    keys = _BESIDE.get(where.partition(".")[0], ())
    return f"{where}: {unknown('a setting', name, (*keys, *SETTINGS))}"


def value_layer(name: str, value: object, path: KeyPath) -> Layer:
    """The layer of one setting with a value that `read_value` returned."""
    fields = SETTINGS[name].fields
    both = frozenset(fields) if len(fields) > 1 else frozenset()
    return Layer(dict.fromkeys(fields, value), dict.fromkeys(fields, path), both)


def merged(layers: Iterable[Layer]) -> Layer:
    """Parts of one mapping put together: `g_` and `d_` forms win over the form for both."""
    values: dict[str, Any] = {}
    paths: dict[str, KeyPath] = {}
    both: frozenset[str] = frozenset()
    for layer in sorted(layers, key=lambda part: not part.both):
        values.update(layer.values)
        paths.update(layer.paths)
        both = (both | layer.both) if layer.both else both.difference(layer.values)
    return Layer(values, paths, both)

"""The settings a study can name: their values, their shared forms, and one layer of them.

The forms of `SHARED`, such as `lr`, `optimizer`, `activation` and `norm`, set both nets; inside
the same mapping a `g_` or `d_` form overrides them.
"""

import types
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from annotated_types import Ge, Gt, Le, Lt

from ganablate.catalog import (
    ACTIVATIONS,
    CRITERIA,
    DATASETS,
    FOLDER_PREFIX,
    INITIALISERS,
    NETWORKS,
    OPTIMIZERS,
    PENALTIES,
    SCHEDULES,
)
from ganablate.config import TrialConfig, canonical_labels
from ganablate.study.reading.document import read_number
from ganablate.study.reading.errors import Fault, KeyPath, dotted
from ganablate.study.reading.wording import listed, show, unknown, unknown_part

OPTIMIZER_SETTINGS = tuple(
    dict.fromkeys(name for optimizer in OPTIMIZERS.values() for name in optimizer.settings)
)
"""Settings that some optimizer has, beside lr."""
SHARED = ("optimizer", "lr", *OPTIMIZER_SETTINGS, "grad_clip", "activation", "norm")
"""Settings that both nets have: NAME sets g_NAME and d_NAME."""
LENGTHS = ("epochs", "iterations")

LENGTH = "length"
"""What epochs and iterations both set."""

TABLES: dict[str, tuple[str, Mapping[str, Any]]] = {
    "network": ("a network", NETWORKS),
    "g_activation": ("an activation", ACTIVATIONS),
    "d_activation": ("an activation", ACTIVATIONS),
    "g_output": ("an activation", ACTIVATIONS),
    "init": ("an initialiser", INITIALISERS),
    "criterion": ("a criterion", CRITERIA),
    "penalty": ("a penalty", PENALTIES),
    "g_optimizer": ("an optimizer", OPTIMIZERS),
    "d_optimizer": ("an optimizer", OPTIMIZERS),
    "lr_schedule": ("a schedule", SCHEDULES),
}
ABSENT = {
    "penalty": "none",
    "train_images": "all",
    "crop": "none",
    "real_labels": "hard",
    "fake_labels": "hard",
    "d_weight_clip": "none",
    "g_ema": "none",
    "grad_clip": "none",
    "g_grad_clip": "none",
    "d_grad_clip": "none",
    "lr_schedule": "constant",
    "early_end": "none",
}
"""The word that a study writes for a setting which the trial does not have."""

_LABELS = {"real_labels": "1", "fake_labels": "0"}
"""Ranges of labels, and what they are where a trial has none."""

_BESIDE = {
    "budgets": ("replicates", "evaluations", "search_trials", "search_length"),
    "arms": ("compare_to",),
    "exclude": ("because",),
}
"""Keys that may stand among the settings of a section."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a value of one setting may be; `fields` are the fields of `TrialConfig` it sets."""

    name: str
    fields: tuple[str, ...]
    whole: bool = False
    number: bool = False
    choices: tuple[str, ...] | None = None
    limits: tuple[Callable[[float], str | None], ...] = ()


def _limit(bound: object) -> Callable[[float], str | None]:
    match bound:
        case Ge(ge=edge):
            return lambda value: None if value >= edge else f"of at least {edge}"  # type: ignore[operator]
        case Gt(gt=edge):
            return lambda value: None if value > edge else f"above {edge}"  # type: ignore[operator]
        case Le(le=edge):
            return lambda value: None if value <= edge else f"of at most {edge}"  # type: ignore[operator]
        case Lt(lt=edge):
            return lambda value: None if value < edge else f"below {edge}"  # type: ignore[operator]
    return lambda _: None


def _flat(annotation: Any, metadata: Iterable[Any]) -> tuple[Any, list[Any]]:
    """The bare type and its constraints, out of `Annotated[...] | None` and `Field(...)`."""
    found = list(metadata)
    while True:
        origin = typing.get_origin(annotation)
        if origin is typing.Annotated:
            annotation, *more = typing.get_args(annotation)
            for entry in more:
                found.extend(getattr(entry, "metadata", [entry]))
        elif origin in (typing.Union, types.UnionType):
            annotation = next(a for a in typing.get_args(annotation) if a is not type(None))
        else:
            return annotation, found


NOT_SETTINGS = ("channels", "seed")
"""Fields of a trial that a study does not set: they come from `folders` and from the replicate."""


def _read_settings() -> dict[str, Setting]:
    settings: dict[str, Setting] = {}
    for name, info in TrialConfig.model_fields.items():
        if name in NOT_SETTINGS:
            continue
        kind, bounds = _flat(info.annotation, info.metadata)
        literal = typing.get_origin(kind) is typing.Literal
        settings[name] = Setting(
            name=name,
            fields=(name,),
            whole=kind is int,
            number=kind in (int, float),
            choices=typing.get_args(kind) if literal else None,
            limits=tuple(_limit(b) for b in bounds if isinstance(b, Ge | Gt | Le | Lt)),
        )
    for name in SHARED:
        own = settings[f"g_{name}"]
        both = (f"g_{name}", f"d_{name}")
        settings[name] = Setting(name, both, own.whole, own.number, own.choices, own.limits)
    return settings


SETTINGS = _read_settings()
"""Every name that may stand in `base`, a budget or an arm, and as a factor."""


def axes(name: str) -> tuple[str, ...]:
    """What a setting sets: its fields, with one name for the two ways to give the length."""
    return tuple(LENGTH if field in LENGTHS else field for field in SETTINGS[name].fields)


def text_of(setting: str, value: object) -> str:
    """A resolved value as arm names show it: floats by repr, whole numbers plain, text as is."""
    return ABSENT.get(setting, "none") if value is None else str(value)


def read_value(name: str, given: object, folders: Iterable[str] = ()) -> Any:
    """The resolved value of a setting. `folders` are the names that the study declares.

    Raises:
        ValueError: the value is not allowed; the text says what is.
    """
    setting = SETTINGS[name]
    if isinstance(given, str) and given == ABSENT.get(name):
        return None
    if setting.number:
        return _number(setting, given)
    if name in _LABELS:
        labels = canonical_labels(show(given) if isinstance(given, bool) else str(given))
        return None if labels == _LABELS[name] else labels
    if not isinstance(given, str):
        raise ValueError(f"{show(given)} is given; {_choices_text(setting, folders)}")
    if name == "dataset":
        return _dataset(given, list(folders))
    what, allowed = _allowed(setting)
    if given not in allowed:
        say = unknown if setting.choices else unknown_part
        raise ValueError(say(what, given, allowed))
    return given


def _number(setting: Setting, given: object) -> int | float:
    noun = "a whole number" if setting.whole else "a number"
    value = read_number(given) if isinstance(given, str) else given
    if isinstance(value, bool) or not isinstance(value, int | float):
        or_word = f' or "{ABSENT[setting.name]}"' if setting.name in ABSENT else ""
        raise ValueError(f"{show(given)} is given; {noun}{or_word} is needed")
    if setting.whole and value != int(value):
        raise ValueError(f"{show(given)} is given; {noun} is needed")
    for limit in setting.limits:
        broken = limit(value)
        if broken is not None:
            raise ValueError(f"{show(given)} is not allowed; {noun} {broken} is needed")
    # Adding zero makes -0.0 the same level as 0.0.
    return int(value) if setting.whole else float(value) + 0.0


def _allowed(setting: Setting) -> tuple[str, list[str]]:
    field = setting.fields[0]
    if setting.choices is not None:
        return "allowed", list(setting.choices)
    what, table = TABLES[field]
    return what, [*table, *([ABSENT[field]] if field in ABSENT else [])]


def _choices_text(setting: Setting, folders: Iterable[str]) -> str:
    if setting.name == "dataset":
        return f"text is needed, one of: {listed(_datasets(folders))}"
    return f"text is needed, one of: {listed(_allowed(setting)[1])}"


def _datasets(folders: Iterable[str]) -> list[str]:
    return [*DATASETS, *(FOLDER_PREFIX + folder for folder in folders)]


def _dataset(given: str, folders: list[str]) -> str:
    known = _datasets(folders)
    if given in known:
        return given
    if not given.startswith(FOLDER_PREFIX):
        raise ValueError(unknown_part("a data set", given, known))
    message = unknown("a data set", given, known)
    name = given.removeprefix(FOLDER_PREFIX) or "NAME"
    raise ValueError(f"{message}; declare {name} under `folders`")


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
    given: Mapping[str, object], path: KeyPath, folders: Iterable[str], faults: list[Fault]
) -> Layer:
    """Check one mapping of settings; what is wrong is added to `faults` and left out."""
    if "epochs" in given and "iterations" in given:
        where = dotted(path) or "the study"
        message = f"{where} gives both epochs and iterations; exactly one sets the length"
        faults.append(Fault((*path, "iterations"), message))
    layers: list[Layer] = []
    unsure: set[str] = set()
    for name, value in given.items():
        here = (*path, name)
        if name not in SETTINGS:
            faults.append(Fault(here, unknown_setting(name, dotted(path))))
            continue
        try:
            layers.append(value_layer(name, read_value(name, value, folders), here))
        except ValueError as error:
            faults.append(Fault(here, f"{dotted(here)}: {error}"))
            unsure.update(SETTINGS[name].fields)
    layer = merged(layers)
    return Layer(layer.values, layer.paths, layer.both, frozenset(unsure))


def unknown_setting(name: str, where: str) -> str:
    """The message for a name that is no setting; `where` is the dotted key around it."""
    if name == "seed":
        return f"{where}: seed is not a setting of a trial; give `seed:` to the study as a whole"
    own = _BESIDE.get(where.partition(".")[0], ())
    return f"{where}: {unknown('a setting', name, (*own, *SETTINGS))}"


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
        both = (both | layer.both) if layer.both else both - layer.values.keys()
    return Layer(values, paths, both)

"""The settings that a study can give: one description of each.

They are made of the fields of a trial, and of what parts from outside declare.
"""

import functools
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from pydantic.fields import FieldInfo

from ganablate.catalog.parts import OwnSetting, OwnValue, Part, Trainer
from ganablate.catalog.tables import TABLES, Table
from ganablate.catalog.training import TRAINERS
from ganablate.config import Labels, Spec, TrialConfig

Kind = Literal["whole", "number", "labels", "word", "truth"]
BOUNDS = {"ge": "minimum", "le": "maximum", "gt": "exclusiveMinimum", "lt": "exclusiveMaximum"}
"""Bounds of a number: as pydantic names them -> as JSON schema does."""
SECOND = "second_"
"""Before the settings of the second penalty."""
LENGTHS = ("epochs", "iterations")
"""The two ways to give the length of a training, of which a trial has one."""
OF_EVERY_TRAINER = frozenset({
    "trainer", "dataset", "channels", "image_size", "crop", "train_images", "batch_size", *LENGTHS,
    "precision", "device",
})  # fmt: skip
"""Settings that a trial has whatever trains it: of the data, the length and the arithmetic."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a study may write for one setting, and what it is; see also `Spec`."""

    name: str
    fields: tuple[str, ...]
    """Of `TrialConfig`, which it sets: two for a form such as `lr`."""
    kind: Kind
    """Of its values; a range of labels is a number or a text such as 0.7..1."""
    text: str
    bounds: Mapping[str, float] = field(default_factory=dict)
    """Of a number, as JSON schema names them."""
    literals: tuple[str, ...] = ()
    """The words that it takes, if it names no part."""
    table: Table | None = None
    absent: str | None = None
    same: str | None = None
    usual: Any = None
    owners: tuple[str, ...] = ()
    """The settings of whose parts one must have it; see `reads`. None: every trial has it."""
    own: bool = False
    """Whether a part from outside declares it."""

    @property
    def whole(self) -> bool:
        """Whether its values are whole numbers."""
        return self.kind == "whole"

    @property
    def number(self) -> bool:
        """Whether its values are numbers, whole or not."""
        return self.kind in ("whole", "number")

    @property
    def choices(self) -> tuple[str, ...]:
        """Words that it takes beside `absent`, those of plug-ins too; none for a number."""
        return self.literals or (tuple(self.table.lines) if self.table else ())

    @property
    def bare(self) -> str:
        """Its name without the net or the place, as an optimizer or a penalty knows it."""
        name = self.fields[0]
        return name.partition("_")[2] if _net_of(name) else name.removeprefix(SECOND)


def bare_type(annotation: Any, metadata: tuple[Any, ...] = ()) -> tuple[Any, list[Any]]:
    """The type inside `Annotated[...]` and `... | None`, and what is annotated to it."""
    notes = list(metadata)
    while True:
        origin = typing.get_origin(annotation)
        if origin is typing.Annotated:
            annotation, *more = typing.get_args(annotation)
            for note in more:
                notes.extend(note.metadata if isinstance(note, FieldInfo) else [note])
        elif origin in (typing.Union, types.UnionType):
            annotation = next(a for a in typing.get_args(annotation) if a is not type(None))
        else:
            return annotation, notes


def _net_of(name: str) -> str:
    """`g_` or `d_` before a name that the other net has too, else nothing."""
    net, _, rest = name.partition("_")
    other = {"g": "d", "d": "g"}.get(net)
    return f"{net}_" if f"{other}_{rest}" in TrialConfig.model_fields else ""


def _setting(name: str, info: FieldInfo, spec: Spec) -> Setting:
    kind, notes = bare_type(info.annotation, tuple(info.metadata))
    labels = any(note in notes for note in typing.get_args(Labels)[1:])
    kinds: dict[Any, Kind] = {int: "whole", float: "number"}
    bounds: dict[str, Any] = {"minimum": 0, "maximum": 1} if labels else {}
    for note in notes:
        for bound, key in BOUNDS.items():
            if hasattr(note, bound):
                bounds[key] = getattr(note, bound)
    return Setting(
        name=name,
        fields=(name,),
        kind="labels" if labels else kinds.get(kind, "word"),
        text=spec.text,
        bounds=bounds,
        literals=typing.get_args(kind) if typing.get_origin(kind) is Literal else (),
        table=TABLES[spec.table] if spec.table else None,
        absent=spec.absent,
        same=spec.same,
        usual=spec.usual,
        owners=(f"{_net_of(name)}{spec.part}",) if spec.part else (),
    )


def _own_setting(name: str, own: OwnSetting, owners: tuple[str, ...]) -> Setting:
    kinds: dict[type, Kind] = {bool: "truth", int: "whole", float: "number", str: "word"}
    kind = type(own.default)
    ends = {"minimum": own.minimum, "maximum": own.maximum}
    whole = kind is int
    return Setting(
        name=name,
        fields=(name,),
        kind=kinds[kind],
        text=own.text,
        bounds={k: int(end) if whole else end for k, end in ends.items() if end is not None},
        literals=("true", "false") if isinstance(own.default, bool) else own.choices,
        owners=owners,
        own=True,
    )


def _settings() -> dict[str, Setting]:
    settings: dict[str, Setting] = {}
    shared: dict[str, Setting] = {}
    for name, info in TrialConfig.model_fields.items():
        for spec in (note for note in info.metadata if isinstance(note, Spec)):
            setting = settings[name] = _setting(name, info, spec)
            if spec.both and name.startswith("g_"):
                both = (name, f"d_{setting.bare}")
                text = f"{both[0]} and {both[1]} at once"
                shared[setting.bare] = replace(setting, name=setting.bare, fields=both, text=text)
    return settings | shared


SETTINGS: dict[str, Setting] = _settings()
"""Every name that may stand in `base`, a budget or an arm, and as a factor."""
SHARED = tuple(name for name, setting in SETTINGS.items() if len(setting.fields) > 1)
"""Settings that both nets have: NAME sets g_NAME and d_NAME."""
FIELDS = {name: setting for name, setting in SETTINGS.items() if name not in SHARED}
"""The settings that are fields of a trial."""
USUAL: Mapping[str, Any] = {n: s.usual for n, s in FIELDS.items() if s.usual is not None}
"""What a study may leave out, unless a part that it names brings a value of its own."""
OF_SETTINGS: Mapping[str, Mapping[str, Part]] = {
    name: setting.table.lines for name, setting in FIELDS.items() if setting.table is not None
}
"""The settings of a trial that name a part, and the lines of its table."""
NETWORK_SETTINGS = tuple(name for name, line in FIELDS.items() if line.owners == ("network",))
"""Settings that only some networks have."""
OPTIMIZER_SETTINGS = tuple(name for name in SHARED if SETTINGS[name].owners == ("g_optimizer",))
"""Settings that some optimizer has, beside lr."""


OWN: dict[str, Setting] = {}
"""The settings that parts from outside declare."""
OWNED = {name: setting for name, setting in FIELDS.items() if setting.owners}
"""The settings that a trial has only if one of its parts has them."""


def take_in_own_settings() -> None:
    """Bring the settings that the parts of the catalog declare by now into the tables here."""
    for name in OWN:
        del SETTINGS[name], FIELDS[name], OWNED[name]
    OWN.clear()
    owners: dict[str, list[str]] = {}
    declared: dict[str, OwnSetting] = {}
    for owner, lines in OF_SETTINGS.items():
        of_table = {name: own for part in lines.values() for name, own in part.declares.items()}
        declared |= of_table
        for name in of_table:
            owners.setdefault(name, []).append(owner)
    for name, own in declared.items():
        if name not in SETTINGS:  # one that has the name of a setting of ganablate is refused
            OWN[name] = _own_setting(name, own, tuple(owners[name]))
    for table in (SETTINGS, FIELDS, OWNED):
        table.update(OWN)


def part_named(setting: str, values: Mapping[str, Any]) -> Part | None:
    """The part that a setting names in a trial with these values; None: none, or no such."""
    name = values.get(setting, USUAL.get(setting))
    if name is None:
        name = FIELDS[setting].absent  # of the trainer that is a part too, else of none
    return OF_SETTINGS[setting].get(name) if isinstance(name, str) else None


def trainer_of(config: TrialConfig) -> Trainer:
    """The trainer of a trial."""
    return TRAINERS[config.trainer or str(FIELDS["trainer"].absent)]


def uses(values: Mapping[str, Any], name: str) -> bool:
    """Whether the trainer of a trial with these values uses the field of that name.

    Those that a part owns come with the setting that names the part. A trainer that there is not
    uses all.
    """
    settings = getattr(part_named("trainer", values), "settings", None)
    if settings is None or name in OF_EVERY_TRAINER or name in settings:
        return True
    owners = FIELDS[name].owners
    return any(owner in settings or owner in OF_EVERY_TRAINER for owner in owners)


def brought(values: Mapping[str, Any]) -> dict[str, Any]:
    """What the parts that these values name bring, field by field."""
    values = {**getattr(part_named("trainer", values), "usual", {}), **values}
    return {
        f"{_place_of(name, field)}{field}": value
        for name in OF_SETTINGS
        for field, value in getattr(part_named(name, values), "brings", {}).items()
    }


def _place_of(owner: str, field: str) -> str:
    """What stands before a field that a part brings, where a trial may have two such parts."""
    if owner.startswith(SECOND) and f"{SECOND}{field}" in FIELDS:
        return SECOND
    return _net_of(owner) if field in OPTIMIZER_SETTINGS else ""


def reads(values: Mapping[str, Any], name: str) -> bool:
    """Whether a trial with these values has the field of that name."""
    setting = FIELDS.get(name)
    if setting is not None and not uses(values, name):
        return False
    if setting is None or not setting.owners:
        return True
    parts = (part_named(owner, values) for owner in setting.owners)
    return any(part is not None and setting.bare in part.brings for part in parts)


def _part_of(setting: str, config: TrialConfig) -> Part | None:
    return part_named(setting, {setting: getattr(config, setting)})


def own_values(setting: str, config: TrialConfig) -> dict[str, OwnValue]:
    """The settings that a trial's part declares, with their values; `setting` names the part."""
    part = _part_of(setting, config)
    declared = part.declares if part is not None else {}
    return {name: getattr(config, name, own.default) for name, own in declared.items()}


def function_of(setting: str, config: TrialConfig) -> Callable[..., Any]:
    """The function of the part that a setting names, with the settings that the part declares."""
    part = _part_of(setting, config)
    if part is None:
        raise KeyError(getattr(config, setting))
    own = own_values(setting, config)
    return functools.partial(part.load(), **own) if own else part.load()


def plugin_digests(settings: Mapping[str, object]) -> dict[str, str]:
    """Setting -> digest of the source, for the parts of a trial that came with a plug-in."""
    parts = {name: part_named(name, settings) for name in OF_SETTINGS if name in settings}
    return {name: part.digest for name, part in parts.items() if part and part.digest is not None}

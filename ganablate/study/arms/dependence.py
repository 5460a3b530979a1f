"""Settings that hang on a part: the defaults it brings, and the settings that only it reads."""

from collections.abc import Iterator, Mapping
from typing import Any

from ganablate.catalog.settings import FIELDS, OF_SETTINGS, USUAL, brought, part_named, reads
from ganablate.study.arms.settings import Layer
from ganablate.study.reading.errors import Fault

DEPENDENT = {name: setting.part for name, setting in FIELDS.items() if setting.part is not None}
"""Settings that some part must read -> the setting that names the part."""


def with_defaults(given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings given and those that their parts bring, without those that nothing reads."""
    own = brought(given)
    values = {**USUAL, **own, **given}
    if values.get("penalty") is not None or values.get("d_norm") == "spectral":
        # The clip of a criterion's own keeps D as smooth as these do.
        values["d_weight_clip"] = given.get("d_weight_clip")
    for name, owner in DEPENDENT.items():
        # Of a network that is missing nothing can be said; the penalty may be none.
        if not reads(values, name) and (owner in values or FIELDS[owner].absent):
            values.pop(name, None)
    return values


def idle_faults(layer: Layer, given: Mapping[str, Any], unsure: frozenset[str]) -> Iterator[Fault]:
    """Settings that this layer gives although nothing reads them.

    One that was only inherited when an arm changed the part that reads it falls away in silence.
    """
    for name, owner in DEPENDENT.items():
        if layer.values.get(name) is None or owner in unsure or reads(given, name):
            continue
        bare = FIELDS[name].bare
        if name in layer.both and any(reads(given, f"{net}_{bare}") for net in "gd"):
            continue
        part = part_named(owner, given)
        if part is not None or FIELDS[owner].absent:
            yield Fault(
                layer.paths[name], _idle(bare if name in layer.both else name, owner, given)
            )


def _idle(spelled: str, owner: str, given: Mapping[str, Any]) -> str:
    """Why a setting does nothing, and which parts would read it."""
    kind = owner.removeprefix("g_").removeprefix("d_")
    part = part_named(owner, given)
    lines = OF_SETTINGS[owner].items()
    bare = spelled.removeprefix("g_").removeprefix("d_")
    having = ", ".join(name for name, line in lines if {spelled, bare} & line.brings.keys())
    if part is None:
        return f"{spelled} is given without a {kind}; name one of: {having}"
    called = f"the {kind} {given.get(owner, USUAL.get(owner))} has no {spelled}"
    if kind == "optimizer":
        return f"{called}; it has {', '.join(['lr', *part.brings])}"
    return f"{called}; those that have it: {having}"

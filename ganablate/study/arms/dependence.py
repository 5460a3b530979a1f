"""Settings that hang on a part: the defaults it brings, and the settings that only it reads."""

from collections.abc import Iterator, Mapping
from typing import Any

from ganablate.catalog import CRITERIA, NETWORK_SETTINGS, NETWORKS, OPTIMIZERS, PENALTIES
from ganablate.study.arms.settings import OPTIMIZER_SETTINGS, Layer
from ganablate.study.reading.errors import Fault

DEFAULTS: Mapping[str, Any] = {
    "latent_dim": 100,
    "latent": "normal",
    "criterion": "bce",
    "g_optimizer": "adam",
    "d_optimizer": "adam",
    "g_lr": 2e-4,
    "d_lr": 2e-4,
    "batch_size": 128,
    "d_steps": 1,
    "g_steps": 1,
}
"""What a study may leave out; the network's and the criterion's own defaults come before these."""

_NETS = ("g", "d")
_LABELS = ("real_labels", "fake_labels")
DEPENDENT = frozenset(
    {
        "penalty_weight",
        *_LABELS,
        *NETWORK_SETTINGS,
        *(f"{net}_{name}" for net in _NETS for name in OPTIMIZER_SETTINGS),
    }
)
"""Settings that some part must read; `idle_faults` looks at them."""


def with_defaults(given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings given and those that their parts bring, without those that nothing reads."""
    network = NETWORKS.get(given.get("network", ""))
    criterion = CRITERIA[given.get("criterion", DEFAULTS["criterion"])]
    own = network.defaults if network else {}
    values = {**DEFAULTS, **own, "d_steps": criterion.d_steps, **given}
    unread = [name for name in NETWORK_SETTINGS if network and name not in own]
    unread += [] if criterion.labels else _LABELS
    for net in _NETS:
        has = OPTIMIZERS[values[f"{net}_optimizer"]].settings
        unread += [f"{net}_{name}" for name in OPTIMIZER_SETTINGS if name not in has]
        values = {**{f"{net}_{name}": default for name, default in has.items()}, **values}
    penalty = values.get("penalty")
    if penalty is None:
        unread.append("penalty_weight")
        if values.get("d_norm") != "spectral":
            values.setdefault("d_weight_clip", criterion.weight_clip)
    else:
        values.setdefault("penalty_weight", PENALTIES[penalty].default_weight)
    for name in unread:
        values.pop(name, None)
    return values


def _has(given: Mapping[str, Any], net: str, name: str) -> bool:
    optimizer = given.get(f"{net}_optimizer", DEFAULTS[f"{net}_optimizer"])
    return name in OPTIMIZERS[optimizer].settings


def idle_faults(layer: Layer, given: Mapping[str, Any], unsure: frozenset[str]) -> Iterator[Fault]:
    """Settings that this layer gives although nothing reads them.

    One that was only inherited when an arm changed the part that reads it falls away in silence.
    """
    for net in _NETS:
        if f"{net}_optimizer" not in unsure:
            yield from _idle_optimizer(layer, given, net)
    without = given.get("penalty") is None and "penalty" not in unsure
    if "penalty_weight" in layer.values and without:
        names = ", ".join(PENALTIES)
        message = f"penalty_weight is given without a penalty; name one of: {names}"
        yield Fault(layer.paths["penalty_weight"], message)
    network = NETWORKS.get(given.get("network", ""))
    for name in NETWORK_SETTINGS:
        if network and name in layer.values and name not in network.defaults:
            having = ", ".join(key for key, entry in NETWORKS.items() if name in entry.defaults)
            message = f"the network {given['network']} has no {name}; those that have it: {having}"
            yield Fault(layer.paths[name], message)
    criterion = given.get("criterion", DEFAULTS["criterion"])
    for name in _LABELS:
        if layer.values.get(name) is not None and not CRITERIA[criterion].labels:
            having = ", ".join(key for key, entry in CRITERIA.items() if entry.labels)
            message = (
                f"the criterion {criterion} has no labels to change; those that have: {having}"
            )
            yield Fault(layer.paths[name], message)


def _idle_optimizer(layer: Layer, given: Mapping[str, Any], net: str) -> Iterator[Fault]:
    for name in OPTIMIZER_SETTINGS:
        key = f"{net}_{name}"
        if key not in layer.values or _has(given, net, name):
            continue
        if key in layer.both and any(_has(given, other, name) for other in _NETS):
            continue
        optimizer = given.get(f"{net}_optimizer", DEFAULTS[f"{net}_optimizer"])
        allowed = ", ".join(["lr", *OPTIMIZERS[optimizer].settings])
        spelled = name if key in layer.both else key
        message = f"the optimizer {optimizer} has no {spelled}; it has {allowed}"
        yield Fault(layer.paths[key], message)


def reads(values: Mapping[str, Any], field: str) -> bool:
    """Whether some part of a resolved trial reads this field of its configuration."""
    if field == "penalty_weight":
        return values.get("penalty") is not None
    if field in _LABELS:
        return CRITERIA[values["criterion"]].labels
    if field in NETWORK_SETTINGS:
        return field in NETWORKS[values["network"]].defaults
    net, _, name = field.partition("_")
    return name not in OPTIMIZER_SETTINGS or net not in _NETS or _has(values, net, name)

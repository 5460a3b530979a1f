"""Layers of settings, and what they come to: catalog defaults <- base <- budget <- arm."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from ganablate.catalog import DATASETS, FOLDER_PREFIX, NETWORKS, Trainer, extractor_of
from ganablate.catalog import settings as catalog
from ganablate.catalog.settings import (
    LENGTHS,
    OF_EVERY_TRAINER,
    OF_SETTINGS,
    USUAL,
    part_named,
    reads,
    uses,
)
from ganablate.config import MOST_ITERATIONS, TrialConfig
from ganablate.study.arms.identity import dataset_content
from ganablate.study.arms.settings import Layer
from ganablate.study.reading.errors import Fault, KeyPath
from ganablate.study.schema import Folder

_FIELDS = tuple(name for name in TrialConfig.model_fields if name != "seed")
_DECIDING = {*OF_SETTINGS, "d_norm", "train_images", "image_size"}
"""Settings whose value decides what else an arm has, or whether it is right."""
_AMOUNTS = ("batch_size", "epochs", "d_steps")
"""Others that `_amount_faults` looks at."""
BASE: KeyPath = ("base",)
MOST_PIXELS = 2**28
"""Of a batch: 3 GB in colour, and a net keeps several times that for its gradients."""


def fields() -> tuple[str, ...]:
    """What a trial may have beside its seed, with what parts from outside declare."""
    return (*_FIELDS, *catalog.OWN)


@dataclass(frozen=True, slots=True)
class Data:
    """The facts of a data set that are checked. Sizes in pixels; None: not one size.

    `channels` are those of a folder; a data set of the catalog has its own.
    """

    data_id: str
    images: int
    image_size: int | None
    extractor: str | None
    channels: Literal[1, 3] | None = None


def _data_of(dataset: object, folders: Mapping[str, Folder]) -> Data | None:
    """The data set of that name in the catalog or among the folders; None: there is none."""
    if not isinstance(dataset, str):
        return None
    if dataset in DATASETS:
        entry = DATASETS[dataset]
        return Data(entry.data_id, entry.images, entry.image_size, entry.extractor)
    folder = folders.get(dataset.removeprefix(FOLDER_PREFIX))
    if folder is None or not dataset.startswith(FOLDER_PREFIX):
        return None
    extractor = extractor_of(dataset, folder.channels)
    return Data(folder.data_id, folder.images, None, extractor, folder.channels)


@dataclass(frozen=True, slots=True)
class Stack:
    """Layers put on each other; `given` is what they say together, later ones winning."""

    given: Mapping[str, Any]
    layers: tuple[Layer, ...]
    faults: tuple[Fault, ...] = ()
    unsure: frozenset[str] = frozenset()

    def fault(self, message: str, *settings: str) -> Fault:
        """A fault at the last layer that gives one of these settings."""
        for layer in reversed(self.layers):
            for name in settings:
                if name in layer.paths:
                    return Fault(layer.paths[name], message)
        return Fault(BASE, message)


BOTTOM = Stack({}, ())


def put(below: Stack, layer: Layer) -> Stack:
    """Put one more layer on top. Of epochs and iterations the newer one stays."""
    given = {**below.given, **layer.values}
    for newer, older in (LENGTHS, LENGTHS[::-1]):
        if newer in layer.values and older not in layer.values:
            given.pop(older, None)
    faults = below.faults
    unsure = below.unsure - layer.values.keys() | layer.unsure
    faults = (*faults, *_idle_faults(layer, given, unsure))
    return Stack(given, (*below.layers, layer), faults, unsure)


def with_defaults(given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings given and those that their parts bring, without those that nothing reads."""
    values = {**USUAL, **catalog.brought(given), **given}
    smooth = (values.get("penalty"), values.get("second_penalty")) != (None, None)
    if smooth or values.get("d_norm") == "spectral":
        # The clip that a criterion brings keeps D as smooth as these do.
        values["d_weight_clip"] = given.get("d_weight_clip")
    values = {name: value for name, value in values.items() if uses(values, name)}
    for name in [name for name in values if name in catalog.OWNED]:
        # Of a network that is missing nothing can be said; the penalty may be none.
        owners = catalog.OWNED[name].owners
        clear = all(owner in values or catalog.FIELDS[owner].absent for owner in owners)
        if clear and not reads(values, name):
            values.pop(name)
    return values


def _idle_faults(layer: Layer, given: Mapping[str, Any], unsure: frozenset[str]) -> Iterator[Fault]:
    """Settings that this layer gives although nothing reads them.

    One that was only inherited when an arm changed the part that reads it falls away in silence.
    """
    for name, value in layer.values.items():
        setting = catalog.FIELDS[name]
        if value is None or not unsure.isdisjoint((*setting.owners, "trainer")):
            continue
        values = {**catalog.brought(given), **given}
        bare = setting.bare
        spelled, same = name, [name]
        if name in layer.both:
            spelled, same = bare, [f"g_{bare}", f"d_{bare}"]
        if any(reads(values, field) for field in same):
            continue
        if not uses(values, name):
            if not any(uses(values, field) for field in same):
                yield Fault(layer.paths[name], _not_used(spelled, given))
            continue
        owner = setting.owners[0]
        named = any(part_named(owner, values) for owner in setting.owners)
        if named or catalog.FIELDS[owner].absent:
            yield Fault(layer.paths[name], _idle(spelled, owner, values))


def _not_used(spelled: str, given: Mapping[str, Any]) -> str:
    """That the trainer does not use a setting, and those that it uses."""
    part = part_named("trainer", given)
    used = ", ".join([*part.brings, *sorted(OF_EVERY_TRAINER - {"channels"})]) if part else ""
    return f"the trainer {given['trainer']} does not use {spelled}; it uses {used}"


def _idle(spelled: str, owner: str, given: Mapping[str, Any]) -> str:
    """Why a setting does nothing, and which parts would read it."""
    kind = owner.removeprefix("g_").removeprefix("d_")
    bare = spelled.removeprefix("g_").removeprefix("d_").removeprefix("second_")
    lines = catalog.OF_SETTINGS[owner].items()
    having = ", ".join(name for name, line in lines if {spelled, bare} & line.brings.keys())
    part = part_named(owner, given)
    if part is None:
        return f"{spelled} is given without a {kind}; name one of: {having}"
    called = given.get(owner) or USUAL.get(owner) or catalog.FIELDS[owner].absent
    message = f"the {kind} {called} has no {spelled}"
    if kind == "optimizer":
        return f"{message}; it has {', '.join(['lr', *part.brings])}"
    return f"{message}; those that have it: {having}"


@dataclass(frozen=True, slots=True)
class Resolution:
    """The settings of an arm without its seed, as far as they could be resolved.

    `base` has those that all arms of a budget are held against, and `differs` this arm's where they
    are others, in the order of `fields`; None stands for "has no such setting". A hundred thousand
    arms share one `base`.
    """

    base: Mapping[str, Any]
    differs: Mapping[str, Any]
    faults: tuple[Fault, ...]
    data: Data | None

    def get(self, name: str) -> Any:
        """The value of a setting; None: the arm has none."""
        return self.differs[name] if name in self.differs else self.base.get(name)

    @property
    def values(self) -> dict[str, Any]:
        """The value of every setting."""
        return {**self.base, **self.differs}

    def with_values(self, values: Mapping[str, Any]) -> "Resolution":
        """The arm with other values for some settings."""
        return replace(self, differs=_difference({**self.values, **values}, self.base))

    @property
    def identity(self) -> tuple[Any, ...]:
        """Equal for arms on the same base that are the same trial."""
        others = (pair for pair in self.differs.items() if pair[0] != "dataset")
        data_id = None if self.data is None else self.data.data_id
        return (data_id, dataset_content(self.get("dataset")), *others)


def _difference(values: Mapping[str, Any], base: Mapping[str, Any]) -> dict[str, Any]:
    get, usual = values.get, base.get
    return {name: get(name) for name in fields() if get(name) != usual(name)}


def finish(
    stack: Stack, folders: Mapping[str, Folder], base: Mapping[str, Any] | None = None
) -> Resolution:
    """Fill in the defaults and check what only the whole can tell; None: it is the base itself."""
    values = with_defaults(stack.given)
    _, sizes = _built_for(values)
    data = _data_of(values.get("dataset"), folders)
    if data is not None:
        if data.channels is not None:
            values["channels"] = data.channels
        fits = data.image_size is not None and (sizes is None or data.image_size in sizes)
        if fits and "image_size" not in values:
            values["image_size"] = data.image_size
        if values.get("train_images") == data.images:
            values["train_images"] = None
    faults = (*stack.faults, *_missing(stack, values))
    first, second = values.get("penalty"), values.get("second_penalty")
    if second is not None and first == second:
        message = f"second_penalty: {second} is the first penalty already; raise penalty_weight"
        faults = (*faults, stack.fault(message, "second_penalty", "penalty"))
    if data is not None:
        amounts = (stack.fault(*fault) for fault in _amount_faults(values, data))
        faults = (*faults, *_size_faults(stack, values, data), *amounts)
    if base is None:
        return Resolution(values, {}, faults, data)
    return Resolution(base, _difference(values, base), faults, data)


class _First:
    """The first arm of its kind: its settings, and which of them are those that it gave."""

    def __init__(self, resolution: Resolution, given: Mapping[str, Any]) -> None:
        kept = {name for name, value in given.items() if resolution.get(name) == value}
        differs = resolution.differs
        self.data = resolution.data
        self.inherited = {name: value for name, value in differs.items() if name not in kept}
        self.order = [name for name in fields() if name in self.inherited or name in kept]
        self.has_amounts = not kept.isdisjoint(_AMOUNTS)


class Resolver:
    """Resolves the arms of a study at one budget, each on the same layers below it.

    Arms that give the same settings, and the same values to those that decide about others, differ
    in nothing but the values they give: the first of them is resolved, the others take after it.
    """

    def __init__(self, below: Stack, folders: Mapping[str, Folder]) -> None:
        self.bottom = finish(below, folders)
        self._below = below
        self._folders = folders
        self._firsts: dict[tuple[Any, ...], _First] = {}

    def resolve(self, layer: Layer) -> Resolution:
        """What an arm comes to that gives the settings of this layer."""
        given = layer.values
        deciding = [(n, v if n in _DECIDING else v is None) for n, v in given.items()]
        kind = (layer.both, *deciding)
        first = self._firsts.get(kind)
        if first is not None and (resolution := self._alike(first, given)) is not None:
            return resolution
        resolution = finish(put(self._below, layer), self._folders, self.bottom.base)
        if not resolution.faults and not layer.unsure:
            self._firsts[kind] = _First(resolution, given)
        return resolution

    def _alike(self, first: _First, given: Mapping[str, Any]) -> Resolution | None:
        """The arm that gives these values where the first one gave others; None: it is wrong."""
        base, values = self.bottom.base, {**given, **first.inherited}
        differs = {name: values[name] for name in first.order if values[name] != base.get(name)}
        if first.has_amounts and first.data is not None:
            for _ in _amount_faults({**base, **differs}, first.data):
                return None
        return Resolution(base, differs, (), first.data)


def _trainer(values: Mapping[str, Any]) -> Trainer:
    part = part_named("trainer", values)
    assert isinstance(part, Trainer)
    return part


def _built_for(values: Mapping[str, Any]) -> tuple[str, tuple[int, ...] | None]:
    """What decides on the size of images, as a message calls it, and the sizes; None: any."""
    name, trainer = values.get("network"), _trainer(values)
    if not trainer.has_pair:
        return f"the trainer {values['trainer']}", trainer.image_sizes
    return ("", None) if name is None else (f"the network {name}", NETWORKS[name].image_sizes)


def _missing(stack: Stack, values: Mapping[str, Any]) -> Iterator[Fault]:
    has_pair = "trainer" not in stack.unsure and _trainer(values).has_pair
    for name in ("dataset", "network") if has_pair else ("dataset",):
        if name not in values and name not in stack.unsure:
            yield Fault(BASE, f"base gives no {name}; it cannot be left out")
    if all(values.get(name) is None for name in LENGTHS) and stack.unsure.isdisjoint(LENGTHS):
        yield Fault(BASE, "base gives no length; epochs or iterations is needed")


def _size_faults(stack: Stack, values: Mapping[str, Any], data: Data) -> Iterator[Fault]:
    size = values.get("image_size")
    built, sizes = _built_for(values)
    if not built:
        return
    possible = "any size" if sizes is None else ", ".join(map(str, sizes))
    allowed = f"{built} can be built for: {possible}"
    message = ""
    if size is None:
        given = "no one size" if data.image_size is None else f"{data.image_size} pixels"
        message = f"image_size must be stated: {values['dataset']} has {given}, and {allowed}"
    elif sizes is not None and size not in sizes:
        message = f"image_size {size}: {allowed}"
    if message:
        yield stack.fault(message, "image_size", "network", "trainer", "dataset")


def _amount_faults(values: Mapping[str, Any], data: Data) -> Iterator[tuple[str, ...]]:
    """Numbers that are too large together, although each is allowed by itself.

    Each is a message, and the settings that may have given them.
    """
    dataset, chosen, batch = values["dataset"], values.get("train_images"), values["batch_size"]
    images, size, epochs = chosen or data.images, values.get("image_size"), values.get("epochs")
    if images > data.images:
        message = f"train_images {chosen} is more than the {data.images} images of {dataset}"
        yield (message, "train_images", "dataset")
        images = data.images
    elif batch > images:
        limit = f"train_images {chosen}" if chosen else f"the {images} images of {dataset}"
        message = f"batch_size {batch} is larger than {limit}"
        yield (message, "batch_size", "train_images", "dataset")
    if size is not None and batch * size**2 > MOST_PIXELS:
        message = (
            f"batch_size {batch} with image_size {size}: a batch of {batch * size**2:,} pixels; at "
            f"most {MOST_PIXELS:,} are allowed"
        )
        yield (message, "batch_size", "image_size")
    iterations = (epochs or 0) * (images // batch) // values.get("d_steps", 1)
    if iterations > MOST_ITERATIONS:
        message = (
            f"epochs {epochs} of {images} images in batches of {batch} are {iterations:,} "
            f"iterations; at most {MOST_ITERATIONS:,} are allowed"
        )
        yield (message, "epochs", "batch_size", "train_images")

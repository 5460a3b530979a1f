"""Layers of settings, and what they come to: catalog defaults <- base <- budget <- arm."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import ValidationError

from ganablate.catalog import DATASETS, FOLDER_PREFIX, NETWORKS, extractor_of
from ganablate.catalog.settings import LENGTHS
from ganablate.config import MOST_ITERATIONS, TrialConfig
from ganablate.study.arms.dependence import DEPENDENT, idle_faults, with_defaults
from ganablate.study.arms.identity import dataset_content
from ganablate.study.arms.settings import Layer
from ganablate.study.reading.errors import Fault, KeyPath
from ganablate.study.schema import Folder

FIELDS = tuple(name for name in TrialConfig.model_fields if name != "seed")
_DATASET = FIELDS.index("dataset")
_PARTS = ("dataset", "network", "criterion", "g_optimizer", "d_optimizer", "penalty")
"""Settings that bring defaults of the catalog with them."""
BASE: KeyPath = ("base",)
MOST_PIXELS = 2**28
"""Of a batch: 3 GB in colour, and a net keeps several times that for its gradients."""


@dataclass(frozen=True, slots=True)
class Data:
    """What the checks need to know of a data set. Sizes in pixels; None: not one size."""

    data_id: str
    images: int
    image_size: int | None
    extractor: str | None
    channels: Literal[1, 3] | None = None
    """Of a folder; a data set of the catalog has its own."""


def data_of(dataset: object, folders: Mapping[str, Folder]) -> Data | None:
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

    def where(self, *settings: str) -> KeyPath:
        """Where the last layer that gives one of these settings does so."""
        for layer in reversed(self.layers):
            for name in settings:
                if name in layer.paths:
                    return layer.paths[name]
        return BASE


BOTTOM = Stack({}, ())


def put(below: Stack, layer: Layer) -> Stack:
    """Put one more layer on top. Of epochs and iterations the newer one stays."""
    given = {**below.given, **layer.values}
    for own, other in (LENGTHS, LENGTHS[::-1]):
        if own in layer.values and other not in layer.values:
            given.pop(other, None)
    faults = below.faults
    unsure = below.unsure - layer.values.keys() | layer.unsure
    if not DEPENDENT.keys().isdisjoint(layer.values):
        faults = (*faults, *idle_faults(layer, given, unsure))
    return Stack(given, (*below.layers, layer), faults, unsure)


@dataclass(frozen=True, slots=True)
class Resolution:
    """The settings of an arm without its seed, as far as they could be resolved.

    `key` holds them in the order of `FIELDS`.
    """

    values: Mapping[str, Any]
    faults: tuple[Fault, ...]
    data: Data | None
    key: tuple[Any, ...]

    @property
    def identity(self) -> tuple[Any, ...]:
        """Equal for arms that are the same trial."""
        rest = self.key[:_DATASET] + self.key[_DATASET + 1 :]
        data_id = None if self.data is None else self.data.data_id
        return (data_id, dataset_content(self.key[_DATASET]), *rest)


def finish(stack: Stack, folders: Mapping[str, Folder]) -> Resolution:
    """Fill in the defaults and check what only the whole can tell."""
    given = stack.given
    network = NETWORKS.get(given.get("network", ""))
    values = with_defaults(given)
    data = data_of(values.get("dataset"), folders)
    if data is not None and data.channels is not None:
        values["channels"] = data.channels
    if data is not None and "image_size" not in values and data.image_size is not None:
        admitted = network is None or network.image_sizes is None
        if admitted or (network and network.image_sizes and data.image_size in network.image_sizes):
            values["image_size"] = data.image_size
    if data is not None and values.get("train_images") == data.images:
        values["train_images"] = None
    faults = (*stack.faults, *_missing(stack, values), *_size_faults(stack, values, data))
    faults = (*faults, *_amount_faults(stack, values, data))
    return Resolution(values, faults, data, tuple(map(values.get, FIELDS)))


def _missing(stack: Stack, values: Mapping[str, Any]) -> Iterator[Fault]:
    for name in ("dataset", "network"):
        if name not in values and name not in stack.unsure:
            yield Fault(BASE, f"base gives no {name}; it cannot be left out")
    if all(values.get(name) is None for name in LENGTHS) and stack.unsure.isdisjoint(LENGTHS):
        yield Fault(BASE, "base gives no length; epochs or iterations is needed")


def _size_faults(stack: Stack, values: Mapping[str, Any], data: Data | None) -> Iterator[Fault]:
    name = values.get("network")
    if name is None or data is None:
        return
    sizes = NETWORKS[name].image_sizes
    allowed = "any size" if sizes is None else ", ".join(str(size) for size in sizes)
    size = values.get("image_size")
    where = stack.where("image_size", "network", "dataset")
    if size is None:
        own = "no one size" if data.image_size is None else f"{data.image_size} pixels"
        message = (
            f"image_size must be stated: {values['dataset']} has {own}, and the network {name} "
            f"can be built for: {allowed}"
        )
        yield Fault(where, message)
    elif sizes is not None and size not in sizes:
        message = f"image_size {size}: the network {name} can be built for: {allowed}"
        yield Fault(where, message)


def _amount_faults(stack: Stack, values: Mapping[str, Any], data: Data | None) -> Iterator[Fault]:
    if data is None:
        return
    dataset, images = values["dataset"], data.images
    train_images = values.get("train_images")
    if train_images is not None and train_images > images:
        message = f"train_images {train_images} is more than the {images} images of {dataset}"
        yield Fault(stack.where("train_images", "dataset"), message)
    elif values["batch_size"] > (train_images or images):
        of = f"train_images {train_images}" if train_images else f"the {images} images of {dataset}"
        message = f"batch_size {values['batch_size']} is larger than {of}"
        yield Fault(stack.where("batch_size", "train_images", "dataset"), message)
    yield from _most_faults(stack, values, min(train_images or images, images))


def _most_faults(stack: Stack, values: Mapping[str, Any], images: int) -> Iterator[Fault]:
    """Products of settings that are too large, although each is allowed by itself."""
    size, batch = values.get("image_size"), values["batch_size"]
    if size is not None and batch * size**2 > MOST_PIXELS:
        message = (
            f"batch_size {batch} with image_size {size}: a batch of {batch * size**2:,} pixels; at "
            f"most {MOST_PIXELS:,} are allowed"
        )
        yield Fault(stack.where("batch_size", "image_size"), message)
    epochs = values.get("epochs")
    if epochs is not None:
        iterations = epochs * (images // batch) // values["d_steps"]
        if iterations > MOST_ITERATIONS:
            message = (
                f"epochs {epochs} of {images} images in batches of {batch} are {iterations:,} "
                f"iterations; at most {MOST_ITERATIONS:,} are allowed"
            )
            yield Fault(stack.where("epochs", "batch_size", "train_images"), message)


class Configs:
    """Makes the settings of arms, which share one seed.

    Arms with the same parts differ in values that `read_value` has checked already, so only the
    first of them goes through the model: ten thousand arms in a tenth of a second.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._checked: dict[tuple[Any, ...], TrialConfig] = {}

    def of(self, resolution: Resolution) -> TrialConfig:
        """The trial's settings.

        Raises:
            ValueError: they do not fit `TrialConfig`: a line of the catalog is wrong.
        """
        values = dict(zip(FIELDS, resolution.key, strict=True))
        parts = tuple(values[name] for name in _PARTS)
        if parts in self._checked:
            return self._checked[parts].model_copy(update=values)
        try:
            config = TrialConfig(**values, seed=self.seed)
        except ValidationError as error:
            first = error.errors()[0]
            where = "".join(f"{part}: " for part in first["loc"])
            reason = first.get("ctx", {}).get("error", first["msg"])
            raise ValueError(f"{where}{reason}") from None
        self._checked[parts] = config
        return config

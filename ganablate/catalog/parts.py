"""What a line of each table holds. A table's lines share one signature, stated here.

A line checks itself when it is made, a plug-in's as the built-in ones; what takes the whole
catalog to see is checked by `ganablate.study.plugins.lines`.
"""

import importlib
import re
from collections.abc import Mapping
from dataclasses import field
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator
from pydantic.dataclasses import dataclass

from ganablate.config import NOT_BOOLEAN, Count, Few, ImageSize, Rate, TrialConfig, Weight

Direction = Literal["min", "max", "none"]
Scale = Literal["ratio", "difference"]
PART_NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")
"""Of a line of a table, of a column, of a picture."""


def _text(text: str) -> str:
    if not text.strip():
        raise ValueError("the text is empty")
    return text


def _part_name(name: str) -> str:
    if not PART_NAME.fullmatch(name):
        raise ValueError(f'"{name}" is given; a name of small letters, digits and _ is needed')
    return name


Text = Annotated[str, AfterValidator(_text)]
PartName = Annotated[str, AfterValidator(_part_name)]
LossKey = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*/[a-z][a-z0-9_]*$")]
GAN_LOSSES = ("d/criterion", "g/criterion", "d/accuracy_real", "d/accuracy_fake")
"""Losses that the built-in trainer records of every trial; with a penalty it has one more."""
_CHECKED = ConfigDict(extra="forbid", allow_inf_nan=False)
OwnValue = bool | int | float | str


@dataclass(frozen=True, config=_CHECKED)
class OwnSetting:
    """A setting that a part from outside declares: studies give it as they give any other.

    Its kind is that of its default: a truth value, a whole number, a number (write 1.0, not 1) or a
    word, which needs `choices`. `minimum` and `maximum` may be reached.
    """

    text: Text
    """What it is, in a few words."""
    default: OwnValue
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[Text, ...] = ()

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        default, ends = self.default, (self.minimum, self.maximum)
        if isinstance(default, str) != bool(self.choices):
            raise ValueError("a word needs choices, and nothing else has them")
        if isinstance(default, str) and default not in self.choices:
            raise ValueError(f'the default "{default}" is none of its choices')
        if isinstance(default, bool | str):
            if ends != (None, None):
                raise ValueError("only a number has a minimum or a maximum")
        elif not (ends[0] is None or ends[0] <= default) or not (
            ends[1] is None or default <= ends[1]
        ):
            raise ValueError(f"the default {default} lies outside its minimum and maximum")
        return self

    @property
    def examples(self) -> tuple[OwnValue, ...]:
        """Values that it takes: the default, and the ends or the other choices where it has any."""
        if isinstance(self.default, bool):
            return (self.default, not self.default)
        kind = type(self.default)
        ends = [kind(end) for end in (self.minimum, self.maximum) if end is not None]
        return tuple(dict.fromkeys((self.default, *ends, *self.choices)))


def _fields(names: Mapping[str, Any]) -> Mapping[str, Any]:
    if lost := [name for name in names if name not in TrialConfig.model_fields]:
        raise ValueError(f"a trial has no setting {', '.join(lost)} (of both nets: g_, d_)")
    return names


@dataclass(frozen=True, kw_only=True, config=_CHECKED)
class Advice:
    """A combination of a part with other settings that its paper advises against.

    It is met where each setting in `where` has one of these words, and each in `above` is a number
    above this one. A study may have it: what comes of it may be what the study asks.
    """

    what: Text
    """The other half of the combination, such as "batch norm in D"."""
    because: Text
    source: Text
    """Where the paper says so."""
    where: Annotated[Mapping[str, tuple[str, ...]], AfterValidator(_fields)] = field(
        default_factory=dict
    )
    above: Annotated[Mapping[str, float], AfterValidator(_fields)] = field(default_factory=dict)

    def is_met(self, config: TrialConfig) -> bool:
        """Whether a trial of these settings, which has the part, is such a combination."""
        if any(getattr(config, name) not in words for name, words in self.where.items()):
            return False
        numbers = {name: getattr(config, name) for name in self.above}
        return all(n is not None and n > self.above[name] for name, n in numbers.items())


@dataclass(frozen=True, kw_only=True, config=_CHECKED)
class Part:
    """One line of a table. `implementation` is "module:function".

    In a plug-in it may be the name of a function beside the table.
    """

    implementation: Text
    """The function, or the class, that is called."""
    summary: Text
    """What it is, in a line, for lists and documents."""
    source: Text
    """A paper, or "own"."""
    plugin: str | None = None
    """The file or module that a part from outside came with; None: built in."""
    digest: str | None = None
    """Of the source of such a part: 16 hex digits that change with its text."""
    advises_against: tuple[Advice, ...] = ()
    """Combinations that its paper advises against; a study may have them and is told."""
    declares: Mapping[PartName, OwnSetting] = field(default_factory=dict)
    """Settings of its own; its function gets their values as keyword arguments."""

    def load(self) -> Any:
        """Import and return the function; each table states its signature."""
        module, _, name = self.implementation.partition(":")
        return getattr(importlib.import_module(module), name)

    @property
    def brings(self) -> Mapping[str, Any]:
        """Setting that a trial with this part has -> its value where the study gives none.

        An optimizer's stand without `g_` and `d_`. Of settings with a `Spec.part`, such as
        penalty_weight, those that are not among them are nothing to a trial with this part.
        """
        return {**self.usual, **{name: own.default for name, own in self.declares.items()}}

    @property
    def usual(self) -> Mapping[str, Any]:
        """Of `brings`, the settings that are ganablate's own."""
        return {}


@dataclass(frozen=True, kw_only=True, config=_CHECKED)
class Trainer(Part):
    """`f(config, images, *, device, precision) -> Training`: a class, or a function that makes one.

    `images` are uint8 [n, height, width, channels]; `ganablate.gan.training.Training` says what a
    sweep asks of the object.
    """

    settings: Mapping[str, Any] | None = None
    """The settings of ganablate that it uses, beside those that every trainer has, and what each is
    where a study gives none. None: all, as a trainer of the `network`'s pair of nets does."""
    losses: Annotated[tuple[LossKey, ...], Field(min_length=1)] = GAN_LOSSES
    """What it records at every iteration, at least."""
    image_sizes: tuple[ImageSize, ...] | None = None
    """Sizes it can be built for, where it uses no `network`, which has its own; None: any."""

    @property
    def has_pair(self) -> bool:
        """Whether it trains a generator and a discriminator, which the network makes."""
        return self.settings is None or "network" in self.settings

    @property
    def usual(self) -> Mapping[str, Any]:
        """Its settings."""
        return self.settings or {}


@dataclass(frozen=True, kw_only=True, config=_CHECKED)
class Criterion(Part):
    """`f(real_logits, fake_logits) -> (d_loss, g_loss)`, logits [batch], losses 0-d.

    With `labels` it also takes `real_labels` and `fake_labels`, [batch] in [0, 1], of the
    discriminator's loss, which default to 1 and 0.
    """

    threshold: Annotated[float, NOT_BOOLEAN]
    """D calls an image real where its logit lies above this; the accuracies count with it."""
    decides: bool = True
    """Whether that is a decision. A critic that is trained to tell a distance makes none."""
    labels: bool = False
    """Whether it takes `real_labels` and `fake_labels`, which studies then can vary."""
    pairs: bool = False
    """Whether G's loss looks at the real images: in G's step D, as it is by then, sees the last
    step's once more. Else G's step is given D's logits of before its update."""
    d_steps: Few = 1
    """Discriminator steps in an iteration, unless the study says otherwise."""
    weight_clip: Rate | None = None
    """Of D's weights, unless the study says otherwise, gives a penalty or a spectral norm."""

    @property
    def usual(self) -> Mapping[str, Any]:
        """Steps of D, a clip of its weights, and labels, which are hard unless a study says."""
        labels = {"real_labels": None, "fake_labels": None} if self.labels else {}
        clip = {} if self.weight_clip is None else {"d_weight_clip": self.weight_clip}
        return {**labels, "d_steps": self.d_steps, **clip}


@dataclass(frozen=True, kw_only=True, config=_CHECKED)
class Penalty(Part):
    """`f(discriminator, real, fake) -> penalty`, 0-d, without its weight.

    It may draw from torch's global generator, which the trainer seeds for every step.
    """

    default_weight: Weight
    """What it is multiplied by, unless the study says otherwise."""

    @property
    def usual(self) -> Mapping[str, Any]:
        """Its weight."""
        return {"penalty_weight": self.default_weight}


@dataclass(frozen=True, kw_only=True, config=_CHECKED)
class Optimizer(Part):
    """`f(parameters, **settings) -> torch.optim.Optimizer`; `settings` maps names to defaults."""

    settings: Mapping[str, float]
    """Name of each setting beside `lr`, without g_ and d_ -> its default."""

    @property
    def usual(self) -> Mapping[str, Any]:
        """Its settings, of either net."""
        return self.settings


@dataclass(frozen=True, kw_only=True, config=_CHECKED)
class Network(Part):
    """`f(config, channels) -> (generator, discriminator)`.

    The generator maps [batch, latent_dim] to [batch, channels, size, size], the discriminator
    that to logits [batch]. `defaults` are the settings that a study may leave out; of those that
    only some networks have, such as hidden_layers, its own are among them and no others.
    """

    image_sizes: tuple[ImageSize, ...] | None
    """Heights, which are widths too, in pixels, that it can be built for; None: any."""
    defaults: Mapping[str, Any]
    """Setting -> its value in a study that does not give it. Every setting that networks share must
    be there, whether the network reads it or not."""
    convolutions: bool = True
    """Whether its discriminator has any, which some probes look at."""
    counts: str | None = None
    """`f(config, channels) -> (weights of G, weights of D)` as "module:function", without torch.

    `plan` needs it to say what the weights take on disk; None: it cannot.
    """

    @property
    def usual(self) -> Mapping[str, Any]:
        """Its defaults."""
        return self.defaults


@dataclass(frozen=True, kw_only=True, config=_CHECKED)
class Schedule(Part):
    """`f(progress) -> factor` of the learning rate; progress runs from 0 to 1 over the trial."""


@dataclass(frozen=True, kw_only=True, config=_CHECKED)
class Dataset(Part):
    """`f(root) -> (images uint8 [n, height, width, channels], labels int64 [n] or None)`.

    Where the images have no one size, they are `ganablate.gan.pictures.Pictures`, opened one by
    one.
    """

    image_size: ImageSize | None
    """Height and width in pixels; None: not one size, so that a study must state one."""
    channels: Literal[1, 3]
    """1: grey; 3: colour."""
    images: Count
    """How many it has."""
    classes: Count | None
    """How many its labels tell; None: it has no labels."""
    data_id: Text
    """A constant that names the bytes: part of every trial id."""
    extractor: str | None
    """Key of EXTRACTORS: the network whose features FID and modes are measured with."""
    embedded: bool = False
    """Ships with a package: needs neither files nor a network."""
    part_of: str | None = None
    """The data set whose images these are some of; None: a set of its own."""
    test: str | None = None
    """The labelled test split, a "module:function" of the same signature; None: there is none."""


@dataclass(frozen=True, kw_only=True, config=_CHECKED)
class Extractor(Part):
    """`f(images uint8 [n, h, w, c]) -> Features`, weights shipped beside its card."""

    image_size: int
    channels: int
    weights: str
    """File name under `ganablate/metrics/weights/`; its card is the same name with `.json`."""
    sha256: str
    """First eight digits of that file's sha256."""
    tells: tuple[str, ...]
    """The data sets whose own classes it was trained to tell: of these, modes can be counted."""


@dataclass(frozen=True, kw_only=True, config=_CHECKED)
class NamedExtractor(Part):
    """`f(images uint8 [n, h, w, c], data_root, device) -> Features`: one that a study names.

    It takes the place of the data set's own. Its weights come from elsewhere: they are looked for
    when it is needed, and a study that names it cannot run without them.
    """

    package: str
    """Which must be installed beside ganablate, as pip names it; several with a space between."""
    weights: str
    """File name, under DATA_ROOT/NAME or in the cache of torch.hub."""
    within: str | None = None
    """The module that brings the file instead, in its folder `models`."""
    url: str
    """Where to get that file."""
    sha256: str
    """First digits of the file's sha256, as its publisher states them; protocols have eight."""
    classifies: bool = True
    """Whether it gives probabilities of classes beside its features."""
    resize: str
    """How images are brought to the size that it takes, in the words of a protocol."""


@dataclass(frozen=True, kw_only=True, config=_CHECKED)
class Column:
    """One number that a metric yields, as a table shows it."""

    direction: Direction
    unit: Text
    title: Text
    scale: Scale = "difference"
    """How two arms are compared: "ratio" where the number cannot be 0 or less by its nature."""
    detail: bool = False
    """One of many numbers of a kind: in csv files and claims, not in tables that people read."""


@dataclass(frozen=True, kw_only=True, config=_CHECKED)
class Metric(Part):
    """`f(losses) -> numbers` or `f(real, fake) -> numbers`, one number for each of `columns`.

    `needs` says which: "losses" (every step of the last fifth, key -> [steps]) or "features"
    (two `Features`, real and generated). The real images are those of the test split where the data
    set has one. One that `compares_training` is `f(real, fake, training)`: it also gets the
    features of the images that the generator was trained on, and its numbers are missing where
    these are the real ones.
    """

    needs: Literal["losses", "features"]
    """What it is called with."""
    reads: tuple[LossKey, ...] = GAN_LOSSES
    """The losses that it needs, if it needs losses: missing for a trainer without them."""
    images: int | None = None
    """Of each set at most so many, evenly spaced, are compared; None: all that are given."""
    counts_classes: bool = False
    """Whether it is about the data set's own classes, which only its own extractor can tell."""
    reads_classes: bool = False
    """Whether it is about the classes of any extractor, which has to be a classifier."""
    compares_training: bool = False
    """Whether it also gets the features of the training images."""
    columns: Annotated[Mapping[PartName, Column], Field(min_length=1)]
    """Name of each number that it gives -> what a table shows of it."""


@dataclass(frozen=True, kw_only=True, config=_CHECKED)
class Probe(Part):
    """`f(subject) -> Finding`: a closer look at a trained trial, for the eye or as numbers.

    `columns` are the numbers it yields; `pictures` maps the names of the images it draws to what
    they show. Either may be empty. `needs` is what there must be: "labels" of the data set, a
    "classifier" as its extractor, "convolutions" in the discriminator.
    """

    needs: tuple[Literal["labels", "classifier", "convolutions"], ...] = ()
    columns: Mapping[PartName, Column] = field(default_factory=dict)
    pictures: Mapping[PartName, str] = field(default_factory=dict)

    @model_validator(mode="after")
    def _finds_something(self) -> Self:
        if not self.columns and not self.pictures:
            raise ValueError("columns or pictures are needed: what the probe finds")
        return self

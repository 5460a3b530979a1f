"""One resolved trial: every setting that training depends on, and nothing else.

This module is torch-free and imports nothing of the project, so that a study can be checked
and planned in a fraction of a second.
"""

import hashlib
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

LEAKY_SLOPE = 0.2
"""Negative slope of every leaky ReLU (DCGAN, and R0's tutorial)."""


def derive_seed(*coordinates: int | str) -> int:
    """A 63-bit integer that depends on the coordinates alone, in every process and on every host.

    Randomness here is a function of coordinates such as (seed, purpose, step), never of how many
    numbers were drawn before: a resumed trial draws what an uninterrupted one would.
    """
    text = "\x1f".join(f"{type(part).__name__}:{part}" for part in coordinates)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def _refuse_boolean(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError(f"a number is needed, not the truth value {str(value).lower()}")
    return value


NOT_BOOLEAN = BeforeValidator(_refuse_boolean)
"""Marks a number: pydantic would take `true` for 1."""
Count = Annotated[int, NOT_BOOLEAN, Field(ge=1)]
Rate = Annotated[float, NOT_BOOLEAN, Field(gt=0)]
Decay = Annotated[float, NOT_BOOLEAN, Field(ge=0, lt=1)]
Share = Annotated[float, NOT_BOOLEAN, Field(ge=0, lt=1)]
# The bounds on sizes refuse slips of the keyboard (a latent of 10^9) before they eat the memory.
Epochs = Annotated[int, NOT_BOOLEAN, Field(ge=1, le=1_000_000)]
MOST_ITERATIONS = 10_000_000
"""Every step's losses are kept, in memory and on disk: some 0.3 GB a trial of that length."""
Iterations = Annotated[int, NOT_BOOLEAN, Field(ge=1, le=MOST_ITERATIONS)]
Width = Annotated[int, NOT_BOOLEAN, Field(ge=1, le=8192)]
LatentDim = Annotated[int, NOT_BOOLEAN, Field(ge=1, le=65536)]
BatchSize = Annotated[int, NOT_BOOLEAN, Field(ge=2, le=65536)]
ImageSize = Annotated[int, NOT_BOOLEAN, Field(ge=8, le=1024)]
Crop = Annotated[int, NOT_BOOLEAN, Field(ge=8, le=16384)]
Few = Annotated[int, NOT_BOOLEAN, Field(ge=1, le=100)]
Successive = Annotated[int, NOT_BOOLEAN, Field(ge=1, le=19)]
Weight = Annotated[float, NOT_BOOLEAN, Field(ge=0)]
Norm = Literal["none", "batch", "spectral"]
Seed = Annotated[int, NOT_BOOLEAN, Field(ge=0, lt=2**63)]


def label_bounds(labels: str) -> tuple[float, float]:
    """The range that labels are drawn from: "0.7..1" is (0.7, 1.0), "0.9" is (0.9, 0.9).

    Raises:
        ValueError: it is neither, leaves [0, 1], or runs backwards.
    """
    low, dots, high = labels.partition("..")
    try:
        bounds = float(low), float(high if dots else low)
    except ValueError:
        bounds = (1.0, 0.0)
    if not 0 <= bounds[0] <= bounds[1] <= 1:
        raise ValueError(
            f'"{labels}" is given; a label or a range of labels in [0, 1] is needed, such as 0.9 '
            "or 0.7..1"
        )
    return bounds


def canonical_labels(labels: str) -> str:
    """One text for every way to write a range of labels; see `label_bounds`."""
    low, high = (repr(bound + 0.0).removesuffix(".0") for bound in label_bounds(labels))
    return low if low == high else f"{low}..{high}"


Labels = Annotated[str, AfterValidator(canonical_labels)]


@dataclass(frozen=True)
class Spec:
    """What there is to know of a setting beside the values that its field takes.

    `ganablate.catalog.SETTINGS` is made of the fields and of this; checks, messages, `list`, the
    JSON schema and the tables of the documents read it there.
    """

    text: str
    """What it is, in a few words."""
    absent: str | None = None
    """The word that a study writes for "this trial has none"; None: it cannot say so."""
    usual: Any = None
    """The value where neither the study nor a part that it names says one."""
    table: str | None = None
    """The table of the catalog whose lines it names, as `ganablate list` calls it."""
    part: str | None = None
    """The setting that names the part which must have it: the network's layers, beta1 of the
    optimizer of the same net."""
    same: str | None = None
    """The value that is the same as having none."""
    both: bool = False
    """Whether the name without `g_` or `d_` sets the two forms at once."""


# What both nets have alike.
_BETA1 = Spec("memory of gradients, of adam(w)", part="optimizer", both=True)
_BETA2 = Spec("memory of their squares, of adam(w)", part="optimizer", both=True)
_MOMENTUM = Spec("of sgd and rmsprop", part="optimizer", both=True)
_ALPHA = Spec("memory of squared gradients, of rmsprop", part="optimizer", both=True)
_RHO = Spec("memory of squares, of adadelta", part="optimizer", both=True)
_WEIGHT_DECAY = Spec("pulls weights to 0", part="optimizer", both=True)
_GRAD_CLIP = Spec("largest norm of all gradients together", absent="none", both=True)


UNUSED: Any = None
"""Default of a setting that every GAN has: with a trainer that does not use it a trial has none."""


class TrialConfig(BaseModel):
    """The settings of one trial. `g_` is the generator, `d_` the discriminator.

    None means that the trial has no such setting (an SGD without beta1, no penalty). Such fields
    are left out of the identity, so that a setting added later keeps every old trial id.
    Names (`network`, `criterion`, ...) are keys of the tables in `ganablate.catalog`. The channels
    are those of a folder (a data set of the catalog has its own), so no study gives them here.

    A setting that a part from outside declares is an attribute beside these fields, where the trial
    has such a part: a truth value, a number or a word.
    """

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)
    __pydantic_extra__: dict[str, bool | int | float | str]

    trainer: Annotated[str | None, Spec("what trains, and how", absent="gan", table="trainers")] = (
        None
    )
    dataset: Annotated[str, Spec("the real images", table="datasets")]
    channels: Literal[1, 3] | None = None
    image_size: Annotated[ImageSize, Spec("height and width in pixels")]
    crop: Annotated[
        Crop | None, Spec("side of the centred square cut out, then resized", absent="none")
    ] = None
    pixel_range: Annotated[Literal["unit", "signed"], Spec("[0, 1] or [-1, 1]")] = UNUSED
    train_images: Annotated[
        Count | None, Spec("first so many of a fixed shuffle; all", absent="all")
    ] = None

    network: Annotated[
        str, Spec("the pair of nets; brings defaults of its own", table="networks")
    ] = UNUSED
    latent_dim: Annotated[LatentDim, Spec("numbers that G makes an image of", usual=100)] = UNUSED
    latent: Annotated[
        Literal["normal", "uniform"], Spec("N(0, 1), or uniform in [-1, 1]", usual="normal")
    ] = UNUSED
    g_width: Annotated[Width, Spec("G's size: maps or units, as the network counts them")] = UNUSED
    d_width: Annotated[Width, Spec("D's size: maps or units, as the network counts them")] = UNUSED
    g_activation: Annotated[str, Spec("of G's hidden layers", table="activations", both=True)] = (
        UNUSED
    )
    d_activation: Annotated[str, Spec("of D's hidden layers", table="activations", both=True)] = (
        UNUSED
    )
    g_output: Annotated[str, Spec("activation of G's last layer", table="activations")] = UNUSED
    g_norm: Annotated[Norm, Spec("normalisation of G's layers", both=True)] = UNUSED
    d_norm: Annotated[Norm, Spec("normalisation of D's layers", both=True)] = UNUSED
    d_dropout: Annotated[Share, Spec("share of D's units dropped in a step")] = UNUSED
    init: Annotated[str, Spec("how weights start", table="initialisers")] = UNUSED
    hidden_layers: Annotated[Few | None, Spec("of the mlp", part="network")] = None
    resampling: Annotated[
        Literal["strided", "pooling"] | None,
        Spec("how dcgan changes the size of maps", part="network"),
    ] = None
    ends: Annotated[
        Literal["convolution", "linear"] | None,
        Spec("G's first and D's last layer, of dcgan", part="network"),
    ] = None

    criterion: Annotated[
        str, Spec("what D and G are trained to lower", table="criteria", usual="bce")
    ] = UNUSED
    real_labels: Annotated[
        Labels | None,
        Spec("of D's loss, drawn uniformly; hard: 1", absent="hard", same="1", part="criterion"),
    ] = None
    fake_labels: Annotated[
        Labels | None,
        Spec("of D's loss, drawn uniformly; hard: 0", absent="hard", same="0", part="criterion"),
    ] = None
    penalty: Annotated[
        str | None, Spec("added to D's criterion", table="penalties", absent="none")
    ] = None
    penalty_weight: Annotated[
        Weight | None, Spec("what the penalty is multiplied by", part="penalty")
    ] = None
    second_penalty: Annotated[
        str | None, Spec("added beside the first, another one", table="penalties", absent="none")
    ] = None
    second_penalty_weight: Annotated[
        Weight | None, Spec("what the second penalty is multiplied by", part="second_penalty")
    ] = None
    d_weight_clip: Annotated[Rate | None, Spec("D's weights stay in +- this", absent="none")] = None
    d_steps: Annotated[
        Few, Spec("D steps in an iteration, each on real images of its own", usual=1)
    ] = UNUSED
    g_steps: Annotated[Few, Spec("G steps in an iteration", usual=1)] = UNUSED
    g_ema: Annotated[
        Decay | None, Spec("decay of the averaged G that is sampled from", absent="none")
    ] = None

    g_optimizer: Annotated[
        str, Spec("of G's weights", table="optimizers", usual="adam", both=True)
    ] = UNUSED
    d_optimizer: Annotated[
        str, Spec("of D's weights", table="optimizers", usual="adam", both=True)
    ] = UNUSED
    g_lr: Annotated[Rate, Spec("learning rate of G", usual=2e-4, both=True)] = UNUSED
    d_lr: Annotated[Rate, Spec("learning rate of D", usual=2e-4, both=True)] = UNUSED
    g_beta1: Annotated[Decay | None, _BETA1] = None
    d_beta1: Annotated[Decay | None, _BETA1] = None
    g_beta2: Annotated[Decay | None, _BETA2] = None
    d_beta2: Annotated[Decay | None, _BETA2] = None
    g_momentum: Annotated[Decay | None, _MOMENTUM] = None
    d_momentum: Annotated[Decay | None, _MOMENTUM] = None
    g_alpha: Annotated[Decay | None, _ALPHA] = None
    d_alpha: Annotated[Decay | None, _ALPHA] = None
    g_rho: Annotated[Decay | None, _RHO] = None
    d_rho: Annotated[Decay | None, _RHO] = None
    g_weight_decay: Annotated[Weight | None, _WEIGHT_DECAY] = None
    d_weight_decay: Annotated[Weight | None, _WEIGHT_DECAY] = None
    g_grad_clip: Annotated[Rate | None, _GRAD_CLIP] = None
    d_grad_clip: Annotated[Rate | None, _GRAD_CLIP] = None
    lr_schedule: Annotated[
        str | None,
        Spec("of both learning rates over the training", table="schedules", absent="constant"),
    ] = None

    batch_size: Annotated[BatchSize, Spec("real images of a D step", usual=128)]
    epochs: Annotated[Epochs | None, Spec("times that D sees every real image")] = None
    iterations: Annotated[Iterations | None, Spec("times that D, then G make their steps")] = None
    early_end: Annotated[
        Successive | None,
        Spec("saturated twentieths of the training in a row that end it", absent="none"),
    ] = None

    precision: Annotated[
        Literal["fp32", "bf16"] | None, Spec("of the nets' arithmetic; else as the sweep says")
    ] = None
    device: Annotated[
        Literal["cpu", "cuda"] | None, Spec("where it is trained; else as the sweep says")
    ] = None

    seed: Seed
    """Derived from (study seed, replicate); shared by the arms."""

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.epochs is None) == (self.iterations is None):
            raise ValueError("exactly one of epochs and iterations is needed")
        lacking = [name for name in _OF_EVERY_GAN if getattr(self, name) is None]
        if self.trainer is None and lacking:
            raise ValueError(f"{', '.join(lacking)} must be given")
        return self

    @property
    def penalties(self) -> dict[str, float]:
        """What is added to D's criterion: the setting that names it -> its weight, in order."""
        weights = {"penalty": self.penalty_weight, "second_penalty": self.second_penalty_weight}
        return {name: weight or 0.0 for name, weight in weights.items() if getattr(self, name)}

    def with_values(self, values: Mapping[str, Any]) -> Self:
        """The same trial with other values, which are not checked.

        As `model_copy`, in a third of the time and the memory: `model_fields_set` is shared.
        """
        trial = type(self).__new__(type(self))
        state = self.__getstate__()
        extra = dict(self.__pydantic_extra__)
        fields = dict(state["__dict__"])
        for name, value in values.items():
            (fields if name in fields else extra)[name] = value
        extra = {name: value for name, value in extra.items() if value is not None}
        trial.__setstate__({**state, "__dict__": fields, "__pydantic_extra__": extra})
        return trial

    def total_iterations(self, images: int) -> int:
        """Iterations of the whole trial on a data set of so many images.

        An iteration is `d_steps` discriminator steps, then `g_steps` generator steps. An epoch
        shows every real image to the discriminator once; it leaves out the incomplete last batch,
        so that every step has one shape, and a trial the incomplete last iteration.
        """
        if self.iterations is not None:
            return self.iterations
        assert self.epochs is not None
        batches = self.epochs * (min(images, self.train_images or images) // self.batch_size)
        return max(batches // (self.d_steps or 1), 1)

    @property
    def images_per_iteration(self) -> int:
        """Real images that an iteration sees: a batch for each D step, one where it has none."""
        return (self.d_steps or 1) * self.batch_size


_OF_EVERY_GAN = tuple(
    name
    for name, field in TrialConfig.model_fields.items()
    if field.default is None and type(None) not in typing.get_args(field.annotation)
)

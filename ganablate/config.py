"""One resolved trial: every setting that training depends on, and nothing else.

This module is torch-free and imports nothing of the project, so that a study can be checked
and planned in a fraction of a second.
"""

import hashlib
from typing import Annotated, Literal, Self

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


class TrialConfig(BaseModel):
    """The settings of one trial. `g_` is the generator, `d_` the discriminator.

    None means that the trial has no such setting (an SGD without beta1, no penalty). Such fields
    are left out of the identity, so that a setting added later keeps every old trial id.
    Names (`network`, `criterion`, ...) are keys of the tables in `ganablate.catalog`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    dataset: str = Field(description="the real images")
    channels: Literal[1, 3] | None = Field(None, description="of a folder; a named set has its own")
    image_size: ImageSize = Field(description="height and width in pixels")
    crop: Crop | None = Field(None, description="side of the centred square cut out, then resized")
    pixel_range: Literal["unit", "signed"] = Field(description="[0, 1] or [-1, 1]")
    train_images: Count | None = Field(None, description="first so many of a fixed shuffle; all")

    network: str = Field(description="the pair of nets; brings defaults of its own")
    latent_dim: LatentDim = Field(description="numbers that G makes an image of")
    latent: Literal["normal", "uniform"] = Field(description="N(0, 1), or uniform in [-1, 1]")
    g_width: Width = Field(description="G's size: maps or units, as the network counts them")
    d_width: Width = Field(description="D's size: maps or units, as the network counts them")
    g_activation: str = Field(description="of G's hidden layers")
    d_activation: str = Field(description="of D's hidden layers")
    g_output: str = Field(description="activation of G's last layer")
    g_norm: Norm = Field(description="normalisation of G's layers")
    d_norm: Norm = Field(description="normalisation of D's layers")
    d_dropout: Share = Field(description="share of D's units dropped in a step")
    init: str = Field(description="how weights start")
    hidden_layers: Few | None = Field(None, description="of the mlp")
    resampling: Literal["strided", "pooling"] | None = Field(
        None, description="how dcgan changes the size of maps"
    )
    ends: Literal["convolution", "linear"] | None = Field(
        None, description="G's first and D's last layer, of dcgan"
    )

    criterion: str = Field(description="what D and G are trained to lower")
    real_labels: Labels | None = Field(None, description="of D's loss, drawn uniformly; hard: 1")
    fake_labels: Labels | None = Field(None, description="of D's loss, drawn uniformly; hard: 0")
    penalty: str | None = Field(None, description="added to D's criterion")
    penalty_weight: Weight | None = Field(None, description="what the penalty is multiplied by")
    d_weight_clip: Rate | None = Field(None, description="D's weights stay in +- this")
    d_steps: Few = Field(description="D steps in an iteration, each on real images of its own")
    g_steps: Few = Field(description="G steps in an iteration")
    g_ema: Decay | None = Field(None, description="decay of the averaged G that is sampled from")

    g_optimizer: str = Field(description="of G's weights")
    d_optimizer: str = Field(description="of D's weights")
    g_lr: Rate = Field(description="learning rate of G")
    d_lr: Rate = Field(description="learning rate of D")
    g_beta1: Decay | None = Field(None, description="memory of gradients, of adam(w)")
    d_beta1: Decay | None = Field(None, description="memory of gradients, of adam(w)")
    g_beta2: Decay | None = Field(None, description="memory of their squares, of adam(w)")
    d_beta2: Decay | None = Field(None, description="memory of their squares, of adam(w)")
    g_momentum: Decay | None = Field(None, description="of sgd and rmsprop")
    d_momentum: Decay | None = Field(None, description="of sgd and rmsprop")
    g_alpha: Decay | None = Field(None, description="memory of squared gradients, of rmsprop")
    d_alpha: Decay | None = Field(None, description="memory of squared gradients, of rmsprop")
    g_rho: Decay | None = Field(None, description="memory of squares, of adadelta")
    d_rho: Decay | None = Field(None, description="memory of squares, of adadelta")
    g_weight_decay: Weight | None = Field(None, description="pulls weights to 0")
    d_weight_decay: Weight | None = Field(None, description="pulls weights to 0")
    g_grad_clip: Rate | None = Field(None, description="largest norm of all gradients together")
    d_grad_clip: Rate | None = Field(None, description="largest norm of all gradients together")
    lr_schedule: str | None = Field(None, description="of both learning rates over the training")

    batch_size: BatchSize = Field(description="real images of a D step")
    epochs: Epochs | None = Field(None, description="times that D sees every real image")
    iterations: Iterations | None = Field(None, description="times that D, then G make their steps")
    early_end: Successive | None = Field(
        None, description="saturated twentieths of the training in a row that end it"
    )

    precision: Literal["fp32", "bf16"] | None = Field(
        None, description="of the nets' arithmetic; else as the sweep says"
    )
    device: Literal["cpu", "cuda"] | None = Field(
        None, description="where it is trained; else as the sweep says"
    )

    seed: Seed = Field(description="derived from (study seed, replicate); shared by the arms")

    @model_validator(mode="after")
    def _has_one_length(self) -> Self:
        if (self.epochs is None) == (self.iterations is None):
            raise ValueError("exactly one of epochs and iterations is needed")
        return self

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
        return max(batches // self.d_steps, 1)

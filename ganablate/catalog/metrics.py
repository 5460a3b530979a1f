"""What is measured: metrics, probes, and the networks whose features they compare."""

from collections.abc import Iterable

from ganablate.catalog.parts import Column, Extractor, Metric, NamedExtractor, Probe, Scale

_LOSS = "ganablate.metrics.losses:"

EXTRACTORS: dict[str, Extractor] = {
    "mnist_classifier": Extractor(
        implementation="ganablate.metrics.extractors:mnist_classifier",
        summary="small convolutional classifier, penultimate features",
        source="trained on MNIST by ganablate.metrics.train_extractor",
        image_size=28,
        channels=1,
        weights="mnist_classifier.safetensors",
        tells=("mnist", "mnist_5k"),
    ),
    "fashion_mnist_classifier": Extractor(
        implementation="ganablate.metrics.extractors:fashion_mnist_classifier",
        summary="small residual classifier, penultimate features",
        source="trained on Fashion-MNIST by ganablate.metrics.train_extractor",
        image_size=28,
        channels=1,
        weights="fashion_mnist_classifier.safetensors",
        tells=("fashion_mnist",),
    ),
    "cifar10_classifier": Extractor(
        implementation="ganablate.metrics.extractors:cifar10_classifier",
        summary="small residual classifier, penultimate features; for every colour data set",
        source="trained on CIFAR-10 by ganablate.metrics.train_extractor",
        image_size=32,
        channels=3,
        weights="cifar10_classifier.safetensors",
        tells=("cifar10",),
    ),
}

_INCEPTION = "weights-inception-2015-12-05-6726825d.pth"

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
}

_CRITERION = "units of the criterion"  # nats for bce and minimax

_PAIRS = 5_000
"""Images of each set whose pairs are compared. Twice as many take four times as long, and ball
metrics are meant for sets of one size."""


_OF_LOSSES: dict[str, Scale] = {
    "mean": "difference",
    "lowest": "difference",
    "spread": "ratio",
    "oscillation": "ratio",
}


def _loss_columns(net: str, title: str) -> dict[str, Column]:
    return {
        f"{net}_loss_{what}": Column(
            direction="none", unit=_CRITERION, title=f"{title} loss, {what}", scale=scale
        )
        for what, scale in _OF_LOSSES.items()
    }


METRICS: dict[str, Metric] = {
    "d_loss": Metric(
        implementation=_LOSS + "d_loss",
        summary="discriminator criterion over the last fifth of training, penalty left out",
        source="R2, table 2; R1.1; R4.8",
        needs="losses",
        columns=_loss_columns("d", "D"),
    ),
    "g_loss": Metric(
        implementation=_LOSS + "g_loss",
        summary="generator criterion over the last fifth of training",
        source="R2, table 2; R1.1; R4.8",
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
        implementation="ganablate.metrics.distances:fid",
        summary="Frechet distance of two Gaussians fitted to features",
        source="Heusel et al. 2017, arXiv 1706.08500, equation 6",
        needs="features",
        columns={
            "fid": Column(direction="min", unit="squared feature units", title="FID", scale="ratio")
        },
    ),
    "kid": Metric(
        implementation="ganablate.metrics.distances:kid",
        summary="squared maximum mean discrepancy of features, cubic kernel, unbiased",
        source="Binkowski et al. 2018, arXiv 1801.01401",
        needs="features",
        images=_PAIRS,
        columns={"kid": Column(direction="min", unit="kernel units", title="KID")},
    ),
    "inception_score": Metric(
        implementation="ganablate.metrics.classes:inception_score",
        summary="inception score by the extractor's classes, one split",
        source="Salimans et al. 2016, arXiv 1606.03498, section 4",
        needs="features",
        columns={
            "inception_score": Column(
                direction="max", unit="classes", title="Inception score", scale="ratio"
            )
        },
    ),
    "precision_recall": Metric(
        implementation="ganablate.metrics.neighbours:precision_recall",
        summary="shares of each set within the third-neighbour balls of the other",
        source="Kynkaanniemi et al. 2019, arXiv 1904.06991, equations 1 and 2",
        needs="features",
        images=_PAIRS,
        columns={
            "sample_precision": Column(direction="max", unit="share", title="Precision"),
            "sample_recall": Column(direction="max", unit="share", title="Recall"),
        },
    ),
    "density_coverage": Metric(
        implementation="ganablate.metrics.neighbours:density_coverage",
        summary="how thick and how wide generated images lie in the fifth-neighbour balls",
        source="Naeem et al. 2020, arXiv 2002.09797, section 3",
        needs="features",
        images=_PAIRS,
        columns={
            "density": Column(direction="max", unit="balls over k", title="Density"),
            "coverage": Column(direction="max", unit="share", title="Coverage"),
        },
    ),
    "class_kl": Metric(
        implementation="ganablate.metrics.classes:class_kl",
        summary="KL of the generated shares of classes from the real ones, both as predicted",
        source="Srivastava et al. 2017, arXiv 1705.07761",
        needs="features",
        counts_classes=True,
        columns={"class_kl": Column(direction="min", unit="nats", title="Class KL", scale="ratio")},
    ),
    "modes": Metric(
        implementation="ganablate.metrics.classes:modes",
        summary="classes that get at least a tenth of an even share of the generated images",
        source="R0.7; mode counting as in Srivastava et al. 2017, arXiv 1705.07761",
        needs="features",
        counts_classes=True,
        columns={"modes": Column(direction="max", unit="classes", title="Classes covered")},
    ),
}

PROBES: dict[str, Probe] = {
    "svm": Probe(
        implementation="ganablate.metrics.probes.discriminator:svm",
        summary="a linear SVM that tells the classes by D's convolutions",
        source="Radford et al. 2016, arXiv 1511.06434, section 5.1; R2.2",
        needs=("labels", "convolutions"),
        columns={
            "svm_test_accuracy": Column(direction="max", unit="share", title="SVM accuracy, test"),
            "svm_train_accuracy": Column(
                direction="none", unit="share", title="SVM accuracy, train"
            ),
            "svm_dimensions": Column(direction="none", unit="features", title="SVM dimensions"),
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
        columns={
            "walk_largest_step": Column(
                direction="none", unit="mean steps", title="Largest step of a walk"
            )
        },
        pictures={"lines": "5 straight lines between two latents, at 9 even points"},
    ),
    "arithmetic": Probe(
        implementation="ganablate.metrics.probes.latents:arithmetic",
        summary="adding and subtracting mean latents of classes",
        source="Radford et al. 2016, arXiv 1511.06434, section 6.3.2; R2.5",
        needs=("classifier",),
        columns={
            "arithmetic_hits": Column(
                direction="max", unit="share", title="Latent arithmetic, hits"
            )
        },
        pictures={
            "sums": "10 rows: images of the mean latents of 3 samples each of classes a, b and c; "
            "of a - b + c; and of 8 latents near that"
        },
    ),
}
"""Closer looks at what a trained trial has learnt."""

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

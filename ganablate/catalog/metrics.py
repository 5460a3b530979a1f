"""What is measured, and with whose features."""

from ganablate.catalog.parts import Column, Extractor, Metric

_LOSS = "ganablate.metrics.losses:"

EXTRACTORS: dict[str, Extractor] = {
    "mnist_classifier": Extractor(
        implementation="ganablate.metrics.extractors:mnist_classifier",
        summary="small convolutional classifier, penultimate features",
        source="trained on MNIST by ganablate.metrics.train_extractor",
        image_size=28,
        channels=1,
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

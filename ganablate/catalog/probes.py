"""The probes: closer looks at what a trained trial has learnt."""

from collections.abc import Iterable

from ganablate.catalog.parts import Column, Probe

PROBES: dict[str, Probe] = {
    "svm": Probe(
        implementation="ganablate.metrics.probes.svm:svm",
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
        implementation="ganablate.metrics.probes.filters:filters",
        summary="maps of D's last hidden convolution, trained beside untrained",
        source="R2.3",
        needs=("convolutions",),
        pictures={
            "maps": "a row for each real image: 6 maps of the trained D, the same 6 untrained"
        },
    ),
    "walk": Probe(
        implementation="ganablate.metrics.probes.walk:walk",
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
        implementation="ganablate.metrics.probes.arithmetic:arithmetic",
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


def probe_columns(probes: Iterable[str]) -> dict[str, Column]:
    """The table columns that these probes yield, in order."""
    return {name: column for probe in probes for name, column in PROBES[probe].columns.items()}

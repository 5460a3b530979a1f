"""Every part a study can name: what it is, where it comes from, who implements it.

Adding a part is one function in its module and one line in a table here; the contract tests walk
these tables. The package is torch-free: an `implementation` is imported only when a trial needs it.
"""

from collections.abc import Mapping

from ganablate.catalog.datasets import (
    DATASETS,
    FOLDER_PREFIX,
    channels_of,
    extractor_of,
    family_of,
)
from ganablate.catalog.metrics import (
    EXTRACTORS,
    METRICS,
    NAMED_EXTRACTORS,
    PLUGIN_MEASURES,
    metric_columns,
    named_parts,
    on_images,
    stored_name,
)
from ganablate.catalog.networks import ACTIVATIONS, INITIALISERS, NETWORKS
from ganablate.catalog.parts import (
    NETWORK_SETTINGS,
    Column,
    Criterion,
    Dataset,
    Direction,
    Extractor,
    Metric,
    NamedExtractor,
    Network,
    Optimizer,
    Part,
    Penalty,
    Probe,
    Scale,
    Schedule,
)
from ganablate.catalog.probes import PROBES, probe_columns
from ganablate.catalog.training import CRITERIA, OPTIMIZERS, PENALTIES, SCHEDULES

__all__ = [
    "ACTIVATIONS",
    "CRITERIA",
    "DATASETS",
    "EXTRACTORS",
    "FOLDER_PREFIX",
    "INITIALISERS",
    "METRICS",
    "NAMED_EXTRACTORS",
    "NETWORKS",
    "NETWORK_SETTINGS",
    "OF_SETTINGS",
    "OPTIMIZERS",
    "PENALTIES",
    "PLUGIN_MEASURES",
    "PROBES",
    "SCHEDULES",
    "Column",
    "Criterion",
    "Dataset",
    "Direction",
    "Extractor",
    "Metric",
    "NamedExtractor",
    "Network",
    "Optimizer",
    "Part",
    "Penalty",
    "Probe",
    "Scale",
    "Schedule",
    "channels_of",
    "extractor_of",
    "family_of",
    "metric_columns",
    "named_parts",
    "on_images",
    "plugin_digests",
    "probe_columns",
    "stored_name",
]

OF_SETTINGS: Mapping[str, Mapping[str, Part]] = {
    "dataset": DATASETS,
    "network": NETWORKS,
    "g_activation": ACTIVATIONS,
    "d_activation": ACTIVATIONS,
    "g_output": ACTIVATIONS,
    "init": INITIALISERS,
    "criterion": CRITERIA,
    "penalty": PENALTIES,
    "g_optimizer": OPTIMIZERS,
    "d_optimizer": OPTIMIZERS,
    "lr_schedule": SCHEDULES,
}
"""The settings of a trial that name a part, and the table it is in."""


def plugin_digests(settings: Mapping[str, object]) -> dict[str, str]:
    """Setting -> digest of the source, for the parts of a trial that came with a plug-in."""
    found = {}
    for setting, table in OF_SETTINGS.items():
        line = table.get(str(settings.get(setting)))
        if line is not None and line.digest is not None:
            found[setting] = line.digest
    return found

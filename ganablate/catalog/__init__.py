"""Every part a study can name: what it is, where it comes from, who implements it.

Adding a part is one function in its module and one line in a table here; the contract tests walk
these tables. The package is torch-free: an `implementation` is imported only when a trial needs it.
"""

from ganablate.catalog.datasets import DATASETS, FOLDER_PREFIX, extractor_of, family_of
from ganablate.catalog.metrics import (
    EXTRACTORS,
    METRICS,
    NAMED_EXTRACTORS,
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
    "OPTIMIZERS",
    "PENALTIES",
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
    "extractor_of",
    "family_of",
    "metric_columns",
    "named_parts",
    "on_images",
    "probe_columns",
    "stored_name",
]

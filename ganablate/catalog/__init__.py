"""Every part a study can name: what it is, where it comes from, who implements it.

Adding a part is one function in its module and one line in a table here; the contract tests walk
these tables. The package is torch-free: an `implementation` is imported only when a trial needs it.
"""

from ganablate.catalog.datasets import DATASETS, FOLDER_PREFIX, extractor_of
from ganablate.catalog.metrics import EXTRACTORS, METRICS, metric_columns
from ganablate.catalog.networks import ACTIVATIONS, INITIALISERS, NETWORKS
from ganablate.catalog.parts import (
    NETWORK_SETTINGS,
    Column,
    Criterion,
    Dataset,
    Direction,
    Extractor,
    Metric,
    Network,
    Optimizer,
    Part,
    Penalty,
    Probe,
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
    "Network",
    "Optimizer",
    "Part",
    "Penalty",
    "Probe",
    "Schedule",
    "extractor_of",
    "metric_columns",
    "probe_columns",
]

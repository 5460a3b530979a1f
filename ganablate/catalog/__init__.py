"""Every part a study can name: what it is, where it comes from, who implements it.

Adding a part is one function in its module and one line in a table here; the contract tests walk
these tables. The package is torch-free: an `implementation` is imported only when a trial needs it.
"""

from ganablate.catalog.datasets import (
    DATASETS,
    FOLDER_PREFIX,
    DataKey,
    channels_of,
    extractor_of,
    family_of,
)
from ganablate.catalog.metrics import (
    CLASSES,
    EXTRACTORS,
    FLOOR,
    METRICS,
    NAMED_EXTRACTORS,
    PLUGIN_MEASURES,
    PROBES,
    TEN_IMAGES,
    metric_columns,
    named_parts,
    on_images,
    present_name,
    probe_columns,
    stored_name,
)
from ganablate.catalog.networks import ACTIVATIONS, INITIALISERS, NETWORKS
from ganablate.catalog.parts import (
    Advice,
    Column,
    Criterion,
    Dataset,
    Direction,
    Extractor,
    Metric,
    NamedExtractor,
    Network,
    Optimizer,
    OwnSetting,
    OwnValue,
    Part,
    Penalty,
    Probe,
    Scale,
    Schedule,
    Trainer,
)
from ganablate.catalog.protocols import Split, is_outdated, real_split, weights_stamp
from ganablate.catalog.settings import (
    NETWORK_SETTINGS,
    OF_SETTINGS,
    SETTINGS,
    Setting,
    function_of,
    own_values,
    plugin_digests,
    trainer_of,
)
from ganablate.catalog.tables import PLUGIN_TABLES, TABLES, Table
from ganablate.catalog.training import CRITERIA, OPTIMIZERS, PENALTIES, SCHEDULES, TRAINERS

__all__ = [
    "ACTIVATIONS", "CLASSES", "CRITERIA", "DATASETS", "EXTRACTORS", "FLOOR", "FOLDER_PREFIX",
    "INITIALISERS", "METRICS", "NAMED_EXTRACTORS", "NETWORKS", "NETWORK_SETTINGS",
    "OF_SETTINGS", "OPTIMIZERS", "PENALTIES", "PLUGIN_MEASURES", "PLUGIN_TABLES", "PROBES",
    "SCHEDULES", "SETTINGS", "TABLES", "TEN_IMAGES", "TRAINERS", "Advice", "Column", "Criterion",
    "DataKey", "Dataset", "Direction", "Extractor", "Metric", "NamedExtractor", "Network",
    "Optimizer", "OwnSetting", "OwnValue", "Part", "Penalty", "Probe", "Scale", "Schedule",
    "Setting", "Split", "Table", "Trainer", "channels_of", "extractor_of", "family_of",
    "function_of", "is_outdated", "metric_columns", "named_parts", "on_images", "own_values",
    "plugin_digests", "present_name", "probe_columns", "real_split", "stored_name", "trainer_of",
    "weights_stamp",
]  # fmt: skip

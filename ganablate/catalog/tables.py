"""The tables of parts: what each holds, and how it is named in a study, a plug-in and a message."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ganablate.catalog.datasets import DATASETS
from ganablate.catalog.metrics import EXTRACTORS, METRICS, NAMED_EXTRACTORS, PROBES
from ganablate.catalog.networks import ACTIVATIONS, INITIALISERS, NETWORKS
from ganablate.catalog.parts import (
    Criterion,
    Dataset,
    Metric,
    Network,
    Optimizer,
    Part,
    Penalty,
    Probe,
    Schedule,
    Trainer,
)
from ganablate.catalog.training import CRITERIA, OPTIMIZERS, PENALTIES, SCHEDULES, TRAINERS


@dataclass(frozen=True)
class Table:
    """One table of the catalog."""

    lines: dict[str, Any]
    """Name -> line; plug-ins add to it."""
    kind: type[Part]
    """What a line is."""
    noun: str
    """What a message calls a line."""
    written: str
    """How a study names a line."""
    called: str = ""
    """How a line's function is called; "": no plug-in adds to this table."""


TABLES: Mapping[str, Table] = {
    "trainers": Table(TRAINERS, Trainer, "a trainer", "trainer: NAME", "f(config, images)"),
    "criteria": Table(
        CRITERIA, Criterion, "a criterion", "criterion: NAME", "f(real_logits, fake_logits)"
    ),
    "penalties": Table(
        PENALTIES, Penalty, "a penalty", "penalty: NAME", "f(discriminator, real, fake)"
    ),
    "optimizers": Table(
        OPTIMIZERS, Optimizer, "an optimizer",
        "optimizer: NAME, or g_optimizer and d_optimizer", "f(parameters)",
    ),
    "schedules": Table(SCHEDULES, Schedule, "a schedule", "lr_schedule: NAME", "f(progress)"),
    "networks": Table(NETWORKS, Network, "a network", "network: NAME", "f(config, channels)"),
    "activations": Table(
        ACTIVATIONS, Part, "an activation",
        "activation: NAME, or g_activation and d_activation; g_output: NAME", "f()",
    ),
    "initialisers": Table(
        INITIALISERS, Part, "an initialiser", "init: NAME",
        "f(module, parameter_name, parameter, generator)",
    ),
    "datasets": Table(
        DATASETS, Dataset, "a data set", "dataset: NAME; also dataset: folder:NAME", "f(root)"
    ),
    "metrics": Table(
        METRICS, Metric, "a metric", "metrics: [NAME, ...]; primary: COLUMN", "f(real, fake)"
    ),
    "probes": Table(PROBES, Probe, "a probe", "probes: [NAME, ...]", "f(subject)"),
    "extractors": Table(
        {**NAMED_EXTRACTORS, **EXTRACTORS}, Part, "an extractor",
        "extractor: NAME; the others belong to data sets",
    ),
}  # fmt: skip
"""By the word with which `ganablate list` asks for it; a plug-in writes it in capitals."""
PLUGIN_TABLES = tuple(name for name, table in TABLES.items() if table.called)
"""The tables that plug-ins add to."""

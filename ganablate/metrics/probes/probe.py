"""Runs the probes of a study on one trained trial."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from ganablate.catalog import PROBES
from ganablate.metrics.errors import MetricError
from ganablate.metrics.features import Images
from ganablate.metrics.probes.subject import Finding, Subject


@dataclass(frozen=True)
class Probed:
    """Table column -> finite number, the protocol of each, and pictures by (probe, name).

    A picture is uint8 [height, width, 1 or 3].
    """

    numbers: dict[str, float] = field(default_factory=dict)
    protocols: dict[str, str] = field(default_factory=dict)
    pictures: dict[tuple[str, str], Images] = field(default_factory=dict)


def probe(probes: Sequence[str], subject: Subject) -> Probed:
    """Look at a trained trial with each of the probes.

    Args:
        probes: keys of catalog.PROBES, each with what it needs.
        subject: the trial; one that diverged is not looked at.

    Raises:
        MetricError: a probe lacks what it needs, or finds something that the catalog does not
            declare.
    """
    result = Probed()
    for name in probes:
        _require(name, subject)
        finding: Finding = PROBES[name].load()(subject)
        _check(name, finding)
        for column, number in finding.numbers.items():
            if math.isfinite(number):
                result.numbers[column] = number
                result.protocols[column] = finding.protocol
        result.pictures.update({(name, key): image for key, image in finding.pictures.items()})
    return result


def _require(name: str, subject: Subject) -> None:
    needs = PROBES[name].needs
    if "labels" in needs and subject.train.labels is None:
        raise MetricError(f"the probe {name} needs labels, and this data set has none")
    if "classifier" in needs and subject.extract is None:
        raise MetricError(f"the probe {name} needs an extractor, and this data set has none")


def _check(name: str, finding: Finding) -> None:
    declared = {*PROBES[name].columns, *PROBES[name].pictures}
    extra = sorted({*finding.numbers, *finding.pictures} - declared)
    if extra:
        raise MetricError(f"the probe {name} finds {', '.join(extra)}; the catalog declares none")

"""Which check a kind of part has."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from ganablate.gan.data import downloads_beside
from ganablate.project.part_checks import measuring_parts, training_parts


def broken(kind: str, name: str, runs: Path = Path("runs")) -> list[str]:
    """What a part does otherwise than its table says; empty where nothing was found.

    Args:
        kind: As `list` names it, such as "criteria".
        name: Of a part of that kind in the catalog.
        runs: Beside whose data a data set is looked for.
    """
    try:
        if kind == "datasets":
            return list(measuring_parts.dataset(name, downloads_beside(runs / "data")))
        return list(_CHECKS[kind](name))
    except Exception as error:
        return [f"{type(error).__name__}: {' '.join(str(error).split())}"]


_CHECKS: Mapping[str, Callable[[str], Iterator[str]]] = {
    "criteria": training_parts.criterion,
    "penalties": training_parts.penalty,
    "optimizers": training_parts.optimizer,
    "schedules": training_parts.schedule,
    "networks": training_parts.network,
    "activations": training_parts.activation,
    "initialisers": training_parts.initialiser,
    "metrics": measuring_parts.metric,
    "probes": measuring_parts.probe,
}

"""Checks of an installation and of the folder it is used in; each is one function and one line."""

from collections.abc import Callable, Iterator

from ganablate.project.doctor import parts, software, storage
from ganablate.project.doctor.finding import Finding, Place

CHECKS: dict[str, Callable[[Place], Finding]] = {
    "python": software.python,
    "packages": software.packages,
    "torch": software.torch,
    "gpu": software.gpu,
    "memory": storage.memory,
    "disk": storage.disk,
    "folders": storage.folders,
    "ray": storage.ray_folders,
    "profile": parts.profile,
    "cluster": parts.cluster,
    "data": parts.data,
    "data root": parts.data_root,
    "extractors": parts.extractors,
    "inception": parts.named_extractors,
    "mlflow": storage.database,
    "port": storage.port,
}
"""Name -> the check, in the order in which they are shown."""


def examine(place: Place) -> Iterator[tuple[str, Finding]]:
    """Every check's finding, in order; one that breaks itself does not end the others."""
    for name, check in CHECKS.items():
        try:
            yield name, check(place)
        except Exception as error:  # whatever this machine has that no check foresees
            what = f"{type(error).__name__}: {error}"
            yield name, Finding("fail", f"the check itself broke: {what}", "tell the maintainers")

"""The weight files of extractors that a study names: where they lie, and that it is they."""

import functools
from importlib.util import find_spec
from pathlib import Path

from ganablate.catalog import NAMED_EXTRACTORS
from ganablate.metrics.card import file_sha256
from ganablate.metrics.errors import MetricError


@functools.cache
def weights_of(name: str, data_root: Path | None) -> Path:
    """The weight file of a named extractor: DATA_ROOT/NAME/FILE, else in the cache of torch.hub.

    It is looked for and its checksum taken once a process.

    Args:
        name: key of catalog.NAMED_EXTRACTORS.
        data_root: may hold a folder of that name; None: there is no data root.

    Raises:
        MetricError: the extractor's package is not installed, there is no such file, or its bytes
            are other ones.
    """
    line = NAMED_EXTRACTORS[name]
    if find_spec(line.package.replace("-", "_")) is None:
        raise MetricError(
            f"extractor {name}: the package {line.package} is missing: pip install {line.package}"
        )
    import torch  # two seconds, which the start of a sweep does not wait for without reason

    places = [data_root / name] if data_root is not None else []
    places.append(Path(torch.hub.get_dir()) / "checkpoints")
    path = next((at / line.weights for at in places if (at / line.weights).is_file()), None)
    if path is None:
        raise MetricError(
            f"extractor {name}: {line.weights} is not in {' or '.join(map(str, places))}: "
            f"get it from {line.url}"
        )
    digest = file_sha256(path)
    if not digest.startswith(line.sha256):
        raise MetricError(
            f"extractor {name}: the sha256 of {path} begins with {digest[:8]}, not {line.sha256}: "
            f"numbers measured with it would not be comparable; get it from {line.url}"
        )
    return path

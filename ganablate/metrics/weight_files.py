"""The weight files of extractors, shipped or named by a study: where they lie, and what they are.

Nothing here needs torch at import.
"""

import functools
import hashlib
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from ganablate.catalog import NAMED_EXTRACTORS
from ganablate.metrics.features import MetricError

WEIGHTS = Path(__file__).parent / "weights"


def file_sha256(path: Path) -> str:
    """The file's sha256 in hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Card(BaseModel):
    """Facts about one shipped weight file, of this sha256.

    The accuracy is a share. `effective_dimension` is that of the features of the test split, and
    `distances` are the FIDs of the sets of `known_order`, made of training images, to it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    extractor: str
    architecture: str
    inputs: str
    parameters: int
    dimensions: int
    classes: int
    test_accuracy: Annotated[float, Field(ge=0, le=1)]
    effective_dimension: Annotated[float, Field(ge=1)]
    distances: dict[str, float]
    n_train: int
    n_test: int
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    seed: int
    epochs: int
    torch_version: str
    command: str

    @classmethod
    def of(cls, weights: Path) -> Self:
        """Read the card beside a weight file and check that it is that file's.

        Raises:
            MetricError: one of the two is absent, or the file's sha256 is another.
        """
        path = weights.with_suffix(".json")
        for needed in (weights, path):
            if not needed.is_file():
                raise MetricError(f"{needed} is missing: install ganablate again")
        card = cls.model_validate_json(path.read_text(encoding="utf-8"))
        digest = file_sha256(weights)
        if digest != card.sha256:
            raise MetricError(
                f"{weights} has sha256 {digest[:16]}, its card says {card.sha256[:16]}: numbers "
                "measured with it would not be comparable; restore the file"
            )
        return card


@functools.cache
def weights_of(name: str, data_root: Path | None) -> Path:
    """The weight file of a named extractor: DATA_ROOT/NAME/FILE, else in the cache of torch.hub.

    One that a package brings is taken from there. It is looked for and its checksum taken once a
    process.

    Args:
        name: key of catalog.NAMED_EXTRACTORS.
        data_root: may hold a folder of that name; None: there is no data root.

    Raises:
        MetricError: the extractor's package is not installed, there is no such file, or its bytes
            are other ones.
    """
    line = NAMED_EXTRACTORS[name]
    packages = line.package.split()
    if lacking := [some for some in packages if find_spec(some.replace("-", "_")) is None]:
        raise MetricError(
            f"extractor {name}: the package {' and '.join(lacking)} is missing: pip install "
            f"{' '.join(lacking)}"
        )
    if line.within is None:
        import torch  # two seconds, which the start of a sweep does not wait for without reason

        folders = [data_root / name] if data_root is not None else []
        folders.append(Path(torch.hub.get_dir()) / "checkpoints")
    else:
        folders = [Path(str(files(line.within))) / "models"]
    path = next((at / line.weights for at in folders if (at / line.weights).is_file()), None)
    if path is None:
        raise MetricError(
            f"extractor {name}: {line.weights} is not in {' or '.join(map(str, folders))}: "
            f"get it, under that name, from {line.url}"
        )
    digest = file_sha256(path)
    if not digest.startswith(line.sha256):
        raise MetricError(
            f"extractor {name}: the sha256 of {path} begins with {digest[:8]}, not {line.sha256}: "
            f"numbers measured with it would not be comparable; get it from {line.url}"
        )
    return path

"""The card beside a shipped weight file: what it is and how good it is."""

import hashlib
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from ganablate.metrics.errors import MetricError

WEIGHTS = Path(__file__).parent / "weights"


def file_sha256(path: Path) -> str:
    """The file's sha256 in hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Card(BaseModel):
    """Facts about one weight file. `sha256` is that of the file; accuracies are shares."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    extractor: str
    architecture: str
    inputs: str
    parameters: int
    embedding: int
    classes: int
    test_accuracy: Annotated[float, Field(ge=0, le=1)]
    n_train: int
    n_test: int
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    seed: int
    epochs: int
    torch_version: str
    command: str

    @classmethod
    def of(cls, weights: Path) -> Self:
        """Read the card of a weight file and check that it is that file's.

        Raises:
            MetricError: if one of the two is absent, or the file's sha256 is another.
        """
        beside = weights.with_suffix(".json")
        for path in (weights, beside):
            if not path.is_file():
                raise MetricError(f"{path} is missing: install ganablate again")
        card = cls.model_validate_json(beside.read_text(encoding="utf-8"))
        digest = file_sha256(weights)
        if digest != card.sha256:
            raise MetricError(
                f"{weights} has sha256 {digest[:16]}, its card says {card.sha256[:16]}: numbers "
                "measured with it would not be comparable; restore the file"
            )
        return card

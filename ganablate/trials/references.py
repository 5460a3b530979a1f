"""Where the reference lines of a protocol are kept: `runs/references/`, one file a metric.

They are of the data and the protocol, not of a trial: whoever measures a trial writes those that
are not there yet. Whoever writes a report reads them, without an extractor.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ganablate.catalog import own_values
from ganablate.config import TrialConfig
from ganablate.files import read_json, write_json


@dataclass(frozen=True)
class Reference:
    """A number of a reference line: a row of `references.csv`.

    `data` and `protocol` say to which numbers it belongs; `images` which real ones were taken.
    """

    line: str
    column: str
    value: float
    data: str
    protocol: str
    images: str


def references_beside(trials_root: Path) -> Path:
    """The folder of the lines, beside that of the trials."""
    return trials_root.parent / "references"


def data_words(config: TrialConfig) -> str:
    """Which images a trial is trained on, as `mnist_5k 28x28`."""
    channels = f", {config.channels} channel(s)" if config.channels is not None else ""
    crop = f", crop {config.crop}" if config.crop is not None else ""
    own = "".join(f", {name} {value}" for name, value in own_values("dataset", config).items())
    return f"{config.dataset} {config.image_size}x{config.image_size}{channels}{crop}{own}"


def reference_path(root: Path, fingerprint: str, metric: str, protocol: str) -> Path:
    """The file of a metric's lines, by what decides their numbers.

    Args:
        root: As `references_beside` gives it.
        fingerprint: Of the images.
        metric: As trial folders name it.
        protocol: The stamp of a trial's number.
    """
    key = "\n".join((fingerprint, metric, protocol))
    return root / f"{hashlib.sha256(key.encode()).hexdigest()[:16]}.json"


def write_lines(
    path: Path, metric: str, lines: Mapping[str, tuple[Mapping[str, float], str]]
) -> None:
    """Keep lines: each has its numbers by column, and which images were taken."""
    content = {
        name: {"images": images, "numbers": dict(numbers)}
        for name, (numbers, images) in lines.items()
    }
    write_json(path, {"metric": metric, "lines": content})


def read_lines(path: Path, data: str, protocol: str) -> tuple[Reference, ...]:
    """The lines of a file; none where it is absent or cannot be read."""
    content = read_json(path) or {}
    return tuple(
        Reference(name, column, float(value), data, protocol, line["images"])
        for name, line in content.get("lines", {}).items()
        for column, value in line["numbers"].items()
    )

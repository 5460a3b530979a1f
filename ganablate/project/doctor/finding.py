"""What a check is told and what it says."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ganablate.project.doctor.torch_facts import TorchFacts
from ganablate.sweep.profile import Profile

Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found. `warn`: some studies or commands will not work; `fail`: none will."""

    level: Level
    text: str
    advice: str = ""
    """What to do; nothing where all is well."""


@dataclass(frozen=True)
class Place:
    """Where the checks look. Every path may be absent."""

    runs: Path
    results: Path
    data_root: Path
    profile: Path | None = None
    """Of `--sweep`; None: the default."""
    tracking_uri: str | None = None
    """Of `--tracking-uri`."""
    used: Profile | None = None
    """What sweeps here go by: that profile, or the default one; None: it cannot be read."""
    port: int = 5000
    temporary: Path = Path("/tmp")
    shared_memory: Path = Path("/dev/shm")
    weights: Path | None = None
    """The folder of shipped extractors; None: the package's own."""
    torch: TorchFacts = field(default_factory=lambda: TorchFacts(Path("runs/downloads")))

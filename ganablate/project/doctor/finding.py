"""What a check gets and what it finds."""

import json
import subprocess
import sys
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from ganablate.sweep.profile import Profile

Level = Literal["ok", "warn", "fail"]
_TORCH_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found. `warn`: some studies or commands will not work; `fail`: none will."""

    level: Level
    text: str
    advice: str = ""
    """What to do; nothing where all is well."""


class TorchFacts:
    """What torch says of this machine, in a process of its own; begun early, waited for at need.

    So the checks import nothing heavy, go on while torch is loaded, and outlive a torch that ends
    the process.
    """

    def __init__(self, data_root: Path) -> None:
        self._command = [sys.executable, "-m", "ganablate.sweep.machine", str(data_root)]

    @cached_property
    def _process(self) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        return subprocess.Popen(self._command, stdout=pipe, stderr=pipe, text=True)

    def start(self) -> None:
        """Begin to ask; else `found` does."""
        _ = self._process

    @cached_property
    def found(self) -> dict[str, Any]:
        """The facts; {"error": LINE} where torch or torchvision cannot be loaded."""
        process = self._process
        try:
            answer, errors = process.communicate(timeout=_TORCH_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return {"error": f"no answer within {_TORCH_SECONDS} s"}
        if process.returncode == 0:
            facts: dict[str, Any] = json.loads(answer.splitlines()[-1])
            return facts
        last = (errors.strip().splitlines() or [f"it ended with {process.returncode}"])[-1]
        return {"error": last}


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

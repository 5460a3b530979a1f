"""What torch says of this machine, asked for in a process of its own.

So the checks import nothing heavy, go on while torch is loaded, and outlive a torch that ends the
process.
"""

import json
import subprocess
import sys
from functools import cached_property
from pathlib import Path
from typing import Any

_SECONDS = 60


class TorchFacts:
    """The answer of `ganablate.sweep.print_torch_facts`; begun early, waited for at need."""

    def __init__(self, data_root: Path) -> None:
        self._command = [sys.executable, "-m", "ganablate.sweep.print_torch_facts", str(data_root)]

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
            answer, errors = process.communicate(timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return {"error": f"no answer within {_SECONDS} s"}
        if process.returncode == 0:
            facts: dict[str, Any] = json.loads(answer.splitlines()[-1])
            return facts
        last = (errors.strip().splitlines() or [f"it ended with {process.returncode}"])[-1]
        return {"error": last}

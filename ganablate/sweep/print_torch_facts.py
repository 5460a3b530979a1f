"""`python -m ganablate.sweep.print_torch_facts ROOT`: what torch says of this machine, as JSON."""

import json
import sys
from pathlib import Path
from typing import Any

import torch
import torchvision

from ganablate.catalog import NAMED_EXTRACTORS
from ganablate.metrics.features import MetricError
from ganablate.metrics.weight_files import weights_of
from ganablate.sweep.machine import resolve_precision


def torch_facts(data_root: Path) -> dict[str, Any]:
    """Versions, threads, precision, GPUs, and what is wrong with each named extractor."""
    gpus = range(torch.cuda.device_count()) if torch.cuda.is_available() else range(0)
    return {
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
        "cuda": torch.version.cuda,
        "threads": torch.get_num_threads(),
        "precision": resolve_precision("auto", "cuda" if gpus else "cpu"),
        "gpus": [torch.cuda.get_device_name(index) for index in gpus],
        "extractors": {name: _fault(name, data_root) for name in NAMED_EXTRACTORS},
    }


def _fault(extractor: str, data_root: Path) -> str | None:
    try:
        weights_of(extractor, data_root)
    except MetricError as error:
        return str(error)
    return None


if __name__ == "__main__":
    sys.stdout.write(json.dumps(torch_facts(Path(sys.argv[1]))) + "\n")

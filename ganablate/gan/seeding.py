"""The generators that a process has one of: whatever the code of others may draw from."""

import random

import numpy as np
import torch

from ganablate.config import derive_seed


def seed_all(device: torch.device, *coordinates: int | str) -> None:
    """Seed torch's, numpy's and Python's own generators by these coordinates."""
    seed = derive_seed(*coordinates)
    for generator in global_generators(device):
        generator.manual_seed(seed)
    seed_python(seed)


def seed_python(seed: int) -> None:
    """Seed numpy's and Python's own generators."""
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 - others draw from it


def global_generators(device: torch.device) -> tuple[torch.Generator, ...]:
    """The generators that a net or a penalty may draw from: the host's and the trial's GPU's."""
    if device.type != "cuda":
        return (torch.default_generator,)
    torch.cuda.init()  # type: ignore[no-untyped-call]
    generator = torch.cuda.default_generators[device.index or torch.cuda.current_device()]
    return torch.default_generator, generator

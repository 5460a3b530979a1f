"""A trainer's state on disk, read without running code from the file."""

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from ganablate.atomic_write import replacing


class CheckpointError(Exception):
    """A stored state that cannot be read; the message names the file and the reason."""


def save_state(state: Mapping[str, Any], path: Path) -> None:
    """Write tensors and plain values to `path`."""
    torch.save(dict(state), path)


def load_state(path: Path, device: torch.device | str) -> dict[str, Any]:
    """Read what `save_state` wrote.

    Raises:
        CheckpointError: The file is truncated, or not such a file.
    """
    try:
        state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
    except (OSError, EOFError, RuntimeError, ValueError, pickle.UnpicklingError) as error:
        raise CheckpointError(f"{path} cannot be read: {error}") from error
    return state


def save_weights(networks: Mapping[str, nn.Module], path: Path) -> None:
    """Write nets as safetensors; a net's tensors are prefixed by its name and a dot."""
    tensors: dict[str, Tensor] = {}
    for net, module in networks.items():
        for name, tensor in module.state_dict().items():
            tensors[f"{net}.{name}"] = tensor.detach().cpu().contiguous()
    with replacing(path) as temporary:
        save_file(tensors, temporary)


def load_weights(networks: Mapping[str, nn.Module], path: Path) -> None:
    """Fill nets with what `save_weights` wrote under the same names."""
    tensors = load_file(path)
    for net, module in networks.items():
        prefix = f"{net}."
        module.load_state_dict(
            {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}
        )

"""A trainer's state on disk, read without running code from the file."""

import io
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from ganablate.files import replacing
from ganablate.trials.weights import Keep, kept_of


class CheckpointError(Exception):
    """A stored state that cannot be read; the message names the file and the reason."""


def save_state(state: Mapping[str, Any], path: Path) -> None:
    """Write tensors and plain values to `path`.

    Through memory: where the disk is full, torch raises a RuntimeError about positions in a file.
    """
    written = io.BytesIO()
    torch.save(dict(state), written)
    path.write_bytes(written.getbuffer())


def load_state(path: Path) -> dict[str, Any]:
    """Read what `save_state` wrote, into the memory of the host.

    Raises:
        CheckpointError: The file is truncated, or not such a file.
        OSError: It cannot be read at the moment; what it holds may be well.
    """
    content = io.BytesIO(path.read_bytes())
    try:
        # Not to a GPU: if that is full, nothing is wrong with the file.
        state: dict[str, Any] = torch.load(content, map_location="cpu", weights_only=True)
    except (EOFError, RuntimeError, ValueError, pickle.UnpicklingError) as error:
        raise CheckpointError(f"{path} cannot be read: {error}") from error
    return state


def save_weights(networks: Mapping[str, nn.Module], path: Path, keep: Keep = "weights") -> None:
    """Write the nets that stay as safetensors; a net's tensors are prefixed by its name and a dot.

    Where none stays there is no file.
    """
    kept = kept_of(networks, keep)
    if not kept:
        path.unlink(missing_ok=True)
        return
    tensors: dict[str, Tensor] = {}
    for net in kept:
        for name, tensor in networks[net].state_dict().items():
            tensors[f"{net}.{name}"] = tensor.detach().cpu().contiguous()
    with replacing(path) as temporary:
        temporary.write_bytes(save(tensors))  # a full disk is an OSError so


def load_weights(networks: Mapping[str, nn.Module], path: Path) -> None:
    """Fill nets with what `save_weights` wrote under the same names.

    A net that was not kept stays as it is.

    Raises:
        CheckpointError: The file is absent, truncated, or not such a file.
    """
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path} cannot be read: {error}") from error
    for net, module in networks.items():
        prefix = f"{net}."
        state = {
            name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)
        }
        if state:
            module.load_state_dict(state)

"""The networks that a complete trial keeps: listed and removed without torch."""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from safetensors import SafetensorError, safe_open

from ganablate.files import replacing

Keep = Literal["weights", "generator", "none"]
"""Both networks, the generator with its average if it has one, or none."""
_GENERATORS = ("generator", "generator_ema")


def kept_of(networks: Iterable[str], keep: Keep) -> list[str]:
    """The networks that are kept, of these."""
    if keep == "weights":
        return list(networks)
    return [name for name in networks if keep == "generator" and name in _GENERATORS]


def networks_in(weights: Path) -> frozenset[str]:
    """The networks in a file of weights; none where there is no file, or it cannot be read."""
    try:
        with safe_open(weights, framework="numpy") as file:
            return frozenset(name.partition(".")[0] for name in file.keys())  # noqa: SIM118
    except (OSError, SafetensorError):
        return frozenset()


def keep_only(weights: Path, keep: Keep, *, dry_run: bool = False) -> int:
    """Remove the other networks from a file of weights, if it is there; returns the bytes freed."""
    from safetensors.numpy import save_file  # numpy takes 90 ms, which `validate` does not have

    networks = networks_in(weights)
    kept = set(kept_of(networks, keep))
    if keep == "weights" or not weights.is_file() or (networks and kept == networks):
        return 0
    before = weights.stat().st_size
    if not kept:
        if not dry_run:
            weights.unlink()
        return before
    with safe_open(weights, framework="numpy") as file:
        names = [name for name in file.keys() if name.partition(".")[0] in kept]  # noqa: SIM118
        tensors = {name: file.get_tensor(name) for name in names}
    if dry_run:
        return before - sum(int(tensor.nbytes) for tensor in tensors.values())
    with replacing(weights) as temporary:
        save_file(tensors, temporary)
    return before - weights.stat().st_size

"""A node of a cluster describes itself.

`describe` is sent there by value, with the functions it calls, since the node may have another
ganablate, or none: all that this module imports at its top is Python's own.
"""

import fcntl
import hashlib
import importlib.metadata
import os
import platform
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

TOKEN, HELD = "token", "held"
"""Files of a meeting place: one to be seen, one that another process has locked."""
_NONE = "none"


@dataclass(frozen=True, kw_only=True)
class NodeFacts:
    """Facts about a node.

    Attributes:
        host: What it calls itself.
        versions: Of what must be the same on every node.
        gpus: That torch can use there; 0 where it was not asked.
        native: Devices that multiply bf16 natively there.
        storage: "shared"; "absent": the meeting place is not seen there; "unlocked": its locks are
            not; else why nothing can be written to it.
    """

    host: str
    versions: dict[str, str]
    gpus: int
    native: tuple[str, ...]
    storage: str


def describe(meeting: str, has_gpu: bool = False) -> dict[str, Any]:
    """The fields of `NodeFacts`, of the node that this runs on.

    The folder `meeting` has the files TOKEN and HELD. Looking at its GPUs as well imports torch.
    """
    if has_gpu:
        os.environ.pop("CUDA_VISIBLE_DEVICES", None)  # Ray hides what was not asked for
    return {
        "host": platform.node(),
        "versions": {
            "Python": platform.python_version(),
            "ganablate": _ganablate(),
            "torch": _version("torch"),
        },
        "gpus": _usable_gpus() if has_gpu else 0,
        "native": _native(has_gpu),
        "storage": _storage(Path(meeting)),
    }


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name).partition("+")[0]  # a build: +cpu, +cu130
    except importlib.metadata.PackageNotFoundError:
        return _NONE


def _ganablate() -> str:
    """Version and source: a checkout may have been edited."""
    try:
        import ganablate
    except ImportError:
        return _NONE
    folder, digest = Path(ganablate.__path__[0]), hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(str(path.relative_to(folder)).encode() + path.read_bytes())
    return f"{ganablate.__version__} (source {digest.hexdigest()[:8]})"


def _usable_gpus() -> int:
    try:
        import torch
    except ImportError:
        return 0
    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def _native(has_gpu: bool) -> tuple[str, ...]:
    try:
        from ganablate.sweep.machine import resolve_precision
    except ImportError:
        return ()
    devices: tuple[Literal["cpu", "cuda"], ...] = ("cpu", "cuda") if has_gpu else ("cpu",)
    return tuple(name for name in devices if resolve_precision("auto", name) == "bf16")


def _storage(meeting: Path) -> str:
    if not (meeting / TOKEN).exists():
        return "absent"
    try:
        (meeting / uuid.uuid4().hex).touch()
        with (meeting / HELD).open("r") as held:
            fcntl.flock(held, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return "shared"
    except OSError as error:
        return error.strerror or str(error)
    return "unlocked"

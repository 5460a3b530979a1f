"""A running Ray cluster: what its nodes offer, and whether a sweep can rely on them."""

import contextlib
import fcntl
import hashlib
import importlib.metadata
import os
import platform
import shutil
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ray
import ray.cloudpickle
from ray import tune
from ray.exceptions import GetTimeoutError, RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from ganablate.sweep.events import Observer
from ganablate.sweep.machine import MachineError, Node
from ganablate.sweep.ray_session import Interruption, SweepInterruptedError, connected
from ganablate.text import counted
from ganablate.trials.folder import one_line

TOKEN, HELD = "token", "held"
"""Files of a meeting place: one to be seen, one that another process has locked."""
_ANSWER_SECONDS = 90.0
"""Time for a node to start a process and describe itself: a busy one takes long."""
_WATCH_SECONDS = 5.0


def look_at_nodes(
    address: str, runs: Path, interruption: Interruption, *, gpus: bool
) -> list[Node]:
    """Look at every node with a CPU to give of the cluster that this machine is a node of.

    With `gpus` the GPUs that nodes give are to be used, and so looked at.

    Raises:
        KeyboardInterrupt: A signal came while Ray connected.
        MachineError: There is no cluster, or a node lacks what a sweep needs: a line each.
    """
    runs.mkdir(parents=True, exist_ok=True)
    try:
        with (
            interruption.listening(),
            connected(address, interruption),
            _meeting_place(runs) as meeting,
        ):
            versions = describe(str(meeting))["versions"]
            entries = _nodes_with(1)
            answers = _ask(entries, meeting, gpus)
    except SweepInterruptedError:
        raise KeyboardInterrupt from None
    if not entries:
        raise MachineError(f"the cluster at {address} has no node with a CPU to give")
    faults: list[str] = []
    nodes: list[Node] = []
    for entry, facts in zip(entries, answers, strict=True):
        resources, name = entry["Resources"], f"node {entry['NodeManagerAddress']}"
        if isinstance(facts, str):
            faults.append(f"{name} {facts}")
            continue
        given = int(resources.get("GPU", 0))
        name = f"{name} ({facts['host']})"
        faults += _faults(name, facts, versions, given if gpus else 0)
        faults += _faults_of_storage(name, facts["storage"], runs)
        nodes.append(Node(cpus=int(resources["CPU"]), gpus=given, native=facts["native"]))
    if faults:
        raise MachineError("\n".join(faults))
    return nodes


class NodeWatch(tune.Callback):
    """Warns the observer of nodes that go and come while a sweep runs on a cluster."""

    def __init__(self, observer: Observer, threads: int) -> None:
        """`threads`: CPUs that a trial takes."""
        self._observer = observer
        self._threads = threads
        self._alive: dict[str, str] = {}
        self._next = 0.0

    def __getstate__(self) -> dict[str, Any]:
        return {}  # see Relay

    def on_step_begin(self, iteration: int, trials: list[Any], **info: object) -> None:
        """Look at the nodes every few seconds."""
        del iteration, trials, info
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _WATCH_SECONDS
        entries = _nodes_with(self._threads)
        alive = {entry["NodeID"]: entry["NodeManagerAddress"] for entry in entries}
        before, self._alive = self._alive, alive
        for name in (before[id_] for id_ in before.keys() - alive.keys()):
            others = "others go on with" if alive else "a node that joins will go on with"
            self._observer.warned(f"node {name} is gone: {others} its trials")
        for name in (alive[id_] for id_ in alive.keys() - before.keys() if before):
            self._observer.warned(f"node {name} has joined; what it runs was not looked at")


def _nodes_with(cpus: int) -> list[dict[str, Any]]:
    """The nodes that live and have so many CPUs to give, as Ray describes them."""
    entries = ray.nodes()  # type: ignore[no-untyped-call]
    return [node for node in entries if node["Alive"] and node["Resources"].get("CPU", 0) >= cpus]


@contextlib.contextmanager
def _meeting_place(runs: Path) -> Iterator[Path]:
    """A folder with a file to be seen, and one whose lock this process holds."""
    folder = Path(tempfile.mkdtemp(prefix=".nodes-", dir=runs))
    try:
        (folder / TOKEN).touch()
        with (folder / HELD).open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _ask(entries: list[dict[str, Any]], meeting: Path, gpus: bool) -> list[dict[str, Any] | str]:
    """What each node says of itself, or why it does not."""
    # The node may have another ganablate, or none.
    here = sys.modules[__name__]
    ray.cloudpickle.register_pickle_by_value(here)  # type: ignore[no-untyped-call]
    try:
        remote: Any = ray.remote(num_cpus=0, max_retries=0)(describe)
        references = []
        for entry in entries:
            on_node = NodeAffinitySchedulingStrategy(entry["NodeID"], soft=False)
            look_at_gpus = gpus and bool(entry["Resources"].get("GPU", 0))
            task = remote.options(scheduling_strategy=on_node)
            references.append(task.remote(str(meeting), look_at_gpus))
    finally:
        ray.cloudpickle.unregister_pickle_by_value(here)  # type: ignore[no-untyped-call]
    ray.wait(references, num_returns=len(references), timeout=_ANSWER_SECONDS)
    answers: list[dict[str, Any] | str] = []
    for reference in references:
        try:
            answers.append(ray.get(reference, timeout=0.1))
        except GetTimeoutError:
            answers.append(f"does not answer within {_ANSWER_SECONDS:.0f} s")
        except RayError as error:
            answers.append(f"cannot be looked at ({one_line(error)})")
    return answers


def _faults(name: str, facts: dict[str, Any], versions: dict[str, str], gpus: int) -> Iterator[str]:
    """A line for each version that differs from the one here, and for GPUs that torch lacks."""
    for package, version in facts["versions"].items():
        if version != versions[package]:
            yield (
                f"{name} has {package} {version}, and the node of this command "
                f"{versions[package]}: install the same on both, and start Ray there again"
            )
    if facts["gpus"] < gpus:
        yield (
            f"{name} gives {counted(gpus, 'GPU')}, and its torch can use "
            f"{facts['gpus'] or 'none'}: install a torch for its GPUs and driver there, or start "
            f"Ray there with --num-gpus={facts['gpus']}"
        )


def _faults_of_storage(name: str, storage: str, runs: Path) -> list[str]:
    texts = {
        "shared": "",
        "absent": (
            f"does not see the folder {runs}: work in a folder on storage that all nodes share, "
            "mounted at the same path"
        ),
        "unlocked": (
            f"does not see the locks of files in {runs}, which keep two nodes from working on one "
            "trial: mount it with locks (NFS without nolock or local_lock)"
        ),
    }
    text = texts.get(
        storage, f"cannot write to {runs} ({storage}): start Ray there as the same user"
    )
    return [f"{name} {text}"] if text else []


# --- on the node: sent there by value, so that what follows uses at its top Python's own alone


def describe(meeting: str, has_gpu: bool = False) -> dict[str, Any]:
    """Facts about the node that this runs on; looking at its GPUs as well imports torch.

    The folder `meeting` has the files TOKEN and HELD. `versions` are of what must be the same on
    every node, `native` the devices that multiply bf16 natively. `storage` is "shared"; "absent":
    the folder is not seen there; "unlocked": its locks are not; else why nothing can be written.
    """
    if has_gpu:
        os.environ.pop("CUDA_VISIBLE_DEVICES", None)  # Ray hides what was not asked for
    gpus, native = _hardware(has_gpu)
    versions = {"Python": platform.python_version(), "ganablate": _source(), "torch": "none"}
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        versions["torch"] = importlib.metadata.version("torch").partition("+")[0]  # +cpu, +cu130
    return {
        "host": platform.node(), "versions": versions, "gpus": gpus, "native": native,
        "storage": _storage(Path(meeting)),
    }  # fmt: skip


def _source() -> str:
    """Version and source of ganablate: a checkout may have been edited."""
    try:
        import ganablate
    except ImportError:
        return "none"
    folder, digest = Path(ganablate.__path__[0]), hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(str(path.relative_to(folder)).encode() + path.read_bytes())
    return f"{ganablate.__version__} (source {digest.hexdigest()[:8]})"


def _hardware(has_gpu: bool) -> tuple[int, tuple[str, ...]]:
    """GPUs that torch can use, and the devices that multiply bf16 natively."""
    try:
        from ganablate.sweep.machine import cuda_devices, resolve_precision

        gpus = cuda_devices() if has_gpu else 0
        precisions = {"cpu": resolve_precision("auto", "cpu")}
        if has_gpu:
            precisions["cuda"] = resolve_precision("auto", "cuda")
    except ImportError:  # of ganablate or torch, as the versions tell
        return 0, ()
    return gpus, tuple(device for device, name in precisions.items() if name == "bf16")


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

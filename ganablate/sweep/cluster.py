"""A running Ray cluster: what its nodes offer, and whether a sweep can rely on them."""

import contextlib
import fcntl
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import ray
import ray.cloudpickle
from ray import tune
from ray.exceptions import GetTimeoutError, RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from ganablate.sweep import node
from ganablate.sweep.events import Observer
from ganablate.sweep.interrupt import Interruption, SweepInterruptedError
from ganablate.sweep.machine import MachineError, Node
from ganablate.sweep.node import HELD, TOKEN, NodeFacts
from ganablate.sweep.ray_session import connected
from ganablate.text import counted
from ganablate.trials.folder import one_line

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
            here = NodeFacts(**node.describe(str(meeting)))
            entries = _nodes_with(1)
            answers = _ask(entries, meeting, gpus)
    except SweepInterruptedError:
        raise KeyboardInterrupt from None
    if not entries:
        raise MachineError(f"the cluster at {address} has no node with a CPU to give")
    faults: list[str] = []
    good: list[Node] = []
    for entry in entries:
        facts, resources = answers[entry["NodeID"]], entry["Resources"]
        given = int(resources.get("GPU", 0))
        faults += _faults(entry["NodeManagerAddress"], facts, here, runs, given if gpus else 0)
        if isinstance(facts, NodeFacts):
            good.append(Node(cpus=int(resources["CPU"]), gpus=given, native=facts.native))
    if faults:
        raise MachineError("\n".join(faults))
    return good


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
            where = "others go on with" if alive else "a node that joins will go on with"
            self._observer.warned(f"node {name} is gone: {where} its trials")
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


def _ask(
    entries: Sequence[Mapping[str, Any]], meeting: Path, gpus: bool
) -> dict[str, NodeFacts | str]:
    """The facts of each node, or why there are none, by its id."""
    ray.cloudpickle.register_pickle_by_value(node)  # type: ignore[no-untyped-call]
    try:
        remote: Any = ray.remote(num_cpus=0, max_retries=0)(node.describe)
        asked = {}
        for entry in entries:
            on_node = NodeAffinitySchedulingStrategy(entry["NodeID"], soft=False)
            asked[entry["NodeID"]] = remote.options(scheduling_strategy=on_node).remote(
                str(meeting), gpus and bool(entry["Resources"].get("GPU", 0))
            )
    finally:
        ray.cloudpickle.unregister_pickle_by_value(node)  # type: ignore[no-untyped-call]
    ray.wait(list(asked.values()), num_returns=len(asked), timeout=_ANSWER_SECONDS)
    return {id_: _answer(reference) for id_, reference in asked.items()}


def _answer(reference: Any) -> NodeFacts | str:
    try:
        return NodeFacts(**ray.get(reference, timeout=0.1))
    except GetTimeoutError:
        return f"does not answer within {_ANSWER_SECONDS:.0f} s"
    except RayError as error:
        return f"cannot be looked at ({one_line(error)})"


def _faults(
    address: str, facts: NodeFacts | str, here: NodeFacts, runs: Path, gpus: int
) -> Iterator[str]:
    """A line for each reason why a sweep cannot rely on a node, and use so many GPUs there."""
    if isinstance(facts, str):
        yield f"node {address} {facts}"
        return
    name = f"node {address} ({facts.host})"
    for what, version in facts.versions.items():
        if version != here.versions[what]:
            yield (
                f"{name} has {what} {version}, and the node of this command {here.versions[what]}: "
                "install the same on both, and start Ray there again"
            )
    if facts.gpus < gpus:
        yield (
            f"{name} gives {counted(gpus, 'GPU')}, and its torch can use "
            f"{facts.gpus or 'none'}: install a torch for its GPUs and driver there, or start Ray "
            f"there with --num-gpus={facts.gpus}"
        )
    if facts.storage == "absent":
        yield (
            f"{name} does not see the folder {runs}: work in a folder on storage that all nodes "
            "share, mounted at the same path"
        )
    elif facts.storage == "unlocked":
        yield (
            f"{name} does not see the locks of files in {runs}, which keep two nodes from working "
            "on one trial: mount it with locks (NFS without nolock or local_lock)"
        )
    elif facts.storage != "shared":
        yield f"{name} cannot write to {runs} ({facts.storage}): start Ray there as the same user"

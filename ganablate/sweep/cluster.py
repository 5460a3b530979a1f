"""A Ray cluster that runs already: what its nodes are, and whether a sweep can rely on them."""

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
from ganablate.trials.folder import one_line

_ANSWER_SECONDS = 90.0
"""For a node to start a process that looks at it: one that is busy takes its time."""
_WATCH_SECONDS = 5.0


def look_at_nodes(
    address: str, runs: Path, interruption: Interruption, *, gpus: bool
) -> list[Node]:
    """Look at every node of a cluster that has a CPU to give.

    Args:
        address: `auto` or HOST:PORT; this machine is a node of it.
        runs: The folder of runs, absolute.
        interruption: Told of signals meanwhile.
        gpus: Whether the GPUs that nodes give are to be used, and so looked at.

    Raises:
        KeyboardInterrupt: A signal came while Ray connected.
        MachineError: There is no cluster, or a node lacks what a sweep takes: a line each.
    """
    runs.mkdir(parents=True, exist_ok=True)
    try:
        with (
            interruption.listening(),
            connected(address, interruption),
            _meeting_place(runs) as meeting,
        ):
            own = NodeFacts(**node.describe(str(meeting)))
            nodes = _nodes_with(1)
            found = _ask(nodes, meeting, gpus)
    except SweepInterruptedError:
        raise KeyboardInterrupt from None
    if not nodes:
        raise MachineError(f"the cluster at {address} has no node with a CPU to give")
    faults: list[str] = []
    good: list[Node] = []
    for one in nodes:
        facts, resources = found[one["NodeID"]], one["Resources"]
        given = int(resources.get("GPU", 0))
        faults += _faults(one["NodeManagerAddress"], facts, own, runs, given if gpus else 0)
        if isinstance(facts, NodeFacts):
            good.append(Node(cpus=int(resources["CPU"]), gpus=given, native=facts.native))
    if faults:
        raise MachineError("\n".join(faults))
    return good


class NodeWatch(tune.Callback):
    """Tells the observer of nodes that go and come while a sweep runs on a cluster."""

    def __init__(self, observer: Observer, threads: int) -> None:
        """`threads`: CPUs that a trial takes."""
        self._observer = observer
        self._threads = threads
        self._known: dict[str, str] = {}
        self._next = 0.0

    def __getstate__(self) -> dict[str, Any]:
        return {}  # see Relay

    def on_step_begin(self, iteration: int, trials: list[Any], **info: object) -> None:
        """Look at the nodes every few seconds."""
        del iteration, trials, info
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _WATCH_SECONDS
        nodes = _nodes_with(self._threads)
        alive = {one["NodeID"]: one["NodeManagerAddress"] for one in nodes}
        known, self._known = self._known, alive
        for name in (known[id_] for id_ in known.keys() - alive.keys()):
            where = "others go on with" if alive else "a node that joins will go on with"
            self._observer.warned(f"node {name} is gone: {where} its trials")
        for name in (alive[id_] for id_ in alive.keys() - known.keys() if known):
            self._observer.warned(f"node {name} has joined; what it runs was not looked at")


def _nodes_with(cpus: int) -> list[dict[str, Any]]:
    """The nodes that live and have so many CPUs to give, as Ray describes them."""
    nodes = ray.nodes()  # type: ignore[no-untyped-call]
    return [one for one in nodes if one["Alive"] and one["Resources"].get("CPU", 0) >= cpus]


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
    nodes: Sequence[Mapping[str, Any]], meeting: Path, gpus: bool
) -> dict[str, NodeFacts | str]:
    """What was found on each node, or why nothing was, by its id."""
    ray.cloudpickle.register_pickle_by_value(node)  # type: ignore[no-untyped-call]
    try:
        remote: Any = ray.remote(num_cpus=0, max_retries=0)(node.describe)
        asked = {}
        for one in nodes:
            there = NodeAffinitySchedulingStrategy(one["NodeID"], soft=False)
            asked[one["NodeID"]] = remote.options(scheduling_strategy=there).remote(
                str(meeting), gpus and bool(one["Resources"].get("GPU", 0))
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
    address: str, found: NodeFacts | str, own: NodeFacts, runs: Path, gpus: int
) -> Iterator[str]:
    """A line for each reason why a sweep cannot rely on a node; `gpus`: what it is to use there."""
    if isinstance(found, str):
        yield f"node {address} {found}"
        return
    name = f"node {address} ({found.host})"
    for what, version in found.versions.items():
        if version != own.versions[what]:
            yield (
                f"{name} has {what} {version}, and the node of this command {own.versions[what]}: "
                "install the same on both, and start Ray there again"
            )
    if found.gpus < gpus:
        yield (
            f"{name} gives {gpus} {'GPU' if gpus == 1 else 'GPUs'}, and its torch can use "
            f"{found.gpus or 'none'}: install a torch for its GPUs and driver there, or start Ray "
            f"there with --num-gpus={found.gpus}"
        )
    if found.storage == "absent":
        yield (
            f"{name} does not see the folder {runs}: work in a folder on storage that all nodes "
            "share, mounted at the same path"
        )
    elif found.storage == "unlocked":
        yield (
            f"{name} does not see the locks of files in {runs}, which keep two nodes from working "
            "on one trial: mount it with locks (NFS without nolock or local_lock)"
        )
    elif found.storage != "shared":
        yield f"{name} cannot write to {runs} ({found.storage}): start Ray there as the same user"

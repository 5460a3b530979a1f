"""What this machine, or a cluster, offers and how a profile divides it among trials.

`python -m ganablate.sweep.machine DATA_ROOT` prints what torch says of this machine, as JSON.
"""

import contextlib
import json
import os
import platform
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ganablate.sweep.limits import cpu_quota
from ganablate.sweep.profile import Profile

Device = Literal["cpu", "cuda"]
Precision = Literal["fp32", "bf16"]

_BF16_CAPABILITY = (8, 0)
_BF16_FLAGS = frozenset({"amx_bf16", "avx512_bf16"})
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
# Each step frees what the next one needs. glibc would hand large blocks back to the kernel, which
# clears them again at their first touch: a tenth to a quarter of the time of an MLP's step.
# Blocks up to 32 MiB, the most that can be asked for, come from the heap; it keeps 128 MiB free.
_KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(2**25), "MALLOC_TRIM_THRESHOLD_": str(2**27)}


class MachineError(Exception):
    """The machine lacks what the profile or a trial names. One clear line."""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """Resources of one sweep, resolved: trials at a time (`slots`), threads of each, and GPUs.

    Trials compute on `device` in `precision` unless they name another one. Each gets `gpu_share`
    of a GPU; 0 without CUDA. `largest_node` has so many CPUs; 0 where there is no cluster.
    """

    device: Device
    precision: Precision
    slots: int
    threads: int
    gpus: int = 0
    gpu_share: float = 0.0
    largest_node: int = 0

    def share(self, *, alone: bool = False) -> dict[str, float]:
        """The share of the sweep's CPUs and GPUs that one trial gets.

        `alone` it gets the whole of a GPU, or without CUDA all cores of the machine, or of the
        largest node, so that nothing else runs there.
        """
        if not alone:
            return {"CPU": self.threads, "GPU": self.gpu_share}
        if self.gpus:
            return {"CPU": self.threads, "GPU": 1.0}
        return {"CPU": self.largest_node or self.slots * self.threads, "GPU": 0.0}


@dataclass(frozen=True, kw_only=True)
class Node:
    """A node of a cluster: CPUs and GPUs that Ray gives, devices that multiply bf16 natively."""

    cpus: int
    gpus: int = 0
    native: tuple[str, ...] = ()


def resolve(profile: Profile, *, trials: int, cuda_named: bool = False) -> Machine:
    """Divide this machine among so many trials. Imports torch only where there may be a GPU.

    `cuda_named`: some trial names the device `cuda` itself.

    Raises:
        MachineError: CUDA is named and there is none.
    """
    gpus = cuda_devices() if wants_cuda(profile, cuda_named=cuda_named) else 0
    device = _device(profile, gpus, cuda_named, "torch finds none on this machine")
    return Machine(
        device=device,
        precision=resolve_precision(profile.precision, device),
        slots=slots_of(profile, gpus=gpus, trials=trials),
        threads=profile.threads,
        gpus=gpus,
        gpu_share=1.0 / profile.trials_per_gpu if gpus else 0.0,
    )


def resolve_on(
    nodes: Sequence[Node], profile: Profile, *, trials: int, cuda_named: bool = False
) -> Machine:
    """Divide the nodes of a cluster, as `look_at_nodes` found them, among so many trials.

    Raises:
        MachineError: CUDA is named and there is none, or no node has the CPUs of one trial.
    """
    largest = max(node.cpus for node in nodes)
    fitting = [node for node in nodes if node.cpus >= profile.threads]
    if not fitting:
        raise MachineError(f"threads: {profile.threads}, and the largest node gives {largest} CPUs")
    wanted = wants_cuda(profile, cuda_named=cuda_named)
    gpus = sum(node.gpus for node in fitting) if wanted else 0
    device = _device(profile, gpus, cuda_named, "no node of the cluster gives a GPU")
    if gpus:
        fitting = [node for node in fitting if node.gpus]
    slots = 0
    for node in fitting:  # unlike on this machine alone, no CPU of a cluster is given twice
        on_cpus = node.cpus // profile.threads
        slots += min(on_cpus, node.gpus * profile.trials_per_gpu) if gpus else on_cpus
    most = trials if profile.concurrency == "cores" else min(trials, profile.concurrency)
    native = all(device in node.native for node in fitting)
    return Machine(
        device=device,
        precision=resolve_precision(profile.precision, device, native=native),
        slots=min(slots, most),
        threads=profile.threads,
        gpus=gpus,
        gpu_share=1.0 / profile.trials_per_gpu if gpus else 0.0,
        largest_node=largest,
    )


def _device(profile: Profile, gpus: int, cuda_named: bool, lack: str) -> Device:
    """Where trials compute; raises where there is no GPU and one is named."""
    if not gpus and (cuda_named or profile.device == "cuda"):
        subject = "a trial" if cuda_named else "the sweep"
        raise MachineError(f"{subject} names the device cuda, and {lack}")
    return "cuda" if gpus and profile.device != "cpu" else "cpu"


def wants_cuda(profile: Profile, *, cuda_named: bool) -> bool:
    """Whether a sweep uses GPUs where there are any; `cuda_named`: some trial names them."""
    return cuda_named or profile.device != "cpu"


def slots_of(profile: Profile, *, gpus: int, trials: int) -> int:
    """How many of so many trials a machine with so many GPUs runs at a time."""
    most = gpus * profile.trials_per_gpu if gpus else max(1, usable_cores() // profile.threads)
    if profile.concurrency != "cores":
        most = min(most, profile.concurrency) if gpus else profile.concurrency
    return max(1, min(most, trials))


@contextlib.contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """With these variables of the environment; afterwards they are as before."""
    before = {name: os.environ[name] for name in variables if name in os.environ}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name in variables:
            os.environ.pop(name, None)
        os.environ.update(before)


def worker_environment(threads: int) -> dict[str, str]:
    """Variables of a worker: threads of its libraries for arithmetic, and its allocator's.

    The allocator's are for glibc, others pass over them, and what the user has set stays.
    """
    allocator = {name: os.environ.get(name, value) for name, value in _KEEP_MEMORY.items()}
    return {**dict.fromkeys(_THREADS, str(threads)), **allocator}


def usable_cores() -> int:
    """Cores this process may use, at least 1: its affinity, and a container's quota."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    cores, quota = cores or 1, cpu_quota()
    return cores if quota is None else max(1, min(cores, int(quota)))


def cuda_devices() -> int:
    """GPUs that torch can use; without an NVIDIA device this costs no import of torch."""
    if not (Path("/dev/nvidiactl").exists() or Path("/dev/dxg").exists()):
        return 0
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def resolve_precision(
    precision: Literal["auto", "fp32", "bf16"], device: Device, *, native: bool | None = None
) -> Precision:
    """`auto`: bf16 where the hardware multiplies it natively, else fp32.

    On CPU that means AMX or AVX-512 BF16, on CUDA a compute capability of at least 8.0; `native`
    says it of other hardware than this machine's.
    """
    if precision != "auto":
        return precision
    if native is None:
        native = _cuda_multiplies_bf16() if device == "cuda" else _cpu_multiplies_bf16()
    return "bf16" if native else "fp32"


def _cpu_multiplies_bf16() -> bool:
    return not _BF16_FLAGS.isdisjoint(_cpu_fact("flags").split())


def _cuda_multiplies_bf16() -> bool:
    import torch

    gpus = range(torch.cuda.device_count())
    capabilities = [torch.cuda.get_device_capability(gpu) for gpu in gpus]
    return bool(capabilities) and min(capabilities) >= _BF16_CAPABILITY


def processor_name() -> str:
    """The processor's name for itself: numbers of a training depend on its kind."""
    return _cpu_fact("model name") or platform.processor() or platform.machine()


def _cpu_fact(key: str) -> str:
    """What Linux says of the first processor; empty on other systems, or where it does not."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
    values = (line.partition(":")[2] for line in text.splitlines() if line.startswith(key))
    return next(values, "").strip()


def torch_facts(data_root: Path) -> dict[str, Any]:
    """Versions, threads, precision, GPUs, and what is wrong with each named extractor."""
    import torch
    import torchvision

    from ganablate.catalog import NAMED_EXTRACTORS
    from ganablate.metrics.features import MetricError
    from ganablate.metrics.weight_files import weights_of

    gpus = range(torch.cuda.device_count()) if torch.cuda.is_available() else range(0)
    faults: dict[str, str | None] = dict.fromkeys(NAMED_EXTRACTORS)
    for name in faults:
        try:
            weights_of(name, data_root)
        except MetricError as error:
            faults[name] = str(error)
    return {
        "torch": torch.__version__,
        "torchvision": torchvision.__version__,
        "cuda": torch.version.cuda,
        "threads": torch.get_num_threads(),
        "precision": resolve_precision("auto", "cuda" if gpus else "cpu"),
        "gpus": [torch.cuda.get_device_name(index) for index in gpus],
        "extractors": faults,
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(torch_facts(Path(sys.argv[1]))) + "\n")

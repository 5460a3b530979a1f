"""What a machine or a cluster offers, and how a profile divides it among trials."""

import fcntl
from pathlib import Path

import pytest
import torch

from ganablate.sweep import machine
from ganablate.sweep.cluster import HELD, TOKEN, describe
from ganablate.sweep.machine import (
    Machine,
    MachineError,
    Node,
    resolve,
    resolve_on,
    resolve_precision,
)
from ganablate.sweep.profile import Profile

SMALL = Node(cpus=2, native=("cpu",))
LARGE = Node(cpus=16, gpus=2, native=("cpu", "cuda"))
OLD = Node(cpus=8, gpus=1)
CLUSTER = [SMALL, LARGE, OLD]


@pytest.fixture(autouse=True)
def eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "usable_cores", lambda: 8)
    monkeypatch.setattr(machine, "cuda_devices", lambda: 0)
    monkeypatch.setattr(machine, "_cpu_multiplies_bf16", lambda: True)


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "cuda_devices", lambda: 2)
    monkeypatch.setattr(machine, "_cuda_multiplies_bf16", lambda: False)


@pytest.mark.parametrize(
    ("nodes", "profile", "trials", "slots"),
    [
        (None, Profile(), 100, 8),
        (None, Profile(threads=3), 100, 2),
        (None, Profile(threads=16), 100, 1),
        (None, Profile(concurrency=12), 100, 12),
        (None, Profile(), 3, 3),
        (CLUSTER, Profile(), 100, 26),
        (CLUSTER, Profile(), 3, 3),
        (CLUSTER, Profile(threads=3), 100, 5 + 2),  # a trial is on one node
        ([SMALL, LARGE], Profile(concurrency=5), 100, 5),
        ([SMALL], Profile(concurrency=5), 100, 2),  # others cannot be given the same CPUs
    ],
)
def test_slots_on_cpus(nodes: list[Node] | None, profile: Profile, trials: int, slots: int) -> None:
    resolved = (
        resolve_on(nodes, profile, trials=trials) if nodes else resolve(profile, trials=trials)
    )
    assert (resolved.device, resolved.slots) == ("cpu", slots)
    assert (resolved.gpus, resolved.gpu_share) == (0, 0.0)


@pytest.mark.usefixtures("two_gpus")
@pytest.mark.parametrize(
    ("profile", "slots", "on_cluster"),
    [
        (Profile(device="cuda"), 2, 2 + 1),
        (Profile(device="auto", trials_per_gpu=4), 8, 8 + 4),
        (Profile(device="auto", trials_per_gpu=4, concurrency=3), 3, 3),
        (Profile(device="cuda", trials_per_gpu=4, threads=4), 8, 4 + 2),  # nodes as CPUs allow
    ],
)
def test_slots_on_gpus(profile: Profile, slots: int, on_cluster: int) -> None:
    here, nodes = resolve(profile, trials=100), resolve_on(CLUSTER, profile, trials=100)
    assert (here.device, here.slots, here.gpus) == ("cuda", slots, 2)
    assert (nodes.device, nodes.slots, nodes.gpus) == ("cuda", on_cluster, 3)
    assert here.gpu_share == nodes.gpu_share == 1 / profile.trials_per_gpu
    assert nodes.share(alone=True) == {"CPU": profile.threads, "GPU": 1.0}


def test_precision_is_what_every_node_multiplies() -> None:
    assert resolve_on([SMALL, LARGE], Profile(), trials=9).precision == "bf16"
    assert resolve_on([SMALL, OLD], Profile(), trials=9).precision == "fp32"
    assert resolve_on([SMALL, OLD], Profile(precision="bf16"), trials=9).precision == "bf16"
    # A node without a GPU trains nothing there.
    assert resolve_on([SMALL, LARGE], Profile(device="cuda"), trials=9).precision == "bf16"
    assert resolve_on([LARGE, OLD], Profile(device="cuda"), trials=9).precision == "fp32"


@pytest.mark.usefixtures("two_gpus")
def test_precision_is_what_is_named_or_what_the_device_multiplies() -> None:
    assert resolve_precision("fp32", "cpu") == "fp32"
    assert resolve_precision("bf16", "cuda") == "bf16"
    assert resolve_precision("auto", "cpu") == "bf16"
    assert resolve_precision("auto", "cuda") == "fp32"


@pytest.mark.parametrize(
    ("capabilities", "precision"),
    [([(8, 0), (9, 0)], "bf16"), ([(8, 0), (7, 5)], "fp32"), ([], "fp32")],
)
def test_bf16_on_cuda_takes_that_every_gpu_multiplies_it_and_that_there_is_one(
    capabilities: list[tuple[int, int]], precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(capabilities))
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda gpu: capabilities[gpu])
    assert resolve_precision("auto", "cuda") == precision


def test_alone_is_all_cores_the_largest_node_or_one_whole_gpu() -> None:
    cpu = Machine(device="cpu", precision="fp32", slots=4, threads=2)
    assert cpu.share() == {"CPU": 2, "GPU": 0.0}
    assert cpu.share(alone=True) == {"CPU": 8, "GPU": 0.0}
    gpus = Machine(device="cuda", precision="bf16", slots=8, threads=2, gpus=2, gpu_share=0.25)
    assert gpus.share() == {"CPU": 2, "GPU": 0.25}
    assert gpus.share(alone=True) == {"CPU": 2, "GPU": 1.0}
    cluster = resolve_on([SMALL, OLD], Profile(threads=2), trials=9)
    assert cluster.share() == {"CPU": 2, "GPU": 0.0}
    assert cluster.share(alone=True) == {"CPU": 8, "GPU": 0.0}


def test_what_is_not_there_is_one_clear_line() -> None:
    with pytest.raises(MachineError, match="the sweep names the device cuda"):
        resolve(Profile(device="cuda"), trials=1)
    with pytest.raises(MachineError, match="a trial names the device cuda"):
        resolve(Profile(device="cpu"), trials=1, cuda_named=True)
    with pytest.raises(MachineError, match="threads: 4, and the largest node gives 2 CPUs"):
        resolve_on([SMALL], Profile(threads=4), trials=1)
    with pytest.raises(MachineError, match="the sweep names the device cuda, and no node"):
        resolve_on([SMALL], Profile(device="cuda"), trials=1)
    with pytest.raises(MachineError, match="a trial names the device cuda, and no node"):
        resolve_on([SMALL], Profile(), trials=1, cuda_named=True)


def test_a_worker_keeps_freed_memory_unless_the_user_set_the_allocator(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("MALLOC_MMAP_THRESHOLD_", raising=False)
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "7")
    variables = machine.worker_environment(3)
    assert variables["OMP_NUM_THREADS"] == "3"
    assert variables["MALLOC_MMAP_THRESHOLD_"] == "33554432"
    assert variables["MALLOC_TRIM_THRESHOLD_"] == "7"


def test_a_node_tells_storage_that_is_shared_from_storage_that_is_not(tmp_path: Path) -> None:
    assert describe(str(tmp_path / "none"))["storage"] == "absent"
    (tmp_path / TOKEN).touch()
    with (tmp_path / HELD).open("w") as held:
        assert describe(str(tmp_path))["storage"] == "unlocked"
        fcntl.flock(held, fcntl.LOCK_EX)
        facts = describe(str(tmp_path))
    assert facts["storage"] == "shared"
    assert facts["native"] == ("cpu",)
    (tmp_path / HELD).unlink()
    assert describe(str(tmp_path))["storage"] == "No such file or directory"


@pytest.mark.parametrize(("count", "native"), [(0, False), (2, True)])
def test_a_node_says_how_many_gpus_its_torch_can_use(
    count: int, native: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setattr(machine, "cuda_devices", lambda: count)
    monkeypatch.setattr(machine, "_cuda_multiplies_bf16", lambda: native)
    facts = describe(str(tmp_path), has_gpu=True)
    assert facts["gpus"] == count
    assert ("cuda" in facts["native"]) is native
    assert describe(str(tmp_path))["gpus"] == 0

import fcntl
from pathlib import Path

import pytest
import torch

from ganablate.sweep import machine
from ganablate.sweep.cluster import HELD, TOKEN, describe
from ganablate.sweep.machine import MachineError, Node, resolve_on, resolve_precision
from ganablate.sweep.profile import Profile

SMALL = Node(cpus=2, native=("cpu",))
LARGE = Node(cpus=16, gpus=2, native=("cpu", "cuda"))
OLD = Node(cpus=8, gpus=1)


@pytest.mark.parametrize(
    ("nodes", "profile", "trials", "slots"),
    [
        ([SMALL, LARGE, OLD], Profile(), 100, 26),
        ([SMALL, LARGE, OLD], Profile(), 3, 3),
        ([SMALL, LARGE, OLD], Profile(threads=3), 100, 5 + 2),  # a trial is on one node
        ([SMALL, LARGE], Profile(concurrency=5), 100, 5),
        ([SMALL], Profile(concurrency=5), 100, 2),  # others cannot be given the same CPUs
    ],
)
def test_slots_on_the_cpus_of_a_cluster(
    nodes: list[Node], profile: Profile, trials: int, slots: int
) -> None:
    found = resolve_on(nodes, profile, trials=trials)
    assert (found.device, found.slots, found.gpus, found.gpu_share) == ("cpu", slots, 0, 0.0)


@pytest.mark.parametrize(
    ("profile", "slots"),
    [
        (Profile(device="cuda"), 2 + 1),
        (Profile(device="auto", trials_per_gpu=4), 8 + 4),
        (Profile(device="cuda", trials_per_gpu=4, threads=4), 4 + 2),  # as CPUs allow
    ],
)
def test_slots_on_the_gpus_of_a_cluster(profile: Profile, slots: int) -> None:
    found = resolve_on([SMALL, LARGE, OLD], profile, trials=100)
    assert (found.device, found.slots, found.gpus) == ("cuda", slots, 3)
    assert found.gpu_share == 1 / profile.trials_per_gpu
    assert found.share(alone=True) == {"CPU": profile.threads, "GPU": 1.0}


def test_precision_is_what_every_node_multiplies() -> None:
    assert resolve_on([SMALL, LARGE], Profile(), trials=9).precision == "bf16"
    assert resolve_on([SMALL, OLD], Profile(), trials=9).precision == "fp32"
    assert resolve_on([SMALL, OLD], Profile(precision="bf16"), trials=9).precision == "bf16"
    # A node without a GPU trains nothing there.
    assert resolve_on([SMALL, LARGE], Profile(device="cuda"), trials=9).precision == "bf16"
    assert resolve_on([LARGE, OLD], Profile(device="cuda"), trials=9).precision == "fp32"


def test_alone_on_a_cluster_is_the_largest_node_not_all_of_them() -> None:
    found = resolve_on([SMALL, OLD], Profile(threads=2), trials=9)
    assert found.share() == {"CPU": 2, "GPU": 0.0}
    assert found.share(alone=True) == {"CPU": 8, "GPU": 0.0}


def test_what_no_node_has_is_one_clear_line() -> None:
    with pytest.raises(MachineError, match="threads: 4, and the largest node gives 2 CPUs"):
        resolve_on([SMALL], Profile(threads=4), trials=1)
    with pytest.raises(MachineError, match="the sweep names the device cuda, and no node"):
        resolve_on([SMALL], Profile(device="cuda"), trials=1)
    with pytest.raises(MachineError, match="a trial names the device cuda, and no node"):
        resolve_on([SMALL], Profile(), trials=1, cuda_named=True)


def test_a_node_tells_storage_that_is_shared_from_storage_that_is_not(tmp_path: Path) -> None:
    assert describe(str(tmp_path / "none"))["storage"] == "absent"
    (tmp_path / TOKEN).touch()
    with (tmp_path / HELD).open("w") as held:
        assert describe(str(tmp_path))["storage"] == "unlocked"
        fcntl.flock(held, fcntl.LOCK_EX)
        found = describe(str(tmp_path))
    assert found["storage"] == "shared"
    native = ("cpu",) if resolve_precision("auto", "cpu") == "bf16" else ()
    assert found["native"] == native
    (tmp_path / HELD).unlink()
    assert describe(str(tmp_path))["storage"] == "No such file or directory"


@pytest.mark.parametrize(("count", "native"), [(0, False), (2, True)])
def test_a_node_says_how_many_gpus_its_torch_can_use(
    count: int, native: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setattr(machine, "cuda_devices", lambda: count)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda gpu: (9, 0))
    found = describe(str(tmp_path), has_gpu=True)
    assert found["gpus"] == count
    assert ("cuda" in found["native"]) is native
    assert describe(str(tmp_path))["gpus"] == 0

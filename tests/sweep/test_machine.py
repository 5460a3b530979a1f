import pytest
import torch

from ganablate.sweep import machine
from ganablate.sweep.machine import MachineError, resolve, resolve_precision
from ganablate.sweep.profile import Profile


@pytest.fixture
def eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "usable_cores", lambda: 8)
    monkeypatch.setattr(machine, "cuda_devices", lambda: 0)
    monkeypatch.setattr(machine, "_cpu_multiplies_bf16", lambda: True)


@pytest.fixture
def two_gpus(eight_cores: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "cuda_devices", lambda: 2)
    monkeypatch.setattr(machine, "_cuda_multiplies_bf16", lambda: False)


@pytest.mark.usefixtures("eight_cores")
@pytest.mark.parametrize(
    ("profile", "trials", "slots"),
    [
        (Profile(), 100, 8),
        (Profile(threads=3), 100, 2),
        (Profile(threads=16), 100, 1),
        (Profile(concurrency=12), 100, 12),
        (Profile(), 3, 3),
    ],
)
def test_slots_on_cpu(profile: Profile, trials: int, slots: int) -> None:
    found = resolve(profile, trials=trials)
    assert (found.device, found.slots, found.gpus, found.gpu_share) == ("cpu", slots, 0, 0.0)


@pytest.mark.usefixtures("two_gpus")
@pytest.mark.parametrize(
    ("profile", "slots"),
    [
        (Profile(device="cuda"), 2),
        (Profile(device="auto", trials_per_gpu=4), 8),
        (Profile(device="auto", trials_per_gpu=4, concurrency=3), 3),
    ],
)
def test_slots_on_gpus(profile: Profile, slots: int) -> None:
    found = resolve(profile, trials=100)
    assert (found.device, found.slots, found.gpus) == ("cuda", slots, 2)
    assert found.gpu_share == pytest.approx(1 / profile.trials_per_gpu)


@pytest.mark.usefixtures("eight_cores")
def test_cuda_that_is_not_there_is_one_clear_line() -> None:
    with pytest.raises(MachineError, match="the sweep names the device cuda"):
        resolve(Profile(device="cuda"), trials=1)
    with pytest.raises(MachineError, match="a trial names the device cuda"):
        resolve(Profile(device="cpu"), trials=1, cuda_named=True)


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


def test_usable_cores_is_at_least_one() -> None:
    assert machine.usable_cores() >= 1


def test_a_worker_keeps_freed_memory_unless_the_user_set_the_allocator(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("MALLOC_MMAP_THRESHOLD_", raising=False)
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "7")
    found = machine.worker_environment(3)
    assert found["OMP_NUM_THREADS"] == "3"
    assert found["MALLOC_MMAP_THRESHOLD_"] == "33554432"
    assert found["MALLOC_TRIM_THRESHOLD_"] == "7"

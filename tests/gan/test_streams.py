"""Batches of real images, from the host's memory and from a device's."""

import numpy as np
import pytest
import torch

from ganablate.gan import streams
from ganablate.gan.streams import Streams
from tests.support.trial_config import config_for


@pytest.mark.parametrize(("channels", "subset"), [(1, None), (3, None), (1, 20)])
def test_images_on_the_device_give_the_same_batches(
    monkeypatch: pytest.MonkeyPatch, channels: int, subset: int | None
) -> None:
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (40, 28, 28, channels), dtype=np.uint8)
    config, cpu = config_for("mlp", train_images=subset), torch.device("cpu")
    from_host = Streams(config, images, cpu)

    def here(images: np.ndarray, subset: np.ndarray | None, _: torch.device) -> torch.Tensor:
        return torch.from_numpy(images if subset is None else images[subset])

    monkeypatch.setattr(streams, "_on_gpu", here)
    on_device = Streams(config, images, cpu)
    for step in range(7):  # more than one epoch
        batch, same = from_host.real(step), on_device.real(step)
        assert torch.equal(batch, same)
        assert batch.stride() == same.stride()


@pytest.mark.parametrize(("device", "limit"), [("cpu", 2**28), ("cuda", 100)])
def test_images_stay_with_the_host_without_a_gpu_or_above_the_limit(
    monkeypatch: pytest.MonkeyPatch, device: str, limit: int
) -> None:
    monkeypatch.setattr(streams, "MOST_ON_GPU", limit)
    images = np.zeros((2, 28, 28, 1), np.uint8)
    assert streams._on_gpu(images, None, torch.device(device)) is None

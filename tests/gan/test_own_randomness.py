"""Parts of one's own that draw from torch's, numpy's or Python's generator: numbers repeat."""

import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from ganablate.catalog import METRICS
from ganablate.config import TrialConfig
from ganablate.gan.checkpoint import load_state, save_state
from ganablate.gan.seeding import seed_all
from ganablate.gan.trainer import Trainer
from ganablate.project.part_checks import broken
from ganablate.study.arms.resolve import with_defaults
from ganablate.study.plugins import forget_plugins, load_plugins
from ganablate.sweep import measure as measure_module
from ganablate.sweep.measure import _alone_if_own

DRAWS = {
    "numpy": "float(np.random.uniform(0.5, 1.5))",
    "python": "random.uniform(0.5, 1.5)",
    "torch": "float(torch.empty(()).uniform_(0.5, 1.5))",
}
OWN = '''
import random

import numpy as np
import torch
from torch import nn

from ganablate.catalog import NETWORKS as BUILT_IN, Criterion, Network, Penalty


class Noisy(nn.Module):
    """Multiplies by a factor drawn when it is made, and by one drawn at each call."""

    def __init__(self):
        super().__init__()
        self.register_buffer("factor", torch.tensor(DRAW))

    def forward(self, inputs):
        return inputs * self.factor * DRAW


def noisy(config, channels):
    """One linear layer each, and noise."""
    size = config.image_size
    pixels = channels * size * size
    generator = nn.Sequential(
        nn.Linear(config.latent_dim, pixels), Noisy(), nn.Tanh(),
        nn.Unflatten(1, (channels, size, size)),
    )
    return generator, nn.Sequential(nn.Flatten(), Noisy(), nn.Linear(pixels, 1), nn.Flatten(0))


def shaken(real_logits, fake_logits):
    """Raw outputs pulled apart, by chance."""
    return DRAW * (fake_logits.float() - real_logits.float()).mean(), -fake_logits.float().mean()


def jitter(discriminator, real, fake):
    """A penalty of random weight."""
    return DRAW * discriminator(real).float().square().mean()


NETWORKS = {"noisy": Network(implementation="noisy", summary="noise", source="own",
                             image_sizes=None, defaults=BUILT_IN["mlp"].defaults)}
CRITERIA = {"shaken": Criterion(implementation="shaken", summary="chance", source="own",
                                threshold=0.0)}
PENALTIES = {"jitter": Penalty(implementation="jitter", summary="chance", source="own",
                               default_weight=0.1)}
'''
STEPS = 6


@pytest.fixture(params=DRAWS)
def config(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TrialConfig]:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "chance.py").write_text(OWN.replace("DRAW", DRAWS[request.param]))
    load_plugins(["chance.py"])
    settings = {
        "dataset": "mnist_5k", "network": "noisy", "image_size": 28, "latent_dim": 4,
        "criterion": "shaken", "penalty": "jitter", "batch_size": 8, "iterations": STEPS,
        "g_lr": 1e-3, "d_lr": 1e-3,
    }  # fmt: skip
    yield TrialConfig(**with_defaults(settings), seed=1)
    forget_plugins()


def trained(config: TrialConfig, *, cut_at: int | None = None, folder: Path | None = None) -> bytes:
    """Weights, losses and images of a training in a process that has drawn something before."""
    images = np.random.default_rng(0).integers(0, 256, (32, 28, 28, 1), dtype=np.uint8)
    trainer = Trainer(config, images, device="cpu", precision="fp32")
    if cut_at is not None:
        assert folder is not None
        trainer.train(cut_at)
        save_state(trainer.state(), folder / "state.pt")
        random.random(), np.random.random(), torch.rand(3)  # noqa: NPY002
        trainer = Trainer(config, images, device="cpu", precision="fp32")
        trainer.restore(load_state(folder / "state.pt"))
    trainer.train(STEPS)
    weights = [value.numpy().tobytes() for value in trainer.generator.state_dict().values()]
    losses = [values.tobytes() for values in trainer.losses.values()]
    return b"".join([*weights, *losses, trainer.sample(8, "fixed").tobytes()])


def test_a_training_repeats_and_one_that_was_cut_off_ends_the_same(
    config: TrialConfig, tmp_path: Path
) -> None:
    first = trained(config)
    random.seed()
    np.random.seed()  # noqa: NPY002
    torch.seed()
    assert trained(config) == first
    assert trained(config, cut_at=3, folder=tmp_path) == first
    assert trained(config.model_copy(update={"seed": 2})) != first
    assert broken("penalties", "jitter") == []


def test_a_generator_of_its_own_is_noticed_by_the_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = OWN.replace("DRAW", "float(np.random.default_rng().uniform(0.5, 1.5))")
    (tmp_path / "chance.py").write_text(text)
    load_plugins(["chance.py"])
    try:
        (fault,) = broken("penalties", "jitter")
    finally:
        forget_plugins()
    assert "a generator that it makes itself" in fault


def test_a_metric_is_measured_alone_so_that_others_do_not_move_its_draws(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(measure_module, "PLUGIN_MEASURES", {"lottery": "0" * 8})
    assert _alone_if_own(["fid", "lottery", "kid"]) == [("fid", "kid"), ("lottery",)]
    assert _alone_if_own(["lottery"]) == [("lottery",)]
    assert "lottery" not in METRICS


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_everything_is_seeded_by_coordinates_alone(draw: str) -> None:
    def drawn(*coordinates: int | str) -> object:
        seed_all(torch.device("cpu"), *coordinates)
        return eval(draw, {"np": np, "random": random, "torch": torch})

    assert drawn(1, "fid") == drawn(1, "fid") != drawn(1, "kid")

"""The trainers of `examples/`: what they compute, and the contract of `list --check`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ganablate.catalog import TRAINERS
from ganablate.config import TrialConfig
from ganablate.gan.training import training_of
from ganablate.project.part_checks import broken
from ganablate.study.arms.resolve import with_defaults
from ganablate.study.plugins import forget_plugins, load_plugins
from tests.support.paths import ROOT
from tests.support.trial_config import BASE

EXAMPLES = ROOT / "examples"
OFF = {"translation": False, "cutout": False, "brightness": False}


@pytest.fixture(autouse=True)
def plugins() -> Iterator[None]:
    load_plugins([str(EXAMPLES / "vae.py"), str(EXAMPLES / "diffaugment.py")])
    yield
    forget_plugins()


@pytest.mark.parametrize("name", ["gan", "vae", "diffaugment"])
def test_every_trainer_keeps_the_contract(name: str) -> None:
    assert set(TRAINERS) == {"gan", "vae", "diffaugment"}
    assert broken("trainers", name) == []


DRAW = 'self.streams.latents(len(real), "noise", iteration)'
SAMPLE = """\
        def sample(self, n, purpose):
            self.encoder[0].bias.data.mul_(1.01)
            return super().sample(n, purpose)

        def iterate("""


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (DRAW, "torch.randn(len(real), latent_dim)", "interrupted ends with other weights or loss"),
        ('"optimizer": self.update,', "", "interrupted ends with other weights or losses"),
        ("        def iterate(", SAMPLE, "sampling leaves a trace"),
        ('"vae/kl"),\n        image', '"vae/other"),\n        image', "its loss vae/other is"),
        ('"generator": self', '"decoder": self', "KeyError: 'generator'"),
    ],
)  # fmt: skip
def test_the_contract_notices_a_trainer_that_breaks_it(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    text = (EXAMPLES / "vae.py").read_text().replace('    "vae": Trainer', '    "mine": Trainer')
    assert text.count(old) == 1
    (tmp_path / "mine.py").write_text(text.replace(old, new))
    load_plugins([str(tmp_path / "mine.py")])
    assert any(expected in fault for fault in broken("trainers", "mine"))


def judged(images: torch.Tensor, **switches: bool) -> torch.Tensor:
    """What D sees of these images."""
    config = TrialConfig(**{**BASE, "trainer": "diffaugment", **OFF, **switches})
    real = np.zeros((16, 28, 28, 1), np.uint8)
    trainer: Any = training_of(config, real, device="cpu", precision="fp32")
    seen = []
    trainer.discriminator = lambda given: seen.append(given) or given.mean((1, 2, 3))
    torch.manual_seed(0)
    trainer.judge(images)
    return seen[0]


def test_augmentations_do_what_the_paper_says_and_pass_gradients() -> None:
    images = torch.rand(64, 1, 28, 28) + 1  # no zeros
    images.requires_grad_()
    cut = judged(images, cutout=True) == 0
    assert int(cut.sum((1, 2, 3)).max()) == 13 * 13  # those less than 7 from the middle
    moved = judged(images, translation=True)
    shifts = set()
    for before, after in zip(images[:, 0], moved[:, 0], strict=True):
        rows, columns = (after != 0).nonzero(as_tuple=True)
        top, left = int(rows.min()), int(columns.min())
        height, width = int(rows.max()) + 1 - top, int(columns.max()) + 1 - left
        kept = before[28 - height :] if top == 0 else before[:height]
        kept = kept[:, 28 - width :] if left == 0 else kept[:, :width]
        torch.testing.assert_close(after[top : top + height, left : left + width], kept)
        shifts |= {28 - height, 28 - width}
    assert shifts == {0, 1, 2, 3, 4}  # 28 / 8, rounded
    plain, shifted = images.detach(), judged(images.detach(), brightness=True)
    means, spreads = shifted.mean((1, 2, 3)) - plain.mean((1, 2, 3)), shifted.std((1, 2, 3))
    assert -0.5 <= float(means.min()) < -0.3 < 0.3 < float(means.max()) <= 0.5
    factors = spreads / plain.std((1, 2, 3))
    assert 0.5 <= float(factors.min()) < 0.7 < 1.3 < float(factors.max()) <= 1.5
    (judged(images, translation=True, cutout=True, brightness=True)).sum().backward()
    assert bool(images.grad.any())


def test_without_its_parts_it_is_the_gan_bit_for_bit() -> None:
    real = np.random.default_rng(0).integers(0, 256, (32, 28, 28, 1), np.uint8)
    weights = []
    for settings in ({}, {"trainer": "diffaugment", **OFF}, {"trainer": "diffaugment"}):
        config = TrialConfig(**{**BASE, "iterations": 3, **settings})
        trainer = training_of(config, real, device="cpu", precision="fp32")
        trainer.train(3)
        weights.append(trainer.networks["generator"].state_dict())
    first, off, on = weights
    assert all(torch.equal(first[name], off[name]) for name in first)
    assert not all(torch.equal(first[name], on[name]) for name in first)


def test_the_vae_losses_are_those_of_the_formula() -> None:
    """Of two images: Bernoulli nats of the decoder's means, and the divergence of two normals."""
    given = {"trainer": "vae", "dataset": "mnist_5k", "image_size": 28, "batch_size": 2,
             "iterations": 1, "g_width": 4}  # fmt: skip
    config = TrialConfig(**with_defaults(given), seed=3)
    real = np.random.default_rng(0).integers(0, 256, (2, 28, 28, 1), np.uint8)
    trainer: Any = training_of(config, real, device="cpu", precision="fp32")
    images = trainer.streams.real(0)
    mean, log_variance = (part.detach() for part in trainer.encoder(images).chunk(2, dim=1))
    deviation = (log_variance / 2).exp()
    latents = mean + deviation * trainer.streams.latents(2, "noise", 0)
    means = trainer.generator(latents).detach()
    nats = -torch.distributions.Bernoulli(means, validate_args=False).log_prob(images)
    ours, prior = torch.distributions.Normal(mean, deviation), torch.distributions.Normal(0, 1)
    kl = torch.distributions.kl_divergence(ours, prior)
    trainer.train(1)
    losses = trainer.losses
    assert losses["vae/reconstruction"][0] == pytest.approx(float(nats.sum()) / 2, rel=1e-4)
    assert losses["vae/kl"][0] == pytest.approx(float(kl.sum()) / 2, rel=1e-4)

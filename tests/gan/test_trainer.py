"""The training loop: repeatable, resumable, and honest about divergence."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from ganablate.config import TrialConfig
from ganablate.gan.checkpoint import CheckpointError, load_state, load_weights, save_state
from ganablate.gan.checkpoint import save_weights as store_weights
from ganablate.gan.trainer import Trainer

BASE = {
    "dataset": "mnist_5k",
    "image_size": 28,
    "pixel_range": "signed",
    "network": "mlp",
    "latent_dim": 6,
    "latent": "normal",
    "g_width": 16,
    "d_width": 16,
    "g_activation": "leaky_relu",
    "d_activation": "leaky_relu",
    "g_output": "tanh",
    "g_norm": "none",
    "d_norm": "none",
    "d_dropout": 0.3,
    "init": "torch",
    "criterion": "bce",
    "g_optimizer": "adam",
    "d_optimizer": "adam",
    "g_lr": 2e-4,
    "d_lr": 2e-4,
    "g_beta1": 0.5,
    "d_beta1": 0.5,
    "g_beta2": 0.999,
    "d_beta2": 0.999,
    "batch_size": 8,
    "iterations": 12,
    "seed": 7,
}
DCGAN = {
    "network": "dcgan",
    "g_width": 4,
    "d_width": 4,
    "g_activation": "relu",
    "g_norm": "batch",
    "d_norm": "batch",
    "init": "normal_0.02",
}
CONV28 = {
    "network": "conv28",
    "g_width": 4,
    "d_width": 4,
    "g_output": "sigmoid",
    "pixel_range": "unit",
    "init": "glorot_uniform",
}


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def make(images: np.ndarray, *, precision: str = "fp32", **changes: object) -> Trainer:
    return Trainer(TrialConfig(**{**BASE, **changes}), images, device="cpu", precision=precision)


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (50, 28, 28, 1), dtype=np.uint8)


def weights(trainer: Trainer) -> bytes:
    state = {**trainer.generator.state_dict(), **trainer.discriminator.state_dict()}
    return b"".join(tensor.contiguous().numpy().tobytes() for tensor in state.values())


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        DCGAN,
        CONV28,
        {"penalty": "r1", "penalty_weight": 10.0},
        {"g_optimizer": "sgd", "g_momentum": 0.5, "g_beta1": None, "g_beta2": None},
        {"d_optimizer": "rmsprop", "d_momentum": 0.0, "d_beta1": None, "d_beta2": None},
        {"train_images": 20, "latent": "uniform"},
    ],
    ids=["mlp", "dcgan", "conv28", "penalty", "sgd", "rmsprop", "subset"],
)
def test_a_restored_trainer_ends_like_one_that_never_stopped(
    images: np.ndarray, tmp_path: Path, changes: dict, precision: str
) -> None:
    whole = make(images, precision=precision, **changes)
    whole.train(whole.total_iterations)

    first = make(images, precision=precision, **changes)
    first.train(5)
    save_state(first.state(), tmp_path / "state.pt")
    torch.rand(3)  # whatever else happened to torch's own generator must not matter
    second = make(images, precision=precision, **changes)
    second.restore(load_state(tmp_path / "state.pt", "cpu"))
    second.train(second.total_iterations)

    assert weights(second) == weights(whole)
    assert second.losses.keys() == whole.losses.keys()
    for key, values in whole.losses.items():
        np.testing.assert_array_equal(second.losses[key], values)
    np.testing.assert_array_equal(second.sample(4, "fixed"), whole.sample(4, "fixed"))


def test_every_step_is_recorded_once(images: np.ndarray) -> None:
    trainer = make(images, iterations=230)
    trainer.train(3)
    trainer.train(230)
    assert {key: len(values) for key, values in trainer.losses.items()} == {
        "d/criterion": 230,
        "g/criterion": 230,
        "d/accuracy_real": 230,
        "d/accuracy_fake": 230,
    }
    assert trainer.done
    assert trainer.images_seen == 230 * 8


def test_the_seed_decides(images: np.ndarray) -> None:
    one, same, other = make(images), make(images), make(images, seed=8)
    for trainer in (one, same, other):
        trainer.train(4)
    assert weights(one) == weights(same)
    assert weights(one) != weights(other)


def test_epochs_leave_out_the_incomplete_batch(images: np.ndarray) -> None:
    trainer = make(images, epochs=3, iterations=None)
    assert trainer.total_iterations == 3 * (50 // 8)
    subset = make(images, epochs=3, iterations=None, train_images=20)
    assert subset.total_iterations == 3 * (20 // 8)


def test_an_epoch_shows_each_image_once(images: np.ndarray) -> None:
    numbered = np.broadcast_to(
        np.arange(50, dtype=np.uint8)[:, None, None, None], images.shape
    ).copy()
    trainer = make(numbered, batch_size=10, pixel_range="unit")
    seen = [trainer._real_batch(step)[:, 0, 0, 0] * 255 for step in range(10)]
    for epoch in (seen[:5], seen[5:]):
        assert sorted(torch.cat(epoch).round().int().tolist()) == list(range(50))
    assert not torch.equal(torch.cat(seen[:5]), torch.cat(seen[5:]))


def test_the_d_step_leaves_g_alone_and_back(images: np.ndarray) -> None:
    trainer = make(images)
    real = trainer._real_batch(0)
    fake = trainer.generator(trainer._draw_latents(8, trainer._random("latents", 0)))

    def copy(net: nn.Module) -> list[torch.Tensor]:
        return [parameter.detach().clone() for parameter in net.parameters()]

    g_before, d_before = copy(trainer.generator), copy(trainer.discriminator)
    _, real_logits = trainer._d_step(0, real, fake.detach())
    d_between = copy(trainer.discriminator)
    assert all(map(torch.equal, copy(trainer.generator), g_before))
    assert not all(map(torch.equal, d_between, d_before))
    trainer._g_step(0, fake, real_logits)
    assert all(map(torch.equal, copy(trainer.discriminator), d_between))
    assert not all(map(torch.equal, copy(trainer.generator), g_before))


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_steps_match_a_plain_loop(images: np.ndarray, precision: str) -> None:
    """The shared pass, `inputs=` and autocast must compute what the textbook loop computes."""
    trainer = make(images, d_dropout=0.0, precision=precision)
    plain = make(images, d_dropout=0.0, precision=precision)
    generator, discriminator = plain.generator, plain.discriminator
    d_optimizer = torch.optim.Adam(discriminator.parameters(), lr=2e-4, betas=(0.5, 0.999))
    g_optimizer = torch.optim.Adam(generator.parameters(), lr=2e-4, betas=(0.5, 0.999))
    bce = nn.BCEWithLogitsLoss()
    for step in range(4):
        real = plain._real_batch(step)
        latents = plain._draw_latents(8, plain._random("latents", step))
        with plain._precision():
            fake = generator(latents)
            ones, zeros = torch.ones(8), torch.zeros(8)
            d_loss = bce(discriminator(real).float(), ones)
            d_loss = d_loss + bce(discriminator(fake.detach()).float(), zeros)
        discriminator.zero_grad()
        d_loss.backward()
        d_optimizer.step()
        with plain._precision():
            g_loss = bce(discriminator(fake).float(), ones)
        generator.zero_grad()
        g_loss.backward()
        g_optimizer.step()
    trainer.train(4)
    assert trainer.losses["d/criterion"][-1] == pytest.approx(d_loss.item(), rel=1e-4)
    assert trainer.losses["g/criterion"][-1] == pytest.approx(g_loss.item(), rel=1e-4)
    for ours, theirs in zip(trainer.generator.parameters(), generator.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=2e-5)


def test_a_broken_weight_ends_the_trial_as_diverged(images: np.ndarray) -> None:
    trainer = make(images, iterations=250)
    trainer.train(130)
    with torch.no_grad():
        next(trainer.generator.parameters()).fill_(float("nan"))
    trainer.train(250)
    assert trainer.diverged_at == 131
    assert trainer.iteration == 131
    assert trainer.done
    assert len(trainer.losses["d/criterion"]) == 131
    assert not np.isfinite(trainer.losses["g/criterion"][-1])
    assert np.isfinite(trainer.losses["g/criterion"][:-1]).all()


def test_a_huge_learning_rate_diverges_without_an_exception(images: np.ndarray) -> None:
    trainer = make(
        images, g_optimizer="sgd", d_optimizer="sgd", g_lr=1e30, d_lr=1e30,
        g_beta1=None, d_beta1=None, g_beta2=None, d_beta2=None, g_momentum=0.0, d_momentum=0.0,
        iterations=300, criterion="least_squares",
    )  # fmt: skip
    trainer.train(300)
    assert trainer.diverged_at is not None
    assert trainer.diverged_at < 10


def test_accuracies_count_with_the_criterions_threshold(images: np.ndarray) -> None:
    trainer = make(images, criterion="least_squares", d_dropout=0.0)
    last = list(trainer.discriminator.modules())[-1]
    for module in trainer.discriminator.modules():
        if isinstance(module, nn.Linear):
            last = module
    with torch.no_grad():
        last.weight.zero_()
        last.bias.fill_(0.4)  # above 0, below the 0.5 between the targets 0 and 1
    trainer.train(1)
    assert trainer.losses["d/accuracy_real"][0] == 0.0
    assert trainer.losses["d/accuracy_fake"][0] == 1.0


def test_samples_use_running_statistics_and_leave_training_as_it_was(images: np.ndarray) -> None:
    trainer = make(images, **DCGAN)
    trainer.train(3)
    before = weights(trainer)
    one, two = trainer.sample(2, "fixed"), trainer.sample(6, "fixed")
    assert one.shape == (2, 28, 28, 1)
    assert one.dtype == np.uint8
    # Not a function of the others in the batch, but for rounding.
    np.testing.assert_allclose(one.astype(int), two[:2].astype(int), atol=1)
    assert weights(trainer) == before
    assert trainer.generator.training


def test_a_truncated_state_says_so(tmp_path: Path, images: np.ndarray) -> None:
    path = tmp_path / "state.pt"
    save_state(make(images).state(), path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match=r"state\.pt cannot be read"):
        load_state(path, "cpu")


def test_weights_survive_the_round_trip(tmp_path: Path, images: np.ndarray) -> None:
    trained, fresh = make(images, **DCGAN), make(images, **DCGAN, seed=9)
    trained.train(2)
    store_weights(trained.generator, trained.discriminator, tmp_path / "weights.safetensors")
    load_weights(fresh.generator, fresh.discriminator, tmp_path / "weights.safetensors")
    assert weights(fresh) == weights(trained)

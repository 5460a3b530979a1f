"""The training loop: repeatable, resumable, and honest about divergence."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from ganablate.config import TrialConfig
from ganablate.gan.checkpoint import CheckpointError, load_state, load_weights, save_state
from ganablate.gan.checkpoint import save_weights as store_weights
from ganablate.gan.trainer import Trainer, takes_both_at_once
from tests.support.trial_config import BASE

DCGAN = {
    "network": "dcgan",
    "g_width": 4,
    "d_width": 4,
    "g_activation": "relu",
    "g_norm": "batch",
    "d_norm": "batch",
    "init": "normal_0.02",
    "resampling": "strided",
    "ends": "convolution",
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
        {
            **CONV28,
            "criterion": "relativistic",
            "penalty": "r1",
            "penalty_weight": 1.0,
            "second_penalty": "r2",
            "second_penalty_weight": 2.0,
        },
        {"g_optimizer": "sgd", "g_momentum": 0.5, "g_beta1": None, "g_beta2": None},
        {
            "d_optimizer": "rmsprop",
            "d_momentum": 0.0,
            "d_alpha": 0.9,
            "d_beta1": None,
            "d_beta2": None,
        },
        {"train_images": 20, "latent": "uniform"},
        {"penalty": "dragan", "penalty_weight": 10.0, "d_dropout": 0.0, "d_steps": 2},
        {"g_ema": 0.9, "g_steps": 2, "real_labels": "0.7..1", "fake_labels": "0..0.3"},
        {"criterion": "wasserstein", "d_weight_clip": 0.05, "lr_schedule": "linear"},
        {**DCGAN, "d_norm": "spectral", "g_norm": "spectral", "g_ema": 0.5, "d_grad_clip": 1.0},
    ],
    ids=[
        "mlp",
        "dcgan",
        "conv28",
        "penalty",
        "r3gan",
        "sgd",
        "rmsprop",
        "subset",
        "noise",
        "ema",
        "clip",
        "spectral",
    ],
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
    second.restore(load_state(tmp_path / "state.pt"))
    second.train(second.total_iterations)

    assert weights(second) == weights(whole)
    assert second.losses.keys() == whole.losses.keys()
    for key, values in whole.losses.items():
        np.testing.assert_array_equal(second.losses[key], values)
    np.testing.assert_array_equal(second.sample(4, "fixed"), whole.sample(4, "fixed"))


def test_a_paired_loss_of_g_looks_at_what_the_updated_d_makes_of_the_real_images(
    images: np.ndarray,
) -> None:
    trainer = make(images, criterion="relativistic", d_dropout=0.0, g_lr=1e-9)
    seen: list[np.ndarray] = []
    trainer.discriminator.register_forward_hook(
        lambda _module, _inputs, logits: seen.append(logits.detach().numpy().copy())
    )
    trainer.train(1)
    both, real, fake = seen
    assert len(both) == 2 * len(real)  # of D's own step, in one pass
    assert not np.allclose(both[: len(real)], real)
    expected = np.log1p(np.exp(real - fake)).mean()
    np.testing.assert_allclose(trainer.losses["g/criterion"][0], expected, rtol=1e-5)
    with torch.no_grad():
        again = trainer.discriminator(trainer.streams.real(0)).numpy()
    np.testing.assert_allclose(again, real, rtol=1e-4)


def test_penalties_add_up_each_with_its_weight(images: np.ndarray) -> None:
    def penalty(**changes: object) -> float:
        trainer = make(images, d_dropout=0.0, **changes)
        trainer.train(1)
        return float(trainer.losses["d/penalty"][0])

    first = {"penalty": "r1", "penalty_weight": 1.0}
    second = {"second_penalty": "r2", "second_penalty_weight": 3.0}
    both = penalty(**first, **second)
    assert both == pytest.approx(penalty(**first) + penalty(**second), rel=1e-5)
    assert penalty(**first, second_penalty="r2", second_penalty_weight=6.0) > both


class Noisy(torch.nn.Module):
    """A net of somebody's own that draws from torch's own generator, in evaluation too."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images + 0.1 * torch.rand_like(images)


def test_what_a_generator_draws_itself_is_a_function_of_seed_and_step(images: np.ndarray) -> None:
    found = []
    for other in (1, 2):
        torch.manual_seed(other)  # as whatever ran in this process before may leave it
        trainer = make(images, iterations=4, g_steps=2)
        trainer.generator = torch.nn.Sequential(trainer.generator, Noisy())
        trainer.train(4)
        found.append((weights(trainer), trainer.losses["g/criterion"], trainer.sample(4, "fixed")))
    assert found[0][0] == found[1][0]
    np.testing.assert_array_equal(found[0][1], found[1][1])
    np.testing.assert_array_equal(found[0][2], found[1][2])


def test_fp32_is_not_tf32(images: np.ndarray) -> None:
    torch.backends.cudnn.allow_tf32 = True  # torch's default
    make(images)
    assert not torch.backends.cudnn.allow_tf32


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


def test_losses_are_kept_in_one_array_that_no_step_allocates(images: np.ndarray) -> None:
    """Small arrays between the large ones of the steps fragment the memory of a slow trial."""
    trainer = make(images)
    trainer.train(1)
    first = trainer.losses["g/criterion"]
    kept = first.copy()
    for until in range(2, 6):
        trainer.train(until)
    after = trainer.losses["g/criterion"]
    assert np.shares_memory(first, after)
    np.testing.assert_array_equal(after[:1], kept)
    other = make(images)
    other.restore(trainer.state())
    np.testing.assert_array_equal(other.losses["g/criterion"], after)
    assert not np.shares_memory(other.losses["g/criterion"], after)


def test_ratios_of_steps_count_updates_and_images(images: np.ndarray) -> None:
    """The oldest count of an Adam is how often its net was updated."""
    trainer = make(images, d_steps=3, g_steps=2, iterations=5)
    trainer.train(5)
    counts = {
        net: int(next(iter(trainer.state()[f"{net}_optimizer"]["state"].values()))["step"])
        for net in ("g", "d")
    }
    assert counts == {"g": 10, "d": 15}
    assert trainer.images_seen == 5 * 3 * 8
    assert len(trainer.losses["d/criterion"]) == 5
    assert make(images, d_steps=4, epochs=3, iterations=None).total_iterations == 3 * 6 // 4


@pytest.mark.parametrize("network", [{}, DCGAN])
def test_every_d_step_sees_other_images_and_fakes(images: np.ndarray, network: dict) -> None:
    trainer = make(images, d_steps=2, iterations=2, **network)
    size, seen = trainer.config.batch_size, []
    trainer.discriminator.register_forward_pre_hook(
        lambda _, inputs: seen.extend(inputs[0].detach().clone().split(size))
    )
    passes: list[int] = []
    trainer.discriminator.register_forward_hook(lambda *_: passes.append(1))
    trainer.train(2)
    # In each iteration: real, fake, real, fake, and the fakes of the G step, shared with D's last.
    assert len(seen) == 10
    assert len(passes) == (10 if network else 6)  # an MLP without batch norm takes both at once
    assert torch.equal(seen[3], seen[4])
    different = [seen[k] for k in (0, 1, 2, 3, 5, 6, 7, 8)]
    for k, batch in enumerate(different):
        assert not any(torch.equal(batch, other) for other in different[k + 1 :])


class MeanOfBatch(nn.Module):
    """A module of somebody's own: an image's value depends on the others."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return values - values.mean(0)


def test_batches_stay_apart_where_images_may_mix(images: np.ndarray) -> None:
    linear = nn.Sequential(nn.Flatten(), nn.Linear(784, 1), nn.Flatten(0))
    assert takes_both_at_once(linear)
    assert takes_both_at_once(make(images, d_norm="spectral").discriminator)
    assert not takes_both_at_once(make(images, d_norm="batch").discriminator)
    assert not takes_both_at_once(nn.Sequential(nn.Conv2d(1, 1, 3)))
    assert not takes_both_at_once(nn.Sequential(*linear, MeanOfBatch()))


def test_both_at_once_have_the_loss_and_the_gradient_of_each_alone(images: np.ndarray) -> None:
    """Without dropout, only the order of additions differs."""
    trainers = [make(images, d_dropout=0.0, iterations=3) for _ in range(2)]
    trainers[1]._at_once = False
    for trainer in trainers:
        trainer.train(3)
    (joint, apart) = (trainer.losses for trainer in trainers)
    for key in joint:
        np.testing.assert_allclose(joint[key], apart[key], rtol=1e-4, atol=1e-5)


def test_weights_stay_in_the_clip(images: np.ndarray) -> None:
    trainer = make(images, criterion="wasserstein", d_weight_clip=0.01, g_lr=0.1, d_lr=0.1)
    trainer.train(3)
    largest = max(float(p.detach().abs().max()) for p in trainer.discriminator.parameters())
    assert largest == pytest.approx(0.01, rel=1e-6)
    assert max(float(p.detach().abs().max()) for p in trainer.generator.parameters()) > 0.05


def test_the_averaged_generator_is_an_exponential_mean(images: np.ndarray) -> None:
    trainer = make(images, g_ema=0.75, g_lr=0.01)
    wanted = None
    for until in (1, 2, 3):
        trainer.train(until)
        now = [p.detach().clone() for p in trainer.generator.parameters()]
        # The first update sets it.
        wanted = now if wanted is None else [
            0.75 * mean + 0.25 * one for mean, one in zip(wanted, now, strict=True)
        ]  # fmt: skip
    averaged = trainer.networks["generator_ema"]
    for ours, theirs in zip(averaged.parameters(), wanted, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-7)
    latents = trainer.streams.latents(4, "sample", "fixed")
    trainer.generator.load_state_dict(averaged.state_dict())
    from_mean = make(images, seed=1)
    from_mean.generator.load_state_dict(averaged.state_dict())
    np.testing.assert_array_equal(trainer.sample(4, "fixed"), from_mean.images_of(latents))


def test_the_averaged_generator_keeps_its_spectral_norm(images: np.ndarray) -> None:
    trainer = make(images, **{**DCGAN, "g_norm": "spectral"}, g_ema=0.9, g_lr=1e-3, iterations=60)
    trainer.train(60)
    averaged = trainer.networks["generator_ema"].eval()
    for layer in averaged.modules():
        if isinstance(layer, nn.ConvTranspose2d):
            matrix = layer.weight.detach().transpose(0, 1).flatten(1)
            assert 0.5 < float(torch.linalg.matrix_norm(matrix, 2)) < 1.5


def test_soft_labels_are_drawn_evenly_and_for_each_step(images: np.ndarray) -> None:
    trainer = make(images, real_labels="0.7..1", fake_labels="0..0.3", batch_size=50)
    drawn = [trainer.streams.labels(step) for step in range(40)]
    real = torch.cat([labels["real_labels"] for labels in drawn])
    fake = torch.cat([labels["fake_labels"] for labels in drawn])
    assert (real.min() >= 0.7, real.max() <= 1.0) == (True, True)
    assert (fake.min() >= 0.0, fake.max() <= 0.3) == (True, True)
    assert real.mean().item() == pytest.approx(0.85, abs=0.006)
    assert fake.mean().item() == pytest.approx(0.15, abs=0.006)
    assert fake.std().item() == pytest.approx(0.3 / 12**0.5, rel=0.05)
    assert make(images).streams.labels(0) == {}


def test_the_schedule_and_the_gradient_clip_reach_the_optimizer(images: np.ndarray) -> None:
    """Plain descent on a gradient clipped to norm c moves the weights by lr c."""
    plain = {
        "d_optimizer": "sgd", "d_momentum": 0.0, "d_beta1": None, "d_beta2": None, "d_lr": 0.5,
        "d_grad_clip": 1e-3, "lr_schedule": "linear", "iterations": 4,
    }  # fmt: skip
    trainer = make(images, **plain)
    moved = []
    for until in range(1, 5):
        before = [p.detach().clone() for p in trainer.discriminator.parameters()]
        trainer.train(until)
        pairs = zip(trainer.discriminator.parameters(), before, strict=True)
        moved.append(sum(float((p.detach() - b).square().sum()) for p, b in pairs) ** 0.5)
    assert moved == pytest.approx([5e-4 * share for share in (1, 0.75, 0.5, 0.25)], rel=1e-3)


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
    seen = [trainer.streams.real(step)[:, 0, 0, 0] * 255 for step in range(10)]
    for epoch in (seen[:5], seen[5:]):
        assert sorted(torch.cat(epoch).round().int().tolist()) == list(range(50))
    assert not torch.equal(torch.cat(seen[:5]), torch.cat(seen[5:]))


def test_the_d_step_leaves_g_alone_and_back(images: np.ndarray) -> None:
    trainer = make(images)
    fake = trainer.generator(trainer.streams.latents(8, "latents", 0))

    def copy(net: nn.Module) -> list[torch.Tensor]:
        return [parameter.detach().clone() for parameter in net.parameters()]

    g_before, d_before = copy(trainer.generator), copy(trainer.discriminator)
    real = trainer.streams.real(0)
    _, real_logits = trainer._d_step(0, real, fake.detach())
    d_between = copy(trainer.discriminator)
    assert all(map(torch.equal, copy(trainer.generator), g_before))
    assert not all(map(torch.equal, d_between, d_before))
    trainer._g_step(0, fake, real, real_logits)
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
        real = plain.streams.real(step)
        latents = plain.streams.latents(8, "latents", step)
        with plain.autocast():
            fake = generator(latents)
            ones, zeros = torch.ones(8), torch.zeros(8)
            d_loss = bce(discriminator(real).float(), ones)
            d_loss = d_loss + bce(discriminator(fake.detach()).float(), zeros)
        discriminator.zero_grad()
        d_loss.backward()
        d_optimizer.step()
        with plain.autocast():
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
        load_state(path)


def test_weights_survive_the_round_trip(tmp_path: Path, images: np.ndarray) -> None:
    trained, fresh = make(images, **DCGAN), make(images, **DCGAN, seed=9)
    trained.train(2)
    store_weights(trained.networks, tmp_path / "weights.safetensors")
    load_weights(fresh.networks, tmp_path / "weights.safetensors")
    assert weights(fresh) == weights(trained)

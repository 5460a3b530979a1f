"""Gradient penalties against closed forms."""

import pytest
import torch
from torch import nn

from ganablate.gan.penalties import dragan, dragan_one_sided, r1, r2, wgan_gp


class Linear(nn.Module):
    def __init__(self, weight):
        super().__init__()
        self.weight = nn.Parameter(weight)

    def forward(self, images):
        return (images * self.weight).flatten(1).sum(1) + 3


class Square(nn.Module):
    """logit = a |x|^2: gradient 2 a x."""

    def __init__(self, a):
        super().__init__()
        self.a = nn.Parameter(torch.tensor(a))

    def forward(self, images):
        return self.a * images.square().flatten(1).sum(1)


def test_linear_discriminator_gives_half_the_squared_weight():
    weight = torch.tensor([[[1.0, -2.0], [3.0, 0.5]]])  # |w|^2 = 14.25
    discriminator = Linear(weight)
    penalty = r1(discriminator, torch.randn(5, 1, 2, 2), torch.empty(0))
    assert penalty.shape == ()
    assert penalty.item() == pytest.approx(7.125, rel=1e-6)
    penalty.backward()
    torch.testing.assert_close(discriminator.weight.grad, weight)  # d/dw of |w|^2 / 2


def test_mean_over_the_batch_and_the_gradient_in_the_parameters():
    discriminator = Square(0.5)
    images = torch.tensor([[1.0, 2.0], [0.0, 3.0]]).view(2, 1, 1, 2)
    penalty = r1(discriminator, images, torch.empty(0))
    assert penalty.item() == pytest.approx(0.5 * (5 + 9) / 2, rel=1e-6)  # |2 a x|^2 = |x|^2
    penalty.backward()
    assert discriminator.a.grad.item() == pytest.approx(4 * 0.5 * 7, rel=1e-6)  # 2 a^2 E|x|^2


def test_r2_is_r1_at_the_generated_images():
    real, fake = torch.randn(2, 4, 1, 2, 2)
    assert r2(Square(0.7), real, fake).item() == r1(Square(0.7), fake, real).item()


def test_leaves_the_images_alone_and_ignores_the_fakes():
    images = torch.randn(3, 1, 2, 2)
    discriminator = Square(1.0)
    one = r1(discriminator, images, torch.zeros(3, 1, 2, 2))
    other = r1(discriminator, images, torch.ones(7, 1, 9, 9))
    assert one.item() == other.item()
    assert not images.requires_grad
    assert images.grad is None


def test_float32_under_autocast():
    discriminator = nn.Sequential(nn.Flatten(), nn.Linear(4, 1, bias=False), nn.Flatten(0))
    with torch.no_grad():
        discriminator[1].weight.copy_(torch.tensor([[1.0, -2.0, 3.0, 0.5]]))
    with torch.autocast("cpu", torch.bfloat16):
        penalty = r1(discriminator, torch.randn(3, 1, 2, 2), torch.empty(0))
    assert penalty.dtype == torch.float32
    assert penalty.item() == pytest.approx(7.125, rel=1e-2)


UNIT_NORM = (wgan_gp, dragan, dragan_one_sided)


@pytest.mark.parametrize("penalty", UNIT_NORM)
def test_unit_norm_penalties_of_a_linear_discriminator(penalty):
    """The gradient is w wherever it is taken, so the penalty is (|w| - 1)^2."""
    weight = torch.tensor([[[1.0, -2.0], [3.0, 0.5]]])
    norm = 14.25**0.5
    discriminator = Linear(weight)
    real, fake = torch.randn(2, 5, 1, 2, 2)
    value = penalty(discriminator, real, fake)
    assert value.item() == pytest.approx((norm - 1) ** 2, rel=1e-6)
    value.backward()
    torch.testing.assert_close(discriminator.weight.grad, 2 * (norm - 1) / norm * weight)


@pytest.mark.parametrize("penalty", UNIT_NORM)
def test_a_flat_discriminator_is_penalised_and_has_a_gradient_that_is_finite(penalty):
    discriminator = Linear(torch.zeros(1, 2, 2))
    value = penalty(discriminator, *torch.randn(2, 3, 1, 2, 2))
    assert value.item() == pytest.approx(1.0, abs=1e-5)
    value.backward()
    assert discriminator.weight.grad.isfinite().all()


class Recorder(nn.Module):
    """Keeps the points at which the gradient is taken."""

    def forward(self, images):
        self.points = images.detach()
        return images.flatten(1).sum(1)


def points_of(penalty, real, fake):
    recorder = Recorder()
    penalty(recorder, real, fake)
    return recorder.points


def test_wgan_gp_looks_on_the_line_between_each_pair():
    real, fake = torch.zeros(4000, 1, 2, 2), torch.randn(4000, 1, 2, 2)
    share = 1 - points_of(wgan_gp, real, fake) / fake
    one_each = share.flatten(1)
    torch.testing.assert_close(one_each, one_each[:, :1].expand(-1, 4), rtol=1e-3, atol=1e-4)
    assert one_each.min() >= -1e-4
    assert one_each.max() <= 1 + 1e-4
    assert one_each.mean().item() == pytest.approx(0.5, abs=0.02)
    assert one_each.var().item() == pytest.approx(1 / 12, rel=0.05)


def test_dragan_looks_around_the_real_images():
    real = 3 * torch.randn(2000, 1, 4, 4) + 1
    noise = points_of(dragan, real, torch.empty(0)) - real
    assert noise.mean().item() == pytest.approx(0, abs=0.05)
    assert noise.std().item() == pytest.approx(0.5 * real.std().item(), rel=0.02)
    # A Gaussian's fourth moment is three times its variance squared.
    assert (noise**4).mean().item() == pytest.approx(3 * noise.var().item() ** 2, rel=0.1)


def test_dragan_one_sided_only_brightens():
    real = 3 * torch.randn(2000, 1, 4, 4) + 1
    noise = points_of(dragan_one_sided, real, torch.empty(0)) - real
    half = 0.5 * real.std().item()
    assert noise.min().item() >= -1e-5
    assert noise.max().item() == pytest.approx(half, rel=0.02)
    # A product of two uniforms: a quarter of the largest.
    assert noise.mean().item() == pytest.approx(half / 4, rel=0.03)


def test_the_noise_is_that_of_torchs_global_generator():
    real = torch.randn(3, 1, 2, 2)
    for penalty in UNIT_NORM:
        seen = []
        for seed in (1, 1, 2):
            torch.manual_seed(seed)
            seen.append(points_of(penalty, real, torch.ones_like(real)))
        assert torch.equal(seen[0], seen[1])
        assert not torch.equal(seen[0], seen[2])

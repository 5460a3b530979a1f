"""R1 against closed forms."""

import pytest
import torch
from torch import nn

from ganablate.gan.penalties import r1


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

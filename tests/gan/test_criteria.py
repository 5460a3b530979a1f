"""Criteria against values computed with `math` alone, and the direction of their gradients."""

import math

import pytest
import torch

from ganablate.catalog import CRITERIA
from ganablate.gan import criteria

REAL = (2.0, -1.0, 0.5)
FAKE = (-3.0, 1.0, 2.5)
PAIRS = tuple(zip(REAL, FAKE, strict=True))


def sigma(x):
    return 1 / (1 + math.exp(-x))


def mean(values):
    values = list(values)
    return sum(values) / len(values)


def cross_entropy_of_d():
    return mean(-math.log(sigma(x)) for x in REAL) + mean(-math.log(1 - sigma(x)) for x in FAKE)


EXPECTED = {
    "bce": (cross_entropy_of_d(), mean(-math.log(sigma(x)) for x in FAKE)),
    "minimax": (cross_entropy_of_d(), mean(math.log(1 - sigma(x)) for x in FAKE)),
    "mse": (
        mean((sigma(x) - 1) ** 2 for x in REAL) + mean(sigma(x) ** 2 for x in FAKE),
        mean((sigma(x) - 1) ** 2 for x in FAKE),
    ),
    "least_squares": (
        mean((x - 1) ** 2 for x in REAL) / 2 + mean(x**2 for x in FAKE) / 2,
        mean((x - 1) ** 2 for x in FAKE) / 2,
    ),
    "wasserstein": (mean(FAKE) - mean(REAL), -mean(FAKE)),
    # max(0, 1 - x) of 2, -1, 0.5 is 0, 2, 0.5; max(0, 1 + x) of -3, 1, 2.5 is 0, 2, 3.5.
    "hinge": (2.5 / 3 + 5.5 / 3, -0.5 / 3),
    "relativistic": (
        mean(-math.log(sigma(x - y)) for x, y in PAIRS),
        mean(-math.log(sigma(y - x)) for x, y in PAIRS),
    ),
}
LABELLED = [name for name, line in CRITERIA.items() if line.labels]


def losses(name, real=REAL, fake=FAKE, dtype=torch.float32):
    real_logits = torch.tensor(real, dtype=dtype, requires_grad=True)
    fake_logits = torch.tensor(fake, dtype=dtype, requires_grad=True)
    return *CRITERIA[name].load()(real_logits, fake_logits), real_logits, fake_logits


def test_every_criterion_has_a_value_here():
    assert set(EXPECTED) == set(CRITERIA)


@pytest.mark.parametrize("name", CRITERIA)
def test_values(name):
    d_loss, g_loss, *_ = losses(name)
    assert (d_loss.item(), g_loss.item()) == pytest.approx(EXPECTED[name], rel=1e-6)


def test_literal_values_at_logit_zero():
    assert [x.item() for x in losses("bce", (0.0,), (0.0,))[:2]] == pytest.approx(
        [1.3862943611198906, 0.6931471805599453], rel=1e-7
    )
    assert [x.item() for x in losses("minimax", (0.0,), (0.0,))[:2]] == pytest.approx(
        [1.3862943611198906, -0.6931471805599453], rel=1e-7
    )
    assert [x.item() for x in losses("mse", (0.0,), (0.0,))[:2]] == [0.5, 0.25]
    assert [x.item() for x in losses("least_squares", (0.0,), (0.0,))[:2]] == [0.5, 0.5]


@pytest.mark.parametrize("name", LABELLED)
def test_labels_of_one_and_zero_change_nothing(name):
    real, fake = torch.tensor(REAL), torch.tensor(FAKE)
    plain = CRITERIA[name].load()(real, fake)
    labelled = CRITERIA[name].load()(real, fake, torch.ones(3), torch.zeros(3))
    assert labelled[0].item() == pytest.approx(plain[0].item(), rel=1e-6)


def test_values_with_labels():
    real_labels, fake_labels = (0.9, 0.7, 1.0), (0.3, 0.1, 0.0)
    terms = {
        "bce": lambda x, y: -y * math.log(sigma(x)) - (1 - y) * math.log(1 - sigma(x)),
        "mse": lambda x, y: (sigma(x) - y) ** 2,
        "least_squares": lambda x, y: (x - y) ** 2 / 2,
    }
    assert set(terms) == set(LABELLED)
    for name, term in terms.items():
        d_loss, g_loss = CRITERIA[name].load()(
            torch.tensor(REAL), torch.tensor(FAKE),
            real_labels=torch.tensor(real_labels), fake_labels=torch.tensor(fake_labels),
        )  # fmt: skip
        wanted = mean(map(term, REAL, real_labels)) + mean(map(term, FAKE, fake_labels))
        assert d_loss.item() == pytest.approx(wanted, rel=1e-6), name
        assert g_loss.item() == pytest.approx(EXPECTED[name][1], rel=1e-6), name


def test_hinge_lets_go_of_what_is_beyond_the_margin():
    d_loss, _, real, fake = losses("hinge", real=(1.5, 0.5), fake=(-1.5, -0.5))
    d_real, d_fake = torch.autograd.grad(d_loss, (real, fake))
    assert d_real.tolist() == [0.0, -0.5]
    assert d_fake.tolist() == [0.0, 0.5]


@pytest.mark.parametrize("name", CRITERIA)
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_losses_are_float32_scalars_of_any_input(name, dtype):
    d_loss, g_loss, real, _ = losses(name, dtype=dtype)
    assert (d_loss.dtype, g_loss.dtype) == (torch.float32, torch.float32)
    assert (d_loss.shape, g_loss.shape) == ((), ())
    # The test's logits are exact in every type, so that only the arithmetic could differ.
    assert (d_loss.item(), g_loss.item()) == pytest.approx(EXPECTED[name], rel=1e-6)
    d_loss.backward()
    assert real.grad.dtype == dtype


@pytest.mark.parametrize("name", CRITERIA)
def test_gradients_point_the_right_way(name):
    d_loss, g_loss, real, fake = losses(name, real=(0.2, -0.4), fake=(-0.3, 0.1))
    d_real, d_fake = torch.autograd.grad(d_loss, (real, fake), retain_graph=True)
    (g_fake,) = torch.autograd.grad(g_loss, fake)
    assert (d_real < 0).all()
    # Where outputs are compared with labels, fakes are pulled towards 0; else down without end.
    pulled = CRITERIA[name].threshold == 0.5
    expected = fake.detach().sign() if pulled else torch.ones(2)
    assert torch.equal(d_fake.sign(), expected)
    assert (g_fake < 0).all()


@pytest.mark.parametrize("name", CRITERIA)
def test_only_a_paired_generator_loss_looks_at_real_images(name):
    _, g_loss, real, _ = losses(name)
    (gradient,) = torch.autograd.grad(g_loss, real, allow_unused=True)
    assert (gradient is not None) == CRITERIA[name].pairs


@pytest.mark.parametrize("name", CRITERIA)
def test_ten_steps_of_descent_move_the_losses_down(name):
    logits = torch.tensor([0.1, -0.2], requires_grad=True)
    other = torch.zeros(2)
    criterion = CRITERIA[name].load()
    before = criterion(other, logits)[1].item()
    for _ in range(10):
        (gradient,) = torch.autograd.grad(criterion(other, logits)[1], logits)
        logits = (logits - 0.5 * gradient).detach().requires_grad_()
    assert criterion(other, logits)[1].item() < before - 0.05


@pytest.mark.parametrize("name", ["bce", "minimax"])
def test_far_logits_stay_finite_and_exact(name):
    d_loss, g_loss, _, fake = losses(name, real=(60.0, 70.0), fake=(-70.0, -60.0))
    expected = 0.5 * (math.exp(-60) + math.exp(-70)) * 2
    assert d_loss.item() == pytest.approx(expected, rel=1e-5, abs=0)
    assert g_loss.item() == pytest.approx(65.0 if name == "bce" else -expected / 2, rel=1e-5)
    (gradient,) = torch.autograd.grad(g_loss, fake)
    # Non-saturating keeps its gradient where D has won; the minimax game loses it.
    wanted = -0.5 if name == "bce" else -0.5 * math.exp(-60)
    assert gradient[1].item() == pytest.approx(wanted, rel=1e-5, abs=0)
    d_loss, g_loss, *_ = losses(name, real=(-1e4,), fake=(1e4,))
    assert d_loss.item() == pytest.approx(2e4)
    assert g_loss.item() == pytest.approx(0.0 if name == "bce" else -1e4)


def test_minimax_is_zero_sum_on_generated_images():
    logits = torch.tensor([-2.0, 0.3])
    never_wrong_on_real = torch.tensor([1e4])
    d_loss, g_loss = criteria.minimax(never_wrong_on_real, logits)
    assert d_loss.item() == pytest.approx(-g_loss.item(), rel=1e-7)

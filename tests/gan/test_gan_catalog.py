"""Every line of the catalog that `ganablate.gan` implements keeps its contract."""

import itertools

import pytest
import torch
from torch import nn

from ganablate import catalog
from ganablate.gan.initialisers import initialise
from tests.support.trial_config import config_for


@pytest.mark.parametrize("name", catalog.CRITERIA)
def test_criterion(name):
    real, fake = torch.randn(5, requires_grad=True), torch.randn(5, requires_grad=True)
    d_loss, g_loss = catalog.CRITERIA[name].load()(real, fake)
    for loss in (d_loss, g_loss):
        assert loss.shape == ()
        assert loss.isfinite()
    gradients = torch.autograd.grad(d_loss, (real, fake), retain_graph=True)
    assert all((gradient != 0).any() for gradient in gradients)
    assert (torch.autograd.grad(g_loss, fake)[0] != 0).all()


@pytest.mark.parametrize("name", catalog.CRITERIA)
def test_labels_are_taken_where_the_line_says_so(name):
    line, real, fake = catalog.CRITERIA[name], torch.tensor([0.3, -0.2]), torch.tensor([1.0, 2.0])
    labels = {"real_labels": torch.full((2,), 0.9), "fake_labels": torch.full((2,), 0.1)}
    if not line.labels:
        with pytest.raises(TypeError, match="real_labels"):
            line.load()(real, fake, **labels)
        return
    softened = line.load()(real, fake, **labels)[0]
    assert softened.item() != pytest.approx(line.load()(real, fake)[0].item(), rel=1e-3)


@pytest.mark.parametrize("name", catalog.SCHEDULES)
def test_schedule(name):
    factor = catalog.SCHEDULES[name].load()
    values = [factor(step / 100) for step in range(101)]
    assert values[0] == 1.0
    assert values[-1] == pytest.approx(0.0, abs=1e-12)
    assert all(before >= after for before, after in itertools.pairwise(values))
    expected = {"linear": 0.25, "linear_late": 0.5, "cosine": 0.1464466094067262}
    assert values[75] == pytest.approx(expected[name], rel=1e-12)


@pytest.mark.parametrize("name", catalog.PENALTIES)
def test_penalty(name):
    discriminator = nn.Sequential(
        nn.Flatten(), nn.Linear(9, 4), nn.Tanh(), nn.Linear(4, 1), nn.Flatten(0)
    )
    real, fake = torch.randn(2, 4, 1, 3, 3)
    penalty = catalog.PENALTIES[name].load()(discriminator, real, fake)
    assert penalty.shape == ()
    assert penalty.dtype == torch.float32
    assert penalty.item() >= 0
    penalty.backward()
    assert (discriminator[1].weight.grad != 0).any()
    assert catalog.PENALTIES[name].default_weight > 0


@pytest.mark.parametrize("name", catalog.OPTIMIZERS)
def test_optimizer_takes_its_settings_and_descends(name):
    line = catalog.OPTIMIZERS[name]
    parameter = nn.Parameter(torch.full((3,), 2.0))
    optimizer = line.load()([parameter], lr=0.1, **line.settings)
    assert isinstance(optimizer, torch.optim.Optimizer)
    for _ in range(40):
        optimizer.zero_grad()
        parameter.square().sum().backward()
        optimizer.step()
    # Adadelta's own step starts at a thousandth.
    assert (parameter.abs() < (2.0 if name == "adadelta" else 1.2)).all()


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd", "adagrad"])
def test_fused_where_torch_has_it(name):
    line = catalog.OPTIMIZERS[name]
    optimizer = line.load()([nn.Parameter(torch.zeros(1))], lr=0.1, **line.settings)
    assert optimizer.param_groups[0]["fused"] is True


def test_first_steps_of_the_optimizers():
    """One step on the gradient 2, then one on -1, from 0 at lr 0.1, worked out by hand."""
    decay = {"weight_decay": 0.0}
    adam_first = -0.1 * 2 / (2 + 1e-8)
    m, v = 0.5 * 1.0 + 0.5 * -1, 0.999 * 0.004 + 0.001
    adam_second = adam_first - 0.1 * (m / 0.75) / ((v / (1 - 0.999**2)) ** 0.5 + 1e-8)
    shrunk = adam_first * (1 - 0.1 * 0.5)  # the first step shrinks a weight of 0
    adamw_second = shrunk + (adam_second - adam_first)
    r_first = -0.1 * 2 / (0.4**0.5 + 1e-8)
    r_second = r_first + 0.1 * 1 / ((0.9 * 0.4 + 0.1) ** 0.5 + 1e-8)
    # Adadelta: the step is the ratio of two running roots, eps 1e-6 in both, times lr.
    x1 = 2 * (1e-6 / (0.4 + 1e-6)) ** 0.5
    x2 = -1 * ((0.1 * x1**2 + 1e-6) / (0.9 * 0.4 + 0.1 + 1e-6)) ** 0.5
    expected = {
        "adam": ({"beta1": 0.5, "beta2": 0.999, **decay}, adam_second),
        "adamw": ({"beta1": 0.5, "beta2": 0.999, "weight_decay": 0.5}, adamw_second),
        "sgd": ({"momentum": 0.5, **decay}, -0.1 * 2 - 0.1 * (0.5 * 2 - 1)),
        "rmsprop": ({"alpha": 0.9, "momentum": 0.0, **decay}, r_second),
        "adadelta": ({"rho": 0.9, **decay}, -0.1 * (x1 + x2)),
        "adagrad": (decay, -0.1 * 2 / 2 + 0.1 * 1 / 5**0.5),
    }
    assert set(expected) == set(catalog.OPTIMIZERS)
    for name, (settings, wanted) in expected.items():
        parameter = nn.Parameter(torch.zeros(1))
        optimizer = catalog.OPTIMIZERS[name].load()([parameter], lr=0.1, **settings)
        for gradient in (2.0, -1.0):
            parameter.grad = torch.tensor([gradient])
            optimizer.step()
        assert parameter.item() == pytest.approx(wanted, rel=1e-5), name


@pytest.mark.parametrize("name", ["adam", "sgd", "rmsprop", "adadelta", "adagrad"])
def test_weight_decay_adds_the_weights_to_the_gradient(name):
    line, moved = catalog.OPTIMIZERS[name], []
    for decay, gradient in ((0.25, 1.0), (0.0, 1.5)):  # at the weight 2
        parameter = nn.Parameter(torch.full((1,), 2.0))
        settings = {**line.settings, "weight_decay": decay}
        optimizer = line.load()([parameter], lr=0.1, **settings)
        parameter.grad = torch.tensor([gradient])
        optimizer.step()
        moved.append(parameter.item())
    assert moved[0] == pytest.approx(moved[1], rel=1e-6)
    assert moved[0] < 2.0


@pytest.mark.parametrize("name", catalog.ACTIVATIONS)
def test_activation(name):
    make = catalog.ACTIVATIONS[name].load()
    module = make()
    assert isinstance(module, nn.Module)
    assert make() is not module
    inputs = torch.tensor([-2.0, 0.0, 1.5])
    expected = {
        "relu": [0.0, 0.0, 1.5],
        "leaky_relu": [-0.4, 0.0, 1.5],
        "sigmoid": [0.11920292202211755, 0.5, 0.8175744761936437],
        "tanh": [-0.9640275800758169, 0.0, 0.9051482536448664],
        "identity": [-2.0, 0.0, 1.5],
    }
    assert module(inputs).tolist() == pytest.approx(expected[name], rel=1e-6)
    assert inputs.tolist() == [-2.0, 0.0, 1.5]


@pytest.mark.parametrize(
    ("name", "network"), list(itertools.product(catalog.INITIALISERS, catalog.NETWORKS))
)
def test_initialiser_fills_every_network(name, network):
    config = config_for(network, g_width=4, d_width=4, g_norm="batch", d_norm="batch")
    for module in catalog.NETWORKS[network].load()(config, 1):
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.fill_(torch.nan)
        initialise(module, name, seed=1, net="g")
        assert all(parameter.isfinite().all() for parameter in module.parameters())


@pytest.mark.parametrize("name", catalog.NETWORKS)
def test_a_squashed_output_covers_the_pixel_range_it_is_compared_with(name):
    defaults = catalog.NETWORKS[name].defaults
    assert defaults["pixel_range"] == {"sigmoid": "unit", "tanh": "signed"}[defaults["g_output"]]

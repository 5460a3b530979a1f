"""Initial weights against theory: moments, bounds, and what they depend on."""

import math

import pytest
import torch
from torch import nn

from ganablate.catalog import INITIALISERS, Part
from ganablate.gan.initialisers import initialise

N_SIGMA = 5
INITS = ["torch", "glorot_uniform", "normal_0.02"]


def network():
    return nn.Sequential(
        nn.Linear(60, 200), nn.Conv2d(40, 30, 3), nn.ConvTranspose2d(40, 20, 4),
        nn.BatchNorm2d(5000), nn.BatchNorm1d(4),
    )  # fmt: skip


def drawn(init, seed=3, net="g"):
    module = network()
    initialise(module, init, seed, net)
    return dict(module.named_parameters())


def check_uniform(values, bound):
    n = values.numel()
    deviation = bound / math.sqrt(3)
    assert values.abs().max().item() <= bound
    assert values.abs().max().item() > bound * (1 - 20 / n)
    assert abs(values.mean().item()) < N_SIGMA * deviation / math.sqrt(n)
    # The variance of x^2 for a uniform x is 4/45 bound^4.
    second = values.square().mean().item()
    assert abs(second - bound**2 / 3) < N_SIGMA * bound**2 * math.sqrt(4 / 45 / n)


def check_normal(values, mean, deviation):
    n = values.numel()
    assert abs(values.mean().item() - mean) < N_SIGMA * deviation / math.sqrt(n)
    assert abs(values.std().item() / deviation - 1) < N_SIGMA / math.sqrt(2 * n)
    assert (values - mean).abs().max().item() > 2.5 * deviation  # no uniform in disguise


# layer -> (fan_in, fan_out): channels times kernel area, by torch's count.
FANS = {"0": (60, 200), "1": (40 * 9, 30 * 9), "2": (20 * 16, 40 * 16)}


@pytest.mark.parametrize("layer", FANS)
def test_torch_default(layer):
    values = drawn("torch")
    bound = 1 / math.sqrt(FANS[layer][0])
    check_uniform(values[f"{layer}.weight"], bound)
    bias = values[f"{layer}.bias"]
    assert bound / 2 < bias.abs().max().item() <= bound
    own = network()[int(layer)]  # the bound that torch itself draws with
    assert own.weight.abs().max().item() == pytest.approx(bound, rel=0.01)
    assert own.weight.abs().max().item() <= bound


@pytest.mark.parametrize("layer", FANS)
def test_normal(layer):
    values = drawn("normal_0.02")
    check_normal(values[f"{layer}.weight"], 0, 0.02)
    assert (values[f"{layer}.bias"] == 0).all()


@pytest.mark.parametrize("layer", FANS)
def test_glorot_uniform(layer):
    values = drawn("glorot_uniform")
    check_uniform(values[f"{layer}.weight"], math.sqrt(6 / sum(FANS[layer])))
    assert (values[f"{layer}.bias"] == 0).all()


def test_batch_norm():
    check_normal(drawn("normal_0.02")["3.weight"], 1, 0.02)
    for init in ("torch", "glorot_uniform"):
        assert (drawn(init)["3.weight"] == 1).all()
        assert (drawn(init)["4.weight"] == 1).all()
    for init in ("torch", "glorot_uniform", "normal_0.02"):
        assert (drawn(init)["3.bias"] == 0).all()


@pytest.mark.parametrize("init", INITS)
@pytest.mark.parametrize(
    "norm",
    [
        nn.LayerNorm(5000), nn.GroupNorm(2, 5000), nn.InstanceNorm2d(5000, affine=True),
        nn.RMSNorm(5000), nn.BatchNorm3d(5000),
    ],
)  # fmt: skip
def test_norms_of_every_kind(init, norm):
    initialise(nn.Sequential(norm), init, 1, "d")
    if init == "normal_0.02":
        check_normal(norm.weight, 1, 0.02)
    else:
        assert (norm.weight == 1).all()
    assert getattr(norm, "bias", None) is None or (norm.bias == 0).all()


class Scaled(nn.Linear):
    """A layer with a parameter of its own."""

    def __init__(self):
        super().__init__(3, 3)
        self.scale = nn.Parameter(torch.ones(3))


def threes(_module, _name, parameter, _generator):
    parameter.fill_(3)


@pytest.mark.parametrize("init", INITS)
def test_what_no_rule_is_known_for_is_refused(init):
    for module, name, kind in (
        (nn.PReLU(), "weight", "PReLU"), (nn.Embedding(3, 4), "weight", "Embedding"),
        (Scaled(), "scale", "Scaled"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match="no rule") as caught:
            initialise(nn.Sequential(nn.Linear(2, 2), module), init, 1, "d")
        assert str(caught.value) == (
            f"init {init} has no rule for 1.{name}, of a {kind}; use an initialiser of your own"
        )


def test_an_initialiser_of_ones_own_fills_any_parameter(monkeypatch):
    own = Part(implementation=f"{__name__}:threes", summary="3", source="own", plugin="my.py")
    monkeypatch.setitem(INITIALISERS, "threes", own)
    module = nn.Sequential(nn.PReLU(), Scaled())
    initialise(module, "threes", 1, "d")
    assert all((parameter == 3).all() for parameter in module.parameters())


@pytest.mark.parametrize("init", INITS)
def test_weights_depend_on_seed_net_and_name_alone(init):
    first = drawn(init)
    torch.manual_seed(99)
    torch.rand(7)
    again = drawn(init)
    assert all(torch.equal(first[name], again[name]) for name in first)
    for other in (drawn(init, seed=4), drawn(init, net="d")):
        for name in ("0.weight", "1.weight", "2.weight"):
            correlation = torch.corrcoef(torch.stack([first[name], other[name]]).flatten(1))[0, 1]
            assert abs(correlation.item()) < N_SIGMA / math.sqrt(first[name].numel())


def test_two_layers_of_one_shape_differ():
    module = nn.Sequential(nn.Linear(50, 50), nn.Linear(50, 50))
    initialise(module, "torch", 1, "g")
    one, two = module[0].weight, module[1].weight
    assert abs(torch.corrcoef(torch.stack([one, two]).flatten(1))[0, 1].item()) < 0.1


def test_memory_layout_does_not_change_the_numbers():
    contiguous, channels_last = network(), network().to(memory_format=torch.channels_last)
    for module in (contiguous, channels_last):
        initialise(module, "normal_0.02", 5, "d")
    assert torch.equal(contiguous[1].weight, channels_last[1].weight)
    assert channels_last[1].weight.is_contiguous(memory_format=torch.channels_last)


def test_does_not_touch_the_global_stream():
    module = network()
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    initialise(module, "torch", 1, "g")
    assert torch.equal(torch.rand(3), expected)

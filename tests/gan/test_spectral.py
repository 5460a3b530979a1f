"""Spectral norm: singular values against numpy, and what it depends on."""

import collections
import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from ganablate.catalog import NETWORKS
from ganablate.gan.initialisers import initialise
from ganablate.gan.networks.products import Projection
from ganablate.gan.networks.spectral import apply_spectral_norm
from tests.support.trial_config import config_for

SMALL = {"g_width": 4, "d_width": 4, "latent_dim": 5, "g_norm": "spectral", "d_norm": "spectral"}
LAYERS = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)


def nets(network="dcgan", seed=3, spectral=True, **changes):
    pair = NETWORKS[network].load()(config_for(network, **{**SMALL, **changes}), 1)
    for net, module in zip(("generator", "discriminator"), pair, strict=True):
        initialise(module, "torch", 3, net)
        if spectral:
            apply_spectral_norm(module, seed)
        module.to(memory_format=torch.channels_last)
    return pair


def layers_of(module):
    return {name: part for name, part in module.named_modules() if isinstance(part, LAYERS)}


def matrix(layer, weight):
    if isinstance(layer, nn.ConvTranspose2d):
        weight = weight.transpose(0, 1)
    return weight.detach().flatten(1).numpy()


@pytest.mark.parametrize("network", NETWORKS)
def test_largest_singular_value_of_every_layer_is_one(network):
    generator, discriminator = nets(network)
    with torch.no_grad():
        for _ in range(30):
            discriminator(generator(torch.randn(2, 5)))
    for module in (generator.eval(), discriminator.eval()):
        assert len(layers_of(module)) >= 3
        for layer in layers_of(module).values():
            effective, stored = layer.weight, layer.parametrizations.weight.original
            top = np.linalg.svd(matrix(layer, effective), compute_uv=False)[0]
            assert top == pytest.approx(1, abs=0.01)
            own = np.linalg.svd(matrix(layer, stored), compute_uv=False)[0]
            assert abs(own - 1) > 0.05  # there was something to normalise
            torch.testing.assert_close(effective * own, stored, rtol=0.01, atol=0)


@pytest.mark.parametrize("network", NETWORKS)
def test_initial_weights_are_those_of_the_arm_without(network):
    for plain, normed in zip(nets(network, spectral=False), nets(network), strict=True):
        before = dict(plain.named_parameters())
        after = {
            name.replace(".parametrizations.weight.original", ".weight"): value
            for name, value in normed.named_parameters()
        }
        assert set(before) == set(after)
        assert all(torch.equal(before[name], after[name]) for name in before)


def test_starts_depend_on_seed_and_name_alone():
    def starts(seed, stream):
        layers = {"a": nn.Linear(9, 9), "b": nn.Linear(9, 9)}
        module = nn.Sequential(collections.OrderedDict(layers))
        initialise(module, "torch", 3, "d")
        torch.manual_seed(stream)
        expected = torch.random.get_rng_state()
        apply_spectral_norm(module, seed)
        assert torch.equal(torch.random.get_rng_state(), expected)
        return [layer.parametrizations.weight[0]._u for layer in module]

    first, again, other = starts(1, 5), starts(1, 6), starts(2, 5)
    assert all(torch.equal(one, same) for one, same in zip(first, again, strict=True))
    assert not any(torch.equal(one, new) for one, new in zip(first, other, strict=True))


def test_two_layers_of_one_shape_start_apart():
    module = nn.Sequential(nn.Linear(9, 9), nn.Linear(9, 9))
    module[1].load_state_dict(module[0].state_dict())
    apply_spectral_norm(module, 1)
    one, two = (layer.parametrizations.weight[0]._u for layer in module)
    assert not torch.equal(one, two)


def test_state_goes_on_where_it_stopped():
    latents = torch.randn(3, 5)
    generator, discriminator = nets()
    discriminator(generator(latents))
    other = nets(seed=8)
    for source, target in zip((generator, discriminator), other, strict=True):
        target.load_state_dict(copy.deepcopy(source.state_dict()))
    for _ in range(2):  # the second pass starts from the vectors that the first has moved
        expected = discriminator(generator(latents))
        assert torch.equal(other[1](other[0](latents)), expected)
    twin = copy.deepcopy(generator)
    assert torch.equal(twin(latents), generator(latents))


def test_evaluation_moves_nothing():
    generator, _ = nets()
    generator.eval()
    before = copy.deepcopy(generator.state_dict())
    generator(torch.randn(3, 5))
    assert all(torch.equal(before[name], now) for name, now in generator.state_dict().items())


@pytest.mark.parametrize("network", NETWORKS)
def test_a_gradient_penalty_in_bf16(network):
    _, discriminator = nets(network, d_width=8)  # a 1x1 matrix normalises to its sign
    size = config_for(network).image_size
    images = torch.randn(3, 1, size, size, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16):
        logits = discriminator(images)
        (slope,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
        loss = (slope.float().flatten(1).norm(dim=1) - 1).square().mean()
    loss.backward()
    for layer in layers_of(discriminator).values():
        gradient = layer.parametrizations.weight.original.grad
        assert gradient.isfinite().all()
        assert gradient.abs().max().item() > 0


def test_projection_multiplies_by_the_effective_weight():
    module = nn.Sequential(Projection(6, 5, 4, bias=True)).eval()
    apply_spectral_norm(module, 1)
    latents = torch.randn(3, 6)
    layer = module[0]
    expected = functional.conv_transpose2d(latents.view(3, 6, 1, 1), layer.weight, layer.bias)
    torch.testing.assert_close(module(latents), expected, rtol=1e-5, atol=1e-6)
    assert not torch.equal(layer.weight, layer.parametrizations.weight.original)

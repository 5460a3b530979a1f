"""Networks: parameter counts as published, shapes, and names that stay."""

import itertools

import pytest
import torch
from torch import nn

from ganablate.catalog import ACTIVATIONS, NETWORKS
from ganablate.gan.initialisers import initialise
from ganablate.gan.networks.layers import Projection
from tests.gan.trials import config_for

SMALL = {"g_width": 4, "d_width": 4, "latent_dim": 5}


def build(network, channels=1, **changes):
    return NETWORKS[network].load()(config_for(network, **changes), channels)


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def sizes_of(network):
    return NETWORKS[network].image_sizes or (28, 33)


@pytest.mark.parametrize(
    ("network", "channels", "changes", "expected"),
    [
        ("conv28", 1, {}, (1_164_289, 40_705)),
        ("mlp", 1, {}, (1_486_352, 1_460_225)),
        ("dcgan", 3, {"image_size": 64, "latent_dim": 1000}, (10_949_504, 2_765_568)),
    ],
)
def test_published_parameter_counts(network, channels, changes, expected):
    with torch.device("meta"):
        generator, discriminator = build(network, channels, **changes)
    assert (count(generator), count(discriminator)) == expected


def test_layer_rows_of_r4():
    with torch.device("meta"):
        generator, discriminator = build("mlp")

    def rows(module):
        return [count(layer) for layer in module if isinstance(layer, nn.Linear)]

    assert rows(generator) == [25_856, 131_584, 525_312, 803_600]
    assert rows(discriminator) == [803_840, 524_800, 131_328, 257]


@pytest.mark.parametrize("network", NETWORKS)
def test_every_combination_on_meta(network):
    names = list(ACTIVATIONS)
    combinations = itertools.product(sizes_of(network), ("none", "batch"))
    for index, (size, norm) in enumerate(combinations):
        for shift in range(len(names)):
            dropout, channels = (0.0, 0.5)[(index + shift) % 2], (1, 3)[shift % 2]
            g_name, d_name, output = (names[(index + shift + k) % len(names)] for k in (0, 2, 3))
            with torch.device("meta"):
                generator, discriminator = build(
                    network, channels, image_size=size, g_norm=norm, d_norm=norm,
                    d_dropout=dropout, g_activation=g_name, d_activation=d_name,
                    g_output=output, **SMALL,
                )  # fmt: skip
                images = generator(torch.empty(3, 5))
                logits = discriminator(images)
            assert images.shape == (3, channels, size, size)
            assert logits.shape == (3,)
            assert isinstance(generator.output, type(ACTIVATIONS[output].load()()))


@pytest.mark.parametrize(
    ("network", "size"), [(name, size) for name in NETWORKS for size in sizes_of(name)]
)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_forward_and_backward_of_an_odd_batch(network, size, layout):
    generator, discriminator = build(network, 3, image_size=size, d_dropout=0.3, **SMALL)
    generator.to(memory_format=layout)
    discriminator.to(memory_format=layout)
    images = generator(torch.randn(3, 5))
    low, high = (0, 1) if NETWORKS[network].defaults["g_output"] == "sigmoid" else (-1, 1)
    assert low <= images.min().item() <= images.max().item() <= high
    logits = discriminator(images)
    assert logits.shape == (3,)
    logits.sum().backward()
    for module in (generator, discriminator):
        assert all(parameter.grad.isfinite().all() for parameter in module.parameters())


@pytest.mark.parametrize("network", NETWORKS)
def test_one_latent_makes_one_image_in_evaluation(network):
    generator, discriminator = build(network, 1, **SMALL)
    generator.eval()
    discriminator.eval()
    latents = torch.randn(4, 5)
    together = generator(latents)
    torch.testing.assert_close(generator(latents[:1]), together[:1], rtol=1e-4, atol=1e-5)
    assert discriminator(together[:1]).shape == (1,)


@pytest.mark.parametrize("network", NETWORKS)
def test_dropping_a_part_leaves_the_other_weights(network):
    def weights(**changes):
        generator, discriminator = build(network, 1, **SMALL, **changes)
        initialise(generator, "normal_0.02", 7, "g")
        initialise(discriminator, "normal_0.02", 7, "d")
        return {
            **{f"g.{name}": value for name, value in generator.named_parameters()},
            **{f"d.{name}": value for name, value in discriminator.named_parameters()},
        }

    full = weights(g_norm="batch", d_norm="batch", d_dropout=0.4)
    bare = weights(g_norm="none", d_norm="none", d_dropout=0.0)
    shared = set(full) & set(bare)
    assert {name for name in full if name.endswith(".weight") and "norm" not in name} <= shared
    assert all(torch.equal(full[name], bare[name]) for name in shared)
    assert {name for name in full if "norm" in name} == set(full) - set(bare)
    without_dropout = weights(g_norm="batch", d_norm="batch", d_dropout=0.0)
    assert set(without_dropout) == set(full)
    assert all(torch.equal(full[name], without_dropout[name]) for name in full)


def modules_of(network, kind, **changes):
    with torch.device("meta"):
        nets = build(network, 3, **changes)
    return [[name for name, part in net.named_children() if isinstance(part, kind)] for net in nets]


def test_where_batch_norm_and_dropout_stand():
    norm = (nn.BatchNorm1d, nn.BatchNorm2d)
    on = {"g_norm": "batch", "d_norm": "batch"}
    assert modules_of("conv28", norm) == [[], []]
    assert modules_of("conv28", norm, **on) == [["norm1", "norm2", "norm3"], ["norm2"]]
    assert modules_of("mlp", norm, **on) == [["norm1", "norm2", "norm3"], ["norm2", "norm3"]]
    four = [f"norm{number}" for number in range(1, 5)]
    assert modules_of("dcgan", norm, image_size=64) == [four, four[1:]]
    assert modules_of("dcgan", norm, image_size=28) == [four[:2], four[1:2]]
    for network in NETWORKS:
        assert modules_of(network, nn.Dropout, d_dropout=0.0) == [[], []]
        generator, discriminator = modules_of(network, nn.Dropout, d_dropout=0.4)
        assert generator == []
        assert len(discriminator) == {"conv28": 2, "mlp": 3, "dcgan": 2}[network]


def test_dcgan_without_batch_norm_has_a_bias_in_its_place():
    with torch.device("meta"):
        normed = build("dcgan", 3, image_size=64)
        bare = build("dcgan", 3, image_size=64, g_norm="none", d_norm="none")
    for with_norm, without in zip(normed, bare, strict=True):
        assert not any(name.endswith("bias") and "layer" in name
                       for name, _ in with_norm.named_parameters())  # fmt: skip
        biases = {name: p.shape for name, p in without.named_parameters() if name.endswith("bias")}
        shifts = {
            name.replace("norm", "layer"): p.shape
            for name, p in with_norm.named_parameters()
            if name.endswith("bias")
        }
        assert biases == shifts


@pytest.mark.parametrize(("network", "size"), [("conv28", 32), ("dcgan", 48)])
def test_a_size_it_cannot_make_is_refused(network, size):
    with pytest.raises(ValueError, match=f"not {size}"):
        build(network, 1, image_size=size)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_projection_is_a_transposed_convolution(bias, layout):
    projection = Projection(6, 5, 4, bias=bias).to(memory_format=layout)
    convolution = nn.ConvTranspose2d(6, 5, 4, bias=bias)
    convolution.load_state_dict(projection.state_dict())
    latents = torch.randn(3, 6)
    expected = convolution(latents.view(3, 6, 1, 1))
    torch.testing.assert_close(projection(latents), expected, rtol=1e-5, atol=1e-6)
    with torch.autocast("cpu", torch.bfloat16):
        assert projection(latents).dtype == torch.bfloat16

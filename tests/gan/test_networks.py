"""Networks: parameter counts as published, shapes, and names that stay."""

import itertools

import pytest
import torch
from torch import nn
from torch.nn import functional

from ganablate.catalog import ACTIVATIONS, NETWORK_SETTINGS, NETWORKS
from ganablate.gan.initialisers import initialise
from ganablate.gan.networks import products
from ganablate.gan.networks.layers import Dropout
from ganablate.gan.networks.products import GreyConvolution, Projection
from tests.support.trial_config import config_for

SMALL = {"g_width": 4, "d_width": 4, "latent_dim": 5}
LEVELS = {
    "hidden_layers": (1, 2, 3, 6),
    "resampling": ("strided", "pooling"),
    "ends": ("convolution", "linear"),
}
NORMS = ("none", "batch", "spectral")


def build(network, channels=1, **changes):
    return NETWORKS[network].load()(config_for(network, **changes), channels)


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def sizes_of(network):
    return NETWORKS[network].image_sizes or (28, 33)


def settings_of(network):
    """Every combination of the settings that the network has and others have not."""
    own = [name for name in NETWORK_SETTINGS if name in NETWORKS[network].defaults]
    combinations = itertools.product(*(LEVELS[name] for name in own))
    return [dict(zip(own, levels, strict=True)) for levels in combinations]


@pytest.mark.parametrize(
    ("network", "channels", "changes", "expected"),
    [
        ("conv28", 1, {}, (1_164_289, 40_705)),
        ("conv32", 3, {}, (1_012_483, 76_673)),
        ("mlp", 1, {}, (1_486_352, 1_460_225)),
        ("mlp", 1, {"hidden_layers": 1}, (907_024, 804_865)),
        ("dcgan", 3, {"image_size": 64, "latent_dim": 1000}, (10_949_504, 2_765_568)),
        ("dcgan", 3, {"image_size": 64, "resampling": "pooling"}, (2_371_136, 1_560_000)),
        ("dcgan", 3, {"image_size": 64, "ends": "linear"}, (3_592_064, 2_765_568)),
        ("enhanced", 1, {}, (759_680, 138_752)),
    ],
)
def test_parameter_counts(network, channels, changes, expected):
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


def test_widths_of_other_depths():
    for layers, g_units, d_units in [(1, [24], [24]), (4, [3, 6, 12, 24], [24, 12, 6, 3])]:
        with torch.device("meta"):
            nets = build("mlp", hidden_layers=layers, g_width=24, d_width=24)
        rows = [[part.out_features for part in net if isinstance(part, nn.Linear)] for net in nets]
        assert rows == [[*g_units, 784], [*d_units, 1]]


@pytest.mark.parametrize("network", NETWORKS)
def test_every_combination_on_meta(network):
    names = list(ACTIVATIONS)
    combinations = list(itertools.product(sizes_of(network), NORMS, settings_of(network)))
    for index in range(max(len(combinations), 2 * len(names))):
        size, norm, settings = combinations[index % len(combinations)]
        width, channels, dropout = (1, 4)[index % 2], (1, 3)[index // 2 % 2], index % 3 * 0.4
        g_name, d_name, output = (names[(index + shift) % len(names)] for shift in (0, 2, 3))
        with torch.device("meta"):
            generator, discriminator = build(
                network, channels, image_size=size, g_norm=norm, d_norm=norm, d_dropout=dropout,
                g_activation=g_name, d_activation=d_name, g_output=output,
                g_width=width, d_width=width, latent_dim=5, **settings,
            )  # fmt: skip
            images = generator(torch.empty(3, 5))
            logits = discriminator(images)
        assert images.shape == (3, channels, size, size)
        assert logits.shape == (3,)
        assert isinstance(generator.output, type(ACTIVATIONS[output].load()()))


def test_every_setting_of_a_network_is_exercised():
    assert set(LEVELS) == set(NETWORK_SETTINGS)
    for name, levels in LEVELS.items():
        owners = [network for network in NETWORKS if name in NETWORKS[network].defaults]
        assert owners
        assert all(NETWORKS[network].defaults[name] in levels for network in owners)


@pytest.mark.parametrize(
    ("network", "size", "settings"),
    [
        *((name, size, {}) for name in NETWORKS for size in sizes_of(name)),
        *(("dcgan", size, {"resampling": "pooling", "ends": "linear"}) for size in (28, 32)),
        ("mlp", 28, {"hidden_layers": 1}),
    ],
)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_forward_and_backward_of_an_odd_batch(network, size, settings, layout):
    generator, discriminator = build(
        network, 3, image_size=size, d_dropout=0.3, **SMALL, **settings
    )
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
    assert modules_of("conv32", norm, **on) == [four, four[1:3]]
    assert modules_of("enhanced", norm, image_size=64) == [four, four]
    linear = {"image_size": 64, "ends": "linear"}
    assert modules_of("dcgan", nn.BatchNorm1d, **linear) == [four[:1], []]
    assert modules_of("dcgan", nn.BatchNorm2d, **linear) == [four[1:], four[1:]]
    for network in NETWORKS:
        for other in ("none", "spectral"):
            assert modules_of(network, norm, g_norm=other, d_norm=other) == [[], []]
        assert modules_of(network, Dropout, d_dropout=0.0) == [[], []]
        generator, discriminator = modules_of(network, Dropout, d_dropout=0.4)
        assert generator == []
        layers = {"conv28": 2, "conv32": 3, "mlp": 3, "dcgan": 2, "enhanced": 2}
        assert len(discriminator) == layers[network]


@pytest.mark.parametrize("other", ["none", "spectral"])
@pytest.mark.parametrize(
    ("network", "settings"),
    [(name, settings) for name in ("dcgan", "enhanced") for settings in settings_of(name)],
)
def test_a_bias_takes_the_place_of_batch_norm(network, settings, other):
    with torch.device("meta"):
        normed = build(network, 3, image_size=64, **settings)
        bare = build(network, 3, image_size=64, g_norm=other, d_norm=other, **settings)
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


@pytest.mark.parametrize(
    ("network", "size"), [("conv28", 32), ("conv32", 28), ("dcgan", 48), ("enhanced", 32)]
)
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


def test_a_grey_convolution_is_a_convolution():
    """The product form and torch's own, with their gradients of both orders."""
    grey = GreyConvolution(32, 7).double()
    maps = torch.randn(2, 32, 9, 9, dtype=torch.float64, requires_grad=True)
    for layer in (grey, GreyConvolution(32, 7).to(memory_format=torch.channels_last)):
        images = maps.to(layer.weight.dtype)
        expected = functional.conv2d(images, layer.weight, layer.bias, padding=3)
        torch.testing.assert_close(layer(images).to(images.dtype), expected, rtol=1e-4, atol=1e-5)
        slopes = [
            torch.autograd.grad(values.float().square().sum(), (maps, layer.weight))
            for values in (layer(images), expected)
        ]
        for ours, theirs in zip(*slopes, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="torch has no oneDNN")
def test_products_by_onednn_are_torch_s(monkeypatch):
    """Values and gradients of two orders, whichever library this machine would choose."""
    monkeypatch.setattr(products, "_ONEDNN_IS_FASTER", True)
    layer, other = products.Linear(5, 3), nn.Linear(5, 3)
    other.load_state_dict(layer.state_dict())
    values = torch.randn(4, 5, requires_grad=True)
    results = []
    for linear in (layer, other):
        (slope,) = torch.autograd.grad(linear(values).tanh().sum(), values, create_graph=True)
        results.append(
            (linear(values), slope, *torch.autograd.grad(slope.square().sum(), linear.weight))
        )
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)


def small_dcgan(**changes):
    nets = build("dcgan", 3, image_size=32, **SMALL, **changes)
    for net, module in zip(("generator", "discriminator"), nets, strict=True):
        initialise(module, "torch", 3, net)
    return nets


@pytest.mark.parametrize("norm", NORMS)
def test_a_linear_last_layer_is_the_convolution_it_replaces(norm):
    _, convolution = small_dcgan(d_norm=norm)
    _, linear = small_dcgan(d_norm=norm, ends="linear")
    images = torch.randn(6, 3, 32, 32)
    torch.testing.assert_close(linear(images), convolution(images), rtol=1e-5, atol=1e-7)


def test_a_linear_first_layer_differs_in_its_batch_norm_alone():
    projection, _ = small_dcgan(g_norm="none")
    linear, _ = small_dcgan(g_norm="none", ends="linear")
    with torch.no_grad():
        linear.layer1.weight.copy_(projection.layer1.weight.flatten(1).T)
        linear.layer1.bias.copy_(projection.layer1.bias.repeat_interleave(16))
    latents = torch.randn(6, 5)
    torch.testing.assert_close(linear(latents), projection(latents), rtol=1e-5, atol=1e-7)

    normed, _ = small_dcgan(ends="linear")
    units = normed.norm1(normed.layer1(latents))
    mean, weight = units.mean(0), normed.norm1.weight  # of each unit, not of each map
    torch.testing.assert_close(mean, torch.zeros(16 * 16), rtol=0, atol=1e-5)
    expected = normed.layer1(latents).var(0, unbiased=False)
    deviation = weight.square() * expected / (expected + 1e-5)
    torch.testing.assert_close(units.var(0, unbiased=False), deviation, rtol=1e-4, atol=0)


def test_pooling_in_place_of_strides():
    generator, discriminator = small_dcgan(resampling="pooling")
    images = torch.randn(2, 3, 32, 32)
    maps = functional.conv2d(images, discriminator.layer1.weight, padding=1)
    largest = maps.view(2, 4, 16, 2, 16, 2).amax((3, 5))
    torch.testing.assert_close(discriminator[:2](images), largest, rtol=1e-5, atol=1e-7)
    small = torch.randn(2, 16, 4, 4)
    repeated = small.repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert torch.equal(generator.upsample2(small), repeated)
    assert generator.layer2(repeated).shape == (2, 8, 8, 8)


@pytest.mark.parametrize("resampling", LEVELS["resampling"])
def test_features_of_the_published_probe(resampling):
    """R2.2: every hidden convolution max-pooled to 4x4 gives 16 x (256 + 512 + 1024) numbers."""
    outputs = []
    with torch.device("meta"):
        _, discriminator = build("dcgan", 3, image_size=32, d_width=256, resampling=resampling)
        for part in discriminator:
            if isinstance(part, nn.Conv2d):
                part.register_forward_hook(lambda _part, _inputs, maps: outputs.append(maps))
        discriminator(torch.empty(2, 3, 32, 32))
    pooled = [functional.adaptive_max_pool2d(maps, 4).flatten(1) for maps in outputs[:-1]]
    assert [features.shape[1] for features in pooled] == [16 * 256, 16 * 512, 16 * 1024]
    assert torch.cat(pooled, 1).shape == (2, 28_672)

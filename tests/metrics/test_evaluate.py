"""One evaluation: what is computed, how often, what is left out, and the protocol stamps."""

import dataclasses
import re

import numpy as np
import pytest

from ganablate import catalog
from ganablate.catalog import METRICS
from ganablate.metrics import evaluate as module
from ganablate.metrics import extractors
from ganablate.metrics.evaluate import LOSS_PROTOCOL, RealImages, evaluate
from ganablate.metrics.extractors import mnist_classifier
from ganablate.metrics.features import MetricError

ALL = tuple(METRICS)


def losses(steps=50, **changes):
    keys = ("d/criterion", "g/criterion", "d/accuracy_real", "d/accuracy_fake")
    return {key: np.linspace(0, 1, steps, dtype=np.float32) for key in keys} | changes


class Fakes:
    """Counts how often it is asked; gives the same images again and again."""

    def __init__(self, images):
        self.images = images
        self.asked = []

    def __call__(self, n):
        self.asked.append(n)
        return np.resize(self.images, (n, *self.images.shape[1:]))


@pytest.fixture
def extractions(monkeypatch):
    """The number of images of each extraction."""
    seen = []
    original = extractors._classify

    def counting(name, images, *rest):
        seen.append(len(images))
        return original(name, images, *rest)

    monkeypatch.setattr(extractors, "_classify", counting)
    monkeypatch.setattr(module, "N_FAKE", 300)
    return seen


@pytest.fixture
def measure(digits, tmp_path):
    def run(metrics=ALL, *, real=digits[0], fingerprint="abc", **changes):
        given = {
            "extractor": "mnist_classifier",
            "losses": losses(),
            "fake_images": Fakes(digits[0][:200]),
            "real_images": lambda: RealImages(real, fingerprint, "test"),
            "training_images": lambda: RealImages(digits[0][:400], "training", "train"),
            "cache": tmp_path / "features",
        }
        return evaluate(metrics, **(given | changes))

    return run


def test_every_column_has_a_number_and_a_protocol(measure, extractions):
    found = measure()
    assert list(found.numbers) == list(catalog.metric_columns(ALL))
    assert set(found.protocols) == set(found.numbers)
    assert all(np.isfinite(value) and type(value) is float for value in found.numbers.values())
    assert found.numbers["modes"] == 2  # the fakes are zeros and ones
    assert found.numbers["fid"] > 30
    assert 1 < found.numbers["inception_score"] < 2.1
    assert found.numbers["d_loss_mean"] == pytest.approx(
        np.linspace(0, 1, 50)[40:].mean(), rel=1e-6
    )
    assert found.numbers["d_loss_lowest"] == pytest.approx(40 / 49, rel=1e-6)


def test_the_stamps_say_how_it_was_measured(measure, extractions):
    found = measure()
    sha = extractors.card_of("mnist_classifier").sha256[:8]
    expected = (
        f"mnist_classifier@{sha}, real 1000 of 1000 test, fake 300, 28x28 bilinear, float64, "
        "running statistics"
    )
    assert found.protocols["fid"] == found.protocols["modes"] == expected
    trained = expected.replace("test, ", "test, training 400 of 400, ")
    assert found.protocols["memorisation"] == trained
    assert found.protocols["d_loss_mean"] == LOSS_PROTOCOL
    assert re.search("last fifth.*without penalty", LOSS_PROTOCOL)


def test_fakes_and_features_are_made_once_and_real_ones_read_from_the_cache(
    measure, extractions, digits, tmp_path
):
    fakes = Fakes(digits[0][:200])
    first = measure(fake_images=fakes)
    assert fakes.asked == [300]
    assert sorted(extractions) == [300, 400, 1000]
    second = measure(fake_images=fakes)
    assert fakes.asked == [300, 300]
    assert sorted(extractions) == [300, 300, 400, 1000]
    assert second == first
    assert [path.suffix for path in (tmp_path / "features").iterdir()] == [".npz", ".npz"]


def test_other_bytes_other_weights_or_fewer_images_are_extracted_again(
    measure, extractions, digits, monkeypatch
):
    measure(["fid"])
    measure(["fid"], fingerprint="other")
    measure(["fid"], real=digits[0][:900])
    monkeypatch.setattr(module, "weights_stamp", lambda name: f"{name}@00000000")
    measure(["fid"])
    assert extractions.count(1000) == 3
    assert extractions.count(900) == 1


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off"])
def test_a_damaged_cache_is_replaced(measure, extractions, tmp_path, content):
    first = measure(["fid"])
    (path,) = (tmp_path / "features").iterdir()
    path.write_bytes(content)
    assert measure(["fid"]) == first
    assert extractions.count(1000) == 2
    assert measure(["fid"]) == first
    assert extractions.count(1000) == 2


def test_real_images_are_taken_evenly_up_to_a_number(measure, extractions, digits, monkeypatch):
    monkeypatch.setattr(module, "N_REAL", 400)
    found = measure(["fid"])  # every third
    assert "real 334 of 1000 test" in found.protocols["fid"]
    assert sorted(extractions) == [300, 334]
    alone = measure(["fid"], real=digits[0][::3], fingerprint="these")
    assert found.numbers == alone.numbers


@pytest.mark.parametrize(
    ("rows", "most", "kept"),
    [(5, 10, 5), (10, 10, 10), (11, 10, 6), (20, 10, 10), (21, 10, 7), (0, 10, 0), (3, 1, 1)],
)
def test_evenly_spans_all_rows_with_at_most_so_many(rows, most, kept):
    found = module.evenly(np.arange(rows), most)
    assert len(found) == kept
    assert len(set(np.diff(found))) <= 1
    assert rows == 0 or rows - found[-1] <= -(-rows // most)


def test_a_metric_may_compare_fewer_images_than_there_are(
    measure, extractions, digits, monkeypatch
):
    fewer = dataclasses.replace(METRICS["kid"], images=250)
    monkeypatch.setitem(METRICS, "kid", fewer)
    found = measure(["kid", "fid"])
    assert "real 250 of 1000 test, fake 150," in found.protocols["kid"]
    assert "real 1000 of 1000 test, fake 300," in found.protocols["fid"]
    real, fake = (
        mnist_classifier(digits[0][::4]),
        mnist_classifier(np.resize(digits[0][:200], (300, 28, 28, 1))[::2]),
    )
    assert found.numbers["kid"] == pytest.approx(fewer.load()(real, fake)["kid"], rel=1e-5)


def test_the_order_of_the_metrics_does_not_matter(measure, extractions):
    assert measure(ALL[::-1]).numbers == measure(ALL).numbers


def test_without_a_test_split_what_compares_training_images_is_missing(
    measure, extractions, digits
):
    found = measure(
        ["fid", "memorisation"],
        real_images=lambda: RealImages(digits[0], "abc", "train"),
        training_images=None,
    )
    assert set(found.numbers) == {"fid"}
    assert "real 1000 of 1000 train" in found.protocols["fid"]


def test_at_most_a_number_of_training_images_are_looked_at(measure, extractions, monkeypatch):
    monkeypatch.setattr(module, "N_TRAINING", 200)
    assert "training 200 of 400," in measure(["memorisation"]).protocols["memorisation"]


def test_loss_metrics_need_no_images(measure, extractions):
    absent = dict.fromkeys(("real_images", "training_images"), lambda: pytest.fail("not needed"))
    found = measure(
        ["d_loss"], fake_images=lambda n: pytest.fail("not needed"), extractor=None, **absent
    )
    assert len(found.numbers) == 4
    assert extractions == []


def test_a_diverged_trial_has_no_numbers(measure, extractions):
    bad = np.array([1.0] * 49 + [np.nan], np.float32)
    found = measure(losses=losses(**{"g/criterion": bad}), fake_images=None)
    assert found.numbers == found.protocols == {}
    assert extractions == []


def test_only_the_last_fifth_decides_on_the_losses(measure, extractions):
    early = np.array([np.inf] + [1.0] * 49, np.float32)
    found = measure(["d_loss"], losses=losses(**{"d/criterion": early}))
    assert found.numbers == dict.fromkeys(METRICS["d_loss"].columns, 1.0) | {
        "d_loss_spread": 0,
        "d_loss_oscillation": 0,
    }


def test_a_number_that_is_not_finite_is_left_out_alone(measure):
    found = measure(["d_loss"], losses=losses(steps=3))
    assert set(found.numbers) == set(found.protocols) == {"d_loss_mean", "d_loss_lowest"}


def test_a_metric_with_other_columns_than_declared_is_an_error(measure, monkeypatch):
    columns = dict(METRICS["d_loss"].columns)
    del columns["d_loss_lowest"]
    monkeypatch.setitem(METRICS, "d_loss", dataclasses.replace(METRICS["d_loss"], columns=columns))
    with pytest.raises(MetricError, match=r"d_loss yields .*d_loss_lowest.* declares"):
        measure(["d_loss"])


def test_what_cannot_be_measured_is_a_clear_error(measure):
    with pytest.raises(MetricError, match=r"unknown metric fie; there are .*fid"):
        measure(["fie"])
    with pytest.raises(MetricError, match=r"^fid, modes: .* none, there are mnist_classifier, "):
        measure(["d_loss", "fid", "modes"], extractor=None)
    with pytest.raises(MetricError, match=r"there is no vgg, there are .*, efficientnet$"):
        measure(["fid"], extractor="vgg")
    with pytest.raises(MetricError, match=r"3 channel.*have 1"):
        measure(["fid"], extractor="cifar10_classifier")

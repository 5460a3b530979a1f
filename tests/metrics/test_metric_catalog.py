"""The contract of every line of catalog.METRICS."""

import numpy as np
import pytest

from ganablate.catalog import METRICS, PROBES, extractor_of
from ganablate.metrics.extractors import mnist_classifier
from ganablate.metrics.features import Features
from ganablate.metrics.losses import last_fifth

KEYS = ("d/criterion", "g/criterion", "d/accuracy_real", "d/accuracy_fake")

# What equal sets give; a new feature metric adds its line. The unbiased KID of a set with itself is
# not 0: it leaves out the pairs of an image with itself within the sets, not across them.
IDEAL = {
    "fid": pytest.approx(0, abs=1e-6),
    "kid": pytest.approx(0, abs=6),
    "inception_score": pytest.approx(9.85, abs=0.15),
    "sample_precision": 1,
    "recall": 1,
    "density": 1,
    "coverage": 1,
    "class_kl": pytest.approx(0, abs=1e-12),
    "modes": 10,
    "largest_class": pytest.approx(0.1, abs=0.02),
    **{f"class_share_{label}": pytest.approx(0.1, abs=0.02) for label in range(10)},
}

# Of these a collapse onto some of the real images is no worse: every image is a good one.
BLIND_TO_COLLAPSE = ("sample_precision", "density")

FEATURE_METRICS = [
    name
    for name, metric in METRICS.items()
    if metric.needs == "features" and not metric.compares_training
]
LOSS_METRICS = [name for name, metric in METRICS.items() if metric.needs == "losses"]


def losses(value=0.5):
    return last_fifth({key: np.full(50, value, np.float32) for key in KEYS})


@pytest.fixture(scope="module")
def real(digits):
    return mnist_classifier(digits[0])


@pytest.fixture(scope="module")
def noise():
    rng = np.random.default_rng(0)
    return mnist_classifier(rng.integers(0, 256, (300, 28, 28, 1), dtype=np.uint8))


@pytest.mark.parametrize("name", FEATURE_METRICS)
def test_ratios_of_feature_metrics_are_of_positive_numbers(name, real, noise):
    metric = METRICS[name]
    one_class = Features(real.embeddings[:100], real.probabilities[:100])
    found = [metric.load()(real, other) for other in (one_class, noise)]
    for column, shown in metric.columns.items():
        if shown.scale == "ratio":
            assert min(numbers[column] for numbers in found) > 0
            assert shown.unit != "share"  # which can be 0


@pytest.mark.parametrize("name", LOSS_METRICS)
def test_ratios_of_loss_metrics_are_of_positive_numbers(name):
    """A critic's losses can be negative, and with them all but their spreads."""
    generator = np.random.default_rng(2)
    steps = {key: generator.normal(-5, 1, 50).astype(np.float32) for key in KEYS}
    numbers = METRICS[name].load()(last_fifth(steps))
    for column, shown in METRICS[name].columns.items():
        assert (numbers[column] > 0) == (shown.scale == "ratio")


def test_probes_yield_no_ratios():
    assert {c.scale for probe in PROBES.values() for c in probe.columns.values()} == {"difference"}


@pytest.mark.parametrize("name", FEATURE_METRICS)
def test_equal_sets_give_the_ideal_value_and_a_worse_set_a_worse_one(name, real, noise):
    metric = METRICS[name]
    ideal = metric.load()(real, real)
    one_class = Features(real.embeddings[:100], real.probabilities[:100])
    collapsed, junk = metric.load()(real, one_class), metric.load()(real, noise)
    assert set(ideal) == set(collapsed) == set(junk) == set(metric.columns)
    judging = {c: line for c, line in metric.columns.items() if line.direction != "none"}
    for column, line in judging.items():
        assert ideal[column] == IDEAL[column]
        worse = (junk,) if column in BLIND_TO_COLLAPSE else (collapsed, junk)
        for found in worse:
            if line.direction == "min":
                assert found[column] > ideal[column] + (0.2 if line.unit == "share" else 1)
            elif not line.detail:
                assert line.direction == "max"
                assert found[column] < 0.8 * ideal[column]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("name", FEATURE_METRICS)
def test_a_feature_that_is_not_finite_gives_no_number(name, bad, real):
    broken = Features(real.embeddings.copy(), real.probabilities.copy())
    broken.embeddings[5], broken.probabilities[5] = bad, bad
    assert np.isnan(list(METRICS[name].load()(real, broken).values())).all()


def test_the_extractor_of_a_data_set():
    for name in ("mnist", "fashion_mnist", "cifar10"):
        assert extractor_of(name, None) == f"{name}_classifier"
    assert extractor_of("mnist_5k", None) == extractor_of("folder:x", 1) == "mnist_classifier"
    assert extractor_of("folder:x", 3) == extractor_of("folder:x", None) == "cifar10_classifier"
    assert extractor_of("nothing", None) is None


@pytest.mark.parametrize("name", LOSS_METRICS)
def test_a_loss_metric_yields_its_columns_and_no_number_of_nan(name):
    metric = METRICS[name]
    numbers = metric.load()(losses())
    assert set(numbers) == set(metric.columns)
    assert np.isfinite(list(numbers.values())).all()
    assert np.isnan(list(metric.load()(losses(np.nan)).values())).all()

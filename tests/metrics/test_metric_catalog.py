"""The contract of every line of catalog.METRICS."""

import numpy as np
import pytest

from ganablate.catalog import METRICS
from ganablate.metrics.extractors import mnist_classifier
from ganablate.metrics.features import Features
from ganablate.metrics.losses import last_fifth

KEYS = ("d/criterion", "g/criterion", "d/accuracy_real", "d/accuracy_fake")

# What equal sets give; a new feature metric adds its line.
IDEAL = {"fid": 0.0, "modes": 10.0}

FEATURE_METRICS = [name for name, metric in METRICS.items() if metric.needs == "features"]
LOSS_METRICS = [name for name, metric in METRICS.items() if metric.needs == "losses"]


def losses(value=0.5):
    return last_fifth({key: np.full(50, value, np.float32) for key in KEYS})


@pytest.fixture(scope="module")
def real(digits):
    return mnist_classifier(digits[0])


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_loads_and_is_described(name):
    metric = METRICS[name]
    assert callable(metric.load())
    assert metric.load().__doc__
    assert metric.summary
    assert metric.source
    assert metric.columns
    for column in metric.columns.values():
        assert column.direction in ("min", "max", "none")
        assert column.unit
        assert column.title


def test_no_two_metrics_share_a_column():
    columns = [column for metric in METRICS.values() for column in metric.columns]
    assert len(columns) == len(set(columns))


@pytest.mark.parametrize("name", FEATURE_METRICS)
def test_equal_sets_give_the_ideal_value_and_a_worse_set_a_worse_one(name, real):
    metric = METRICS[name]
    ideal = metric.load()(real, real)
    collapsed = Features(real.embeddings[:100], real.probabilities[:100])  # one class
    worse = metric.load()(real, collapsed)
    assert set(ideal) == set(worse) == set(metric.columns)
    for column, line in metric.columns.items():
        assert ideal[column] == pytest.approx(IDEAL[column], abs=1e-6)
        if line.direction == "min":
            assert worse[column] > ideal[column] + 1
        else:
            assert line.direction == "max"
            assert worse[column] < ideal[column] - 1


@pytest.mark.parametrize("name", FEATURE_METRICS)
def test_a_feature_that_is_not_a_number_gives_no_number(name, real):
    broken = Features(real.embeddings.copy(), real.probabilities.copy())
    broken.embeddings[5], broken.probabilities[5] = np.nan, np.nan
    assert np.isnan(list(METRICS[name].load()(real, broken).values())).all()


@pytest.mark.parametrize("name", LOSS_METRICS)
def test_a_loss_metric_yields_its_columns_and_no_number_of_nan(name):
    metric = METRICS[name]
    numbers = metric.load()(losses())
    assert set(numbers) == set(metric.columns)
    assert np.isfinite(list(numbers.values())).all()
    assert np.isnan(list(metric.load()(losses(np.nan)).values())).all()

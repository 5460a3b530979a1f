"""Loss numbers on literal arrays."""

import numpy as np
import pytest

from ganablate.metrics.losses import d_accuracy, d_loss, g_loss, is_finite, last_fifth


@pytest.mark.parametrize(
    ("steps", "kept"), [(0, 0), (1, 1), (4, 1), (5, 1), (6, 2), (10, 2), (11, 3), (100, 20)]
)
def test_the_last_fifth_is_rounded_up(steps, kept):
    last = last_fifth({"d/criterion": np.arange(steps, dtype=np.float32)})["d/criterion"]
    assert last.tolist() == list(range(steps - kept, steps))


@pytest.mark.parametrize(("metric", "net"), [(d_loss, "d"), (g_loss, "g")])
def test_mean_lowest_spread_and_oscillation(metric, net):
    steps = {f"{net}/criterion": np.array([2, 6, 4, 4], np.float32)}
    found = metric(steps)
    assert found == {
        f"{net}_loss_mean": 4.0,
        f"{net}_loss_lowest": 2.0,
        f"{net}_loss_spread": pytest.approx((8 / 3) ** 0.5, rel=1e-12),
        f"{net}_loss_oscillation": 2.0,  # of 4, 2 and 0
    }


def test_a_slow_drift_spreads_without_oscillating():
    drift, swing = np.arange(100) / 99, np.arange(100) % 2
    slow = d_loss({"d/criterion": drift.astype(np.float32)})
    fast = d_loss({"d/criterion": swing.astype(np.float32)})
    assert slow["d_loss_spread"] > 0.25
    assert slow["d_loss_oscillation"] == pytest.approx(1 / 99, rel=1e-6)
    assert fast["d_loss_oscillation"] == 1


def test_each_net_and_side_has_its_own_key():
    steps = {
        "d/criterion": np.full(2, 1.0, np.float32),
        "g/criterion": np.full(2, 2.0, np.float32),
        "d/accuracy_real": np.array([0.5, 1.0], np.float32),
        "d/accuracy_fake": np.array([0.0, 0.5], np.float32),
    }
    assert d_loss(steps)["d_loss_mean"] == 1
    assert g_loss(steps)["g_loss_mean"] == 2
    assert d_accuracy(steps) == {"d_accuracy_real": 0.75, "d_accuracy_fake": 0.25}


def test_sums_are_taken_in_float64():
    steps = np.full(100_001, 0.1, np.float32)
    steps[0] = 16_777_216  # from here on float32 has no halves
    mean = d_loss({"d/criterion": steps})["d_loss_mean"]
    assert mean == pytest.approx(
        (16_777_216 + 100_000 * float(np.float32(0.1))) / 100_001, rel=1e-12
    )


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_one_step_that_is_not_finite_makes_all_missing(bad):
    steps = np.array([1, bad, 3], np.float32)
    assert not is_finite({"d/criterion": steps})
    assert np.isnan(list(d_loss({"d/criterion": steps}).values())).all()


def test_one_step_has_no_spread_or_oscillation_and_no_step_has_nothing():
    one = g_loss({"g/criterion": np.array([0.5], np.float32)})
    assert (one["g_loss_mean"], one["g_loss_lowest"]) == (0.5, 0.5)
    assert np.isnan([one["g_loss_spread"], one["g_loss_oscillation"]]).all()
    assert np.isnan(list(g_loss({"g/criterion": np.array([], np.float32)}).values())).all()

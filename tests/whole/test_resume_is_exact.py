"""A trial that is killed and gone on with ends with the bytes of one that never stopped.

Every trial here is trained by real attempts, each in a process of its own; the disturbed one is
killed with SIGKILL at a moment that nothing in it chooses.
"""

import random
from pathlib import Path
from typing import Any

import pytest

from ganablate.catalog import NETWORKS, PENALTIES
from ganablate.trials.folder import TrialFolder
from tests.support.killed_trial import LENGTH, finish, job_of, kill_after, of_network
from tests.support.trial_config import HOPELESS

pytestmark = pytest.mark.slow

BATCH_NORM = {"g_norm": "batch", "d_norm": "batch"}
NO_NORM = {"g_norm": "none", "d_norm": "none"}
DROPOUT = {"d_dropout": 0.4}


CASES: dict[str, dict[str, Any]] = {
    "conv28, dropout": of_network("conv28", **DROPOUT),
    "conv32, dropout, cosine": of_network("conv32", **DROPOUT, lr_schedule="cosine"),
    "mlp, dropout, batch norm": of_network("mlp", **DROPOUT, **BATCH_NORM, d_grad_clip=1.0),
    "dcgan, batch norm, soft labels": of_network(
        "dcgan", **BATCH_NORM, real_labels="0.7..1", fake_labels="0..0.3"
    ),
    "dcgan, pooling, linear ends, rmsprop": of_network(
        "dcgan", resampling="pooling", ends="linear", g_optimizer="rmsprop", d_optimizer="rmsprop",
        g_beta1=None, d_beta1=None, g_beta2=None, d_beta2=None, g_alpha=0.9, d_alpha=0.9,
        g_momentum=0.5, d_momentum=0.5,
    ),
    "enhanced, batch norm": of_network("enhanced", **BATCH_NORM),
    "wgan_gp, five steps of D": of_network(
        "mlp", **DROPOUT, criterion="wasserstein", penalty="wgan_gp", penalty_weight=10.0,
        d_steps=5, g_steps=2,
    ),
    "dragan": of_network("conv28", **DROPOUT, penalty="dragan", penalty_weight=10.0),
    "dragan_one_sided": of_network("mlp", penalty="dragan_one_sided", penalty_weight=10.0),
    "relativistic, r1 and r2": of_network(
        "dcgan", **BATCH_NORM, criterion="relativistic", penalty="r1", penalty_weight=1.0,
        second_penalty="r2", second_penalty_weight=1.0,
    ),
    "averaged, spectral norm": of_network(
        "dcgan", g_norm="batch", d_norm="spectral", criterion="hinge", g_ema=0.99
    ),
    "weight clip, averaged, no norm": of_network(
        "conv28", **NO_NORM, criterion="wasserstein", d_weight_clip=0.01, g_ema=0.9
    ),
}  # fmt: skip


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("name", CASES)
def test_killed_and_gone_on_with_is_never_interrupted(
    tmp_path: Path, cache: Path, process_of: Any, name: str, precision: str
) -> None:
    whole = job_of(tmp_path / "whole", cache, CASES[name], precision)
    finish(process_of(whole))
    expected = TrialFolder(whole.trials_root, whole.trial.trial_id)
    moments = random.Random(f"{name} {precision}")
    for turn in range(4):
        job = job_of(tmp_path / f"cut-{turn}", cache, CASES[name], precision)
        folder = TrialFolder(job.trials_root, job.trial.trial_id)
        if kill_after(process_of(job), folder, moments.randint(2, LENGTH // 2), moments, 0.01):
            break
    else:
        pytest.fail("the trial was complete each time before it was killed")
    finish(process_of(job))

    first, second = folder.attempts()
    assert 0 < second["from_iteration"] < LENGTH  # gone on with, from somewhere inside
    assert first["pid"] != second["pid"]
    assert {first["precision"], second["precision"]} == {precision}
    assert {len(values) for values in folder.losses().values()} == {LENGTH}
    assert folder.evaluations()
    assert list(folder.path.glob("samples/[0-9]*.png"))
    assert_same_end(folder, expected)


def assert_same_end(folder: TrialFolder, expected: TrialFolder) -> None:
    """Both trainings ended with the same bytes, and with the same facts but for the time."""
    assert results(folder) == results(expected)
    assert facts(folder) == facts(expected)


def facts(folder: TrialFolder) -> dict[object, dict[str, Any]]:
    """What was measured during the training and said of its end, without the times."""
    contents = {**folder.evaluations(), "end": folder.complete or {}}
    times = {"measured_ms", "finished_ms"}
    return {
        at: {key: content[key] for key in content.keys() - times}
        for at, content in contents.items()
    }


def results(folder: TrialFolder) -> dict[str, bytes]:
    names = ["weights.safetensors", "metrics.json", "samples.npy"]
    files = {name: (folder.path / name).read_bytes() for name in names}
    files |= {path.name: path.read_bytes() for path in folder.path.glob("samples/[0-9]*.png")}
    return files | {key: values.tobytes() for key, values in folder.losses().items()}


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_trial_that_ends_early_has_the_same_bytes_however_often_it_was_killed(
    tmp_path: Path, cache: Path, process_of: Any, precision: str
) -> None:
    settings = of_network("mlp", **HOPELESS)
    whole = job_of(tmp_path / "whole", cache, settings, precision)
    finish(process_of(whole))
    expected = TrialFolder(whole.trials_root, whole.trial.trial_id)
    end = expected.complete["ended_early_at"]
    assert 50 <= end < 200
    job = job_of(tmp_path / "cut", cache, settings, precision)
    folder = TrialFolder(job.trials_root, job.trial.trial_id)
    moments = random.Random(precision)
    # The last moment is the end itself: killed while it is measured, with the checkpoint there.
    for least in (5, end // 2, end - 10, end):
        assert kill_after(process_of(job), folder, least, moments, 0.005)
    finish(process_of(job))
    begun = [attempt["from_iteration"] for attempt in folder.attempts()]
    assert begun == sorted(begun)
    assert begun[1] > 0
    assert begun[-1] == end  # nothing was left to train
    assert_same_end(folder, expected)


def test_other_bytes_are_seen(tmp_path: Path, cache: Path, process_of: Any) -> None:
    """The comparison above would fail: one seed more, or bf16 instead of fp32, is other bytes."""
    settings = CASES["mlp, dropout, batch norm"]
    found = set()
    for change, precision in (({}, "fp32"), ({"seed": 8}, "fp32"), ({}, "bf16")):
        job = job_of(tmp_path, cache, {**settings, **change}, precision)
        finish(process_of(job))
        folder = TrialFolder(job.trials_root, job.trial.trial_id)
        found.add((folder.path / "weights.safetensors").read_bytes())
    assert len(found) == 3


def test_the_table_has_every_network_and_every_penalty() -> None:
    cases = CASES.values()
    assert {case["network"] for case in cases} == set(NETWORKS)
    penalties = {case.get(place) for case in cases for place in ("penalty", "second_penalty")}
    assert penalties == {None, *PENALTIES}
    for network in NETWORKS:  # dropout or batch norm, whichever the network is about
        own = [case for case in cases if case["network"] == network]
        assert any(case["d_dropout"] > 0 or case["d_norm"] == "batch" for case in own)

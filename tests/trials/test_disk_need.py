"""The disk that a plan needs: counted without torch, held to the networks and to real trials."""

import importlib
import itertools
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ganablate.catalog import NETWORK_SETTINGS, NETWORKS
from ganablate.config import TrialConfig
from ganablate.study.expand import expand
from ganablate.study.load import load_study
from ganablate.study.plan import Plan
from ganablate.trials.disk_need import disk_need_of, disk_need_text
from tests.support.command import invoke
from tests.support.trial_config import config_for

LEVELS = {
    "hidden_layers": (1, 2, 3, 6),
    "resampling": ("strided", "pooling"),
    "ends": ("convolution", "linear"),
}


def variants(network: str) -> list[TrialConfig]:
    """Small trials of a network, with every norm, size and setting that only some have."""
    line = NETWORKS[network]
    own = [name for name in NETWORK_SETTINGS if name in line.defaults]
    norms = ("none", "batch", "spectral")
    sizes = line.image_sizes or (28, 32)
    return [
        config_for(
            network, g_width=6, d_width=5, latent_dim=7, image_size=size, g_norm=g_norm,
            d_norm=d_norm, **dict(zip(own, levels, strict=True)),
        )
        for size, g_norm, d_norm in itertools.product(sizes, norms, norms)
        for levels in itertools.product(*(LEVELS[name] for name in own))
    ]  # fmt: skip


def counted(config: TrialConfig, channels: int) -> tuple[int, int]:
    module, _, name = (NETWORKS[config.network].counts or "").partition(":")
    found: tuple[int, int] = getattr(importlib.import_module(module), name)(config, channels)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("network", NETWORKS)
def test_counts_are_those_of_the_networks(network: str) -> None:
    for config, channels in itertools.product(variants(network), (1, 3)):
        with torch.device("meta"):
            nets = NETWORKS[network].load()(config, channels)
        expected = tuple(sum(p.numel() for p in net.parameters()) for net in nets)
        assert counted(config, channels) == expected, config


def test_counts_are_those_that_were_published() -> None:
    wide = {"g_width": 64, "d_width": 64, "latent_dim": 1000, "image_size": 64}
    assert counted(config_for("dcgan", **wide), 3) == (10_949_504, 2_765_568)  # R1
    assert sum(counted(config_for("mlp"), 1)) == 1_486_352 + 1_460_225  # R4


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    monkeypatch.chdir(tmp_path)
    Path("sweeps").mkdir()
    Path("s.yaml").write_text(
        "study: s\nbase: {dataset: mnist_5k, network: mlp, iterations: 100}\n"
        "ablate: {g_width: [2048]}\nreplicates: 3\nprimary: fid\nmetrics: [fid]\n"
    )
    return expand(load_study(Path("s.yaml")))


def test_what_is_kept_decides_how_much(plan: Plan) -> None:
    config = plan.trials[0].config
    both, generator, none = (
        disk_need_of(config, 5_000, keep) for keep in ("weights", "generator", "none")
    )
    assert both.kept - generator.kept == pytest.approx(4 * 1_460_225)
    assert generator.kept - none.kept == pytest.approx(4 * 1_486_352)
    assert both.training == none.training  # two states: weights and Adam's two means of each
    assert both.training == pytest.approx(2 * 3 * 4 * (1_486_352 + 1_460_225), rel=0.01)
    averaged = disk_need_of(config.model_copy(update={"g_ema": 0.99}), 5_000, "weights")
    assert averaged.kept - both.kept == pytest.approx(4 * 1_486_352)
    sgd = {"g_optimizer": "sgd", "d_optimizer": "sgd"}
    assert disk_need_of(config.model_copy(update=sgd), 5_000, "none").training < both.training


def test_only_what_is_still_to_be_trained_counts(plan: Plan) -> None:
    everything = {trial.trial_id for trial in plan.trials}
    line = disk_need_text(plan, everything, "weights")
    assert line is not None
    # 2,946,577 weights of a baseline, 5,742,865 of the other, three times 4 bytes: 104 MB.
    assert line.startswith("disk: about 109 MB for 6 trials still to be trained, and up to")
    assert disk_need_text(plan, {plan.trials[0].trial_id}, "weights").startswith(
        "disk: about 13 MB for 1 trial "
    )
    assert disk_need_text(plan, set(), "weights") is None


def test_a_network_that_is_not_counted_is_said(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(NETWORKS, "mlp", replace(NETWORKS["mlp"], counts=None))
    line = disk_need_text(plan, {plan.trials[0].trial_id}, "weights")
    assert line == "disk: not known, mlp does not say how many weights it has"


def test_plan_prints_it_by_the_sweep_file(plan: Plan) -> None:
    Path("sweeps/bare.yaml").write_text("keep: none\n")
    code, out, _ = invoke("plan", "s.yaml")
    assert code == 0
    assert "disk: about 109 MB for 6 trials" in out
    code, out, _ = invoke("plan", "s.yaml", "--sweep", "sweeps/bare.yaml")
    assert code == 0
    assert "disk: about 4.4 MB for 6 trials" in out
    code, _, err = invoke("plan", "s.yaml", "--sweep", "sweeps/none.yaml")
    assert code == 2
    assert "sweeps/none.yaml" in err

"""Studies whose trainer is not the built-in one: its settings, and what cannot be asked of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ganablate.config import TrialConfig
from ganablate.study.expand import expand
from ganablate.study.load import load_study
from ganablate.study.plan import Plan
from ganablate.study.plugins import forget_plugins, load_plugins
from ganablate.study.reading.errors import StudyError
from tests.support.paths import ROOT

HEAD = "study: own\nprimary: fid\nmetrics: [fid]\n"
VAE = "base: {trainer: vae, dataset: mnist_5k, epochs: 1}\n"
GAN = "base: {dataset: mnist_5k, network: conv28, criterion: hinge, epochs: 1}\n"


@pytest.fixture(autouse=True)
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    load_plugins([str(ROOT / "examples" / "vae.py"), str(ROOT / "examples" / "diffaugment.py")])
    yield
    forget_plugins()


def plan(text: str) -> Plan:
    Path("study.yaml").write_text(text)
    return expand(load_study(Path("study.yaml")))


def configs(text: str) -> dict[str, TrialConfig]:
    return {arm.name: arm.config for arm in plan(text).arms}


def faults(text: str) -> list[str]:
    with pytest.raises(StudyError) as raised:
        plan(text)
    return [str(problem) for problem in raised.value.problems]


def test_a_trial_has_what_its_trainer_uses_and_nothing_else() -> None:
    arms = configs(HEAD + VAE + "ablate: {lr: [0.01], optimizer: [sgd], kl_weight: [4]}\n")
    used = {"latent_dim": 16, "g_width": 32, "g_optimizer": "adam", "g_lr": 1e-3, "g_beta1": 0.5,
            "g_beta2": 0.999, "g_weight_decay": 0.0, "kl_weight": 1.0}  # fmt: skip
    of_every = {"trainer": "vae", "dataset": "mnist_5k", "image_size": 28, "batch_size": 128,
                "epochs": 1}  # fmt: skip
    adam = {"g_beta1", "g_beta2"}
    assert {
        name: config.model_dump(exclude_none=True, exclude={"seed"})
        for name, config in arms.items()
    } == {
        "baseline": of_every | used,
        "lr=0.01": of_every | used | {"g_lr": 0.01},
        "kl_weight=4.0": of_every | used | {"kl_weight": 4.0},
        "optimizer=sgd": of_every
        | {name: value for name, value in used.items() if name not in adam}
        | {"g_optimizer": "sgd", "g_momentum": 0.0},
    }
    assert arms["baseline"].total_iterations(5_000) == 39
    assert arms["baseline"].images_per_iteration == 128


def test_the_built_in_trainer_is_in_no_id_and_another_is() -> None:
    ids = {
        said: plan(HEAD + GAN.replace("{", f"{{{said}")).trials[0].trial_id
        for said in ("", "trainer: gan, ", "trainer: diffaugment, ")
    }
    assert ids[""] == ids["trainer: gan, "] != ids["trainer: diffaugment, "]


def test_trainers_are_compared_in_one_study_and_a_loss_of_one_is_missing_for_the_other() -> None:
    head = HEAD.replace("[fid]", "[d_loss, fid]")
    arms = configs(head + GAN + "arms: {vae: {trainer: vae, kl_weight: 2, latent_dim: 8}}\n")
    assert arms["baseline"].trainer is None
    assert arms["baseline"].criterion == "hinge"
    assert arms["vae"].criterion is None
    assert arms["vae"].network is None
    assert (arms["vae"].latent_dim, arms["vae"].model_dump()["kl_weight"]) == (8, 2.0)
    arms = configs(HEAD + VAE + "arms: {gan: {trainer: gan, network: mlp}}\n")
    assert arms["gan"].network == "mlp"


@pytest.mark.parametrize(
    ("text", "line", "expected"),
    [
        (VAE.replace("}", ", criterion: hinge}"), 4, "the trainer vae does not use criterion; it"),
        (VAE.replace("}", ", network: mlp}"), 4, "the trainer vae does not use network"),
        (VAE + "ablate: {d_lr: [0.1]}", 5, "the trainer vae does not use d_lr"),
        (VAE + "ablate: {norm: [batch]}", 5, "the trainer vae does not use norm"),
        (VAE.replace("}", ", beta1: 0, rho: 0.1}"), 4, "the optimizer adam has no rho"),
        (GAN.replace("}", ", kl_weight: 1}"), 4, "the trainer gan has no kl_weight; those that"),
        (VAE.replace("vae", "vea"), 4, "vea"),
        (VAE.replace("}", ", image_size: 32}"), 4, "the trainer vae can be built for: 28"),
        (GAN.replace("network: conv28, ", ""), 4, "base gives no network"),
        (VAE + "probes: [svm]", 5, "svm needs a generator and a discriminator, and vae has none"),
        (VAE + "claims: [{id: a, says: b, curve: {arms: all, metric: d/criterion,"
         " trend: {is: falling}}}]", 5, "no arm of this study has a trainer that records it"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_at_its_line(text: str, line: int, expected: str) -> None:
    (message,) = faults(f"{HEAD}{text}\n")
    assert f"study.yaml:{line}" in message
    assert expected in message


def test_a_metric_of_losses_that_no_trainer_records_is_refused() -> None:
    (message,) = faults(HEAD.replace("[fid]", "[fid, d_accuracy]") + VAE)
    assert "study.yaml:3" in message
    assert "d_accuracy is made of the loss d/accuracy_real, and the trainer vae rec" in message


def test_a_wrong_line_is_refused_when_the_plugin_is_loaded() -> None:
    text = (ROOT / "examples" / "vae.py").read_text().replace('"vae": T', '"auto": T')
    Path("wrong.py").write_text(text.replace('"g_lr": 1e-3', '"lr": 1e-3, "epochs": 3'))
    with pytest.raises(StudyError) as raised:
        load_plugins(["wrong.py"])
    messages = [str(problem) for problem in raised.value.problems]
    assert [name in message for name, message in zip(("lr", "epochs"), messages, strict=True)] == [
        True, True,
    ]  # fmt: skip

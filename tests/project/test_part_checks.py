"""`list --check`: it passes what keeps the contract, and notices each way to break it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ganablate.catalog import PLUGIN_TABLES, TABLES
from ganablate.project.part_checks import broken
from ganablate.project.unread import unread
from ganablate.study.plugins import forget_plugins, load_plugins
from tests.support.command import invoke
from tests.support.plugin_files import ALL, CRITERION, write


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    forget_plugins()


def check(*arguments: str) -> tuple[int, str, str]:
    return invoke("list", *arguments, "--check")


BUILT_IN = [
    (kind, name)
    for kind, table in TABLES.items()
    for name in table.lines
    if kind not in ("datasets", "extractors")
]


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "name"), BUILT_IN)
def test_every_built_in_part_keeps_it(kind: str, name: str) -> None:
    assert broken(kind, name) == []
    assert kind != "networks" or unread(name) == []


@pytest.mark.parametrize("kind", PLUGIN_TABLES)
def test_a_plugin_can_bring_every_kind(project: Path, kind: str) -> None:
    write(project, ALL)
    load_plugins(["my_losses"])
    (own,) = (name for name, line in TABLES[kind].lines.items() if line.plugin)
    assert broken(kind, own) == []


BREAKS: dict[str, tuple[str, str, str]] = {
    "trainers": ("torch.randn_like(images)", "len(self._seen or self._seen.append(1) or [])",
                 "a trial that was interrupted ends with other weights"),
    "criteria": ("-fake_logits.float().mean()", "real_logits.float().mean()", "G would not train"),
    "penalties": ("discriminator(real).float().square().mean()", "real.mean()", "no gradient in D"),
    "optimizers": ("torch.optim.NAdam(parameters, lr=lr", "torch.optim.NAdam(parameters, lr=0.0",
                   "do not move"),
    "schedules": ("0.1 + 9 * progress", "progress - 0.5", "its factor at 0.00"),
    "networks": ("nn.Linear(pixels, 1), nn.Flatten(0)", "nn.Linear(pixels, 1)", "D gives [4, 1]"),
    "activations": ("inputs * inputs.sigmoid()", "inputs.mul_(2)", "works in place"),
    "initialisers": (", generator=generator", "", "draws from something else"),
    "datasets": ("np.zeros((100", "np.zeros((99", "its line says uint8 (100, 28, 28, 1)"),
    "metrics": ("float(np.linalg.norm(gap))", "float(np.nan_to_num(gap).sum())", "NaN is needed"),
    "probes": ('images_of(subject.latents(10, "brightness"))',
               "images_of(np.random.default_rng().normal(size=(10, 8)).astype('f4'))",
               "the second time"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BREAKS)
def test_the_contract_notices_a_part_that_breaks_it(project: Path, kind: str) -> None:
    old, new, expected = BREAKS[kind]
    assert ALL.count(old) == 1
    write(project, ALL.replace(old, new))
    code, out, err = check(kind, "--plugin", "my_losses")
    assert code == 1, out + err
    assert expected in out


def test_check_says_what_is_right_and_needs_a_plugin(project: Path) -> None:
    write(project, CRITERION)
    code, out, _ = check("--plugin", "my_losses")
    assert (code, out) == (0, "criteria margin: ok\n")
    forget_plugins()
    code, _, err = check()
    assert (code, err) == (2, "no plug-in is loaded; name one with --plugin\n")


def test_settings_that_a_network_does_not_read_are_named(project: Path) -> None:
    write(project, ALL.replace("nn.Sigmoid(),", 'function_of("g_output", config)(),').replace(
        "import Finding", "import Finding\nfrom ganablate.catalog import function_of"))  # fmt: skip
    code, out, err = check("networks", "--plugin", "my_losses")
    assert code == 0, out + err
    assert out.splitlines()[:2] == [
        "networks tiny: ok",
        "  it does not read g_width, d_width, g_activation, d_activation, g_norm (but for "
        "spectral), d_norm (but for spectral), d_dropout:",
    ]


OWN = """\
from ganablate.catalog import Criterion, OwnSetting


def margin(real_logits, fake_logits, *, distance):
    "Hinge from a distance on."
    real, fake = (distance - real_logits.float()).relu(), (distance + fake_logits.float()).relu()
    return real.mean() + fake.mean(), -fake_logits.float().mean()


CRITERIA = {
    "margin": Criterion(
        implementation="margin", summary="hinge", source="own", threshold=0.0,
        declares={"distance": OwnSetting("of the hinge", 1.0, minimum=LEAST, maximum=4.0)},
    )
}
"""


def test_a_part_is_tried_at_the_ends_of_its_settings_too(project: Path) -> None:
    """From a distance of -1 on, D learns nothing of real images that it calls real."""
    write(project, OWN.replace("LEAST", "0.5"))
    assert check("criteria", "--plugin", "my_losses")[:2] == (0, "criteria margin: ok\n")
    forget_plugins()
    write(project, OWN.replace("LEAST", "-9.0"))
    code, out, _ = check("criteria", "--plugin", "my_losses")
    assert code == 1
    assert "distance=-9.0: d_loss does not depend on both the real and the generated logits" in out

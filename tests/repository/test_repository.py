"""What the repository promises about itself."""

import re
import tomllib
from pathlib import Path

import pytest
import torch
import yaml

import ganablate
from ganablate.catalog import DATASETS, NETWORKS
from ganablate.cli import COMMANDS
from ganablate.study.expand import expand
from ganablate.study.load import load_study

ROOT = Path(__file__).resolve().parents[2]
STUDIES = sorted((ROOT / "studies").glob("*.yaml"))
PLANNED = [
    pytest.param(path, budget, id=f"{path.stem}-{budget}")
    for path in STUDIES
    for budget in load_study(path).budget_names
]
LONGEST_MODULE = 450


@pytest.mark.slow
@pytest.mark.parametrize(("path", "budget"), PLANNED)
def test_every_study_expands_and_builds_its_networks(path: Path, budget: str) -> None:
    plan = expand(load_study(path), budget)
    for arm in plan.arms:
        config = arm.config
        channels = DATASETS[config.dataset].channels
        with torch.device("meta"):
            generator, discriminator = NETWORKS[config.network].load()(config, channels)
            images = generator(torch.empty(3, config.latent_dim))
            assert images.shape == (3, channels, config.image_size, config.image_size)
            assert discriminator(images).shape == (3,)


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_every_study_has_a_budget_for_every_machine(path: Path) -> None:
    study = load_study(path)
    assert {"smoke", "full"} <= set(study.budget_names)
    for arm in expand(study, "smoke").arms:
        assert DATASETS[arm.config.dataset].embedded


def test_a_citation_names_the_version_and_the_licence_that_there_are() -> None:
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert (cited["title"].partition(":")[0], cited["license"], str(cited["version"])) == (
        project["name"], project["license"], ganablate.__version__,
    )  # fmt: skip


def test_modules_stay_readable() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in (ROOT / "ganablate").rglob("*.py")
        if (lines := len(path.read_text().splitlines())) > LONGEST_MODULE
        and path.parent.name != "catalog"  # tables: they grow by a line a part
    }
    assert long == {}


def test_no_test_module_imports_another() -> None:
    """What tests share stands in tests/support."""
    imported = re.compile(r"^\s*(?:from|import) tests\.(?!support\b)", re.MULTILINE)
    paths = [*(ROOT / "tests").rglob("*.py"), *(ROOT / "benchmarks").glob("*.py")]
    assert [str(path) for path in paths if imported.search(path.read_text())] == []


def test_the_readmes_table_is_the_committed_one() -> None:
    table = (ROOT / "results" / "published" / "quickstart" / "full" / "table.md").read_text()
    head = next(block for block in table.split("\n\n") if block.startswith("|"))
    assert head in (ROOT / "README.md").read_text()


def test_the_readme_names_only_commands_and_targets_that_exist() -> None:
    text = (ROOT / "README.md").read_text()
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z-]+)", text)) <= targets
    assert set(re.findall(r"ganablate ([a-z]+) (?:studies|results|-)", text)) <= set(COMMANDS)
    for path in re.findall(r"\]\(((?!http)[^)#]+)\)", text):
        assert (ROOT / path).exists(), path

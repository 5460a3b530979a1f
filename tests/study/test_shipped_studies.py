"""Every study that ships, and every example of the page that teaches the YAML, can be planned."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ganablate.study.expand import expand
from ganablate.study.load import load_study
from tests.support.study_text import LANGUAGE_BLOCKS

FOLDER = Path(__file__).parents[2] / "studies"
STUDIES = sorted(FOLDER.glob("*.yaml"))


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_loads_and_expands_at_every_budget(path: Path) -> None:
    study = load_study(path)
    assert study.name == path.stem
    for budget in study.budget_names:
        plan = expand(study, budget)
        assert plan.trials
        assert len({trial.trial_id for trial in plan.trials}) == len(plan.trials)


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_opens_with_what_it_asks_its_cost_and_its_source(path: Path) -> None:
    comments = re.match(r"(#.*\n)*", path.read_text(encoding="utf-8"))
    assert comments is not None
    assert [word for word in ("Asks", "Cost:", "Source:") if word not in comments[0]] == []


@pytest.mark.parametrize("block", LANGUAGE_BLOCKS)
def test_every_example_loads_and_expands(block: str, write: Callable[[str], Path]) -> None:
    study = load_study(write(block if block.startswith("study:") else LANGUAGE_BLOCKS[0] + block))
    assert all(expand(study, budget).trials for budget in study.budget_names)


def test_the_page_has_every_section_and_the_readme_every_study() -> None:
    found = set(re.findall(r"^([a-z_]+):", "".join(LANGUAGE_BLOCKS), re.MULTILINE))
    sections = {
        "remove",
        "ablate",
        "cross",
        "baseline",
        "exclude",
        "arms",
        "folders",
        "budgets",
        "claims",
    }
    assert sections <= found
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    named = re.findall(r"^\| `(\w+\.yaml)` \| ", text, re.MULTILINE)
    assert sorted(named) == [path.name for path in STUDIES]


def test_the_main_study_holds_the_reports_rows() -> None:
    study = load_study(FOLDER / "mnist_ablation.yaml")
    rows = {claim.id for claim in study.claims}
    assert {"R0.3", "R0.4", "R0.5", "R0.6", "R0.7"} <= rows
    assert len(expand(study, "full").arms) == 11
    assert len(expand(study, "full").trials) == 55
    assert len(expand(study, "smoke").trials) == 9


def test_planning_imports_nothing_heavy() -> None:
    code = (
        "import sys, ganablate.study.load, ganablate.study.expand\n"
        "heavy = {'torch', 'ray', 'mlflow', 'pandas', 'numpy'} & set(sys.modules)\n"
        "sys.stdout.write(' '.join(sorted(heavy)))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("", "")

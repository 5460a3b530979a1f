"""The README that teaches the YAML: every example in it works, every study is named."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from ganablate.study.expand import expand
from ganablate.study.load import load_study
from tests.support.study_text import README_BLOCKS

FOLDER = Path(__file__).parents[2] / "studies"
TEXT = (FOLDER / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("block", README_BLOCKS, ids=lambda block: " ".join(block.split()[:2]))
def test_every_example_loads_and_expands(block: str, write: Callable[[str], Path]) -> None:
    whole = block if block.startswith("study:") else README_BLOCKS[0] + block
    study = load_study(write(whole))
    for budget in study.budget_names:
        assert expand(study, budget).trials


def test_every_section_of_a_study_has_an_example() -> None:
    found = set(re.findall(r"^([a-z_]+):", "".join(README_BLOCKS), re.MULTILINE))
    sections = {"ablate", "cross", "baseline", "exclude", "arms", "folders", "budgets", "claims"}
    assert sections <= found


def test_every_study_is_named_in_one_line() -> None:
    named = re.findall(r"^- `(\w+\.yaml)`: ", TEXT, re.MULTILINE)
    assert sorted(named) == sorted(path.name for path in FOLDER.glob("*.yaml"))

"""Every study that ships loads and expands at every budget; planning imports nothing heavy."""

import subprocess
import sys
from pathlib import Path

import pytest

from ganablate.study.expand import expand
from ganablate.study.load import load_study

STUDIES = sorted((Path(__file__).parents[2] / "studies").glob("*.yaml"))


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
    lines = path.read_text(encoding="utf-8").splitlines()
    opening = lines[: next(i for i, line in enumerate(lines) if not line.startswith("#"))]
    text = " ".join(opening)
    assert "Asks" in text
    assert "Cost:" in text
    assert "Source:" in text


def test_the_main_study_holds_the_reports_rows() -> None:
    study = load_study(next(path for path in STUDIES if path.stem == "mnist_ablation"))
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

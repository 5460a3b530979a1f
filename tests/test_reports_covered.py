"""Every row of the reports has a claim in some study, and every study says what it costs."""

import functools
import re
from pathlib import Path

import pytest

from ganablate.study.expand import expand
from ganablate.study.load import load_study
from ganablate.study.plan import FULL
from tests.report_rows import REPORTS, ROWS

STUDIES = sorted((Path(__file__).parents[1] / "studies").glob("*.yaml"))


study_at = functools.cache(load_study)


def row_of(claim: str) -> str:
    """The row a claim belongs to: R0.3 for R0.3 and R0.3-figure, R0 for R0-parameters."""
    return claim.partition("-")[0]


def test_a_claim_belongs_to_the_row_before_its_first_hyphen() -> None:
    assert [row_of(claim) for claim in ("R0.3", "R3.C-1024-figure", "R0-parameters")] == [
        "R0.3",
        "R3.C",
        "R0",
    ]


def test_the_rows_are_those_of_the_five_reports() -> None:
    counts = {report: sum(row.startswith(f"{report}.") for row in ROWS) for report in REPORTS}
    assert counts == {"R0": 7, "R1": 6, "R2": 6, "R3": 6, "R4": 9}
    assert sum(counts.values()) == len(ROWS)
    assert all(ROWS.values())


def test_every_row_is_claimed_by_a_study() -> None:
    claimed = {row_of(claim.id) for path in STUDIES for claim in study_at(path).claims}
    assert sorted(ROWS.keys() - claimed) == []


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_a_study_claims_only_rows_that_there_are(path: Path) -> None:
    ids = [claim.id for claim in study_at(path).claims]
    assert [name for name in ids if row_of(name) not in (*ROWS, *REPORTS)] == []


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_the_cost_tells_the_full_budget_and_the_trials(path: Path) -> None:
    cost = _cost(path)
    plan = expand(study_at(path), FULL)
    assert f"{len(plan.arms)} arms x {plan.replicates} replicates" in cost
    assert "`full` is" in cost


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_the_cost_names_every_budget(path: Path) -> None:
    named = re.findall(r"`(\w+)`", _cost(path))
    assert set(study_at(path).budget_names) <= set(named)


def _cost(path: Path) -> str:
    """What the opening comment says after `Cost:` and before `Source:`, on one line."""
    lines = path.read_text(encoding="utf-8").splitlines()
    opening = lines[: next(i for i, line in enumerate(lines) if not line.startswith("#"))]
    text = " ".join(line.removeprefix("#").strip() for line in opening)
    return text.partition("Cost:")[2].partition("Source:")[0]

"""Every row of the reports has a claim in some study, and every study says what it costs."""

import functools
import re
from pathlib import Path

import pytest

from ganablate.study.expand import expand
from ganablate.study.load import load_study
from ganablate.study.plan import FULL
from tests.support.report_rows import REPORTS, ROWS

STUDIES = sorted((Path(__file__).parents[2] / "studies").glob("*.yaml"))


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


def test_no_two_studies_share_the_id_of_a_claim() -> None:
    """On the page over all studies an id is one line."""
    ids = [claim.id for path in STUDIES for claim in study_at(path).claims]
    assert sorted({name for name in ids if ids.count(name) > 1}) == []


def test_every_row_can_be_judged_or_says_that_only_looking_can() -> None:
    """A row of which nothing is measured is one that the report shows in pictures alone."""
    kinds: dict[str, set[str]] = {}
    for path in STUDIES:
        for claim in study_at(path).claims:
            kinds.setdefault(row_of(claim.id), set()).add(claim.kind)
    assert sorted(row for row in ROWS if kinds[row] == {"visual"}) == ["R2.3", "R2.4", "R3.A"]
    unstated = ["R3.F", "R4.1", "R4.2", "R4.3", "R4.5"]
    assert sorted(row for row in ROWS if kinds[row] == {"none_stated"}) == unstated


def test_the_slips_of_the_reports_are_claimed_as_such() -> None:
    slips = {
        claim.id
        for path in STUDIES
        for claim in study_at(path).claims
        if claim.arithmetic is not None and claim.arithmetic.otherwise == "misprint"
    }
    assert slips == {
        "R0-parameters", "R0.2-splits", "R1-batch-size", "R2.1-misprint", "R2.1-misprint-g",
        "R3.C-epochs", "R4-generator",
    }  # fmt: skip


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

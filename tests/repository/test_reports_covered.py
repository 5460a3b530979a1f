"""Every row of the reports has a claim in some study, and every study says what it costs."""

import difflib
import itertools
import re
from pathlib import Path

import pytest

from ganablate.study.expand import expand
from ganablate.study.load import load_study
from ganablate.study.plan import FULL
from tests.support.report_rows import REPORTS, ROWS

PATHS = sorted((Path(__file__).parents[2] / "studies").glob("*.yaml"))
STUDIES = {path: load_study(path) for path in PATHS}
CLAIMS = [claim for study in STUDIES.values() for claim in study.claims]
every_study = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)


def row_of(claim: str) -> str:
    """The row a claim belongs to: R0.3 for R0.3 and R0.3-figure, R0 for R0-parameters."""
    return claim.partition("-")[0]


def test_the_rows_are_those_of_the_five_reports_and_each_is_claimed() -> None:
    counts = {report: sum(row.startswith(f"{report}.") for row in ROWS) for report in REPORTS}
    assert counts == {"R0": 7, "R1": 6, "R2": 6, "R3": 6, "R4": 9}
    assert sum(counts.values()) == len(ROWS)
    ids = [claim.id for claim in CLAIMS]
    assert sorted(ROWS.keys() - {row_of(name) for name in ids}) == []
    assert [name for name in ids if row_of(name) not in (*ROWS, *REPORTS)] == []
    # On the page over all studies an id is one line.
    assert sorted({name for name in ids if ids.count(name) > 1}) == []


def test_every_row_can_be_judged_or_says_that_only_looking_can() -> None:
    """A row of which nothing is measured is one that the report shows in pictures alone."""
    kinds: dict[str, set[str]] = {}
    for claim in CLAIMS:
        kinds.setdefault(row_of(claim.id), set()).add(claim.kind)
    assert sorted(row for row in ROWS if kinds[row] == {"visual"}) == ["R2.3", "R2.4", "R3.A"]
    unstated = ["R3.F", "R4.1", "R4.2", "R4.3", "R4.5"]
    assert sorted(row for row in ROWS if kinds[row] == {"none_stated"}) == unstated


def test_the_slips_of_the_reports_are_claimed_as_such() -> None:
    calculated = [claim for claim in CLAIMS if claim.arithmetic is not None]
    meant = {claim.id: claim.arithmetic.otherwise for claim in calculated}
    assert {name: word for name, word in meant.items() if word != "does_not_hold"} == {
        "R0-parameters": "unclear", "R0.2-splits": "unclear", "R3.C-epochs": "unclear",
        "R2.1-misprint": "misprint", "R3.C-figures": "misprint",
    }  # fmt: skip


def test_a_claim_says_what_is_measured_and_readings_of_a_sentence_quote_it_alike() -> None:
    untested = {claim.id for claim in CLAIMS if claim.tested_by is None}
    assert untested == {c.id for c in CLAIMS if c.kind in ("visual", "none_stated")}
    sentences: dict[str, list[str]] = {}
    for claim in CLAIMS:
        sentences.setdefault(claim.says, []).append(claim.id)
    # A sentence quoted twice with a slip of the pen would count twice.
    for said, other in itertools.combinations(sentences, 2):
        alike = difflib.SequenceMatcher(None, said, other).ratio()
        assert alike < 0.9, (sentences[said], sentences[other])
    assert len(sentences["there was far less spread in both G and D loss when using DRAGAN"]) == 9


@every_study
def test_every_study_opens_with_what_it_asks_its_cost_and_its_source(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    opening = lines[: next(i for i, line in enumerate(lines) if not line.startswith("#"))]
    text = " ".join(line.removeprefix("#").strip() for line in opening)
    cost, source = text.partition("Cost:")[2].split("Source:")
    assert source
    study, plan = STUDIES[path], expand(STUDIES[path], FULL)
    assert study.asks
    assert f"{len(plan.arms)} arms x {plan.replicates} replicates" in cost
    assert "`full` is" in cost
    assert set(study.budget_names) <= set(re.findall(r"`(\w+)`", cost))

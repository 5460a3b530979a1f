"""A verdict at a small reach is one on the smaller training, and says at which share."""

from dataclasses import replace
from pathlib import Path

import pytest

from ganablate.report.claims.judgement import (
    CANNOT_TELL,
    CONTRADICTED,
    HOLDS,
    OF_THE_REPORT,
    OPEN,
    OPPOSITE,
    SEEN,
    SUPPORTED,
)
from ganablate.report.claims.reach import NEAR, reach_text
from ganablate.report.claims.table import claims_markdown, claims_table, read_claims
from ganablate.study.reach import Reach
from tests.support.claims_cases import fid, judge, plan_of, trials_of

PUBLISHED = Path(__file__).parents[3] / "results" / "published"
BASE = [20.0, 21.0, 19.5, 20.4, 20.9]
FAR = [40.0, 41.0, 39.5, 40.4, 40.9]
NOISY = [15.0, 45.0, 20.0, 38.0, 25.0]
SMALL, LARGE = Reach(updates=1 / 60, images=1 / 48), Reach(updates=0.6)


def judged(wide, reach, **claim):
    plan = plan_of("wide", reach=reach)
    trials = trials_of(plan, fid(baseline=BASE, wide=wide))
    return judge(plan, trials, compare={"arm": "wide", "is": "worse", "by": "1.25x"}, **claim)


@pytest.mark.parametrize(
    ("wide", "at_full", "below"),
    [(FAR, SUPPORTED, SEEN), (BASE, CONTRADICTED, OPPOSITE), (NOISY, CANNOT_TELL, OPEN)],
)
def test_the_words_are_others_below_half_of_the_reports_training(wide, at_full, below):
    whole = judged(wide, {})
    assert (whole.verdict, whole.reach) == (at_full, 1.0)
    near = judged(wide, {"baseline": LARGE, "wide": Reach(widths=NEAR)})
    assert (near.verdict, near.reach, near.reach_of) == (at_full, 0.5, "widths")
    small = judged(wide, {"baseline": Reach(), "wide": SMALL})
    assert (small.verdict, small.reach) == (below, pytest.approx(1 / 60))
    assert small.reach_of == "generator updates"
    # The numbers are the same: only what they are about differs.
    assert (small.estimate, small.p, small.numbers) == (whole.estimate, whole.p, whole.numbers)


def test_the_arm_that_is_compared_with_counts_as_well():
    assert judged(FAR, {"baseline": SMALL, "wide": Reach()}).verdict == SEEN
    other = {"other": SMALL, "baseline": Reach(), "wide": Reach()}
    assert judged(FAR, other).verdict == SUPPORTED


def test_why_it_may_differ_stands_beside_the_opposite_only():
    reach = {"baseline": SMALL, "wide": SMALL}
    assert judged(BASE, reach, perhaps="it ran once").because == "it ran once"
    assert judged(FAR, reach, perhaps="it ran once").because is None


def test_arithmetic_has_no_reach():
    plan = plan_of("wide", reach={"wide": SMALL})
    claim = {"sum": [1, 2], "is": "equal", "than": 3}
    held = judge(plan, trials_of(plan, {}), arithmetic=claim)
    assert (held.verdict, held.reach) == (HOLDS, None)


@pytest.mark.parametrize(
    ("share", "text"),
    [(1 / 60, "1/60"), (1 / 6.4, "1/6.4"), (0.25, "1/4"), (0.5, "0.5"), (0.82, "0.82")],
)
def test_the_share_is_a_fraction_that_a_reader_knows(share, text):
    assert reach_text(share, "images") == f"at {text} of the report's images"


def test_the_cell_of_the_verdict_says_the_share():
    row = judged(FAR, {"wide": SMALL})
    line = claims_markdown(claims_table([row])).splitlines()[2]
    assert "| seen at 1/60 of the report's generator updates; the same for margins" in line
    whole = claims_markdown(claims_table([judged(FAR, {})])).splitlines()[2]
    assert "| supported; the same" in whole
    near = claims_markdown(claims_table([replace(row, verdict=SUPPORTED, reach=0.8)]))
    assert "| supported at 0.8 of the report's generator updates; the same" in near


def test_no_published_claim_at_a_small_reach_is_a_verdict_on_a_report():
    paths = sorted(PUBLISHED.glob("*/*/claims.csv"))
    assert len(paths) > 10
    for path in paths:
        table = read_claims(path)
        of_report = table[table["verdict"].isin(OF_THE_REPORT)]
        assert (of_report["reach"] >= NEAR).all(), path
        small = table[table["verdict"].isin((SEEN, OPPOSITE, OPEN))]
        assert (small["reach"] < NEAR).all(), path
        assert path.parent.name != "full" or not len(small), path

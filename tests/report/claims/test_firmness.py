"""The margins at which a verdict stays the same, against tests at those margins."""

import math

import numpy as np
import pytest
from scipy import stats

from ganablate.report.claims.judgement import CANNOT_TELL, CONTRADICTED, SUPPORTED
from ganablate.report.claims.table import claims_markdown, claims_table
from tests.support.claims_cases import curves_of, fid, judge, plan_of, trials_of

BASE = np.array([20.0, 21.0, 19.5, 20.4, 20.9])
WIDE = 1.55 * BASE[[1, 0, 3, 4, 2]]
PLAN = plan_of("wide")


def judged(wide=WIDE, column="fid", **claim):
    numbers = {name: {column: list(x)} for name, x in (("baseline", BASE), ("wide", wide))}
    return judge(PLAN, trials_of(PLAN, numbers), compare={"arm": "wide", **claim})


def ends(judgement):
    return tuple(float(end.removesuffix("x")) for end in judgement.margins.split(" to "))


def significant(margin):
    """Whether Welch's test finds the ratio off the margin, two-sided at 5 %."""
    return stats.ttest_ind(np.log(WIDE / margin), np.log(BASE), equal_var=False).pvalue <= 0.05


def test_a_difference_stays_shown_until_the_margin_that_welchs_test_cannot_exclude():
    shown = judged(**{"is": "worse", "by": "1.25x"})
    low, high = ends(shown)
    assert (shown.verdict, low) == (SUPPORTED, 1.0)
    assert 1.25 < high < 1.55
    assert significant(high)
    assert not significant(high + 0.02)


def test_what_is_open_lies_between_the_margins_that_are_shown_and_those_that_are_not():
    open_ = judged(**{"is": "worse", "by": "1.55x"})
    low, high = ends(open_)
    assert open_.verdict == CANNOT_TELL
    assert not significant(low)
    assert not significant(high)
    assert significant(low - 0.02)
    assert significant(high + 0.02)
    short = judged(**{"is": "worse", "by": "2x"})
    assert (short.verdict, ends(short)[1]) == (CONTRADICTED, 3.0)
    assert ends(short)[0] == pytest.approx(high, abs=0.02)


def test_an_equivalence_is_shown_from_some_margin_on():
    alike = judged(wide=BASE[::-1], **{"is": "equivalent"})
    low, high = ends(alike)
    assert (alike.verdict, high) == (SUPPORTED, 3.0)
    logs = np.log(BASE)
    error = math.sqrt(2 * logs.var(ddof=1) / 5)
    assert math.log(low) == pytest.approx(stats.t.ppf(0.95, 8) * error, abs=0.01)


def test_amounts_go_from_nothing_to_three_times_the_claims():
    more = judged(column="modes", wide=BASE + 6, **{"is": "better", "by": 3, "metric": "modes"})
    low, high = ends(more)
    assert (more.verdict, low) == (SUPPORTED, 0.0)
    assert 3 < high < 6
    assert "x" not in more.margins


def test_without_a_margin_or_a_test_there_is_none():
    assert judged(**{"is": "worse"}).margins == ""
    assert judged(wide=[None] * 5, **{"is": "worse", "by": "1.25x"}).margins == ""
    plan = plan_of("wide")
    counted = judge(plan, trials_of(plan, fid(wide=BASE)), outcome={"arm": "wide", "is": "ok",
                    "at_least": 0.5})  # fmt: skip
    assert counted.margins == ""


def test_points_of_a_curve_have_margins_too():
    plan = plan_of(replicates=5, evaluations=2)
    values = [[30.0 + k, (30.0 + k) / 1.5 * (1 + k / 100)] for k in range(5)]
    curves = curves_of(plan, "fid", {"baseline": values})
    points = {"at": "100%", "against": "50%", "is": "better", "by": "1.25x"}
    claim = {"arm": "baseline", "metric": "fid", "points": points}
    better = judge(plan, trials_of(plan, fid(baseline=list(BASE))), curves, curve=claim)
    low, high = ends(better)
    assert (better.verdict, low) == (SUPPORTED, 1.0)
    assert 1.4 < high < 1.5
    changes = np.array([math.log(first / last) for first, last in values])
    assert stats.ttest_1samp(changes, math.log(high)).pvalue <= 0.05
    assert stats.ttest_1samp(changes, math.log(high + 0.02)).pvalue > 0.05


def test_the_range_stands_beside_the_verdict():
    line = claims_markdown(claims_table([judged(**{"is": "worse", "by": "1.25x"})]))
    assert "| supported; the same for margins of 1x to 1." in line

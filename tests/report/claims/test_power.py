"""What n can resolve: against simulation, and in words for the shipped studies."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from ganablate.report.claims.power import resolvable, smallest_effect, smallest_margin
from ganablate.study.claims.claims import Claim
from tests.support.claims_cases import plan_of


@pytest.mark.parametrize(("n", "tests"), [(3, 1), (5, 1), (5, 9), (8, 3)])
def test_the_smallest_effect_is_found_in_four_of_five_simulated_studies(n, tests):
    rng, studies = np.random.default_rng(n), 20_000
    arm = rng.normal(smallest_effect(n, tests), 1, (studies, n))
    p = stats.ttest_ind(arm, rng.normal(size=(studies, n)), axis=1, equal_var=False).pvalue
    assert (p <= 0.05 / tests).mean() == pytest.approx(0.8, abs=0.012)


@pytest.mark.parametrize("n", [5, 8])
def test_the_smallest_margin_is_shown_in_at_least_four_of_five(n):
    rng, studies = np.random.default_rng(n), 20_000
    arm, base, margin = *rng.normal(size=(2, studies, n)), smallest_margin(n)
    how = {"axis": 1, "equal_var": False}
    low = stats.ttest_ind(arm + margin, base, alternative="greater", **how).pvalue
    high = stats.ttest_ind(arm - margin, base, alternative="less", **how).pvalue
    assert (np.maximum(low, high) <= 0.05).mean() == pytest.approx(0.8, abs=0.015)


def resolution(replicates=5, arms=("a", "b"), **claim):
    plan = plan_of(*arms, replicates=replicates)
    parsed = Claim.model_validate({"id": "R9.1", "says": "a sentence", **claim})
    return next(iter(resolvable(replace(plan, claims=(parsed,)))), None)


def test_margins_that_cannot_be_resolved_are_resolution():
    equal = {"arm": "a", "is": "equivalent"}
    few = resolution(3, compare={**equal, "within": "1.25x"})
    ratio = math.exp(0.1 * smallest_margin(3, 2))
    assert f"within {ratio:.2f}x at the least, claimed 1.25x (n 3, 2 tests)" in few.text
    assert not few.resolved
    assert resolution(8, compare={**equal, "within": "1.25x"}).resolved
    one = resolution(1, compare=equal)
    assert (one.resolved, one.text) == (False, "one trial an arm has no spread to judge by")


def test_differences_say_from_where_on_they_are_found():
    beyond = 1.25 * math.exp(0.1 * smallest_effect(5, 2))
    found = resolution(compare={"arm": "a", "is": "worse", "by": "1.25x"})
    assert found.text == f"shows more than 1.25x from {beyond:.2f}x on (n 5, 2 tests)"
    assert resolution(compare={"arm": "a", "is": "worse", "by": "1.25x", "to": "b"}) == found
    several = resolution(compare={"arms": ["a", "b"], "is": "worse"})
    spreads = smallest_effect(5)
    assert several.text == f"finds {math.exp(spreads / 10):.2f}x or {spreads:.1f} spreads (n 5)"


@pytest.mark.parametrize(("n", "resolved"), [(3, False), (5, False), (6, True)])
def test_shares_and_ranks_need_so_many_trials(n, resolved):
    most = {"arm": "a", "is": "fails", "at_least": 0.5}
    assert resolution(n, outcome=most).resolved is resolved
    relation = {"arm": "a", "metric": "fid", "is": "above", "than": "modes"}
    assert resolution(n, relation=relation).resolved is resolved
    settles = {"arm": "a", "metric": "d/criterion", "settles": {"before": "b"}}
    assert resolution(n, curve=settles).resolved is (n > 3)


def test_claims_that_no_training_of_ours_judges_have_no_line():
    assert resolution(visual={"arm": "a"}) is None
    assert resolution(arithmetic={"sum": [1, 2], "is": "equal", "than": 3}) is None
    assert resolution(budget="full", compare={"arm": "a", "is": "worse"}) is None

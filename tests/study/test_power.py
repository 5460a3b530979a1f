"""What few replicates can find: against simulated studies, and in words."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from ganablate.report.stats.statistics import ALPHA
from ganablate.study.checks.power import chance_found, few_replicates
from tests.support.synthetic_study import make_plan


@pytest.mark.parametrize(("n", "arms"), [(2, 1), (3, 9), (5, 9)])
def test_the_chance_is_that_of_simulated_studies(n, arms):
    rng, studies, level = np.random.default_rng(n), 20_000, ALPHA / arms / 2
    arm, base = rng.normal(4, 1, (studies, n)), rng.normal(0, 1, (studies, n))
    p = stats.ttest_ind(arm, base, axis=1, equal_var=False, alternative="greater").pvalue
    assert chance_found(n, 4, level) == pytest.approx((p <= level).mean(), abs=0.012)


def test_no_effect_is_found_no_more_often_than_the_level():
    assert 0.01 < chance_found(3, 0, 0.025) < 0.025
    assert chance_found(10, 40, 0.025 / 9) == pytest.approx(1)


def plan_of(replicates, arms=9, **changes):
    plan = make_plan({"baseline": {}, **{f"a{k}": {} for k in range(arms)}})
    return replace(plan, replicates=replicates, **changes)


def test_few_replicates_in_words():
    text = few_replicates(plan_of(3))
    assert text.endswith(
        ": 3 replicates find a difference of 4 standard deviations in 29 of 100 studies of 9 arms; "
        "5 replicates in 95"
    )
    assert "of 1 arm; 5 replicates in 100" in few_replicates(plan_of(4, arms=1))
    assert "one replicate has no spread" in few_replicates(plan_of(1))
    assert few_replicates(plan_of(5)) is None


def test_a_study_that_compares_nothing_gets_no_warning():
    plan = plan_of(3)
    arms = tuple(replace(arm, null=arm.compare_to is not None) for arm in plan.arms)
    assert few_replicates(replace(plan, arms=arms)) is None

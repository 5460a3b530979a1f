"""Claims that compare arms: scipy's Welch, Holm, exact ranks, and what cannot be compared."""

import math

import numpy as np
import pandas as pd
import pytest
from claims_cases import fid, judge, plan_of, trials_of
from scipy import stats
from synthetic_study import make_plan

from ganablate.report.claims.judgement import (
    CANNOT_TELL,
    CONTRADICTED,
    NONE_STATED,
    NOT_COMPARABLE,
    SUPPORTED,
)
from ganablate.report.table.tables import primary_effects

BASE = [20.0, 21.0, 19.5, 20.4, 20.9]
VERDICTS = {"worse": SUPPORTED, "better": CONTRADICTED, "equivalent": CONTRADICTED}


def welch_p(arm, base, shift):
    """Two-sided p that the log ratio is not `shift`, by scipy."""
    return stats.ttest_ind(np.log(arm) - shift, np.log(base), equal_var=False).pvalue


@pytest.mark.parametrize(
    ("ratio", "verdict"), [(1.6, SUPPORTED), (1.27, CANNOT_TELL), (1.0, CONTRADICTED)]
)
def test_worse_by_a_ratio_is_welchs_test_of_the_logs_about_that_ratio(ratio, verdict):
    plan = plan_of("wide")
    values = [ratio * x for x in (20.5, 20.0, 21.5, 19.0, 20.1)]
    found = judge(
        plan, trials_of(plan, fid(baseline=BASE, wide=values)),
        compare={"arm": "wide", "is": "worse", "by": "1.25x"},
    )  # fmt: skip
    assert found.verdict == verdict
    assert found.p == pytest.approx(welch_p(values, BASE, math.log(1.25)), rel=1e-9)
    expected = np.exp(np.log(values).mean() - np.log(BASE).mean())
    assert found.estimate == pytest.approx(expected, rel=1e-12)
    assert found.low < found.estimate < found.high
    assert (found.n, found.budget) == ("5 trials an arm", "cpu")
    assert "FID against baseline: wide ×" in found.numbers  # noqa: RUF001


@pytest.mark.parametrize(("ratio", "verdict"), [(0.6, SUPPORTED), (1.6, CONTRADICTED)])
def test_better_looks_to_the_other_side(ratio, verdict):
    plan = plan_of("wide")
    trials = trials_of(plan, fid(baseline=BASE, wide=[ratio * x for x in BASE[::-1]]))
    found = judge(plan, trials, compare={"arm": "wide", "is": "better", "by": "1.25x"})
    assert found.verdict == verdict


@pytest.mark.parametrize("seed", range(3))
def test_worse_without_a_margin_agrees_with_the_table_of_arms(seed):
    generator = np.random.default_rng(seed)
    arms = [f"arm{k}" for k in range(6)]
    plan = plan_of(*arms)
    shifts = dict(zip(arms, [0.0, 0.0, 0.1, 0.25, -0.25, 0.6], strict=True))
    values = {
        name: list(20 * np.exp(shifts.get(name, 0.0) + 0.08 * generator.normal(size=5)))
        for name in ("baseline", *arms)
    }
    trials = trials_of(plan, fid(**values))
    effects = primary_effects(trials, pd.DataFrame(), plan).by_arm
    for name in arms:
        found = judge(plan, trials, compare={"arm": name, "is": "worse"})
        assert found.verdict == VERDICTS.get(effects[name].verdict, CANNOT_TELL), name
        if effects[name].verdict in ("worse", "better"):
            assert found.p == pytest.approx(effects[name].p, rel=1e-9)
        assert found.estimate == pytest.approx(effects[name].estimate, rel=1e-12)


@pytest.mark.parametrize(
    ("ratio", "verdict"), [(1.02, SUPPORTED), (1.22, CANNOT_TELL), (1.6, CONTRADICTED)]
)
def test_equivalence_is_two_one_sided_tests(ratio, verdict):
    plan = plan_of("wide")
    values = [ratio * x for x in (20.5, 20.0, 21.5, 19.0, 20.1)]
    found = judge(
        plan, trials_of(plan, fid(baseline=BASE, wide=values)),
        compare={"arm": "wide", "is": "equivalent", "within": "1.25x"},
    )  # fmt: skip
    assert found.verdict == verdict
    logs, margin = (np.log(values), np.log(BASE)), math.log(1.25)
    sides = [
        stats.ttest_ind(logs[0] + margin, logs[1], equal_var=False, alternative="greater").pvalue,
        stats.ttest_ind(logs[0] - margin, logs[1], equal_var=False, alternative="less").pvalue,
    ]
    if verdict != CONTRADICTED:
        assert found.p == pytest.approx(max(sides), rel=1e-9)
    else:
        assert found.p == pytest.approx(welch_p(values, BASE, margin), rel=1e-9)


def test_different_wants_the_margin_to_be_left_on_either_side():
    plan = plan_of("wide")
    for ratio, verdict in ((0.5, SUPPORTED), (2.0, SUPPORTED), (1.01, CONTRADICTED)):
        trials = trials_of(plan, fid(baseline=BASE, wide=[ratio * x for x in BASE[::-1]]))
        found = judge(plan, trials, compare={"arm": "wide", "is": "different", "by": "1.25x"})
        assert found.verdict == verdict


def test_an_absolute_margin_is_a_difference():
    plan = plan_of("small")
    base, own = [10.0, 9, 10, 10, 9], [4.0, 3, 4, 5, 3]
    trials = trials_of(plan, {"baseline": {"modes": base}, "small": {"modes": own}})
    compare = {"arm": "small", "metric": "modes", "is": "worse", "by": 3}
    found = judge(plan, trials, compare=compare)
    p = stats.ttest_ind(np.array(own) + 3, base, equal_var=False).pvalue
    assert found.verdict == SUPPORTED
    assert (found.p, found.estimate) == (pytest.approx(p, rel=1e-9), pytest.approx(-5.8))


def test_p_is_holms_over_the_studys_arms_or_over_the_claims_own():
    plan = plan_of("a", "b", "c")
    own = {"a": [23.0, 24, 22, 23, 24.5], "b": BASE[::-1], "c": [x * 1.01 for x in BASE]}
    trials = trials_of(plan, fid(baseline=BASE, **own))
    alone = [welch_p(own[name], BASE, 0) for name in own]
    claimed = judge(plan, trials, compare={"arm": "a", "is": "worse"})
    assert claimed.p == pytest.approx(3 * alone[0], rel=1e-9)  # the smallest of three
    to = judge(plan, trials, compare={"arm": "a", "to": "baseline", "is": "worse"})
    assert to.p == pytest.approx(alone[0], rel=1e-9)


def test_several_arms_are_all_worse_only_if_each_is_and_not_if_one_is_shown_better():
    plan = plan_of("a", "b")
    worse, better = [1.5 * x for x in BASE], [0.6 * x for x in BASE]
    claim = {"arms": "all", "is": "worse"}
    both = trials_of(plan, fid(baseline=BASE, a=worse, b=worse[::-1]))
    assert judge(plan, both, compare=claim).verdict == SUPPORTED
    one = trials_of(plan, fid(baseline=BASE, a=worse, b=[19.0, 24, 18, 26, 21]))
    assert judge(plan, one, compare=claim).verdict == CANNOT_TELL
    none = judge(plan, trials_of(plan, fid(baseline=BASE, a=worse, b=better)), compare=claim)
    assert (none.verdict, none.arms) == (CONTRADICTED, ("a", "b"))
    assert none.estimate == pytest.approx(0.6)


def test_support_of_several_arms_is_tested_for_each_at_the_level_by_itself():
    plan = plan_of("a", "b")
    weak = [22.4, 28.0, 21.6, 22.5, 26.5]
    p = welch_p(weak, BASE, 0)
    assert 0.025 < p < 0.05  # too large for Holm over two
    trials = trials_of(plan, fid(baseline=BASE, a=weak, b=weak[::-1]))
    assert judge(plan, trials, compare={"arms": ["a", "b"], "is": "worse"}).verdict == SUPPORTED
    single = trials_of(plan, fid(baseline=BASE, a=weak, b=BASE))
    assert judge(plan, single, compare={"arm": "a", "is": "worse"}).verdict == CANNOT_TELL


def test_an_arm_can_be_claimed_better_than_each_of_several():
    plan = plan_of("a", "b")
    trials = trials_of(plan, fid(baseline=[2 * x for x in BASE], a=BASE, b=[3 * x for x in BASE]))
    compare = {"arm": "a", "to": ["baseline", "b"], "is": "better", "by": "1.25x"}
    found = judge(plan, trials, compare=compare)
    assert found.verdict == SUPPORTED
    assert "FID of a: against baseline ×0.5" in found.numbers  # noqa: RUF001


def test_an_arm_that_only_fails_is_worse_by_any_ratio():
    plan = plan_of("bad")
    own = [1.1 * x for x in BASE]
    trials = trials_of(plan, fid(baseline=BASE, bad=own), {"bad": ["collapsed"] * 5})
    found = judge(plan, trials, compare={"arm": "bad", "is": "worse", "by": "3x"})
    assert (found.verdict, found.p) == (SUPPORTED, pytest.approx(2 / math.comb(10, 5)))
    assert "all 5 trials fail, none of the other's, exact p 0.00794" in found.numbers
    for expected in ("better", "equivalent"):
        assert judge(plan, trials, compare={"arm": "bad", "is": expected}).verdict == CONTRADICTED


def test_diverged_trials_rank_worst_by_exact_ranks_about_the_margin():
    plan = plan_of("bad")
    outcomes = {"bad": ["diverged", "ok", "ok", "ok", "ok"]}
    own = [None, 40.0, 41.0, 42.0, 43.0]
    trials = trials_of(plan, fid(baseline=BASE, bad=own), outcomes)
    found = judge(plan, trials, compare={"arm": "bad", "is": "worse", "by": "1.25x"})
    assert (found.verdict, found.estimate) == (SUPPORTED, None)
    assert found.p == pytest.approx(2 / math.comb(10, 5))
    # 40 to 43 are less than 3 times the baseline's: only the diverged one is beyond.
    by_three = judge(plan, trials, compare={"arm": "bad", "is": "worse", "by": "3x"})
    assert by_three.verdict == CANNOT_TELL
    assert "1 and 0 trials diverged, by ranks" in by_three.numbers


def test_a_ratio_needs_positive_numbers_of_both_arms():
    plan = plan_of("wide")
    trials = trials_of(plan, fid(baseline=BASE, wide=[0.0, 20, 21, 22, 23]))
    found = judge(plan, trials, compare={"arm": "wide", "is": "worse", "by": "1.25x"})
    assert found.verdict == NOT_COMPARABLE
    assert "above 0" in found.because


def test_losses_of_another_criterion_are_not_comparable_but_fid_is():
    plan = plan_of("mse", changes={"mse": {"criterion": "mse"}})
    own = {
        name: {"fid": BASE, "g_loss_mean": [1.0, 1.1, 1.2, 1.0, 1.1]}
        for name in ("baseline", "mse")
    }
    trials = trials_of(plan, own)
    compare = {"arm": "mse", "metric": "g_loss_mean", "is": "higher"}
    found = judge(plan, trials, compare=compare)
    assert found.verdict == NOT_COMPARABLE
    assert found.because == "losses of mse and of bce are on different scales"
    assert judge(plan, trials, compare={"arm": "mse", "is": "equivalent"}).verdict == SUPPORTED


def test_numbers_of_another_protocol_are_not_comparable():
    plan = plan_of("wide")
    trials = trials_of(plan, fid(baseline=BASE, wide=BASE), stamps={"wide": "another"})
    found = judge(plan, trials, compare={"arm": "wide", "is": "equivalent"})
    assert found.verdict == NOT_COMPARABLE
    assert "different protocols" in found.because


def test_nothing_can_be_told_against_an_arm_that_does_not_work_itself():
    plan = plan_of("wide", replicates=4)
    trials = trials_of(
        plan, fid(baseline=BASE[:4], wide=[2 * x for x in BASE[:4]]),
        {"baseline": ["ok", "ok", "collapsed", "saturated"]},
    )  # fmt: skip
    found = judge(plan, trials, compare={"arm": "wide", "is": "worse"})
    assert found.verdict == CANNOT_TELL
    assert found.because == "baseline itself works in 2 of 4 trials at this budget"
    assert found.estimate == pytest.approx(2.0)


def test_outcomes_that_were_not_assessed_do_not_make_a_reference_fail():
    plan = plan_of("wide")
    trials = trials_of(
        plan, fid(baseline=BASE, wide=[2 * x for x in BASE]), {"baseline": [None] * 5}
    )
    assert judge(plan, trials, compare={"arm": "wide", "is": "worse"}).verdict == SUPPORTED


def test_one_trial_or_none_leaves_a_claim_open():
    single = plan_of("wide", replicates=1)
    trials = trials_of(single, fid(baseline=[20.0], wide=[40.0]))
    found = judge(single, trials, compare={"arm": "wide", "is": "worse"})
    assert (found.verdict, found.estimate, found.p) == (CANNOT_TELL, pytest.approx(2.0), None)
    assert found.because == "one trial has no spread to judge by"
    plan = plan_of("wide")
    found = judge(plan, trials_of(plan, fid(baseline=BASE)), compare={"arm": "wide", "is": "worse"})
    assert (found.verdict, found.because) == (CANNOT_TELL, "no trial of wide has this number yet")


def test_arms_without_any_spread_are_ranked():
    plan = plan_of("small")
    trials = trials_of(plan, {"baseline": {"modes": [10.0] * 5}, "small": {"modes": [4.0] * 5}})
    compare = {"arm": "small", "metric": "modes", "is": "worse", "by": 3}
    found = judge(plan, trials, compare=compare)
    assert (found.verdict, found.estimate) == (SUPPORTED, -6.0)
    assert found.p == pytest.approx(2 / math.comb(10, 5))


def test_null_arms_are_in_no_claim_and_in_no_correction():
    plan = make_plan({"baseline": {}, "wide": {}, "null": {}}, replicates=5)
    arms = tuple(
        type(arm)(arm.name, arm.changes, arm.compare_to, arm.config, null=arm.name == "null")
        for arm in plan.arms
    )
    plan = type(plan)(**{**{k: getattr(plan, k) for k in plan.__dataclass_fields__}, "arms": arms})
    own = [23.0, 24, 22, 23, 24.5]
    trials = trials_of(plan, fid(baseline=BASE, wide=own, null=BASE[::-1]))
    found = judge(plan, trials, compare={"arms": "all", "is": "worse"})
    assert (found.arms, found.p) == (("wide",), pytest.approx(welch_p(own, BASE, 0)))


def test_none_stated_shows_the_effect_without_a_verdict():
    plan = plan_of("wide")
    trials = trials_of(plan, fid(baseline=BASE, wide=[2 * x for x in BASE]))
    found = judge(plan, trials, none_stated={"arm": "wide"})
    assert (found.verdict, found.estimate) == (NONE_STATED, pytest.approx(2.0))

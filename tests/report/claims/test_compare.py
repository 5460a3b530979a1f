"""Claims that compare arms: scipy's Welch, Holm, exact ranks, and what cannot be compared."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from ganablate.report.analysis import Analysis
from ganablate.report.claims.judgement import (
    CANNOT_TELL,
    CONTRADICTED,
    NONE_STATED,
    NOT_COMPARABLE,
    NOT_WORKING,
    SUPPORTED,
)
from tests.support.claims_cases import fid, judge, plan_of, trials_of

BASE = [20.0, 21.0, 19.5, 20.4, 20.9]
LIKE_BASE = np.array([20.5, 20.0, 21.5, 19.0, 20.1])
VERDICTS = {"worse": SUPPORTED, "better": CONTRADICTED, "equivalent": CONTRADICTED}
TEN = 2 / math.comb(10, 5)
"""The exact p of five against five in perfect order."""


def times(ratio, values=BASE):
    return [ratio * x for x in values]


def compared(outcomes=None, *, base=BASE, column="fid", stamps=None, changes=None, **given):
    """A claim about `column`: the arms' numbers, then what is claimed of them (`is_` is `is`)."""
    arms = {name: values for name, values in given.items() if name in ("a", "b", "c", "wide")}
    claim = {name.rstrip("_"): value for name, value in given.items() if name not in arms}
    if not {"arms", "some"} & claim.keys():
        claim = {"arm": next(iter(arms)), **claim}
    if column != "fid":
        claim["metric"] = column
    plan = plan_of(*arms, replicates=len(base), changes=changes)
    numbers = {name: {column: list(values)} for name, values in {"baseline": base, **arms}.items()}
    return judge(plan, trials_of(plan, numbers, outcomes, stamps), compare=claim)


def welch_p(arm, base, shift=0.0):
    """Two-sided p that the log ratio is not `shift`, by scipy."""
    return stats.ttest_ind(np.log(arm) - shift, np.log(base), equal_var=False).pvalue


@pytest.mark.parametrize(
    ("ratio", "verdict"), [(1.6, SUPPORTED), (1.27, CANNOT_TELL), (1.0, CONTRADICTED)]
)
def test_worse_by_a_ratio_is_welchs_test_of_the_logs_about_that_ratio(ratio, verdict):
    values = ratio * LIKE_BASE
    judged = compared(wide=values, is_="worse", by="1.25x")
    assert judged.verdict == verdict
    assert judged.p == pytest.approx(welch_p(values, BASE, math.log(1.25)), rel=1e-9)
    expected = np.exp(np.log(values).mean() - np.log(BASE).mean())
    assert judged.estimate == pytest.approx(expected, rel=1e-12)
    assert judged.low < judged.estimate < judged.high
    assert (judged.n, judged.budget) == ("5 trials an arm", "cpu")
    assert "FID against baseline: wide ×" in judged.numbers  # noqa: RUF001


@pytest.mark.parametrize(
    ("ratio", "expected", "verdict"),
    [
        (0.6, "better", SUPPORTED), (1.6, "better", CONTRADICTED), (0.5, "different", SUPPORTED),
        (2.0, "different", SUPPORTED), (1.01, "different", CONTRADICTED),
    ],
)  # fmt: skip
def test_better_looks_to_the_other_side_and_different_to_both(ratio, expected, verdict):
    judged = compared(wide=times(ratio, BASE[::-1]), is_=expected, by="1.25x")
    assert judged.verdict == verdict


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
    for name, effect in Analysis(plan, trials).effects.by_arm.items():
        judged = judge(plan, trials, compare={"arm": name, "is": "worse"})
        assert judged.verdict == VERDICTS.get(effect.verdict, CANNOT_TELL), name
        if effect.verdict in ("worse", "better"):
            assert judged.p == pytest.approx(effect.p, rel=1e-9)
        assert judged.estimate == pytest.approx(effect.estimate, rel=1e-12)


@pytest.mark.parametrize(
    ("ratio", "verdict"), [(1.02, SUPPORTED), (1.22, CANNOT_TELL), (1.6, CONTRADICTED)]
)
def test_equivalence_is_two_one_sided_tests(ratio, verdict):
    values, margin = ratio * LIKE_BASE, math.log(1.25)
    judged = compared(wide=values, is_="equivalent", within="1.25x")
    above, below = np.log(values) + margin, np.log(values) - margin
    sides = [
        stats.ttest_ind(above, np.log(BASE), equal_var=False, alternative="greater").pvalue,
        stats.ttest_ind(below, np.log(BASE), equal_var=False, alternative="less").pvalue,
    ]
    expected = welch_p(values, BASE, margin) if verdict == CONTRADICTED else max(sides)
    assert (judged.verdict, judged.p) == (verdict, pytest.approx(expected, rel=1e-9))


def test_an_absolute_margin_is_a_difference():
    base, values = [10.0, 9, 10, 10, 9], np.array([4.0, 3, 4, 5, 3])
    judged = compared(base=base, a=values, column="modes", is_="worse", by=3)
    p = stats.ttest_ind(values + 3, base, equal_var=False).pvalue
    assert judged.verdict == SUPPORTED
    assert (judged.p, judged.estimate) == (pytest.approx(p, rel=1e-9), pytest.approx(-5.8))


def test_p_is_holms_over_the_tables_arms_however_the_claim_is_written():
    arms = {"a": [23.0, 24, 22, 23, 24.5], "b": BASE[::-1], "c": times(1.01)}
    alone = welch_p(arms["a"], BASE)  # the smallest of three
    assert compared(**arms, is_="worse").p == pytest.approx(3 * alone, rel=1e-9)
    assert compared(**arms, is_="worse", to="baseline").p == pytest.approx(3 * alone, rel=1e-9)
    turned = compared(**arms, arm="baseline", is_="better", to="a")
    assert turned.p == pytest.approx(3 * alone, rel=1e-9)
    # Another partner takes the place of the table's.
    partner = welch_p(arms["a"], arms["b"])
    assert compared(**arms, is_="worse", to="b").p == pytest.approx(3 * partner, rel=1e-9)


def test_p_of_a_primary_metric_is_holms_over_every_primary_one():
    numbers = {
        "baseline": {"fid": [20.0, 21.0, 22.0], "recall": [0.5, 0.52, 0.54]},
        "a": {"fid": [26.0, 28.0, 27.0], "recall": [0.3, 0.33, 0.31]},
        "b": {"fid": [20.0, 22.0, 23.0], "recall": [0.5, 0.51, 0.55]},
    }
    plan = plan_of("a", "b", replicates=3, metrics=("fid", "precision_recall"))
    plan = replace(plan, primaries=("fid", "recall"))
    trials = trials_of(plan, numbers)
    analysis = Analysis(plan, trials)
    for metric in ("fid", "recall"):
        judged = judge(plan, trials, compare={"arm": "a", "metric": metric, "is": "worse"})
        assert judged.p == analysis.judged[metric].by_arm["a"].p
    alone = Analysis(replace(plan, primaries=("fid",)), trials).judged["fid"].by_arm["a"].p
    assert analysis.judged["fid"].by_arm["a"].p > alone
    assert analysis.judged["fid"].tests == 4


def test_several_arms_are_all_worse_only_if_each_is_and_not_if_one_is_shown_better():
    def both(b):
        return compared(a=times(1.5), b=b, arms="all", is_="worse")

    assert both(times(1.5, BASE[::-1])).verdict == SUPPORTED
    assert both([19.0, 24, 18, 26, 21]).verdict == CANNOT_TELL
    none = both(times(0.6))
    assert (none.verdict, none.arms) == (CONTRADICTED, ("a", "b"))
    assert none.estimate == pytest.approx(0.6)


def test_support_of_several_arms_is_tested_for_each_at_the_level_by_itself():
    weak = [22.4, 28.0, 21.6, 22.5, 26.5]
    assert 0.025 < welch_p(weak, BASE) < 0.05  # too large for Holm over two
    assert compared(a=weak, b=weak[::-1], arms=["a", "b"], is_="worse").verdict == SUPPORTED
    assert compared(a=weak, b=BASE, is_="worse").verdict == CANNOT_TELL


def test_some_of_several_arms_is_enough_and_then_holm_is_over_them():
    weak = [22.4, 28.0, 21.6, 22.5, 26.5]
    alone = welch_p(weak, BASE)
    assert 0.025 < alone < 0.05
    either = compared(a=times(1.5), b=BASE, some=["a", "b"], is_="worse", by="1.25x")
    assert (either.verdict, either.arms) == (SUPPORTED, ("a", "b"))
    assert either.estimate == pytest.approx(1.5, rel=0.01)
    # Who looks at two arms for one that is worse has to pay for both.
    paid = compared(a=weak, b=[20.3, 20.1, 20.9, 19.8, 20.6], some=["a", "b"], is_="worse")
    assert (paid.verdict, paid.p) == (CANNOT_TELL, pytest.approx(2 * alone))
    # It is contradicted only if each is, and each test then stands by itself.
    neither = compared(a=times(0.6), b=times(0.7), some=["a", "b"], is_="worse", by="1.25x")
    assert neither.verdict == CONTRADICTED
    one = compared(a=times(0.6), b=weak, some=["a", "b"], is_="worse", by="1.25x")
    assert one.verdict == CANNOT_TELL


def test_an_arm_can_be_claimed_better_than_each_of_several():
    judged = compared(
        base=times(2), a=BASE, b=times(3), to=["baseline", "b"], is_="better", by="1.25x"
    )
    assert judged.verdict == SUPPORTED
    assert "FID of a: against baseline ×0.5" in judged.numbers  # noqa: RUF001


def test_many_arms_are_counted():
    plan = plan_of(*"abcde")
    values = {name: times(2) for name in "abcd"} | {"baseline": BASE, "e": times(0.5)}
    judged = judge(plan, trials_of(plan, fid(**values)), compare={"arms": "all", "is": "worse"})
    assert "5 arms: shown for 4, the opposite shown for 1 (e " in judged.numbers


def test_an_arm_that_only_fails_is_worse_by_any_ratio():
    fails = {"a": ["collapsed"] * 5}
    judged = compared(fails, a=times(1.1), is_="worse", by="3x")
    assert (judged.verdict, judged.p) == (SUPPORTED, pytest.approx(TEN))
    assert "all 5 trials fail, none of the other's, exact p 0.00794" in judged.numbers
    for expected in ("better", "equivalent"):
        other = compared(fails, a=times(1.1), is_=expected)
        assert (other.verdict, other.because) == (
            CANNOT_TELL,
            "a itself works in 0 of 5 trials at this budget",
        )


def test_an_arm_that_does_not_work_contradicts_no_claim_about_its_losses():
    calm = {"base": [1.0, 1.1, 1.2, 1.0, 1.1], "a": [3.0, 3.1, 3.2, 3.0, 3.1]}
    claim = {"column": "g_loss_spread", "is_": "lower", "by": "1.25x"}
    assert compared(**calm, **claim).verdict == CONTRADICTED
    saturated = compared({"a": ["saturated"] * 5}, **calm, **claim)
    assert saturated.verdict == CANNOT_TELL
    assert saturated.because == "a itself works in 0 of 5 trials at this budget"
    partly = compared({"a": ["saturated"] * 2 + ["ok"] * 3}, **calm, **claim)
    assert partly.verdict == CONTRADICTED
    collapsed = {name: ["collapsed"] * 5 for name in ("a", "baseline")}
    assert compared(collapsed, **calm, **claim).verdict == CONTRADICTED  # it goes on playing


def test_three_failures_of_three_decide_nothing_by_themselves():
    fails, few = {"a": ["collapsed"] * 3}, BASE[:3]
    judged = compared(fails, base=few, a=times(1.1, few), is_="worse", by="3x")
    assert "all 3 trials fail, none of the other's (exact p 0.1), " in judged.numbers
    assert judged.verdict == CONTRADICTED  # its numbers are short of 3x
    assert judged.p == pytest.approx(welch_p(times(1.1, few), few, math.log(3)), rel=1e-9)
    spread = [20.0, 60.0, 180.0]
    assert compared(fails, base=few, a=spread, is_="worse").verdict == CANNOT_TELL


def test_diverged_trials_rank_worst_by_exact_ranks_about_the_margin():
    outcomes, values = {"a": ["diverged", "ok", "ok", "ok", "ok"]}, [None, 40.0, 41.0, 42.0, 43.0]
    judged = compared(outcomes, a=values, is_="worse", by="1.25x")
    assert (judged.verdict, judged.estimate) == (SUPPORTED, None)
    assert judged.p == pytest.approx(TEN)
    # 40 to 43 are less than 3 times the baseline's: only the diverged one is beyond.
    by_three = compared(outcomes, a=values, is_="worse", by="3x")
    assert by_three.verdict == CANNOT_TELL
    assert "1 and 0 trials diverged, by ranks" in by_three.numbers


def test_what_cannot_be_compared():
    zero = compared(wide=[0.0, 20, 21, 22, 23], is_="worse", by="1.25x")
    assert (zero.verdict, "above 0" in zero.because) == (NOT_COMPARABLE, True)
    losses = {"base": [1.0, 1.1, 1.2, 1.0, 1.1], "wide": [1.0, 1.1, 1.2, 1.0, 1.1]}
    mse = {"wide": {"criterion": "mse"}}
    other = compared(**losses, changes=mse, column="g_loss_mean", is_="higher")
    assert other.verdict == NOT_COMPARABLE
    assert other.because == "losses of mse and of bce are on different scales"
    assert compared(wide=BASE, changes=mse, is_="equivalent").verdict == SUPPORTED
    protocol = compared(wide=BASE, stamps={"wide": "another"}, is_="equivalent")
    assert (protocol.verdict, "protocols" in protocol.because) == (NOT_COMPARABLE, True)


def test_nothing_can_be_told_against_an_arm_that_does_not_work_itself():
    half = {"baseline": ["ok", "ok", "collapsed", "saturated"]}
    judged = compared(half, base=BASE[:4], wide=times(2, BASE[:4]), is_="worse")
    assert (judged.verdict, judged.estimate) == (NOT_WORKING, pytest.approx(2.0))
    assert judged.because == "baseline itself works in 2 of 4 trials at this budget"
    # Outcomes that were not assessed do not make a reference fail.
    assert compared({"baseline": [None] * 5}, wide=times(2), is_="worse").verdict == SUPPORTED


def test_one_trial_or_none_leaves_a_claim_open():
    single = compared(base=[20.0], wide=[40.0], is_="worse")
    assert (single.verdict, single.estimate, single.p) == (CANNOT_TELL, pytest.approx(2.0), None)
    assert single.because == "one trial has no spread to judge by"
    none = compared(wide=[None] * 5, is_="worse")
    assert (none.verdict, none.because) == (CANNOT_TELL, "no trial of wide has this number yet")


def test_arms_without_any_spread_are_ranked():
    judged = compared(base=[10.0] * 5, a=[4.0] * 5, column="modes", is_="worse", by=3)
    assert (judged.verdict, judged.estimate) == (SUPPORTED, -6.0)
    assert judged.p == pytest.approx(TEN)


def test_null_arms_are_in_no_claim_and_in_no_correction():
    plan = plan_of("wide", "null")
    arms = tuple(replace(arm, null=arm.name == "null") for arm in plan.arms)
    values = [23.0, 24, 22, 23, 24.5]
    trials = trials_of(plan, fid(baseline=BASE, wide=values, null=BASE[::-1]))
    judged = judge(replace(plan, arms=arms), trials, compare={"arms": "all", "is": "worse"})
    assert (judged.arms, judged.p) == (("wide",), pytest.approx(welch_p(values, BASE)))


def test_none_stated_shows_the_effect_without_a_verdict():
    plan = plan_of("wide")
    trials = trials_of(plan, fid(baseline=BASE, wide=times(2)))
    judged = judge(plan, trials, none_stated={"arm": "wide"})
    assert (judged.verdict, judged.estimate) == (NONE_STATED, pytest.approx(2.0))
    unmeasured = judge(plan, trials, none_stated={"arm": "wide", "metric": "kid"})
    assert (unmeasured.verdict, unmeasured.because) == (NONE_STATED, "kid is not measured here")

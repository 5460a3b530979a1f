"""Associations against scipy, arithmetic on printed numbers, and what is only shown."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ganablate.report.claims.association import spearman
from ganablate.report.claims.judgement import (
    CANNOT_TELL,
    CONTRADICTED,
    DOES_NOT_HOLD,
    HOLDS,
    MISPRINT,
    NOT_TESTED,
    SHOWN,
    SUPPORTED,
    UNCLEAR,
)
from ganablate.study.plan import PublishedNumber
from tests.support.claims_cases import curves_of, fid, judge, plan_of, trials_of

ARMS = [f"arm{k}" for k in range(7)]


def associated(slope, *, noise=0.05, arms=ARMS, **claim):
    """FID over G loss of a study whose arms differ in both; `slope` 0: in neither's favour."""
    rng = np.random.default_rng(1)
    plan = plan_of(*arms, replicates=4)
    numbers = {}
    for k, name in enumerate(["baseline", *arms]):
        loss = 1 + 0.3 * k + noise * rng.normal(size=4)
        level = slope * loss if slope else rng.normal(size=4)
        numbers[name] = {"g_loss_mean": list(loss), "fid": list(20 + level)}
    trials = trials_of(plan, numbers)
    claim = {"metric": "g_loss_mean", "with": "fid", **claim}
    return trials, judge(plan, trials, association=claim)


@pytest.mark.parametrize(
    ("over", "slope", "expected", "verdict"),
    [
        ("arms", 2, "positive", SUPPORTED), ("arms", 2, "negative", CONTRADICTED),
        ("arms", -2, "negative", SUPPORTED), ("arms", -2, "positive", CONTRADICTED),
        ("trials", 2, "positive", SUPPORTED), ("trials", -2, "positive", CONTRADICTED),
        ("trials", 2, "weak", CONTRADICTED), ("trials", 0, "weak", CANNOT_TELL),
    ],
)  # fmt: skip
def test_an_association_is_shown_by_its_interval(over, slope, expected, verdict):
    trials, judged = associated(slope, **{"is": expected, "over": over})
    assert judged.verdict == verdict
    columns = trials[["g_loss_mean", "fid"]]
    if over == "arms":
        columns = trials.groupby("arm", sort=False)[["g_loss_mean", "fid"]].mean()
    rho = stats.spearmanr(columns["g_loss_mean"], columns["fid"]).statistic
    assert judged.estimate == pytest.approx(rho)
    assert judged.low < rho + 1e-9
    assert judged.high > rho - 1e-9
    assert judged.n == "8 arms, 32 trials"


def test_spearman_of_ties_is_scipys_and_of_a_constant_none():
    pairs = np.array([[1.0, 2], [1, 3], [2, 3], [4, 1]])
    assert spearman(pairs) == pytest.approx(stats.spearmanr(*pairs.T).statistic)
    assert np.isnan(spearman(np.array([[1.0, 2], [1, 3], [1, 4]])))


def test_the_interval_over_trials_knows_that_trials_of_an_arm_hang_together():
    """Arms of one pair of numbers each: the interval is that of 8 arms, not of 32 trials."""
    plan = plan_of(*ARMS, replicates=4)
    rng = np.random.default_rng(2)
    numbers = {
        name: {"g_loss_mean": [1.0 + k] * 4, "fid": [20 + k + 4 * rng.normal()] * 4}
        for k, name in enumerate(["baseline", *ARMS])
    }
    judged = judge(
        plan, trials_of(plan, numbers),
        association={"metric": "g_loss_mean", "with": "fid", "is": "positive"},
    )  # fmt: skip
    as_if_independent = 2 * 1.96 * np.sqrt(1.06 / (32 - 3)) * (1 - judged.estimate**2)
    assert judged.high - judged.low > 1.5 * as_if_independent


def test_few_arms_tell_nothing_and_arms_of_another_criterion_are_left_out():
    _, few = associated(2, arms=ARMS[:3], **{"is": "positive"})
    assert (few.verdict, few.estimate) == (CANNOT_TELL, None)
    plan = plan_of(*ARMS, replicates=4, changes={"arm0": {"criterion": "mse"}})
    own = {"g_loss_mean": [1.0, 2, 3, 4], "fid": [1.0, 2, 3, 4]}
    trials = trials_of(plan, dict.fromkeys(["baseline", *ARMS], own))
    claim = {"metric": "g_loss_mean", "with": "fid", "is": "positive"}
    judged = judge(plan, trials, association=claim)
    assert judged.n == "7 arms, 28 trials"
    assert "1 arm of another scale or without numbers left out" in judged.numbers
    assert judged.because is None
    lacking = {**own, "fid": [1.0, None, 3, None]}
    trials = trials_of(plan, {**dict.fromkeys(["baseline", *ARMS], own), "arm1": lacking})
    judged = judge(plan, trials, association=claim)
    assert (judged.n, judged.verdict) == ("7 arms, 26 trials", SUPPORTED)
    assert judged.because == "2 complete trials without these numbers"


def along(pairs, expected, metric="d/criterion"):
    """A claim over the training: a replicate is (FID at points, loss in twice as many blocks)."""
    plan = plan_of(replicates=len(pairs), evaluations=len(pairs[0][0]))
    trials = trials_of(plan, fid(baseline=[20.0] * len(pairs)))
    columns = zip(("fid", metric), zip(*pairs, strict=True), strict=True)
    curves = pd.concat([curves_of(plan, name, {"baseline": points}) for name, points in columns])
    claim = {"metric": metric, "with": "fid", "is": expected, "over": "training", "arm": "baseline"}
    return judge(plan, trials, curves, association=claim)


def test_over_the_training_each_trial_gives_one_correlation():
    rng = np.random.default_rng(5)
    pairs = []
    for _ in range(5):
        course = np.linspace(100, 20, 10) + 12 * rng.normal(size=10)
        loss = np.repeat(-course / 50, 2) + 0.3 * rng.normal(size=20)
        pairs.append((list(course), list(loss)))
    judged = along(pairs, "negative")
    # Every second block ends where FID is measured.
    rhos = [stats.spearmanr(one, other[1::2]).statistic for one, other in pairs]
    z = np.arctanh(rhos)
    ends = stats.t.interval(0.95, 4, z.mean(), stats.sem(z))
    assert judged.verdict == SUPPORTED
    assert judged.estimate == pytest.approx(np.tanh(z.mean()))
    assert (judged.low, judged.high) == pytest.approx(tuple(np.tanh(ends)))
    assert "(10 points)" in judged.numbers
    assert judged.numbers.endswith("at most -0.5: p = 0.019")
    weak = along(pairs, "weak")
    assert weak.verdict == CONTRADICTED
    assert weak.numbers.endswith("more than 0.5: p = 0.019")
    assert along(pairs, "positive").verdict == CONTRADICTED


def test_a_perfect_order_in_every_trial_is_still_a_finite_correlation():
    pairs = [(list(np.arange(10.0, 0, -1)), list(np.arange(20.0)))] * 3
    judged = along(pairs, "negative")
    assert judged.estimate == pytest.approx(-1, abs=0.01)
    assert judged.verdict in (SUPPORTED, CANNOT_TELL)


def test_one_arms_correlation_may_be_stronger_than_anothers():
    """Sizes of Fisher's z, by Welch: their sign does not matter."""
    rng = np.random.default_rng(3)
    plan = plan_of("wide", replicates=5, evaluations=10)
    trials = trials_of(plan, fid(baseline=[20.0] * 5, wide=[20.0] * 5))
    courses = {arm: [list(rng.normal(size=10)) for _ in range(5)] for arm in ("baseline", "wide")}
    losses = {
        arm: [
            list(sign * np.array(course) + noise * rng.normal(size=10)) for course in courses[arm]
        ]
        for arm, sign, noise in (("baseline", 1, 3.0), ("wide", -1, 0.5))
    }
    curves = pd.concat([curves_of(plan, "fid", courses), curves_of(plan, "d/criterion", losses)])
    claim = {"metric": "d/criterion", "with": "fid", "is": "stronger", "over": "training"}
    stronger = judge(plan, trials, curves, association={**claim, "arm": "wide", "to": "baseline"})
    zs = {
        arm: [
            abs(np.arctanh(stats.spearmanr(*pair).statistic))
            for pair in zip(courses[arm], losses[arm], strict=True)
        ]
        for arm in courses
    }
    expected = stats.ttest_ind(zs["wide"], zs["baseline"], equal_var=False).pvalue
    assert (stronger.verdict, stronger.p) == (SUPPORTED, pytest.approx(expected, rel=1e-6))
    assert stronger.against == ("baseline",)
    weaker = judge(plan, trials, curves, association={**claim, "arm": "baseline", "to": "wide"})
    assert weaker.verdict == CONTRADICTED


def printed(**rows):
    """A plan with published numbers: name -> value by arm."""
    numbers = [
        PublishedNumber(arm, None, name, value, "as printed", "a report")
        for name, values in rows.items()
        for arm, value in values.items()
    ]
    return replace(plan_of("a", "b"), published=tuple(numbers))


def counted(plan, **arithmetic):
    return judge(plan, trials_of(plan, {}), arithmetic=arithmetic)


def test_sums_are_exact_decimals():
    plan = plan_of()
    tenths = {"sum": [0.1, 0.2], "is": "equal", "than": 0.3}
    assert counted(plan, **tenths).verdict == HOLDS
    off = counted(plan, **{**tenths, "than": 0.31})
    assert off.verdict == DOES_NOT_HOLD
    assert off.numbers == "They add up to 0.3; claimed: equal to 0.31"
    assert counted(plan, **{**tenths, "than": 0.31, "within": "1.05x"}).verdict == HOLDS
    assert counted(plan, **{**tenths, "than": 0.31, "within": 0.005}).verdict == DOES_NOT_HOLD
    wrong = {"sum": [1, 2], "is": "equal", "than": 4, "otherwise": "misprint"}
    assert counted(plan, **wrong).verdict == MISPRINT
    assert counted(plan, **{**wrong, "otherwise": "unclear"}).verdict == UNCLEAR


def test_published_rows_that_break_it_are_named_and_counted():
    plan = printed(low={"baseline": 1.0, "a": 3.902, "b": 2.0}, mean={"baseline": 2.0, "a": 0.0604})
    claim = {"published": "low", "is": "at_most", "than": "mean", "otherwise": "misprint"}
    judged = counted(plan, **claim)
    assert judged.verdict == MISPRINT
    assert judged.numbers == "low at most mean in 1 of 2 rows; not in 1: a (3.902 and 0.0604)"
    assert judged.n == "2 rows"
    assert counted(plan, published="low", than="3.95", **{"is": "below"}).verdict == HOLDS
    above = counted(plan, published="low", than="1.5", **{"is": "above"})
    assert (above.verdict, above.n) == (DOES_NOT_HOLD, "3 rows")
    nowhere = counted(plan_of("a"), **claim)
    assert (nowhere.verdict, nowhere.numbers) == (NOT_TESTED, "")


def test_a_claim_that_only_looking_can_judge_names_its_figure():
    plan = plan_of("wide")
    judged = judge(
        plan, trials_of(plan, {}), visual={"arms": ["baseline", "wide"], "show": "curves"}
    )
    assert (judged.verdict, judged.numbers) == (SHOWN, "See figures/losses.png")
    assert judged.arms == ("baseline", "wide")

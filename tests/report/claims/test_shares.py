"""Claims about k of n trials: Clopper and Pearson's limits, as the beta distribution has them."""

import pytest
from scipy.stats import beta

from ganablate.report.claims.judgement import CANNOT_TELL, CONTRADICTED, SUPPORTED
from ganablate.report.claims.shares import limits
from tests.support.claims_cases import fid, judge, plan_of, trials_of

FAILS = ["diverged", "saturated", "collapsed", "collapsed", "diverged", "saturated"]
MOST = {"arm": "bad", "is": "fails", "at_least": 0.5}


def case(outcomes, arms=("bad",), **claim):
    """One claim about outcomes, by arm or of the one arm."""
    given = outcomes if isinstance(outcomes, dict) else {"bad": outcomes}
    plan = plan_of(*arms, replicates=len(next(iter(given.values()))))
    values = [20.0] * plan.replicates
    return judge(plan, trials_of(plan, fid(**dict.fromkeys(given, values)), given), **claim)


@pytest.mark.parametrize("k", range(6))
def test_limits_are_quantiles_of_the_beta_distribution(k):
    low, high = limits(k, 5, 0.05)
    assert low == pytest.approx(beta.ppf(0.025, k, 6 - k) if k else 0, abs=1e-9)
    assert high == pytest.approx(beta.ppf(0.975, k + 1, 5 - k) if k < 5 else 1, abs=1e-9)


@pytest.mark.parametrize(
    ("outcomes", "verdict"),
    [
        (FAILS, SUPPORTED),
        (FAILS[:5], CANNOT_TELL),
        ([*FAILS[:5], "ok"], CANNOT_TELL),
        (["ok"] * 5, CANNOT_TELL),
        (["ok"] * 6, CONTRADICTED),
    ],
)
def test_six_of_six_decide_what_most_trainings_do(outcomes, verdict):
    judged, n = case(outcomes, outcome=MOST), len(outcomes)
    assert judged.verdict == verdict
    failed = n - outcomes.count("ok")
    assert judged.estimate == failed / n
    assert f"{failed} of {n} trials of bad fail" in judged.numbers
    assert (judged.low, judged.high) == limits(failed, n, 0.05)
    assert judged.n == f"{n} trials an arm"


def test_an_upper_bound_counts_the_others():
    claim = {"arm": "bad", "is": "collapsed", "at_most": 0.5}
    assert case(["ok"] * 6, outcome=claim).verdict == SUPPORTED
    assert case(["collapsed"] * 6, outcome=claim).verdict == CONTRADICTED
    open_ = case(["collapsed"] * 5, outcome=claim)
    assert (open_.verdict, open_.p) == (CANNOT_TELL, pytest.approx(0.0625))
    assert case(["ok"] * 5, outcome=claim).p == pytest.approx(0.0625)


def test_trials_that_were_not_assessed_are_not_ok_and_are_told():
    judged = case(
        ["ok", "ok", None, None, "ok"], outcome={"arm": "bad", "is": "ok", "at_least": 0.1}
    )
    assert (judged.verdict, judged.estimate) == (SUPPORTED, 1.0)
    assert "3 of 3 trials" in judged.numbers
    assert judged.because == "2 complete trials could not be assessed"
    none = case([None] * 5, outcome=MOST)
    assert (none.verdict, none.because) == (CANNOT_TELL, "5 complete trials could not be assessed")


def test_of_several_arms_each_must_show_it_and_one_can_contradict():
    claim = {"arms": ["bad", "worse"], "is": "fails", "at_least": 0.5}
    arms = ("bad", "worse")
    both = {"bad": FAILS, "worse": FAILS}
    assert case(both, arms, outcome=claim).verdict == SUPPORTED
    assert case({"bad": FAILS, "worse": ["ok"] * 6}, arms, outcome=claim).verdict == CANNOT_TELL
    # 0 of 7 have the two-sided p = 1/64: after Holm over two 1/32.
    seven = {"bad": [*FAILS, "ok"], "worse": ["ok"] * 7}
    judged = case(seven, arms, outcome=claim)
    assert (judged.verdict, judged.p) == (CONTRADICTED, pytest.approx(2 / 64))


RELATION = {"metric": "g_loss_mean", "is": "above", "than": "d_loss_mean"}


def related(pairs, **claim):
    """Arm -> (G loss, D loss) by replicate."""
    plan = plan_of(*(name for name in pairs if name != "baseline"),
                   replicates=len(next(iter(pairs.values()))))  # fmt: skip
    numbers = {
        name: {"g_loss_mean": [g for g, _ in own], "d_loss_mean": [d for _, d in own]}
        for name, own in pairs.items()
    }
    return judge(plan, trials_of(plan, numbers), relation={**RELATION, **claim})


def test_a_claim_about_every_trial_takes_all_arms_together():
    held, broken = [(2.0, 1.0)] * 3, [(2.0, 1.0), (1.0, 2.0), (2.0, 1.0)]
    few = related({"baseline": held}, arm="baseline")
    assert (few.verdict, few.p) == (CANNOT_TELL, pytest.approx(2 * 0.5**3))
    many = related({"baseline": held, "wide": held}, arms="all")
    assert (many.verdict, many.p) == (SUPPORTED, pytest.approx(2 * 0.5**6))
    one = related({"baseline": held, "wide": broken}, arms="all")
    assert one.verdict == CONTRADICTED
    assert one.estimate == pytest.approx(5 / 6)


@pytest.mark.parametrize(
    ("claim", "verdict"),
    [
        ({"by": 1.5}, SUPPORTED), ({"by": 2.5}, CONTRADICTED), ({"by": "3x"}, SUPPORTED),
        ({"by": "3.1x"}, CONTRADICTED), ({"is": "below"}, CONTRADICTED),
    ],
)  # fmt: skip
def test_a_relation_by_a_margin_or_the_other_way_round(claim, verdict):
    assert related({"baseline": [(3.0, 1.0)] * 6}, arm="baseline", **claim).verdict == verdict


def test_a_relation_leaves_out_trials_without_both_numbers():
    judged = related({"baseline": [(3.0, 1.0)] * 4 + [(3.0, None)]}, arm="baseline", at_least=0.5)
    assert (judged.verdict, judged.n) == (CANNOT_TELL, "4 trials an arm")
    assert judged.because == "1 complete trial could not be assessed"

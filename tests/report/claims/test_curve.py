"""Claims about the course of training, against scipy on numbers taken from the curves by hand."""

import math

import numpy as np
import pytest
from scipy import stats

from ganablate.report.claims.evidence import Trajectory
from ganablate.report.claims.judgement import CANNOT_TELL, CONTRADICTED, NOT_COMPARABLE, SUPPORTED
from ganablate.study.reading.fields import Margin
from tests.support.claims_cases import curves_of, fid, judge, plan_of, trials_of


def case(first, names, **facts):
    """A plan of these arms with a replicate for each curve of `first`, and its trials' outcomes."""
    outcomes = facts.pop("outcomes", None)
    arms = [name for name in names if name != "baseline"]
    plan = plan_of(*arms, replicates=len(first), **facts)
    return plan, trials_of(plan, fid(**{name: [20.0] * len(first) for name in names}), outcomes)


def on_fid(values, outcomes=None, **claim):
    """A claim about curves of FID: arm -> one list of points a replicate."""
    first = next(iter(values.values()))
    plan, trials = case(first, values, evaluations=len(first[0]), outcomes=outcomes)
    return judge(plan, trials, curves_of(plan, "fid", values), curve={"metric": "fid", **claim})


def on_loss(spreads, changes=None, outcomes=None, values=None, **claim):
    """A claim about curves of D's loss: arm -> spreads of the blocks, a list a replicate."""
    first = next(iter(spreads.values()))
    plan, trials = case(first, spreads, changes=changes, outcomes=outcomes)
    means = values or {name: [[1.0] * len(x) for x in rows] for name, rows in spreads.items()}
    curves = curves_of(plan, "d/criterion", means, spreads)
    return judge(plan, trials, curves, curve={"metric": "d/criterion", **claim})


FALLING = [[100.0, 60, 40, 30, 20], [90.0, 50, 45, 25, 22], [110.0, 70, 30, 28, 27]]


@pytest.mark.parametrize(
    ("by", "verdict"), [("1.25x", SUPPORTED), ("4x", CANNOT_TELL), ("20x", CONTRADICTED)]
)
def test_points_are_a_t_test_over_trials_of_the_ratio_within_each(by, verdict):
    points = {"at": "100%", "against": "20%", "is": "better", "by": by}
    judged = on_fid({"baseline": FALLING}, arm="baseline", points=points)
    logs = np.log([own[-1] / own[0] for own in FALLING])
    expected = stats.ttest_1samp(logs, -math.log(float(by[:-1])))
    assert judged.verdict == verdict
    assert judged.p == pytest.approx(expected.pvalue, rel=1e-9)
    assert judged.estimate == pytest.approx(np.exp(logs.mean()))
    ends = stats.t.interval(0.95, 2, logs.mean(), stats.sem(logs))
    assert (judged.low, judged.high) == pytest.approx(tuple(np.exp(ends)))
    assert judged.n == "3 trials an arm"


@pytest.mark.parametrize(
    ("ends", "verdict", "which"),
    [
        ([[20, 21, 19], [40, 60, 35]], SUPPORTED, 1),  # the weaker support
        ([[60, 75, 50], [160, 210, 190]], CONTRADICTED, 1),  # the only contradiction
        ([[150, 170, 160], [200, 202, 199]], CONTRADICTED, 1),  # the clearer one
        ([[20, 21, 19], [80, 60, 150]], CANNOT_TELL, 1),
        ([[90, 150, 50], [20, 21, 19]], CANNOT_TELL, 0),
    ],
)
def test_the_numbers_of_several_arms_are_those_of_the_one_that_decides(ends, verdict, which):
    arms = {"baseline": ends[0], "wide": ends[1]}
    values = {name: [[100.0, float(end)] for end in own] for name, own in arms.items()}
    points = {"at": "100%", "against": "50%", "is": "better"}
    both = on_fid(values, arms=list(arms), points=points)
    alone = [on_fid(values, arm=name, points=points) for name in arms]
    assert both.verdict == verdict
    key = alone[which]
    assert (both.estimate, both.low, both.high) == (key.estimate, key.low, key.high)
    holm = min(1.0, key.p * (2 if key.p < alone[1 - which].p else 1))
    assert both.p == pytest.approx(key.p if verdict == SUPPORTED else holm)


def test_an_arm_of_one_trial_leaves_several_open_unless_another_contradicts():
    points = {"at": "100%", "against": "50%", "is": "better"}
    lost = [9.0, math.nan]
    values = {"baseline": [[9.0, 2.0], [9.0, 2.1], [9.0, 1.9]], "wide": [[9.0, 2.0], lost, lost]}
    undecided = on_fid(values, arms="all", points=points)
    assert (undecided.verdict, undecided.p) == (CANNOT_TELL, None)
    assert undecided.because == "one trial has no spread to judge by"
    other = on_fid(values, arms="all", points={**points, "is": "worse"})
    assert other.verdict == CONTRADICTED
    assert other.because == "2 complete trials without these numbers"


def test_points_may_be_equivalent_or_not_measured():
    level = [[20.0, 20.5], [21.0, 20.8], [19.0, 19.2], [20.0, 20.3]]
    points = {"at": "100%", "against": "50%", "is": "equivalent", "within": "1.25x"}
    assert on_fid({"baseline": level}, arm="baseline", points=points).verdict == SUPPORTED
    # Two points, at 50 and 100 %: 20 % lies more than half a spacing from both.
    points = {"at": "100%", "against": "20%", "is": "better"}
    lacking = on_fid({"baseline": level}, arm="baseline", points=points)
    assert lacking.verdict == CANNOT_TELL
    assert lacking.because == "no trial of baseline has these numbers yet"


def test_positions_in_epochs_iterations_and_images_are_the_same_point():
    for at in ("25 epochs", "1950 iterations", "124800 images", "100%"):
        points = {"at": at, "against": "20%", "is": "better", "by": "1.25x"}
        judged = on_fid({"baseline": FALLING}, arm="baseline", points=points)
        assert judged.estimate == pytest.approx(stats.gmean([0.2, 22 / 90, 27 / 110]))


def test_a_diverged_trial_is_worst_at_the_later_point_and_signs_decide():
    values = [[20.0, 40.0]] * 5 + [[20.0, math.nan]]
    points = {"at": "100%", "against": "50%", "is": "worse"}
    judged = on_fid(
        {"baseline": values}, {"baseline": ["ok"] * 5 + ["diverged"]}, arm="baseline", points=points
    )
    assert (judged.verdict, judged.p) == (SUPPORTED, pytest.approx(2 / 2**6))


def test_a_trend_is_the_mean_of_kendalls_tau_over_trials():
    rng = np.random.default_rng(3)
    values = [
        list(100 * np.exp(-0.2 * np.arange(10) + 0.1 * rng.normal(size=10))) for _ in range(4)
    ]
    taus = [stats.kendalltau(np.arange(10), own).statistic for own in values]
    for expected, verdict in (
        ("falling", SUPPORTED), ("rising", CONTRADICTED), ("flat", CONTRADICTED)
    ):  # fmt: skip
        judged = on_fid({"baseline": values}, arm="baseline", trend={"is": expected})
        assert (judged.verdict, judged.estimate) == (verdict, pytest.approx(np.mean(taus)))
    rising = on_fid({"baseline": values}, arm="baseline", trend={"is": "rising"})
    # One pair turned round moves tau by 4 / 90: so much spread there is at least.
    error = max(np.std(taus, ddof=1), 4 / 90) / 2
    assert rising.p == pytest.approx(2 * stats.t.sf(abs(np.mean(taus)) / error, 3), rel=1e-9)


def test_no_interval_of_tau_is_shown_beyond_one():
    values = [[9.0, 8, 7, 6, 5, 4], [9.0, 8, 7, 6, 5, 4], [9.0, 4, 7, 6, 5, 8]]
    judged = on_fid({"baseline": values}, arm="baseline", trend={"is": "falling"})
    assert judged.low == -1.0
    assert -1.0 < judged.estimate < judged.high <= 1.0


WANDERING = [[20.0, 22, 19, 21, 20, 22], [20.0, 19, 21, 22, 19, 20], [21.0, 20, 22, 19, 21, 20],
             [20.0, 21, 19, 22, 20, 21], [22.0, 19, 20, 21, 22, 19]]  # fmt: skip
TURNING = [[9.0, 5, 4, 3, 4.5, 5, 6, 7 + 0.1 * k] for k in range(3)]


@pytest.mark.parametrize(
    ("values", "trend", "verdict"),
    [
        (WANDERING, {"is": "flat"}, SUPPORTED),
        (WANDERING[:1], {"is": "flat"}, CANNOT_TELL),
        ([[8.0, 7, 6, 5, 4, 3, 2, 1]] * 3, {"is": "falling"}, SUPPORTED),
        (TURNING, {"is": "rising", "from": "50%"}, SUPPORTED),
        (TURNING, {"is": "falling", "until": "50%"}, SUPPORTED),
    ],
)
def test_trends_of_curves_and_of_parts_of_them(values, trend, verdict):
    assert on_fid({"baseline": values}, arm="baseline", trend=trend).verdict == verdict


CALM, WILD = [[0.1, 0.2], [0.12, 0.2], [0.1, 0.22], [0.09, 0.2]], [[0.4, 0.5]] * 3 + [[0.45, 0.5]]


def rms(values):
    return np.sqrt(np.mean(np.square(values), axis=1))


def test_spread_is_welchs_test_of_the_steps_deviation_within_blocks():
    claim = {"arm": "wide", "spread": {"is": "lower", "by": "1.5x"}}
    judged = on_loss({"baseline": WILD, "wide": CALM}, **claim)
    logs = np.log(rms(CALM)) + math.log(1.5), np.log(rms(WILD))
    expected = stats.ttest_ind(*logs, equal_var=False).pvalue
    assert (judged.verdict, judged.p) == (SUPPORTED, pytest.approx(expected, rel=1e-9))
    ratio = np.exp(np.log(rms(CALM)).mean() - np.log(rms(WILD)).mean())
    assert judged.estimate == pytest.approx(ratio)
    assert on_loss({"baseline": CALM, "wide": WILD}, **claim).verdict == CONTRADICTED
    to = {"arm": "baseline", "spread": {"is": "higher", "to": "wide"}}
    assert on_loss({"baseline": WILD, "wide": CALM}, **to).verdict == SUPPORTED


def test_spread_from_a_point_on_leaves_out_the_blocks_before():
    calm = [[9.0, 0.2], [9.0, 0.21], [9.0, 0.2], [9.0, 0.19]]
    other = [[0.1, 0.2], [0.1, 0.2], [0.1, 0.21], [0.1, 0.2]]
    late = {"is": "equivalent", "from": "50%"}
    judged = on_loss({"baseline": calm, "wide": other}, arm="wide", spread=late)
    assert judged.verdict == SUPPORTED


def test_spread_of_losses_on_another_scale_and_of_diverged_ones():
    arms = {"baseline": WILD, "wide": CALM}
    least_squares = {"wide": {"criterion": "least_squares"}}
    other = on_loss(arms, least_squares, arm="wide", spread={"is": "lower"})
    assert other.verdict == NOT_COMPARABLE
    # A diverged loss fluctuates more than any.
    higher = {"arm": "wide", "spread": {"is": "higher", "by": "2x"}}
    lost = on_loss(arms, None, {"wide": ["diverged"] * 4}, **higher)
    assert (lost.verdict, lost.p) == (SUPPORTED, pytest.approx(2 / math.comb(8, 4)))


def test_reaching_a_level_before_another_arm_is_ranked_exactly_and_never_is_last():
    early = [[50.0, 9, 8, 7, 6]] * 5
    late = [[50.0, 40, 30, 9, 8]] * 3 + [[50.0, 40, 30, 20, 11]] * 2
    claim = {"arm": "wide", "reaches": {"level": 10, "before": "baseline"}}
    judged = on_fid({"baseline": late, "wide": early}, **claim)
    assert judged.verdict == SUPPORTED
    assert judged.p == pytest.approx(2 / math.comb(10, 5))
    assert "median 49,920 against 99,840 images" in judged.numbers
    assert on_fid({"baseline": early, "wide": late}, **claim).verdict == CONTRADICTED
    few = on_fid({"baseline": late[:3], "wide": early[:3]}, **claim)
    assert (few.verdict, few.p) == (CANNOT_TELL, pytest.approx(0.1))


@pytest.mark.parametrize(("until", "verdict"), [("70%", SUPPORTED), ("40%", CONTRADICTED)])
def test_reaching_a_level_by_a_point_counts_trials(until, verdict):
    reaches = {"level": 10, "until": until}
    judged = on_fid({"baseline": [[50.0, 9, 8]] * 6}, arm="baseline", reaches=reaches)
    assert judged.verdict == verdict


def test_settling_earlier_is_ranked_on_any_scale():
    early = [[5.0, 1, 1, 1, 1]] * 5
    late = [[500.0, 400, 300, 200, 100]] * 5
    spreads = {name: [[0.1] * 5] * 5 for name in ("baseline", "wide")}
    claim = {"arm": "wide", "settles": {}}
    changes = {"wide": {"criterion": "least_squares"}}
    judged = on_loss(spreads, changes, values={"baseline": late, "wide": early}, **claim)
    assert (judged.verdict, judged.p) == (SUPPORTED, pytest.approx(2 / math.comb(10, 5)))


BACK, GONE = [1.0, 3, 2, 3.5], [1.0, 3, 2, 2.5]


@pytest.mark.parametrize(
    ("values", "recovery", "verdict"),
    [
        (BACK, {"drop": "1.1x"}, SUPPORTED),
        (GONE, {"drop": "1.1x"}, CONTRADICTED),
        (GONE, {"drop": "1.1x", "recover": "1.2x"}, SUPPORTED),
        (GONE, {"drop": 2}, CONTRADICTED),
    ],
)
def test_recovery_counts_the_trials_that_drop_and_come_back(values, recovery, verdict):
    score = "inception_score"
    plan = plan_of(metrics=(score,), primary=score, evaluations=4, replicates=6)
    trials = trials_of(plan, {"baseline": {score: [3.0] * 6}})
    curves = curves_of(plan, score, {"baseline": [values] * 6})
    claim = {"arm": "baseline", "metric": score, "recovery": recovery}
    assert judge(plan, trials, curves, curve=claim).verdict == verdict


def trajectory(values, *, blocks=False, spread=None):
    seen = np.arange(1.0, len(values) + 1)
    spreads = np.array(spread or [np.nan] * len(values))
    return Trajectory(seen, np.array(values, dtype=float), spreads, len(values), blocks, 1.0)


def test_numbers_of_one_trajectory():
    assert trajectory([1, 3, 1, 3]).fluctuation(None) == pytest.approx(math.sqrt(2))
    blocks = trajectory([1, 1], blocks=True, spread=[3.0, 4.0])
    assert blocks.fluctuation(None) == pytest.approx(math.sqrt(12.5))
    assert math.isnan(trajectory([1]).fluctuation(None))
    assert trajectory([5, 3, 1]).reached(3) == 2
    assert trajectory([1, 3, 5]).reached(4) == 3
    assert trajectory([1, 3, 5]).reached(6) == math.inf
    # Range 8, band 2 round the last value: inside from the fourth point on.
    assert trajectory([9, 5, 4, 2.5, 1]).settled(0.25) == 4
    assert trajectory([9, 5, math.nan]).settled(0.25) == math.inf
    twice = Margin(amount=2, unit="ratio")
    assert trajectory([4, 9, 3]).recovered(twice, None, "min")
    assert not trajectory([4, 7, 3]).recovered(twice, None, "min")

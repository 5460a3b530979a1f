"""No verdict of a claim about quality rests on an arm that does not work."""

import pytest

from ganablate.report.claims.judgement import (
    CANNOT_TELL,
    CONTRADICTED,
    NONE_STATED,
    NOT_WORKING,
    SUPPORTED,
)
from tests.support.claims_cases import curves_of, fid, judge, lines, plan_of, trials_of

BASE = [20.0, 21.0, 19.5, 20.4, 20.9]
GOOD = [10.0, 10.5, 9.5, 10.2, 10.4]
HALF_WORSE = [1.5 * x for x in BASE]
BELOW, ABOVE = lines(20.1), lines(131.0)
"""Ten repeated images as good as the baseline is, and far worse."""
WORSE = {"arm": "a", "is": "worse", "by": "1.25x"}


def case(**numbers):
    plan = plan_of(*(name for name in numbers if name != "baseline"))
    return plan, trials_of(plan, fid(**{"baseline": BASE, **numbers}))


def test_a_comparison_with_it_is_open_and_keeps_its_numbers():
    plan, trials = case(a=HALF_WORSE)
    known, unknown = (
        judge(plan, trials, references=references, compare=WORSE)
        for references in (ABOVE, lines(column="kid"))
    )
    assert known.verdict == unknown.verdict == SUPPORTED
    judged = judge(plan, trials, references=BELOW, compare=WORSE)
    assert judged.verdict == NOT_WORKING == "cannot tell: the baseline does not work"
    assert judged.because == (
        "baseline does not work: FID 20.4 (up to 21.1 at 95 %), ten real images repeated 20.1"
    )
    assert (judged.estimate, judged.numbers) == (known.estimate, known.numbers)
    stated = judge(plan, trials, references=BELOW, none_stated={"arm": "a"})
    assert stated.verdict == NONE_STATED


def test_what_is_shown_against_an_arm_that_works_stands():
    plan, trials = case(a=HALF_WORSE, good=GOOD)
    better = {"arm": "a", "is": "better", "by": "1.25x"}
    against_both = judge(
        plan, trials, references=BELOW, compare={**better, "to": ["baseline", "good"]}
    )
    assert against_both.verdict == CONTRADICTED
    both_worse = judge(
        plan, trials, references=BELOW, compare={**WORSE, "to": ["baseline", "good"]}
    )
    assert both_worse.verdict == NOT_WORKING
    one_worse = judge(plan, trials, references=BELOW, compare={**WORSE, "to": ["good"]})
    assert one_worse.verdict == SUPPORTED


def test_losses_and_outcomes_are_judged_all_the_same():
    plan = plan_of("a")
    losses = {"baseline": [1.0, 1.1, 1.2, 1.0, 1.1], "a": [3.0, 3.1, 3.2, 3.0, 3.1]}
    numbers = {arm: {"fid": BASE, "g_loss_mean": own} for arm, own in losses.items()}
    trials = trials_of(plan, numbers)
    higher = {"arm": "a", "metric": "g_loss_mean", "is": "higher"}
    assert judge(plan, trials, references=BELOW, compare=higher).verdict == SUPPORTED
    ok = {"arm": "baseline", "is": "fails", "at_least": 0.9}
    assert judge(plan, trials, references=BELOW, outcome=ok).verdict == CONTRADICTED


@pytest.mark.parametrize(
    "shape",
    [
        {"points": {"at": "100%", "against": "20%", "is": "better"}},
        {"trend": {"is": "falling"}},
        {"reaches": {"level": 25, "until": "100%", "at_least": 0.5}},
    ],
)
def test_the_course_of_quality_in_it_is_open(shape):
    values = [*BASE, *BASE]
    plan = plan_of(evaluations=5, replicates=len(values))
    curves = curves_of(plan, "fid", {"baseline": [[100.0, 60, 40, 30, x] for x in values]})
    trials = trials_of(plan, fid(baseline=values))
    claim = {"metric": "fid", "arm": "baseline", **shape}
    assert judge(plan, trials, curves, references=ABOVE, curve=claim).verdict == SUPPORTED
    judged = judge(plan, trials, curves, references=BELOW, curve=claim)
    assert judged.verdict == NOT_WORKING
    assert judged.because.startswith("baseline does not work: FID 20.4")


def test_a_correlation_over_arms_rests_on_the_baseline():
    arms = [f"arm{k}" for k in range(7)]
    plan = plan_of(*arms)
    numbers = {
        arm: {"fid": [x + 10 * k for x in BASE], "g_loss_mean": [x + 10 * k for x in BASE]}
        for k, arm in enumerate(["baseline", *arms])
    }
    claim = {"metric": "fid", "with": "g_loss_mean", "is": "positive"}
    trials = trials_of(plan, numbers)
    for over in ("trials", "arms"):
        association = {**claim, "over": over}
        verdicts = [
            judge(plan, trials, references=x, association=association).verdict
            for x in (ABOVE, BELOW)
        ]
        assert verdicts == [SUPPORTED, NOT_WORKING]


def test_what_is_open_for_another_reason_says_that():
    plan, trials = case(a=[x * 1.01 for x in BASE])
    claim = {"arm": "a", "metric": "class_kl", "is": "worse"}
    judged = judge(plan, trials, references=BELOW, compare=claim)
    assert (judged.verdict, judged.because) == (CANNOT_TELL, "class_kl is not measured here")

"""The summary in words, against tables worked by hand."""

from dataclasses import replace

import pandas as pd
import pytest

from ganablate.report.claims.judgement import (
    CONTRADICTED,
    MISPRINT,
    OPEN,
    SEEN,
    SHOWN,
    SUPPORTED,
    Judgement,
)
from ganablate.report.table.summary import summary
from ganablate.study.plan import FULL
from tests.support.synthetic_study import make_plan


def row(arm, fid=None, **changed):
    """A row of the table of arms with the columns that the summary reads."""
    compared = arm != "baseline"
    return {
        "arm": arm, "n_complete": 5, "n_planned": 5, "n_failed": 0, "n_ok": 5, "n_saturated": 0,
        "n_collapsed": 0, "n_diverged": 0, "n_not_assessed": 0, "fid": fid, "fid_sd": 2.0,
        "fid_n": 5, "compared_to": "baseline" if compared else pd.NA, "effect": None,
        "effect_low": None, "effect_high": None, "effect_scale": pd.NA, "effect_level": 0.95,
        "effect_fails_p": None, "verdict": pd.NA, **changed,
    }  # fmt: skip


def ratio(effect, verdict, reach=1.1):
    return {
        "effect": effect, "effect_low": effect / reach, "effect_high": effect * reach,
        "effect_scale": "ratio", "verdict": verdict,
    }  # fmt: skip


def said(rows, *, plan=None, judgements=()):
    table = pd.DataFrame(rows)
    plan = plan or make_plan({one["arm"]: {} for one in rows}, replicates=5)
    return [f"{one.lead} {one.text}" for one in summary(table, plan, judgements)]


def test_each_verdict_has_its_sentence_the_strongest_arm_first():
    rows = [
        row("baseline", 100.0), row("a", 150.0, **ratio(1.5, "worse")),
        row("b", 300.0, **ratio(3.0, "worse")), row("c", 50.0, **ratio(0.5, "better")),
        row("d", 25.0, **ratio(0.25, "better")), row("e", 101.0, **ratio(1.01, "equivalent")),
        row("f", 110.0, **ratio(1.1, "cannot tell at this n")), row("g"),
    ]  # fmt: skip
    assert said(rows) == [
        "Baseline: FID 100.0 ± 2.0 (mean ± standard deviation, n = 5; lower is better).",
        "Better than the baseline: 2 of 7 arms. d (×0.250 [0.227, 0.275]), c (×0.500 [0.455, 0.550]).",  # noqa: E501, RUF001
        "Worse than the baseline: 2 of 7 arms. b (×3.00 [2.73, 3.30]), a (×1.50 [1.36, 1.65]).",  # noqa: RUF001
        "Equivalent to the baseline within a factor of 1.25: 1 of 7 arms. e (×1.01 [0.918, 1.11]).",  # noqa: RUF001
        "Undecided at this n: 1 of 7 arms. f (×1.10 [1.00, 1.21]). That is not evidence of no effect.",  # noqa: E501, RUF001
        "Not compared: 1 of 7 arms. g: no number yet, or one of another protocol or criterion.",
        "Outcomes: all 40 complete trials ended ok.",
        "How far to trust this. n = 5 an arm; the 95 % intervals typically reach a factor of 1.10 "
        "to either side, so smaller effects mostly stay undecided. Budget cpu: a reduced form of "
        "the study; what holds here need not hold at its full size.",
    ]


def test_two_primary_metrics_have_their_sentences_one_after_the_other():
    def recall(effect, verdict):
        change = {"effect": effect, "effect_low": -0.4, "effect_high": -0.2}
        change |= {"effect_scale": "difference", "effect_level": 0.95, "effect_fails_p": None}
        return {f"recall_{key}": value for key, value in {**change, "verdict": verdict}.items()}

    of_recall = {"recall": 0.5, "recall_sd": 0.02, "recall_n": 5}
    rows = [
        row("baseline", 100.0, **of_recall, **recall(None, pd.NA)),
        row("a", 101.0, **ratio(1.01, "equivalent"), **of_recall, **recall(-0.3, "worse")),
    ]
    plan = make_plan({"baseline": {}, "a": {}}, replicates=5, primary=("fid", "recall"))
    assert said(rows, plan=plan)[:3] == [
        "Baseline: FID 100.0 ± 2.0, Recall 0.500 ± 0.020 (mean ± standard deviation, n = 5; lower "
        "FID and higher Recall are better).",
        "Equivalent to the baseline in FID within a factor of 1.25: 1 of 1 arm. a (×1.01 [0.918, 1.11]).",  # noqa: E501, RUF001
        "Worse than the baseline in Recall: 1 of 1 arm. a (-0.30 [-0.40, -0.20]).",
    ]


def test_failures_are_counted_with_their_rates_and_a_failing_arm_is_named():
    rows = [
        row("baseline", 100.0, n_ok=4, n_collapsed=1),
        row("a", 640.0, n_ok=0, n_saturated=5, **ratio(6.4, "worse (fails)")),
        row("b", None, n_ok=2, n_diverged=3, verdict="worse"),
        row("c", None, n_ok=0, n_diverged=5, verdict="cannot tell at this n", effect_fails_p=0.1),
    ]
    lines = said(rows)
    assert "Failing: 1 of 3 arms. a (×6.40 [5.82, 7.04]). Every replicate failed." in lines  # noqa: RUF001
    assert "Worse than the baseline: 1 of 3 arms. b." in lines
    assert any(line.startswith("Undecided at this n: 1 of 3 arms. c (all fail).") for line in lines)
    assert (
        "Outcomes: 6 of 20 complete trials ok; 5 saturated (a 5/5); "
        "1 collapsed (baseline 1/5); 8 diverged (b 3/5, c 5/5)." in lines
    )


def test_what_was_not_assessed_is_never_ok():
    unknown = {"n_ok": pd.NA, "n_saturated": pd.NA, "n_collapsed": pd.NA, "n_not_assessed": 5}
    rows = [row("baseline", 100.0, **unknown), row("a", 100.0, **unknown)]
    assert "Outcomes: no trial diverged; whether they failed otherwise is unknown." in said(rows)
    rows[0] |= {"n_ok": 2, "n_not_assessed": 3}
    assert "Outcomes: 2 of 10 complete trials ok; 8 not assessed." in said(rows)


def test_an_unfinished_study_says_so():
    rows = [row("baseline", n_complete=0, fid_n=0, n_ok=0), row("a", n_complete=2, n_ok=2)]
    lines = said(rows)
    assert lines[0] == "Baseline: no FID. 0 of 5 trials complete."
    assert "Not finished. 2 of 10 trials are complete." in lines
    assert any(line.startswith("How far to trust this. n = 2 an arm.") for line in lines)


@pytest.mark.parametrize(("budget", "at"), [("cpu", ", at the budget cpu"), (FULL, "")])
def test_claims_are_counted(budget, at):
    verdicts = [SUPPORTED, SHOWN, CONTRADICTED, SUPPORTED, SEEN, OPEN, MISPRINT]
    judged = [
        Judgement(verdict, says=f"sentence {k}", budget=budget)
        for k, verdict in enumerate(verdicts)
    ]
    lines = said([row("baseline", 100.0)], judgements=[*judged, judged[0]])
    expected = (
        f"7 sentences of the source{at}: 2 supported, 1 contradicted; in smaller trainings 1 seen, "
        "1 open; 1 shown, not judged; by arithmetic 1 misprint."
    )
    assert expected in lines


def test_the_null_arm_is_noise_and_no_arm_of_the_study():
    plan = make_plan({"baseline": {}, "a": {}, "null": {}}, replicates=5)
    arms = tuple(replace(arm, null=arm.name == "null") for arm in plan.arms)
    plan = replace(plan, arms=arms, budget=FULL, substitutes={"a": ("celeba", "mnist_5k")})
    rows = [
        row("baseline", 100.0), row("a", 200.0, **ratio(2.0, "worse")),
        row("null", 102.0, **ratio(1.02, pd.NA)),
    ]  # fmt: skip
    lines = said(rows, plan=plan)
    assert "Worse than the baseline: 1 of 1 arm. a (×2.00 [1.82, 2.20])." in lines  # noqa: RUF001
    assert "Noise. An arm that changes nothing but the seeds: null (×1.02 [0.927, 1.12])." in lines  # noqa: RUF001
    assert (
        "Other data. At this budget mnist_5k stands in for celeba: claims about the latter "
        "alone are left open." in lines
    )
    assert not any(line.startswith("Not compared") for line in lines)
    assert "Budget" not in lines[-1]


def test_an_arm_says_against_what_where_that_differs():
    rows = [
        row("baseline", 100.0), row("a", 50.0, **ratio(0.5, "better")),
        row("a+b", 51.0, **ratio(1.02, "equivalent")),
    ]  # fmt: skip
    rows[2]["compared_to"] = "a"
    lines = said(rows)
    assert "Better: 1 of 2 arms. a against baseline (×0.500 [0.455, 0.550])." in lines  # noqa: RUF001
    expected = (
        "Equivalent within a factor of 1.25: 1 of 2 arms. a+b against a (×1.02 [0.927, 1.12])."  # noqa: RUF001
    )
    assert expected in lines


def test_a_cross_without_a_baseline_compares_nothing():
    plan = make_plan({"one": {}, "two": {}})
    table = [row("one", 90.0, compared_to=pd.NA), row("two", 95.0, compared_to=pd.NA)]
    assert said(table, plan=plan)[0] == (
        "No baseline. The arms stand side by side, by their FID; lower is better."
    )


def test_many_arms_are_cut_short():
    rows = [row("baseline", 1.0)]
    rows += [row(f"a{n}", 2.0, **ratio(2.0 - n / 100, "worse")) for n in range(11)]
    (worse,) = [line for line in said(rows) if line.startswith("Worse")]
    assert worse.count("×") == 8  # noqa: RUF001
    assert worse.endswith("a7 (×1.93 [1.75, 2.12]), and 3 more.")  # noqa: RUF001

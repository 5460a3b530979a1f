"""The summary in words, against tables worked by hand."""

from dataclasses import replace

import pandas as pd

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
    return [f"{one.lead} {one.text}".strip() for one in summary(table, plan, judgements)]


def test_each_verdict_has_its_sentence_the_strongest_arm_first():
    rows = [
        row("baseline", 100.0), row("a", 150.0, **ratio(1.5, "worse")),
        row("b", 300.0, **ratio(3.0, "worse")), row("c", 50.0, **ratio(0.5, "better")),
        row("d", 25.0, **ratio(0.25, "better")), row("e", 101.0, **ratio(1.01, "equivalent")),
        row("f", 110.0, **ratio(1.1, "cannot tell at this n")), row("g"),
    ]  # fmt: skip
    assert said(rows) == [
        "2 of 7 arms are better than the baseline. d (×0.250 [0.227, 0.275]), c (×0.500 [0.455, 0.550]).",  # noqa: E501, RUF001
        "2 of 7 arms are worse than the baseline. b (×3.00 [2.73, 3.30]), a (×1.50 [1.36, 1.65]).",  # noqa: RUF001
        "1 of 7 arms is equivalent to the baseline, within a factor of 1.25. e (×1.01 [0.918, 1.11]).",  # noqa: E501, RUF001
        "1 of 7 arms is undecided at this n, which is not evidence of no effect. f (×1.10 [1.00, 1.21]).",  # noqa: E501, RUF001
        "1 of 7 arms is not compared. g: no number yet, or one of another protocol or criterion.",
        "Outcomes: all 40 complete trials are ok.",
        "5 replicates an arm; 95 % intervals typically reach a factor of 1.10 to either side.",
        "Baseline: mnist_5k, conv28 (G 32, D 16), latent 100, bce, adam lr 0.0002, batch 64, 25 "
        "epochs.",
        "The budget cpu has another form of the study than full: what holds here need not hold "
        "there.",
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
    lines = said(rows, plan=plan)
    assert lines[:2] == [
        "1 of 1 arm is equivalent to the baseline in FID, within a factor of 1.25. a (×1.01 [0.918, 1.11]).",  # noqa: E501, RUF001
        "1 of 1 arm is worse than the baseline in Recall. a (-0.30 [-0.40, -0.20]).",
    ]
    assert (
        "5 replicates an arm; 95 % intervals typically reach a factor of 1.10 in FID and 0.1 in "
        "Recall to either side." in lines
    )


def test_failures_are_counted_with_their_rates_and_a_failing_arm_is_named():
    rows = [
        row("baseline", 100.0, n_ok=4, n_collapsed=1),
        row("a", 640.0, n_ok=0, n_saturated=5, **ratio(6.4, "worse (fails)")),
        row("b", None, n_ok=2, n_diverged=3, verdict="worse"),
        row("c", None, n_ok=0, n_diverged=5, verdict="cannot tell at this n", effect_fails_p=0.1),
    ]
    lines = said(rows)
    assert "1 of 3 arms is failing: every replicate failed. a (×6.40 [5.82, 7.04])." in lines  # noqa: RUF001
    assert "1 of 3 arms is worse than the baseline. b." in lines
    assert any(line.endswith("no effect. c (all fail).") for line in lines)
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
    assert lines[0] == "No FID to compare with: 0 of 5 trials of the baseline complete."
    assert "Not finished: 2 of 10 trials are complete." in lines
    assert "2 replicates an arm." in lines


def test_claims_are_counted():
    verdicts = [SUPPORTED, SHOWN, CONTRADICTED, SUPPORTED, SEEN, OPEN, MISPRINT]
    judged = [
        Judgement(verdict, says=f"sentence {k}", budget=FULL) for k, verdict in enumerate(verdicts)
    ]
    lines = said([row("baseline", 100.0)], judgements=[*judged, judged[0]])
    expected = (
        "7 claimed sentences: 2 supported, 1 contradicted; 1 seen, 1 open in smaller "
        "trainings; 1 shown, not judged; 1 misprint by arithmetic."
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
    assert "1 of 1 arm is worse than the baseline. a (×2.00 [1.82, 2.20])." in lines  # noqa: RUF001
    assert "Noise. An arm that changes nothing but the seeds: null (×1.02 [0.927, 1.12])." in lines  # noqa: RUF001
    assert (
        "Other data: mnist_5k stands in for celeba, so claims about the latter alone are left "
        "open." in lines
    )
    assert not any("not compared" in line for line in lines)
    assert not any("The budget" in line for line in lines)


def test_an_arm_says_against_what_where_that_differs():
    rows = [
        row("baseline", 100.0), row("a", 50.0, **ratio(0.5, "better")),
        row("a+b", 51.0, **ratio(1.02, "equivalent")),
    ]  # fmt: skip
    rows[2]["compared_to"] = "a"
    lines = said(rows)
    better = "1 of 2 arms is better than what each is compared with. a against baseline (×0.500 ["  # noqa: RUF001
    assert any(line.startswith(better) for line in lines)
    expected = (
        "1 of 2 arms is equivalent to what each is compared with, within a factor of 1.25. "
        "a+b against a (×1.02 [0.927, 1.12])."  # noqa: RUF001
    )
    assert expected in lines


def test_a_cross_without_a_baseline_compares_nothing():
    plan = make_plan({"one": {}, "two": {}})
    table = [row("one", 90.0, compared_to=pd.NA), row("two", 95.0, compared_to=pd.NA)]
    assert said(table, plan=plan)[0] == ("No baseline: the arms stand side by side, by FID.")


def test_many_arms_are_cut_short():
    rows = [row("baseline", 1.0)]
    rows += [row(f"a{n}", 2.0, **ratio(2.0 - n / 100, "worse")) for n in range(11)]
    (worse,) = [line for line in said(rows) if "worse than" in line]
    assert worse.count("×") == 8  # noqa: RUF001
    assert worse.endswith("a7 (×1.93 [1.75, 2.12]), and 3 more.")  # noqa: RUF001

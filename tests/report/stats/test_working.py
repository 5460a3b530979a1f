"""Whether an arm works: by outcomes, recall, and ten real images repeated."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t, ttest_1samp

from ganablate.report.analysis import Analysis
from ganablate.report.frames.references import NO_REFERENCES
from ganablate.report.stats.working import (
    NOT_WORKING,
    is_quality,
    upper_limit,
    working_of,
)
from tests.support.claims_cases import fid, lines, no_curves, plan_of, trials_of
from tests.support.synthetic_study import METRICS


def working(numbers, references=None, outcomes=None, plan=None):
    """Of a baseline with these FIDs, or these numbers by column."""
    plan = plan or plan_of()
    columns = numbers if isinstance(numbers, dict) else {"fid": numbers}
    trials = trials_of(plan, {"baseline": columns}, outcomes)
    found = lines() if references is None else references
    return working_of(plan.arms[0], trials, plan, found)


def test_the_limit_is_the_end_of_students_interval():
    values = np.array([1.0, 2.0, 4.0])
    assert upper_limit(values) == pytest.approx(
        ttest_1samp(values, 0).confidence_interval(0.95).high
    )
    assert upper_limit(values[:1]) == 1.0


def test_a_mean_below_the_line_is_not_enough():
    clear = working([100.0, 102.0, 98.0, 101.0, 99.0])
    assert clear.works is True
    # 120 on the mean, and its interval reaches the line.
    logs = np.log([100.0, 110.0, 120.0, 130.0, 142.0])
    assert (
        np.exp(logs.mean())
        < 131
        < np.exp(logs.mean() + t.ppf(0.975, 4) * logs.std(ddof=1) / 5**0.5)
    )
    near = working([100.0, 110.0, 120.0, 130.0, 142.0])
    assert near.works is False
    assert near.because.startswith("FID 120 (up to 142")
    assert near.because.endswith("ten real images repeated 131")
    assert working([300.0] * 5).works is False


def test_a_single_trial_counts_by_its_number():
    plan = plan_of(replicates=1)
    assert working([130.0], plan=plan).works is True
    assert working([131.0], plan=plan).works is False


def test_without_the_line_nothing_is_pretended():
    state = working([20.0] * 5, references=NO_REFERENCES)
    assert state.works is None
    assert state.because == "the FID of ten real images repeated was not measured"
    losses = plan_of(metrics=("d_loss",), primary="d_loss_mean")
    state = working({"d_loss_mean": [1.0] * 5}, plan=losses)
    assert (state.works, state.because) == (None, "the study measures neither FID nor KID")


@pytest.mark.parametrize(("failed", "works"), [(0, True), (2, True), (3, False), (5, False)])
def test_half_of_the_trials_or_more_that_failed_are_enough(failed, works):
    outcomes = {"baseline": ["saturated"] * failed + ["ok"] * (5 - failed)}
    state = working([20.0, 21.0, 19.0, 20.5, 19.5], outcomes=outcomes)
    assert state.works is works
    if not works:
        assert state.because == f"of 5 trials, {failed} saturated"


@pytest.mark.parametrize(("recall", "works"), [(0.01, False), (0.004, False), (0.02, True)])
def test_next_to_no_recall_is_enough(recall, works):
    plan = plan_of(metrics=(*METRICS, "precision_recall"))
    numbers = {"fid": [20.0, 21.0, 19.0, 20.5, 19.5], "recall": [recall] * 5}
    assert working(numbers, plan=plan).works is works


def analysis(numbers, references, primary="fid"):
    plan = plan_of("worse", "other", primary=primary)
    facts = {"outcome_because": pd.NA, "device": "cpu", "precision": "fp32"}
    updates = dict.fromkeys(("images_seen", "g_updates", "d_updates"), 100)
    trials = (
        trials_of(plan, numbers)
        .assign(**facts, **updates)
        .astype({**dict.fromkeys(facts, "string"), **dict.fromkeys(updates, "Int64")})
    )
    return Analysis(plan, trials, no_curves(), references=references)


NUMBERS = fid(
    baseline=[20.0, 21.0, 19.0, 20.5, 19.5], worse=[40.0, 41.0, 39.0, 42.0, 38.0],
    other=[20.0, 21.0, 19.0, 20.5, 19.6],
)  # fmt: skip


def test_no_verdict_about_quality_rests_on_a_baseline_that_does_not_work():
    judged = analysis(NUMBERS, lines(131.0))
    effects = judged.effects.by_arm
    assert [effects[name].verdict for name in ("worse", "other")] == ["worse", "equivalent"]
    assert judged.head[0].startswith("The baseline works: FID 20 (up to 2")
    assert [s.topic for s in judged.summary if "working" in s.topic] == ["working"]
    unjudged = analysis(NUMBERS, lines(20.1))
    effects = unjudged.effects.by_arm
    assert [effects[name].verdict for name in ("worse", "other")] == [NOT_WORKING] * 2
    # The effect is as it was, and stands in the table.
    assert replace(effects["worse"], verdict=None) == replace(
        judged.effects.by_arm["worse"], verdict=None
    )
    assert unjudged.head[0] == (
        "The baseline does not work: FID 20 (up to 21 at 95 %), ten real images repeated 20.1. "
        "So no verdict on the quality of images rests on it."
    )
    verdicts = next(column for column in unjudged.columns if column.title == "Verdict")
    assert [cell.text for cell in verdicts.cells] == ["—", NOT_WORKING, NOT_WORKING, "", ""]
    leads = [sentence.lead for sentence in unjudged.summary]
    assert "The baseline does not work:" in leads
    assert "All 2 arms are without a verdict." in leads


def test_what_is_unknown_changes_no_verdict():
    judged = analysis(NUMBERS, NO_REFERENCES)
    assert judged.effects.by_arm["worse"].verdict == "worse"
    assert judged.head[0] == (
        "Whether the baseline works is not known: the FID of ten real images repeated was not "
        "measured."
    )


def test_a_loss_says_nothing_of_quality():
    plan = plan_of()
    assert [is_quality(plan, name) for name in ("fid", "modes", "d_loss_mean")] == [
        True, True, False,
    ]  # fmt: skip
    numbers = {arm: {**x, "d_loss_mean": x["fid"]} for arm, x in NUMBERS.items()}
    unjudged = analysis(numbers, lines(20.1), primary="d_loss_mean")
    assert unjudged.effects.by_arm["worse"].verdict == "higher"


def test_the_lines_are_the_last_rows_of_a_table():
    columns = {column.title: column for column in analysis(NUMBERS, lines(131.25)).columns}
    assert [cell.text for cell in columns["Arm"].cells] == [
        "baseline", "worse", "other", "other real images", "ten images repeated",
    ]  # fmt: skip
    assert [cell.text for cell in columns["FID ↓"].cells][-2:] == ["2", "131.2"]
    known = analysis(NUMBERS, NO_REFERENCES).columns
    assert {len(column.cells) for column in known} == {3}

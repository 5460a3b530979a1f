"""Effects of a study's primary metric: what is compared, by which rule, and how it is said."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ganablate.report.stats.effects import (
    column_effects,
    compared_arms,
    effect_columns,
    judged_together,
    null_arms,
)
from ganablate.report.stats.replicates import arm_replicates, equal_arms, replicates_of
from ganablate.report.table.cells import effect_text, p_text, verdict_text
from ganablate.report.table.effect_notes import effect_notes
from tests.support.synthetic_study import make_plan

BASE = [20.0, 22.0, 21.0, 20.5, 21.5]


def frame(measured, column="fid"):
    """Complete trials: arm -> numbers, None for a diverged one, or (number, outcome)."""
    rows = []
    for arm, values in measured.items():
        for replicate, value in enumerate(values):
            number, outcome = value if isinstance(value, tuple) else (value, "ok")
            outcome = "diverged" if number is None else outcome
            rows.append((arm, replicate, "complete", outcome, number))
    trials = pd.DataFrame(rows, columns=["arm", "replicate", "state", "outcome", column])
    return trials.astype({"outcome": "string", column: "float64"})


def effects_of(measured, *, primary="fid", metrics=("fid",), other=(), compare=None, alpha=0.05):
    plan = make_plan({name: {} for name in measured}, metrics=metrics, primary=primary)
    references = compare or {}
    arms = [replace(x, compare_to=references.get(x.name, x.compare_to)) for x in plan.arms]
    arms = tuple(replace(x, null=x.name.startswith("null")) for x in arms)
    plan = replace(plan, arms=arms)
    names = [name for name in measured if name not in other]
    return effects_in(frame(measured, primary), plan, names, alpha=alpha), plan


def effects_in(trials, plan, names, *, alpha=0.05):
    effects = column_effects(
        arm_replicates(trials, names, plan.primary),
        compared_arms(plan.arms),
        plan.primary,
        plan.columns[plan.primary].direction,
        null=null_arms(plan.arms),
        alpha=alpha,
    )
    return None if effects is None else judged_together([effects])[0]


def test_ratio_by_scipy():
    arm = [29.0, 33.0, 30.0, 27.0, 35.0]
    effect = effects_of({"baseline": BASE, "a": arm})[0].by_arm["a"]
    theirs = stats.ttest_ind(np.log(arm), np.log(BASE), equal_var=False)
    ends = theirs.confidence_interval(0.95)
    assert effect.estimate == pytest.approx(stats.gmean(arm) / stats.gmean(BASE), rel=1e-12)
    assert (effect.low, effect.high) == pytest.approx((math.exp(ends.low), math.exp(ends.high)))
    assert effect.p == effect.p_alone == pytest.approx(theirs.pvalue, rel=1e-10)
    assert effect.size > 3
    assert (effect.verdict, effect.compared_to) == ("worse", "baseline")


def test_difference_where_numbers_can_be_negative():
    kid = {"baseline": [-0.001, 0.002, 0.001], "a": [0.011, 0.012, 0.013]}
    effects, _ = effects_of(kid, primary="kid", metrics=("kid",))
    effect = effects.by_arm["a"]
    theirs = stats.ttest_ind(kid["a"], kid["baseline"], equal_var=False)
    assert effects.scale == "difference"
    assert effect.estimate == pytest.approx(0.012 - 0.002 / 3, rel=1e-12)
    assert (effect.low, effect.high) == pytest.approx(tuple(theirs.confidence_interval(0.95)))
    assert (effect.equivalence_p, effect.verdict) == (None, "worse")


def test_a_ratio_column_with_a_zero_is_a_difference():
    assert effects_of({"baseline": [0.0, 1.0, 2.0], "a": [1.0, 2.0, 3.0]})[0].scale == "difference"


def test_verdicts_come_from_holms_p():
    base = [16.0, 20.0, 24.0, 18.0, 22.0]
    measured = {"baseline": base, "a": [1.45 * x for x in base]}
    alone = effects_of(measured)[0].by_arm["a"]
    effects, _ = effects_of(measured | {f"c{k}": [x + k % 2 for x in base] for k in range(13)})
    among = effects.by_arm["a"]
    assert alone.verdict == "worse"
    assert effects.tested == 14
    assert among.p > 0.05 > alone.p
    assert among.verdict == "cannot tell at this n"
    assert among.low > 1  # the interval is the arm's alone
    assert effects_of({"baseline": BASE, "b": BASE[::-1]})[0].by_arm["b"].verdict == "equivalent"


def test_verdicts_at_a_level_and_intervals_at_the_rest():
    measured = {"baseline": BASE, "a": [1.12 * x for x in BASE], "b": [x + 0.8 for x in BASE]}
    usual, plan = effects_of(measured)
    strict, _ = effects_of(measured, alpha=1e-5)
    ours, theirs = usual.by_arm["a"], strict.by_arm["a"]
    expected = stats.ttest_ind(np.log(measured["a"]), np.log(BASE), equal_var=False)
    ends = expected.confidence_interval(0.99999)
    assert (theirs.low, theirs.high) == pytest.approx((math.exp(ends.low), math.exp(ends.high)))
    assert ours.p == theirs.p
    assert (ours.verdict, theirs.verdict) == ("worse", "cannot tell at this n")
    b = usual.by_arm["b"].equivalence_p
    assert 1e-5 < b < 0.05
    assert [one.by_arm["b"].verdict for one in (usual, strict)] == [
        "equivalent",
        "cannot tell at this n",
    ]
    assert (usual.alpha, strict.alpha) == (0.05, 1e-5)
    notes = " ".join(effect_notes([effects_of(measured, alpha=0.0158)[0]], plan))
    assert "Intervals are Welch's at 98.42 %" in notes
    assert "Verdicts are at 1.58 % after Holm's correction" in notes
    assert "95 %" not in notes
    assert " 5 %" not in notes
    assert set(effect_columns(strict, ["a", "b"])["effect_level"]) == {0.99999}


def test_a_null_arm_is_outside():
    arms = {"baseline": BASE, **{f"a{k}": [x + k for x in BASE[::-1]] for k in range(6)}}
    without, _ = effects_of(arms)
    effects, plan = effects_of(arms | {"null": [60.0, 24.0, 25.0, 31.0, 26.0]})
    null = effects.by_arm["null"]
    assert (null.p, null.equivalence_p, null.fails_p, null.verdict) == (None,) * 4
    expected = stats.ttest_ind(np.log([60, 24, 25, 31, 26]), np.log(BASE), equal_var=False)
    assert 0 < null.p_alone < 1
    assert null.estimate == pytest.approx(stats.gmean([60, 24, 25, 31, 26]) / stats.gmean(BASE))
    assert null.p_alone == pytest.approx(expected.pvalue, rel=1e-12)
    assert effects.tested == without.tested == 6
    assert effects.correlation == without.correlation
    assert {name: effects.by_arm[name] for name in without.by_arm} == dict(without.by_arm)
    note = effect_notes([effects], plan)[-1]
    assert note.startswith("The arm null changes only the seeds (×1.48 [")  # noqa: RUF001
    assert "by itself): it shows the noise, outside the correction" in note
    row = effect_columns(effects, ["null"]).iloc[0]
    assert pd.isna([row["effect_p"], row["verdict"], row["effect_fails_p"]]).all()
    assert row["effect"] == null.estimate


def test_a_null_arm_that_always_fails_has_no_verdict():
    bad = [(644.0, "saturated"), (None, "diverged"), (644.2, "saturated")]
    effects, plan = effects_of({"baseline": BASE[:3], "null": bad})
    assert effects.by_arm["null"].verdict is None
    assert effects.by_arm["null"].fails_p is None
    assert not any("All fail" in note for note in effect_notes([effects], plan))
    assert effects.by_arm["null"].p_alone == pytest.approx(2 / math.comb(6, 3))
    notes = effect_notes([effects], plan)
    assert notes[-1].startswith("The arm null changes only the seeds (p 0.10 by itself)")
    assert not any("Holm" in note for note in notes)


@pytest.mark.parametrize(
    ("column", "metric", "higher", "lower", "fails"),
    [
        ("fid", "fid", "worse", "better", "worse (fails)"),
        ("inception_score", "inception_score", "better", "worse", "worse (fails)"),
        ("d_loss_mean", "d_loss", "higher", "lower", "fails"),
    ],
)
def test_verdicts_follow_the_direction(column, metric, higher, lower, fails):
    measured = {"baseline": BASE, "up": [40.0 + x for x in BASE], "down": [x / 3 for x in BASE]}
    effects, _ = effects_of(measured | {"gone": [None] * 5}, primary=column, metrics=(metric,))
    verdicts = {name: effect.verdict for name, effect in effects.by_arm.items()}
    assert verdicts == {"up": higher, "down": lower, "gone": fails}
    assert (effects.by_arm["gone"].p is None) == (fails == "fails")


def test_a_diverged_replicate_ranks_worst():
    effects, plan = effects_of({"baseline": BASE, "a": [30.0, 31.0, 32.0, 33.0, None]})
    effect = effects.by_arm["a"]
    assert (effect.estimate, effect.low, effect.size) == (None, None, None)
    assert effect.p == pytest.approx(2 / math.comb(10, 5), rel=1e-12)
    assert effect.verdict == "worse"
    assert any("a diverged one worst" in note for note in effect_notes([effects], plan))
    best, _ = effects_of({"baseline": [None, *BASE[1:]], "a": [1.0, 2.0, 3.0, 4.0, 5.0]})
    assert best.by_arm["a"].verdict == "better"
    score = {"baseline": BASE, "a": [1.0, 2.0, 3.0, 4.0, None]}
    worst, _ = effects_of(score, primary="inception_score", metrics=("inception_score",))
    assert worst.by_arm["a"].verdict == "worse"


BAD = [(644.0, "saturated"), (644.1, "collapsed"), (600.2, "saturated"), (200.0, "saturated")]


def failing(n):
    """Studies in which two arms fail in all of n replicates, and the baseline in none."""
    bad = BAD[:n]
    measured = {"baseline": BASE[:n], "numbers": bad, "none": [None] * n}
    measured["some"] = [*bad[: n - 1], 20.0]
    return measured | {f"c{k}": [18.0, 20.0, 25.0, 21.0][:n] for k in range(9)}


def test_an_arm_that_always_fails_is_worse_where_the_exact_p_says_so():
    effects, plan = effects_of(failing(4))
    found = effects.by_arm
    for name in ("numbers", "none"):
        assert (found[name].verdict, found[name].fails) == ("worse (fails)", True)
        assert found[name].fails_p == pytest.approx(2 / math.comb(8, 4), rel=1e-12)
    assert found["numbers"].estimate > 10
    assert (found["some"].fails_p, found["some"].verdict) == (None, "cannot tell at this n")
    note = next(note for note in effect_notes([effects], plan) if note.startswith("All fail"))
    assert "where Fisher's exact p, uncorrected, is at most 5 %" in note
    also = failing(4) | {"baseline": [*BASE[:3], (600.0, "collapsed")]}
    assert effects_of(also)[0].by_arm["none"].fails_p is None


def test_three_failures_of_three_are_shown_and_decide_nothing():
    effects, plan = effects_of(failing(3))
    for name in ("numbers", "none"):
        assert effects.by_arm[name].fails_p == pytest.approx(2 / math.comb(6, 3), rel=1e-12)
        assert not effects.by_arm[name].fails
    assert effects.by_arm["none"].verdict == "cannot tell at this n"
    assert effects.by_arm["numbers"].verdict == "worse"  # its numbers show it
    assert any(note.startswith("All fail") for note in effect_notes([effects], plan))
    strict = effects_of(failing(4), alpha=0.0285)[0].by_arm  # Fisher's p is 0.02857
    assert strict["none"].verdict == "cannot tell at this n"


def test_columns_that_are_judged_together_share_the_correction():
    generator = np.random.default_rng(7)
    columns = []
    for column, direction in (("fid", "min"), ("kid", "min")):
        measured = {name: list(generator.normal(20, 9, 5)) for name in ("baseline", "a", "b", "c")}
        measured["a"] = [x + 20 for x in measured["baseline"][::-1]]
        measured["null"] = [1.0, 2.0, 3.0, 4.0, 5.0]
        replicates = arm_replicates(frame(measured, column), measured, column)
        references = dict.fromkeys(("a", "b", "c", "null"), "baseline")
        columns.append(
            column_effects(replicates, references, column, direction, null=["null"], alpha=0.5)
        )
    assert {effect.verdict for x in columns for effect in x.by_arm.values()} == {None}
    both = judged_together(columns)
    alone = [x.by_arm[name].p_alone for x in columns for name in ("a", "b", "c")]
    steps = sorted(alone)
    held = np.maximum.accumulate([min(1, p * (6 - k)) for k, p in enumerate(steps)])
    expected = dict(zip(steps, held, strict=True))
    found = [x.by_arm[name].p for x in both for name in ("a", "b", "c")]
    assert found == pytest.approx([expected[p] for p in alone], rel=1e-12)
    assert [(x.column, x.tests, x.tested) for x in both] == [("fid", 6, 3), ("kid", 6, 3)]
    assert {x.by_arm["null"].verdict for x in both} == {None}
    one = judged_together(columns[:1])[0]
    assert one.tests == 3
    lone = one.by_arm["a"].p
    assert lone < both[0].by_arm["a"].p
    between = [replace(x, alpha=(lone + both[0].by_arm["a"].p) / 2) for x in columns]
    assert judged_together(between[:1])[0].by_arm["a"].verdict == "worse"
    assert judged_together(between)[0].by_arm["a"].verdict == "cannot tell at this n"


@pytest.mark.parametrize("arm", [[30.0], [None]])
def test_one_replicate_is_not_tested(arm):
    for measured in ({"baseline": BASE, "a": arm}, {"baseline": [30.0], "a": [20.0, None, 22.0]}):
        effect = effects_of(measured)[0].by_arm["a"]
        assert (effect.p, effect.low, effect.fails_p) == (None, None, None)
        assert effect.verdict == "one replicate"
    effects, plan = effects_of({"baseline": [20.0], "a": [30.0]})
    assert effects.by_arm["a"].estimate == pytest.approx(1.5)
    assert effect_notes([effects], plan)[-1].endswith("No arm has two replicates to test.")


def test_other_protocols_and_empty_arms_are_not_compared():
    measured = {"baseline": BASE, "other": [30.0, 31.0], "empty": [], "a": BASE[::-1]}
    effects, _ = effects_of(measured, other=["other"])
    assert set(effects.by_arm) == {"empty", "a"}
    empty = effects.by_arm["empty"]
    assert (empty.estimate, empty.p, empty.verdict) == (None, None, None)
    assert effects_of(measured, other=["baseline"])[0].by_arm == {}
    columns = effect_columns(effects, measured)
    assert columns.iloc[[0, 1]].isna().all(axis=None)


def test_equal_numbers_are_compared_by_ranks():
    measured = {"baseline": [10.0] * 5, "a": [5.0] * 5, "b": [10.0] * 5}
    found = effects_of(measured, primary="modes", metrics=("modes",))[0].by_arm
    assert found["a"].p_alone == pytest.approx(2 / math.comb(10, 5), rel=1e-12)
    assert (found["a"].verdict, found["a"].low) == ("worse", None)
    assert (found["b"].p, found["b"].estimate) == (1.0, 0.0)


def test_arms_are_compared_with_what_they_name():
    measured = {"baseline": BASE, "a": [60.0, 61.0, 62.0, 63.0, 60.5], "b": BASE[::-1]}
    found = effects_of(measured, compare={"b": "a"})[0].by_arm
    assert (found["b"].compared_to, found["b"].verdict) == ("a", "better")
    assert effects_of({"a": BASE, "b": BASE})[0] is None


def test_correlation_pairs_replicates_by_their_index():
    measured = {"baseline": BASE, "a": [2 * x for x in BASE], "b": [3 * x for x in BASE]}
    plan = effects_of(measured)[1]
    shuffled = frame(measured).sample(frac=1, random_state=3)
    effects = effects_in(shuffled, plan, measured)
    assert effects.correlation.mean == pytest.approx(1.0)
    assert any("so that the intervals are wider" in note for note in effect_notes([effects], plan))
    assert replicates_of(shuffled, "a", "fid").on("difference").tolist() == [2 * x for x in BASE]


numbers = st.lists(st.floats(1, 100).map(lambda x: round(x, 3)), min_size=3, max_size=5)
studies = st.fixed_dictionaries(dict.fromkeys(("baseline", "a", "b", "c", "d", "e"), numbers))


@given(studies, st.floats(1e-3, 1e3), st.floats(-50, 50))
@settings(deadline=None, max_examples=12)
def test_neither_unit_nor_constant_nor_order_matters(measured, factor, constant):
    plain = effects_of(measured)[0].by_arm
    scaled = {name: [factor * value for value in values] for name, values in measured.items()}
    same(plain, effects_of(scaled)[0].by_arm)
    same(plain, effects_of(dict(reversed(measured.items())))[0].by_arm)
    moved = {name: [constant + value for value in values] for name, values in measured.items()}
    kid = {"primary": "kid", "metrics": ("kid",)}
    same(effects_of(measured, **kid)[0].by_arm, effects_of(moved, **kid)[0].by_arm)


def same(one, other):
    assert set(one) == set(other)
    for name, effect in one.items():
        for field in ("estimate", "low", "high", "p", "equivalence_p"):
            ours, theirs = getattr(effect, field), getattr(other[name], field)
            assert (ours is None) == (theirs is None)
            assert ours is None or ours == pytest.approx(theirs, rel=1e-5, abs=1e-9)
        if abs((effect.p or 1) - 0.05) > 1e-6 and abs((effect.equivalence_p or 1) - 0.05) > 1e-6:
            assert effect.verdict == other[name].verdict


@pytest.mark.parametrize(
    ("numbers", "scale", "text"),
    [
        ((1.3449, 1.12, 1.6), "ratio", "×1.34 [1.12, 1.60]"),  # noqa: RUF001
        ((0.08712, 0.0101, 12.04), "ratio", "×0.0871 [0.0101, 12.0]"),  # noqa: RUF001
        ((1.5, math.nan, math.nan), "ratio", "×1.50"),  # noqa: RUF001
        ((9.996, 3e-7, 1.25e8), "ratio", "×10.0 [3.00×10^-7, 1.25×10^8]"),  # noqa: RUF001
        ((6442.4, 644.2, 64424.0), "ratio", "×6442 [644, 64424]"),  # noqa: RUF001
        ((0.0123, -0.003, 0.0276), "difference", "+0.012 [-0.003, 0.028]"),
        ((-1.5, -3.0, 0.0), "difference", "-1.5 [-3.0, 0.0]"),
        ((math.nan, math.nan, math.nan), "difference", None),
    ],
)
def test_effects_as_text(numbers, scale, text):
    row = dict(zip(("effect", "effect_low", "effect_high"), numbers, strict=True))
    assert effect_text(pd.Series(row | {"effect_scale": scale})) == text


@pytest.mark.parametrize(
    ("p", "text"),
    [(1e-9, "<0.001"), (0.00851, "0.009"), (0.0512, "0.051"), (0.449, "0.45"), (1.0, "1.00"),
     (None, None), (math.nan, None)],
)  # fmt: skip
def test_p_as_text(p, text):
    assert p_text(p) == text


def test_verdicts_as_text():
    row = pd.Series({"verdict": "worse (fails)", "effect_fails_p": 0.00794})
    assert verdict_text(row) == "worse (fails), exact p 0.008"
    row = pd.Series({"verdict": "cannot tell at this n", "effect_fails_p": 0.1})
    assert verdict_text(row) == "cannot tell: all fail, exact p 0.10"
    row = pd.Series({"verdict": "cannot tell at this n", "effect_fails_p": math.nan})
    assert verdict_text(row) == "cannot tell"
    assert verdict_text(pd.Series({"verdict": pd.NA, "effect_fails_p": math.nan})) is None


def test_an_arm_that_changes_nothing_is_told_from_one_that_is_alike():
    rows = {
        "baseline": [(1.5, 10.0), (2.25, 10.0)],
        "idle": [(1.5, 10.0), (2.25, 10.0), (3.5, 9.0)],  # one replicate more
        "alike": [(1.5, 10.0), (2.2500001, 10.0)],
        "unmeasured": [(float("nan"), 10.0), (float("nan"), 10.0)],
    }
    trials = pd.DataFrame(
        [
            {"arm": arm, "replicate": n, "state": "complete", "fid": fid, "modes": modes}
            for arm, numbers in rows.items()
            for n, (fid, modes) in enumerate(numbers)
        ]
    )
    compared = dict.fromkeys([*rows, "pending"], "baseline")
    del compared["baseline"]
    assert equal_arms(trials, compared, ["fid", "modes", "recall"]) == {"idle": "baseline"}

"""Main effects and interactions against contrasts worked by hand and an analysis of variance."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ganablate.report.stats.cross import cross_effects
from ganablate.report.stats.statistics import summary
from ganablate.report.table.render import markdown_section
from ganablate.report.table.sections import cross_notes, cross_section
from ganablate.study.plan import Cross
from tests.support.synthetic_study import analysed, make_plan

LR, BATCH = ("0.001", "0.01"), ("32", "64", "128")


def crossed(measured, factors=None, *, column="fid", alpha=0.05, same=None, excluded=()):
    """Effects of `measured`: cell -> numbers, None for a diverged one; and their plan."""
    factors = factors or {"lr": LR, "batch_size": BATCH}
    cells = {
        cell: ",".join(f"{f}={x}" for f, x in zip(factors, cell, strict=True)) for cell in measured
    }
    plan = make_plan({name: {} for name in cells.values()}, metrics=(column,), primary=column)
    plan = replace(plan, cross=Cross(factors, cells | (same or {})), excluded=excluded)
    rows = [
        (cells[cell], replicate, "complete", "diverged" if value is None else "ok", value)
        for cell, values in measured.items()
        for replicate, value in enumerate(values)
    ]
    frame = pd.DataFrame(rows, columns=["arm", "replicate", "state", "outcome", column])
    frame = frame.astype({"outcome": "string", column: "float64"})
    return cross_effects(frame, plan, alpha=alpha), plan


def full(function, factors=None, n=3):
    """Cell -> numbers of every cell, some spread around the function's value."""
    generator = np.random.default_rng(4)
    cells = itertools.product(*(factors or {"lr": LR, "batch_size": BATCH}).values())
    return {
        cell: [function(*cell) * math.exp(0.05 * x) for x in generator.normal(size=n)]
        for cell in cells
    }


UNEQUAL = {
    ("0.001", "32"): [20.0, 22.0, 21.0],
    ("0.001", "64"): [24.0, 26.0, 25.0, 28.0],
    ("0.001", "128"): [30.0, 31.0],
    ("0.01", "32"): [50.0, 61.0, 47.0],
    ("0.01", "64"): [40.0, 41.0, 42.0],
    ("0.01", "128"): [33.0, 30.0, 36.0, 34.0, 31.0],
}


def by_hand(weights, level=0.95):
    """Estimate, ends and p of a contrast of mean logs, from the textbook's formulas."""
    logs = {cell: np.log(UNEQUAL[cell]) for cell in weights}
    estimate = sum(w * logs[cell].mean() for cell, w in weights.items())
    parts = {cell: w**2 * logs[cell].var(ddof=1) / len(logs[cell]) for cell, w in weights.items()}
    error = math.sqrt(sum(parts.values()))
    freedom = error**4 / sum(part**2 / (len(logs[cell]) - 1) for cell, part in parts.items())
    half = stats.t.ppf((1 + level) / 2, freedom) * error
    p = 2 * stats.t.sf(abs(estimate) / error, freedom)
    return math.exp(estimate), math.exp(estimate - half), math.exp(estimate + half), p


def numbers_of(effect):
    return effect.estimate, effect.low, effect.high, effect.p_alone


def test_main_effects_by_hand():
    effects, _ = crossed(UNEQUAL)
    lr, b64, b128 = effects.main
    assert [(effect.factors, effect.levels, effect.against) for effect in effects.main] == [
        (("lr",), ("0.01",), ("0.001",)),
        (("batch_size",), ("64",), ("32",)),
        (("batch_size",), ("128",), ("32",)),
    ]
    lr_weights = {cell: (1 if cell[0] == "0.01" else -1) / 3 for cell in UNEQUAL}
    assert numbers_of(lr) == pytest.approx(by_hand(lr_weights), rel=1e-10)
    for effect, level in ((b64, "64"), (b128, "128")):
        weights = {(a, b): (0.5 if b == level else -0.5) for a in LR for b in (level, "32")}
        assert numbers_of(effect) == pytest.approx(by_hand(weights), rel=1e-10)


def test_interactions_are_ratios_of_ratios():
    effects, _ = crossed(UNEQUAL, alpha=0.01)
    for effect, level in zip(effects.interactions, ("64", "128"), strict=True):
        cells = itertools.product(LR, (level, "32"))
        weights = {(a, b): (1 if a == "0.01" else -1) * (1 if b == level else -1) for a, b in cells}
        expected = by_hand(weights, level=0.99)
        assert numbers_of(effect) == pytest.approx(expected, rel=1e-10)
        at = [
            stats.gmean(UNEQUAL["0.01", b]) / stats.gmean(UNEQUAL["0.001", b])
            for b in ("32", level)
        ]
        assert effect.at == pytest.approx(at, rel=1e-10)
        assert effect.estimate == pytest.approx(at[1] / at[0], rel=1e-10)
    assert effects.interactions[1].factors == ("lr", "batch_size")


def test_holm_within_each_family():
    effects, _ = crossed(UNEQUAL)
    for family in (effects.main, effects.interactions):
        alone = sorted(effect.p_alone for effect in family)
        by_p = sorted(effect.p for effect in family)
        assert by_p[0] == pytest.approx(min(1, alone[0] * len(family)), rel=1e-12)
        assert by_p[-1] == pytest.approx(max(by_p[-2], alone[-1]), rel=1e-12)


def test_two_by_two_is_the_analysis_of_variance():
    """With two levels each and equal n, t squared with the pooled variance is its F."""
    factors = {"a": ("0", "1"), "b": ("0", "1")}
    means = dict(zip(itertools.product("01", "01"), (2.0, 5.0, 3.0, 10.0), strict=True))
    values = {cell: [mean - 1, mean, mean + 1] for cell, mean in means.items()}
    effects, _ = crossed(values, factors, column="kid")
    # Every cell has variance 1, so that Satterthwaite's degrees of freedom are all 8.
    sums = {"a": 3 * (6.5 - 3.5) ** 2, "b": 3 * (7.5 - 2.5) ** 2, "ab": 3 * (7 - 3) ** 2 / 4}
    found = {"a": effects.main[0], "b": effects.main[1], "ab": effects.interactions[0]}
    for name, effect in found.items():
        assert effect.p_alone == pytest.approx(stats.f.sf(sums[name], 1, 8), rel=1e-10)
    assert [effect.estimate for effect in found.values()] == pytest.approx([3.0, 5.0, 4.0])
    assert found["ab"].at == pytest.approx((1.0, 5.0))
    assert effects.scale == "difference"


def test_one_factor_at_a_time_would_mislead():
    def opposed(lr, batch):
        return 20 * (2 if (lr, batch) in {("0.01", "32"), ("0.001", "128")} else 1)

    effects, plan = crossed(full(opposed))
    assert {effect.levels for effect in effects.shown} == {("0.01", "64"), ("0.01", "128")}
    notes = cross_notes(effects, plan)
    [warning] = [note for note in notes if "mislead" in note]
    assert warning.startswith("Changing lr from 0.001 to 0.01 multiplies FID by ")
    assert " at batch_size=32 and by 0.5" in warning
    calm, plan = crossed(full(lambda lr, batch: 20 * float(lr) * float(batch)))
    assert calm.shown == ()
    assert calm.main[0].estimate == pytest.approx(10, rel=0.1)
    notes = cross_notes(calm, plan)
    assert not any("mislead" in note for note in notes)
    assert "No interaction is shown at this n; that does not show that there is none." in notes


def test_missing_cells_leave_the_contrasts_of_the_others():
    measured = {cell: UNEQUAL[cell] for cell in UNEQUAL if cell != ("0.01", "128")}
    measured["0.001", "64"] = [24.0, None, 25.0]
    gone = "lr=0.01,batch_size=128"
    effects, plan = crossed(measured, excluded=((gone, "too slow"),))
    lr, b64, b128 = effects.main
    # lr can be compared at batch 32 only, batch 64 at lr 0.01 only, batch 128 at lr 0.001 only.
    expected = [
        ({("0.01", "32"): 1, ("0.001", "32"): -1}, "batch_size=32"),
        ({("0.01", "64"): 1, ("0.01", "32"): -1}, "lr=0.01"),
        ({("0.001", "128"): 1, ("0.001", "32"): -1}, "lr=0.001"),
    ]
    for effect, (weights, place) in zip((lr, b64, b128), expected, strict=True):
        assert numbers_of(effect) == pytest.approx(by_hand(weights), rel=1e-10)
        above, below = (np.log(measured[cell]) for cell in weights)
        welch = stats.ttest_ind(above, below, equal_var=False)
        assert effect.p_alone == pytest.approx(welch.pvalue, rel=1e-10)
        assert effect.places == (place,)
    assert [effect.of for effect in effects.main] == [3, 2, 2]
    assert all(effect.partial for effect in effects.main)
    assert [(x.estimate, x.p, x.places) for x in effects.interactions] == [(None, None, ())] * 2
    assert effects.lacking == {"lr=0.001,batch_size=64": "a replicate diverged", gone: "excluded"}
    [note] = [line for line in cross_notes(effects, plan) if line.startswith("Cells without")]
    assert "lr=0.01,batch_size=128 (excluded)" in note
    section = cross_section(effects, plan)
    cells = next(x for x in section.columns if x.title == "Averaged over").cells
    assert [cell.text for cell in cells] == [
        "1 of 3: batch_size=32", "1 of 2: lr=0.01", "1 of 2: lr=0.001", "—", "—",
    ]  # fmt: skip


def test_holes_of_two_kinds_and_what_needs_no_missing_cell():
    measured = UNEQUAL | {("0.001", "64"): [24.0], ("0.01", "128"): [30.0, 33.0]}
    effects, plan = crossed(measured)
    assert effects.lacking == {"lr=0.001,batch_size=64": "fewer than two replicates"}
    lr, b64, b128 = effects.main
    assert lr.places == ("batch_size=32", "batch_size=128")
    assert (b64.partial, b128.partial) == (True, False)
    assert [effect.partial for effect in effects.interactions] == [True, False]
    assert effects.interactions[1].p == effects.interactions[1].p_alone  # the only one
    cells = next(
        x for x in cross_section(effects, plan).columns if x.title == "Averaged over"
    ).cells
    assert [cell.text for cell in cells][2:] == ["all 2", "—", "its four cells"]


def test_a_hole_in_three_factors_leaves_the_interaction_at_the_other_level():
    factors = {"a": ("0", "1"), "b": ("0", "1"), "c": ("0", "1")}
    cells = full(lambda a, b, c: 10 * (1 + int(a)) * (1 + 2 * int(c)), factors)
    whole, _ = crossed(cells, factors)
    holed, _ = crossed({cell: x for cell, x in cells.items() if cell != ("1", "1", "1")}, factors)
    logs = {cell: np.log(x).mean() for cell, x in cells.items()}
    for effect, chosen in zip(holed.main, range(3), strict=True):
        steps = []
        for rest in itertools.product("01", repeat=2):
            ends = [(*rest[:chosen], level, *rest[chosen:]) for level in "10"]
            if ends[0] != ("1", "1", "1"):
                steps.append(logs[ends[0]] - logs[ends[1]])
        assert effect.estimate == pytest.approx(math.exp(np.mean(steps)), rel=1e-10)
        assert (len(effect.places), effect.of) == (3, 4)
    ab = holed.interactions[0]
    assert (ab.factors, ab.places, ab.of) == (("a", "b"), ("c=0",), 2)
    step = [logs["1", b, "0"] - logs["0", b, "0"] for b in "01"]
    assert ab.at == pytest.approx(np.exp(step), rel=1e-10)
    assert ab.estimate == pytest.approx(math.exp(step[1] - step[0]), rel=1e-10)
    assert not any(effect.partial for effect in (*whole.main, *whole.interactions))


def test_three_factors_are_averaged_and_their_interaction_is_not_estimated():
    factors = {"a": ("0", "1"), "b": ("0", "1"), "c": ("0", "1")}
    effects, plan = crossed(
        full(lambda a, b, c: 10 * (1 + int(a)) * (1 + 2 * int(c)), factors), factors
    )
    estimates = [effect.estimate for effect in effects.main]
    assert estimates == pytest.approx([2, 1, 3], rel=0.08)
    pairs = [effect.factors for effect in effects.interactions]
    assert pairs == [("a", "b"), ("a", "c"), ("b", "c")]
    assert "Interactions of three factors are not estimated." in cross_notes(effects, plan)


def test_cells_of_the_same_trials_count_in_both_places():
    measured = {cell: x for cell, x in UNEQUAL.items() if "128" not in cell}
    shared = {("0.01", "64"): "lr=0.01,batch_size=32"}
    cells = {cell: x for cell, x in measured.items() if cell not in shared}
    effects, plan = crossed(cells, {"lr": LR, "batch_size": BATCH[:2]}, same=shared)
    logs = {cell: summary(np.log(x)) for cell, x in cells.items()}
    batch = effects.main[1]
    step = 0.5 * (logs["0.001", "64"].mean - logs["0.001", "32"].mean)
    assert batch.estimate == pytest.approx(math.exp(step), rel=1e-10)
    theirs = stats.ttest_ind(
        np.log(cells["0.001", "64"]), np.log(cells["0.001", "32"]), equal_var=False
    )
    assert batch.p_alone == pytest.approx(theirs.pvalue, rel=1e-10)
    assert effects.main[0].p_alone is not None
    assert cross_notes(effects, plan)[-1].startswith("Cells that come to the same trials")


def test_nothing_to_cross():
    frame = pd.DataFrame({"arm": ["a"], "replicate": [0], "state": ["complete"]})
    assert cross_effects(frame, make_plan({"a": {}, "b": {}})) is None
    one_factor = {("0.001",): [1.0, 2.0], ("0.01",): [2.0, 3.0]}
    assert crossed(one_factor, {"lr": LR})[0] is None
    one_cell = {("0.001", "32"): [1.0, 2.0]}
    assert crossed(one_cell, {"lr": LR[:1], "batch_size": BATCH[:1]})[0] is None


def test_equal_numbers_have_an_estimate_and_no_p():
    effects, _ = crossed({cell: [10.0, 10.0] for cell in UNEQUAL})
    assert {(x.estimate, x.low, x.p) for x in effects.main} == {(1.0, None, None)}


def test_section_below_the_table(run_all):
    cells = {
        (lr, batch): f"lr={lr},batch_size={batch}" for lr, batch in itertools.product(LR, BATCH[:2])
    }
    plan = make_plan({name: {} for name in cells.values()})
    crossing = replace(plan, cross=Cross({"lr": LR, "batch_size": BATCH[:2]}, cells))
    analysis = analysed(plan, run_all(plan, samples=False))
    assert analysis.crosses == ()
    analysis = replace(analysis, plan=crossing, alpha=0.01)
    lines = markdown_section(cross_section(analysis.crosses[0], crossing)).splitlines()
    assert lines[1] == "**Main effects and interactions: FID ↓**"
    assert lines[3].split("|")[3].strip() == "Effect [99 %]"
    assert lines[-1] != ""
    assert [line.split("|")[1].strip() for line in lines[5:8]] == [
        "lr 0.001 to 0.01",
        "batch_size 32 to 64",
        "lr 0.001 to 0.01, at batch_size 64 instead of 32",
    ]
    assert "Averaged over" not in lines[3]
    marked = cross_effects(analysis.trials, crossing, ["lr=0.001,batch_size=32"])
    notes = " ".join(cross_notes(marked, crossing))
    assert "lr=0.001,batch_size=32 (of another protocol or criterion)" in notes


numbers = st.lists(st.floats(1, 100).map(lambda x: round(x, 3)), min_size=2, max_size=4)
crosses = st.fixed_dictionaries(dict.fromkeys(UNEQUAL, numbers))


@given(crosses, st.floats(1e-3, 1e3))
@settings(deadline=None, max_examples=8)
def test_ratios_do_not_depend_on_the_unit(measured, factor):
    plain, _ = crossed(measured)
    other, _ = crossed({cell: [factor * x for x in values] for cell, values in measured.items()})
    for ours, theirs in zip(plain.main, other.main, strict=True):
        assert theirs.estimate == pytest.approx(ours.estimate, rel=1e-6)
        if None not in (ours.p, theirs.p):
            assert theirs.p == pytest.approx(ours.p, rel=1e-4, abs=1e-9)

"""The forest plot: numbers of the effects, signs of the verdicts, what has no place on the axis."""

import math
from dataclasses import replace

import numpy as np
import pytest

from ganablate.report.figures import style
from ganablate.report.figures.forest import draw_forest, forest_rows
from ganablate.report.figures.primary import draw_primary
from ganablate.report.figures.style import read_caption
from ganablate.report.stats.effects import OPEN
from ganablate.report.table.verdict_style import FAILING, UNDECIDED, UNTESTED, WORSE, verdict_kind
from tests.support.synthetic_study import analysed, make_plan, with_parts, write_trial

FIDS = {
    "baseline": [100.0, 104.0, 96.0, 101.0], "worse": [200.0, 210.0, 190.0, 205.0],
    "same": [100.0, 130.0, 75.0, 99.0], "one": [90.0], "gone": [],
}  # fmt: skip


@pytest.fixture
def measured(tmp_path):
    plan = make_plan({name: {} for name in FIDS}, replicates=4)
    for trial in plan.trials:
        values = FIDS[trial.arm]
        if trial.replicate < len(values):
            write_trial(tmp_path, trial, numbers={"fid": values[trial.replicate]})
        elif trial.arm == "gone":
            write_trial(tmp_path, trial, numbers={}, outcome="diverged")
    return analysed(plan, tmp_path)


def test_rows_hold_the_effects_and_the_replicates_on_the_axis(measured):
    effects = measured.effects
    worse, same, one, gone = forest_rows(effects, measured.plan)
    middle = np.log(FIDS["baseline"]).mean()
    assert worse.label == "worse (n = 4)"
    assert worse.estimate == pytest.approx(math.log(effects.by_arm["worse"].estimate))
    assert worse.estimate == pytest.approx(worse.dots.mean())
    np.testing.assert_allclose(worse.dots, np.log(FIDS["worse"]) - middle)
    assert worse.ends == pytest.approx(tuple(math.log(x) for x in (
        effects.by_arm["worse"].low, effects.by_arm["worse"].high)))  # fmt: skip
    assert (worse.kind, same.kind, one.kind, gone.kind) == (WORSE, UNDECIDED, UNTESTED, FAILING)
    assert (one.ends, one.words) == (None, "×0.898, no interval\none replicate")  # noqa: RUF001
    assert gone.estimate is None
    assert gone.words == "no mean: 4 diverged\nworse (fails)"


def caption_of(analysis, path):
    assert draw_forest(analysis, path)
    with style.Image.open(path) as image:
        return read_caption(image)


def test_the_picture_says_what_it_shows(measured, drawn, tmp_path):
    caption = caption_of(measured, tmp_path / "forest.png")
    (axes,) = drawn.figure.axes
    assert len(axes.get_yticks()) == 4
    ticks = [label.get_text() for label in axes.get_xticklabels()]
    assert {"×1", "×2"} <= set(ticks)  # noqa: RUF001
    assert axes.get_xlabel().startswith("FID over that of the baseline (n = 4)")
    assert axes.patches[0].get_x() == pytest.approx(-math.log(1.25))
    assert 0.5 < caption.above < 1
    assert "budget cpu: 5 arms" in caption.text
    assert "mnist_classifier@1a2b3c4d" in caption.text
    tests = "Verdicts: from tests after Holm's correction over 3 arms, at 5 %"
    assert f"{tests}, or by the rule of failing arms." in caption.text
    by_arm = measured.effects.by_arm.items()
    plain = {name: replace(effect, verdict=OPEN) for name, effect in by_arm}
    effects = replace(measured.effects, by_arm=plain)
    caption = caption_of(with_parts(measured, judged={"fid": effects}), tmp_path / "forest.png")
    assert f"{tests}." in caption.text


def test_an_endless_interval_ends_in_an_arrow(tmp_path, drawn):
    plan = make_plan({"baseline": {}, "wild": {}}, replicates=2)
    for trial, fid in zip(plan.trials, (100.0, 101.0, 20.0, 400.0), strict=True):
        write_trial(tmp_path, trial, numbers={"fid": fid})
    analysis = analysed(plan, tmp_path)
    assert analysis.effects.by_arm["wild"].high > 1e4
    assert draw_forest(analysis, tmp_path / "forest.png")
    (axes,) = drawn.figure.axes
    assert {"<", ">"} <= {line.get_marker() for line in axes.lines}
    assert axes.get_xlim()[1] < math.log(1e4)


def test_differences_have_a_plain_axis_and_no_band(tmp_path, drawn):
    plan = make_plan({"baseline": {}, "b": {}}, primary="modes")
    for number, trial in enumerate(plan.trials):
        write_trial(tmp_path, trial, numbers={"modes": 10.0 - number})
    assert draw_forest(analysed(plan, tmp_path), tmp_path / "forest.png")
    (axes,) = drawn.figure.axes
    assert not axes.patches
    assert "Classes covered less that of the baseline" in axes.get_xlabel()
    assert "← worse · better →" in axes.get_xlabel()


def test_two_primary_metrics_have_a_panel_each(tmp_path, drawn):
    plan = make_plan({"baseline": {}, "b": {}}, primary=("fid", "recall"))
    for number, trial in enumerate(plan.trials):
        numbers = {"fid": 20.0 + number, "recall": 0.5 - 0.01 * number}
        write_trial(tmp_path, trial, numbers=numbers)
    analysis = analysed(plan, tmp_path)
    caption = caption_of(analysis, tmp_path / "forest.png")
    titles = [axes.get_xlabel() for axes in drawn.figure.axes]
    assert titles[0].startswith("FID over that of the baseline")
    assert titles[1].startswith("Recall less that of the baseline")
    assert titles[1].endswith("← worse · better →")
    assert "Holm's correction over 2 tests" in caption.text
    assert caption.text.count("mnist_classifier@1a2b3c4d") == 1
    assert draw_primary(analysis, tmp_path / "primary.png")
    assert [axes.get_xlabel().partition(",")[0] for axes in drawn.figure.axes] == ["FID", "Recall"]


def test_nothing_to_place_is_nothing_drawn(tmp_path, three_arms):
    analysis = analysed(three_arms, tmp_path)
    assert not draw_forest(analysis, tmp_path / "forest.png")
    assert not draw_forest(with_parts(analysis, judged={}), tmp_path / "forest.png")
    assert not (tmp_path / "forest.png").exists()


def test_one_replicate_an_arm_is_left_to_the_dots_of_the_primary(tmp_path):
    plan = make_plan({"baseline": {}, "b": {}}, replicates=1)
    for trial in plan.trials:
        write_trial(tmp_path, trial, numbers={"fid": 20.0})
    analysis = analysed(plan, tmp_path)
    assert analysis.effects.by_arm["b"].estimate == 1.0
    assert not draw_forest(analysis, tmp_path / "forest.png")


def test_an_unknown_verdict_decides_nothing():
    assert verdict_kind("of a later version") is UNTESTED

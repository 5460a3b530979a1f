"""Metrics that were measured during training: their rows of curves.csv, and their picture."""

from dataclasses import replace

import pandas as pd

from ganablate.report.figures.primary import draw_over_time, over_time
from ganablate.report.frames.curves import curves_csv, read_curves
from ganablate.report.frames.trials import curves_frame, trials_frame
from ganablate.trials.folder import TrialFolder
from tests.support.synthetic_study import analysed, make_plan, write_trial

FIDS = {"baseline": (90.0, 60.0, 30.0), "a": (80.0, 85.0, 70.0)}


def measured_plan(root, evaluations=4):
    """Two arms, two replicates, 8 iterations; the second replicate is 10 higher at each point."""
    plan = make_plan({"baseline": {}, "a": {"latent_dim": 10}}, replicates=2, metrics=("fid",))
    for trial in plan.trials:
        more = 10.0 * trial.replicate
        write_trial(root, trial, numbers={"fid": 20.0 + more, "modes": 9.0}, updates=8)
        folder = TrialFolder(root, trial.trial_id)
        for at, fid in zip((2, 4, 6), FIDS[trial.arm], strict=True):
            content = {
                "evaluated": ["fid"], "images_seen": at * 64, "measured_ms": 5,
                "numbers": {"fid": fid + more},
            }  # fmt: skip
            folder.write_evaluation(at, content)
        folder.write_evaluation(5, {**content, "images_seen": 320})  # of another study
        folder.write_complete({**folder.complete, "planned_iterations": 8})
    return replace(plan, evaluations=evaluations)


def test_the_points_of_the_plan_and_the_end_are_rows(tmp_path):
    plan = measured_plan(tmp_path)
    curves = curves_frame(plan, tmp_path)
    first = curves[curves["trial_id"] == plan.trials[0].trial_id]
    assert first["metric"].unique().tolist() == ["fid"]
    assert first["images_seen"].tolist() == [128, 256, 384, 512]
    assert first["value"].tolist() == [90.0, 60.0, 30.0, 20.0]
    (tmp_path / "curves.csv").write_text(curves_csv(curves))
    pd.testing.assert_frame_equal(read_curves(tmp_path / "curves.csv"), curves)


def test_the_band_is_the_range_of_replicates(tmp_path):
    plan = measured_plan(tmp_path)
    points = over_time(curves_frame(plan, tmp_path), trials_frame(plan, tmp_path), plan)
    arm = points[points["arm"] == "a"]
    assert arm["mean"].tolist() == [85.0, 90.0, 75.0, 25.0]
    assert arm["low"].tolist() == [80.0, 85.0, 70.0, 20.0]
    assert arm["high"].tolist() == [90.0, 95.0, 80.0, 30.0]
    assert set(arm["n"]) == {2}


def test_the_picture_names_the_arms_and_the_metric(tmp_path, drawn):
    analysis = analysed(measured_plan(tmp_path), tmp_path)
    assert draw_over_time(analysis, tmp_path / "over_time.png")
    assert 1000 < (tmp_path / "over_time.png").stat().st_size < 300_000
    assert {"baseline", "a", "FID ↓", "images seen"} <= set(drawn.texts)


def test_a_line_over_fewer_trials_says_over_how_many(tmp_path, drawn):
    plan = measured_plan(tmp_path)
    analysis = analysed(plan, tmp_path)
    curves, trials = analysis.curves, analysis.trials
    last = plan.trials[-1].trial_id
    trials.loc[trials["trial_id"] == last, "outcome"] = "diverged"
    gone = (curves["trial_id"] == last) & (curves["images_seen"] > 300)
    assert draw_over_time(replace(analysis, curves=curves[~gone]), tmp_path / "over_time.png")
    assert {"baseline", "a\nn = 1 to 2"} <= set(drawn.texts)
    assert "Behind a divergence, both are over the others." in drawn.said


def test_a_plan_that_measures_at_the_end_has_no_such_rows_and_no_picture(tmp_path):
    analysis = analysed(measured_plan(tmp_path, evaluations=1), tmp_path)
    assert analysis.curves.empty
    assert not draw_over_time(analysis, tmp_path / "over_time.png")
    assert not (tmp_path / "over_time.png").exists()

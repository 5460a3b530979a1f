"""What the pictures show: which replicate, which block, and no baseline where there is none."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ganablate.report.figures import style
from ganablate.report.figures.losses import draw_losses, loss_bands
from ganablate.report.figures.primary import draw_primary
from ganablate.report.figures.sheets import draw_contact_sheet, sample_rows, sheet_caption
from ganablate.report.table.captions import past_short_trials
from tests.support.synthetic_study import analysed, make_plan, write_trial

IMAGES = np.arange(10 * 28 * 28, dtype=np.uint8).reshape(10, 28, 28, 1)


def test_bands_are_the_blocks_of_curves_csv(three_arms, tmp_path):
    first, second, third = three_arms.trials[:3]
    steps = np.arange(1950, dtype=np.float32)
    for trial, curve in ((first, steps), (second, steps + 10)):
        write_trial(tmp_path, trial, numbers={}, losses={"d/criterion": curve})
    gone = np.append(steps[:50] + 90, np.nan).astype(np.float32)
    write_trial(tmp_path, third, numbers={}, outcome="diverged", losses={"d/criterion": gone})
    analysis = analysed(three_arms, tmp_path)
    bands = loss_bands(analysis.curves, analysis.trials)
    batch = first.config.batch_size
    assert bands["images_seen"].tolist() == [(39 * k + 19.5) * batch for k in range(50)]
    early, late = bands.iloc[0], bands.iloc[1]  # 39 steps a block: means 19, 29 and 109
    assert (early["mean"], early["low"], early["high"]) == (pytest.approx(157 / 3), 19.0, 109.0)
    assert (late["mean"], late["low"], late["high"]) == (63.0, 58.0, 68.0)


@pytest.mark.parametrize(
    ("outcome", "early", "said"),
    [
        ("ok", None, ""),
        ("diverged", None, " Behind a divergence, the mean is over the others."),
        ("saturated", 400, " Behind an early end, the mean is over the others."),
        ("diverged", 400, " Behind an early end or a divergence, the mean is over the others."),
    ],
)
def test_means_of_fewer_trials_are_said(outcome, early, said):
    trials = pd.DataFrame({"state": ["complete"] * 3 + ["pending"], "outcome": "ok"})
    trials.loc[1, "outcome"] = outcome
    trials.loc[3, "outcome"] = None
    trials["ended_early_at"] = [early, None, None, None]
    assert past_short_trials(trials, "the mean is") == said
    assert past_short_trials(trials.drop(columns="ended_early_at"), "it is") == (
        " Behind a divergence, it is over the others." if outcome == "diverged" else ""
    )


def test_the_caption_of_losses_says_what_a_point_is(three_arms, tmp_path, drawn):
    steps = np.ones(450, np.float32)
    for trial in three_arms.trials[:2]:
        outcome = "diverged" if trial.replicate else "ok"
        kept = steps[:200] if trial.replicate else steps
        write_trial(
            tmp_path, trial, numbers={}, outcome=outcome, losses={"d/criterion": kept}, updates=450
        )
    draw_losses(analysed(three_arms, tmp_path), tmp_path / "losses.png")
    assert "budget cpu" in drawn.said
    assert "each point is the mean over a 50th of training" in drawn.said
    assert "Behind a divergence, the mean is over the others." in drawn.said


def test_a_row_shows_the_first_replicate_whatever_became_of_it(tmp_path, drawn):
    plan = make_plan({"baseline": {}, "a": {"g_lr": 10.0}, "b": {}, "c": {"latent_dim": 20}})
    for trial in plan.trials:
        if trial.replicate == 0 and trial.arm == "b":
            continue
        diverged = trial.replicate == 0 and trial.arm == "a"
        write_trial(
            tmp_path, trial, numbers={} if diverged else {"fid": 20.0 + trial.replicate},
            outcome="diverged" if diverged else None, samples=None if diverged else IMAGES,
        )  # fmt: skip
    analysis = analysed(plan, tmp_path)
    rows = sample_rows(analysis, tmp_path)
    assert [(row.arm, row.replicate) for row in rows] == [
        ("baseline", 0), ("a", 0), ("b", 1), ("c", 0),
    ]  # fmt: skip
    assert [row.images is None for row in rows] == [False, True, False, False]
    assert not any(row.absent for row in rows)
    assert draw_contact_sheet(rows, analysis, tmp_path / "samples.png")
    expected = {"diverged: no images", "21\nreplicate 1\nother latents", "20\nother latents"}
    assert expected <= set(drawn.texts)
    caption = sheet_caption(rows, analysis)
    assert "The same latents in every row but those that say “other latents”." in caption
    assert "replicate 0, or of the one named" in caption
    assert sheet_caption(rows[:2], analysis).endswith("The same latents in every row.")


@pytest.mark.parametrize("difference", ["seed", "device", None])
def test_samples_of_another_seed_or_device_are_of_other_latents(difference, tmp_path):
    plan = make_plan({"baseline": {}, "null": {}}, replicates=1)
    baseline, null = plan.trials
    if difference == "seed":
        null = replace(null, config=null.config.model_copy(update={"seed": 99}))
    attempt = {"device": "cuda"} if difference == "device" else {}
    plan = replace(plan, trials=(baseline, null))
    write_trial(tmp_path, baseline, numbers={"fid": 20.0}, samples=IMAGES)
    write_trial(tmp_path, null, numbers={"fid": 20.0}, samples=IMAGES, attempt=attempt)
    analysis = analysed(plan, tmp_path)
    caption = sheet_caption(sample_rows(analysis, tmp_path), analysis)
    assert caption.endswith("The same latents in every row.") == (difference is None)


def test_an_arm_without_a_complete_trial_says_so(three_arms, tmp_path, drawn):
    write_trial(tmp_path, three_arms.trials[0], numbers={"fid": 1e-5}, samples=IMAGES)
    analysis = analysed(three_arms, tmp_path)
    rows = sample_rows(analysis, tmp_path)
    assert draw_contact_sheet(rows, analysis, tmp_path / "samples.png")
    assert drawn.texts.count("no trial is complete") == 2
    assert "1e-5" in drawn.texts


@pytest.mark.parametrize("cross", [False, True])
def test_a_cross_without_a_baseline_shows_none(cross, tmp_path, drawn):
    plan = make_plan({"one" if cross else "baseline": {}, "two": {"latent_dim": 20}})
    for trial in plan.trials:
        curve = np.ones(100, dtype=np.float32) + trial.replicate
        write_trial(
            tmp_path, trial, numbers={"fid": 9.0 + trial.replicate}, losses={"d/criterion": curve},
            samples=IMAGES,
        )  # fmt: skip
    analysis = analysed(plan, tmp_path)
    draw_primary(analysis, tmp_path / "primary.png")
    (axes,) = drawn.figure.axes
    dashed = [line for line in axes.lines if line.get_color() == style.BASELINE_COLOUR]
    assert (len(dashed), len(axes.patches)) == ((0, 0) if cross else (1, 1))
    assert ("Dashed line" in " ".join(drawn.texts)) is not cross
    weight = axes.get_yticklabels()[0].get_fontweight()
    assert weight == ("normal" if cross else "bold")
    draw_losses(analysis, tmp_path / "losses.png")
    grey = [line for a in drawn.figure.axes for line in a.lines if line.get_color() == "#a6a6a6"]
    assert bool(grey) is not cross
    strong = [a.get_title() for a in drawn.figure.axes if a.title.get_fontweight() == "bold"]
    assert strong == ([] if cross else ["baseline"])
    everywhere = " ".join(drawn.texts)
    draw_contact_sheet(sample_rows(analysis, tmp_path), analysis, tmp_path / "s.png")
    everywhere += " ".join(drawn.texts)
    assert ("baseline" in everywhere) is not cross
    bold = [t for t in drawn.figure.texts if t.get_fontweight() == "bold"]
    assert len(bold) == (1 if cross else 2)  # the heading of the values, and the baseline


def test_hollow_dots_are_those_of_another_protocol_than_the_tables(three_arms, tmp_path, drawn):
    for trial in three_arms.trials[3:]:  # the baseline has no number
        stamp = "one" if trial.arm == "d_dropout=0.0" else "two"
        write_trial(tmp_path, trial, numbers={"fid": 9.0 + trial.replicate}, stamp=stamp)
    analysis = analysed(three_arms, tmp_path)
    draw_primary(analysis, tmp_path / "primary.png")
    (axes,) = drawn.figure.axes
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    assert [dot.get_markerfacecolor() == "white" for dot in dots] == [False] * 3 + [True] * 3
    assert "FID: one. Hollow: another protocol than the arm baseline's: two." in drawn.said
    assert analysis.table["fid_mark"].isna().tolist() == [True, True, False]


def test_a_short_dip_stays_within_the_axis(tmp_path, drawn):
    plan = make_plan({"baseline": {}}, replicates=1)
    curve = np.where(np.arange(1000) // 20 == 2, 0.4, np.linspace(0.6, 0.9, 1000))
    write_trial(tmp_path, plan.trials[0], numbers={}, losses={"d/criterion": curve})
    draw_losses(analysed(plan, tmp_path), tmp_path / "losses.png")
    (axes,) = drawn.figure.axes
    assert axes.get_ylim()[0] < 0.4
    assert axes.get_xlim()[1] > 1000 * plan.trials[0].config.batch_size

"""What probes drew, an arm beside the other, and the stacked losses."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from ganablate.report.build import build_report
from ganablate.report.figures.losses import draw_loss_pairs, pair_curves
from ganablate.report.figures.sheets import ArmImages, draw_probe_sheet, probe_panels
from ganablate.trials.folder import TrialFolder
from tests.support.synthetic_study import analysed, make_plan, write_trial


def write_picture(root, trial, pixels):
    path = TrialFolder(root, trial.trial_id).probe_picture("walk", "lines")
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def plan():
    arms = {"baseline": {}, "a": {"g_lr": 10.0}, "b": {}, "c": {}}
    return make_plan(arms, replicates=2, probes=("walk",))


@pytest.fixture
def root(plan, tmp_path):
    """Replicate 0 of `a` diverged, `b` has only replicate 1, nothing is complete of `c`."""
    root = tmp_path / "runs" / "trials"
    for trial in plan.trials:
        if trial.arm == "c" or (trial.arm, trial.replicate) == ("b", 0):
            continue
        gone = (trial.arm, trial.replicate) == ("a", 0)
        write_trial(root, trial, numbers={}, outcome="diverged" if gone else None)
        TrialFolder(root, trial.trial_id).add_metrics(["walk"], {}, {})
        if not gone:
            value = 40 + 100 * trial.replicate + 20 * "ab".find(trial.arm)
            write_picture(root, trial, np.full((60, 90), value, np.uint8))
    return root


def test_an_arm_shows_its_first_complete_replicate(plan, root):
    panels = probe_panels("walk", "lines", analysed(plan, root), root)
    assert [(panel.arm, panel.replicate) for panel in panels] == [
        ("baseline", 0), ("a", 0), ("b", 1), ("c", None),
    ]  # fmt: skip
    assert [panel.instead for panel in panels] == [
        "", "diverged: not looked at", "", "no trial is complete",
    ]  # fmt: skip
    assert [None if p.images is None else int(p.images[0, 0, 0, 0]) for p in panels] == [
        20, None, 160, None,
    ]  # fmt: skip
    assert not any(panel.absent for panel in panels)


def test_the_sheet_shows_every_pixel(plan, root, tmp_path):
    analysis = analysed(plan, root)
    panels = probe_panels("walk", "lines", analysis, root)
    assert draw_probe_sheet(panels, "Lines", analysis, tmp_path / "walk.png")
    pixels = np.asarray(Image.open(tmp_path / "walk.png").convert("L"))
    # Twice the size; letters may have a few pixels of any grey.
    assert [np.sum(pixels == value) // 100 * 100 for value in (20, 160)] == [21_600, 21_600]
    assert not draw_probe_sheet(panels[1:2], "Lines", analysis, tmp_path / "none.png")
    assert not (tmp_path / "none.png").exists()


def test_a_row_is_as_high_as_its_highest_picture(plan, tmp_path):
    analysis = analysed(plan, tmp_path)
    wide = np.full((1, 100, 1000, 1), 20, np.uint8)

    def height(*pictures):
        path = tmp_path / "walk.png"
        panels = [ArmImages("a", images=images, instead="none") for images in pictures]
        assert draw_probe_sheet(panels, "Lines", analysis, path)
        with Image.open(path) as image:
            return image.height

    one = height(wide)
    assert height(wide, wide) == one + 224
    assert height(wide, wide[:, :30]) == one + 84
    assert height(wide, None) == height(None, wide) == one + 44


@pytest.mark.slow
def test_twelve_arms_of_noise_stay_under_300_kb(tmp_path):
    arms = {"baseline": {}, **{f"arm {n}": {"g_width": 8 + n} for n in range(13)}}
    plan = make_plan(arms, replicates=1, probes=("walk",))
    random = np.random.default_rng(2)
    for trial in plan.trials:
        write_trial(tmp_path, trial, numbers={})
        write_picture(tmp_path, trial, random.integers(0, 256, (200, 360, 3), dtype=np.uint8))
    analysis = analysed(plan, tmp_path)
    panels = probe_panels("walk", "lines", analysis, tmp_path)
    assert [panel.arm for panel in panels] == list(arms)[:12]
    assert draw_probe_sheet(panels, "Lines", analysis, tmp_path / "walk.png")
    assert 50_000 < (tmp_path / "walk.png").stat().st_size <= 300_000


def test_a_fresh_clone_keeps_the_picture_and_a_probe_given_up_loses_it(plan, root, tmp_path):
    roots = {"trials_root": root, "results_root": tmp_path / "results"}
    first = build_report(plan, **roots)
    path = first.folder / "figures" / "walk.png"
    before = path.read_bytes()
    shutil.rmtree(tmp_path / "runs")
    second = build_report(plan, **roots)
    assert path.read_bytes() == before
    assert "walk.png stays as it is: the images of 2 arm(s) are not here (baseline, b)" in (
        second.notices
    )
    build_report(replace(plan, probes=()), **roots)
    assert not path.exists()


def test_the_stacked_losses_show_block_and_spread(three_arms, tmp_path, drawn):
    steps = np.tile([1.0, 3.0], 500).astype(np.float32)
    for trial in three_arms.trials:
        losses = {"d/criterion": steps + 10 * trial.replicate, "g/criterion": steps + 5}
        if trial.arm != "baseline" or trial.replicate:
            write_trial(tmp_path, trial, numbers={}, losses=losses)
    analysis = analysed(three_arms, tmp_path)
    pairs = pair_curves(analysis.curves, analysis.trials, three_arms)
    first = pairs[pairs["metric"] == "d/criterion"].drop_duplicates("arm").set_index("arm")
    assert first["replicate"].to_dict() == {
        "baseline": 1, "d_dropout=0.0": 0, "criterion=least_squares": 0,
    }  # fmt: skip
    assert first.loc["baseline", ["value", "low", "high"]].tolist() == [12.0, 10.0, 14.0]
    assert first.loc["d_dropout=0.0", ["value", "low", "high"]].tolist() == [2.0, 0.0, 4.0]
    assert draw_loss_pairs(analysis, tmp_path / "loss_pairs.png")
    panels = drawn.figure.axes
    assert [axes.get_ylabel().replace("\n", "") for axes in panels] == [
        "baseline", "d_dropout=0.0", "criterion=least_squares",
    ]  # fmt: skip
    assert panels[0].get_ylim() == panels[1].get_ylim() != panels[2].get_ylim()
    assert len({axes.get_xlim() for axes in panels}) == 1
    assert "replicate 1" in drawn.texts


def test_older_curves_have_no_stacked_losses(three_arms, run_all, tmp_path):
    analysis = analysed(three_arms, run_all(three_arms))
    older = replace(analysis, curves=analysis.curves.assign(spread=np.nan))
    assert not draw_loss_pairs(older, tmp_path / "loss_pairs.png")
